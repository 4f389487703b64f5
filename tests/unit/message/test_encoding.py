"""Text keeps every character and its end; lines keep to their limits; base64 is what the standard library decodes."""

from __future__ import annotations

import base64
import quopri

import pytest

from sendmail_cli.errors import DataError
from sendmail_cli.message.encoding import (
    LINES_A_CHUNK,
    OCTETS_A_LINE,
    base64_length,
    base64_of,
    encode_text,
    quoted_printable,
)
from sendmail_cli.message.source import MemorySource
from sendmail_cli.octets import CleanLines


@pytest.mark.parametrize(
    ("text", "at_end", "encoding", "charset"),
    [
        ("", True, "7bit", "us-ascii"),
        ("plain\n", True, "7bit", "us-ascii"),
        ("plain\r\nlines\r\n", True, "7bit", "us-ascii"),
        ("no end", False, "7bit", "us-ascii"),
        ("no end", True, "quoted-printable", "us-ascii"),
        ("é", True, "base64", "utf-8"),
        ("-- \ntrailing  \n", True, "7bit", "us-ascii"),
        ("x" * 998 + "\n", True, "7bit", "us-ascii"),
        ("x" * 999 + "\n", True, "quoted-printable", "us-ascii"),
        ("a line with nul\0\n", True, "quoted-printable", "us-ascii"),
        ("bare\rcr\n", True, "quoted-printable", "us-ascii"),
        ("mostly ascii with one ü in it\n", True, "quoted-printable", "utf-8"),
        ("日本語の本文です。\n", True, "base64", "utf-8"),
        ("\x1b[1m\f\n", True, "7bit", "us-ascii"),
    ],
)
def test_text_is_encoded_where_it_must_be(text: str, at_end: bool, encoding: str, charset: str) -> None:
    encoded = encode_text(text, at_end=at_end)
    assert (encoded.encoding, encoded.charset) == (encoding, charset)
    if at_end and text:
        assert encoded.octets.endswith(b"\r\n")
    if encoding != "7bit":
        assert max(map(len, encoded.octets.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b\rc and so on\n", b"a=3Db=0Dc and so on\r\n"),
        ("ü trailing \t\nplain text that is long\n", b"=C3=BC trailing =09\r\nplain text that is long\r\n"),
        ("From me\0", b"=46rom me=00=\r\n"),
        ("x" * 76 + "\0\n", b"x" * 75 + b"=\r\nx=00\r\n"),
        ("x" * 73 + "\0" + "y" * 40 + "\n", b"x" * 73 + b"=\r\n=00" + b"y" * 40 + b"\r\n"),
        ("x" * 74 + "\0" + "y" * 40 + "\n", b"x" * 74 + b"=\r\n=00" + b"y" * 40 + b"\r\n"),
        ("x" * 76, b"x" * 75 + b"=\r\nx=\r\n"),
        ("x" * 75, b"x" * 75 + b"=\r\n"),
    ],
)
def test_quoted_printable_as_in_the_rfc(text: str, expected: bytes) -> None:
    encoded = encode_text(text, at_end=True)
    assert encoded.octets == expected
    assert quopri.decodestring(expected).replace(b"\r\n", b"\n") == text.encode()


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(DataError, match=r"line 1, column 2\)"):
        encode_text("a\udcff", at_end=True)


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, 56, 57, 58, 114, OCTETS_A_LINE * LINES_A_CHUNK - 1, OCTETS_A_LINE * LINES_A_CHUNK, 200_000]
)
def test_base64_has_the_length_that_was_announced(size: int) -> None:
    octets = bytes(number * 7 % 256 for number in range(size))
    encoded = b"".join(base64_of(MemorySource(octets, "x")))
    assert len(encoded) == base64_length(size)
    assert base64.b64decode(encoded) == octets
    lines = encoded.split(b"\r\n")
    assert all(len(line) == 76 for line in lines[:-1])
    assert len(lines[-1]) <= 76
    assert bool(lines[-1]) == bool(size)


@pytest.mark.parametrize("text", ["From me\n", "Hello\nFrom me\n", f"{'x' * 75}From me\n", f"é{'x' * 69}From me\n"])
def test_no_line_begins_as_an_mbox_does(text: str) -> None:
    octets = encode_text(text, at_end=True).octets
    assert not octets.startswith(b"From ")
    assert b"\nFrom " not in octets


def test_lines_that_vouch_for_themselves_are_what_they_say() -> None:
    source = MemorySource(bytes(range(256)) * 1000, "x")
    chunks = list(base64_of(source))
    assert any(type(chunk) is CleanLines for chunk in chunks)
    for chunk in chunks:
        assert chunk.count(b"\r") == chunk.count(b"\n") == chunk.count(b"\r\n")
        assert b"." not in chunk


def test_of_a_line_without_end_little_is_held() -> None:
    pieces = list(quoted_printable(iter([b"x" * 60_000] * 20)))
    assert max(map(len, pieces)) < 150_000
    assert b"".join(pieces).replace(b"=\r\n", b"") == b"x" * 1_200_000
