"""What `--json` prints, as plain values: the same object whatever happened. Loaded only where somebody asked for it."""

from __future__ import annotations

from sendmail_cli.cli.headline import headline
from sendmail_cli.cli.output import advice, explained
from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.errors import MailError
    from sendmail_cli.report import Report


def no_report_fields(exit_code: ExitCode | None, error: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON object where no message came as far as a report."""
    empty: dict[str, Any] = dict.fromkeys(("message_id", "profile", "server", "exit_code", "error"))
    code = None if exit_code is None else int(exit_code)
    return empty | {"recipients": []} | {"exit_code": code, "error": error}


def failure_fields(error: MailError) -> dict[str, Any]:
    """The JSON object of an error before there was a report."""
    return no_report_fields(error.exit_code, error_fields(error))


def stopped_fields(how: str, sentence: str, exit_code: ExitCode | None) -> dict[str, Any]:
    """The JSON object where it ended by no error of ours: somebody stopped us."""
    error = {"kind": how.capitalize(), "message": sentence, "hint": None, "server_reply": None}
    return no_report_fields(exit_code, error)


def report_fields(report: Report) -> dict[str, Any]:
    """The JSON object of a report."""
    return {
        "message_id": report.message_id or None,
        "profile": report.profile,
        "server": report.server or None,
        "exit_code": int(report.exit_code),
        "error": _report_error(report),
        "recipients": [
            {
                "address": outcome.address,
                "action": outcome.action.value,
                "code": outcome.code,
                "enhanced": None if outcome.enhanced is None else str(outcome.enhanced),
                "text": outcome.text,
                "in_doubt": outcome.is_in_doubt,
            }
            for outcome in report.outcomes
        ],
        **({} if report.kept_at is None else {"kept_at": report.kept_at}),
        **({} if report.queue_id is None else {"queue_id": report.queue_id}),
        **({} if report.earlier is None else {"is_earlier": True}),
    }


def _report_error(report: Report) -> dict[str, Any] | None:
    if report.exit_code is ExitCode.OK:
        return None
    if report.error is not None:
        return error_fields(report.error)
    if report.exit_code is ExitCode.IN_DOUBT:
        return {"kind": "Interrupted", "message": headline(report), "hint": None, "server_reply": None}
    refusal = next(outcome for outcome in report.outcomes if outcome.action not in {Action.RELAYED, Action.QUEUED})
    return {
        "kind": "Refused",
        "message": headline(report),
        "hint": " ".join(explained(refusal)) or None,
        "server_reply": f"{refusal.code} {refusal.text}",
    }


def error_fields(error: MailError) -> dict[str, Any]:
    """An error as the object that stands under "error"."""
    return {
        "kind": type(error).__name__,
        "message": error.sentence,
        "hint": " ".join(advice(error)) or None,
        "server_reply": error.server_reply or None,
    }
