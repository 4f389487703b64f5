"""The operating system's keyring, through `keyring`: one service for each profile, one entry for each user.

`keyring.get_keyring()` is never called: it loads every backend there is, and where it finds none that is safe it takes
one that writes plain text. The platform's own backend is taken, or the one that the user names in
PYTHON_KEYRING_BACKEND or keyringrc.cfg, if it is safe. Nothing here waits without limit.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from sendmail_cli.errors import ConfigError, CredentialMissing, DeadlineExceeded, KeyringLocked, MailError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Redactor, Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from keyring.backend import KeyringBackend

    from sendmail_cli.environment import Environment

    T = TypeVar("T")


BACKEND_VARIABLE = "PYTHON_KEYRING_BACKEND"
BUS_VARIABLE = "DBUS_SESSION_BUS_ADDRESS"
ANSWER_TIMEOUT = 20.0  # seconds for a keyring that asks nobody; starting its service is in them
PERSON_TIMEOUT = 180.0  # seconds where a person may be asked
_FREEDESKTOP_BACKEND = "keyring.backends.SecretService.Keyring"
_PLATFORM_BACKENDS = {"darwin": "keyring.backends.macOS.Keyring", "win32": "keyring.backends.Windows.WinVaultKeyring"}
_NEEDS_ESCAPE = re.compile(rb"[^A-Za-z0-9_/.\\*-]")  # in an address of D-Bus
NO_KEYRING_HINT = (
    "Where nobody has a desktop, let a program give the password: sendmail-cli profile set NAME "
    "--password-command COMMAND\nOr set the variable SENDMAIL_CLI_PASSWORD__NAME."
)
UNLOCK_HINT = (
    "Unlock it in your desktop's session; where there is none, set password_command in the profile, "
    "or the profile's password variable."
)


class KeyringEntry(NamedTuple):
    """Where a password is kept: under a profile's service, for the name that signs in."""

    profile_name: str
    user: str
    is_insecure_allowed: bool = False  # `allow_insecure_keyring`: a backend that guards nothing will do

    @property
    def service(self) -> str:
        """The name that keyring managers show."""
        return f"sendmail-cli/{self.profile_name}"

    def __str__(self) -> str:
        return f"“{printable(self.user, 80)}” under “{self.service}”"


def get_password(entry: KeyringEntry, environment: Environment, *, may_ask: bool) -> Secret | None:
    """The entry's password; None when there is none. A person is asked to unlock the keyring if `may_ask`.

    Raises `KeyringLocked` when the keyring is locked, can't be reached or doesn't answer, `CredentialMissing` where
    there is no keyring at all, and `ConfigError` for a backend that can't be loaded or guards nothing.
    """
    found = _use(entry, environment, lambda backend: backend.get_password(entry.service, entry.user), may_ask=may_ask)
    return Secret(found) if found else None


def set_password(entry: KeyringEntry, secret: Secret, environment: Environment, *, may_ask: bool) -> None:
    """Keep `secret`. Raises what `get_password` does, and `UsageError` for an empty one."""
    text = secret.reveal()
    if not text:
        raise UsageError("an empty password is not kept")
    redactor = Redactor()
    redactor.add(text)
    _use(
        entry,
        environment,
        lambda backend: backend.set_password(entry.service, entry.user, text),
        may_ask=may_ask,
        redactor=redactor,
    )


def delete_password(entry: KeyringEntry, environment: Environment, *, may_ask: bool) -> None:
    """Take the entry out. Raises `CredentialMissing` where there is none, and what `get_password` does."""

    def delete(backend: KeyringBackend) -> None:
        from keyring.errors import PasswordDeleteError

        try:
            backend.delete_password(entry.service, entry.user)
        except PasswordDeleteError:
            raise CredentialMissing(f"the keyring has no password for {entry}") from None

    _use(entry, environment, delete, may_ask=may_ask)


def find_session_bus(environment: Environment) -> str:
    """The address of the user's bus. It is put into the variables where it is missing, as it is under cron.

    Raises `CredentialMissing` where there is none.
    """
    address = environment.variables.get(BUS_VARIABLE)
    if address:
        return address
    folder = environment.variables.get("XDG_RUNTIME_DIR", "")
    path = os.path.join(folder if os.path.isabs(folder) else f"/run/user/{os.getuid()}", "bus")
    try:
        state = os.lstat(path)
        is_ours = stat.S_ISSOCK(state.st_mode) and state.st_uid == os.getuid()
    except OSError:
        is_ours = False
    if not is_ours:
        raise CredentialMissing(
            f"there is no session bus, and so no keyring: {BUS_VARIABLE} is not set, and {printable(path)} is no "
            "socket of ours",
            hint=NO_KEYRING_HINT,
        )
    address = "unix:path=" + _NEEDS_ESCAPE.sub(lambda octet: b"%%%02x" % octet[0][0], os.fsencode(path)).decode("ascii")
    environment.variables[BUS_VARIABLE] = address
    return address


