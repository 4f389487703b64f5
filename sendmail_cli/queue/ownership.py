"""Root in the spool of somebody else, which that of the machine's own service is.

Whatever root does there is done as its owner: the files stay his, and no link that he lays leads root anywhere.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = 0


def is_anothers(folder: str) -> bool:
    """True where we are root and the spool `folder` is not: its owner runs it."""
    return _owner_to_become(folder) is not None


@contextmanager
def as_owner(folder: str) -> Iterator[None]:
    """In the block root is the owner of the spool `folder`, who may do nothing that is forbidden to him.

    Nothing changes for other users and in a spool of our own. It holds for the whole process, so for one thread.
    Raises `ConfigError` where root can't be others, as in some containers.
    """
    owner = _owner_to_become(folder)
    if owner is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        _become(owner, folder)
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(group)
        if os.getgroups() != groups:
            os.setgroups(groups)


def _become(owner: os.stat_result, folder: str) -> None:
    import fcntl  # noqa: F401 - before: he may not be let in where Python is, in the home of root for one

    try:
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    except OSError as error:
        raise ConfigError(
            f"the spool {printable(folder)} belongs to another user (uid {owner.st_uid}), whom we can't be: "
            f"{(error.strerror or str(error)).lower()}",
            hint="Run the command as that user, or name another folder with SENDMAIL_CLI_SPOOL.",
        ) from None


def _owner_to_become(folder: str) -> os.stat_result | None:
    if os.name != "posix" or os.geteuid() != _ROOT:
        return None
    try:
        state = os.lstat(folder)
    except OSError:  # whoever needs it will say so
        return None
    return state if stat.S_ISDIR(state.st_mode) and state.st_uid != _ROOT else None
