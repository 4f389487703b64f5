"""What must be true of a message by every way into a real server: a cell for each way, mechanism and set of recipients.

`Matrix` holds the tests; a subclass in `tests/integration` names the server, and adds what is true of that one alone.
"""

from __future__ import annotations

import hashlib
from email import message_from_bytes, policy
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from uuid import uuid4

import pytest

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.delivery import deliver_all
from sendmail_cli.request import Request
from sendmail_cli.secret import Secret
from sendmail_cli.service import prepare
from sendmail_cli.trace import Trace
from tests.support.command import Installed, Machine, Runner
from tests.support.patience import PATIENCE
from tests.support.servers.kind import RealServer, Way
from tests.support.servers.registry import server_module

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message
    from pathlib import Path

    from sendmail_cli.trace import TraceEvent
    from tests.support.command import Done
    from tests.support.servers.kind import Delivered

NOW = 1_795_428_000.0  # the same Date in every message
SENDER = "zoe@example.net"
FROM = f"Zoë Ångström <{SENDER}>"
SUBJECT = "Übersicht: 100 % der Züge nach 東京 fahren – und zwar heute, morgen und am übernächsten Donnerstag um 8 ☕"
# Goes as quoted-printable, whose lines may begin with dots.
TEXT = ".\n..\n.a dot\nFrom a line that begins like a new message\nGrüße\ttab \t\n" + "long, länger " * 300 + "\n.\n"
ATTACHED = Random(7).randbytes(20_000)
OWN_FIELD = "a value, folded if it must be, that is longer than a line of 78 characters, and says nothing to anybody"
PASSWORD_VARIABLE = "SENDMAIL_CLI_PASSWORD__CELL"

# A line as long as RFC 5321 §4.5.3.1.6 allows, 8-bit text, and dots where the wire must double them.
READY = (
    "From: Ada <zoe@example.net>\r\nTo: ada@example.net\r\nSubject: ready,\r\n\tand folded\r\n"
    "Message-ID: {message_id}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\nX-Own:  two  spaces\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ".\r\n..\r\n.dot\r\n\r\nGrüße \t\r\n" + "." + "x" * 997 + "\r\nlast\r\n"
)


class Recipients(Enum):
    """Whom a message goes to."""

    ONE = "1"
    TEN = "10"
    ONE_REFUSED = "2 and one refused"


class Cell(NamedTuple):
    """One combination of the matrix."""

    way: Way
    mechanism: str  # "" without AUTH
    recipients: Recipients = Recipients.ONE

    def __str__(self) -> str:
        return f"{self.way.value}-{self.mechanism or 'no AUTH'}-{self.recipients.value}"


