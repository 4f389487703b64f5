"""Changing `profiles.toml`: comments stay, and what lands is whole, checked, and readable by its owner alone."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress

from sendmail_cli.config.profile_keys import TABLES, check_name, check_value
from sendmail_cli.config.profiles import (
    BUILT_IN,
    SANDBOX,
    ProfileFile,
    config_paths,
    merge_profiles,
    no_such_profile,
    parse_profiles,
)
from sendmail_cli.config.toml_lines import read_toml
from sendmail_cli.config.trusted_file import read_trusted_text
from sendmail_cli.errors import ConfigError, MailError, OutputError, TemporaryError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, MutableMapping
    from typing import Any

    from sendmail_cli.environment import Environment

    # A change to the tables of the file: made to tomlkit's, which keep comments, and to plain ones, to compare.
    Change = Callable[[MutableMapping[str, Any]], None]

LOCK_PATIENCE = 5.0  # seconds to wait for another program that changes the file
LOCK_PAUSE = 0.05  # seconds between two looks


def save_profile(environment: Environment, name: str, values: Mapping[str, object]) -> str:
    """Add the profile `name` with `values` as TOML has them (text, number, list, table). Returns the file's path.

    Raises `UsageError` for a bad name or value and for a name that is taken, `ConfigError` where the file has a
    mistake, `OutputError` where it can't be written. `sandbox` is always taken.
    """
    _check_new(name, values)

    def add(document: MutableMapping[str, Any]) -> None:
        profiles = document.setdefault("profile", _new_super_table(document))
        if name in profiles:
            raise UsageError(
                f"there is a profile “{name}” already",
                hint=f"Change it with `sendmail-cli profile set {name} …`, or remove it first.",
            )
        profiles[name] = {key: _copy(value) for key, value in values.items()}

    return _edit(environment, add)


def save_profiles(
    environment: Environment,
    profiles: Mapping[str, Mapping[str, object]],
    *,
    default: str | None = None,
    replaceable: Container[str] = (),
) -> str:
    """Add all `profiles`, or none of them where one can't be; those in `replaceable` may be there already.

    `default` is set where the file has none. Returns the path. Raises what `save_profile` does.
    """
    for name, values in profiles.items():
        _check_new(name, values)
    return _edit(environment, _addition(profiles, default, replaceable))


def toml_of(profiles: Mapping[str, Mapping[str, object]], default: str | None = None) -> str:
    """What `save_profiles` would write into an empty file."""
    return _changed("profiles.toml", "", _addition(profiles, default, ()))


def _addition(profiles: Mapping[str, Mapping[str, object]], default: str | None, replaceable: Container[str]) -> Change:
    def add(document: MutableMapping[str, Any]) -> None:
        if default is not None and "default" not in document:
            document["default"] = default
        tables = document.setdefault("profile", _new_super_table(document))
        taken = [name for name in profiles if name in tables and name not in replaceable]
        if taken:
            raise UsageError(
                f"there is a profile “{taken[0]}” already"
                if len(taken) == 1
                else f"there are {', '.join(taken)} already",
                hint="With --replace it is replaced as a whole.",
            )
        for name, values in profiles.items():
            tables[name] = {key: _copy(value) for key, value in values.items()}

    return add


def set_values(
    environment: Environment, name: str, values: Mapping[str, object], *, unset: tuple[str, ...] = ()
) -> str:
    """Take the keys in `unset` ("tls", "headers.Organization") out of the profile `name`, and give it these values.

    The others stay, and a `headers` table is joined. Returns the path. Raises what `save_profile` does, and
    `ConfigError` where the file has no such profile or key.
    """
    _check_new(name, values)

    def change(document: MutableMapping[str, Any]) -> None:
        profile = _existing(environment, document, name)
        for key in unset:
            _unset(profile, name, key)
        for key, value in values.items():
            if isinstance(value, dict) and isinstance(profile.get(key), dict):
                profile[key].update(value)
            else:
                profile[key] = _copy(value)

    return _edit(environment, change)


def remove_profile(environment: Environment, name: str) -> str:
    """Take the profile `name` out of the file, and `default` with it where it named it. Returns the path.

    Raises `ConfigError` where the file has no such profile, and what `save_profile` does.
    """
    _refuse_sandbox(name)

    def remove(document: MutableMapping[str, Any]) -> None:
        _existing(environment, document, name)
        del document["profile"][name]
        if not document["profile"]:
            del document["profile"]
        if document.get("default") == name and not any(name in file.profiles for file in _files_below(environment)):
            del document["default"]

    return _edit(environment, remove)


def set_default(environment: Environment, name: str) -> str:
    """Make `name` the profile for commands that name none. Returns the path.

    Raises `ConfigError` where there is no such profile, and what `save_profile` does.
    """

    def change(document: MutableMapping[str, Any]) -> None:
        document["default"] = name

    return _edit(environment, change)


def _check_new(name: str, values: Mapping[str, object]) -> None:
    """Raise `UsageError` for a name or value that was typed wrong, before any file is looked at."""
    _refuse_sandbox(name)
    try:
        check_name(name)
    except ConfigError as error:
        raise UsageError(error.sentence, hint=error.hint) from None
    for key, value in values.items():
        try:
            check_value(key, value)
        except MailError as error:
            raise UsageError(f"{printable(key, 80)}: {error.sentence}", hint=error.hint) from None


def _refuse_sandbox(name: str) -> None:
    if name == SANDBOX:
        raise UsageError(BUILT_IN)


def _existing(environment: Environment, document: MutableMapping[str, Any], name: str) -> MutableMapping[str, Any]:
    """The table of the profile `name`. Raises `ConfigError` where this file has none, and says which has."""
    profiles = document.get("profile", {})
    if name in profiles:
        found: MutableMapping[str, Any] = profiles[name]
        return found
    for file in _files_below(environment):
        if name in file.profiles:
            raise ConfigError(
                f"the profile “{name}” is the machine's, in {printable(file.path)}, and is changed there",
                hint=f"A profile of your own with that name replaces it: sendmail-cli profile add {name} …",
            )
    raise ConfigError(no_such_profile(name, tuple(profiles)))


def _files_below(environment: Environment) -> Iterator[ProfileFile]:
    """What the files say that we don't change; one that may not be read says nothing."""
    for path in config_paths(environment)[1:]:
        with suppress(PermissionError):
            text = read_trusted_text(path)
            if text is not None:
                yield parse_profiles(path, text)


