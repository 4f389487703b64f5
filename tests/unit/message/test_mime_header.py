"""What a header says of the body below it, however it is written."""

from __future__ import annotations

import pytest

from sendmail_cli.message.mime_header import MimeHeader, mime_header
from sendmail_cli.message.raw_header import Field


def header(*fields: tuple[str, str], is_message: bool = False) -> MimeHeader:
    made = tuple(
        Field(name.lower(), f"{name}: {value}\r\n".encode(), number) for number, (name, value) in enumerate(fields)
    )
    return mime_header(made, is_message=is_message)


@pytest.mark.parametrize(
    ("value", "media_type", "boundary"),
    [
        ("text/html", "text/html", None),
        (" Text/HTML ; charset=x", "text/html", None),
        ("text/plain(a comment)", "text/plain", None),
        ("text/plain; boundary=b", "text/plain", None),
        ("multipart/mixed; boundary=b", "multipart/mixed", b"b"),
        ('Multipart/Mixed; a="x;boundary=no\\"";\r\n\tBOUNDARY = "a b \\"c "', "multipart/mixed", b'a b "c'),
        ("multipart/mixed; boundary=ü", "multipart/mixed", "ü".encode()),
        ("multipart/mixed; x; boundary=b; boundary=c", "multipart/mixed", b"b"),
        ("multipart/mixed", "multipart/mixed", None),
        ('multipart/mixed; boundary=""', "multipart/mixed", None),
        ("multipart/mixed; boundary*=utf-8''b", "multipart/mixed", None),
        ("multipart/mixed; boundary=" + "b" * 201, "multipart/mixed", None),
        ('multipart/mixed; boundary="b', "multipart/mixed", None),
    ],
)
def test_a_content_type(value: str, media_type: str, boundary: bytes | None) -> None:
    found = header(("Content-Type", value))
    assert (found.media_type, found.boundary, found.problem) == (media_type, boundary, "")


@pytest.mark.parametrize("value", ["", "text", "text/", "(c) multipart/mixed; boundary=b", "text/plain x"])
def test_a_content_type_that_is_none(value: str) -> None:
    assert "its Content-Type is none" in header(("Content-Type", value)).problem


@pytest.mark.parametrize(
    ("value", "encoding"),
    [("8BIT", "8bit"), (" Base64 (of course)", "base64"), ("7bit;", "7bit"), ("x-uuencode", "x-uuencode"),
     ("what is this", "what is this")],
)  # fmt: skip
def test_a_transfer_encoding(value: str, encoding: str) -> None:
    assert header(("Content-Transfer-Encoding", value)).encoding == encoding


def test_a_new_label_takes_the_place_of_the_old() -> None:
    found = header(("A", "1"), ("CONTENT-Transfer-Encoding", "8bit\r\n (x)"), ("B", "2"))
    assert found.relabelled("base64") == b"A: 1\r\nContent-Transfer-Encoding: base64\r\nB: 2\r\n"


def test_what_is_missing_is_added() -> None:
    assert header(("A", "1"), is_message=True).relabelled("base64", "utf-8") == (
        b"A: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    )
    assert header(("Mime-Version", "1.0"), is_message=True).relabelled("7bit") == (
        b"Mime-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n"
    )
