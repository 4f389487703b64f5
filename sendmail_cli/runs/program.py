"""A program that is run to its end: what it printed, how long it took, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.errors import MailError
from sendmail_cli.message.source import Keeper
from sendmail_cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source

NOT_FOUND = 127  # as shells exit
NOT_EXECUTABLE = 126
KILLED = 128  # and the number of the signal

_CHUNK = 65536  # octets


class ProgramRun(NamedTuple):
    """What became of a program."""

    command: tuple[str, ...]
    began: float  # seconds since the epoch
    seconds: float
    exit_code: int  # as a shell would say it
    output: Source  # standard output and standard error, as they came

    @property
    def is_failure(self) -> bool:
        """True when it didn't exit with 0."""
        return self.exit_code != 0

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.exit_code > KILLED:
            try:
                return f"killed by {signal.Signals(self.exit_code - KILLED).name}"
            except ValueError:
                pass
        return f"exit code {self.exit_code}"


def run_program(command: tuple[str, ...], environment: Environment) -> ProgramRun:
    """Run `command`, without a shell, to its end. It inherits standard input, and all variables but our secrets.

    What it prints is kept, whatever its length. A program that can't be started ends as in a shell: 127 or 126, with
    the reason as its output. SIGTERM, Ctrl-C and SIGHUP are passed on to it. Raises `InputOutputError` when what it
    prints can't be kept; it is ended then.
    """
    began, start = environment.now(), environment.monotonic()
    keeper = Keeper("the program's output")
    exit_code = _run(command, environment, keeper)
    return ProgramRun(command, began, environment.monotonic() - start, exit_code, keeper.source())


def _run(command: tuple[str, ...], environment: Environment, keeper: Keeper) -> int:
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment.child_variables(), bufsize=0
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        keeper.add(f"{printable(command[0])}: {reason.lower()}\n".encode())
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    with process, _passed_on(process):
        pipe = process.stdout
        assert pipe is not None  # noqa: S101 - asked for above
        try:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                keeper.add(chunk)
        except MailError:
            process.kill()
            keeper.drop()
            raise
        status = process.wait()
    return status if status >= 0 else KILLED - status


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Inside the block a signal that is to end us ends the program; what became of it is still told."""

    def pass_on(number: int, _: object) -> None:
        process.send_signal(number)

    before = {
        number: signal.signal(number, pass_on)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
