"""One of several messages on its way, and what is kept of each: a copy, and lines in the log of the system."""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import count

from sendmail_cli.errors import DataError, InternalError, MailError
from sendmail_cli.report import Report, outcome_by_error
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.request import Request
    from sendmail_cli.submission import Submission

    Settle = Callable[[Report, Submission], Report]
    Keep = Callable[[Submission, Report], None]

NO_COPY = "none"  # as a path: keep none


class Sent(NamedTuple):
    """What became of one of several messages."""

    number: int  # from 1
    label: str  # what a person calls the message
    report: Report
    is_end: bool = False  # it failed for what would befall the next one too, so no other is tried


def is_end(report: Report) -> bool:
    """True where no verdict on the message, nor what it is, but the session or the way to it failed."""
    has_verdict = any(outcome.code is not None for outcome in report.outcomes)
    return report.error is not None and not isinstance(report.error, DataError) and not has_verdict


class Row:
    """Messages on their way: makes a submission of each in its turn, and knows which is whose."""

    def __init__(self, sources: Iterable[Source], submission_of: Callable[[Source], Submission]) -> None:
        self._sources = iter(sources)
        self._submission_of = submission_of
        self._made: deque[tuple[int, str, Submission | MailError]] = deque()
        self.submissions = self._submissions()  # one for each source that makes one

    def _submissions(self) -> Iterator[Submission]:
        for number in count(1):
            label = f"message {number}"
            try:
                source = next(self._sources, None)
                if source is None:
                    return
                label = source.label
                made = self._submission_of(source)
            except MailError as error:
                self._made.append((number, label, error))
                continue
            self._made.append((number, label, made))
            yield made

    def unsent(self) -> Iterator[Sent]:
        """Those before the next submission that made none."""
        while self._made and isinstance(error := self._made[0][2], MailError):
            number, label, _ = self._made.popleft()
            yield Sent(number, label, Report("", "", error=error))

    def take(self) -> tuple[int, str, Submission]:
        """The next submission. After `unsent` there is one if one was given away."""
        number, label, made = self._made.popleft()
        if isinstance(made, MailError):
            raise made
        return number, label, made

    def sent(self, reports: Generator[Report], settle: Settle, keep: Keep) -> Iterator[Sent]:
        """What became of each by its report; `settle` may have the queue take it over.

        What befalls the session, and would the next one, ends the row; where the queue took that one over, it takes
        the others too, and nobody is asked for them.
        """
        for report in reports:
            yield from self.unsent()
            number, label, submission = self.take()
            settled = settle(report, submission)
            sent = Sent(number, label, settled, is_end(settled))
            interrupt: KeyboardInterrupt | None = None
            try:
                keep(submission, settled)
            except KeyboardInterrupt as error:  # it is sent, and that must be told
                interrupt = error
            yield sent
            if interrupt is not None:
                raise interrupt
            if sent.is_end:
                return
            if is_end(report):
                reports.close()
                yield from self.rest(partial(_untried, settle, report), keep)
                return
        yield from self.unsent()

    def rest(self, act: Callable[[Submission], Report], keep: Keep) -> Iterator[Sent]:
        """What is left of the row: `act` says of each what becomes of it. What would befall the next too ends it."""
        while self._made or next(self.submissions, None) is not None:
            yield from self.unsent()
            if self._made:
                number, label, submission = self.take()
                report = act(submission)
                keep(submission, report)
                yield Sent(number, label, report, is_end(report))
                if is_end(report):
                    return
        yield from self.unsent()


def as_it_is(report: Report, _: Submission) -> Report:
    """Where nothing waits, a report stands."""
    return report


def _untried(settle: Settle, why: Report, submission: Submission) -> Report:
    """What becomes of a message for which there is no session either, as `why` says."""
    error = why.error or InternalError("the session ended without a verdict")
    outcomes = [outcome_by_error(str(each.path.address), error) for each in submission.envelope.recipients]
    return settle(Report(submission.message_id, why.server, tuple(outcomes), error, why.profile), submission)


def remember(
    submission: Submission,
    report: Report,
    request: Request,
    settings: Settings,
    *,
    environment: Environment,
    warn: Callable[[str], None],
) -> None:
    """The system's log hears of it, and the copy is kept that was wished for."""
    if settings.queue.syslog:
        from sendmail_cli.system_log import log_report

        log_report(report, str(submission.envelope.reverse_path), environment, warn)
    path = settings.fcc if request.fcc is None else request.fcc
    keep_copy(path, submission, report, environment, warn)


def keep_copy(
    path: str | None,
    submission: Submission,
    report: Report,
    environment: Environment,
    warn: Callable[[str], None],
) -> None:
    """Keep what was sent, or queued, in the Maildir or mbox at `path`. Where that fails, `warn` hears of it."""
    if path in {None, "", NO_COPY} or not (report.accepted or report.queue_id is not None):
        return
    from sendmail_cli.message.store import Copy, keep

    sender = submission.envelope.reverse_path.address
    copy = Copy("" if sender is None else str(sender), submission.blind, submission.content.chunks())
    try:
        keep(copy, str(path), environment)
    except MailError as error:
        hint = f". {error.hint}" if error.hint else ""
        warn(f"the message is sent, but no copy was kept: {error.sentence}{hint}")
    except KeyboardInterrupt:
        warn("the message is sent, but no copy was kept: interrupted")
        raise
