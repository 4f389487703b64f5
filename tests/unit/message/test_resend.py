"""A message sent on: a Resent block on top, and below it every octet as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.addresses import parse_address_list, parse_mailbox
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.raw_header import topmost_resent_block
from sendmail_cli.message.resend import resend
from sendmail_cli.message.source import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment
    from sendmail_cli.submission import Content

    Octets = Callable[[Content], bytes]

ADA = parse_mailbox("Ada <ada@example.org>")
BLOCK = (
    b"Resent-Date: Tue, 07 Jul 2026 14:00:00 +0200\r\n"
    b"Resent-From: Ada <ada@example.org>\r\n"
    b"Resent-To: =?utf-8?q?J=C3=BCrgen?= <j@example.net>, eve@example.net\r\n"
    b"Resent-Cc: carl@example.net\r\n"
    b"Resent-Message-ID: <abababababababababab.1783425600@example.org>\r\n"
)
DRAFT = Draft(
    ADA, to=parse_address_list("Jürgen <j@example.net>, eve@example.net"), cc=parse_address_list("carl@example.net")
)


def test_the_block_stands_above_everything(environment: Environment, octets: Octets) -> None:
    given = (
        b"Return-Path: <r@x.example>\r\nReceived: by x.example;\r\n\tdate\r\n"
        b"Resent-From: old@x.example\r\nResent-To: ada@example.org\r\nX-Odd :  a\r\n\r\n.\r\nbody  \r\n"
    )
    message = resend(MemorySource(given, "m"), DRAFT, environment)
    assert octets(message) == BLOCK + given
    assert [field.name for field in topmost_resent_block(message.sent)] == [
        "resent-date", "resent-from", "resent-to", "resent-cc", "resent-message-id"
    ]  # fmt: skip


def test_bcc_never_leaves(environment: Environment, octets: Octets) -> None:
    given = b"Resent-Bcc: a@x.example\nBcc: b@x.example,\n c@x.example\nFrom: b@x.example\n\nbody"
    sent = octets(resend(MemorySource(given, "m"), DRAFT, environment))
    assert sent == BLOCK + b"From: b@x.example\r\n\r\nbody\r\n"


def test_blind_recipients_alone_are_named_to_nobody(environment: Environment, octets: Octets) -> None:
    sent = octets(resend(MemorySource(b"From: b@x.example\n\n", "m"), Draft(ADA), environment))
    assert b"Resent-To" not in sent
    assert sent.startswith(b"Resent-Date: Tue, 07 Jul 2026 14:00:00 +0200\r\nResent-From: Ada <ada@example.org>\r\n")


def test_several_who_resend_have_a_sender(environment: Environment, octets: Octets) -> None:
    given = MemorySource(b"From: b@x.example\n\n", "m")
    several = Draft(None, to=DRAFT.cc, headers=(("From", "Ada <ada@example.org>, eve@x.example"),))
    assert b"\r\nResent-Sender: Ada <ada@example.org>\r\n" in octets(resend(given, several, environment))
    sent = octets(resend(given, DRAFT._replace(headers=(("Sender", "s@x.example"),)), environment))
    assert b"\r\nResent-From: Ada <ada@example.org>\r\nResent-Sender: s@x.example\r\n" in sent


def test_what_no_server_takes_is_encoded_below_the_block(environment: Environment, octets: Octets) -> None:
    message = resend(MemorySource("From: b@x.example\n\nGrüße\n".encode(), "m"), DRAFT, environment)
    assert octets(message).endswith("\r\n\r\nGrüße\r\n".encode())
    assert octets(message.as_7bit()).startswith(BLOCK + b"From: b@x.example\r\n")
    long = resend(MemorySource(b"From: b@x.example\n\n" + b"x" * 999 + b"\n", "m"), DRAFT, environment)
    assert octets(long).startswith(BLOCK + b"From: b@x.example\r\n")