def _use(
    entry: KeyringEntry,
    environment: Environment,
    work: Callable[[KeyringBackend], T],
    *,
    may_ask: bool,
    redactor: Redactor | None = None,
) -> T:
    """What `work` makes of the keyring; every error becomes one of ours, without a secret in it."""

    def run() -> T:
        backend = load_backend(environment, may_ask=may_ask)
        if not entry.is_insecure_allowed:
            refuse_insecure(backend)
        return work(backend)

    try:
        return _within(PERSON_TIMEOUT if may_ask else ANSWER_TIMEOUT, run)
    except MailError:
        raise
    except Exception as error:  # backends raise what they like: win32's, D-Bus's, RuntimeError, AssertionError
        from keyring.errors import NoKeyringError

        text = str(error) or type(error).__name__
        shown = printable(redactor.redact(text) if redactor is not None else text, 200)
        if isinstance(error, NoKeyringError):
            raise CredentialMissing(f"there is no keyring: {shown}") from None
        raise KeyringLocked(f"the keyring can't be used now: {shown}", hint=UNLOCK_HINT) from None


def load_backend(environment: Environment, *, may_ask: bool) -> KeyringBackend:
    """The keyring that the user names, else the platform's. Raises `ConfigError`, `CredentialMissing`."""
    name = environment.variables.get(BACKEND_VARIABLE) or None
    named = None if name == _FREEDESKTOP_BACKEND else _load_named(name)
    if named is not None and _name_of(type(named)) != _FREEDESKTOP_BACKEND:
        return named
    if name is None and sys.platform in _PLATFORM_BACKENDS:
        return _load(_PLATFORM_BACKENDS[sys.platform], "the system's keyring")
    address = find_session_bus(environment)
    try:
        from sendmail_cli.config.secret_service import PatientKeyring
    except ImportError as error:
        raise CredentialMissing(f"there is no keyring for this system: {printable(str(error), 200)}") from None
    return PatientKeyring(address, may_ask=may_ask)


def refuse_insecure(backend: KeyringBackend) -> None:
    """Raise `ConfigError` for a backend that guards nothing, or a chain of them with one such in it."""
    members: Iterable[KeyringBackend] = getattr(backend, "backends", None) or (backend,)
    for member in (backend, *members):
        name = _name_of(type(member))
        module = type(member).__module__
        if member.priority < 1 or module.startswith("keyrings.alt.") or module.endswith(".null"):
            raise ConfigError(
                f"the keyring {printable(name)} does not guard what it keeps, so it is not used",
                hint="Name another in PYTHON_KEYRING_BACKEND, use password_command, "
                "or set allow_insecure_keyring = true in profiles.toml.",
            )


def _load_named(name: str | None) -> KeyringBackend | None:
    """The backend of PYTHON_KEYRING_BACKEND, else of keyringrc.cfg; None where neither names one."""
    from keyring import core

    if name:
        return _load(name, BACKEND_VARIABLE)
    import configparser

    try:
        return core.load_config()
    except RuntimeError as error:
        raise CredentialMissing(f"there is no keyring: {printable(str(error), 200)}") from None
    except (ImportError, AttributeError, ValueError, TypeError, configparser.Error) as error:
        raise ConfigError(f"keyringrc.cfg names no keyring that can be loaded: {printable(str(error), 200)}") from None


def _load(name: str, whence: str) -> KeyringBackend:
    from keyring import core

    try:
        return core.load_keyring(name)
    except RuntimeError as error:  # the class says that it can't work here
        raise CredentialMissing(f"there is no keyring: {printable(name)}: {printable(str(error), 200)}") from None
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{whence} names no keyring that can be loaded: {printable(name)}: {printable(str(error), 200)}"
        ) from None


def _name_of(backend: type) -> str:
    return f"{backend.__module__}.{backend.__qualname__}"


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises, if it does so in time; else `KeyringLocked`: it may wait for a prompt for ever."""
    from sendmail_cli.config.errand import Errand

    try:
        return Errand(work).result(seconds)
    except DeadlineExceeded:
        raise KeyringLocked(f"the keyring did not answer within {seconds:.0f} seconds", hint=UNLOCK_HINT) from None
