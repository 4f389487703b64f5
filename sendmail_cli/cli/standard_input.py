"""Standard input: who claims it, and what is read from it."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING

from sendmail_cli.errors import InputError, InputOutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment

PATIENCE = 2.0  # seconds without a word before the user is told that we wait


def check_claims(claims: list[str]) -> None:
    """`claims` are the options given with "-". Raises `UsageError` when there are two: it can be read only once."""
    if len(claims) > 1:
        raise UsageError(f"standard input can be only one of {' and '.join(claims)}")


def open_input(path: str, environment: Environment, say: Callable[[str], None]) -> IO[bytes]:
    """The file at `path` opened for reading; "-" is standard input. Raises `InputError`."""
    if path != "-":
        try:
            return open(path, "rb")
        except OSError as error:
            raise InputError(f"can't read {path}: {(error.strerror or str(error)).lower()}") from None
    if environment.stdin is None:
        raise InputError("standard input is closed")
    _tell_if_waiting(environment, say)
    return environment.stdin


def read_input(path: str, environment: Environment, say: Callable[[str], None]) -> bytes:
    """All octets of the file at `path`, or of standard input. Raises `InputError`, `InputOutputError`."""
    stream = open_input(path, environment, say)
    try:
        return stream.read()
    except OSError as error:
        name = "standard input" if path == "-" else path
        failure = InputError if isinstance(error, IsADirectoryError) else InputOutputError
        raise failure(f"can't read {name}: {(error.strerror or str(error)).lower()}") from None
    finally:
        if path != "-":
            stream.close()


def is_typed(environment: Environment) -> bool:
    """True when a person would have to type what is read from standard input."""
    return environment.is_terminal(environment.stdin)


def _tell_if_waiting(environment: Environment, say: Callable[[str], None]) -> None:
    """On a terminal, say what we wait for when nothing comes for a while. Elsewhere nobody would read it."""
    stream = environment.stdin
    if stream is None or sys.platform == "win32" or not environment.is_terminal(environment.stderr):
        return
    import select

    try:
        ready, _, _ = select.select([stream], [], [], PATIENCE)
    except (OSError, ValueError):  # no descriptor to wait for
        return
    if not ready:
        say("waiting for standard input; Ctrl-D ends it, and -m TEXT or --no-stdin would not read it at all")
