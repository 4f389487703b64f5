"""Report, trace and errors as text or JSON. Everything goes to stderr but the answer that was asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from sendmail_cli.printable import printable
from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendmail_cli.environment import Environment
    from sendmail_cli.errors import MailError
    from sendmail_cli.report import RecipientOutcome, Report
    from sendmail_cli.trace import TraceEvent

PROGRAM = "sendmail-cli"
MAX_LINE = 20000  # characters
SCHEMA = 1  # of the JSON object; it changes when a field changes its meaning, not when one is added

_MARKS = {"sent": "->", "received": "<-", "content": "->", "note": "* "}
_MARKS_UNDER_TLS = {"sent": "~>", "received": "<~", "content": "~>", "note": "* "}
_WORDS = {Action.RELAYED: "accepted", Action.DELAYED: "not now", Action.FAILED: "refused"}


class Output:
    """Where a command says things, and how much. A stream that nobody reads any more is no reason to fail."""

    def __init__(
        self, environment: Environment, *, is_verbose: bool = False, is_quiet: bool = False, is_json: bool = False
    ) -> None:
        self.environment = environment
        self.is_verbose = is_verbose
        self.is_quiet = is_quiet
        self.is_json = is_json

    def answer(self, text: str) -> None:
        """What was asked for, to standard output."""
        if not _write(self.environment.stdout, f"{text}\n"):
            self.warn("standard output was closed before everything was written")

    def answer_json(self, fields: dict[str, Any]) -> None:
        """One JSON object on a line, to standard output."""
        import json

        self.answer(json.dumps({"schema": SCHEMA, **fields}, ensure_ascii=False))

    def octets(self, chunks: Iterable[bytes]) -> None:
        """A message as it is, to standard output. Raises `OutputError` when it can't be written."""
        from sendmail_cli.errors import OutputError

        stream = self.environment.stdout
        binary = getattr(stream, "buffer", None)
        try:
            for chunk in chunks:
                if binary is None:
                    stream.write(chunk.decode("utf-8", "surrogateescape"))
                else:
                    binary.write(chunk)
            stream.flush()
        except BrokenPipeError:  # whoever reads it has seen enough
            _silence(stream)
        except OSError as error:
            _silence(stream)
            raise OutputError(f"can't write to standard output: {(error.strerror or str(error)).lower()}") from None

    def say(self, text: str) -> None:
        """A line to standard error; nothing in it can steer the terminal."""
        _write(self.environment.stderr, f"{printable(text, MAX_LINE)}\n")

    def warn(self, text: str) -> None:
        """Something that is not as it should be and changes nothing about the outcome."""
        self.say(f"{PROGRAM}: warning: {text}")

    def note(self, text: str) -> None:
        """A choice that was made; shown with --verbose."""
        if self.is_verbose:
            self.say(f"{'':11}*  {text}")

    def event(self, event: TraceEvent) -> None:
        """One line of the trace."""
        mark = (_MARKS_UNDER_TLS if event.is_secured else _MARKS)[event.kind]
        self.say(f"{event.seconds * 1000:7.1f} ms  {mark} {event.text}")

    def report(self, report: Report) -> ExitCode:
        """What became of the message; gives the exit code."""
        exit_code = report.exit_code
        if self.is_json:
            self.answer_json(_report_fields(report))
        if exit_code is not ExitCode.OK:
            self._failure(report)
        elif not self.is_quiet and (self.is_verbose or self.environment.is_terminal(self.environment.stderr)):
            self.say(_success(report))
        if report.kept_at is not None and not self.is_quiet:
            self.say(f"kept in {report.kept_at}")
        return exit_code

    def error(self, error: MailError) -> ExitCode:
        """An error before there was a report; gives the exit code."""
        if self.is_json:
            self.answer_json(_NO_REPORT | {"exit_code": int(error.exit_code), "error": _error_fields(error)})
        self._explain_error(error)
        return error.exit_code

    def _failure(self, report: Report) -> None:
        if report.error is not None and not _has_verdict(report):
            self._explain_error(report.error)
            for outcome in report.outcomes:
                if outcome.is_in_doubt:
                    self.say(
                        f"  in doubt  {outcome.address}: it may have been delivered; look before you send it again"
                    )
            return
        self.say(f"{PROGRAM}: {_headline(report)}")
        for outcome in report.outcomes:
            self._outcome(outcome)

    def _outcome(self, outcome: RecipientOutcome) -> None:
        said = f"{outcome.code} {outcome.text}" if outcome.code is not None else outcome.text
        word = "in doubt" if outcome.is_in_doubt else _WORDS[outcome.action]
        self.say(f"  {word:9} {outcome.address}: {said}")
        if outcome.action is Action.RELAYED or outcome.code is None:
            return
        from sendmail_cli.smtp.explanations import explain_reply

        explanation = explain_reply(outcome.code, outcome.enhanced, outcome.text)
        self.say(f"            {explanation.meaning}")
        if explanation.advice:
            self.say(f"            {explanation.advice}")

    def _explain_error(self, error: MailError) -> None:
        self.say(f"{PROGRAM}: {error.sentence}")
        if error.server_reply:
            self.say(f"  the server said: {error.server_reply}")
        for line in _advice(error):
            self.say(f"  {line}")


_NO_REPORT: dict[str, Any] = dict.fromkeys(("message_id", "profile", "server", "exit_code", "error")) | {
    "recipients": []
}


def _advice(error: MailError) -> list[str]:
    """What to do next: the error's own hint, or what is known of the server's reply."""
    if error.hint:
        return [error.hint]
    if not error.server_reply:
        return []
    from sendmail_cli.smtp.explanations import explain

    with suppress(ValueError):
        explanation = explain(error.server_reply)
        return [line for line in (explanation.meaning, explanation.advice) if line]
    return []


def _has_verdict(report: Report) -> bool:
    """True when a reply was about the message itself, not about the session alone."""
    return any(outcome.code is not None for outcome in report.outcomes)


def _success(report: Report) -> str:
    count = len(report.outcomes)
    whom = report.outcomes[0].address if count == 1 else f"{count} recipients"
    return f"sent to {whom}: {report.server} said {report.outcomes[0].code} {report.outcomes[0].text}"


def _headline(report: Report) -> str:
    count, accepted = len(report.outcomes), len(report.accepted)
    if report.exit_code is ExitCode.IN_DOUBT:
        return f"the connection to {report.server} was lost after the message was sent; it may have been delivered"
    if accepted:
        return (
            f"partly delivered: {report.server} accepted {accepted} of {count} recipients; do not send to those again"
        )
    return f"not delivered: {report.server} accepted none of the recipients" if count > 1 else "not delivered"


def _report_fields(report: Report) -> dict[str, Any]:
    return {
        "message_id": report.message_id or None,
        "profile": report.profile,
        "server": report.server,
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
    }


def _report_error(report: Report) -> dict[str, Any] | None:
    if report.exit_code is ExitCode.OK:
        return None
    if report.error is not None:
        return _error_fields(report.error)
    return {"kind": "Refused", "message": _headline(report), "hint": None, "server_reply": None}


def _error_fields(error: MailError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": error.sentence,
        "hint": " ".join(_advice(error)) or None,
        "server_reply": error.server_reply or None,
    }


def _write(stream: IO[str], text: str) -> bool:
    """Write and flush; False when nobody reads it any more. Characters the stream can't show become escapes."""
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError):
        _silence(stream)
        return False
    return True


def _silence(stream: IO[str]) -> None:
    """Point a broken stream at nothing, or the interpreter fails once more when it flushes it at its end."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
