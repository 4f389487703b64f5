"""One refresh at a time: who replaces the refresh token at each use takes a second use of the old one for theft."""

from __future__ import annotations

import os
from contextlib import contextmanager

from sendmail_cli.errors import TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment

PATIENCE = 60.0  # seconds; who holds it waits for the provider and the keyring, not longer than that
PAUSE = 0.05  # seconds between two looks


@contextmanager
def locked(profile_name: str, environment: Environment) -> Iterator[None]:
    """The tokens of a profile, for this process alone. Where the system has no such locks nothing is locked.

    Raises `TemporaryError` where another process holds them for long, or no lock file can be made.
    """
    if os.name != "posix":
        yield
        return
    folder = os.path.join(environment.user_state_folder, "oauth")
    path = os.path.join(folder, f"{profile_name}.lock")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise TemporaryError(
            f"no token can be renewed, since {printable(path)} can't be made: {(error.strerror or str(error)).lower()}"
        ) from None
    try:
        _acquire(descriptor, path, environment)
        yield
    finally:
        os.close(descriptor)  # and so is the lock gone, as it is when we are killed


def _acquire(descriptor: int, path: str, environment: Environment) -> None:
    import fcntl

    deadline = environment.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if environment.monotonic() > deadline:
                raise TemporaryError(f"another process holds {printable(path)} for too long") from None
            environment.sleep(PAUSE)
        except OSError:
            return  # some network file systems have no such lock
        else:
            return
