"""A message that may have to wait: sent, queued, or left with a server until its time comes."""

from __future__ import annotations

import math

from sendmail_cli.errors import MailError, MailLoop, UsageError
from sendmail_cli.message.bulk import beginning, is_bulk
from sendmail_cli.queue.choice import QueueMode, queue_mode
from sendmail_cli.queue.entry import InDoubt, NewMail
from sendmail_cli.queue.schedule import SHIFT, wait_after
from sendmail_cli.queue.spool import Spool
from sendmail_cli.queue.verdicts import Verdict, verdict_on
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.status import ExitCode
from sendmail_cli.tending import lane_of, reports_go_to, start_runner
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.queue.entry import Lane
    from sendmail_cli.request import Request
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.submission import Submission

SEALED = "nothing may be changed (--no-fixup)"


class Means(NamedTuple):
    """How the one who sends does it."""

    submission: Callable[[], Submission]  # the message, made once
    send_now: Callable[[], Report]  # makes it and sends it
    open_session: Callable[[], Session]
    send_in: Callable[[Submission, Session], Report]
    warn: Callable[[str], None]


def send(request: Request, settings: Settings, environment: Environment, means: Means) -> Report:
    """Send a message, or have it wait, as it was asked for and as the profile says."""
    key = request.queueing.key
    mode = queue_mode(request.queueing, settings)
    if request.queueing.due is not None:
        return _send_later(request, settings, environment, means)
    if mode is QueueMode.ALWAYS:
        return enqueue(means.submission(), request, settings, environment)
    if key is None:
        return _send_or_queue(request, settings, environment, means)
    from sendmail_cli.queue.journal import Earlier, using_key

    with Spool(environment) as spool, using_key(spool, key) as use:
        if isinstance(use, Earlier):
            return use.report._replace(earlier=use.at)
        report = _send_or_queue(request, settings, environment, means)
        use.end(report)
        return report


def goes_to_queue(request: Request, settings: Settings) -> bool:
    """True for what isn't tried at once. Raises `UsageError` where it can't wait."""
    return request.queueing.due is not None or queue_mode(request.queueing, settings) is QueueMode.ALWAYS


def _send_or_queue(request: Request, settings: Settings, environment: Environment, means: Means) -> Report:
    report = means.send_now()
    return settle(report, means.submission(), request, settings, environment=environment, warn=means.warn)


def settle(
    report: Report,
    submission: Submission,
    request: Request,
    settings: Settings,
    *,
    environment: Environment,
    warn: Callable[[str], None],
) -> Report:
    """What is to be done once a message was tried: it is queued for those who may still get it, or written down.

    What became of it is known, and must be told whatever goes wrong with that: `warn` hears of it.
    """
    try:
        if queue_mode(request.queueing, settings) is QueueMode.ON_FAILURE:
            report = _enqueue_rest(report, submission, request, settings, environment)
        _tell_relayed(report, submission, request, settings, environment)
        if settings.queue.keep is not None and report.queue_id is None:
            from sendmail_cli.queue.journal import note_report

            with Spool(environment) as spool:
                note_report(spool, report, submission.envelope)
    except MailError as error:
        warn(error.sentence)
    return report


def _tell_relayed(
    report: Report, submission: Submission, request: Request, settings: Settings, environment: Environment
) -> None:
    """Make the reports that the server makes none of, of those whom it took the message for."""
    due = [outcome for outcome in report.outcomes if outcome.is_report_due]
    if not due:
        return
    from sendmail_cli.message.source import MemorySource
    from sendmail_cli.queue import bounce

    head = MemorySource(beginning(submission.content.chunks()), "the message")
    mail = bounce.Reported(submission.envelope, head, environment.now())
    with Spool(environment) as spool:
        bounce.report(spool, mail, due, reports_go_to(settings), lambda: lane_of(request.flags, settings))
        start_runner(spool)


def _send_later(request: Request, settings: Settings, environment: Environment, means: Means) -> Report:
    """By a server that keeps it until then (RFC 4865), where there is one to be had just now; else from the queue."""
    submission = means.submission()
    if queue_mode(request.queueing, settings) is not QueueMode.ALWAYS and request.queueing.key is None:
        report = _send_held(submission, request.queueing.due or 0.0, environment, means)
        if report is not None:
            return report
    remind_of_timer(request, environment, means.warn)
    return enqueue(submission, request, settings, environment)


def remind_of_timer(request: Request, environment: Environment, warn: Callable[[str], None]) -> None:
    """Tell where nobody may be there when it is time for a message."""
    if request.queueing.due is None or request.queueing.due - environment.now() < SHIFT:
        return
    from sendmail_cli.queue.timer import is_installed

    if not is_installed(environment):
        warn(
            "at that time nobody may be there to send it, and it goes with the next mail after that; "
            "sendmail-cli queue install has the queue run every five minutes"
        )


def _send_held(submission: Submission, due: float, environment: Environment, means: Means) -> Report | None:
    """None where the server can't be had, does not offer it, or took the message for nobody."""
    try:
        session = means.open_session()
    except MailError:
        return None
    parameter = hold_parameter(session.capabilities, due, environment.now())
    if parameter is None:
        session.quit()
        return None
    envelope = submission.envelope
    demands = envelope.demands
    demands = demands._replace(mail_parameters=(*demands.mail_parameters, parameter))
    report = means.send_in(submission._replace(envelope=envelope._replace(demands=demands)), session)
    return report if report.accepted or report.exit_code is ExitCode.IN_DOUBT else None


