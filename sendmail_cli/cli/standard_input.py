"""Standard input: who claims it, and what is read from it."""

from __future__ import annotations

import sys

from sendmail_cli.errors import InputError, UsageError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source

PATIENCE = 2.0  # seconds without a word before the user is told that we wait


def check_claims(claims: list[str], *, is_forbidden: bool) -> None:
    """`claims` are the options given with "-". Raises `UsageError` when there are two: it can be read only once.

    `is_forbidden` is --no-stdin.
    """
    if claims and is_forbidden:
        raise UsageError(f"--no-stdin forbids to read standard input, and {claims[0]} asks for it")
    if len(claims) > 1:
        raise UsageError(f"standard input can be only one of {' and '.join(claims)}")


def password_claims(values: dict[str, Any]) -> list[str]:
    """The option that reads the password from standard input."""
    return ["--password-fd 0"] if values["password_fd"] == 0 else []


def open_stdin(environment: Environment, say: Callable[[str], None]) -> IO[bytes]:
    """Standard input; a person who waits for it unknowingly is told. Raises `InputError` when it is closed."""
    if environment.stdin is None:
        raise InputError("standard input is closed")
    _tell_if_waiting(environment, say)
    return environment.stdin


def open_input(path: str, environment: Environment, say: Callable[[str], None]) -> Source:
    """The file at `path`; "-" is standard input, read to its end. Raises `InputError`, `InputOutputError`."""
    from sendmail_cli.message.source import open_file, read_stream

    if path != "-":
        return open_file(path)
    stream = open_stdin(environment, say)
    if is_typed(environment):  # in one call: a terminal would go on after Ctrl-D if it were asked for more
        from io import BytesIO

        stream = BytesIO(stream.read())
    return read_stream(stream)


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
    if ready:
        return
    if is_typed(environment):
        say("waiting for what you type; Ctrl-D on a line of its own ends it")
    else:
        say("waiting for standard input, which is no terminal; -m TEXT or --no-stdin would not read it")
