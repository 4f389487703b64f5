"""Whatever is said by whom: a connection keeps its rules, and a delivery ends in a report."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sendmail_cli import delivery, opening
from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError, RemoteProtocolError
from sendmail_cli.report import Action
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.connection import Connection, State
from sendmail_cli.smtp.envelope import ForwardPath, ReversePath
from sendmail_cli.status import ExitCode
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.dialogue import Clock, TestEnvironment, submission_of

ADA = AddrSpec("ada", "example.org")
COMMANDS = [
    commands.ehlo("x"),
    commands.helo("x"),
    commands.STARTTLS,
    commands.auth("PLAIN", b"x"),
    commands.response(b"x"),
    commands.mail(ReversePath(ADA)),
    commands.rcpt(ForwardPath(ADA)),
    commands.DATA,
    commands.END_OF_CONTENT,
    commands.RSET,
    commands.NOOP,
    commands.QUIT,
    commands.verbatim("XFOO"),
]
REPLIES = st.sampled_from(
    [
        *(b"220 hi\r\n", b"250 ok\r\n", b"250-mx\r\n250 PIPELINING\r\n", b"354 go\r\n", b"334 \r\n", b"235 ok\r\n"),
        *(
            b"421 bye\r\n",
            b"450 no\r\n",
            b"550 no\r\n",
            b"500 no\r\n",
            b"120 eh\r\n",
            b"oops\r\n",
            b"250-a\r\n251 b\r\n",
        ),
        *(b"25", b"250-", b"2", b"\xff\r\n", b"\r\n"),
    ]
)


class AnyOrder(RuleBasedStateMachine):
    """Commands and replies in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = Connection()
        self.is_broken = False
        self.waiting = 1  # for the greeting

    @rule(command=st.sampled_from(COMMANDS))
    @precondition(lambda self: not self.is_broken)
    def send(self, command: commands.Command) -> None:
        before = {name: repr(value) for name, value in vars(self.connection).items()}
        try:
            assert self.connection.send(command) == command.line
            self.waiting += 1
        except LocalProtocolError:
            assert {name: repr(value) for name, value in vars(self.connection).items()} == before

    @rule(data=REPLIES)
    @precondition(lambda self: not self.is_broken)
    def receive(self, data: bytes) -> None:
        self.connection.receive_data(data)

    @rule()
    @precondition(lambda self: not self.is_broken and self.waiting)
    def read(self) -> None:
        try:
            reply = self.connection.next_reply()
        except RemoteProtocolError:
            self.is_broken = True
            return
        if reply is not None:
            self.waiting = 0 if reply.code == 421 else self.waiting - 1

    @rule()
    @precondition(lambda self: not self.is_broken)
    def start_tls(self) -> None:
        try:
            self.connection.start_tls()
            assert not self.connection.capabilities.extensions
        except (LocalProtocolError, RemoteProtocolError):
            pass

    @rule()
    @precondition(lambda self: not self.is_broken and not self.waiting)
    def look_for_unasked_lines(self) -> None:
        try:
            self.connection.check_nothing_unasked()
        except (ConnectionLost, RemoteProtocolError):
            self.is_broken = True

    @rule()
    @precondition(lambda self: self.is_broken)
    def nothing_more_is_said(self) -> None:
        pass

    @invariant()
    def quit_is_never_a_line_of_a_message(self) -> None:
        if self.connection.may_quit:
            assert self.connection.state not in {State.CONTENT, State.CHALLENGED, State.SECURING, State.CONNECTED}
            assert not self.waiting

    @invariant()
    def no_flight_without_pipelining(self) -> None:
        if not self.connection.capabilities.offers("PIPELINING"):
            assert self.waiting <= 1 or self.is_broken


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


class AnyServer:
    """A stream from a server that says what it likes, whatever it hears, and then leaves or falls silent."""

    is_local = True
    local_address = "192.0.2.1"

    def __init__(self, pieces: list[bytes], clock: Clock, *, leaves: bool) -> None:
        self.pieces = pieces
        self.clock = clock
        self.leaves = leaves
        self.unsent = 0
        self.heard = bytearray()
        self.is_closed = False

    @property
    def has_input(self) -> bool:
        return False  # at the worst moment: everything comes just when we wait for an answer

    def read(self, deadline: float) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.leaves:
            return b""
        self.clock.now = max(deadline, self.clock.now)
        raise DeadlineExceeded("the server took too long to answer")

    def read_available(self) -> None:
        return None

    def write(self, data: bytes, deadline: float) -> None:
        self.heard += data

    is_secured = False

    def tls_facts(self) -> None:
        return None

    def close(self) -> None:
        self.is_closed = True


@given(
    pieces=st.lists(st.one_of(REPLIES, st.binary(min_size=1, max_size=30)), max_size=12),
    beginning=st.sampled_from([(), (b"220 hi\r\n", b"250 mx\r\n"), (b"220 hi\r\n", b"250-mx\r\n250 PIPELINING\r\n")]),
    leaves=st.booleans(),
    user=st.sampled_from([None, "ada"]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_trap04_duty24_any_server_at_all_gives_a_report(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], beginning: tuple[bytes, ...], leaves: bool, user: str | None
) -> None:
    clock = Clock()
    stream = AnyServer([*beginning, *pieces], clock, leaves=leaves)
    monkeypatch.setattr(opening, "dial", lambda *_: stream)
    events: list[TraceEvent] = []
    server = Server("mx", 25, tls=TLSMode.NONE, user=user)
    submission = submission_of(b"Subject: x\r\n\r\nx\r\n", "bob@example.net", "eve@example.net")
    report = delivery.deliver(
        submission, server, lambda: Secret("hunter2"), TestEnvironment(clock), Trace(clock, events.append)
    )
    assert stream.is_closed
    assert len(report.outcomes) == 2
    assert report.exit_code is not ExitCode.SOFTWARE
    said = bytes(stream.heard)
    if any(outcome.action is Action.RELAYED or outcome.is_in_doubt for outcome in report.outcomes):
        assert b"\r\n.\r\n" in said
    if b"Subject: x" in said:
        assert said.index(b"DATA\r\n") < said.index(b"Subject: x")
    assert "hunter2" not in repr(events) + repr(report)
