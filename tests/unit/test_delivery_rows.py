"""Several messages, sessions and servers: who gets what by which. Single sessions are in tests/dialogues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli import opening
from sendmail_cli.delivery import deliver, deliver_all
from sendmail_cli.errors import ConnectFailed, MailError
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.dialogue import Clock, MemoryStream, TestEnvironment, submission_of
from tests.support.scripted_server import parse_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.report import Report
    from sendmail_cli.session import Session
    from sendmail_cli.submission import Submission

DATA = b"Subject: x\r\n\r\nx\r\n"
GREETING = "S: 220 mx ESMTP Postfix\nC: EHLO client.example.org\n"
HELLO = f"{GREETING}S: 250-mx\nS: 250 PIPELINING\n"
ENVELOPE = "C: MAIL FROM:<ada@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n"
YES = "S: 250 ok\nS: 250 ok\nS: 354 go\n"
CONTENT = "C: Subject: x\nC:\nC: x\nC: .\n"
CHUNK = "C: MAIL FROM:<ada@example.org>\nC: RCPT TO:<bob@example.net>\nC: BDAT 17 LAST\nC: Subject: x\nC:\nC: x\n"
QUIT = "C: QUIT\n"
BYE = "S: 221 bye\n"
ONE = f"{ENVELOPE}{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"


class World:
    """Servers by name, each with the scripts of its sessions in order; "" is one that can't be reached."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **servers: list[str]) -> None:
        self.clock = Clock()
        self.events: list[TraceEvent] = []
        self.streams: list[MemoryStream] = []
        self.left = servers
        self.asked_for_a_password = 0
        monkeypatch.setattr(opening, "dial", self.dial)

    def dial(self, server: Server, *_: object) -> MemoryStream:
        script = self.left[server.host].pop(0)
        if not script:
            raise ConnectFailed(f"no connection to {server.host}")
        steps = parse_script(script)
        self.streams.append(MemoryStream(steps, lambda data: [data] if data else [], self.clock, is_local=True))
        return self.streams[-1]

    def password(self) -> Secret:
        self.asked_for_a_password += 1
        return Secret("hunter2")

    def run(self, submissions: Iterator[Submission] | list[Submission], *names: str, **settings: bool) -> list[Report]:
        first, *rest = [Server(name, 25, tls=TLSMode.NONE, **settings) for name in names or ("mx",)]  # type: ignore[arg-type]
        trace = Trace(self.clock, self.events.append)
        environment = TestEnvironment(self.clock)
        reports = deliver_all(submissions, first, self.password, environment, trace, fallbacks=tuple(rest))
        return list(reports)

    def verdict(self) -> str:
        """How anything departed from the scripts, or ""."""
        left = [f"{name}: {len(scripts)} sessions never came" for name, scripts in self.left.items() if scripts]
        return "; ".join(filter(None, [*left, *(stream.verdict() for stream in self.streams)]))


def messages(count: int) -> list[Submission]:
    return [submission_of(DATA)._replace(message_id=f"<{number}>") for number in range(1, count + 1)]


def codes(reports: list[Report]) -> list[int]:
    return [int(report.exit_code) for report in reports]


def test_mailmax_ends_a_session_and_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = f"{GREETING}S: 250-mx\nS: 250-LIMITS MAILMAX=2\nS: 250 PIPELINING\n"
    two = f"{hello}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[two, f"{hello}{ONE}"])
    reports = world.run(messages(3))
    assert world.verdict() == ""
    assert codes(reports) == [0, 0, 0]
    assert [report.message_id for report in reports] == ["<1>", "<2>", "<3>"]


def test_duty12_the_rest_of_the_recipients_goes_by_a_new_session_where_mailmax_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hello = f"{GREETING}S: 250-mx\nS: 250-LIMITS RCPTMAX=1 MAILMAX=1\nS: 250 PIPELINING\n"
    world = World(monkeypatch, mx=[hello + ONE, hello + ONE.replace("bob", "eve")])
    reports = world.run([submission_of(DATA, "bob@example.net", "eve@example.net")])
    assert world.verdict() == ""
    assert codes(reports) == [0]


