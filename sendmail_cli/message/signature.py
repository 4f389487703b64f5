"""The signature below a text: after a line of two hyphens and a space, by which readers know and fold it away."""

from __future__ import annotations

import re

SEPARATOR = "-- \n"  # RFC 3676 §4.3; an agreement of news readers before that

_ENDS = (re.compile("</body[ \t\r\n]*>", re.IGNORECASE), re.compile("</html[ \t\r\n]*>", re.IGNORECASE))


def sign_text(text: str, signature: str) -> str:
    """`text` and, below it, `signature`, each ending in a line break."""
    between = "" if not text or text.endswith("\n") else "\n"
    return text + between + SEPARATOR + _lines(signature) + "\n"


def sign_html(html: str, signature: str) -> str:
    """`html` with `signature`, which is plain text, at the end of its body."""
    from html import escape

    shown = "<br>\n".join(map(escape, _lines(signature).split("\n")))
    block = f'<div class="signature">{SEPARATOR.rstrip()} <br>\n{shown}</div>\n'
    for end in _ENDS:
        places = [found.start() for found in end.finditer(html)]
        if places:  # the last one: what comes before may stand in a comment
            return html[: places[-1]] + block + html[places[-1] :]
    between = "" if not html or html.endswith("\n") else "\n"
    return html + between + block


def _lines(signature: str) -> str:
    """Without the separator, which some keep in the file itself, and without the last line break."""
    return signature.replace("\r\n", "\n").removeprefix(SEPARATOR).rstrip("\n")
