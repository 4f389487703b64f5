"""What leads to the password of who signs in: which sources may be asked for it, and where that was said."""

from __future__ import annotations

import os
import re

from sendmail_cli.config.origins import Origin, path_beside, path_in
from sendmail_cli.environment import CREDENTIAL_VARIABLE
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.profiles import Profile, Profiles
    from sendmail_cli.environment import Environment

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # of systemd: systemd.exec(5), “Credentials”
FILE_SUFFIX = "_FILE"


class CredentialSettings(NamedTuple):
    """What leads to a password. `variable` is None where the server is not the profile's: its own may not go there."""

    profile: str | None = None  # whose password it is in the keyring and among the credentials of systemd
    variable: str | None = None
    rivals: tuple[str, ...] = ()  # other profiles whose password variable has the same name
    password_file: str | None = None
    password_command: tuple[str, ...] | None = None
    is_insecure_keyring_allowed: bool = False
    source: str | None = None  # `credential.source`: the only one that is asked
    oauth: OAuthTable | None = None  # who gives a token; then nobody else is asked
    descriptor: int | None = None  # --password-fd, which goes before all of them


def resolve_credential_settings(owner: Profile, profiles: Profiles, home: str) -> CredentialSettings:
    """What leads to the password of `owner`, the profile whose server it is."""
    if names_server_by_variable(owner):
        return CredentialSettings(
            None, CREDENTIAL_VARIABLE, password_command=owner.password_command, source=owner.credential_source
        )
    if not owner.name:
        return CredentialSettings()
    variable = password_variable(owner.name)
    allowed = owner.allow_insecure_keyring
    return CredentialSettings(
        owner.name,
        variable,
        _rivals(owner.name, profiles),
        path_in(owner, "password_file", home),
        owner.password_command,
        profiles.allow_insecure_keyring if allowed is None else allowed,
        owner.credential_source,
        oauth=_oauth(owner, home),
    )


def names_server_by_variable(owner: Profile) -> bool:
    """True when the server is not that of the profile's file: what leads to its password isn't either."""
    return not {"server", "pipe"}.isdisjoint(owner.variables)


def _oauth(owner: Profile, home: str) -> OAuthTable | None:
    """Who gives the token; the key file is where the profile's file says."""
    table = owner.oauth
    if table is None or table.key_file is None:
        return table
    return table._replace(key_file=path_beside(table.key_file, owner.place_of("oauth.key_file"), home))


def password_origin(
    settings: CredentialSettings, environment: Environment, in_profile: Callable[[str], Origin]
) -> Origin:
    """Where the password will come from, as far as that can be seen without asking anybody."""
    return next(_origins(settings, environment, in_profile))


def _origins(
    settings: CredentialSettings, environment: Environment, in_profile: Callable[[str], Origin]
) -> Iterator[Origin]:
    if settings.descriptor is not None:
        yield Origin("flag", "--password-fd")
    if settings.oauth is not None:
        yield in_profile("oauth")
    variables, pinned = environment.variables, settings.source
    for name in (settings.variable, f"{settings.variable}{FILE_SUFFIX}"):
        if pinned in {None, "variable"} and variables.get(name or ""):
            yield Origin("environment", str(name))
    path = None if settings.profile is None else systemd_path(settings.profile, environment)
    if pinned in {None, "systemd"} and path is not None and os.path.lexists(path):
        yield Origin("environment", CREDENTIALS_VARIABLE)
    for kind, key in (("file", "password_file"), ("command", "password_command")):
        if pinned in {None, kind} and getattr(settings, key) is not None:
            yield in_profile(key)
    if pinned in {None, "keyring"} and settings.profile is not None:
        yield Origin("keyring", "the keyring")
    yield Origin("default", "nobody has it yet" if pinned is None else f"credential.source = “{pinned}”")


def password_variable(profile_name: str) -> str:
    """The variable that may hold a profile's password: "work.eu" → SENDMAIL_CLI_PASSWORD__WORK_EU."""
    return f"{CREDENTIAL_VARIABLE}__{re.sub('[^A-Z0-9]', '_', profile_name.upper())}"


def systemd_credential(profile_name: str) -> str:
    """What a profile's password is called among the credentials that systemd gives."""
    return f"sendmail-cli.{profile_name}"


def systemd_path(profile_name: str, environment: Environment) -> str | None:
    """Where systemd would put a profile's password; None where it gives no credentials at all."""
    folder = environment.variables.get(CREDENTIALS_VARIABLE)
    return os.path.join(folder, systemd_credential(profile_name)) if folder else None


def _rivals(name: str, profiles: Profiles) -> tuple[str, ...]:
    """The other profiles whose variable, or the one for a file with it, is that of `name`."""
    variable = password_variable(name)
    names = {variable, variable + FILE_SUFFIX, variable.removesuffix(FILE_SUFFIX)}
    return tuple(other for other in profiles.names if other != name and password_variable(other) in names)
