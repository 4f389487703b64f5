"""Text from outside made safe to show: nothing a server or a file says may steer a terminal or a log.

A reply with an escape sequence could clear the screen, retitle the window or hide the line above it (CWE-150);
bidirectional controls could make `550` read as `250`.
"""

from __future__ import annotations

MAX_SHOWN = 1000  # characters; a longer text ends with a note of what was left out

# Python's `isprintable` knows controls, direction marks, tags, lone surrogates and what is no character. Beyond it:
_SPACES = frozenset((0xA0, 0x202F, 0x3000))  # no-break and ideographic: ordinary in French and Chinese
_BLANK_LETTERS = frozenset((0x115F, 0x1160, 0x3164, 0xFFA0))  # Hangul fillers show nothing
_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


class _Escapes:
    """For `str.translate`: how a character is shown; LookupError leaves it as it is."""

    def __getitem__(self, code: int) -> str:
        if code in _SPACES or (chr(code).isprintable() and code not in _BLANK_LETTERS):
            raise LookupError
        if code < 0x100:
            return _SHORT.get(code, f"\\x{code:02x}")
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def find_control(text: str) -> int | None:
    """Where in `text` the first control character stands (C0 with TAB, DEL, C1) or octet that is no UTF-8; or None.

    Without a regular expression: one that names the lone surrogates takes longer to compile than all the rest to run.
    """
    if text.isprintable():
        return None
    return next((at for at, character in enumerate(text) if _is_control(character)), None)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"


def one_line(text: str) -> str:
    """`text` with a space for each control character, none at the ends: fit for a header field."""
    if find_control(text) is not None:
        text = "".join(" " if find_control(character) is not None else character for character in text)
    return text.strip(" ")


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` with C0, C1, DEL, bidirectional and invisible controls written as escapes, at most `limit` characters.

    Ordinary text of any script comes back as it is; the result never holds a line break and encodes to UTF-8.
    """
    omitted = len(text) - limit
    if omitted > 0:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_Escapes())
    return f"{text}… ({omitted} more characters)" if omitted > 0 else text
