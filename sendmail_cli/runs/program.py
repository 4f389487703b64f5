"""A program that is run to its end: what it printed, how long it took, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess

from sendmail_cli.errors import MailError
from sendmail_cli.message.source import Keeper
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Self

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
    why_cut: str = ""  # where all of it could not be kept: why, and `output` is its beginning

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
    the reason as its output. SIGTERM, Ctrl-C and SIGHUP are passed on to it, and SIGTERM and SIGHUP not heard again:
    timeout(1) sends them twice, and the second is not to end what is told about the first.
    What can't be kept for want of room is no reason to end it either.
    """
    began, start = environment.now(), environment.monotonic()
    keeper = Keeper("the program's output")
    exit_code, why_cut = _run(command, environment, keeper)
    return ProgramRun(command, began, environment.monotonic() - start, exit_code, keeper.source(), why_cut)


def _run(command: tuple[str, ...], environment: Environment, keeper: Keeper) -> tuple[int, str]:
    """Its exit code, and why what it prints could not be kept to the end."""
    with _Ward() as ward:  # before the program: no signal may end us and leave it behind
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment.child_variables(), bufsize=0
            )
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            keeper.add(f"{printable(command[0])}: {reason.lower()}\n".encode())
            return (NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE), ""
        ward.adopt(process)
        status, why_cut = _heard_out(process, keeper)
    return (status if status >= 0 else KILLED - status), why_cut


def _heard_out(process: subprocess.Popen[bytes], keeper: Keeper) -> tuple[int, str]:
    """What it prints goes to `keeper`, and then it has ended: its status, and why not all is there."""
    why_cut = ""
    with process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        while chunk := os.read(process.stdout.fileno(), _CHUNK):
            if why_cut:
                continue
            try:
                keeper.add(chunk)
            except MailError as error:
                why_cut = error.sentence
        return process.wait(), why_cut


class _Ward:
    """Inside the block a signal that is to end us ends the program instead; what became of it is still told."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []
        self._before: dict[int, Any] = {}
        self._passed: set[int] = set()

    def adopt(self, process: subprocess.Popen[bytes]) -> None:
        """From now on it gets the signals, and those that came before it was there."""
        self._process = process
        for number in self._waiting:
            process.send_signal(number)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # A handler in place of SIG_IGN, which whoever is started from here would inherit: a runner of the queue.
            signal.signal(number, _pass if number in self._passed - {signal.SIGINT} else handler)

    def _pass_on(self, number: int, _: object) -> None:
        self._passed.add(number)
        if number == signal.SIGINT and _is_of_our_terminal():
            return
        if self._process is None:
            self._waiting.append(number)
        else:
            self._process.send_signal(number)


def _pass(number: int, frame: object) -> None:
    """Hears the signal and does nothing."""


def _is_of_our_terminal() -> bool:
    """True where Ctrl-C on our terminal is for us: then the program, of the same group, has it already."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
