"""The links by which other programs find us: sendmail, mailq, newaliases, and mail, mailx.

What stands in the place of one is moved aside and comes back; where the machine has alternatives for a name, we are one
more. Nothing is remembered anywhere: a link to sendmail-cli is ours, and what was moved aside has our ending.
"""

from __future__ import annotations

import os
from functools import partial

from sendmail_cli.errors import ConfigError, OutputError
from sendmail_cli.installing import alternatives, programs
from sendmail_cli.installing.file import unwritable
from sendmail_cli.installing.step import Step
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.environment import Environment

SENDMAIL_NAMES = ("sendmail", "mailq", "newaliases")
MAIL_NAMES = ("mail", "mailx")
ASIDE = ".before-sendmail-cli"
PROGRAM = "sendmail-cli"

_ELSEWHERE = "Run it as root, or name a folder of your own with --dir."


def usual_paths(environment: Environment) -> dict[str, str]:
    """Where each name is looked for: for root where the Filesystem Hierarchy Standard has it, else in the home."""
    if not environment.is_root:
        return paths_in(os.path.join(environment.home, ".local", "bin"))
    return paths_in("/usr/bin") | {"sendmail": "/usr/sbin/sendmail"}


def paths_in(folder: str) -> dict[str, str]:
    """Each name in one folder."""
    folder = os.path.abspath(folder)
    return {name: os.path.join(folder, name) for name in SENDMAIL_NAMES + MAIL_NAMES}


def steps_to_install(paths: list[str], environment: Environment, met: Callable[[str], Step]) -> list[Step]:
    """What makes each path lead to us; none where it does. `met` says what to do about a path that is taken.

    Raises what `met` does, and `ConfigError` where we were not started by a program of our own.
    """
    program = environment.program
    if os.path.basename(program) != PROGRAM or not os.access(program, os.X_OK):
        raise ConfigError(
            f"{printable(program)} is not the program {PROGRAM}, so nothing can link to it",
            hint=f"Run it by its own name: {PROGRAM} install-sendmail",
        )
    groups = alternatives.groups_of(paths)
    steps = [step for group in groups for step in alternatives.steps_to_join(group, program, paths)]
    for path in paths:
        if any(group.has(path) for group in groups):
            continue
        alternatives.refuse_unknown(path)
        if os.path.lexists(path) and not is_ours(path):
            steps.append(met(path))
        if not os.path.islink(path) or os.path.realpath(path) != program or not is_ours(path):
            steps.append(Step(f"{printable(path)} is a link to {printable(program)}", partial(_link, program, path)))
    return steps


def refuse(path: str) -> Step:
    """Raises `OutputError`: it is somebody else's."""
    raise OutputError(
        f"{printable(path)} is there already and is not ours",
        hint=f"Nothing was changed. --force moves it aside, to {os.path.basename(path)}{ASIDE}; --dir names another "
        "folder.",
    )


def move_aside(path: str) -> Step:
    """Out of the way: by dpkg where it came with a package, which then leaves it there when it is upgraded."""
    aside = path + ASIDE
    if os.path.isdir(path) and not os.path.islink(path):
        raise OutputError(f"{printable(path)} is a folder", hint="Nothing was changed.")
    if os.path.lexists(aside):
        raise OutputError(f"{printable(aside)} is in the way", hint="Nothing was changed. Move it elsewhere.")
    if _is_packaged(path):
        act = partial(programs.act, "dpkg-divert", "--local", "--rename", "--divert", aside, "--add", path)
    else:
        act = partial(_rename, path, aside)
    return Step(f"{printable(path)} is moved aside to {printable(aside)}", act)


def steps_to_uninstall(paths: list[str]) -> Iterator[Step]:
    """What takes the links away that are ours, and brings back what was there before."""
    for group in alternatives.groups_of(paths):
        yield from alternatives.steps_to_leave(group, PROGRAM)
    for path in paths:
        aside = path + ASIDE
        if is_ours(path):
            yield Step(f"{printable(path)} is taken away", partial(_unlink, path))
        elif os.path.lexists(path):
            continue
        if not os.path.lexists(aside):
            continue
        if _is_diverted(path):
            act = partial(programs.act, "dpkg-divert", "--local", "--rename", "--remove", path)
        else:
            act = partial(_rename, aside, path)
        yield Step(f"{printable(path)} is again what it was", act)


def is_ours(path: str) -> bool:
    """True for a link to some sendmail-cli, be it one that is gone."""
    return os.path.islink(path) and os.path.basename(os.readlink(path)) == PROGRAM


def hidden_part(path: str) -> str | None:
    """The folder on the way to `path` that other users can't enter; None where there is none."""
    while path != (path := os.path.dirname(path)):
        if not os.stat(path).st_mode & 0o001:
            return path
    return None


def _link(program: str, path: str) -> None:
    """In one step, so that a mail which comes just now finds the old one or the new."""
    fresh = f"{path}.new-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(program, fresh)
        os.replace(fresh, path)
    except OSError as error:
        raise unwritable(path, error, _ELSEWHERE) from None


def _rename(path: str, new: str) -> None:
    try:
        os.rename(path, new)
    except OSError as error:
        raise unwritable(path, error, _ELSEWHERE) from None


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise unwritable(path, error, _ELSEWHERE) from None


def _is_packaged(path: str) -> bool:
    return _has_dpkg() and programs.ask("dpkg-query", "--search", path).returncode == 0


def _is_diverted(path: str) -> bool:
    return _has_dpkg() and programs.ask("dpkg-divert", "--truename", path).stdout.strip() == path + ASIDE


def _has_dpkg() -> bool:
    return programs.has("dpkg-divert", "dpkg-query")
