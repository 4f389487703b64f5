"""What the relay's clerk decides; tests/system/test_relay.py meets it as a client does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.errors import MailLoop, SpoolError, UsageError
from sendmail_cli.message.source import MemorySource
from sendmail_cli.net.listening import listen_tcp, listen_unix
from sendmail_cli.queue.spool import Spool
from sendmail_cli.relay import Client, Relay, RelayClerk, RelayPlan, SignInRule
from sendmail_cli.secret import Secret
from sendmail_cli.serving import ReceivedMail
from sendmail_cli.smtp.asked import Hello, RecipientNamed, SenderNamed, SignInAsked
from tests.support.command import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendmail_cli.net.listening import Listening

PROFILE = '[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "smtp.example.org"\nqualify = "host.example"\n'
TCP, UNIX = Client(is_tcp=True, uid=None), Client(is_tcp=False, uid=1234)
SECRET = SignInRule("grafana", Secret("pa ss"))


class FixedMachine(Machine):
    def hostname(self) -> str:
        return "host.example"

    def account_name(self, uid: int) -> str:
        return {0: "root", 1234: "www-data"}[uid]

    def sleep(self, seconds: float) -> None:
        """A guess costs no time here."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = FixedMachine(tmp_path)
    machine.configure(PROFILE)
    return machine


def plan(*, sign_in: SignInRule | None = None, is_system: bool = False) -> RelayPlan:
    return RelayPlan(ServerFlags(), (), sign_in, 1000, is_system)


def mail(
    text: bytes = b"Subject: x\r\n\r\nx\r\n", sender: str = "bob@example.org", hello: str = "django"
) -> ReceivedMail:
    named = (RecipientNamed("eve@example.org", {}), RecipientNamed("root", {}))
    return ReceivedMail(
        Hello(hello, is_extended=True), SenderNamed(sender, {}), named, MemorySource(text, "x"), is_secured=False
    )


def kept(machine: Machine) -> tuple[str, str, bytes]:
    """Of the one mail in the queue the sender, the recipients and the octets."""
    with Spool(machine) as spool:
        [entry] = spool.entries()
        return entry.reverse_path, " ".join(entry.recipients), b"".join(spool.content(entry.id).chunks())


def test_a_message_is_in_the_queue_when_it_is_taken(machine: Machine) -> None:
    answer = RelayClerk(plan(), UNIX, machine).take(mail())
    assert bytes(answer) == b"250 2.0.0 waits in the queue as 1\r\n"
    sender, recipients, octets = kept(machine)
    assert (sender, recipients) == ("<bob@example.org>", "eve@example.org root@host.example")
    assert re.match(
        rb"Received: by host\.example \(sendmail-cli, from userid 1234\) with ESMTP;\r\n\t\w{3}, .{20,30}\r\n", octets
    )


@pytest.mark.parametrize(
    ("rule", "hello", "expected"),
    [
        (None, "django", b"from django (localhost)\r\n\tby host.example (sendmail-cli) with ESMTP;"),
        (SECRET, "[127.0.0.1]", b"from [127.0.0.1] (localhost)\r\n\tby host.example (sendmail-cli) with ESMTPA;"),
        (None, "a(b", b"from localhost (localhost)"),
        (None, "\u00fc", b"from localhost (localhost)"),
    ],
)
def test_what_the_trace_says_of_tcp(machine: Machine, rule: SignInRule | None, hello: str, expected: bytes) -> None:
    RelayClerk(plan(sign_in=rule), TCP, machine).take(mail(hello=hello))
    assert b"Received: " + expected in kept(machine)[2]


def test_without_a_header_all_is_the_body_below_the_trace(machine: Machine) -> None:
    RelayClerk(plan(), UNIX, machine).take(mail(b"disk full\r\n"))
    head, _, body = kept(machine)[2].partition(b"\r\n\r\n")
    assert head.startswith(b"Received: ")
    assert b"From: Ada <ada@example.org>" in head
    assert body == b"disk full\r\n"


@pytest.mark.parametrize(
    ("uid", "is_system", "sender", "expected"),
    [
        (1234, True, "root", "<www-data@host.example>"),
        (0, True, "daemon", "<daemon@host.example>"),
        (1234, False, "root", "<root@host.example>"),
        (1234, True, "shop@example.org", "<shop@example.org>"),
        (1234, True, "", "<>"),
    ],
)
def test_whom_it_is_from(machine: Machine, uid: int, is_system: bool, sender: str, expected: str) -> None:
    RelayClerk(plan(is_system=is_system), Client(is_tcp=False, uid=uid), machine).take(mail(sender=sender))
    assert kept(machine)[0] == expected


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [("grafana", b"pa ss", 235), ("grafana", b"pa", 535), ("Grafana", b"pa ss", 535), ("\u00fc", b"\xff", 535)],
)
def test_sign_in(machine: Machine, user: str, password: bytes, code: int) -> None:
    assert RelayClerk(plan(sign_in=SECRET), TCP, machine).sign_in(SignInAsked(user, password)).code == code


def test_nobody_signs_in_where_nobody_has_to(machine: Machine) -> None:
    assert RelayClerk(plan(), TCP, machine).sign_in(SignInAsked("grafana", b"pa ss")).code == 535


def test_the_size_is_announced(machine: Machine) -> None:
    assert RelayClerk(plan(), TCP, machine).offer(is_secured=False).lines(())[-1] == "SIZE 1000"


def test_a_full_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SpoolError("the spool can't be used: database or disk is full")

    monkeypatch.setattr(Spool, "add", full)
    assert bytes(RelayClerk(plan(), UNIX, machine).take(mail())).startswith(b"452 4.3.1 ")


def test_a_message_that_goes_in_a_circle(machine: Machine) -> None:
    clerk = RelayClerk(plan(), UNIX, machine)
    assert clerk.take(mail(b"Received: by x; y\r\n" * 51 + b"\r\n")).code == 554


def unix_server(tmp_path: Path) -> Listening:
    return listen_unix(str(tmp_path / "mail"), 0o600)


def tcp_server(_: Path) -> Listening:
    return listen_tcp("127.0.0.1", 0)


@pytest.mark.parametrize("listen", [unix_server, tcp_server])
def test_the_relay_is_not_its_own_server(machine: Machine, tmp_path: Path, listen: Callable[[Path], Listening]) -> None:
    listening = listen(tmp_path)
    server = f"localhost:{listening.port}" if listening.path is None else f"unix:{listening.path}"
    machine.configure(f'[profile.here]\nfrom = "ada@example.org"\nserver = "{server}"\n')
    with listening.socket, pytest.raises(MailLoop, match="this very relay"):
        Relay(plan()._replace(sockets=(listening,)), machine, print)


def test_the_sandbox_is_no_way_out(machine: Machine) -> None:
    with pytest.raises(UsageError, match="sandbox"):
        Relay(plan()._replace(flags=ServerFlags(profile="sandbox")), machine, print)