class Repeatable(Machine):
    """A machine where the same message is composed twice in the same octets; each has its own Message-ID."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.seed = uuid4().hex

    def rewind(self) -> None:
        """Start again."""
        self._random = Random(self.seed)

    def now(self) -> float:
        """Always the same."""
        return NOW

    def random_bytes(self, count: int) -> bytes:
        """The same after each `rewind`."""
        return self._random.randbytes(count)


class Wire(NamedTuple):
    """What the installed command and the one in this process send with."""

    server: RealServer
    folder: Path

    def profile(self, cell: Cell) -> str:
        """A profiles.toml with the profile `cell`."""
        lines = [
            "[profile.cell]",
            f'from = "{FROM}"',
            f'server = "{self.server.host}:{self.server.ports[cell.way]}"',
            f'tls = "{"none" if cell.way is Way.PLAIN else cell.way.value}"',
        ]
        if cell.way is not Way.PLAIN:
            lines.append(f'ca_file = "{self.server.ca_file}"')
        if cell.mechanism:
            lines += [f'user = "{self.server.user}"', f'auth = "{cell.mechanism.lower()}"']
        return "\n".join([*lines, "[profile.cell.headers]", f'X-Own = "{OWN_FIELD}"', ""])

    def recipients(self, which: Recipients) -> list[str]:
        """Addresses that the server takes, with the refused one between them if there is to be one."""
        if which is Recipients.ONE_REFUSED:
            return [f"any1@{self.server.local_domain}", self.server.refused, f"any2@{self.server.local_domain}"]
        return [f"any{number}@{self.server.local_domain}" for number in range(1, int(which.value) + 1)]

    def kept(self, message_id: str) -> list[Delivered]:
        """What the server delivered of this message."""
        return [each for each in self.server.delivered() if fields_of(each.octets)["Message-ID"] == message_id]

    def assert_kept(self, sent: bytes, recipients: Sequence[str]) -> None:
        """The server delivered `sent` to each of `recipients` once, and to nobody else."""
        ours = fields_of(sent)
        kept = self.kept(ours["Message-ID"])
        assert {each.mail_from for each in kept} == {SENDER}
        assert sorted(address for each in kept for address in each.rcpt_to) == sorted(recipients)
        for each in kept:
            assert body_of(each.octets) == body_of(sent)
            theirs = fields_of(each.octets)
            for name in ours:
                assert self._values(theirs, name) == self._values(ours, name), name

    def _values(self, fields: Message, name: str) -> list[str]:
        values = [str(value) for value in fields.get_all(name, [])]
        return [" ".join(value.split()) for value in values] if self.server.headers_may_change else values


class Matrix:
    """Every cell of one server. A subclass names it."""

    server: ClassVar[str]  # one of the registry

    @classmethod
    def cells(cls) -> list[Cell]:
        """All that this server can; a subclass takes out those that it demands AUTH for."""
        return [
            Cell(way, mechanism, recipients)
            for way, mechanisms in server_module(cls.server).MECHANISMS.items()
            for mechanism in ("", *mechanisms)
            for recipients in Recipients
        ]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Tests that ask for a `cell` run for each; those that ask for `first` run for the first cell of each way."""
        if "cell" in metafunc.fixturenames:
            metafunc.parametrize("cell", self.cells(), ids=str)
        if "first" in metafunc.fixturenames:
            metafunc.parametrize("first", {cell.way: cell for cell in reversed(self.cells())}.values(), ids=str)

    @pytest.fixture
    def wire(self, real_server: RealServer, tmp_path: Path) -> Wire:
        """The server of the class."""
        return Wire(real_server, tmp_path)

    @pytest.fixture
    def composed(self, tmp_path: Path) -> list[str | Path]:
        """Arguments for a message with everything that a server could change."""
        (tmp_path / "grün.bin").write_bytes(ATTACHED)
        return ["-s", SUBJECT, "-m", TEXT, "-a", tmp_path / "grün.bin"]

    def test_composed(self, wire: Wire, composed: list[str | Path], cell: Cell) -> None:
        machine = Repeatable(wire.folder)
        machine.configure(wire.profile(cell))
        machine.variables[PASSWORD_VARIABLE] = wire.server.password
        to = wire.recipients(cell.recipients)
        machine.rewind()
        shown = Runner(machine)("send", "--dry-run", *composed, *to)
        assert b"\r\n.\r\n..\r\n.a dot\r\n" in shown.out
        machine.rewind()
        done = Runner(machine)("send", "--json", "-v", *composed, *to)
        accepted = [address for address in to if address != wire.server.refused]
        assert_reported(done, accepted, [address for address in to if address not in accepted])
        assert (f"AUTH {cell.mechanism}" in done.err) if cell.mechanism else ("AUTH" not in said_by_us(done))
        wire.assert_kept(shown.out, accepted)
        assert attachments_of(wire.kept(done.json["message_id"])[0].octets) == [hashlib.sha256(ATTACHED).hexdigest()]

    def test_ready(self, wire: Wire, first: Cell) -> None:
        machine = machine_for(wire, first)
        ready = READY.format(message_id=f"<{uuid4().hex}@example.net>").encode()
        to = wire.recipients(Recipients.TEN)
        assert_reported(Runner(machine)("send", "--json", "--raw", "-", *to, stdin=ready), to, [])
        wire.assert_kept(ready, to)

    def test_in_a_row(self, wire: Wire, first: Cell) -> None:
        machine = machine_for(wire, first)
        to = wire.recipients(Recipients.ONE)
        request = Request(ServerFlags(timeout=PATIENCE), to=tuple(map(parse_mailbox, to)), text=TEXT)
        prepared = [prepare(request, machine, lambda _: None) for _ in range(3)]
        events: list[TraceEvent] = []
        trace = Trace(machine.monotonic, events.append)
        submissions = [each.submission for each in prepared]
        server = prepared[0].settings.server
        reports = list(deliver_all(submissions, server, lambda: Secret(wire.server.password), machine, trace))
        assert [report.exit_code for report in reports] == [0, 0, 0]
        assert [event.text.startswith("connected to") for event in events].count(True) == 1
        for submission in submissions:
            wire.assert_kept(b"".join(submission.content.chunks()), to)

    def test_installed(self, wire: Wire, composed: list[str | Path]) -> None:
        cell = max(self.cells(), key=lambda cell: cell.mechanism != "")  # the first with AUTH, if there is one
        installed = Installed(wire.folder / "home", {PASSWORD_VARIABLE: wire.server.password} if cell.mechanism else {})
        installed.configure(wire.profile(cell))
        to = wire.recipients(Recipients.ONE)
        done = installed("send", "--json", *composed, *to)
        assert_reported(done, to, [])
        [kept] = wire.kept(done.json["message_id"])
        assert (kept.mail_from, kept.rcpt_to) == (SENDER, tuple(to))
        assert attachments_of(kept.octets) == [hashlib.sha256(ATTACHED).hexdigest()]
        assert message_from_bytes(kept.octets, policy=policy.default)["Subject"] == SUBJECT


