"""A draft as its recipient's program reads it, and its octets as the wire needs them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import parse_address_list, parse_mailbox
from sendmail_cli.errors import AddressError, HeaderError, InputOutputError
from sendmail_cli.message.attachments import Attachment, attachment_from_file, attachment_from_stream
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.source import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from sendmail_cli.environment import Environment
    from sendmail_cli.submission import Content

    Parsed = Callable[[Content], EmailMessage]
    Octets = Callable[[Content], bytes]

PLAIN = Draft(parse_mailbox("Ada <ada@example.org>"), to=parse_address_list("bob@example.org"), subject="Hi")


def attached(octets: bytes, name: str = "a.bin") -> Attachment:
    return attachment_from_stream(io.BytesIO(octets), name=name, note=print)


def test_a_plain_text_is_the_message_itself(environment: Environment, octets: Octets) -> None:
    message = compose(PLAIN._replace(text="hello\nworld\n"), environment)
    assert octets(message) == (
        b"Date: Tue, 07 Jul 2026 14:00:00 +0200\r\n"
        b"From: Ada <ada@example.org>\r\n"
        b"To: bob@example.org\r\n"
        b"Subject: Hi\r\n"
        b"Message-ID: <abababababababababab.1783425600@example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"hello\r\nworld\r\n"
    )
    assert message.message_id == "<abababababababababab.1783425600@example.org>"
    assert (message.is_7bit, message.has_utf8_header) == (True, False)


@pytest.mark.parametrize("draft", [PLAIN, PLAIN._replace(text="")])
def test_an_empty_body_is_an_empty_text(draft: Draft, environment: Environment, octets: Octets, parsed: Parsed) -> None:
    message = compose(draft, environment)
    assert octets(message).endswith(b"7bit\r\n\r\n")
    assert parsed(message).get_content() == ""


@pytest.mark.parametrize(
    "text",
    [
        "x\n",
        "x",
        "x\n\n",
        "\n",
        "\r\nx\r\n",
        ".\n..\n.x\n",
        "trailing \n",
        "a\rb\n",
        "ü" * 2000,
        "x" * 5000,
        "nul\0",
        "From a\n",
        "日本",
    ],
)
@pytest.mark.parametrize("form", ["alone", "with html", "with attachment"])
def test_a_body_arrives_with_its_very_end(text: str, form: str, environment: Environment, parsed: Parsed) -> None:
    draft = PLAIN._replace(text=text)
    if form == "with html":
        draft = draft._replace(html=f"<p>{text}</p>")
    if form == "with attachment":
        draft = draft._replace(attachments=(attached(b"z"),))
    part = parsed(compose(draft, environment)).get_body(("plain",))
    assert part is not None
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.replace(b"\r\n", b"\n") == text.replace("\r\n", "\n").encode()


def test_html_alone_is_html(environment: Environment, parsed: Parsed) -> None:
    message = parsed(compose(PLAIN._replace(html="<p>ü</p>"), environment))
    assert (message.get_content_type(), message.get_content()) == ("text/html", "<p>ü</p>")


def test_text_and_html_are_alternatives_and_files_are_mixed(environment: Environment, parsed: Parsed) -> None:
    draft = PLAIN._replace(
        text="t\n", html="<p>h\n", attachments=(attached(b"%PDF-1.7", "r.pdf"), attached(b"", "empty"))
    )
    message = parsed(compose(draft, environment))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html",
        "application/pdf", "application/octet-stream",
    ]  # fmt: skip
    first, second = message.iter_attachments()
    assert (first.get_filename(), first.get_content()) == ("r.pdf", b"%PDF-1.7")
    assert (second.get_filename(), second.get_content()) == ("empty", b"")


def test_files_alone_need_no_text(environment: Environment, parsed: Parsed) -> None:
    message = parsed(compose(PLAIN._replace(attachments=(attached(b"x"),)), environment))
    assert [part.get_content_type() for part in message.walk()] == ["multipart/mixed", "application/octet-stream"]


@pytest.mark.parametrize(
    "name",
    [
        "a.txt", "Übersicht – 日本語.pdf", "a b.txt", 'q"uote.txt', "it's 100%*.txt", "ü" * 127, "日" * 85, "x" * 255,
        "=?utf-8?q?x?=.txt", "a;b=c.txt", " lead", "trail ", "a,b(c)<d>.txt", "\u202egpj.exe", "e\u0301.txt", "🎉.png",
    ],
)  # fmt: skip
def test_a_file_name_arrives_as_it_is(name: str, environment: Environment, octets: Octets, parsed: Parsed) -> None:
    message = compose(PLAIN._replace(attachments=(attached(b"x\0", name),)), environment)
    (part,) = parsed(message).iter_attachments()
    assert part["content-disposition"].params["filename"] == name
    assert part.get_content_disposition() == "attachment"
    assert "name" not in part["content-type"].params  # SpamAssassin has rules for it
    assert b'filename="' in octets(message) or name.isalnum()  # the form that every reader knows


def test_attachments_are_base64_even_if_text(environment: Environment, parsed: Parsed) -> None:
    text = b"line\nbare\rcr\r\n.\n" * 100
    (part,) = parsed(compose(PLAIN._replace(attachments=(attached(text, "a.txt"),)), environment)).iter_attachments()
    assert part["content-transfer-encoding"] == "base64"
    assert part["content-type"].params["charset"] == "us-ascii"
    assert part.get_payload(decode=True) == text


@pytest.mark.parametrize("size", [1, 57, 57 * 1024, 57 * 1024 + 1, 3_000_000])
def test_a_file_of_any_size_arrives_byte_for_byte(
    size: int, environment: Environment, parsed: Parsed, tmp_path: Path
) -> None:
    content = os.urandom(size)
    path = tmp_path / "f"
    path.write_bytes(content)
    file = attachment_from_file(str(path), media_type="application/x-test", note=print)
    (part,) = parsed(compose(PLAIN._replace(text="t", attachments=(file,)), environment)).iter_attachments()
    assert part.get_payload(decode=True) == content


def test_a_large_file_is_not_held_in_memory(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    os.truncate(path, 64_000_000)
    file = attachment_from_file(str(path), media_type="application/x-test", note=print)
    tracemalloc.start()
    try:
        message = compose(PLAIN._replace(attachments=(file,)), environment)
        assert tracemalloc.get_traced_memory()[1] < 500_000  # nothing is read to know the size
        assert sum(map(len, message.chunks())) == message.size > 85_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_pieces_are_some_tens_of_kilobytes(environment: Environment) -> None:
    message = compose(PLAIN._replace(text="line\n" * 100_000, attachments=(attached(bytes(1_000_000)),)), environment)
    sizes = [len(chunk) for chunk in message.chunks()]
    assert max(sizes) <= 128 * 1024
    assert min(sizes[:-1]) >= 16 * 1024


def test_a_file_changed_since_it_was_measured_stops_the_message(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(200_000))
    file = attachment_from_file(str(path), note=print)
    pieces = compose(PLAIN._replace(attachments=(file,)), environment).chunks()
    next(pieces)
    path.write_bytes(bytes(100_000))
    with pytest.raises(InputOutputError, match="changed"):
        list(pieces)


def test_a_boundary_stands_in_no_part(environment: Environment, octets: Octets, parsed: Parsed) -> None:
    taken = "".join(f"--=_{number}_{'ab' * 12}\n" for number in (1, 2))
    message = compose(PLAIN._replace(text=taken, html="x\n", attachments=(attached(b"z"),)), environment)
    assert [part.get_content_type() for part in parsed(message).walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/octet-stream",
    ]  # fmt: skip
    assert octets(message).count(b"--=_3_" + b"ab" * 12 + b"--\r\n") == 1
    assert octets(message).count(b"--=_4_" + b"ab" * 12 + b"--\r\n") == 1


def test_names_and_subject_of_any_script(environment: Environment, parsed: Parsed) -> None:
    draft = Draft(
        parse_mailbox("Jürgen <j@bücher.example>"),
        to=parse_address_list("山田 太郎 <y@example.org>, Gruppe Ü: a@example.org, Зоя <z@example.org>;"),
        subject="Grüße aus 東京 " * 8,
        text="x",
    )
    message = parsed(compose(draft, environment))
    assert message["from"].addresses[0].display_name == "Jürgen"
    assert [a.display_name for a in message["to"].addresses] == ["山田 太郎", "", "Зоя"]
    assert message["to"].groups[1].display_name == "Gruppe Ü"
    assert message["subject"] == "Grüße aus 東京 " * 8


@pytest.mark.parametrize("name", ["a\r\nb", "ü\r\nb", "a\tb", "a\udcff", "ü\x1b"])
def test_a_name_with_a_control_is_refused_even_past_the_checks_of_attachments(
    name: str, environment: Environment
) -> None:
    file = Attachment(MemorySource(b"", "x"), name, "text/plain")
    with pytest.raises(HeaderError):
        compose(PLAIN._replace(attachments=(file,)), environment)


def test_a_plain_text_loads_nothing_heavy() -> None:
    program = """
