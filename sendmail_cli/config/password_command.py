"""`password_command`: a program that prints the password, such as `pass show mail/work`. An argv; no shell."""

from __future__ import annotations

import os
import subprocess
from functools import partial

from sendmail_cli.errors import CredentialMissing, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

TIMEOUT = 30.0  # seconds, for a person at the program's own prompt too
MAX_OUTPUT = 1 << 16  # octets; no password or token is longer
_GRACE = 0.5  # seconds for what a program has printed to arrive, though a child of it still holds the pipe
_SHOWN_ERRORS = 400  # characters of what it said, the last ones


def run_password_command(command: tuple[str, ...], variables: Mapping[str, str]) -> Secret:
    """What `command` prints, without one line break at its end. It gets `variables` and an empty stdin.

    Raises `CredentialMissing` when there is no such program, when it fails or prints nothing usable, and
    `TemporaryError` when it takes too long. What it printed is never shown, only what it said on stderr.
    """
    shown = f"password_command “{printable(command[0], 80)}”"
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(variables),
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CredentialMissing(f"{shown} can't be run: {printable(reason)}") from None
    output, errors = _Reader(process.stdout), _Reader(process.stderr)
    try:
        status = process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        raise TemporaryError(f"{shown} took longer than {TIMEOUT:g} seconds") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    output.thread.join(_GRACE)
    errors.thread.join(_GRACE)
    if status != 0 and not output.is_too_long:
        raise CredentialMissing(f"{shown} failed with {_status(status)}{_said(errors)}")
    return _secret(shown, output)


def _secret(shown: str, output: _Reader) -> Secret:
    if output.is_too_long:
        raise CredentialMissing(f"{shown} printed more than {MAX_OUTPUT >> 10} KiB: that is no password")
    data = bytes(output.data)
    data = data.removesuffix(b"\r\n") if data.endswith(b"\r\n") else data.removesuffix(b"\n")
    if not data:
        raise CredentialMissing(f"{shown} printed nothing")
    try:
        return Secret(data.decode())
    except UnicodeDecodeError:
        raise CredentialMissing(f"{shown} printed something that is not UTF-8") from None


def _status(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {-status}"


def _said(errors: _Reader) -> str:
    text = bytes(errors.data).decode("utf-8", "replace").strip()
    return f": {printable(text[-_SHOWN_ERRORS:])}" if text else " and said nothing"


class _Reader:
    """Reads a pipe in a thread of its own: a program that is stopped may leave children who hold it open for ever."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self.data = bytearray()
        self.is_too_long = False
        assert stream is not None  # noqa: S101 - it was asked for
        self.thread = BackgroundThread(partial(self.read, stream), "what a program prints")
        self.thread.start()

    def read(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), 1 << 14):
                self.data += chunk
                if len(self.data) > MAX_OUTPUT:  # closing ends a program that prints for ever
                    self.is_too_long = True
                    return