def machine_for(wire: Wire, cell: Cell) -> Machine:
    """A machine whose only profile sends by this way, and signs in so."""
    machine = Machine(wire.folder)
    machine.configure(wire.profile(cell))
    machine.variables[PASSWORD_VARIABLE] = wire.server.password
    return machine


def assert_login_wanted(wire: Wire, way: Way) -> None:
    """Without AUTH nothing is sent, and it is said that a login is what's missing."""
    before = wire.server.delivered()
    to = wire.recipients(Recipients.ONE)
    done = Runner(machine_for(wire, Cell(way, "")))("send", "--json", "-m", "hello\n", *to)
    assert done.code == 77, done
    assert "sendmail-cli login" in done.err
    assert wire.server.delivered() == before


def assert_reported(done: Done, accepted: Sequence[str], refused: Sequence[str]) -> None:
    """The exit code and the JSON say that all of `accepted` have it, and that `refused` were refused for good."""
    assert done.code == (80 if refused else 0), done
    assert done.json["exit_code"] == done.code
    outcomes = {each["address"]: (each["action"], each["code"] // 100) for each in done.json["recipients"]}
    assert outcomes == dict.fromkeys(accepted, ("relayed", 2)) | dict.fromkeys(refused, ("failed", 5))


def said_by_us(done: Done) -> str:
    """The lines of the trace that went to the server."""
    return "\n".join(line for line in done.lines if " C: " in line)


def fields_of(octets: bytes) -> Message:
    """The header, whatever the line ends."""
    return message_from_bytes(octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n")


def body_of(octets: bytes) -> bytes:
    """All after the empty line that ends the header, with LF as line ends."""
    return octets.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


def attachments_of(octets: bytes) -> list[str]:
    """The SHA-256 of each attachment."""
    parts = message_from_bytes(octets, policy=policy.default).walk()
    found = [part.get_payload(decode=True) for part in parts if part.get_content_disposition() == "attachment"]
    return [hashlib.sha256(payload).hexdigest() for payload in found if isinstance(payload, bytes)]