def _unset(profile: MutableMapping[str, Any], name: str, key: str) -> None:
    table, last = profile, key
    outer, dot, inner = key.partition(".")
    if dot and outer in TABLES:
        table, last = profile.get(outer, {}), inner
    if not hasattr(table, "keys") or last not in table:
        raise ConfigError(f"the profile “{name}” has no “{printable(key, 80)}”")
    del table[last]


def _edit(environment: Environment, change: Change) -> str:
    """Make `change` to the file that is ours to write; what comes of it is checked before it lands."""
    paths = config_paths(environment)
    path = os.path.realpath(paths[0])  # a link stays a link, and what it points to is replaced
    if os.path.lexists(path) and not os.path.isfile(path):  # such as /dev/null, which must never be replaced
        raise ConfigError(f"{printable(path)} is no regular file, so no profile can be kept there")
    try:
        with _locked(os.path.dirname(path), environment):
            before = _read(path)
            after = _changed(paths[0], before, change)
            merge_profiles([parse_profiles(paths[0], after), *_files_below(environment)], paths)
            _write(path, after, environment.random_bytes(8).hex())
    except OSError as error:
        raise OutputError(f"{printable(path)} can't be written: {error.strerror or error}") from None
    return path


def _changed(path: str, before: str, change: Change) -> str:
    """`before` with the `change`, its comments kept. What tomlkit made of it is compared with the same change to
    plain tables: no fault of its can reach the file."""
    import tomlkit

    expected, _ = read_toml(path, before)
    profiles = expected.get("profile", {})
    if not isinstance(profiles, dict) or not all(isinstance(profile, dict) for profile in profiles.values()):
        parse_profiles(path, before)  # says what is wrong
    change(expected)
    try:
        document = tomlkit.parse(before)
        change(document)
        after = tomlkit.dumps(document)
        is_same = read_toml(path, after)[0] == expected
    except Exception:  # whatever it stumbles over, the user can still edit
        is_same = False
    if not is_same:
        raise ConfigError(f"{printable(path)} is written in a way that can't be changed here: edit it by hand")
    return after


def _read(path: str) -> str:
    try:
        return read_trusted_text(path) or ""
    except PermissionError as error:
        raise ConfigError(f"{printable(path)} can't be read: {error.strerror}") from None


@contextmanager
def _locked(folder: str, environment: Environment) -> Iterator[None]:
    """`folder`, made if need be, for this process alone: two changes at once would lose one of them."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _ in range(round(LOCK_PATIENCE / LOCK_PAUSE)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                environment.sleep(LOCK_PAUSE)
                continue
            except OSError:  # some network file systems have no such lock; then there is none
                break
            break
        else:
            raise TemporaryError(f"another program holds {printable(folder)} locked; nothing was changed")
        yield
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: str, text: str, unique: str) -> None:
    """Replace `path` by `text` in one step; a reader sees the old or the new file, whole."""
    state = os.stat(path) if os.path.exists(path) else None
    temporary = f"{path}.{unique}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if state is not None:
            _keep_mode(temporary, state)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _keep_mode(temporary: str, state: os.stat_result) -> None:
    """Give `temporary` the mode and group of the file it replaces; the group's rights only with the group."""
    mode = stat.S_IMODE(state.st_mode) & 0o777
    if hasattr(os, "chown"):
        try:
            os.chown(temporary, -1, state.st_gid)
        except OSError:
            mode &= ~0o070
    os.chmod(temporary, mode)


def _new_super_table(document: MutableMapping[str, Any]) -> Any:
    """What holds the profiles: a plain dict, or tomlkit's table that writes no [profile] line of its own."""
    if type(document) is dict:
        return {}
    import tomlkit

    return tomlkit.table(is_super_table=True)


def _copy(value: object) -> object:
    """`value` as new lists and dicts: the two documents must not share one."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return list(value) if isinstance(value, (list, tuple)) else value
