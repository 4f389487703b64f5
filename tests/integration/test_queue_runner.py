"""What a runner does about what a server says: whose fault it is, who is tried again, and what the sender hears."""

from __future__ import annotations

import os
from contextlib import closing
from email import message_from_bytes
from mailbox import mbox
from typing import TYPE_CHECKING, Any, cast

import pytest

from sendmail_cli import tending
from sendmail_cli.addresses import AddrSpec, parse_mailbox
from sendmail_cli.errors import ConfigError, SpoolError
from sendmail_cli.queue.claims import Claims
from sendmail_cli.queue.entry import InDoubt, Lane, MailState, NewMail
from sendmail_cli.queue.journal import Wanted, attempts
from sendmail_cli.queue.runner import LONGEST_SLEEP, Callers, Runner, Way
from sendmail_cli.queue.schedule import LIFETIME, LONGEST_STEP, SHIFT, Limit
from sendmail_cli.queue.spool import Spool
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp.envelope import (
    Demands,
    Envelope,
    ForwardPath,
    Notify,
    Recipient,
    Ret,
    ReversePath,
    envelope_of,
)
from sendmail_cli.tending import IN_BACKGROUND, Ran, RunCallers, run_in_background, run_once
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.sink import Sink
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from sendmail_cli.queue.claims import DueLane
    from sendmail_cli.report import Report

GREETING = "S: 220 hi\nC? EHLO\nS: 250-hi\nS: 250 DSN\n"
TO_CONTENT = "C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\n"
MESSAGE = b"From: ada@example.org\r\nSubject: hello\r\n\r\nFrom here on\r\n"


