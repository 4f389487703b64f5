"""Several ready messages, from an mbox or a Maildir: what became of each, and one exit code for all."""

from __future__ import annotations

from sendmail_cli import service
from sendmail_cli.cli import interrupts
from sendmail_cli.errors import MailError
from sendmail_cli.report import combined_exit_code
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.message.source import Source
    from sendmail_cli.report import Report
    from sendmail_cli.request import Request
    from sendmail_cli.series import Sent

MAX_SHOWN = 20  # numbers of messages in a sentence


class Series(NamedTuple):
    """Ready messages, each to be sent as `request` asks."""

    request: Request
    sources: Iterable[Source]


class _Tally:
    """What became of the messages so far; its size is not theirs."""

    def __init__(self) -> None:
        self.count = 0
        self.failed: list[int] = []  # the first of them
        self.failures = 0
        self.sent = 0  # to everybody
        self.queued = 0  # for one recipient at least
        self.codes: set[ExitCode] = set()
        self.is_anybody_served = False

    def add(self, number: int, report: Report) -> None:
        self.count = number
        self.codes.add(report.exit_code)
        self.is_anybody_served |= bool(report.accepted) or report.queue_id is not None
        self.sent += report.exit_code is ExitCode.OK and report.queue_id is None
        self.queued += report.queue_id is not None
        if report.exit_code is not ExitCode.OK:
            self.failures += 1
            self.failed = [*self.failed, number][:MAX_SHOWN]

    @property
    def exit_code(self) -> ExitCode:
        return combined_exit_code(self.codes, is_anybody_served=self.is_anybody_served)

    def sentence(self, rest: str) -> str:
        """How many were sent, how many wait, and which were neither; `rest` is about those after them."""
        which = ", ".join(map(str, self.failed)) + (", …" if self.failures > len(self.failed) else "")
        failed = f"; not so, or not to everybody: {which}" if self.failures else ""
        queued = f"; {self.queued} wait{'s' if self.queued == 1 else ''} in the queue" if self.queued else ""
        return f"{self.sent} of {self.count} messages were sent{queued}{failed}{rest}"


def send_series(series: Series, talking: Talk) -> ExitCode:
    """Send each message and say what became of it. Raises as `service.send` where nothing was sent yet."""
    tally = _Tally()
    rest = ""
    sending = service.send_all(
        series.request,
        series.sources,
        talking.environment,
        note=talking.output.note,
        warn=talking.output.warn,
        on_settings=talking.settled,
        on_event=talking.on_event,
        may_ask=talking.may_ask,
    )
    try:
        for sent in sending:
            tally.add(sent.number, sent.report)
            _tell(sent, talking)
            if sent.is_end:
                rest = "; none after these was tried"
    except KeyboardInterrupt:
        if not (tally.is_anybody_served or ExitCode.IN_DOUBT in tally.codes):
            raise
        rest = "; interrupted, so none after these was sent"
        tally.codes.add(ExitCode.INTERRUPTED)
    interrupts.settle()
    if tally.count == 0:
        talking.output.nothing_sent("the mailbox has no message, so nothing was sent")
        return ExitCode.OK
    if tally.queued and tally.exit_code is ExitCode.OK:  # said in any case: nobody has those yet
        talking.inform(tally.sentence(rest))
        return ExitCode.OK
    return talking.output.sum_up(tally.sentence(rest), tally.exit_code)


def _tell(sent: Sent, talking: Talk) -> None:
    if talking.tracing is not None:
        talking.tracing.report = sent.report
    talking.output.report_of_several(sent.report, sent.number, sent.label)


def show_series(series: Series, talking: Talk, show: Callable[[Request], ExitCode]) -> ExitCode:
    """`show` each message; what is wrong with one keeps no other from being shown."""
    codes: set[ExitCode] = set()
    sources = iter(series.sources)
    number = 0
    while True:
        number += 1
        try:
            source = next(sources, None)
            if source is None:
                break
            talking.output.say(f"message {number}")
            codes.add(show(series.request._replace(raw=source)))
        except MailError as error:
            codes.add(talking.output.error(error))
    return combined_exit_code(codes - {ExitCode.OK}, is_anybody_served=False)
