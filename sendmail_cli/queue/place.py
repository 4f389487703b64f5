"""The folder of a spool: who may look into it, who writes just now, and who is still alive.

All locks are flock(2): the kernel lets go of them however a process ends, so what a dead runner held is free at once.
They, and SQLite's own, need a local disk.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress

from sendmail_cli.errors import ConfigError, SpoolError
from sendmail_cli.printable import printable
from sendmail_cli.queue.choice import WAITING
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "mails.sqlite3"
CONTENTS = "contents"  # the folder of large ones
OWNERS = "owners"  # the folder of a file for each process that has claimed mails
UNDELIVERED = "undelivered.mbox"
RELAYED = "relayed.mbox"

_LOCK = "lock"
_RUNNER = "runner"
_PRIVATE = 0o700


class Place:
    """The folder. It is made when it isn't there. Raises `SpoolError`, and `ConfigError` where others may change it."""

    def __init__(self, folder: str) -> None:
        if os.name != "posix":
            raise ConfigError("mail can't be queued on this system: the spool needs POSIX")
        if not os.path.isabs(folder):
            raise ConfigError(f"SENDMAIL_CLI_SPOOL must be a path from the root on: “{printable(folder)}” is none")
        from sendmail_cli.queue.disk import network_below

        network = network_below(folder)
        if network is not None:
            raise ConfigError(
                f"the spool {printable(folder)} would be on a network's file system ({printable(network)}), "
                "where no lock can be relied on: mail could be lost, or sent twice",
                hint="Name a folder on a disk of this machine with SENDMAIL_CLI_SPOOL.",
            )
        self.folder = folder
        # Else a umask that hides files from their owner would shut us out of what we make.
        os.umask(os.umask(0o077) & ~0o700)
        with writing(folder):
            _refuse_foreign(folder)
            for path in (folder, self.path(CONTENTS), self.path(OWNERS)):
                _make_private(path)
            self._lock = os.open(self.path(_LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def path(self, *names: str) -> str:
        """The path of something in the folder."""
        return os.path.join(self.folder, *names)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else is in such a block. Who waits comes in turn, which SQLite's own waiting does not care for."""
        import fcntl

        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def take_runner(self) -> RunnerLock | None:
        """The right to be the one runner in the background; None when there is one."""
        with self.alone(), writing(self.folder):
            descriptor = lock_file(self.path(_RUNNER))
        return None if descriptor is None else RunnerLock(descriptor)

    def inherit_runner(self, descriptor: int) -> RunnerLock | None:
        """The same right, from whoever started this process and had it; None where `descriptor` is not that."""
        import fcntl

        try:
            if not _is_at(descriptor, self.path(_RUNNER)):
                return None
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)  # no program that we start is the runner
        except OSError:
            return None
        return RunnerLock(descriptor)

    @property
    def is_anothers(self) -> bool:
        """True for root in the folder of somebody else, who runs what is in it."""
        from sendmail_cli.queue.ownership import is_anothers

        return is_anothers(self.folder)

    @property
    def has_runner(self) -> bool:
        """True when there is a runner in the background."""
        with self.alone(), writing(self.folder):  # so that nobody takes this for a runner
            descriptor = lock_file(self.path(_RUNNER))
            if descriptor is not None:
                os.close(descriptor)
        return descriptor is None

    def note_waiting(self) -> None:
        """Mail may be waiting."""
        os.close(os.open(self.path(WAITING), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def note_empty(self) -> None:
        """No mail is."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(WAITING))

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)


class RunnerLock:
    """Held by the one runner in the background, or by who starts it: a process that has `descriptor`, has it too."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._is_held = True

    def release(self) -> None:
        """Another may run, unless a process was given it."""
        if self._is_held:
            self._is_held = False
            os.close(self.descriptor)


class Owner:
    """A process that may claim mails: its file is locked as long as it lives."""

    def __init__(self, place: Place, token: str) -> None:
        """`token` is a name that nobody else has."""
        self.name = f"{os.getpid()}-{token}"
        self._folder = place.folder
        self._path = place.path(OWNERS, self.name)
        with writing(place.folder):
            descriptor = lock_file(self._path)
        if descriptor is None:
            raise SpoolError(f"somebody else is {self.name} in {printable(place.folder)}")
        self._descriptor = descriptor

    def end(self) -> None:
        """It claims nothing any more."""
        from sendmail_cli.queue.ownership import as_owner

        with suppress(FileNotFoundError), as_owner(self._folder):
            os.unlink(self._path)
        os.close(self._descriptor)


def is_dead(place: Place, owner: str) -> bool:
    """True when the process of that name is gone; its file then is too."""
    path = place.path(OWNERS, owner)
    with writing(place.folder):
        if not os.path.exists(path):
            return True
        descriptor = lock_file(path)
        if descriptor is None:
            return False
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptor)
    return True


def sweep_owners(place: Place) -> None:
    """Take away the files of processes that are gone."""
    for name in os.listdir(place.path(OWNERS)):
        is_dead(place, name)


def lock_file(path: str) -> int | None:
    """The file at `path`, made if need be, open and locked; None when somebody else has it."""
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # it was taken away between the two calls


def _is_at(descriptor: int, path: str) -> bool:
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def sync_folder(path: str) -> None:
    """Have the names in the folder safe on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(folder: str) -> Iterator[None]:
    """Raise `SpoolError` for what the operating system says against it inside the block. Root is the folder's owner."""
    from sendmail_cli.queue.ownership import as_owner

    try:
        with as_owner(folder):
            yield
    except OSError as error:
        raise unwritable(folder, (error.strerror or str(error)).lower()) from None


def unwritable(folder: str, why: str) -> SpoolError:
    """The error of a spool that takes nothing."""
    return SpoolError(
        f"the spool {printable(folder)} can't be used: {why}",
        hint="Nothing was changed. Make room there, or put it elsewhere with SENDMAIL_CLI_SPOOL.",
    )


def _refuse_foreign(folder: str) -> None:
    """Raises `ConfigError` for a folder that others may enter and that holds what is no spool's: it stays theirs."""
    with suppress(FileNotFoundError, NotADirectoryError):
        is_shared = os.stat(folder).st_mode & 0o077
        if is_shared and os.listdir(folder) and not os.path.exists(os.path.join(folder, _LOCK)):
            raise ConfigError(
                f"{printable(folder)} is no spool: other things are in it, and others may enter it",
                hint="Name a folder for the queue alone with SENDMAIL_CLI_SPOOL.",
            )


def _make_private(path: str) -> None:
    """Make the folder `path`, for us alone. Raises `ConfigError` where it is somebody else's, or a symlink to one."""
    try:
        os.mkdir(path, _PRIVATE)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), _PRIVATE, exist_ok=True)
        os.mkdir(path, _PRIVATE)
    state = os.lstat(path)
    if not stat.S_ISDIR(state.st_mode):
        raise ConfigError(f"{printable(path)} is to be the spool's folder and is none (a link, perhaps)")
    if state.st_uid != os.geteuid():
        raise ConfigError(
            f"the spool {printable(path)} belongs to another user (uid {state.st_uid})",
            hint="Run the command as that user, or name another folder with SENDMAIL_CLI_SPOOL.",
        )
    if state.st_mode & 0o077:
        os.chmod(path, _PRIVATE)
