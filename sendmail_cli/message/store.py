"""A copy of a sent message, kept in a Maildir or an mbox: whole or not at all, and on the disk when that is said.

A Maildir has a file for each message (cr.yp.to/proto/maildir.html). An mbox is one file (RFC 4155): it is locked as
mutt and Dovecot lock it, by fcntl and a file beside it, and lines that look like the beginning of a message are quoted
(mboxrd).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from enum import Enum

from sendmail_cli.errors import OutputError, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendmail_cli.environment import Environment

LOCK_PATIENCE = 10.0  # seconds
LOCK_PAUSE = 0.1  # seconds between two looks
STALE = 300.0  # seconds; a lock of a process that nobody can name is left over after that
BUFFER = 1024 * 1024  # octets; a small message is written in one go
MAX_PID = 4194304  # Linux has no greater one

_FROM_LINE = re.compile(rb"^(?=>*From )", re.MULTILINE)
_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Copy(NamedTuple):
    """What is kept: the fields that only the sender sees, above the message as it went."""

    sender: str  # of the envelope; "" is the null reverse-path
    blind: bytes  # lines in CR LF
    chunks: Iterable[bytes]  # the same

    def lines(self) -> Iterator[bytes]:
        """Pieces that end at the end of a line, which is LF as in every file here."""
        held = self.blind
        for chunk in self.chunks:
            whole, end, held = (held + chunk).rpartition(b"\n")
            yield (whole + end).replace(b"\r\n", b"\n")
        if held:
            yield held.replace(b"\r\n", b"\n") + b"\n"


def keep(copy: Copy, path: str, environment: Environment) -> None:
    """Add `copy` to the Maildir or mbox at `path`; only its owner can read what is new.

    A path that ends in “/” is a Maildir, and so is a folder that is one or is empty; all else is an mbox. Raises
    `MailError` when it can't be kept; then nothing of it is there.
    """
    try:
        if path.endswith("/") or os.path.isdir(path):
            _keep_in_maildir(copy, path, environment)
        else:
            _keep_in_mbox(copy, path, environment)
    except OSError as error:
        raise OutputError(f"can't write to {printable(path)}: {error.strerror}") from None
    except ValueError:
        raise OutputError(f"{printable(path)} can't be the name of a file") from None


def _keep_in_maildir(copy: Copy, folder: str, environment: Environment) -> None:
    _make_maildir(folder)
    now = environment.now()
    host = environment.hostname().replace("/", r"\057").replace(":", r"\072")
    name = f"{int(now)}.M{int(now % 1 * 1_000_000):06}R{environment.random_bytes(8).hex()}.{host}"
    unfinished = os.path.join(folder, "tmp", name)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb", buffering=BUFFER) as file:
            file.writelines(copy.lines())
            file.flush()
            os.fsync(descriptor)
        os.rename(unfinished, os.path.join(folder, "cur", f"{name}:2,S"))  # seen: we wrote it
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise
    _sync_folder(os.path.join(folder, "cur"))


def _make_maildir(folder: str) -> None:
    parts = [os.path.join(folder, part) for part in ("tmp", "new", "cur")]
    is_one = all(map(os.path.isdir, parts))
    if not (is_one or folder.endswith("/")) and os.listdir(folder):
        raise OutputError(
            f"{printable(folder)} is a folder and no Maildir", hint="With a “/” at its end it is made one."
        )
    for part in () if is_one else (folder, *parts):
        os.makedirs(part, mode=0o700, exist_ok=True)


def _keep_in_mbox(copy: Copy, path: str, environment: Environment) -> None:
    if os.path.islink(path):
        raise OutputError(f"{printable(path)} is a symbolic link, which is not followed: name the file it leads to")
    is_new = not os.path.lexists(path)
    descriptor = os.open(path, _OPEN_FLAGS | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OutputError(f"{printable(path)} is no regular file, so it can't be an mbox")
        with _locked(descriptor, path, environment):
            _append(copy, descriptor, path, environment)
        if is_new:
            _sync_folder(os.path.dirname(path) or ".")
    finally:
        os.close(descriptor)


def _append(copy: Copy, descriptor: int, path: str, environment: Environment) -> None:
    """The message at the end of the mbox; whatever keeps it from getting there whole, the mbox is as before."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size and os.pread(descriptor, 5, 0) != b"From ":
        raise OutputError(f"{printable(path)} is no mbox: its first line doesn't begin with “From ”")
    try:
        with open(descriptor, "wb", buffering=BUFFER, closefd=False) as file:
            file.write(_gap(os.pread(descriptor, 2, max(size - 2, 0))))
            file.write(_first_line(copy.sender, environment))
            file.writelines(_FROM_LINE.sub(b">", lines) for lines in copy.lines())
            file.write(b"\n")
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, size)
        raise


