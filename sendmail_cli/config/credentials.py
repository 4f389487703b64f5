"""The chain of credential sources: the first that has a password gives it.

SENDMAIL_CLI_PASSWORD__<PROFILE>  >  password_command  >  the operating system's keyring
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sendmail_cli.config.settings import password_variable
from sendmail_cli.errors import ConfigError, CredentialMissing, InternalError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from sendmail_cli.config.os_keyring import KeyringEntry
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment


class CredentialSource(Protocol):
    """One place that may have a password."""

    @property
    def name(self) -> str:
        """What it is called in `--verbose` and in errors; it says which variable, program or entry."""
        ...

    @property
    def nothing(self) -> str:
        """Why it had nothing, once `find` has returned None."""
        ...

    def find(self) -> Secret | None:
        """The password, or None when this source has none. Raises `MailError` when it should have one and fails."""
        ...


def resolve_credential(settings: Settings, environment: Environment, *, may_ask: bool = False) -> tuple[Secret, str]:
    """The password for the settings' user, and the name of the source that gave it.

    A variable is removed once it was read, so keep what is returned. `may_ask` says that a person is there.
    Raises `CredentialMissing` with every source and why it had nothing, and what a source raises that fails.
    """
    sources = credential_sources(settings, environment, may_ask=may_ask)
    for source in sources:
        secret = source.find()
        if secret is not None:
            _refuse_unusable(secret, source.name)
            return secret, source.name
    raise CredentialMissing(
        f"there is no password for {_whom(settings)}: {'; '.join(source.nothing for source in sources)}",
        hint=f"Store it with: sendmail-cli login {settings.credential_profile}",
    )


def credential_sources(settings: Settings, environment: Environment, *, may_ask: bool) -> tuple[CredentialSource, ...]:
    """The sources that are asked for the password of the settings' user, in their order.

    Raises `CredentialMissing` where the server or the user is not the profile's, so that none may be asked.
    """
    from sendmail_cli.config.os_keyring import KeyringEntry

    user, profile = settings.server.user, settings.credential_profile
    if user is None:
        raise InternalError("a password was asked for, and nobody signs in")
    if profile is None:
        raise CredentialMissing(_foreign(settings), hint=_FOREIGN_HINT)
    entry = KeyringEntry(profile, user, settings.is_insecure_keyring_allowed)
    return (
        VariableSource(profile, settings.rivals, environment),
        CommandSource(settings.password_command, environment),
        KeyringSource(entry, environment, may_ask=may_ask),
    )


class VariableSource:
    """SENDMAIL_CLI_PASSWORD__<PROFILE>, which leaves the environment when it is read: no child inherits it."""

    def __init__(self, profile_name: str, rivals: tuple[str, ...], environment: Environment) -> None:
        self.name = password_variable(profile_name)
        self.nothing = f"{self.name} is not set"
        self.profile_name = profile_name
        self.rivals = rivals
        self.environment = environment

    def find(self) -> Secret | None:
        text = self.environment.variables.get(self.name)
        if text is None:
            return None
        if self.rivals:
            names = ", ".join((self.profile_name, *self.rivals))
            raise ConfigError(f"{self.name} could be meant for each of the profiles {names}: rename all but one")
        del self.environment.variables[self.name]
        self.nothing = f"{self.name} is empty"
        return Secret(text) if text else None


class CommandSource:
    """`password_command` of the profile."""

    nothing = "the profile has no password_command"

    def __init__(self, command: tuple[str, ...] | None, environment: Environment) -> None:
        self.name = "password_command" if command is None else f"password_command “{printable(command[0], 80)}”"
        self.command = command
        self.environment = environment

    def find(self) -> Secret | None:
        if self.command is None:
            return None
        from sendmail_cli.config.password_command import run_password_command

        return run_password_command(self.command, self.environment.child_variables())


class KeyringSource:
    """The operating system's keyring. Where there is none at all, that is no failure: it has nothing."""

    def __init__(self, entry: KeyringEntry, environment: Environment, *, may_ask: bool) -> None:
        self.name = f"the keyring, {entry}"
        self.nothing = f"the keyring has no entry for {entry}"
        self.entry = entry
        self.environment = environment
        self.may_ask = may_ask

    def find(self) -> Secret | None:
        from sendmail_cli.config.os_keyring import get_password

        try:
            return get_password(self.entry, self.environment, may_ask=self.may_ask)
        except CredentialMissing as error:
            self.nothing = error.sentence
            return None


_FOREIGN_HINT = "Set up a profile for it: sendmail-cli profile add NAME --from … --server USER@HOST"


def _foreign(settings: Settings) -> str:
    """Says that no password may be used for this server and user."""
    if settings.profile_name is None:
        return f"there is no password for {_whom(settings)}: passwords are kept for profiles, and none was chosen"
    return (
        f"there is no password for {_whom(settings)}: that of the profile “{settings.profile_name}” "
        "is for its own server and user only"
    )


def _whom(settings: Settings) -> str:
    return f"“{printable(settings.server.user or '', 80)}” at {settings.server}"


def _refuse_unusable(secret: Secret, source: str) -> None:
    """Raise `ConfigError` for a password that no sign-in can carry (RFC 4616 §2, RFC 4013 §2.3)."""
    text = secret.reveal()
    if any(control in text for control in "\r\n\0"):
        raise ConfigError(
            f"the password from {source} has a line break or NUL in it",
            hint="A program that prints more than the password needs another argument, or `head -n 1` behind it.",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the password from {source} is not UTF-8") from None
