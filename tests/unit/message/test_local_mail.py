"""What programs of this machine write, and what leaves it."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addressees import LocalName
from sendmail_cli.addresses import AddrSpec, Group, Mailbox
from sendmail_cli.environment import Environment
from sendmail_cli.errors import AddressError, MailError
from sendmail_cli.message.local_mail import LocalRules, local_message
from sendmail_cli.message.source import MemorySource

if TYPE_CHECKING:
    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Address
    from sendmail_cli.message.raw import RawMessage

ADA = Mailbox("Ada", AddrSpec("ada", "example.org"))


class Here(Environment):
    charset = "UTF-8"

    def now(self) -> float:
        return 0.0

    def random_bytes(self, count: int) -> bytes:
        return b"\1" * count

    def locale_charset(self) -> str:
        return self.charset


def outside(name: LocalName) -> Mailbox:
    return Mailbox(name.name or name.local_part, ADA.address)


def resolve(addressees: tuple[Addressee, ...]) -> tuple[Address, ...]:
    found: list[Address] = []
    for each in addressees:
        if isinstance(each, LocalName) and each.local_part == "nobody":
            raise AddressError("nobody is no address")
        if isinstance(each, LocalName):
            found.append(Mailbox(each.name, AddrSpec(each.local_part, "local.example")))
        elif isinstance(each, Mailbox | Group):
            found.append(each)
    return tuple(found)


def made(text: bytes, charset: str = "UTF-8") -> RawMessage:
    here = Here()
    here.charset = charset
    return local_message(MemorySource(text, "standard input"), LocalRules(ADA, outside, resolve), here)


def sent(text: bytes, charset: str = "UTF-8") -> bytes:
    return b"".join(made(text, charset).chunks())


def fields(text: bytes, charset: str = "UTF-8") -> list[bytes]:
    head = sent(text, charset).partition(b"\r\n\r\n")[0]
    return [line for line in head.split(b"\r\n") if not line.startswith((b"Date: ", b"Message-ID: "))]


def test_cron() -> None:
    header = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> grüße\nX-Cron-Env: <SHELL=/bin/sh>\n"
    assert fields(header.encode() + b"\nhi\n") == [
        b"From: Cron Daemon <ada@example.org>",
        b"To: root@local.example",
        b"Subject: Cron <root@host> =?utf-8?q?gr=C3=BC=C3=9Fe?=",
        b"X-Cron-Env: <SHELL=/bin/sh>",
    ]


def test_what_can_leave_stays_byte_for_byte() -> None:
    text = b"From:  Bob   <bob@example.org>\nTo: eve@example.org (Eve),\n\tjoe@example.org\nX: a   b\n\nhello\n"
    head, _, body = sent(text).partition(b"\r\n\r\n")
    assert head.startswith(text.partition(b"\n\n")[0].replace(b"\n", b"\r\n"))
    assert body == b"hello\r\n"


def test_a_text_without_any_header_is_the_body() -> None:
    octets = sent(b"disk full\nreally\n")
    assert octets.startswith(b"From: Ada <ada@example.org>\r\nDate: ")
    assert octets.endswith(b"\r\n\r\ndisk full\r\nreally\r\n")


@pytest.mark.parametrize("text", [b"\nhello\n", b"\r\nhello\n"])
def test_an_empty_first_line_is_an_empty_header(text: bytes) -> None:
    assert sent(text).endswith(b"\r\n\r\nhello\r\n")


def test_the_first_line_that_is_no_field_begins_the_body() -> None:
    assert sent(b"Subject: x\nhello there\nX: y\n").endswith(b"\r\n\r\nhello there\r\nX: y\r\n")
    assert fields(b"Subject: x\nhello there\n")[-1] == b"Subject: x"


def test_a_header_alone() -> None:
    assert sent(b"Subject: x\n").endswith(b"\r\n\r\n")


def test_an_mbox_line_is_passed_over() -> None:
    assert b"From root@" not in sent(b"From root@host Thu Jan  1 00:00:00 1970\nSubject: x\n\nhi\n")


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (b"www-data", b"From: www-data <ada@example.org>"),
        (b"www-data, bob@example.org", b"From: www-data <ada@example.org>, bob@example.org"),
        (b"not an address at all <", b"From: Ada <ada@example.org>"),
        (b"Gr\xc3\xbc\xc3\x9fe <bob@example.org>", b"From: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <bob@example.org>"),
    ],
)
def test_an_author(author: bytes, expected: bytes) -> None:
    assert expected in fields(b"From: " + author + b"\n\nhi\n")


def test_a_recipient_that_nobody_is_has_its_own_error() -> None:
    with pytest.raises(AddressError, match="nobody is no address"):
        sent(b"To: nobody\n\nhi\n")


@pytest.mark.parametrize(
    "text",
    [b"From:\nDate:\nMessage-ID: \n\nhi\n", b"From: <>\n\nhi\n", b"From: nobody at all:;\n\nhi\n"],
)
def test_what_says_nothing_is_as_good_as_missing(text: bytes) -> None:
    octets = sent(text)
    assert b"From: Ada <ada@example.org>\r\n" in octets
    assert b"Date: Thu, 01 Jan 1970" in octets
    assert octets.count(b"Message-ID: <") == 1


@pytest.mark.parametrize(
    "value",
    [
        b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= <root>",
        b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@example.org>, root",
        b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=: root, =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@example.org>;",
        b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@example.org>;, root",
        b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@example.org>, " + b"reader@example.org, " * 60 + b"last@example.org",
    ],
)
def test_a_name_is_encoded_once(value: bytes) -> None:
    shown = str(make_header(decode_header(message_from_bytes(sent(b"Reply-To: " + value + b"\n\nhi\n"))["Reply-To"])))
    assert "=?" not in shown
    assert shown.count("Grüße") == value.count(b"=C3=BC=C3=9F")


def test_a_name_that_nobody_is_keeps_no_mail_from_others() -> None:
    rules = LocalRules(ADA, outside, resolve, is_header_read=False)
    message = local_message(MemorySource(b"To: nobody, eve@example.org\n\nhi\n", "standard input"), rules, Here())
    assert b"To: nobody <ada@example.org>, eve@example.org\r\n" in b"".join(message.chunks())


def test_addresses_that_make_no_sense_stay_where_no_one_needs_them() -> None:
    assert b"To: <<>>" in fields(b"To: <<>>\n\nhi\n")


def test_blind_copies_are_recipients_and_never_leave() -> None:
    message = made(b"To: a@example.org\nBcc: eve@example.org, root\n\nhi\n")
    assert [str(person) for person in message.recipients] == ["a@example.org", "eve@example.org", "root"]
    assert b"eve" not in b"".join(message.chunks())


def test_a_body_in_utf_8_says_so() -> None:
    assert fields("To: a@example.org\n\ngrüße\n".encode())[-3:] == [
        b"MIME-Version: 1.0",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: 8bit",
    ]


@pytest.mark.parametrize(
    ("charset", "expected"), [("ISO-8859-15", b"iso8859-15"), ("UTF-8", b"iso-8859-1"), ("none", b"iso-8859-1")]
)
def test_a_body_in_the_locales_charset_says_so(charset: str, expected: bytes) -> None:
    assert b"Content-Type: text/plain; charset=" + expected in fields(b"To: a@example.org\n\ngr\xfc\xdfe\n", charset)


def test_who_says_what_the_body_is_knows_it() -> None:
    text = b"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xc3\xbc\n"
    assert sum(field.startswith(b"Content-") for field in fields(text)) == 2


def test_a_header_in_latin_1_is_read_as_the_locale_says() -> None:
    assert b"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=" in fields(b"Subject: gr\xfc\xdfe\n\nhi\n", "ISO-8859-15")


def test_headers_in_cr_lf_above_a_body_in_lf_as_php_writes_it() -> None:
    assert sent(b"To: a@example.org\r\nSubject: x\r\n\r\none\ntwo\n").endswith(b"\r\n\r\none\r\ntwo\r\n")


@pytest.mark.parametrize("subject", [b"a\0b", b"a\rb", b"a b\r"])
def test_what_no_line_can_hold_is_a_space_and_begins_no_field(subject: bytes) -> None:
    message = made(b"Subject: " + subject + b"\nTo: a@example.org\rBcc: eve@example.org\n\nhi\n")
    assert b"Subject: a b\r\n" in b"".join(message.chunks())
    assert message.head.fields[-1].name != "bcc"


def test_lines_that_all_end_in_cr() -> None:
    message = made(b"Subject: x\rBcc: eve@example.org\r\rone\rtwo\r")
    assert b"".join(message.chunks()).endswith(b"\r\n\r\none\r\ntwo\r\n")
    assert [str(person) for person in message.recipients] == ["eve@example.org"]


@pytest.mark.parametrize(
    "field",
    [
        b"Subject: Cron <root@host> " + b"backup --verbose; " * 60,
        b"Subject: " + b"x" * 1000,
        b"To: " + b", ".join(b"reader%d@example.org" % number for number in range(80)),
        b"References: " + b" ".join(b"<%d@example.org>" % number for number in range(100)),
        b"To: nonsense@@, " + b"reader@example.org " * 80,
    ],
)
def test_a_line_that_is_too_long_is_folded(field: bytes) -> None:
    octets = sent(field + b"\n\nhi\n")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    shown = str(make_header(decode_header(message_from_bytes(octets)[field.partition(b":")[0].decode()])))
    assert shown.split() == field.decode().split()[1:]


def test_what_the_last_server_said_and_counted_does_not_leave() -> None:
    assert fields(b"Return-Path: <eve@example.org>\nContent-Length: 3\nSubject: x\n\nhi\n")[1:] == [b"Subject: x"]


def test_blind_copies_of_who_sends_it_on_are_recipients() -> None:
    message = made(b"Resent-To: a@example.org\nResent-Bcc: eve@example.org\nTo: ada@example.org\n\nhi\n")
    assert [str(person) for person in message.recipients] == ["a@example.org", "eve@example.org"]
    assert b"eve" not in b"".join(message.chunks())


def test_a_type_alone_gets_the_rest_of_mime() -> None:
    assert fields("Content-Type: text/html; charset=UTF-8\n\ngrüße\n".encode())[1:] == [
        b"Content-Type: text/html; charset=UTF-8",
        b"MIME-Version: 1.0",
        b"Content-Transfer-Encoding: 8bit",
    ]


@pytest.mark.parametrize("charset", [b"ANSI_X3.4-1968", b'"us-ascii"'])
def test_a_body_that_is_not_the_ascii_it_is_said_to_be(charset: bytes) -> None:
    header = (
        b"MIME-Version: 1.0\nContent-Type: text/plain; charset=" + charset + b"\nContent-Transfer-Encoding: 8bit\n\n"
    )
    assert b"Content-Type: text/plain; charset=utf-8" in fields(header + "grüße\n".encode())
    assert b"Content-Type: text/plain; charset=" + charset in fields(header + b"hi\n")


def test_a_subject_for_a_message_that_has_none() -> None:
    rules = LocalRules(ADA, outside, resolve, "Disk full")
    for text, expected in ((b"hi\n", b"Disk full"), (b"Subject: x\n\nhi\n", b"x")):
        message = local_message(MemorySource(text, "standard input"), rules, Here())
        assert [field.octets for field in message.sent if field.name == "subject"] == [b"Subject: %s\r\n" % expected]


@given(st.binary(max_size=400))
def test_any_octets_make_a_message_or_a_sentence(text: bytes) -> None:
    try:
        octets = sent(text)
    except MailError:
        return
    head = octets.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
