"""Where the value of a setting came from, and the rule that the first that was set counts."""

from __future__ import annotations

import os

from sendmail_cli.errors import MailError, UsageError
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from sendmail_cli.config.profiles import Profile
    from sendmail_cli.config.toml_lines import Place

    T = TypeVar("T")


class Origin(NamedTuple):
    """Where a value came from. `kind` is "flag", "environment", "profile", "keyring" or "default"."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


DEFAULT = Origin("default", "default")


def origin_in_file(place: Place | None, home: str) -> Origin:
    """A place in a profile's file, with the home folder written as `~`."""
    text = "built in" if place is None else str(place)
    folder = home.rstrip("/") + "/"
    return Origin("profile", f"~/{text.removeprefix(folder)}" if text.startswith(folder) else text)


def origin_of(profile: Profile, key: str, home: str) -> Origin:
    """Where a profile's `key` was said: at a place in its file, or by a variable."""
    variable = profile.variables.get(key)
    return Origin("environment", variable) if variable is not None else origin_in_file(profile.place_of(key), home)


class Origins:
    """The origin of each setting that was decided so far."""

    def __init__(self) -> None:
        self.by_name: dict[str, Origin] = {}

    def copy(self) -> Origins:
        """The same, to go another way from here on."""
        other = Origins()
        other.by_name |= self.by_name
        return other

    def first(self, name: str, *candidates: tuple[T | None, Origin]) -> T | None:
        """The first value that is set; its origin is noted. None when none is."""
        for value, origin in candidates:
            if value is not None:
                self.by_name[name] = origin
                return value
        return None


def parse_flag(flag: str, parse: Callable[[Any], T], value: object) -> T | None:
    """What `parse` makes of a flag's value; None for a flag that wasn't given. Raises `UsageError` with its name."""
    if value is None:
        return None
    try:
        return parse(value)
    except MailError as error:
        raise UsageError(f"{flag}: {error.sentence}", hint=error.hint) from None


def path_in(profile: Profile, key: str, home: str) -> str | None:
    """A file that a profile names: `~/` is the home folder, a relative path is one beside the profile's file."""
    return path_beside(getattr(profile, key), profile.place_of(key), home)


def path_beside(path: str | None, place: Place | None, home: str) -> str | None:
    """A file that is named at `place`, in the same way."""
    if path is None or place is None:
        return path
    if path.startswith("~/"):
        return os.path.join(home, path.removeprefix("~/"))
    return os.path.join(os.path.dirname(place.file), path)