import sys
before = set(sys.modules)
from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.environment import Environment
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft, decode_body
text, _ = decode_body(b"hello", "UTF-8")
b"".join(compose(Draft(parse_mailbox("a@example.org"), subject="s", text=text), Environment()).chunks())
print(*sorted(set(sys.modules) - before))
"""
    # -S: what site loads for editable installs is not ours
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    ).stdout.split()
    heavy = {"dataclasses", "email", "tempfile", "pathlib", "magic", "idna", "mimetypes", "json", "inspect", "random"}
    assert heavy.isdisjoint(loaded)
    assert "sendmail_cli.message.attachments" not in loaded


def test_a_local_part_beyond_ascii_asks_for_smtputf8(environment: Environment, octets: Octets) -> None:
    list_of_one = parse_address_list("jürgen@bücher.example")
    for draft in (PLAIN._replace(to=list_of_one), PLAIN._replace(headers=(("Sender", "jürgen@bücher.example"),))):
        message = compose(draft, environment)
        assert (message.is_7bit, message.has_utf8_header) == (False, True)
        assert "jürgen@xn--bcher-kva.example\r\n".encode() in octets(message)
        with pytest.raises(
            AddressError, match=r"“jürgen@xn--bcher-kva\.example” has characters beyond ASCII"
        ) as caught:
            message.as_7bit()
        assert "5.6.7" in caught.value.sentence
    author = compose(PLAIN._replace(from_=parse_mailbox("Jürgen <jürgen@bücher.example>")), environment)
    assert author.message_id == "<abababababababababab.1783425600@xn--bcher-kva.example>"


def test_what_is_7bit_is_its_own_7bit_form(environment: Environment) -> None:
    message = compose(PLAIN._replace(subject="Grüße", to=parse_address_list("ada@bücher.example")), environment)
    assert (message.is_7bit, message.has_utf8_header) == (True, False)
    assert message.as_7bit() is message
