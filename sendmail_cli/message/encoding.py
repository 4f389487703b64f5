"""Transfer encodings (RFC 2045 §6): text that may go as it is or must be encoded, and base64 by the stream."""

from __future__ import annotations

import binascii
from struct import Struct

from sendmail_cli.errors import DataError
from sendmail_cli.message.draft import AS_FITS
from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.octets import CleanLines
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.draft import TextForm
    from sendmail_cli.message.source import Source

ENCODINGS = ("7bit", "quoted-printable", "base64")  # those that every server takes
MAX_ENCODED_LINE = 76  # characters before CR LF; RFC 2045 §6.7 (5), §6.8
OCTETS_A_LINE = MAX_ENCODED_LINE // 4 * 3
LINES_A_CHUNK = 1024
BASE64_CHUNK = OCTETS_A_LINE * LINES_A_CHUNK  # octets

_PLAIN = bytes((*b"\t\n", *range(ord(" "), ord("=")), *range(ord("=") + 1, 127)))  # as it is in quoted-printable
_QUOTED = {octet: f"={octet:02X}" for octet in (*range(9), *range(10, 32), ord("="), *range(127, 256))}
_WHITE_SPACE = b" \t\r\n"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=" + _WHITE_SPACE
_MAX_HELD = 64 * 1024  # octets
_LINES = Struct(f"{MAX_ENCODED_LINE}s" * LINES_A_CHUNK)


class EncodedText(NamedTuple):
    """A body of text as it goes out: lines in CR LF, ASCII, at most 998 octets each."""

    octets: bytes
    charset: str
    encoding: str  # the Content-Transfer-Encoding


def encode_text(text: str, *, at_end: bool, form: TextForm = AS_FITS) -> EncodedText:
    """`text` in the transfer encoding that brings each of its characters and its very end to the reader.

    `at_end` says that nothing follows in the message, which itself must end in CR LF: text without a last line break
    then needs an encoding that can say so, and gets that line break where `form` allows none. Ends of lines are LF or
    CR LF; a CR elsewhere is kept as a character. Raises `DataError` for what `form` can't say, and a lone surrogate.
    """
    octets, charset = _in_charset(text.replace("\r\n", "\n"), form.charset)
    encoding = form.encoding or _shortest_encoding(octets, at_end=at_end)
    if encoding == "7bit":
        if form.encoding is not None:
            _refuse_in_7bit(octets)
        end = b"\n" if at_end and octets and not octets.endswith(b"\n") else b""
        return EncodedText((octets + end).replace(b"\n", b"\r\n"), charset, encoding)
    if encoding == "quoted-printable":
        return EncodedText(b"".join(quoted_printable(iter([octets]))), charset, encoding)
    lines = b"".join(base64_lines(iter([octets.replace(b"\n", b"\r\n")])))
    return EncodedText(lines + b"\r\n" if at_end else lines, charset, encoding)


def _in_charset(text: str, charset: str | None) -> tuple[bytes, str]:
    """`text` in `charset`, else in UTF-8, which is called US-ASCII where it is no more."""
    try:
        octets = text.encode(charset or "utf-8")
    except UnicodeEncodeError as error:
        found = text[error.start]
        line, column = text.count("\n", 0, error.start) + 1, error.start - text.rfind("\n", 0, error.start)
        if "\ud800" <= found <= "\udfff":
            raise DataError(f"the body holds what is no character (line {line}, column {column})") from None
        raise DataError(
            f"{charset} has no “{printable(found)}” (U+{ord(found):04X}), which stands in the text "
            f"(line {line}, column {column})",
            hint="Use --charset utf-8, or leave --charset out.",
        ) from None
    return octets, charset or ("us-ascii" if octets.isascii() else "utf-8")


def _shortest_encoding(octets: bytes, *, at_end: bool) -> str:
    if _fits_7bit(octets) and not (at_end and octets and not octets.endswith(b"\n")):
        return "7bit"
    return "quoted-printable" if prefers_quoted_printable(len(octets), count_plain(octets)) else "base64"


def _refuse_in_7bit(octets: bytes) -> None:
    """Raises `DataError` for the first line that RFC 2045 §2.7 has no place for."""
    for number, line in enumerate(octets.split(b"\n"), 1):
        if not line.isascii():
            what = "characters beyond ASCII"
        elif len(line) > MAX_LINE:
            what = f"more than {MAX_LINE} octets"
        elif b"\0" in line or b"\r" in line:
            what = "a NUL or a CR"
        else:
            continue
        raise DataError(
            f"line {number} of the text has {what}, which 7bit can't say",
            hint="Use --encoding quoted-printable or base64, or leave --encoding out.",
        )


