"""Report, trace and errors as text or JSON. Everything goes to stderr but the answer that was asked for."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from sendmail_cli.cli.headline import date_of, error_without_verdict, headline
from sendmail_cli.errors import OutputError
from sendmail_cli.printable import printable
from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Any

    from sendmail_cli.environment import Environment
    from sendmail_cli.errors import MailError
    from sendmail_cli.report import RecipientOutcome, Report
    from sendmail_cli.trace import TraceEvent

PROGRAM = "sendmail-cli"
MAX_LINE = 20000  # characters
WIDTH = 80  # columns, where the terminal doesn't say
GUTTER = 11  # columns of a trace line that the time takes
SCHEMA = 1  # of the JSON object; it changes when a field changes its meaning, not when one is added
COLOURS = {"good": 32, "unsure": 33, "bad": 31, "soft": 2}  # of a tone, as terminals number them (ECMA-48 §8.3.117)

_MARKS = {"sent": "->", "received": "<-", "content": "->", "note": "* "}
_MARKS_UNDER_TLS = {"sent": "~>", "received": "<~", "content": "~>", "note": "* "}
_WORDS = {Action.RELAYED: "accepted", Action.DELAYED: "not now", Action.FAILED: "refused", Action.QUEUED: "queued"}


class Output:
    """Where a command says things, and how much. A stream that nobody reads any more is no reason to fail."""

    def __init__(
        self, environment: Environment, *, is_verbose: bool = False, is_quiet: bool = False, is_json: bool = False
    ) -> None:
        self.environment = environment
        self.is_verbose = is_verbose
        self.is_quiet = is_quiet
        self.is_json = is_json
        self.stands_in_for = ""  # whose options are taken, where they are not our own: "sendmail", "mail"

    def answer(self, text: str) -> None:
        """What was asked for, to standard output. Raises `OutputError` when it can't be written."""
        shown = "\n".join(printable(line, MAX_LINE) for line in text.split("\n"))
        self._answer(f"{shown}\n")

    def answer_prose(self, *paragraphs: str) -> None:
        """Sentences, broken between words on a terminal. Raises as `answer`."""
        stream = self.environment.stdout
        self.answer("\n".join(line for text in paragraphs for line in self._lines_of(text, 0, stream)))

    def answer_json(self, fields: dict[str, Any]) -> None:
        """One JSON object on a line, to standard output. Raises `OutputError` when it can't be written."""
        self._answer(json_line(fields))

    def answer_row(self, mark: str, tone: str, text: str, indent: int) -> None:
        """A line: its `mark` in the `tone`, a key of COLOURS; broken, it goes on at column `indent`. Raises alike."""
        self._answer(self._row(mark, tone, text, indent, self.environment.stdout))

    def say_row(self, mark: str, tone: str, text: str, indent: int) -> None:
        """The same to standard error."""
        _write(self.environment.stderr, self._row(mark, tone, text, indent, self.environment.stderr))

    def _row(self, mark: str, tone: str, text: str, indent: int, stream: IO[str]) -> str:
        first, *rest = self._lines_of(f"{mark}{text}", indent, stream)
        if mark and self._has_colours(stream):
            first = f"\x1b[{COLOURS[tone]}m{mark}\x1b[0m{first.removeprefix(mark)}"
        return "\n".join([first, *rest, ""])

    def _has_colours(self, stream: IO[str]) -> bool:
        """True on a terminal, unless somebody asked for none (no-color.org) or it knows none."""
        variables = self.environment.variables
        return (
            self.environment.is_terminal(stream) and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"
        )

    def octets(self, chunks: Iterable[bytes]) -> None:
        """A message as it is, to standard output. Raises `OutputError` when it can't be written."""
        stream = self.environment.stdout
        with self._answering(stream):
            binary = getattr(stream, "buffer", None)
            for chunk in chunks:
                if binary is None:
                    stream.write(chunk.decode("utf-8", "surrogateescape"))
                else:
                    binary.write(chunk)
            stream.flush()

    def _answer(self, text: str) -> None:
        stream = self.environment.stdout
        with self._answering(stream):
            _put(stream, text)

    @contextmanager
    def _answering(self, stream: IO[str] | None) -> Iterator[None]:
        if stream is None:
            raise OutputError("standard output is closed, and the answer was to go there")
        try:
            yield
        except OSError as error:
            unwritten = self.unwritten(error)
            if unwritten is not None:
                raise unwritten from None

    def unwritten(self, error: OSError) -> OutputError | None:
        """What it means that standard output met `error`; None where its reader left (`| head -1`): enough was seen."""
        _silence(self.environment.stdout)
        if isinstance(error, BrokenPipeError):
            return None
        return OutputError(f"can't write to standard output: {(error.strerror or str(error)).lower()}")

    def _remark_json(self, fields: dict[str, Any]) -> None:
        """The JSON object about something that has happened already: it changes no exit code."""
        if not _write(self.environment.stdout, json_line(fields)):
            self.warn("standard output was closed before everything was written")

    def say(self, text: str) -> None:
        """A line to standard error; nothing in it can steer the terminal."""
        _write(self.environment.stderr, f"{printable(text, MAX_LINE)}\n")

    def ask(self, text: str) -> None:
        """The beginning of a line on standard error, which a person at the terminal goes on with."""
        _write(self.environment.stderr, text)

    def lines(self, text: str) -> None:
        """Several lines to standard error, as they are."""
        for line in text.splitlines():
            self.say(line)

    def warn(self, text: str) -> None:
        """Something that is not as it should be and changes nothing about the outcome."""
        self._paragraph(f"{PROGRAM}: warning: {text}", 2)

    def note(self, text: str) -> None:
        """A choice that was made; shown with --verbose."""
        if self.is_verbose:
            self.say(note_line(text))

    def event(self, event: TraceEvent) -> None:
        """One line of the trace."""
        self.say(event_line(event))

    def success(self, text: str) -> None:
        """That it went well: a line for a person who sits there, and nothing for cron."""
        if not self.is_quiet and (self.is_verbose or self.environment.is_terminal(self.environment.stderr)):
            self._paragraph(text, 2)

    def report(self, report: Report) -> ExitCode:
        """What became of the message; gives the exit code."""
        exit_code = report.exit_code
        if self.is_json:
            from sendmail_cli.cli.json_fields import report_fields

            self._remark_json(report_fields(report))
        if report.earlier is not None and not self.is_quiet:
            self.say(f"nothing was sent: this key was used {date_of(report.earlier, self.environment)}")
        if exit_code is ExitCode.OK and report.queue_id is not None:
            self._taken_over(report)
        elif exit_code is ExitCode.OK:
            self.success(headline(report))
        else:
            self._failure(report)
        if report.kept_at is not None and not self.is_quiet:
            self.say(f"kept in {report.kept_at}")
        return exit_code

    def report_of_several(self, report: Report, number: int, label: str) -> None:
        """What became of the message with this `number`, which a person knows by its `label`."""
        if self.is_json:
            from sendmail_cli.cli.json_fields import report_fields

            self._remark_json({"number": number, "source": label, **report_fields(report)})
        if report.exit_code is ExitCode.OK:
            self.note(f"{label}: {headline(report)}")
        else:
            self._paragraph(f"{PROGRAM}: {label}:", 2)
            self._failure(report)
        if report.kept_at is not None and not self.is_quiet:
            self.say(f"kept in {report.kept_at}")

    def sum_up(self, text: str, exit_code: ExitCode) -> ExitCode:
        """What became of several messages, for a person who sits there, or for everybody where something is amiss."""
        if exit_code is ExitCode.OK:
            self.success(text)
        else:
            self._paragraph(f"{PROGRAM}: {text}", 2)
        return exit_code

    def nothing_sent(self, why: str) -> None:
        """No message was sent, and that is no failure."""
        self.note(why)
        if self.is_json:
            from sendmail_cli.cli.json_fields import no_report_fields

            self.answer_json(no_report_fields(ExitCode.OK))

    def error(self, error: MailError) -> ExitCode:
        """An error before there was a report; gives the exit code."""
        if self.is_json:
            from sendmail_cli.cli.json_fields import failure_fields

            self._remark_json(failure_fields(error))
        self.explain(error)
        return error.exit_code

    def stopped(self, how: str, exit_code: ExitCode, notes: Iterable[str] = ()) -> ExitCode:
        """Somebody ended us before there was a report; gives the exit code."""
        sentence = "; ".join((how, *notes))
        if self.is_json:
            from sendmail_cli.cli.json_fields import stopped_fields

            self._remark_json(stopped_fields(how, sentence, exit_code))
        self.say(f"{PROGRAM}: {sentence}")
        return exit_code

    def traceback(self, error: BaseException) -> None:
        """Where in the program it happened. Nothing in it can steer the terminal."""
        from traceback import format_exception

        self.lines("".join(format_exception(error)))

    def _failure(self, report: Report) -> None:
        if (error := error_without_verdict(report)) is not None:
            self.explain(error)
            for outcome in report.outcomes:
                if outcome.is_in_doubt:
                    doubt = "it may have been delivered; look before you send it again"
                    self._paragraph(f"  in doubt  {outcome.address}: {doubt}", 12)
            return
        self._paragraph(f"{PROGRAM}: {headline(report)}", 2)
        for outcome in report.outcomes:
            self._outcome(outcome)

    def _taken_over(self, report: Report) -> None:
        """That the message waits, and for whom, in any case: nobody has it yet."""
        if self.is_quiet:
            return
        self._paragraph(headline(report), 2)
        if any(outcome.action is not Action.QUEUED for outcome in report.outcomes):
            for outcome in report.outcomes:
                self._outcome(outcome)

    def _outcome(self, outcome: RecipientOutcome) -> None:
        self._paragraph(outcome_line(outcome), 12)
        for line in self._advised(explained(outcome)):
            self._paragraph(f"{'':12}{line}", 12)

    def explain(self, error: MailError) -> None:
        """What went wrong, what the server said, and what to do next."""
        self._paragraph(f"{PROGRAM}: {error.sentence}", 2)
        if error.server_reply:
            self._paragraph(f"  the server said: {error.server_reply}", 4)
        for line in self._advised(advice(error)):
            self._paragraph(f"  {line}", 2)

    def _advised(self, lines: list[str]) -> list[str]:
        if self.stands_in_for:
            from sendmail_cli.cli.other_flags import in_other_flags

            lines = in_other_flags(lines, self.stands_in_for)
        return lines

    def _paragraph(self, text: str, indent: int) -> None:
        for line in self._lines_of(text, indent, self.environment.stderr):
            self.say(line)

    def _lines_of(self, text: str, indent: int, stream: IO[str]) -> list[str]:
        """`text`, for a terminal broken between words; a log or `grep` gets it on one line."""
        shown = printable(text, MAX_LINE)
        if not self.environment.is_terminal(stream) or len(shown) <= (width := width_of(stream)):
            return [shown]
        from textwrap import wrap

        # A command that is to be typed stays on a line of its own, so that it can be copied.
        first, colon, command = shown.partition(f": {PROGRAM} ")
        lines = wrap(
            first + ":" if colon else shown,
            width,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [*lines, f"{'':{indent}}{PROGRAM} {command}"] if colon else lines


def event_line(event: TraceEvent) -> str:
    """One line of the trace: what the step took, its direction, under TLS with a tilde, and what was said."""
    mark = (_MARKS_UNDER_TLS if event.is_secured else _MARKS)[event.kind]
    return f"{event.seconds * 1000:{GUTTER - 3}.1f} ms {mark} {event.text}"


def note_line(text: str) -> str:
    """A line among those of the trace that took no time."""
    return f"{'':{GUTTER}} *  {text}"


def outcome_line(outcome: RecipientOutcome) -> str:
    """What became of the message for one recipient."""
    said = f"{outcome.code} {outcome.text}" if outcome.code is not None else outcome.text
    return f"  {word_for(outcome):9} {outcome.address}: {said}"


def word_for(outcome: RecipientOutcome) -> str:
    """The same in a word."""
    if outcome.is_in_doubt:
        return "in doubt"
    is_answered = outcome.action is not Action.FAILED or outcome.code is not None
    return _WORDS[outcome.action] if is_answered else "not sent"  # by no server: it never came to that


def advice(error: MailError) -> list[str]:
    """What to do next: the error's own hint, or what is known of the server's reply."""
    if error.hint:
        return error.hint.split("\n")
    if not error.server_reply:
        return []
    from sendmail_cli.smtp.explanations.lookup import explain

    with suppress(ValueError):
        explanation = explain(error.server_reply)
        return [line for line in (explanation.meaning, explanation.advice) if line]
    return []


def explained(outcome: RecipientOutcome) -> list[str]:
    """What the reply of a refusal means, and what to do; nothing where there was no refusal or no reply."""
    if outcome.action in {Action.RELAYED, Action.QUEUED} or outcome.code is None:
        return []
    from sendmail_cli.smtp.explanations.lookup import explain_reply

    explanation = explain_reply(outcome.code, outcome.enhanced, outcome.text)
    return [line for line in (explanation.meaning, explanation.advice) if line]


def json_line(fields: dict[str, Any]) -> str:
    """ASCII alone: it is valid whatever the stream's encoding, and nothing in it can steer a terminal."""
    import json

    return json.dumps({"schema": SCHEMA, **fields}) + "\n"


def width_of(stream: IO[str]) -> int:
    """Columns of the terminal behind `stream`."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except OSError:
        return WIDTH


def _write(stream: IO[str] | None, text: str) -> bool:
    """Write and flush; False when nobody reads it any more."""
    if stream is None:
        return False
    try:
        _put(stream, text)
    except (OSError, ValueError):
        _silence(stream)
        return False
    return True


def _put(stream: IO[str], text: str) -> None:
    """Write and flush. Characters the stream can't show become escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _silence(stream: IO[str]) -> None:
    """Point a broken stream at nothing, or the interpreter fails once more when it flushes it at its end."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
