"""Text from outside made safe to show: nothing a server or a file says may steer a terminal or a log.

A reply with an escape sequence could clear the screen, retitle the window or hide the line above it (CWE-150);
bidirectional controls could make `550` read as `250`.
"""

from __future__ import annotations

MAX_SHOWN = 1000  # characters; a longer text ends with a note of what was left out

# Characters that move the cursor, change direction or show nothing at all.
_BIDI_AND_INVISIBLE = (
    *range(0x200B, 0x2010),  # zero width, LRM, RLM
    *range(0x2028, 0x202F),  # line and paragraph separators, embeddings and overrides
    *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates
    0x061C,  # Arabic letter mark
    0xFEFF,  # byte order mark
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
)
_VISIBLE = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" for code in (*_BIDI_AND_INVISIBLE, *range(0xD800, 0xE000))},
    0x09: "\\t",
    0x0A: "\\n",
    0x0D: "\\r",
}


def find_control(text: str) -> int | None:
    """Where in `text` the first control character stands (C0 with TAB, DEL, C1) or octet that is no UTF-8; or None.

    Without a regular expression: one that names the lone surrogates takes longer to compile than all the rest to run.
    """
    if text.isprintable():
        return None
    return next((at for at, character in enumerate(text) if _is_control(character)), None)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` with C0, C1, DEL, bidirectional and invisible controls written as escapes, at most `limit` characters.

    Ordinary text of any script comes back as it is; the result never holds a line break and encodes to UTF-8.
    """
    omitted = len(text) - limit
    if omitted > 0:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_VISIBLE)
    return f"{text}… ({omitted} more characters)" if omitted > 0 else text
