"""What DSN puts into one word, and back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.xtext import (
    embedded,
    extracted,
    original_field,
    original_recipient,
    parse_original_recipient,
    parse_xtext,
    xtext,
)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)
XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*")  # RFC 3461 §4, as it stands there


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain!*,-<>-~", "plain!*,-<>-~"), ("a+b=c d", "a+2Bb+3Dc+20d"), ("", "")],
)
def test_xtext(text: str, expected: str) -> None:
    assert xtext(text) == expected


@given(PRINTABLE)
def test_what_is_made_xtext_is_xtext_and_comes_back(text: str) -> None:
    assert XTEXT.fullmatch(xtext(text))
    assert parse_xtext(xtext(text)) == text


@given(st.text(max_size=30))
def test_any_text_is_xtext_or_refused_and_never_more_than_printable_ascii(text: str) -> None:
    try:
        said = parse_xtext(text)
    except ValueError:
        return
    assert XTEXT.fullmatch(text)
    assert said.isascii()
    assert said.isprintable()


@pytest.mark.parametrize("text", ["", "a b", "a=b", "a+", "a+2", "a+2b", "a+GG", "a+0D+0A", "a+00", "a+7F", "+E4", "ä"])
def test_what_is_no_xtext(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_xtext(text)


def test_an_original_recipient_beyond_ascii() -> None:
    assert original_recipient(AddrSpec("bü\\o+", "example.org")) == r'utf-8;"b\x{FC}\x{5C}\x{5C}o\x{2B}"@example.org'


@pytest.mark.parametrize(
    ("text", "expected", "field"),
    [
        ("rfc822;Bob+2Bx@example.org", "rfc822;Bob+2Bx@example.org", "rfc822; Bob+x@example.org"),
        ("RFC822;a+20b", "RFC822;a+20b", "RFC822; a b"),
        ("x400;/C=de".replace("=", "+3D"), "x400;/C+3Dde", "x400; /C=de"),
        ("utf-8;büro@x", r"utf-8;b\x{FC}ro@x", r"utf-8; b\x{FC}ro@x"),
        (r"utf-8;b\x{FC}ro\x{2B}@x", r"utf-8;b\x{FC}ro\x{2B}@x", r"utf-8; b\x{FC}ro\x{2B}@x"),
    ],
)
def test_an_original_recipient_is_kept_to_the_letter(text: str, expected: str, field: str) -> None:
    assert parse_original_recipient(text) == expected
    assert original_field(expected) == field


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.org", "rfc822;", ";bob@example.org", "rfc 822;x", "rfc822;a b", "rfc822;a+2", "rfc822;büro@x",
        "rfc822;x+0D+0AEvil:+20yes", r"utf-8;a\x{0A}b", r"utf-8;a\x{D800}", r"utf-8;a\x{110000}", "utf-8;a+b", "utf-8;",
        r"utf-8;a\b", "utf-8;a\u200fb", "rfc822;" + "x" * 494, "utf-8;" + "ü" * 90,
    ],
)  # fmt: skip
def test_what_is_no_original_recipient(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_original_recipient(text)


def test_a_row_that_was_damaged_breaks_no_field() -> None:
    assert original_field("rfc822;a\r\nEvil: yes") == "rfc822; a+0D+0AEvil:+20yes"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_embedded_is_ascii_and_comes_back(text: str) -> None:
    assert embedded(text).isascii()
    assert extracted(embedded(text)) == text


@given(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20))
def test_any_address_is_an_original_recipient(text: str) -> None:
    assert parse_original_recipient(f"utf-8;{embedded(text)}") == f"utf-8;{embedded(text)}"
