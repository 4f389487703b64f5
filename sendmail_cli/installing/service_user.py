"""The user whom the mail service is, and the spool, which is his: mail in it is never taken away."""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import suppress
from functools import partial

from sendmail_cli.environment import SPOOL_VARIABLE, Environment
from sendmail_cli.errors import OutputError
from sendmail_cli.installing import programs
from sendmail_cli.installing.file import unwritable
from sendmail_cli.installing.step import Step
from sendmail_cli.printable import printable
from sendmail_cli.queue.place import DATABASE, RELAYED, UNDELIVERED
from sendmail_cli.queue.spool import Spool
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "sendmail-cli"


def steps_to_make(environment: Environment) -> Iterator[Step]:
    """What makes the user and the spool; none where they are there. Raises `OutputError` for what is in the way."""
    folder = environment.system_spool_folder
    user = _user()
    if user is None:
        line = f'u {USER} - "Mail of this machine" {folder} /usr/sbin/nologin'
        yield Step(f"the user {USER} is made", partial(programs.act, "systemd-sysusers", "--inline", line))
    elif user.pw_dir != folder:
        raise OutputError(f"there is a user {USER} already who is not ours", hint="Nothing was changed.")
    if not os.path.lexists(folder):
        yield Step(f"{printable(folder)} is made, for {USER} alone", partial(_make, folder))
        return
    state = os.lstat(folder)
    if os.path.islink(folder) or not os.path.isdir(folder) or state.st_uid not in {0, _uid(user)}:
        raise OutputError(f"{printable(folder)} is there already and is not ours", hint="Nothing was changed.")
    if state.st_uid == _uid(user):
        return
    if _has_mail(folder):
        raise OutputError(
            f"mail of root's own is in {printable(folder)}, which the service is to have",
            hint="Nothing was changed. `sendmail-cli queue list` shows it; send it, or move the folder elsewhere.",
        )
    yield Step(f"{printable(folder)} is given to {USER}", partial(_give, folder))


def steps_to_take_away(environment: Environment) -> Iterator[Step]:
    """What takes both away, unless mail is there."""
    user, folder = _user(), environment.system_spool_folder
    if user is None or user.pw_dir != folder or left_behind(environment) is not None:
        return
    if os.path.isdir(folder) and os.lstat(folder).st_uid == user.pw_uid:
        yield Step(f"{printable(folder)}, where no mail is, is taken away", partial(_remove, folder))
    yield Step(f"the user {USER} is taken away", partial(programs.act, "userdel", USER))


def left_behind(environment: Environment) -> str | None:
    """A sentence about the mail for which both stay; None where there is none."""
    user, folder = _user(), environment.system_spool_folder
    if user is None or not _has_mail(folder):
        return None
    return (
        f"mail is in {printable(folder)}, so it stays, and so does the user {USER}: "
        "`sendmail-cli queue list` shows what waits"
    )


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _uid(user: pwd.struct_passwd | None) -> int | None:
    return None if user is None else user.pw_uid


def _has_mail(folder: str) -> bool:
    """True where some waits, or some was given up or reported on."""
    if not os.path.exists(os.path.join(folder, DATABASE)):
        return False
    for name in (UNDELIVERED, RELAYED):
        with suppress(FileNotFoundError):
            if os.stat(os.path.join(folder, name)).st_size > 0:
                return True
    with Spool(Environment({SPOOL_VARIABLE: folder})) as spool:
        return not spool.is_empty()


def _make(folder: str) -> None:
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        raise unwritable(folder, error) from None
    _give(folder)


def _give(folder: str) -> None:
    """To the user, with all that is in it; a folder after what is in it, so that he changes none while we are there."""
    user = pwd.getpwnam(USER)
    try:
        for at, folders, files in os.walk(folder, topdown=False):
            for name in (*folders, *files):
                os.lchown(os.path.join(at, name), user.pw_uid, user.pw_gid)
        os.lchown(folder, user.pw_uid, user.pw_gid)
    except OSError as error:
        raise unwritable(folder, error) from None


def _remove(folder: str) -> None:
    if _has_mail(folder):
        raise OutputError(f"mail has come into {printable(folder)} meanwhile", hint="It stays. Run the command again.")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise unwritable(folder, error) from None