def test_a_session_that_ends_between_two_messages_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Postfix and Exim say 421 to the next MAIL after so many messages; the first has its answer by then."""
    first = f"{HELLO}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\nS: 421 enough for one session\nS! close\n"
    world = World(monkeypatch, mx=[first, f"{HELLO}{ONE}"])
    reports = world.run(messages(2))
    assert world.verdict() == ""
    assert codes(reports) == [0, 0]
    assert reports[1].error is None


def test_duty27_a_session_lost_after_the_dot_leaves_one_message_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second was only begun: it is sent by the next session, and only once."""
    world = World(monkeypatch, mx=[f"{HELLO}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S! close\n", f"{HELLO}{ONE}"])
    reports = world.run(messages(2))
    assert world.verdict() == ""
    assert codes(reports) == [81, 0]


def test_a_new_session_that_fails_too_is_the_end_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = f"{HELLO}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\nS: 421 enough\nS! close\n"
    world = World(monkeypatch, mx=[first, f"{HELLO}{ENVELOPE}S: 421 never\nS! close\n"])
    reports = world.run(messages(2))
    assert world.verdict() == ""
    assert codes(reports) == [0, 75]
    assert reports[1].outcomes[0].code == 421


def test_a_message_that_the_server_cannot_carry_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    row = f"{ENVELOPE}{YES}{CONTENT}S: 250 taken\n{ENVELOPE}{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[f"{HELLO}{row}"])
    reports = world.run([messages(1)[0], messages(1)[0]._replace(content=TooLarge()), messages(1)[0]])
    assert world.verdict() == ""
    assert codes(reports) == [0, 65, 0]


class TooLarge:
    """A content that says it can't go."""

    size = 17
    is_7bit = True
    has_utf8_header = True

    def chunks(self) -> Iterator[bytes]:
        raise AssertionError

    def as_7bit(self) -> TooLarge:
        return self


def test_duty15_a_server_that_offers_bdat_and_refuses_it_gets_data_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hello = f"{GREETING}S: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
    refused = f"{hello}{CHUNK}S: 250 ok\nS: 250 ok\nS: 502 5.5.1 what?\nC: QUIT\nS: 221 bye\n"
    row = f"{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[refused, hello + row])
    reports = world.run(messages(2), is_chunking_eager=True)
    assert world.verdict() == ""
    assert codes(reports) == [0, 0]


