"""`--trace FILE`: what was said with the server, and what came of it, as text, as JSON lines, or as a page.

Text and JSON are written line by line, so that a file that nobody could end still holds what was said until then.
The page (`trace_page`) is written at the end, in one step. All are for their owner alone. The file is opened before
anything is dialled; what can't be written later is a warning, and the outcome stays what it is.

A line of JSON is an object with these fields, always all of them and in this order:

    schema    1, as that of --json
    event     "sent", "received" (a line of a reply), "content" (the message goes out), "note"
    time      when: "2026-02-03T04:05:06.789Z"
    at        seconds since the dial
    seconds   those since the event before it: for "received" what the server took
    tls       true when it went under TLS
    text      what was said, secrets masked
    code      of a reply, with its last line; else null
    enhanced  its enhanced status code, "5.7.1"; null where it has none
    stage     on the way to a session: "dns", "connect", "greeting", "tls", "ehlo", "ehlo_after_tls", "auth"; else null

The last line has the event "end", with time, at and seconds, and then the fields of the object that --json prints.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import click

from sendmail_cli.cli.headline import error_without_verdict, headline
from sendmail_cli.cli.json_fields import failure_fields, no_report_fields, report_fields, stopped_fields
from sendmail_cli.cli.output import (
    MAX_LINE,
    Output,
    advice,
    event_line,
    explained,
    json_line,
    note_line,
    outcome_line,
)
from sendmail_cli.cli.page import PRIVATE, create_beside, page_path, write_page
from sendmail_cli.errors import MailError, OutputError, Terminated
from sendmail_cli.octets import write_all
from sendmail_cli.printable import printable
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.report import Report
    from sendmail_cli.trace import TraceEvent

STANDARD_ERROR = "-"
JSON_ENDINGS = (".json", ".jsonl")
PAGE_ENDING = ".html"


class Ending(NamedTuple):
    """How it ended, and when."""

    exit_code: ExitCode | None  # None: by a fault that has none yet
    began: float = 0.0  # seconds since the epoch
    ended: float = 0.0
    at: float = 0.0  # seconds since the dial
    seconds: float = 0.0  # those since the last event
    settings: Settings | None = None
    report: Report | None = None
    error: MailError | None = None  # where there is no report
    stopped: str = ""  # "interrupted" and the like, where there is neither
    notes: tuple[str, ...] = ()  # what else is known of that

    @property
    def sentence(self) -> str:
        """What the terminal is told."""
        if self.report is not None:
            error = error_without_verdict(self.report)
            return headline(self.report) if error is None else error.sentence
        if self.error is not None:
            return self.error.sentence
        return "; ".join((self.stopped, *self.notes))

    @property
    def advice(self) -> list[str]:
        """What to do next, where that is no matter of a recipient."""
        error = self.error if self.report is None else error_without_verdict(self.report)
        return [] if error is None else advice(error)

    def fields(self) -> dict[str, Any]:
        """The object that --json prints."""
        if self.report is not None:
            return report_fields(self.report)
        if self.error is not None:
            return failure_fields(self.error)
        if self.stopped:
            return stopped_fields(self.stopped, self.sentence, self.exit_code)
        return no_report_fields(self.exit_code)


class Writer(Protocol):
    """One way to write a trace. Each method raises `OSError` when it can't."""

    def event(self, event: TraceEvent, now: float) -> None:
        """One more was said; `now` is in seconds since the epoch."""

    def end(self, ending: Ending) -> None:
        """No more will be."""

    def close(self) -> None:
        """Let go of what is open."""


class Tracing:
    """A trace that is being written. A command puts the settings and the report here once it has them."""

    def __init__(
        self,
        writer: Writer,
        environment: Environment,
        on_failure: Callable[[Exception], None],
        *,
        is_shown: bool = False,
    ) -> None:
        self.is_shown = is_shown  # on standard error
        self.settings: Settings | None = None
        self.report: Report | None = None
        self.error: MailError | None = None  # what went wrong, where that was told without raising it
        self._writer: Writer | None = writer
        self._environment = environment
        self._on_failure = on_failure
        self._began = environment.now()
        self._last: tuple[float, float] | None = None  # when the last event came, by our clock and since the dial

    def event(self, event: TraceEvent) -> None:
        """One more was said."""
        now = self._environment.now()
        if self._last is None:
            self._began = now - event.at
        self._last = (self._environment.monotonic(), event.at)
        self._write(lambda writer: writer.event(event, now))

    def end(self, caught: BaseException | None = None) -> None:
        """It is over, by `caught` or as it should be; after this the file is whole, and closed."""
        now = self._environment.monotonic()
        last, at = self._last or (now, 0.0)
        seconds = now - last
        ending = _ending_by(caught or self.error, self.report)._replace(
            began=self._began,
            ended=self._environment.now(),
            at=at + seconds,
            seconds=seconds,
            settings=self.settings,
            report=self.report,
        )
        self._write(lambda writer: writer.end(ending))
        self.close()

    def close(self) -> None:
        """Nothing more is written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                writer.close()

    def _write(self, write: Callable[[Writer], None]) -> None:
        if self._writer is None:
            return
        try:
            write(self._writer)
        except Exception as error:  # whatever it is: no trace changes what becomes of the message
            self.close()
            self._on_failure(error)


@contextmanager
def tracing_to(name: str, talking: Talk) -> Iterator[Talk]:
    """`talking` that writes its trace to the file `name`. Raises `OutputError` when that can't be written."""
    output = talking.output
    if name == STANDARD_ERROR and output.is_verbose:  # it is there already
        yield talking
        return

    def warn(error: Exception) -> None:
        if not isinstance(error, BrokenPipeError):  # its reader has seen enough
            output.warn(f"the trace in {name} is not whole: {_reason(error)}")

    tracing = Tracing(_writer_for(name, output), talking.environment, warn, is_shown=name == STANDARD_ERROR)
    try:
        try:
            yield talking._replace(tracing=tracing)
        except BaseException as error:
            tracing.end(error)
            raise
        tracing.end()
    finally:
        tracing.close()


