"""What an import finds: profiles, and a remark for each line, taken or not.

Nothing of a file is repeated but the names of known settings and what lands in a profile: where a password was written
into the wrong place, or a name misspelt, no message shows it.
"""

from __future__ import annotations

import re

from sendmail_cli.config.profile_keys import check_name, nearest_of
from sendmail_cli.config.profiles import SANDBOX
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any

    from sendmail_cli.config.toml_lines import Place
    from sendmail_cli.secret import Secret

_NO_NAME = re.compile("[^A-Za-z0-9._-]+")
_PLAIN_NAME = re.compile("[A-Za-z][A-Za-z_.-]{0,40}")


class Setting(NamedTuple):
    """One setting as a file has it."""

    place: Place
    name: str
    value: str


class Remark(NamedTuple):
    """What became of one setting. `key` is the profile's that has it now; None: it was not taken, and `text` says why.

    `advice` says what to do instead, or "".
    """

    place: Place
    setting: str
    key: str | None
    text: str = ""
    advice: str = ""


class ImportedProfile(NamedTuple):
    """A profile to be: its values as TOML has them, and the password that stood in the clear, if one did."""

    name: str
    values: dict[str, Any]
    password: Secret | None = None


class Findings(NamedTuple):
    """What one configuration says, its files read."""

    format: str
    files: tuple[str, ...]
    profiles: tuple[ImportedProfile, ...]
    default: str | None  # the name of the profile that was the default there
    remarks: tuple[Remark, ...]


def valid_name(wanted: str, fallback: str, taken: Container[str]) -> str:
    """`wanted` as a name that a profile can have and none of `taken` is; `fallback` where nothing is left of it."""
    name = _NO_NAME.sub("-", wanted).strip("-")[:80] or fallback
    check_name(name)
    number = 2
    found = name
    while found in taken or found == SANDBOX:
        found = f"{name}-{number}"
        number += 1
    return found


def shown_name(name: str, known: Iterable[str]) -> str:
    """`name` of a setting that nobody knows, if it can't be a value that lost its blank, as in passwordhunter2."""
    near = nearest_of(name.lower(), known)
    if near is not None:
        return f"something like {near}"
    if _PLAIN_NAME.fullmatch(name) and "pass" not in name.lower():
        return name
    return "an unknown setting"


def refuse(place: Place, sentence: str, hint: str = "") -> ConfigError:
    """The error for a file that can't be understood at `place`."""
    return ConfigError(f"{place}: {sentence}", hint=hint)


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Each remark once, in the order of files as they were met and of lines."""
    unique = dict.fromkeys(remarks)
    files = {remark.place.file: None for remark in unique}
    order = {file: number for number, file in enumerate(files)}
    return tuple(sorted(unique, key=lambda remark: (order[remark.place.file], remark.place.line)))


def quoted(text: str) -> str:
    """`text` in quotation marks, printable."""
    return f"“{printable(text, 80)}”"
