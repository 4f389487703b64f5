"""Reading a file that decides what this program does: nobody but root and we ourselves may have written it.

A profile names programs to run and servers to trust with a password (CWE-732).
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable

MAX_SIZE = 1 << 20  # octets; a configuration is never longer
_ROOT = 0


def read_trusted_text(path: str) -> str | None:
    """The text of `path`, or None where there is no such file. A symlink is followed: dotfile managers make them.

    Raises `PermissionError` where it may not be read, and `ConfigError` for a file that others may write, that
    belongs to somebody else, that can't be read for another reason, or is not UTF-8.
    """
    shown = printable(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(f"{shown} can't be read: {_reason(error)}") from None
    try:
        state = os.fstat(descriptor)
        if stat.S_ISCHR(state.st_mode) and path == os.devnull:
            return ""
        if not stat.S_ISREG(state.st_mode):
            raise ConfigError(f"{shown} can't be read: it is not a regular file")
        refuse_foreign(shown, state)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"{shown} can't be read: {_reason(error)}") from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_SIZE:
        raise ConfigError(f"{shown} is longer than {MAX_SIZE >> 20} MiB: that is no configuration")
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}, line {line}: not UTF-8") from None


def refuse_foreign(shown: str, state: os.stat_result) -> None:
    """Raise `ConfigError` for a file that another user owns or may write; `shown` is its name for the sentence.

    Systems where each user has a group of their own make files group-writable (umask 002). That is nobody else's
    doing, so such a group passes; so does root's.
    """
    if os.name != "posix":
        return
    if state.st_uid not in {_ROOT, os.geteuid()}:
        raise ConfigError(
            f"{shown} belongs to another user (uid {state.st_uid}), so it is not trusted",
            hint="Run the command as that user, or name another file with SENDMAIL_CLI_CONFIG.",
        )
    if state.st_mode & stat.S_IWOTH:
        raise ConfigError(f"{shown} can be changed by every user, so it is not trusted", hint=f"chmod go-w {shown}")
    if state.st_mode & stat.S_IWGRP and not _is_private_group(state.st_uid, state.st_gid):
        raise ConfigError(
            f"{shown} can be changed by a group (gid {state.st_gid}), so it is not trusted", hint=f"chmod g-w {shown}"
        )


def _is_private_group(uid: int, gid: int) -> bool:
    """True for root's group, and for one that has the name of the file's owner and no other member."""
    if gid == _ROOT:
        return True
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and not set(group.gr_mem) - {owner.pw_name}


def _reason(error: OSError | ValueError) -> str:
    return printable((error.strerror if isinstance(error, OSError) else None) or str(error))