def _gap(end: bytes) -> bytes:
    """What must stand between the `end` of an mbox and its next message: a writer may have died in the last one."""
    if not end or end == b"\n\n":
        return b""
    return b"\n" if end.endswith(b"\n") else b"\n\n"


def _first_line(sender: str, environment: Environment) -> bytes:
    """The line that begins a message in an mbox: the sender of the envelope, and when it was, in UTC."""
    import time

    who = sender if sender and " " not in sender else "MAILER-DAEMON"
    return f"From {who} {time.asctime(time.gmtime(environment.now()))}\n".encode()


def _sync_folder(folder: str) -> None:
    """A new name in `folder` outlasts a power cut."""
    if os.name != "posix":  # elsewhere a folder can't be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(descriptor: int, path: str, environment: Environment) -> Iterator[None]:
    """Nobody else writes to the mbox inside the block. Raises `TemporaryError` when somebody does for too long."""
    try:
        import fcntl
    except ImportError:
        raise OutputError("an mbox can't be locked on this system", hint="Name a folder: it is a Maildir.") from None
    lock = f"{path}.lock"
    deadline = environment.monotonic() + LOCK_PATIENCE
    while not _is_fcntl_locked(descriptor):
        _wait(deadline, path, environment)
    try:
        while (taken := _take_dotlock(lock, environment)) is Taken.BY_OTHERS:
            _wait(deadline, path, environment)
        try:
            yield
        finally:
            if taken is Taken.BY_US:
                with suppress(OSError):
                    os.unlink(lock)
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)


def _wait(deadline: float, path: str, environment: Environment) -> None:
    if environment.monotonic() >= deadline:
        raise TemporaryError(f"{printable(path)} is locked by another program, for more than {LOCK_PATIENCE:g} seconds")
    environment.sleep(LOCK_PAUSE)


def _is_fcntl_locked(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # which of them it is, POSIX leaves open
        return False
    return True


class Taken(Enum):
    """Who has a lock file."""

    BY_US = "we"
    BY_OTHERS = "somebody else"
    BY_NOBODY = "no file can be made there, so nobody else makes one"


def _take_dotlock(lock: str, environment: Environment) -> Taken:
    """Make the file `lock`. What a process left that is no more is taken away first: no two of us do that at once,
    since we hold the other lock.
    """
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if _is_left_over(lock, environment):
            with suppress(FileNotFoundError):
                os.unlink(lock)
        return Taken.BY_OTHERS
    except PermissionError:
        return Taken.BY_NOBODY
    with open(descriptor, "wb") as file, suppress(OSError):  # a full disk: it is a lock without a name, too
        file.write(b"%d\n" % os.getpid())
        file.flush()
    return Taken.BY_US


def _is_left_over(lock: str, environment: Environment) -> bool:
    """True when who made `lock` is no more, or can't be told and made it long ago."""
    try:
        with open(lock, "rb") as file:
            words = file.read(32).split()
            age = environment.now() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    if not words or not words[0].isdigit() or not 0 < int(words[0]) <= MAX_PID:
        return age > STALE
    try:
        os.kill(int(words[0]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is another user's
        pass
    return False
