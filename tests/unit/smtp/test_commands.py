"""Commands as octets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.envelope import ForwardPath, ReversePath

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.smtp.commands import Command

ADA = AddrSpec("ada", "example.org")


@pytest.mark.parametrize(
    ("command", "verb", "line"),
    [
        (commands.ehlo("client.example.org"), "EHLO", b"EHLO client.example.org\r\n"),
        (commands.helo("[192.0.2.1]"), "HELO", b"HELO [192.0.2.1]\r\n"),
        (commands.mail(ReversePath(ADA)), "MAIL", b"MAIL FROM:<ada@example.org>\r\n"),
        (commands.mail(ReversePath(None)), "MAIL", b"MAIL FROM:<>\r\n"),
        (
            commands.mail(ReversePath(ADA), ("SIZE=1", "SMTPUTF8")),
            "MAIL",
            b"MAIL FROM:<ada@example.org> SIZE=1 SMTPUTF8\r\n",
        ),
        (commands.rcpt(ForwardPath(ADA)), "RCPT", b"RCPT TO:<ada@example.org>\r\n"),
        (commands.rcpt(ForwardPath(ADA), ("NOTIFY=NEVER",)), "RCPT", b"RCPT TO:<ada@example.org> NOTIFY=NEVER\r\n"),
        (commands.rcpt(ForwardPath(AddrSpec("a>b", "x"))), "RCPT", b'RCPT TO:<"a>b"@x>\r\n'),
        (commands.rcpt(ForwardPath(AddrSpec("ä", "x"))), "RCPT", "RCPT TO:<ä@x>\r\n".encode()),
        (commands.STARTTLS, "STARTTLS", b"STARTTLS\r\n"),
        (commands.DATA, "DATA", b"DATA\r\n"),
        (commands.RSET, "RSET", b"RSET\r\n"),
        (commands.NOOP, "NOOP", b"NOOP\r\n"),
        (commands.QUIT, "QUIT", b"QUIT\r\n"),
        (commands.CANCEL, "RESPONSE", b"*\r\n"),
        (commands.END_OF_CONTENT, "CONTENT", b".\r\n"),
    ],
)
def test_trap08_octets(command: Command, verb: str, line: bytes) -> None:
    assert (command.verb, command.line) == (verb, line)
    assert command.shown == line.decode().removesuffix("\r\n")


@pytest.mark.parametrize("control", ["\r\n", "\r", "\n", "\0", "\t", "\x1b", "\x7f"])
def test_trap07_nothing_that_could_break_a_line(control: str) -> None:
    address = AddrSpec(f"a{control}RCPT TO:<evil@x>", "example.org")
    attempts: tuple[Callable[[], Command], ...] = (
        lambda: commands.ehlo(f"x{control}y"),
        lambda: commands.helo(f"x{control}y"),
        lambda: commands.mail(ReversePath(address)),
        lambda: commands.mail(ReversePath(ADA), (f"SIZE=1{control}RSET",)),
        lambda: commands.rcpt(ForwardPath(address)),
        lambda: commands.rcpt(ForwardPath(ADA), (f"ORCPT=x{control}",)),
        lambda: commands.auth(f"PLAIN{control}", None),
        lambda: commands.verbatim(f"VRFY a{control}b"),
    )
    for make in attempts:
        with pytest.raises(LocalProtocolError, match="control character"):
            make()


def test_trap07_nothing_that_is_no_unicode() -> None:
    with pytest.raises(LocalProtocolError, match="not valid Unicode"):
        commands.ehlo("x\udc80")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a\nRSET", r"“EHLO a\nRSET” holds a control character and can't be part of a command"),
        ("a\udc80", r"“EHLO a\udc80” is not valid Unicode"),
        (
            "x" * 94 + "\n",
            f"“EHLO {'x' * 55}… (40 more characters)” holds a control character and can't be part of a command",
        ),
        ("x" * 95 + "\udc80", f"“EHLO {'x' * 55}… (41 more characters)” is not valid Unicode"),
        ("x" * 555, f"the command “EHLO {'x' * 55}… (500 more characters)” is longer than 512 octets"),
    ],
)
def test_a_command_that_can_not_be_said_is_shown_and_not_at_length(name: str, sentence: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        commands.ehlo(name)
    assert str(caught.value) == sentence


def test_duty04_a_command_line_has_512_octets_and_parameters_come_on_top() -> None:
    fits = "x" * (512 - len("EHLO \r\n"))
    assert len(commands.ehlo(fits).line) == 512
    with pytest.raises(LocalProtocolError, match="longer than 512"):
        commands.ehlo(fits + "x")
    longest = AddrSpec("x" * 64, ".".join(["a" * 63] * 2 + ["b" * 61]))
    assert len(commands.mail(ReversePath(longest), ("SIZE=" + "9" * 20,)).line) < 512


@pytest.mark.parametrize(
    ("text", "verb", "line", "shown"),
    [
        ("vrfy ada", "VRFY", "VRFY ada", "VRFY ada"),
        ("  HELP ", "HELP", "HELP", "HELP"),
        ("xfoo  Bar baz", "XFOO", "XFOO  Bar baz", "XFOO  Bar baz"),
        ("auth", "AUTH", "AUTH", "AUTH"),
        ("AUTH LOGIN", "AUTH", "AUTH LOGIN", "AUTH LOGIN"),
        ("auth plain AGFkYQBodW50ZXIy", "AUTH", "AUTH plain AGFkYQBodW50ZXIy", "AUTH plain ***"),
        ("AUTH PLAIN AGFkYQ Bo dW50ZXIy", "AUTH", "AUTH PLAIN AGFkYQ Bo dW50ZXIy", "AUTH PLAIN ***"),
    ],
)
def test_trap21_what_a_person_types_goes_as_it_is_and_its_secret_is_not_shown(
    text: str, verb: str, line: str, shown: str
) -> None:
    command = commands.verbatim(text)
    assert (command.verb, command.line, command.shown) == (verb, f"{line}\r\n".encode(), shown)


def test_an_empty_line_is_no_command() -> None:
    with pytest.raises(LocalProtocolError, match=r"^an empty line is no command$"):
        commands.verbatim("  ")


@pytest.mark.parametrize(
    ("command", "line", "shown"),
    [
        (commands.auth("PLAIN", b"\0ada\0hunter2"), b"AUTH PLAIN AGFkYQBodW50ZXIy\r\n", "AUTH PLAIN ***"),
        (commands.auth("XFOO", b""), b"AUTH XFOO =\r\n", "AUTH XFOO ***"),
        (commands.auth("LOGIN", None), b"AUTH LOGIN\r\n", "AUTH LOGIN"),
        (commands.response(b"hunter2"), b"aHVudGVyMg==\r\n", "***"),
        (commands.response(b""), b"\r\n", "***"),
    ],
)
def test_trap21_duty37_what_is_secret_is_not_shown(command: Command, line: bytes, shown: str) -> None:
    assert (command.line, command.shown) == (line, shown)


def test_duty04_an_initial_response_that_makes_the_line_too_long_is_left_out() -> None:
    fits = b"x" * 372  # 496 in base64
    assert len(commands.auth("XPLAIN42", fits).line) == 512
    assert commands.auth("XPLAIN42", fits + b"x") == commands.auth("XPLAIN42", None)  # RFC 4954 §4
    assert commands.auth("PLAIN", b"x" * 12000).line == b"AUTH PLAIN\r\n"


def test_duty34_a_response_has_12288_octets() -> None:
    assert len(commands.response(b"x" * 9213).line) <= 12288
    with pytest.raises(LocalProtocolError, match=r"^the sign-in needs a line longer than 12288 octets$"):
        commands.response(b"x" * 9216)
