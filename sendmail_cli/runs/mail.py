"""The mail about a program that was run: its subject and its text."""

from __future__ import annotations

import shlex
import time

from sendmail_cli.message.draft import decode_body
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.runs.program import ProgramRun

MAX_SHOWN = 64 * 1024  # octets of the output at either end; who prints more is attached whole
MAX_SUBJECT_COMMAND = 60  # characters


def subject_of(run: ProgramRun, environment: Environment) -> str:
    """`[host] backup.sh --all: exit code 3`."""
    command = printable(shlex.join(run.command))
    if len(command) > MAX_SUBJECT_COMMAND:
        command = f"{command[: MAX_SUBJECT_COMMAND - 1]}…"
    return f"[{printable(environment.hostname())}] {command}: {run.ending if run.is_failure else 'done'}"


def text_of(run: ProgramRun, unsaid: int, environment: Environment) -> str:
    """What was run, where, when, how long, how it ended, and what it printed. `unsaid` failures went without a mail."""
    at = environment.local_time(run.began)
    rows = [
        ("command", printable(shlex.join(run.command))),
        ("host", printable(environment.hostname())),
        ("began", time.strftime("%Y-%m-%d %H:%M:%S %z", at)),
        ("took", duration(run.seconds)),
        ("ended", run.ending),
    ]
    if unsaid:
        rows.append(("before", f"{unsaid} more failures like this since the last mail"))
    if run.why_cut:
        rows.append(("output", f"only its beginning: {run.why_cut}"))
    table = "".join(f"{name:8} {value}\n" for name, value in rows)
    return f"{table}\n{_shown(run.output, environment)}"


def is_cut(output: Source) -> bool:
    """True where the text shows only the ends of `output`."""
    return output.size > 2 * MAX_SHOWN


def duration(seconds: float) -> str:
    """`0.25 s`, `59 s`, `2 min 5 s`, `3 h 0 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def _shown(output: Source, environment: Environment) -> str:
    if output.size == 0:
        return "It printed nothing.\n"
    if not is_cut(output):
        return _text(b"".join(output.chunks()), environment)
    beginning = next(output.chunks(MAX_SHOWN))
    end = b"".join(output.chunks(start=output.size - MAX_SHOWN))
    between = f"\n\n[… {output.size - 2 * MAX_SHOWN:,} octets more; all of it is attached …]\n\n"
    return _text(beginning, environment) + between + _text(end, environment)


def _text(octets: bytes, environment: Environment) -> str:
    return decode_body(octets, environment.locale_charset())[0]
