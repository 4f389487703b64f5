"""A message taken apart: its parts, what they hold, and what stays in memory."""

from __future__ import annotations

import tracemalloc
from base64 import encodebytes
from email.message import EmailMessage
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.message.anatomy import KEPT, KEPT_IN_ALL, KEPT_OF_END, MAX_DEPTH, MAX_PARTS, anatomy_of

if TYPE_CHECKING:
    from sendmail_cli.message.anatomy import Part


def read(octets: bytes, length: int = 1 << 16) -> Part:
    return anatomy_of(octets[at : at + length] for at in range(0, len(octets), length))


def whole() -> bytes:
    message = EmailMessage()
    message["Subject"] = "Zoë"
    message.set_content("text\n")
    message.add_alternative("<p>page", subtype="html")
    message.add_attachment(b"\0\xff" * 100, maintype="application", subtype="x-y", filename="Zoë's “file”.bin")
    within = EmailMessage()
    within["Subject"] = "within"
    within.set_content("inside\n")
    within.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="a.csv")
    message.add_attachment(within)
    return bytes(message).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("length", [1, 7, 1 << 16])
def test_the_parts(length: int) -> None:
    message = read(whole(), length)

    assert [(part.number, part.media_type, part.size) for part in message.walk()] == [
        ("", "multipart/mixed", 0),
        ("1", "multipart/alternative", 0),
        ("1.1", "text/plain", 5),
        ("1.2", "text/html", 8),
        ("2", "application/x-y", 200),
        ("3", "message/rfc822", 0),
        ("3.0", "multipart/mixed", 0),
        ("3.1", "text/plain", 7),
        ("3.2", "text/csv", 4),
    ]
    assert message.value("subject") == "Zoë"
    parts = {part.number: part for part in message.walk()}
    assert parts["2"].name == "Zoë's “file”.bin"
    assert parts["2"].beginning == b"\0\xff" * 100
    assert parts["2"].disposition == "attachment"
    assert parts["3.0"].value("subject") == "within"
    assert not any(part.problem for part in message.walk())
    assert [part.number for part in message.walk() if part.is_text] == ["1.1", "1.2", "3.1"]
    assert [part.number for part in message.walk(into_messages=False)] == ["", "1", "1.1", "1.2", "2", "3"]


def test_a_message_that_is_nothing_but_another_one_stays_closed() -> None:
    message = read(b"Content-Type: message/rfc822\r\n\r\n" * 3 + b"\r\nhello\r\n")

    assert [part.media_type for part in message.walk()] == ["message/rfc822"] * 3 + ["text/plain"]
    assert list(message.walk(into_messages=False)) == [message]


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", b"aGVsbG8=\r\n", b"hello"),
        ("base64", b"aGVs\r\n bG8", b"hello"),
        ("base64", b"aGVsbG8===\r\n!!\r\n", b"hello"),
        ("base64", b"a", b""),
        ("quoted-printable", b"gr=C3=BC=\r\n=C3=9Fe\r\n", b"gr\xc3\xbc\xc3\x9fe\n"),
        ("quoted-printable", b"=", b""),
        ("8bit", b"gr\xc3\xbc\r\n", b"gr\xc3\xbc\n"),
        ("x-unknown", b"hello\r\n", b"hello\n"),
    ],
)
@pytest.mark.parametrize("length", [1, 1 << 16])
def test_the_content_is_decoded(encoding: str, body: bytes, content: bytes, length: int) -> None:
    part = read(b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body, length)

    assert (part.beginning, part.size, part.is_whole) == (content, len(content), True)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"Content-Type: text/plain; name=a.txt", "a.txt"),
        (b'Content-Disposition: attachment; filename="a b.txt"', "a b.txt"),
        (b"Content-Disposition: attachment; filename*=utf-8''Zo%C3%AB.txt", "Zoë.txt"),
        (b"Content-Disposition: attachment; filename*0=a; filename*1=b.txt", "ab.txt"),
        (b'Content-Disposition: attachment; filename="=?utf-8?q?Zo=C3=AB=2Etxt?="', "Zoë.txt"),
        (b"Content-Disposition: attachment; filename*=nonsense''%ff.txt", "ÿ.txt"),
        (b"Content-Disposition: attachment", ""),
        (b"Content-Disposition: \xff; filename=\xff", "\ufffd"),
    ],
)
def test_the_name(header: bytes, name: str) -> None:
    assert read(header + b"\r\n\r\n").name == name


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na", "no end"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n", "no part"),
        (b"Content-Type: multipart/mixed\r\n\r\na", "no boundary"),
        (b"Content-Type: nonsense\r\n\r\na", "its Content-Type is none"),
        (b"Subject: x\r\nno header\r\n\r\na", "no header field"),
    ],
)
def test_what_is_broken_is_said(octets: bytes, problem: str) -> None:
    assert problem in read(octets).problem


def test_a_boundary_within_the_same_boundary_ends_it() -> None:
    inner = b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n"
    message = read(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + inner)

    assert [part.number for part in message.walk()] == ["", "1", "2"]


def test_an_outer_boundary_ends_what_is_open() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
        b"--y\r\n\r\na\r\n--x\r\n\r\nb\r\n--x--\r\nepilogue"
    )
    message = read(octets)

    assert [(part.number, part.beginning) for part in message.walk() if not part.parts] == [("1.1", b"a"), ("2", b"b")]
    assert message.parts[0].problem


def test_a_digest_holds_messages() -> None:
    octets = b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: one\r\n\r\na\r\n--x--\r\n"

    assert [part.media_type for part in read(octets).walk()] == ["multipart/digest", "message/rfc822", "text/plain"]


def test_a_thousand_depths_are_some() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"Subject: x\r\n\r\n"

    assert len(list(read(octets).walk())) == MAX_DEPTH + 1


def test_many_parts_are_some() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * 5000 + b"--x--\r\n"
    message = read(octets)

    assert len(list(message.walk())) == MAX_PARTS
    assert not message.problem


def test_an_endless_attachment_takes_no_more_memory_than_what_is_kept() -> None:
    chunk = encodebytes(bytes(57 * 1024)).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    tracemalloc.start()
    part = anatomy_of(chain([head], repeat(chunk, 1000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert part.size == 57 * 1024 * 1000
    assert (len(part.beginning), len(part.end)) == (KEPT, KEPT_OF_END)
    assert not part.is_whole
    assert peak < 4 * KEPT


def test_many_large_attachments_share_what_is_kept() -> None:
    part = b"--x\r\n\r\n" + b"a" * 70 * (KEPT // 70) + b"\r\n"
    chunks = chain([b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"], repeat(part, 30), [b"--x--\r\n"])
    message = anatomy_of(iter(chunks))

    assert len(message.parts) == 30
    assert sum(len(each.beginning) for each in message.parts) <= KEPT_IN_ALL


def test_text_in_no_charset() -> None:
    assert read(b"Content-Type: text/plain; charset=hex\r\n\r\nz\xff").text == "z\ufffd"
    assert read(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nz\xff").text == "zÿ"