def test_duty15_a_message_that_follows_by_bdat_waits_for_its_own_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message at most is unanswered: the large one by DATA, then the small one whole."""
    hello = f"{GREETING}S: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
    line = b"x" * 70 + b"\r\n"
    large = submission_of(b"Subject: x\r\n\r\n" + line * 1000)
    script = f"{hello}{ENVELOPE}{YES}C: Subject: x\nC:\n" + f"C: {line[:-2].decode()}\n" * 1000
    script += f"C: .\nS: 250 taken\n{CHUNK}{QUIT}S: 250 ok\nS: 250 ok\nS: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[script])
    reports = world.run([large, messages(1)[0]], is_chunking_eager=True)
    assert world.verdict() == ""
    assert codes(reports) == [0, 0]


@pytest.mark.parametrize(
    "failure",
    [
        "",
        "S: 421 too busy\nS! close\n",
        "S! close\n",
        "S: 554 no\nC: QUIT\n",
        "S: HTTP/1.1 400 Bad Request\nS! close\n",
        f"{HELLO}{ENVELOPE}S! close\n",
        f"{HELLO}{ENVELOPE}S: 421 going down\nS! close\n",
        f"{HELLO}{ENVELOPE}S: 250 ok\nS: 421 going down\nS! close\n",
    ],
)
def test_the_next_server_serves_where_the_first_fails(failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, mx=[failure], backup=[f"{HELLO}{ONE}"])
    (report,) = world.run(messages(1), "mx", "backup")
    assert world.verdict() == ""
    assert report.exit_code == 0
    assert report.error is None
    assert report.server == "backup:25"
    assert any("mx:25" in event.text and "trying backup:25" in event.text for event in world.events)


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [
        (f"{HELLO}{ENVELOPE}{YES}{CONTENT}{QUIT}S! close\n", 81),
        (f"{HELLO}{ENVELOPE}{YES}{CONTENT}{QUIT}S: 421 going down\nS! close\n", 75),
        (f"{HELLO}{ENVELOPE}S: 250 ok\nS: 550 5.1.1 no\nS: 554 no\n{QUIT}", 67),
        (f"{HELLO}{ENVELOPE}S: 550 5.7.1 no\nS: 503 no\nS: 503 no\n{QUIT}", 77),
    ],
)
def test_duty27_never_after_a_final_dot_nor_after_a_verdict(
    script: str, exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(monkeypatch, mx=[script], backup=[])
    assert codes(world.run(messages(1), "mx", "backup")) == [exit_code]
    assert world.verdict() == ""


def test_when_all_servers_fail_the_last_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, mx=["S! close\n", ""], backup=["", "S: 554 5.3.2 no\nC: QUIT\n"])
    reports = world.run(messages(2), "mx", "backup")
    assert codes(reports) == [75, 75]
    assert [str(report.error) for report in reports] == ["no connection to backup", "no connection to mx"]


def test_a_server_that_serves_keeps_serving_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = f"{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[""], backup=[f"{HELLO}{row}"])
    assert codes(world.run(messages(2), "mx", "backup")) == [0, 0]
    assert world.verdict() == ""


def test_a_refused_password_is_not_tried_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"{GREETING}S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AGFkYQBodW50ZXIy\nS: 535 5.7.8 no\nC: QUIT\n"
    world = World(monkeypatch, mx=[script], backup=[])
    server = Server("mx", 25, tls=TLSMode.NONE, user="ada")
    report = deliver(
        messages(1)[0],
        server,
        world.password,
        TestEnvironment(world.clock),
        Trace(world.clock),
        fallbacks=(server._replace(host="backup"),),
    )
    assert report.exit_code == 77
    assert world.verdict() == ""


def test_an_interrupt_in_a_row_says_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has its answer, the second is being sent: it isn't reported, since nobody has it."""
    world = World(monkeypatch, mx=[f"{HELLO}{ENVELOPE}{YES}{CONTENT}S: 250 taken\n{ENVELOPE}{YES}"])
    server = Server("mx", 25, tls=TLSMode.NONE)

    class Interrupted:
        size, is_7bit, has_utf8_header = 17, True, False

        def chunks(self) -> Iterator[bytes]:
            raise KeyboardInterrupt

        def as_7bit(self) -> Interrupted:
            return self

    row = iter([messages(1)[0], messages(1)[0]._replace(content=Interrupted())])
    script = f"{HELLO}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}"
    world.left["mx"] = [script]
    reports = deliver_all(row, server, world.password, TestEnvironment(world.clock), Trace(world.clock))
    assert next(reports).exit_code == 0
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    assert world.verdict() == ""


def test_an_interrupt_between_two_transactions_of_a_message_leaves_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hello = f"{GREETING}S: 250-mx\nS: 250 LIMITS RCPTMAX=1\n"
    first = (
        "C: MAIL FROM:<ada@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\n"
        f"{CONTENT}S: 250 taken\n"
    )
    world = World(monkeypatch, mx=[f"{hello}{first}C: MAIL FROM:<ada@example.org>\n"])
    submission = submission_of(DATA, "bob@example.net", "eve@example.net")
    reading = MemoryStream.read

    def read(stream: MemoryStream, deadline: float) -> bytes:
        if not stream._steps and not stream._readable:
            raise KeyboardInterrupt
        return reading(stream, deadline)

    monkeypatch.setattr(MemoryStream, "read", read)
    server = Server("mx", 25, tls=TLSMode.NONE)
    report = deliver(submission, server, world.password, TestEnvironment(world.clock), Trace(world.clock))
    assert report.exit_code == 80
    assert [outcome.text for outcome in report.outcomes] == ["taken", "interrupted before it was sent"]


def test_an_opened_session_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, mx=[f"{HELLO}{ENVELOPE}S! close\n"], backup=[f"{HELLO}{ONE}"])
    server = Server("mx", 25, tls=TLSMode.NONE)
    environment, trace = TestEnvironment(world.clock), Trace(world.clock)
    calls = []

    def opened() -> Session:
        calls.append(1)
        return opening.open_session(server, world.password, environment, trace)

    report = deliver(
        messages(1)[0],
        server,
        world.password,
        environment,
        trace,
        fallbacks=(server._replace(host="backup"),),
        opened=opened,
    )
    assert report.exit_code == 0
    assert calls == [1]
    assert world.verdict() == ""


