"""The chain of credential sources: the first that has a password gives it.

--password-fd  >  SENDMAIL_CLI_PASSWORD__<PROFILE>, or its …_FILE  >  systemd  >  password_file  >  password_command
>  the operating system's keyring  >  a person at the terminal

`credential.source` in a profile pins one of them. What is set up and fails is an error: nobody else is asked then,
for what they have may be the password of yesterday. Only a keyring that is locked leaves it to a person who is there.
"""

from __future__ import annotations

from sendmail_cli.config.credential_sources import (
    CommandSource,
    DescriptorSource,
    FileSource,
    KeyringSource,
    PromptSource,
    SystemdSource,
    VariableSource,
)
from sendmail_cli.errors import ConfigError, CredentialMissing, InternalError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendmail_cli.config.credential_sources import CredentialSource
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret


def resolve_credential(settings: Settings, environment: Environment, *, may_ask: bool = False) -> tuple[Secret, str]:
    """The password for the settings' user, and the name of the source that gave it.

    A variable is removed once it was read, and a descriptor is read once, so keep what is returned. `may_ask` says that
    a person is there. From here on no core is written of this process. Raises `CredentialMissing` with every source and
    why it had nothing, `KeyringLocked` where one of them may have it later, and what a source raises that fails.
    """
    sources = credential_sources(settings, environment, may_ask=may_ask)
    environment.guard_memory()
    for source in sources:
        secret = source.find()
        if secret is not None:
            _refuse_unusable(secret, source.name)
            return secret, source.name
    for source in sources:
        if isinstance(source, KeyringSource) and source.locked is not None:
            raise source.locked
    raise _missing(settings, sources)


def credential_sources(settings: Settings, environment: Environment, *, may_ask: bool) -> tuple[CredentialSource, ...]:
    """The sources that are asked for the password of the settings' user, in their order; one alone where it is pinned.

    Where the server or the user is not the profile's, what is stored for the profile is none of them.
    """
    user, access = settings.server.user, settings.credential
    if user is None:
        raise InternalError("a password was asked for, and nobody signs in")
    if access.descriptor is not None:
        return (DescriptorSource(access.descriptor, environment),)
    if access.oauth is not None:
        from sendmail_cli.config.oauth.source import OAuthSource

        return (OAuthSource(settings, environment, may_ask=may_ask),)
    prompt = PromptSource(f"Password of {_whom(settings)}", environment, may_ask=may_ask)
    if access.variable is None:
        return (prompt,)
    sources: list[CredentialSource] = [
        VariableSource(access.variable, access.profile or "", access.rivals, environment),
        FileSource(access.password_file),
        CommandSource(access.password_command, environment),
        prompt,
    ]
    if access.profile is not None:
        from sendmail_cli.config.os_keyring import KeyringEntry

        entry = KeyringEntry(access.profile, user, access.is_insecure_keyring_allowed)
        sources.insert(1, SystemdSource(access.profile, environment))
        sources.insert(-1, KeyringSource(entry, environment, may_ask=may_ask))
    return tuple(source for source in sources if access.source in {None, source.kind})


def _missing(settings: Settings, sources: tuple[CredentialSource, ...]) -> CredentialMissing:
    access = settings.credential
    reasons = "; ".join(source.nothing for source in sources)
    if access.variable is None:
        return CredentialMissing(f"{_foreign(settings)}; {reasons}", hint=_FOREIGN_HINT)
    if access.source is not None:
        reasons += f" (the profile asks nobody else: credential.source = “{access.source}”)"
    return CredentialMissing(f"there is no password for {_whom(settings)}: {reasons}", hint=_hint(settings, sources))


def _hint(settings: Settings, sources: Sequence[CredentialSource]) -> str:
    access = settings.credential
    if access.profile is None:
        return f"Put it into the variable {access.variable}, or the name of a file with it into {access.variable}_FILE."
    hint = f"Store it with: sendmail-cli login {access.profile}"
    if any(isinstance(source, KeyringSource) and source.is_absent for source in sources):
        command = f"sendmail-cli profile set {access.profile} --password-command COMMAND"
        hint += f"\nWhere there is no keyring, let a program give it: {command}"
    return hint


_FOREIGN_HINT = "Set up a profile for it: sendmail-cli setup ADDRESS --server USER@HOST"


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