class House:
    """A spool, and the server that its only lane leads to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clockwork(folder)
        self.way = Way(Server("127.0.0.1", 1, tls=TLSMode.NONE), lambda: Secret(""))
        self.said: list[str] = []
        monkeypatch.setattr(tending, "way_of", lambda *_: self.found())
        self.fault: ConfigError | None = None

    def found(self) -> Way:
        if self.fault is not None:
            raise self.fault
        return self.way

    def lead_to(self, port: int, **changes: Any) -> None:
        self.way = self.way._replace(server=Server("127.0.0.1", port, tls=TLSMode.NONE), **changes)

    def add(self, count: int = 1, message: bytes = MESSAGE, profile: str | None = "p", **changes: Any) -> int:
        sender = ReversePath(parse_mailbox("ada@example.org").address)
        envelope = envelope_of(changes.pop("sender", sender), addresses(count), notify=changes.pop("notify", ()))
        envelope = envelope._replace(demands=changes.pop("demands", Demands()))
        with Spool(self.clock) as spool:
            return spool.add(NewMail(envelope, Octets(message), "<x@y>", Lane(profile, "{}"))._replace(**changes)).id

    def run(self) -> Ran:
        return run_once(self.clock, self.callers)

    def run_in_background(self) -> None:
        """With a lock from who has started it, and is gone by now."""
        with Spool(self.clock) as spool:
            lock = spool.place.take_runner()
        assert lock is not None
        handed = os.dup(lock.descriptor)
        lock.release()
        self.clock.monotonic = lambda: self.clock.moment  # type: ignore[method-assign] # no server is there to wait for
        run_in_background(self.clock, self.callers, handed)

    @property
    def callers(self) -> RunCallers:
        return RunCallers(lambda _: lambda: Secret(""), self.said.append, self.rest)

    def rest(self, why: str) -> bool:
        self.said.append(why)
        return False

    def run_against(self, script: str) -> Ran:
        """A run with a server that plays `script` on each connection."""
        ending = "" if "S! close" in script else "C? QUIT\nS: 221 bye\n"
        with ScriptedServer(parse_script(script + ending)) as server:
            self.lead_to(server.port)
            return self.run()

    @property
    def entries(self) -> list[Any]:
        with Spool(self.clock) as spool:
            return list(spool.entries())

    @property
    def actions(self) -> list[str]:
        with Spool(self.clock) as spool:
            return [each.action for each in attempts(spool, Wanted())]

    @property
    def bounces(self) -> list[bytes]:
        path = self.clock.folder / "spool/undelivered.mbox"
        if not path.exists():
            return []
        with closing(mbox(path)) as box:
            return [message.as_bytes() for message in box]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def test_many_mails_go_over_one_connection(house: House) -> None:
    for _ in range(25):
        house.add()
    with Sink() as sink:
        house.lead_to(sink.port)
        assert house.run() == Ran(25, 0)

    assert sink.received.count(b"Subject: hello") == 25
    assert (house.entries, house.actions) == ([], ["sent"] * 25)


@pytest.mark.parametrize(
    "script",
    [
        "S: 554 no service\nS! close\n",
        "S: 220 hi\nC? EHLO\nS: 550 who are you\nS! close\n",
        "S! close\n",
    ],
    ids=["greeting", "EHLO", "nothing"],
)
def test_no_session_is_no_verdict(house: House, script: str) -> None:
    for _ in range(3):
        house.add()

    assert house.run_against(script) == Ran(0, 0)
    assert [(entry.state, entry.attempts, entry.due <= house.clock.now()) for entry in house.entries] == [
        (MailState.WAITING, 0, True)
    ] * 3
    assert len(house.said) == 1
    assert house.run_against(script) == Ran(0, 0)
    assert house.actions == ["no session"], "the lane rests: nobody was asked again"


def test_what_was_not_tried_is_free_while_its_runner_goes_on(house: House) -> None:
    for _ in range(3):
        house.add()
    with Spool(house.clock) as spool, Claims(spool) as claims:
        Runner(spool, claims, Callers(lambda _: house.found(), lambda *_: None, house.rest)).work()
        assert [entry.is_being_sent for entry in spool.entries()] == [False] * 3


def test_a_broken_configuration_is_no_verdict(house: House) -> None:
    house.add()
    house.fault = ConfigError("there is no profile p")

    assert house.run() == Ran(0, 0)
    assert house.said == ["there is no profile p"]
    assert len(house.entries) == 1


def test_what_rested_goes_on_once_it_works_again(house: House) -> None:
    house.add()
    house.run_against("S: 554 no\nS! close\n")
    house.clock.moment += 60
    with Sink() as sink:
        house.lead_to(sink.port)
        assert house.run() == Ran(1, 0)

    house.add()
    house.said.clear()
    house.run_against("S: 554 no\nS! close\n")
    assert len(house.said) == 1, "what stood still, worked, and stands still again is news"
    with Spool(house.clock) as spool:
        (pause,) = spool.pauses()
    assert pause.until - house.clock.now() <= 60, "it rests as for the first time"


@pytest.mark.parametrize(
    "script",
    [
        f"{GREETING}C? MAIL\nS: 550 5.7.1 no\n",
        f"{GREETING}C? MAIL\nS: 250 ok\nC? RCPT\nS: 550 5.1.1 nobody\n",
        f"{GREETING}C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 554 5.3.0 no\n",
        f"{GREETING}{TO_CONTENT}S: 554 5.7.1 spam\n",
    ],
    ids=["MAIL", "RCPT", "DATA", "content"],
)
def test_a_refusal_for_good_is_reported_with_the_mail_in_it(house: House, script: str) -> None:
    number = house.add()

    assert house.run_against(script) == Ran(0, 1)
    assert house.entries == []
    assert house.actions == ["refused"]
    assert house.said[0].startswith(f"mail {number} was given up for ")
    (bounce,) = house.bounces
    report = message_from_bytes(bounce)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    _, status, mail = cast("list[Message]", report.get_payload())
    (back,) = cast("list[Message]", mail.get_payload())
    assert str(back.get_payload()).rstrip() == ">From here on"  # as an mbox quotes it
    fields = cast("list[Message]", status.get_payload())[1]
    assert (fields["Action"], fields["Status"][0]) == ("failed", "5")
    assert fields["Diagnostic-Code"].startswith("smtp; 55")


@pytest.mark.parametrize(
    "script",
    [
        f"{GREETING}C? MAIL\nS: 450 4.3.0 later\n",
        f"{GREETING}C? MAIL\nS: 250 ok\nC? RCPT\nS: 450 4.2.0 greylisted\n",
        f"{GREETING}{TO_CONTENT}S: 451 4.3.0 later\n",
        f"{GREETING}C? MAIL\nS: 250 ok\nC? RCPT\nS! close\n",
    ],
    ids=["MAIL", "RCPT", "content", "lost"],
)
def test_what_may_go_later_waits_longer_each_time(house: House, script: str) -> None:
    house.add()
    waits = []
    for attempt in (1, 2, 3):
        assert house.run_against(script) == Ran(0, 0)
        (entry,) = house.entries
        assert entry.attempts == attempt
        waits.append(entry.due - house.clock.now())
        house.clock.moment = entry.due

    assert 45 <= waits[0] <= 60
    assert 90 <= waits[1] <= 120
    assert 180 <= waits[2] <= 240


@pytest.mark.parametrize(
    "reply",
    ["454 4.7.0 Throttling failure: Maximum sending rate exceeded", "550 5.4.5 Daily user sending limit exceeded"],
)
def test_too_much_for_the_account_is_no_attempt_and_all_of_the_profile_rests(house: House, reply: str) -> None:
    for _ in range(3):
        house.add()

    assert house.run_against(f"{GREETING}C? MAIL\nS: {reply}\n") == Ran(0, 0)
    assert [entry.attempts for entry in house.entries] == [0, 0, 0]
    assert house.actions == ["paused"]
    with Spool(house.clock) as spool:
        (pause,) = spool.pauses()
    assert 45 <= pause.until - house.clock.now() <= 60


def test_only_those_who_deserve_it_are_tried_again(house: House) -> None:
    house.add(3)
    script = (
        f"{GREETING}C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? RCPT\nS: 550 5.1.1 nobody\nC? RCPT\nS: 450 4.2.0 later\n"
        "C? DATA\nS: 354 go\nC.\nS: 250 kept\n"
    )

    assert house.run_against(script) == Ran(1, 1)
    assert [len(entry.recipients) for entry in house.entries] == [1]
    assert sorted(house.actions) == ["delayed", "refused", "sent"]
    assert house.bounces[0].count(b"Final-Recipient") == 1
    house.clock.moment += 60
    assert house.run_against(f"{GREETING}{TO_CONTENT}S: 250 kept\n") == Ran(1, 0)
    assert house.entries == []


@pytest.mark.parametrize(("policy", "state"), [(InDoubt.RESEND, MailState.WAITING), (InDoubt.HOLD, MailState.HELD)])
def test_what_was_lost_after_the_dot(house: House, policy: InDoubt, state: MailState) -> None:
    house.add(in_doubt=policy)

    assert house.run_against(f"{GREETING}{TO_CONTENT}S! close\n") == Ran(0, 0)
    assert house.entries[0].state is state
    assert house.actions == ["in doubt"]


@pytest.mark.parametrize(("policy", "state"), [(InDoubt.RESEND, MailState.WAITING), (InDoubt.HOLD, MailState.HELD)])
def test_what_a_killed_runner_was_just_sending(house: House, policy: InDoubt, state: MailState) -> None:
    house.add(in_doubt=policy)
    with Spool(house.clock) as spool:
        killed = Claims(spool)
        (lane,) = killed.look()
        (mail,) = killed.claim(lane, (), None)
        killed.mark(mail, (), "server")
        os.close(killed._owner._descriptor)
        with Claims(spool) as other:
            other.look()
        (entry,) = spool.entries()
        assert (entry.state, entry.why.partition(":")[0]) == (state, "in doubt")
        assert [line.partition(":")[0] for line in spool.untold()] == (
            ["mail 1 may have been delivered and is held"] if policy is InDoubt.HOLD else []
        )


def test_five_days_in_which_somebody_looked_give_it_up(house: House) -> None:
    house.add()
    for _ in range(int(LIFETIME / LONGEST_STEP)):
        assert house.run().given_up == 0  # no server is there
        house.clock.moment += LONGEST_STEP

    assert house.run().given_up == 1
    assert house.entries == []
    assert b"Status: 4.4.7" in house.bounces[0]


def test_what_is_given_up_for_its_age_is_reported_as_any_other(house: House) -> None:
    number = house.add(2)
    reports: list[tuple[Report, str]] = []
    house.way = house.way._replace(on_report=lambda *report: reports.append(report))
    for _ in range(int(LIFETIME / LONGEST_STEP) + 1):
        reports.clear()
        house.run()
        house.clock.moment += LONGEST_STEP

    ((report, sender),) = reports
    assert (report.queue_id, report.profile, sender) == (number, "p", "<ada@example.org>")
    assert [outcome.text.partition(":")[0] for outcome in report.outcomes] == ["given up after 5 days"] * 2


def watch_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When somebody looked what is due."""
    looks = []
    look = Claims.look

    def watched(claims: Claims) -> list[DueLane]:
        looks.append(house.clock.moment)
        return look(claims)

    monkeypatch.setattr(Claims, "look", watched)
    return looks


