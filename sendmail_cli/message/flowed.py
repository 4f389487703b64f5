"""Plain text whose long lines a reader may wrap to its window: format=flowed (RFC 3676)."""

from __future__ import annotations

import re

MAX_FIXED = 78  # characters; a line no longer goes as it was typed (RFC 3676 §4.2)
FLOW_AT = 72  # characters of a line that was broken: leaves room for who quotes it (the same)
SEPARATOR = "-- "  # the line above a signature, whose space is no sign of a soft break (RFC 3676 §4.3)

_QUOTED = re.compile("(>*) ?(.*)", re.DOTALL)
_WORDS = re.compile(r"[^ ]+ *| +")


def flow(text: str) -> str:
    """`text`, whose lines end in LF, in the form that `Content-Type: text/plain; format=flowed` is read in (DelSp=no).

    A paragraph is a line, of any length. Lines that begin with `>` are quotations, as many deep. Spaces at the end of
    a line are dropped, since they would join it to the next; all else is what a reader gets back.
    """
    return "\n".join(map(_flowed, text.split("\n")))


def _flowed(line: str) -> str:
    line = line.removesuffix("\r")
    quotes, content = "", line
    if line.startswith(">"):
        found = _QUOTED.fullmatch(line)
        quotes, content = (found[1], found[2]) if found is not None else ("", line)
    content = SEPARATOR if content == SEPARATOR else content.rstrip(" ")
    if len(quotes) + len(content) < MAX_FIXED:
        return _stuffed(quotes, content)
    return "\n".join(_stuffed(quotes, piece) for piece in _pieces(content, FLOW_AT - len(quotes) - 1))


def _pieces(content: str, limit: int) -> list[str]:
    """`content` cut after spaces; each piece has at most `limit` characters, or a single word."""
    pieces = []
    piece = ""
    for word in _WORDS.findall(content):
        # What looks like the line above a signature would be taken for it.
        if piece and len(piece) + len(word.rstrip(" ")) > limit and piece != SEPARATOR and piece.strip(" "):
            pieces.append(piece)
            piece = ""
        piece += word
    return [*pieces, piece]


def _stuffed(quotes: str, content: str) -> str:
    """RFC 3676 §4.4: a space is put where the content's own beginning would be taken for something else."""
    is_stuffed = content.startswith((" ", ">", "From ")) or (quotes and content)
    return f"{quotes} {content}" if is_stuffed else quotes + content
