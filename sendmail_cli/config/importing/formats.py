"""The formats that can be imported: where their files usually are, and which of them a file is in."""

from __future__ import annotations

import os
import re

from sendmail_cli.config.importing import gitconfig, mailmerge, msmtp, mutt
from sendmail_cli.config.importing.text_file import read_text
from sendmail_cli.errors import InputError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.importing.findings import Findings
    from sendmail_cli.environment import Environment


class Format(NamedTuple):
    """One program's configuration."""

    name: str
    read: Callable[[str, Environment], Findings]
    places: tuple[str, ...]  # the first that there is, is read
    file_name: re.Pattern[str]  # of a path that is surely in it
    line: re.Pattern[str]  # that stands in such a file and in no other


FORMATS = (
    Format(
        msmtp.FORMAT,
        msmtp.read_msmtp,
        msmtp.PLACES,
        re.compile("msmtp"),
        re.compile(r"^[ \t]*(?:account[ \t]+\S|defaults[ \t]*$|host[ \t]+\S)", re.MULTILINE),
    ),
    Format(
        mutt.FORMAT,
        mutt.read_mutt,
        mutt.PLACES,
        re.compile("mutt"),
        re.compile(r"^[ \t]*(?:set[ \t]+[a-z_]+|source[ \t]+\S|[a-z2]+-hook[ \t]+\S)", re.MULTILINE),
    ),
    Format(
        mailmerge.FORMAT,
        mailmerge.read_mailmerge,
        mailmerge.PLACES,
        re.compile("mailmerge"),
        re.compile(r"^\[smtp_server\]", re.MULTILINE),
    ),
    Format(
        gitconfig.FORMAT,
        gitconfig.read_git,
        gitconfig.PLACES,
        re.compile(r"gitconfig$|git/config$"),
        re.compile(r"^[ \t]*\[[ \t]*(?:sendemail|user|core|include)\b", re.MULTILINE | re.IGNORECASE),
    ),
)
NAMES = tuple(each.name for each in FORMATS)


def load_findings(name: str | None, path: str | None, environment: Environment) -> tuple[Findings, ...]:
    """What the file `path` says, or those at the usual places of the format `name`, or of all formats.

    Raises `UsageError` where the format of a file can't be told, `InputError` where there is nothing to read, and what
    the format's reader raises.
    """
    wanted = tuple(each for each in FORMATS if name in {None, each.name})
    if path is not None:
        chosen: Format = wanted[0] if name is not None else _format_of(path)
        return (chosen.read(path, environment),)
    found = tuple(each.read(place, environment) for each in wanted if (place := _usual(each, environment)) is not None)
    if not found:
        places = ", ".join(place for each in wanted for place in each.places)
        raise InputError(f"there is no file at {places}", hint="Name it: sendmail-cli profile import FILE")
    return found


def _usual(format_: Format, environment: Environment) -> str | None:
    folder = environment.variables.get("XDG_CONFIG_HOME", "")
    config = folder if os.path.isabs(folder) else os.path.join(environment.home, ".config")
    for place in format_.places:
        path = place.replace("$XDG_CONFIG_HOME", config)
        if path.startswith("~/"):
            path = os.path.join(environment.home, path.removeprefix("~/"))
        if os.path.exists(path):
            return path
    return None


def _format_of(path: str) -> Format:
    """By its name, else by what stands in it."""
    for each in FORMATS:
        if each.file_name.search("/".join(path.split("/")[-2:])):
            return each
    text = read_text(path)
    for each in FORMATS[::-1]:
        if each.line.search(text):
            return each
    raise UsageError(
        f"whose configuration {printable(path)} is can't be told", hint=f"Say it: --from {'|'.join(NAMES)}"
    )