def test_a_lane_that_rests_lets_its_runner_sleep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add()
    house.run_against("S: 554 no\nS! close\n")
    looks = watch_looks(house, monkeypatch)
    with Sink() as sink, Spool(house.clock) as spool, Claims(spool) as claims:
        (pause,) = spool.pauses()
        house.lead_to(sink.port)
        callers = Callers(lambda _: house.found(), lambda *_: None, house.rest)
        began = house.clock.moment
        Runner(spool, claims, callers).stay(seconds=70)

    assert b"hello" in sink.received
    assert len([moment for moment in looks if moment < pause.until]) <= 4, [moment - began for moment in looks]
    assert pause.until <= house.clock.moment


def test_a_limit_a_day_lets_its_runner_sleep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        house.add()
    looks = watch_looks(house, monkeypatch)
    with Sink() as sink, Spool(house.clock) as spool, Claims(spool) as claims:
        house.lead_to(sink.port, limits=(Limit(1, 50.0),))
        callers = Callers(lambda _: house.found(), lambda *_: None, house.rest)
        Runner(spool, claims, callers).stay(seconds=60)

    assert sink.received.count(b"hello") == 2
    assert len(looks) <= 12


@pytest.mark.parametrize(
    ("due", "successors"),
    [(None, 0), (5400.0, 1), (3 * 3600.0, 0)],
    ids=["no server is there", "within the next hour", "later"],
)
def test_a_runner_that_ends_after_an_hour_sees_to_what_comes_next(
    house: House, due: float | None, successors: int
) -> None:
    house.add(due=None if due is None else house.clock.now() + due)
    house.clock.random_bytes = bytes  # type: ignore[assignment,method-assign] # no jitter: no rest ends with the hour

    house.run_in_background()

    assert len(house.clock.started) == successors
    assert SHIFT <= sum(house.clock.slept) <= SHIFT + LONGEST_SLEEP


