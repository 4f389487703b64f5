"""What smtp/ says to a user when something is wrong, word for word, and where it cuts what it quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import (
    AddressError,
    ConfigError,
    LocalProtocolError,
    MailError,
    NotOffered,
    RemoteProtocolError,
    UsageError,
)
from sendmail_cli.secret import Secret
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.capabilities import Capabilities
from sendmail_cli.smtp.envelope import (
    NO_DEMANDS,
    Demands,
    ForwardPath,
    Notify,
    Recipient,
    Ret,
    ReversePath,
    envelope_of,
)
from sendmail_cli.smtp.explanations.lookup import explain
from sendmail_cli.smtp.parameters import (
    mail_parameters,
    parse_envid,
    parse_notify,
    parse_parameter,
    parse_ret,
    rcpt_parameters,
)
from sendmail_cli.smtp.replies import ReplyParser
from sendmail_cli.smtp.sasl import MECHANISMS, Plain, Scram
from sendmail_cli.smtp.sasl_gssapi import GSSAPI

if TYPE_CHECKING:
    from collections.abc import Callable

ADA = AddrSpec("ada", "example.org")
LONG = "é" * 100
XTEXT = "What is not plain ASCII, and “+” and “=” in a value, may be written as xtext: +3D is “=”."
FORM = "KEY=VALUE or KEY, without spaces, in ASCII (RFC 5321 §4.1.2)"
NO_REQUIRETLS = "there is no REQUIRETLS in its answer to EHLO"
LEAVE_OUT = "Nothing was sent. Leave the option out, or use a server that offers it."
LOOK = "Nothing was sent. `sendmail-cli check` shows what it offers."


def offering(*extensions: str) -> Capabilities:
    return Capabilities("mx", tuple((line, ()) for line in extensions))


def mail(*extensions: str, demands: Demands = NO_DEMANDS, has_utf8_header: bool = False) -> None:
    envelope = envelope_of(ReversePath(None), (ADA,), demands=demands)
    mail_parameters(
        envelope,
        offering(*extensions),
        size=1,
        is_7bit=True,
        has_utf8_header=has_utf8_header,
        is_secured=False,
    )


def rcpt(*own: str, notify: tuple[Notify, ...] = ()) -> None:
    rcpt_parameters(Recipient(ForwardPath(ADA), notify), offering(), Demands(rcpt_parameters=own))


class Endless:
    """A Kerberos that is content at once."""

    is_complete = True

    def step(self, token: bytes | None) -> bytes:
        return b""

    def unwrap(self, message: bytes) -> bytes:
        return message

    def wrap(self, message: bytes) -> bytes:
        return message


def gssapi(*challenges: bytes) -> GSSAPI:
    mechanism = GSSAPI("", Endless())
    mechanism.initial_response()
    for challenge in challenges:
        mechanism.respond(challenge)
    return mechanism


def scram(first: str) -> None:
    client = Scram("SCRAM-SHA-256", "ada", Secret("hunter2"))
    nonce = (client.initial_response() or b"").decode().rpartition("r=")[2]
    client.respond(first.replace("NONCE", nonce).encode())


def reply(line: bytes) -> None:
    parser = ReplyParser()
    parser.feed(line + b"\r\n")
    parser.next_reply()


@pytest.mark.parametrize(
    ("act", "kind", "sentence", "hint"),
    [
        (
            lambda: mail(demands=Demands(require_tls=True)),
            NotOffered,
            "the server doesn't offer that every server on the way uses TLS (--requiretls): " + NO_REQUIRETLS,
            LEAVE_OUT,
        ),
        (
            lambda: mail("REQUIRETLS", demands=Demands(require_tls=True)),
            NotOffered,
            "--requiretls asks every server for verified TLS, and this connection has none",
            "Use --tls implicit or --tls starttls, without --insecure (RFC 8689 §2).",
        ),
        (
            lambda: mail(demands=Demands(ret=Ret.FULL)),
            NotOffered,
            "the server doesn't offer reports of delivery (--ret, --envid): there is no DSN in its answer to EHLO",
            LEAVE_OUT,
        ),
        (
            lambda: mail(demands=Demands(mail_parameters=("XFOO=" + "1" * 90,))),
            NotOffered,
            f"the server doesn't offer XFOO, which the parameter XFOO={'1' * 75}… (15 more characters) belongs to",
            LOOK,
        ),
        (
            lambda: mail(has_utf8_header=True),
            AddressError,
            "a header field of this message is beyond ASCII, and the server doesn't take that (no SMTPUTF8, 5.6.7)",
            "Use an address with ASCII letters before the “@”; domains of any script are no trouble.",
        ),
        (
            lambda: rcpt(notify=(Notify.NEVER,)),
            NotOffered,
            "the server doesn't offer reports of delivery (--notify): there is no DSN in its answer to EHLO",
            LEAVE_OUT,
        ),
        (
            lambda: rcpt("xfoo"),
            NotOffered,
            "the server doesn't offer XFOO, which the parameter xfoo belongs to",
            LOOK,
        ),
        (
            lambda: parse_parameter(LONG),
            UsageError,
            f"“{LONG[:80]}… (20 more characters)” is no parameter: " + FORM,
            XTEXT,
        ),
        (lambda: parse_parameter("size=1"), UsageError, "SIZE is set by this program itself, not as a parameter", ""),
        (lambda: parse_parameter("ret=FULL"), UsageError, "RET is set by --ret, not as a parameter", ""),
        (
            lambda: parse_notify("X" * 50),
            UsageError,
            f"“{'x' * 40}… (10 more characters)” is none of never, success, failure, delay",
            "",
        ),
        (
            lambda: parse_notify("never,delay"),
            UsageError,
            "“never” stands alone: no report at all, or some of success, failure, delay",
            "",
        ),
        (
            lambda: parse_ret("x" * 50),
            UsageError,
            f"“{'x' * 40}… (10 more characters)” is neither full nor headers",
            "",
        ),
        (lambda: parse_envid(""), UsageError, "an envelope id is printable ASCII, and not empty", ""),
        (
            lambda: parse_envid("~" * 101),
            UsageError,
            "an envelope id has at most 100 octets as it is sent, and this one has 101",
            "",
        ),
        (lambda: commands.verbatim("  "), LocalProtocolError, "an empty line is no command", ""),
        (
            lambda: commands.verbatim("VRFY " + "é" * 300),
            LocalProtocolError,
            f"the command “VRFY {'é' * 55}… (245 more characters)” is longer than 512 octets",
            "",
        ),
        (
            lambda: Plain("a\0b", Secret("x")),
            ConfigError,
            "user name and password can't hold a NUL character (RFC 4616 §2)",
            "",
        ),
        *(
            (
                lambda bad=bad: Plain(f"a{bad}b", Secret("x")),
                ConfigError,
                "user name and password must be UTF-8 (RFC 4616 §2)",
                "",
            )
            for bad in ("\ud800", "\udfff")
        ),
        *(
            (
                lambda first=first: scram(first),
                RemoteProtocolError,
                f"the server's part of SCRAM-SHA-256 is not right: {why}",
                "",
            )
            for first, why in (
                ("r=NONCEx,s=QSXCR+Q6sek8bf92", "no iteration count"),
                ("r=NONCEx,s=QSXCR+Q6sek8bf92,i=٤٠٩٦", "no iteration count"),
                ("r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096x", "no iteration count"),
                ("r=NONCEx,s=QSXCR+Q6sek8bf92,i=1000000000", "no iteration count"),
                ("r=NONCEx,s=QSXCR+Q6sek8bf92,i=4095", "4095 iterations are not between 4096 and 10000000"),
                ("r=NONCEx,s=QSXCR+Q6sek8bf92,i=10000001", "10000001 iterations are not between 4096 and 10000000"),
            )
        ),
        (
            lambda: gssapi(b"\x01\0\0\0", b"more"),
            RemoteProtocolError,
            "the server goes on after the end of GSSAPI",
            "",
        ),
        (
            lambda: gssapi(b"\x06\0\0\0"),
            RemoteProtocolError,
            "the server takes GSSAPI only with a layer of its own below SMTP; TLS is ours",
            "",
        ),
        (
            lambda: gssapi().check_end(),
            RemoteProtocolError,
            "the server accepted GSSAPI without proving who it is, as an impostor would",
            "",
        ),
    ],
)
def test_what_is_said(act: Callable[[], object], kind: type[MailError], sentence: str, hint: str) -> None:
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.sentence == sentence
    assert caught.value.hint == hint


def test_what_is_no_reply_is_quoted_up_to_80_characters() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        reply(b"x" * 81)
    assert caught.value.sentence == f"the server said “{'x' * 80}… (1 more characters)”, which is no SMTP reply"


@pytest.mark.parametrize("argument", ["", "600", "nothing that anybody knows" * 3, "1000"])
def test_what_cannot_be_explained(argument: str) -> None:
    with pytest.raises(ValueError, match="cannot be explained") as caught:
        explain(argument)
    assert str(caught.value) == (
        f"{argument[:40]!r} cannot be explained; give an SMTP reply code from 100 to 599, an enhanced status "
        "code such as 5.7.1, a whole reply of a server, or an exit code such as 75"
    )


@pytest.mark.parametrize(
    ("typed", "line", "shown"),
    [
        ("auth plain AGFkYQBodW50ZXIy", b"AUTH plain AGFkYQBodW50ZXIy\r\n", "AUTH plain ***"),
        ("AUTH PLAIN one two", b"AUTH PLAIN one two\r\n", "AUTH PLAIN ***"),
        ("AUTH LOGIN", b"AUTH LOGIN\r\n", "AUTH LOGIN"),
        ("vrfy ada lovelace", b"VRFY ada lovelace\r\n", "VRFY ada lovelace"),
        ("noop", b"NOOP\r\n", "NOOP"),
    ],
)
def test_trap21_duty37_a_typed_command_shows_no_secret(typed: str, line: bytes, shown: str) -> None:
    command = commands.verbatim(typed)
    assert (command.line, command.shown) == (line, shown)


@pytest.mark.parametrize("name", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_scram_is_made_for_its_name_user_and_password(name: str) -> None:
    mechanism = MECHANISMS[name].make("ada", Secret("hunter2"))
    assert mechanism.name == name
    assert (mechanism.initial_response() or b"").startswith(b"n,,n=ada,r=")
    assert mechanism.secrets() == ("hunter2",)
    with pytest.raises(RemoteProtocolError, match=f"the server's part of {name} is not right"):
        mechanism.respond(b"x")


def test_what_a_token_server_says_is_shown_up_to_300_characters() -> None:
    mechanism = MECHANISMS["XOAUTH2"].make("ada", Secret("token"))
    mechanism.respond(b"\xff" + b"x" * 400)
    assert mechanism.why == "\\xff" + "x" * 296 + "… (104 more characters)"


def test_duty04_an_initial_response_may_fill_the_line() -> None:
    initial = b"x" * 372  # 496 in base64, 14 with "AUTH PLAIN-A ", CR LF
    command = commands.auth("PLAIN-A", initial[:372])
    assert len(command.line) <= 512
    full = commands.auth("PLAIN-AB", initial)
    assert len(full.line) == 512
    assert commands.auth("PLAIN-ABC", initial).line == b"AUTH PLAIN-ABC\r\n"
