"""Who tries what is due: one connection for the mails of a lane, an outcome on disk before the next transaction.

What a mail gets from its server is a verdict on it. What keeps a session from coming about is none: then the lane
rests, the mails stay as they are, and that is said once.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from sendmail_cli.delivery import deliver_all
from sendmail_cli.errors import InputOutputError, MailError
from sendmail_cli.queue import schedule
from sendmail_cli.queue.claims import Rest
from sendmail_cli.queue.entry import InDoubt, Settled
from sendmail_cli.queue.verdicts import Verdict, verdict_on
from sendmail_cli.report import Action, Report
from sendmail_cli.smtp.envelope import Envelope
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.queue.claims import Claims, DueLane
    from sendmail_cli.queue.entry import Claimed, Lane
    from sendmail_cli.queue.place import RunnerLock
    from sendmail_cli.queue.schedule import Limit
    from sendmail_cli.queue.spool import Spool
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.server import Server
    from sendmail_cli.trace import TraceEvent

TURN = 500  # mails of one lane before the next lane has its turn
LOOK = 1.0  # seconds between two looks whether somebody has queued something
LONGEST_SLEEP = 60.0  # seconds; then the clock is looked at again
PATIENCE = 60.0  # seconds that a single run waits for a limit of messages a second


class Way(NamedTuple):
    """How the mails of a lane get to their server."""

    server: Server
    credential: CredentialGiver
    fallbacks: tuple[Server, ...] = ()
    limits: tuple[Limit, ...] = ()
    connections: int | None = None  # at once, of all runners together; None: any number
    report_to: Mailbox | None = None  # who gets a mail about what is given up; None: nobody
    on_report: Callable[[Report, str], None] = lambda _, __: None  # what an attempt brought, and the reverse-path


class Callers(NamedTuple):
    """What a runner asks of whoever runs it."""

    way_of: Callable[[Lane], Way]  # raises `MailError` where there is none
    tell: Callable[[Claimed, list[RecipientOutcome]], None]  # has the sender hear of these
    rest: Callable[[str], bool]  # an alarm: something stands still; True where somebody heard, else others are told
    on_event: Callable[[TraceEvent], None] | None = None


class Runner:
    """Tries what is due."""

    def __init__(self, spool: Spool, claims: Claims, callers: Callers) -> None:
        self._spool = spool
        self._claims = claims
        self._callers = callers
        self._environment = spool.environment
        self.sent = 0  # recipients
        self.given_up = 0  # recipients

    def run(self) -> None:
        """Try what is due until nothing is."""
        while self.work() or self._is_room_soon():
            pass

    def _is_room_soon(self) -> bool:
        """Wait for a limit that lets something go again in a moment."""
        soon = [wait for wait in self._waits_for_room() if 0 < wait <= PATIENCE]
        if soon:
            self._environment.sleep(min(soon))
        return bool(soon)

    def _waits_for_room(self) -> list[float]:
        """For each lane with something due, how long its limits keep that from going."""
        return [
            self._claims.seconds_until_room(lane, way.limits)
            for lane in self._claims.look()
            if (way := self._way(lane)) is not None
        ]

    def stay(self, *, seconds: float | None = None, lock: RunnerLock | None = None) -> None:
        """The same, and what is queued or comes due later: for ever, or for so long, or as long as anything waits."""
        end = None if seconds is None else self._environment.monotonic() + seconds
        while end is None or self._environment.monotonic() < end:
            stamp = self._spool.stamp()
            if self.work():
                continue
            if lock is not None and self._spool.leave(lock):
                return
            self._sleep(stamp)

    def _sleep(self, stamp: tuple[int, int]) -> None:
        waits = [self._claims.seconds_until_due() or LONGEST_SLEEP, *self._waits_for_room()]
        end = self._environment.monotonic() + min(LONGEST_SLEEP, *(max(LOOK, wait) for wait in waits))
        self._environment.sleep(LOOK)  # whatever the stamp says: looking itself may have changed it
        while self._environment.monotonic() < end and not self._is_anything_new(stamp):
            self._environment.sleep(LOOK)

    def _is_anything_new(self, stamp: tuple[int, int]) -> bool:
        return self._spool.stamp() != stamp or self._claims.has_somebody_died()

    @property
    def has_work(self) -> bool:
        """True when something might go now, or is wanted to within a shift."""
        return bool(self._claims.look()) or self._claims.is_wanted_within(schedule.SHIFT)

    def work(self) -> bool:
        """One turn for each lane that has something due. False when there was nothing to do."""
        has_worked = False
        lanes = self._claims.look()
        for mail in self._claims.give_up():
            self._give_up(mail)
            has_worked = True
        for lane in lanes:
            has_worked |= self._serve(lane)
        return has_worked

    def _give_up(self, mail: Claimed) -> None:
        report = Report(mail.message_id, "", tuple(mail.untold), profile=mail.lane.profile, queue_id=mail.id)
        with suppress(MailError):  # a profile that is gone has nobody who wants to hear of it
            self._callers.way_of(mail.lane).on_report(report, str(mail.reverse_path))
        self.tell(mail, mail.untold)

    def _way(self, lane: DueLane) -> Way | None:
        try:
            return self._callers.way_of(lane.lane)
        except MailError as error:
            self.rest(lane, error.sentence, of_account=False)
            return None

    def _serve(self, lane: DueLane) -> bool:
        way = self._way(lane)
        if way is None:
            return False
        connection = _Connection(self, self._claims, lane, way)
        trace = Trace(self._environment.monotonic, self._callers.on_event)
        reports = deliver_all(
            connection.submissions(),
            way.server,
            way.credential,
            self._environment,
            trace,
            fallbacks=way.fallbacks,
            on_outcome=connection.note,
            on_end=connection.mark,
        )
        try:
            for report in reports:
                if not connection.conclude(report):
                    break
        finally:
            reports.close()
            self._claims.release(mail.claimed for mail in connection.waiting)
        return connection.taken > 0

    def rest(self, lane: DueLane, why: str, *, of_account: bool) -> None:
        """Nothing more of that for a while; it is said once."""
        scope = self._claims.pause(lane, why, of_account=of_account)
        if scope is not None and self._callers.rest(why):
            self._spool.note_told(scope)

    def tell(self, mail: Claimed, outcomes: list[RecipientOutcome]) -> None:
        """Have the sender hear of these."""
        self.given_up += sum(outcome.action is Action.FAILED for outcome in outcomes)
        self._callers.tell(mail, outcomes)
        self._claims.told(mail)


class _Mail:
    """A claimed mail on its way."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self.pending = [each for each in claimed.recipients if each.untold is None]
        self.outcomes: dict[int, RecipientOutcome] = {}  # by place among the pending; not on disk yet
        self.reasons: list[tuple[Verdict, str]] = []

    def settled(self, *, was_heard: bool) -> list[Settled]:
        """What is not on disk yet; now it counts as written."""
        found = []
        for index, outcome in self.outcomes.items():
            verdict = verdict_on(outcome, was_heard=was_heard)
            found.append(Settled(self.pending[index].place, outcome.address, outcome, verdict))
            said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
            self.reasons.append((verdict, said))
        self.outcomes = {}
        return found