def test_a_lane_that_is_gone_gives_its_number_and_not_its_way_to_the_next(house: House) -> None:
    """A runner that still serves the one must not send what is on the other to its server."""
    house.add()
    with Spool(house.clock) as spool, Claims(spool) as claims:
        (lane,) = claims.look()
        (mail,) = claims.claim(lane, (), None)
        claims.release([mail])
        spool.delete(mail.id)
        with Claims(spool) as other:
            other.tidy(float("inf"))
        house.add(profile="q")

        assert claims.claim(lane, (), None) == []
        (lane,) = claims.look()
        assert [mail.lane.profile for mail in claims.claim(lane, (), None)] == ["q"]


def test_what_comes_in_the_last_moment_of_a_runner_is_not_left(house: House) -> None:
    house.add(due=house.clock.now() + 3 * 3600)
    sleep = house.clock.sleep

    def add_late(seconds: float) -> None:
        sleep(seconds)
        if sum(house.clock.slept) >= SHIFT:  # its last look was before
            house.add()

    house.clock.sleep = add_late  # type: ignore[method-assign]
    house.run_in_background()

    assert house.clock.started == [IN_BACKGROUND]


def test_a_neighbour_that_dies_is_noticed_in_a_moment(house: House) -> None:
    """It says nothing: no stamp changes. What it had claimed is free at once all the same."""
    house.add()
    with Sink() as sink, Spool(house.clock) as spool, Claims(spool) as claims:
        house.lead_to(sink.port)
        other = Claims(spool)
        (lane,) = other.look()
        assert other.claim(lane, (), None)
        sleep = house.clock.sleep

        def die(seconds: float) -> None:
            sleep(seconds)
            if len(house.clock.slept) == 5:
                os.close(other._owner._descriptor)

        house.clock.sleep = die  # type: ignore[method-assign]
        callers = Callers(lambda _: house.found(), lambda *_: None, house.rest)
        Runner(spool, claims, callers).stay(seconds=10)

    assert b"hello" in sink.received


