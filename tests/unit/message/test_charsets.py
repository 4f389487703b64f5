"""The names of charsets."""

from __future__ import annotations

import pytest

from sendmail_cli.errors import DataError
from sendmail_cli.message.charsets import parse_charset, parse_file_charset


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("UTF8", "utf-8"), (" utf-8 ", "utf-8"), ("ascii", "us-ascii"), ("latin1", "iso-8859-1"), ("l9", "iso-8859-15"),
        ("cp1252", "windows-1252"), ("sjis", "shift_jis"), ("koi8_r", "koi8-r"), ("iso-2022-jp", "iso-2022-jp"),
    ],
)  # fmt: skip
def test_are_those_of_mail(typed: str, name: str) -> None:
    assert parse_charset(typed) == parse_file_charset(typed) == name
    assert "x".encode(name) == b"x"


@pytest.mark.parametrize("typed", ["", "klingon", "hex", "rot13", "idna", "utf-7", "utf-16", "a\0b", "ü", "x" * 10_000])
def test_another_is_refused(typed: str) -> None:
    with pytest.raises(DataError, match="is no charset"):
        parse_charset(typed)


def test_files_may_be_wider() -> None:
    assert parse_file_charset("UTF-16LE") == "utf-16le"
