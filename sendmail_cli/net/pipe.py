"""A server that is a program: its standard input and output are the connection (`ssh host /usr/sbin/sendmail -bs`).

Loaded only where one is used. It is an argv, no shell, and never outlives its stream.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
from contextlib import suppress
from errno import EAGAIN

from sendmail_cli.errors import ConfigError, ConnectFailed, ConnectionLost, MailError, ResourceError
from sendmail_cli.net.race import OUT_OF_RESOURCES
from sendmail_cli.net.stream import Stream, reason
from sendmail_cli.printable import printable
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO, Any

    from sendmail_cli.net.tls_context import TLSContext

GRACE = 1.0  # seconds to end by itself once the connection is closed, and as many after each signal
MAX_ERRORS = 4096  # octets of what it says on standard error that are kept, the last ones


def start_program(command: tuple[str, ...], variables: Mapping[str, str], clock: Callable[[], float]) -> ProgramStream:
    """A stream to the program `command`, which gets `variables` and no descriptor of ours but the connection's.

    Raises `ConfigError` when it can't be started, `ResourceError` when this machine has nothing left to start it with.
    """
    if os.name != "posix":
        raise ConfigError("on this system no server can be a program", hint="Name its host with --server.")
    try:
        ours, theirs = socket.socketpair()
    except OSError as error:
        raise ResourceError(f"no socket could be had: {reason(error)}") from None
    try:
        with theirs:
            process = _Program(
                command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE, env=dict(variables)
            )  # in our process group, with our terminal: ssh may have to ask there
    except (OSError, ValueError) as error:
        ours.close()
        raise _not_started(command, error) from None
    except BaseException:
        ours.close()
        raise
    return ProgramStream(ours, process, command, clock)


class _Program(subprocess.Popen[bytes]):
    """It is ended where Ctrl-C comes while it is being started, and nobody else knows of it yet."""

    def __init__(self, command: tuple[str, ...], **how: Any) -> None:
        try:
            super().__init__(command, **how)
        except BaseException:
            if getattr(self, "pid", None) is not None:
                self.kill()
                self.wait()
            raise


class ProgramStream(Stream):
    """A stream whose other end is a program. Where the program leads to, on which machine, nobody knows here.

    When it ends without a word, `ConnectFailed` says how it ended and the last line of its standard error.
    """

    def __init__(
        self,
        connected: socket.socket,
        process: subprocess.Popen[bytes],
        command: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(connected, clock, is_relayed=True)
        self._process = process
        self._command = command
        self._errors = _Errors(process.stderr)
        self._has_spoken = False

    def read(self, deadline: float) -> bytes:
        data = super().read(deadline)
        if not data and not self._has_spoken:
            raise self._early_end()
        self._has_spoken = True
        return data

    def start_tls(self, context: TLSContext, host: str, deadline: float) -> None:
        try:
            super().start_tls(context, host, deadline)
        except ConnectionLost:
            if self._has_spoken:
                raise
            raise self._early_end() from None
        self._has_spoken = True

    def close(self) -> None:
        """Close at once, and see to it that the program ends: by itself, else by SIGTERM, else by SIGKILL."""
        super().close()
        try:
            for number in (0, signal.SIGTERM, signal.SIGKILL):
                with suppress(OSError):  # one that runs as somebody else is not ours to signal
                    self._process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(GRACE)
                    return
        except BaseException:  # Ctrl-C again: no patience is left
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait(GRACE)
            raise

    def _early_end(self) -> ConnectFailed:
        status: int | None = None
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(GRACE)
        said = self._errors.last_line()
        return ConnectFailed(
            f"{_named(self._command)} {_how(status)} and never greeted us{f': {said}' if said else ''}",
            hint="It is to speak SMTP on its standard input and output, as sendmail -bs does. To see what it says: "
            + printable(shlex.join(self._command), 200),
        )


class _Errors:
    """Reads standard error to its end in a thread of its own, so that a program which says much there never waits."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._said = b""
        self._thread = BackgroundThread(self._read, "standard error of the server")
        self._thread.start()

    def last_line(self) -> str:
        """The last line that isn't empty, printable; "" when it said nothing. Call it when the program has ended."""
        self._thread.join(GRACE)  # a child of the program may hold the pipe open for ever
        lines = self._said.decode("utf-8", "replace").split("\n")
        return next((printable(line.strip(), 300) for line in reversed(lines) if line.strip()), "")

    def _read(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            while chunk := os.read(self._stream.fileno(), 1 << 16):
                self._said = (self._said + chunk)[-MAX_ERRORS:]


def _not_started(command: tuple[str, ...], error: OSError | ValueError) -> MailError:
    words = reason(error) if isinstance(error, OSError) else str(error)
    if isinstance(error, OSError) and error.errno in {*OUT_OF_RESOURCES, EAGAIN}:
        return ResourceError(f"{_named(command)} can't be started now: {words}")
    return ConfigError(
        f"{_named(command)} can't be started: {printable(words)}",
        hint="It is found in $PATH, or by its whole path; no shell reads the command.",
    )


def _named(command: tuple[str, ...]) -> str:
    return f"the program “{printable(command[0], 80)}”"


def _how(status: int | None) -> str:
    if status is None:
        return "closed the connection"
    return f"ended with exit code {status}" if status >= 0 else f"was ended by signal {-status}"
