"""Non-ASCII in a header that must be ASCII: encoded-words (RFC 2047) and extended parameters (RFC 2231)."""

from __future__ import annotations

import re

from sendmail_cli.message.headers import MAX_ENCODED_WORD, looks_encoded
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FRAME = len("=?utf-8?b?") + len("?=")

MAX_SEGMENT = 60  # characters of one piece of a long parameter, so that its line stays under 78
MAX_LIKENESS = 255  # characters; a ligature can stand for many letters
_PLAIN_VALUE = "[A-Za-z0-9-]+"  # RFC 2045 §5.1 allows more; readers are surer of what is quoted
_ATTRIBUTE_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~")
_PERCENT = [chr(octet) if octet in _ATTRIBUTE_CHARACTERS else f"%{octet:02X}" for octet in range(256)]


def encoded_words(text: str, room: int = MAX_ENCODED_WORD) -> list[str]:
    """`text` as encoded-words, each whole characters of UTF-8 and at most 75 characters long, the first at most `room`.

    In "Q" where most characters are ASCII, else in "B" (RFC 2047 §4): to filters, what is hidden without need is spam.
    Where `room` is too small for anything, the first takes what it needs: the caller breaks the line before it.
    """
    from email.charset import BASE64, QP, Charset
    from email.quoprimime import header_length

    # The package's own Header splits at every U+2028 and such and loses it, so the cutting is ours.
    charset = Charset("utf-8")
    first, other = min(room, MAX_ENCODED_WORD) - _FRAME, MAX_ENCODED_WORD - _FRAME
    if 2 * sum(map(str.isascii, text)) > len(text):
        charset.header_encoding = QP
        pieces = _pieces(text, header_length, first, other)
    else:
        charset.header_encoding = BASE64
        pieces = _pieces(text, len, first // 4 * 3, other // 4 * 3)
    return [charset.header_encode(piece) for piece in pieces]


def _pieces(text: str, length: Callable[[bytes], int], first: int, other: int) -> Iterator[str]:
    """`text` cut between characters: the octets of the first piece have the `length` `first` at most, if one fits."""
    fits = first if length(text[:1].encode()) <= first else other
    start = used = 0
    for at, character in enumerate(text):
        needed = length(character.encode())
        if used + needed > fits:
            yield text[start:at]
            start, used, fits = at, 0, other
        used += needed
    yield text[start:]


def parameters(name: str, value: str) -> list[str]:
    """`name=value` as a MIME parameter, in the pieces between which a line may be broken.

    Plain where readers agree on it, and on quoted pairs they don't; else in the extended form of RFC 2231, continued
    where it is long, and followed by the plain form in ASCII for readers that know no better. Those that know both take
    the first.
    """
    if value.isascii() and not looks_encoded(value) and "\\" not in value and '"' not in value:
        return [f"{name}={_plain(value)}"]
    return [*_extended(name, value), f"{name}={_plain(ascii_likeness(value))}"]


def ascii_likeness(text: str) -> str:
    """`text` in ASCII: letters without their accents, `_` for what has no likeness there."""
    import unicodedata

    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    likeness = "".join(c if " " <= c <= "~" and c not in '"\\/' else "_" for c in letters)[:MAX_LIKENESS]
    return likeness.replace("=?", "__") if likeness.strip(".") else "_"


def _plain(value: str) -> str:
    return value if re.fullmatch(_PLAIN_VALUE, value) else f'"{value}"'


def _extended(name: str, value: str) -> list[str]:
    segments, segment = [], "utf-8''"
    for character in ("".join(_PERCENT[octet] for octet in letter.encode()) for letter in value):
        # Never within a character: Python's own reader, for one, decodes each segment alone.
        if len(segment) + len(character) > MAX_SEGMENT:
            segments.append(segment)
            segment = ""
        segment += character
    segments.append(segment)
    if len(segments) == 1:
        return [f"{name}*={segment}"]
    return [f"{name}*{number}*={text}" for number, text in enumerate(segments)]