def _writer_for(name: str, output: Output) -> Writer:
    ending = os.path.splitext(name)[1].lower()
    try:
        if name == STANDARD_ERROR:
            return StandardErrorTrace(output)
        if ending == PAGE_ENDING:
            return PageTrace(name, output.environment)
        return JSONTrace(name) if ending in JSON_ENDINGS else TextTrace(name)
    except OSError as error:
        raise OutputError(f"can't write the trace to {name}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return f"a fault of sendmail-cli itself, {type(error).__name__}"


def _ending_by(caught: BaseException | None, report: Report | None) -> Ending:
    """What is known of the end from what brought it about."""
    if caught is None:
        return Ending(ExitCode.OK if report is None else report.exit_code)
    if isinstance(caught, MailError):
        return Ending(caught.exit_code, error=caught)
    notes = tuple(getattr(caught, "__notes__", ()))
    if isinstance(caught, Terminated):
        return Ending(ExitCode.TERMINATED, stopped="terminated", notes=notes)
    if isinstance(caught, KeyboardInterrupt | click.Abort):
        return Ending(ExitCode.INTERRUPTED, stopped="interrupted", notes=notes)
    return Ending(None, stopped=f"ended by {type(caught).__name__}", notes=notes)


class StandardErrorTrace:
    """The lines of --verbose's trace, without the rest of --verbose."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def event(self, event: TraceEvent, now: float) -> None:
        """A line."""
        self._output.event(event)

    def end(self, ending: Ending) -> None:
        """Nothing: the outcome is said there anyway."""

    def close(self) -> None:
        """Nothing: it stays open."""


class _Lines:
    """A file of lines, each of them written at once."""

    def __init__(self, path: str) -> None:
        self._descriptor = _open(path)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _put(self, line: str) -> None:
        write_all(self._descriptor, f"{line}\n".encode("utf-8", "backslashreplace"))


class TextTrace(_Lines):
    """The lines of --verbose's trace, and at the end what came of it."""

    def event(self, event: TraceEvent, now: float) -> None:
        """A line."""
        self._put(printable(event_line(event), MAX_LINE))

    def end(self, ending: Ending) -> None:
        """The outcome for each recipient, and the exit code."""
        lines = [ending.sentence, *ending.advice] if ending.sentence else []
        for outcome in ending.report.outcomes if ending.report is not None else ():
            lines += [outcome_line(outcome), *(f"{'':12}{line}" for line in explained(outcome))]
        code = "no exit code yet" if ending.exit_code is None else f"exit code {int(ending.exit_code)}"
        for line in (*lines, f"{code} after {ending.at * 1000:.1f} ms"):
            self._put(printable(note_line(line), MAX_LINE))


class JSONTrace(_Lines):
    """A line of JSON for each event, and one for the end; the fields stand above, in the module's docstring."""

    def event(self, event: TraceEvent, now: float) -> None:
        """A line."""
        reply = event.reply
        enhanced = None if reply is None else reply.enhanced
        said = {
            "tls": event.is_secured,
            "text": event.text,
            "code": None if reply is None else reply.code,
            "enhanced": None if enhanced is None else str(enhanced),
            "stage": None if event.stage is None else event.stage.value,
        }
        self._put_json(event.kind, now, event.at, event.seconds, said)

    def end(self, ending: Ending) -> None:
        """The last line."""
        self._put_json("end", ending.ended, ending.at, ending.seconds, ending.fields())

    def _put_json(self, event: str, now: float, at: float, seconds: float, fields: dict[str, Any]) -> None:
        time = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        when = {"time": time, "at": round(at, 6), "seconds": round(seconds, 6)}
        self._put(json_line({"event": event, **when, **fields}).rstrip("\n"))


class PageTrace:
    """One HTML page, made when all is over."""

    def __init__(self, path: str, environment: Environment) -> None:
        self._path = page_path(path)
        self._environment = environment
        self._events: list[TraceEvent] = []
        descriptor, unfinished = create_beside(self._path, environment)  # whether it can be is known before the dial
        os.close(descriptor)
        os.unlink(unfinished)

    def event(self, event: TraceEvent, now: float) -> None:
        """To be shown later."""
        self._events.append(event)

    def end(self, ending: Ending) -> None:
        """Write the page; whoever opens it sees the one before or this one, whole."""
        from sendmail_cli.cli.trace_page import page

        octets = page(self._events, ending, self._environment).encode("utf-8", "backslashreplace")
        write_page(self._path, octets, self._environment)

    def close(self) -> None:
        """Nothing is open."""


def _open(path: str) -> int:
    """An empty file for its owner alone; a terminal, a pipe or another device as it is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, PRIVATE)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with suppress(OSError):  # somebody else's, or on a file system that knows no modes
                os.fchmod(descriptor, PRIVATE)
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
