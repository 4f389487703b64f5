"""Names for which a machine has several programs, and a link that leads to the chosen one: update-alternatives(1).

Debian has mail and mailx so. We are one more program of such a group, of a priority above those of packages; what
somebody has chosen by hand stays so. When we leave, the group falls back to the next.
"""

from __future__ import annotations

import os
from functools import partial

from sendmail_cli.errors import OutputError
from sendmail_cli.installing import programs
from sendmail_cli.installing.step import Step
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIORITY = 100  # Debian's own programs named mailx have 10 to 60
_FOLDER = "/etc/alternatives"
_TOOL = "update-alternatives"


class Group(NamedTuple):
    """What the machine knows of one name."""

    name: str
    link: str  # the path by which it is called
    followers: dict[str, str]  # the paths of names that go along with it, and these names
    members: tuple[str, ...]  # the programs that are there for it
    is_manual: bool  # somebody has chosen one

    def has(self, path: str) -> bool:
        """True for the path of its name, or of one that goes along."""
        return path == self.link or path in self.followers


def groups_of(paths: list[str]) -> list[Group]:
    """Those to which these paths belong, each by a link of its own name among them."""
    found = (_group(os.path.basename(path)) for path in paths if _leads_to_alternative(path))
    return [group for group in found if group is not None and group.link in paths]


def refuse_unknown(path: str) -> None:
    """Raises `OutputError` for a path that leads to an alternative, though it is in none of the groups."""
    if _leads_to_alternative(path):
        raise OutputError(
            f"{printable(path)} is an alternative ({_TOOL}) of another name, which is not ours to change",
            hint="Nothing was changed. --dir names another folder.",
        )


def steps_to_join(group: Group, program: str, paths: list[str]) -> Iterator[Step]:
    """What makes `program` one of the group, for those of its names that are among `paths`."""
    for stale in _ours(group, os.path.basename(program)):
        if stale != program:
            yield _leave(group, stale)
    if program in group.members:
        return
    followers = [
        word for path, name in group.followers.items() if path in paths for word in ("--slave", path, name, program)
    ]
    words = f"{printable(group.link)} is an alternative, and {printable(program)} is one for it"
    if group.is_manual:
        words += f"; another was chosen by hand, and stays: {_TOOL} --config {group.name}"
    act = partial(programs.act, _TOOL, "--install", group.link, group.name, program, str(PRIORITY), *followers)
    yield Step(words, act)


def steps_to_leave(group: Group, name: str) -> Iterator[Step]:
    """What takes the programs called `name` out of the group, which falls back to another."""
    for program in _ours(group, name):
        yield _leave(group, program)


def _leave(group: Group, program: str) -> Step:
    return Step(
        f"{printable(program)} is no alternative for {printable(group.link)} any more",
        partial(programs.act, _TOOL, "--remove", group.name, program),
    )


def _ours(group: Group, name: str) -> list[str]:
    return [member for member in group.members if os.path.basename(member) == name]


def _leads_to_alternative(path: str) -> bool:
    return os.path.islink(path) and os.path.dirname(os.readlink(path)) == _FOLDER


def _group(name: str) -> Group | None:
    """What `--query` says of the name; None where it is that of no group, but may go along with one."""
    if not programs.has(_TOOL):
        return None
    asked = programs.ask(_TOOL, "--query", name)
    if asked.returncode != 0:
        return None
    head, *rest = asked.stdout.split("\n\n")
    fields = _fields(head)
    followers = (line.split() for line in head.splitlines() if line.startswith(" "))
    return Group(
        fields["Name"],
        fields["Link"],
        {path: follower for follower, path in followers},
        tuple(_fields(each)["Alternative"] for each in rest if each.startswith("Alternative:")),
        fields.get("Status") == "manual",
    )


def _fields(stanza: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in stanza.splitlines() if not line.startswith(" "))
    return {name: value for name, _, value in lines}