def test_one_mail_at_most_is_marked_though_the_next_is_made_ready(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With BDAT the whole next message stands in memory while the server thinks about the one before."""
    for _ in range(4):
        house.add()
    marked = []
    mark = Claims.mark

    def counted(claims: Claims, *arguments: Any) -> None:
        mark(claims, *arguments)
        with claims._spool.reading() as database:
            marked.append(database.execute("SELECT count(*) FROM mails WHERE in_flight").fetchone()[0])

    monkeypatch.setattr(Claims, "mark", counted)
    script = "S: 220 hi\nC? EHLO\nS: 250-hi\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
    script += "C? MAIL\nC? RCPT\nC? BDAT\nC? From\nC? Subject\nC:\nC? From\nS: 250 ok\nS: 250 ok\nS: 250 kept\n" * 4
    with ScriptedServer(parse_script(script + "C? QUIT\nS: 221 bye\n")) as server:
        house.way = house.way._replace(
            server=Server("127.0.0.1", server.port, tls=TLSMode.NONE, is_chunking_eager=True)
        )
        assert house.run() == Ran(4, 0)

    assert marked == [1, 1, 1, 1]


@pytest.mark.parametrize("is_chunking_eager", [False, True], ids=["DATA", "BDAT"])
def test_what_cannot_be_marked_is_not_sent(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_chunking_eager: bool
) -> None:
    house.add()

    def refuse(*_: object) -> None:
        raise SpoolError("no room for a mark")

    monkeypatch.setattr(Claims, "mark", refuse)
    script = "S: 220 hi\nC? EHLO\nS: 250-hi\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
    script += "C~" if is_chunking_eager else "C? MAIL\nC? RCPT\nC? DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC~"
    with ScriptedServer(parse_script(script)) as server:
        house.way = house.way._replace(
            server=Server("127.0.0.1", server.port, tls=TLSMode.NONE, is_chunking_eager=is_chunking_eager)
        )
        assert house.run() == Ran(0, 0)

    assert b"\r\n.\r\n" not in server.received
    assert b"From here on" not in server.received, "it fits into the last octets"
    (entry,) = house.entries
    assert (entry.state, entry.why) == (MailState.WAITING, "no room for a mark")
    assert house.actions == ["delayed"]


def test_a_leap_of_the_clock_gives_nothing_up(house: House) -> None:
    house.add()
    house.run_against("S: 554 no\nS! close\n")
    house.clock.moment += 1e9

    assert house.run_against(f"{GREETING}{TO_CONTENT}S: 250 kept\n") == Ran(1, 0)


def test_a_clock_that_is_set_back_keeps_nothing_waiting(house: House) -> None:
    house.add()
    house.run_against(f"{GREETING}C? MAIL\nS: 450 later\n")
    house.clock.moment -= 1e8

    assert house.run_against(f"{GREETING}{TO_CONTENT}S: 250 kept\n") == Ran(1, 0)


def test_a_content_that_is_gone_is_set_aside_and_the_rest_goes_on(house: House) -> None:
    first = house.add(message=b"Subject: large\r\n\r\n" + b"x" * 60 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1000)
    house.add()
    (file,) = (house.clock.folder / "spool/contents").iterdir()
    file.unlink()
    with Sink() as sink:
        house.lead_to(sink.port)
        assert house.run() == Ran(1, 0)

    assert [(entry.id, entry.state) for entry in house.entries] == [(first, MailState.DAMAGED)]
    with Spool(house.clock) as spool:
        assert len(spool.untold()) == 1
        assert spool.untold() == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE mails SET demands = 'x' WHERE id = 1",
        "UPDATE mails SET reverse_path = 'no address' WHERE id = 1",
        "UPDATE mails SET reverse_path = CAST(x'ff' AS TEXT) WHERE id = 1",
        "UPDATE mails SET in_doubt = 'perhaps' WHERE id = 1",
        "UPDATE recipients SET notify = 'SOMETIMES' WHERE mail = 1",
        "UPDATE recipients SET address = CAST(x'c3' AS TEXT) || '@example.org' WHERE mail = 1",
        "UPDATE recipients SET address = 12 WHERE mail = 1",
        "UPDATE recipients SET original = 12 WHERE mail = 1",
        "UPDATE recipients SET original = 'rfc822;a b' WHERE mail = 1",
        "DELETE FROM contents WHERE mail = 1",
        "DELETE FROM recipients WHERE mail = 1",
        "UPDATE mails SET size = 3 WHERE id = 1",
    ],
)
def test_a_damaged_row_is_set_aside_and_the_rest_goes_on(house: House, damage: str) -> None:
    house.add()
    house.add()
    with Spool(house.clock) as spool, spool.changing() as database:
        database.execute(damage)
    with Sink() as sink:
        house.lead_to(sink.port)
        assert house.run() == Ran(1, 0)

    assert [(entry.id, entry.state) for entry in house.entries] == [(1, MailState.DAMAGED)]
    with Spool(house.clock) as spool:
        spool.delete(1)


def test_a_limit_a_second_holds_for_all_runners(house: House) -> None:
    for _ in range(6):
        house.add()
    with Sink() as sink:
        house.lead_to(sink.port, limits=(Limit(2, 1.0),))
        assert house.run() == Ran(6, 0)

    assert sum(house.clock.slept) >= 2.0


def test_a_limit_a_day_leaves_the_rest_for_later(house: House) -> None:
    for _ in range(6):
        house.add()
    with Sink() as sink:
        house.lead_to(sink.port, limits=(Limit(4, 86400.0),))
        assert house.run() == Ran(4, 0)
        assert house.run() == Ran(0, 0)
        house.clock.moment += 86401
        assert house.run() == Ran(2, 0)


def test_no_more_connections_than_are_allowed(house: House) -> None:
    for _ in range(20):
        house.add()
    with Spool(house.clock) as spool, Claims(spool) as other, Sink() as sink:
        (lane,) = other.look()
        assert other.claim(lane, (), 1)
        house.lead_to(sink.port, connections=1)
        assert house.run() == Ran(0, 0)
        house.lead_to(sink.port, connections=2)
        assert house.run() == Ran(10, 0)


class TestReportByMail:
    def refuse(self, house: House, **changes: Any) -> list[bytes]:
        """A server that knows nobody; gives what MAIL and RCPT said, without the parameters."""
        house.add(**changes)
        with Sink() as sink:
            sink.refused, sink.offered = b"RCPT", (b"DSN",)
            house.lead_to(sink.port, report_to=parse_mailbox("Ada <own@example.org>"))
            house.run()
        return [b" ".join(line.split()[:2]) for line in sink.commands if line.startswith((b"MAIL", b"RCPT"))]

    def test_goes_to_the_profiles_own_address_from_nobody(self, house: House) -> None:
        sender, _, *report = self.refuse(house, sender=ReversePath(parse_mailbox("victim@example.com").address))

        assert sender == b"MAIL FROM:<victim@example.com>"
        assert report == [b"MAIL FROM:<>", b"RCPT TO:<own@example.org>"]
        # The report is refused as well, and is then only in the mbox: one of a report is never sent.
        assert house.entries == []
        assert len(house.bounces) == 2
        assert b"own@example.org" in house.bounces[1]

    @pytest.mark.parametrize(
        "changes",
        [
            {"sender": ReversePath(None)},
            {"notify": (Notify.NEVER,)},
            {"message": b"Auto-Submitted: auto-generated\r\n" + MESSAGE},
            {"message": b"List-Id: <l.example.org>\r\n" + MESSAGE},
            {"message": b"Precedence: bulk\r\n" + MESSAGE},
        ],
        ids=["nobody", "never", "automatic", "list", "bulk"],
    )
    def test_never_about_what_wants_no_answer(self, house: House, changes: dict[str, Any]) -> None:
        assert b"RCPT TO:<own@example.org>" not in self.refuse(house, **changes)

        assert len(house.bounces) == 1, "in the mbox it is"


def test_a_report_brings_back_what_was_asked_for(house: House) -> None:
    house.add(demands=Demands(ret=Ret.HEADERS))
    house.run_against(f"{GREETING}C? MAIL\nS: 550 5.7.1 no\n")

    assert b"Subject: hello" in house.bounces[0]
    assert b"From here on" not in house.bounces[0]


@pytest.mark.parametrize(("ret", "is_8bit"), [(None, True), (Ret.HEADERS, False)])
def test_a_report_says_whether_what_it_brings_back_is_8bit(house: House, ret: Ret | None, is_8bit: bool) -> None:
    text = "\u00fc" * 60 + "\r\n"
    house.add(message=MESSAGE + text.encode() * 2000, demands=Demands(ret=ret))
    house.run_against(f"{GREETING}C? MAIL\nS: 550 5.7.1 no\n")

    assert (b"\nContent-Transfer-Encoding: 8bit\n" in house.bounces[0]) is is_8bit
    assert house.bounces[0].isascii() is not is_8bit


def test_a_hostile_reply_writes_nothing_into_the_report(house: House) -> None:
    house.add()
    house.run_against(f"{GREETING}C? MAIL\nS= 550-5.7.1 no\\r\\n550 \\x1b[2Jx\\x0dAction: delivered\\r\\n")

    status = cast("list[Message]", message_from_bytes(house.bounces[0]).get_payload())[1]
    assert [block["Action"] for block in cast("list[Message]", status.get_payload())[1:]] == ["failed"]
    assert b"\x1b" not in house.bounces[0]


class TestReportsThatWereAskedFor:
    """Of a client of the relay, or by sendmail's flags: where the server makes none they are ours (RFC 3461 §5.2.3)."""

    OURS = Demands(Ret.FULL, "QQ+1", are_reports_ours=True)
    TAKEN = f"S: 220 hi\nC? EHLO\nS: 250 hi\n{TO_CONTENT}S: 250 2.0.0 kept\n"

    def relayed(self, house: House) -> list[Message]:
        path = house.clock.folder / "spool/relayed.mbox"
        if not path.exists():
            return []
        with closing(mbox(path)) as box:
            return [message_from_bytes(message.as_bytes()) for message in box]

    def test_a_server_that_makes_none_is_told_nothing_and_we_report(self, house: House) -> None:
        house.add(demands=self.OURS, notify=(Notify.SUCCESS, Notify.FAILURE))
        with Sink() as sink:
            house.lead_to(sink.port)
            assert house.run() == Ran(1, 0)
        assert not any(word in b"".join(sink.commands) for word in (b"NOTIFY", b"RET", b"ENVID", b"ORCPT"))
        (report,) = self.relayed(house)
        text, status, mail = cast("list[Message]", report.get_payload())
        assert "makes no reports" in str(text.get_payload())
        about, recipient = cast("list[Message]", status.get_payload())
        assert about["Original-Envelope-Id"] == "QQ+1"
        assert (recipient["Action"], recipient["Status"]) == ("relayed", "2.0.0")
        assert mail.get_content_type() == "text/rfc822-headers"
        assert "From here on" not in report.as_string()
        assert (house.entries, house.bounces, house.said) == ([], [], [])

    def test_a_server_with_dsn_makes_them(self, house: House) -> None:
        house.add(demands=self.OURS, notify=(Notify.SUCCESS,))
        with Sink() as sink:
            sink.offered = (b"DSN",)
            house.lead_to(sink.port)
            assert house.run() == Ran(1, 0)
        assert b" RET=FULL ENVID=QQ+2B1" in sink.commands[0]
        assert b" NOTIFY=SUCCESS ORCPT=rfc822;" in sink.commands[1]
        assert self.relayed(house) == []

    @pytest.mark.parametrize("notify", [(), (Notify.FAILURE,), (Notify.NEVER,)])
    def test_nobody_hears_of_an_arrival_who_did_not_ask(self, house: House, notify: tuple[Notify, ...]) -> None:
        house.add(demands=self.OURS, notify=notify)
        assert house.run_against(self.TAKEN) == Ran(1, 0)
        assert self.relayed(house) == []

    def test_by_mail_where_that_is_set_up(self, house: House) -> None:
        house.add(demands=self.OURS, notify=(Notify.SUCCESS,))
        with Sink() as sink:
            house.lead_to(sink.port, report_to=parse_mailbox("Ada <own@example.org>"))
            assert house.run() == Ran(2, 0)
        assert b"MAIL FROM:<>\r\n" in b"".join(command.replace(b" SIZE", b"\r\n") for command in sink.commands)
        assert b"RCPT TO:<own@example.org>\r\n" in sink.commands
        assert sink.received.count(b"Action: relayed") == 1
        assert len(self.relayed(house)) == 1

    def test_a_runner_that_ends_before_it_could_tell(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another tells it, and nobody gets the mail twice."""

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        house.add(demands=self.OURS, notify=(Notify.SUCCESS,))
        with monkeypatch.context() as patched:
            patched.setattr("sendmail_cli.queue.bounce.report", killed)
            with pytest.raises(KeyboardInterrupt):
                house.run_against(self.TAKEN)
        assert self.relayed(house) == []
        with Sink() as sink:
            house.lead_to(sink.port)
            assert house.run() == Ran(0, 0)
        assert (len(self.relayed(house)), sink.received, house.entries) == (1, b"", [])

    def test_each_recipient_as_it_was_asked_for(self, house: House) -> None:
        """All are in the mbox; the mail tells of those whom its sender wants to hear of."""
        wanted = {"bob": (), "eve": (Notify.NEVER,), "joe": (Notify.SUCCESS,), "b\u00fcro": (Notify.FAILURE,)}
        recipients = tuple(
            Recipient(ForwardPath(AddrSpec(name, "example.org")), notify, f"rfc822;{number}+2B@first.example")
            for number, (name, notify) in enumerate(wanted.items())
        )
        envelope = Envelope(ReversePath(AddrSpec("ada", "example.org")), recipients, self.OURS)
        with Spool(house.clock) as spool:
            spool.add(NewMail(envelope, Octets(MESSAGE), "<x@y>", Lane("p", "{}")))
        with Sink() as sink:
            sink.offered = (b"SMTPUTF8",)
            sink.refused = b"RCPT TO:<"
            house.lead_to(sink.port, report_to=parse_mailbox("Ada <own@example.org>"))
            house.run()
        mbox_report, *_ = house.bounces
        for name, number in (("bob", 0), ("eve", 1), ("joe", 2), (r"b\x{FC}ro", 3)):
            kind = "rfc822" if name.isascii() and "{" not in name else "utf-8"
            fields = (
                f"Original-Recipient: rfc822; {number}+@first.example\nFinal-Recipient: {kind}; {name}@example.org\n"
            )
            assert fields.encode() in mbox_report
        given_up_report = house.bounces[1]
        told = [name for name in (b"bob", b"eve", b"joe", rb"b\x{FC}ro") if b"; " + name + b"@" in given_up_report]
        assert told == [b"bob", rb"b\x{FC}ro"]
