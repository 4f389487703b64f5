"""The secret of the mail service: a file that only root may read, and that systemd hands to the service alone."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

from sendmail_cli.config.credential_settings import systemd_credential
from sendmail_cli.installing.file import unwritable, write_whole
from sendmail_cli.installing.step import Step
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret

_PREFIX = systemd_credential("")
_STORES = ("/etc/credstore", "/etc/credstore.encrypted", "/run/credstore", "/usr/lib/credstore")  # systemd.exec(5)
_NEED_NONE = ("external", "gssapi")  # ways to sign in


def places(profile: str) -> tuple[str, ...]:
    """Where systemd looks for a secret that somebody else has laid down for it."""
    return tuple(os.path.join(store, systemd_credential(profile)) for store in _STORES)


def steps_to_keep(profile: str, secret: Secret | None, environment: Environment) -> list[Step]:
    """What lays the secret down, below our own folder in /etc; none where it is there, or none was given."""
    path = _path(profile, environment)
    if secret is None or _is_kept(path, secret):
        return []
    return [Step(f"the password is kept in {printable(path)}, for root alone", partial(_keep, path, secret))]


def credential_of(profile: str, environment: Environment, *, is_given: bool) -> str:
    """What LoadCredential= gets: our file where it is there, or will be; else systemd looks in its own places."""
    path, name = _path(profile, environment), systemd_credential(profile)
    return f"{name}:{path}" if is_given or os.path.exists(path) else name


def is_missing(settings: Settings, environment: Environment) -> bool:
    """True where the profile wants a password and nothing that leads to one is to be seen."""
    name, given = settings.profile_name or "", settings.credential
    if settings.server.user is None or settings.server.auth in _NEED_NONE:
        return False
    if given.password_file or given.password_command or given.oauth:
        return False
    return not any(map(os.path.exists, (_path(name, environment), *places(name))))


def steps_to_forget(environment: Environment) -> Iterator[Step]:
    """What takes the secrets away that we were given."""
    folder = _folder(environment)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if name.startswith(_PREFIX):
            path = os.path.join(folder, name)
            yield Step(f"{printable(path)} is taken away", partial(_forget, path))


def _keep(path: str, secret: Secret) -> None:
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    write_whole(path, secret.reveal().encode(), 0o600)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise unwritable(path, error) from None
    with suppress(OSError):  # somebody has put something else there
        os.rmdir(os.path.dirname(path))


def _folder(environment: Environment) -> str:
    return os.path.join(environment.system_config_folder, "credentials")


def _path(profile: str, environment: Environment) -> str:
    return os.path.join(_folder(environment), systemd_credential(profile))


def _is_kept(path: str, secret: Secret) -> bool:
    """True where it is there already, and nobody else may read it."""
    try:
        with open(path, "rb") as file:
            return file.read() == secret.reveal().encode() and not os.fstat(file.fileno()).st_mode & 0o077
    except OSError:  # none, or none that can be read: it is written anew
        return False
