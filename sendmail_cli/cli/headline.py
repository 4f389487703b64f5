"""What became of a message, in a sentence."""

from __future__ import annotations

from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment
    from sendmail_cli.errors import MailError
    from sendmail_cli.report import RecipientOutcome, Report


def headline(report: Report) -> str:
    """What became of the message, in a sentence."""
    count, accepted = len(report.outcomes), len(report.accepted)
    waiting = [outcome for outcome in report.outcomes if outcome.action is Action.QUEUED]
    if report.exit_code is ExitCode.OK:
        return _good_headline(report, waiting)
    if report.exit_code is ExitCode.IN_DOUBT and report.error is None:
        return f"interrupted before {report.server} confirmed the message; it may have been delivered"
    if report.exit_code is ExitCode.IN_DOUBT:
        return f"the connection to {report.server} was lost after the message was sent; it may have been delivered"
    if accepted or waiting:
        return (
            f"partly delivered: {report.server} accepted {accepted} of {count} recipients; do not send to those again"
            + (f" ({len(waiting)} wait in the queue as {report.queue_id})" if waiting else "")
        )
    return f"not delivered: {report.server} accepted none of the recipients" if count > 1 else "not delivered"


def _good_headline(report: Report, waiting: list[RecipientOutcome]) -> str:
    if waiting:
        whom = waiting[0].address if len(waiting) == 1 else f"{len(waiting)} recipients"
        return f"queued for {whom}: {waiting[0].text}"
    if not report.outcomes:  # of an earlier command
        return "what became of the message is not in the log any more"
    first = report.outcomes[0]
    whom = first.address if len(report.outcomes) == 1 else f"{len(report.outcomes)} recipients"
    return f"sent to {whom}: {report.server} said {first.code} {first.text}"


def error_without_verdict(report: Report) -> MailError | None:
    """What ended the session, where no reply was about the message itself, and all recipients fared alike."""
    has_verdict = any(outcome.code is not None for outcome in report.outcomes)
    fates = {outcome.is_in_doubt for outcome in report.outcomes}
    return None if has_verdict or len(fates) > 1 else report.error


def date_of(moment: float, environment: Environment) -> str:
    """When that was, for a person."""
    at = environment.local_time(moment)
    return f"on {at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02} at {at.tm_hour:02}:{at.tm_min:02}"