def _fits_7bit(octets: bytes) -> bool:
    """RFC 2045 §2.7: short lines of ASCII without NUL and without a lone CR; and none that an mbox would change."""
    if not octets.isascii() or b"\0" in octets or b"\r" in octets:
        return False
    if octets.startswith(b"From ") or b"\nFrom " in octets:  # delivered as “>From ” (RFC 4155)
        return False
    return max(map(len, octets.split(b"\n"))) <= MAX_LINE


def prefers_quoted_printable(size: int, plain: int) -> bool:
    """True for `size` octets of text of which `plain` are plain (see `count_plain`): the shorter form, or the same.

    Quoted-printable takes two octets more for each it must escape, base64 one more for every three. Mostly plain text
    stays readable so, and text of another script takes the shorter form.
    """
    return 6 * (size - plain) < size


def count_plain(octets: bytes) -> int:
    """How many of `octets`, whose lines end in LF, go as they are in quoted-printable."""
    return len(octets) - len(octets.translate(None, _PLAIN))


def quoted_printable(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks`, whose lines end in LF, in quoted-printable (RFC 2045 §6.7), in CR LF.

    Text without a last line break ends in a soft one, so that a message can end in CR LF all the same. Of a line
    without end no more is held than `_MAX_HELD`.
    """
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk.decode("latin-1")).split("\n")
        lines = [_quoted_line(line) for line in whole]
        while len(rest) > _MAX_HELD:
            lines.append(_quoted_line(rest[:_MAX_HELD], MAX_ENCODED_LINE - 1) + "=")
            rest = rest[_MAX_HELD:]
        if lines:
            yield "\r\n".join([*lines, ""]).encode("ascii")
    if rest:
        yield f"{_quoted_line(rest, MAX_ENCODED_LINE - 1)}=\r\n".encode("ascii")


def _quoted_line(line: str, last: int = MAX_ENCODED_LINE) -> str:
    """One line, broken by soft line breaks; its last piece has at most `last` characters."""
    quoted = line.translate(_QUOTED)
    if quoted.startswith("From "):  # mail boxes in one file begin a message so, and mangle it elsewhere
        quoted = "=46" + quoted[1:]
    if quoted.endswith((" ", "\t")):
        quoted = f"{quoted[:-1]}={ord(quoted[-1]):02X}"
    pieces = []
    at = 0
    while len(quoted) - at > last:
        end = at + MAX_ENCODED_LINE - 1  # leaves room for the "="
        end -= quoted.startswith("From ", end)  # no line of the message begins so
        # "=3D" is never broken in two
        end -= next((back for back in (1, 2) if quoted[end - back] == "="), 0)
        pieces.append(quoted[at:end])
        at = end
    return "=\r\n".join([*pieces, quoted[at:]])


def base64_length(size: int) -> int:
    """Octets of `size` octets in base64, with CR LF between its lines and none after the last."""
    lines = -(-size // OCTETS_A_LINE)
    return -(-size // 3) * 4 + 2 * max(lines - 1, 0)


def base64_of(source: Source) -> Iterator[bytes]:
    """All of `source` in base64, as `base64_length` measures it. Raises `InputOutputError` when it has changed."""
    return base64_lines(source.chunks(BASE64_CHUNK))


def base64_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks` in base64, in lines of 76 joined by CR LF. Each chunk but the last is a whole number of lines."""
    between = b""
    for chunk in chunks:
        text = binascii.b2a_base64(chunk, newline=False)
        if len(text) == _LINES.size:  # three times as fast as slicing
            yield CleanLines(between + b"\r\n".join(_LINES.unpack(text)))
        else:
            cut = range(0, len(text), MAX_ENCODED_LINE)
            yield between + b"\r\n".join([text[at : at + MAX_ENCODED_LINE] for at in cut])
        between = b"\r\n"


def rewrapped_base64(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Base64 in lines of whatever length, in lines of 76."""
    held = b""
    for chunk in chunks:
        held += chunk.translate(None, _WHITE_SPACE)
        whole = len(held) - len(held) % MAX_ENCODED_LINE
        if whole:
            lines = [held[at : at + MAX_ENCODED_LINE] for at in range(0, whole, MAX_ENCODED_LINE)]
            yield b"\r\n".join([*lines, b""])
        held = held[whole:]
    if held:
        yield held


def is_base64(octets: bytes) -> bool:
    """True when each of `octets` is one of base64's, or white space (RFC 2045 §6.8)."""
    return not octets.translate(None, _BASE64)
