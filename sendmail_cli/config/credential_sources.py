"""The places that may have a password, each with its own rules; `credentials` asks them one after the other."""

from __future__ import annotations

import os

from sendmail_cli.config.credential_settings import (
    CREDENTIALS_VARIABLE,
    FILE_SUFFIX,
    systemd_credential,
    systemd_path,
)
from sendmail_cli.config.secret_file import MAX_SIZE, read_private_file, read_provided_file, secret_of
from sendmail_cli.errors import ConfigError, CredentialMissing, KeyringLocked, TemporaryError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sendmail_cli.config.os_keyring import KeyringEntry
    from sendmail_cli.environment import Environment

DESCRIPTOR_TIMEOUT = 30.0  # seconds, for a program on the other side that asks a person


class CredentialSource(Protocol):
    """One place that may have a password."""

    kind: str
    """What `credential.source` calls it, one of `CREDENTIAL_SOURCES`."""
    name: str
    """What it is called in `--verbose` and in errors; it says which variable, program or entry."""
    nothing: str
    """Why it had nothing, once `find` has returned None."""

    def find(self) -> Secret | None:
        """The password, or None when this source has none. Raises `MailError` when it should have one and fails."""
        ...


class DescriptorSource:
    """`--password-fd N`: the first line that can be read there."""

    kind = "descriptor"
    nothing = ""

    def __init__(self, descriptor: int, environment: Environment) -> None:
        self.name = f"--password-fd {descriptor}"
        self.descriptor = descriptor
        self.environment = environment

    def find(self) -> Secret:
        """Never None. Raises `UsageError` for one that isn't open, and `TemporaryError` when nothing comes."""
        try:
            if os.isatty(self.descriptor):
                raise UsageError(f"{self.name} is a terminal", hint="Leave it out to be asked there.")
            return secret_of(self.first_line(), self.name)
        except OSError as error:
            raise UsageError(
                f"{self.name} can't be read: {(error.strerror or str(error)).lower()}",
                hint="Let a shell open it: sendmail-cli … --password-fd 3 3<FILE",
            ) from None

    def first_line(self) -> bytes:
        from select import select

        monotonic = self.environment.monotonic
        octets, end = b"", monotonic() + DESCRIPTOR_TIMEOUT
        while b"\n" not in octets and len(octets) <= MAX_SIZE:
            if not select([self.descriptor], [], [], max(0.0, end - monotonic()))[0]:
                raise TemporaryError(f"{self.name} gave nothing for {DESCRIPTOR_TIMEOUT:g} seconds")
            chunk = os.read(self.descriptor, 1)  # what follows the line is not ours
            if not chunk:
                break
            octets += chunk
        return octets


class VariableSource:
    """A variable, which leaves the environment when it is read: no child inherits it. Or its `…_FILE`."""

    kind = "variable"

    def __init__(self, variable: str, owner: str, rivals: tuple[str, ...], environment: Environment) -> None:
        self.name = variable
        self.nothing = f"{variable} is not set"
        self.owner = owner
        self.rivals = rivals
        self.environment = environment

    def find(self) -> Secret | None:
        variables, file_variable = self.environment.variables, self.name + FILE_SUFFIX
        text, path = variables.get(self.name), variables.get(file_variable)
        if text is None and not path:
            return None
        if self.rivals:
            names = ", ".join((self.owner, *self.rivals))
            raise ConfigError(f"{self.name} could be meant for each of the profiles {names}: rename all but one")
        if text and path:
            raise ConfigError(f"{self.name} and {file_variable} are both set; keep one of them")
        if path:
            self.name = file_variable
            return read_provided_file(path, file_variable)
        del variables[self.name]
        self.nothing = f"{self.name} is empty"
        return Secret(text) if text else None


class SystemdSource:
    """A credential of the service that systemd runs us in: `LoadCredential=sendmail-cli.PROFILE:…`."""

    kind = "systemd"

    def __init__(self, profile_name: str, environment: Environment) -> None:
        credential = systemd_credential(profile_name)
        self.name = f"the credential “{credential}” of systemd"
        self.path = systemd_path(profile_name, environment)
        self.nothing = (
            f"systemd gives no credentials ({CREDENTIALS_VARIABLE} is not set)"
            if self.path is None
            else f"systemd gives no credential “{credential}”"
        )

    def find(self) -> Secret | None:
        if self.path is None or not os.path.lexists(self.path):
            return None
        return read_provided_file(self.path, self.name)


class FileSource:
    """`password_file` of the profile."""

    kind = "file"
    nothing = "the profile has no password_file"

    def __init__(self, path: str | None) -> None:
        self.name = "password_file" if path is None else f"password_file {printable(path)}"
        self.path = path

    def find(self) -> Secret | None:
        return None if self.path is None else read_private_file(self.path, "password_file")


class CommandSource:
    """`password_command` of the profile."""

    kind = "command"
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
    """The operating system's keyring. Where there is none at all, that is no failure: it has nothing.

    One that is locked or can't be reached has nothing for now: `locked` is raised where nobody else has anything.
    """

    kind = "keyring"

    def __init__(self, entry: KeyringEntry, environment: Environment, *, may_ask: bool) -> None:
        self.name = f"the keyring, {entry}"
        self.nothing = f"the keyring has no entry for {entry}"
        self.entry = entry
        self.environment = environment
        self.may_ask = may_ask
        self.locked: KeyringLocked | None = None
        self.is_absent = False  # once it was asked: here is no keyring at all

    def find(self) -> Secret | None:
        from sendmail_cli.config.os_keyring import get_password

        try:
            return get_password(self.entry, self.environment, may_ask=self.may_ask)
        except CredentialMissing as error:
            self.nothing, self.is_absent = error.sentence, True
        except KeyringLocked as error:
            self.nothing, self.locked = error.sentence, error
        return None


class PromptSource:
    """A person at the terminal."""

    kind = "prompt"
    name = "the terminal"

    def __init__(self, prompt: str, environment: Environment, *, may_ask: bool) -> None:
        self.nothing = "nobody may be asked for it here"
        self.prompt = prompt
        self.environment = environment
        self.may_ask = may_ask

    def find(self) -> Secret | None:
        if not self.may_ask:
            return None
        typed = self.environment.ask_secret(f"{self.prompt}: ")
        self.nothing = "there is no terminal to ask at" if typed is None else "nothing was typed"
        return Secret(typed) if typed else None
