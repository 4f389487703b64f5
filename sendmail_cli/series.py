"""One of several messages on its way, and what is kept of each: a copy, and lines in the log of the system."""

from __future__ import annotations

from collections import deque
from itertools import count

from sendmail_cli.errors import DataError, MailError
from sendmail_cli.report import Report
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.request import Request
    from sendmail_cli.submission import Submission

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

    def submissions(self) -> Iterator[Submission]:
        """One for each source that makes one."""
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