def hold_parameter(capabilities: Capabilities, due: float, now: float) -> str | None:
    """What is said after MAIL so that the server keeps the message until then; None where it would not."""
    if not capabilities.offers("FUTURERELEASE") or due <= now:
        return None
    longest = next(iter(capabilities.parameters("FUTURERELEASE")), "")
    if not (longest.isascii() and longest.isdigit() and due - now <= int(longest[:9])):
        return None
    return f"HOLDFOR={math.ceil(due - now)}"


def enqueue(submission: Submission, request: Request, settings: Settings, environment: Environment) -> Report:
    """Take the message over: once this returns, it is safe on disk, and somebody runs the queue: for an hour, so that
    `remind_of_timer` is for what is to go later.

    Where its key was used before nothing is queued, and the report is that of the earlier command.
    """
    with Spool(environment) as spool:
        added = spool.add(_new_mail(submission, request, settings))
        if not added.is_new:
            return earlier_report(spool, request.queueing.key or "")
        if request.queueing.due is None or request.queueing.due - environment.now() < SHIFT:
            start_runner(spool)
    addresses = [str(each.path.address) for each in submission.envelope.recipients]
    return Report(
        submission.message_id,
        "",
        tuple(_queued(address, added.id) for address in addresses),
        profile=settings.profile_name,
        queue_id=added.id,
    )


def _queued(address: str, number: int, why: str = "", how: str = "waits") -> RecipientOutcome:
    text = f"{how} in the queue as {number}" + (f" ({why})" if why else "")
    return RecipientOutcome(address, Action.QUEUED, ExitCode.OK, text=text)


def earlier_report(spool: Spool, key: str) -> Report:
    """What became of the message that was sent or queued under the key."""
    from sendmail_cli.queue.journal import find_earlier

    earlier = find_earlier(spool, key)
    return Report("", "") if earlier is None else earlier.report._replace(earlier=earlier.at)


def _enqueue_rest(
    report: Report, submission: Submission, request: Request, settings: Settings, environment: Environment
) -> Report:
    """Queue the message for those who did not get it and still may; the report then says so.

    A session that did not come about is no verdict on the message, whatever was wrong with it.
    """
    verdicts = [verdict_on(outcome, was_heard=report.was_heard) for outcome in report.outcomes]
    if isinstance(report.error, MailLoop):  # waiting would change nothing
        return report
    left = [place for place, verdict in enumerate(verdicts) if verdict not in {Verdict.SENT, Verdict.REFUSED}]
    if not left:
        return report
    envelope = submission.envelope
    rest = submission._replace(
        envelope=envelope._replace(recipients=tuple(envelope.recipients[place] for place in left))
    )
    mail = _new_mail(rest, request, settings)
    is_in_doubt = Verdict.IN_DOUBT in verdicts
    why = report.outcomes[verdicts.index(Verdict.IN_DOUBT) if is_in_doubt else left[0]].text
    is_held = is_in_doubt and mail.in_doubt is InDoubt.HOLD
    mail = mail._replace(
        attempts=0 if verdicts[left[0]] is Verdict.UNHEARD else 1,
        wait=wait_after(1, 0.0),
        why=f"{Verdict.IN_DOUBT.value}: {why}" if is_in_doubt else why,
        is_held=is_held,
        key=None,
    )
    from sendmail_cli.queue.journal import note_report

    with Spool(environment) as spool:
        number = spool.add(mail).id
        note_report(spool, report, envelope, mail=number)
        start_runner(spool)
    outcomes = list(report.outcomes)
    for place in left:
        outcomes[place] = _queued(
            outcomes[place].address, number, outcomes[place].text, "is held" if is_held else "waits"
        )
    return report._replace(outcomes=tuple(outcomes), queue_id=number, error=None)


def _new_mail(submission: Submission, request: Request, settings: Settings) -> NewMail:
    return NewMail(
        submission.envelope,
        submission.content,
        submission.message_id,
        lane_for(request, settings),
        seal=SEALED if request.is_exact else "",
        due=request.queueing.due,
        in_doubt=_when_in_doubt(submission, request, settings),
        key=request.queueing.key,
    )


def lane_for(request: Request, settings: Settings) -> Lane:
    """The way of a message that waits. Raises `UsageError` where it can't: what it takes would be gone by then."""
    if request.flags.password_fd is not None:
        raise UsageError(
            "--password-fd can't reach a message that waits in the queue",
            hint="Store it with `sendmail-cli login`, or name password_file or password_command in the profile.",
        )
    return lane_of(request.flags, settings)


def _when_in_doubt(submission: Submission, request: Request, settings: Settings) -> InDoubt:
    """As the profile says; else somebody is to look at what is one of many, and a single mail had better come twice."""
    if settings.queue.in_doubt is not None:
        return InDoubt(settings.queue.in_doubt)
    is_held = request.queueing.is_one_of_many or is_bulk(submission.content.chunks())
    return InDoubt.HOLD if is_held else InDoubt.RESEND