class _Connection:
    """The mails of a lane, one after the other, and what becomes of them."""

    def __init__(self, runner: Runner, claims: Claims, lane: DueLane, way: Way) -> None:
        self._runner = runner
        self._claims = claims
        self._lane = lane
        self._way = way
        self.waiting: deque[_Mail] = deque()  # claimed and without a report, in the order in which reports come
        self._claimed: deque[Claimed] = deque()
        self.taken = 0

    def submissions(self) -> Iterator[Submission]:
        """What is to be sent next, claimed a few at a time and read one at a time."""
        while self.taken < TURN:
            batch = self._claims.claim(self._lane, self._way.limits, self._way.connections)
            if not batch:
                return
            self.taken += len(batch)
            mails = [_Mail(claimed) for claimed in batch]
            self.waiting += mails
            for mail in mails:
                submission = self._submission(mail)
                if submission is None:
                    self.waiting.remove(mail)
                else:
                    yield submission

    def _submission(self, mail: _Mail) -> Submission | None:
        claimed = mail.claimed
        if claimed.untold:  # of a runner that ended before it could tell
            self._runner.tell(claimed, claimed.untold)
            return None
        try:
            content = self._claims.content(claimed)
        except InputOutputError as error:
            self._claims.set_aside(claimed, error.sentence)
            return None
        envelope = Envelope(claimed.reverse_path, tuple(each.recipient for each in mail.pending), claimed.demands)
        return Submission(envelope, content, claimed.message_id)

    def mark(self) -> None:
        """The last octets of the mail whose report is next are about to go out."""
        mail = self.waiting[0]
        self._claims.mark(mail.claimed, mail.settled(was_heard=True), str(self._way.server))

    def note(self, index: int, outcome: RecipientOutcome) -> None:
        """What became of a recipient of the mail whose report is next."""
        self.waiting[0].outcomes[index] = outcome

    def conclude(self, report: Report) -> bool:
        """Note the report of the mail that is next; False when this lane had better rest."""
        mail = self.waiting.popleft()
        claimed = mail.claimed
        settled = mail.settled(was_heard=report.was_heard)
        verdicts = {verdict for verdict, _ in mail.reasons}
        untold = self._claims.conclude(claimed, settled, report.server, self._rest(mail, verdicts))
        named = report._replace(profile=self._lane.lane.profile, queue_id=claimed.id)
        self._way.on_report(named, str(claimed.reverse_path))
        self._runner.sent += sum(verdict is Verdict.SENT for verdict, _ in mail.reasons)
        if Verdict.SENT in verdicts:
            self._claims.resume(self._lane)
        if untold:
            self._runner.tell(claimed, untold)
        for verdict, of_account in ((Verdict.UNHEARD, False), (Verdict.ACCOUNT, True)):
            if verdict in verdicts:
                why = next(text for each, text in mail.reasons if each is verdict)
                self._runner.rest(self._lane, f"{report.server}: {why}", of_account=of_account)
                return False
        return True

    def _rest(self, mail: _Mail, verdicts: set[Verdict]) -> Rest:
        """What is to become of those who did not get it."""
        why = next((text for verdict, text in mail.reasons if verdict is not Verdict.SENT), "")
        if Verdict.IN_DOUBT in verdicts:
            doubt = next(text for verdict, text in mail.reasons if verdict is Verdict.IN_DOUBT)
            why = f"{Verdict.IN_DOUBT.value}: {doubt}"
        if not verdicts & {Verdict.LATER, Verdict.IN_DOUBT}:
            return Rest(why)
        wait = self._claims.wait_after(mail.claimed.attempts + 1)
        is_held = Verdict.IN_DOUBT in verdicts and mail.claimed.in_doubt is InDoubt.HOLD
        return Rest(why, wait, is_held)