def test_what_opening_raises_is_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, mx=[])

    def opened() -> Session:
        raise ConnectFailed("no connection to mx")

    server = Server("mx", 25, tls=TLSMode.NONE)
    report = deliver(
        messages(1)[0], server, world.password, TestEnvironment(world.clock), Trace(world.clock), opened=opened
    )
    assert isinstance(report.error, MailError)
    assert report.exit_code == 75
    assert report.server == "mx:25"


def test_what_the_source_of_the_messages_raises_comes_after_the_reports_of_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row of a CSV file that can't be read puts no message in doubt."""
    two = f"{HELLO}{ENVELOPE}{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    world = World(monkeypatch, mx=[two])

    def rows() -> Iterator[Submission]:
        yield from messages(2)
        raise ValueError("row 3")

    server = Server("mx", 25, tls=TLSMode.NONE)
    reports = deliver_all(rows(), server, world.password, TestEnvironment(world.clock), Trace(world.clock))
    assert [next(reports).exit_code, next(reports).exit_code] == [0, 0]
    with pytest.raises(ValueError, match="row 3"):
        next(reports)
    assert world.verdict() == ""


def test_what_was_prepared_for_a_session_that_died_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new session offers less, and the message must say less."""
    first = f"{GREETING}S: 250-mx\nS: 250-SIZE\nS: 250 PIPELINING\n"
    sized = ENVELOPE.replace("org>\n", "org> SIZE=17\n")
    died = f"{first}{sized}{YES}{CONTENT}{sized}S: 250 taken\n{YES}{CONTENT}{sized}S: 421 enough\nS! close\n"
    world = World(monkeypatch, mx=[died, f"{HELLO}{ONE}"])
    assert codes(world.run(messages(3))) == [0, 75, 0]
    assert world.verdict() == ""


def test_a_message_of_which_a_part_is_left_over_lets_the_next_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = f"{GREETING}S: 250-mx\nS: 250-LIMITS RCPTMAX=1\nS: 250 PIPELINING\n"
    eve = ENVELOPE.replace("bob", "eve")
    script = (
        f"{hello}{ENVELOPE}{YES}{CONTENT}{eve}S: 250 taken\n{YES}{CONTENT}{ENVELOPE}S: 250 taken\n{YES}"
        f"{CONTENT}{QUIT}S: 250 taken\n{BYE}"
    )
    world = World(monkeypatch, mx=[script])
    submissions = [submission_of(DATA, "bob@example.net", "eve@example.net"), messages(1)[0]]
    assert codes(world.run(submissions)) == [0, 0]
    assert world.verdict() == ""


def test_no_message_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, mx=[])
    assert world.run([]) == []


def test_duty38_each_server_has_a_session_of_its_own() -> None:
    """One connection serves one server, with its TLS settings and its user: a courier goes to no other."""
    server = Server("mx", 465, tls=TLSMode.IMPLICIT, user="ada")
    for other in (
        server._replace(host="mx2"),
        server._replace(port=587),
        server._replace(tls=TLSMode.STARTTLS),
        server._replace(user="eve"),
        server._replace(is_verified=False),
        server._replace(tls_pin="sha256:00"),
        server._replace(proxy=Secret("http://proxy")),
    ):
        assert other != server


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("S! close\n", 75),
        ("S: 421 4.3.2 shutting down\nS! close\n", 75),
        ("S: 354 go on\nC: .\nS! close\n", 81),
    ],
)
def test_a_session_that_fails_for_some_is_not_made_anew_for_those_left_over(
    monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    """Else a server that stalls has us wait once for each of a thousand recipients, or leaves all of them in doubt."""
    whom = ("bob@example.net", "eve@example.net", "ida@example.net")
    one_by_one = (
        "S: 250 ok\nC: RCPT TO:<eve@example.net>\nS: 452 too many\nC: RCPT TO:<ida@example.net>\nS: 452 too many\n"
    )
    said = f"{GREETING}S: 250 mx\nC: MAIL FROM:<ada@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.net>\n{one_by_one}"
    world = World(monkeypatch, mx=[f"{said}C: DATA\n{end.replace('C: .', CONTENT.strip())}"])
    (report,) = world.run([submission_of(DATA, *whom)])
    assert world.verdict() == ""
    assert report.exit_code == code
    assert [outcome.is_in_doubt for outcome in report.outcomes] == [code == 81, False, False]
