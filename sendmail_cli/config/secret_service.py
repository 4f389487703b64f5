"""The Secret Service of a desktop (gnome-keyring, KeePassXC, KWallet) as keyring's backend, without its endless waits.

keyring 25.7 unlocks a locked collection by a prompt of the desktop that nobody may ever see, and waits for it without
limit; and it makes a collection, with another prompt, where a user has none. Here a person is asked once at most,
and only where the caller says that one is there.
"""

from __future__ import annotations

import secretstorage
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
from keyring.backends import SecretService
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError
from secretstorage.util import add_match_rules

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

PROMPT_TIMEOUT = 120.0  # seconds for a person to find the prompt and type


class PatientKeyring(SecretService.Keyring):
    """keyring's backend for the Secret Service on the bus at `address`."""

    priority = 5  # keyring's own asks the bus each time

    def __init__(self, address: str, *, may_ask: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address
        self.may_ask = may_ask

    def get_preferred_collection(self) -> secretstorage.Collection:
        """The default collection, unlocked. Its connection is the caller's to close.

        Raises keyring's `InitError` for a bus that can't be reached, `NoKeyringError` without such a service on it,
        `KeyringLocked` where it stays locked, and `ItemNotFoundException` where there is no default collection.
        """
        connection = self.connect()
        try:
            collection = self.collection(connection)
            self.unlock(collection)
        except BaseException:
            connection.close()
            raise
        return collection

    def connect(self) -> DBusConnection:
        try:
            return open_dbus_connection(self.address)
        except (OSError, ValueError, RuntimeError) as error:
            # Of an address that it can't read jeepney says what its code met there.
            unread = "it is no address of a unix socket"
            reason = error.strerror or error if isinstance(error, OSError) else unread
            raise InitError(f"the session bus at {self.address} can't be reached: {reason}") from None

    def collection(self, connection: DBusConnection) -> secretstorage.Collection:
        add_match_rules(connection)
        if not secretstorage.check_service_availability(connection):
            raise NoKeyringError("no Secret Service (gnome-keyring, KeePassXC, KWallet) is on this session's bus")
        preferred = getattr(self, "preferred_collection", None)  # set by KEYRING_PROPERTY_PREFERRED_COLLECTION
        return secretstorage.Collection(connection, *([preferred] if preferred else []))

    def unlock(self, item: secretstorage.Collection | secretstorage.Item) -> None:
        """Unlock a collection or item if it is locked: by one prompt, or not at all. Raises `KeyringLocked`."""
        if not item.is_locked():
            return
        if not self.may_ask:
            raise KeyringLocked("it is locked, and nobody is there to unlock it")
        self.may_ask = False
        try:
            was_dismissed = item.unlock(timeout=PROMPT_TIMEOUT)
        except TimeoutError:
            raise KeyringLocked(f"nobody unlocked it within {PROMPT_TIMEOUT:.0f} seconds") from None
        if was_dismissed or item.is_locked():
            raise KeyringLocked("it is locked and was not unlocked")

    def get_password(self, service: str, username: str) -> str | None:
        """The password, or None where there is no entry or no collection yet."""
        try:
            found: str | None = super().get_password(service, username)  # type: ignore[no-untyped-call]
        except secretstorage.ItemNotFoundException:
            return None
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store the password. Where there is no collection yet, a person is asked to make one."""
        try:
            super().set_password(service, username, password)  # type: ignore[no-untyped-call]
        except secretstorage.PromptDismissedException:
            raise KeyringLocked("its prompt was dismissed") from None
        except secretstorage.ItemNotFoundException:
            self.create_collection()
            super().set_password(service, username, password)  # type: ignore[no-untyped-call]

    def create_collection(self) -> None:
        if not self.may_ask:
            raise KeyringLocked("it has no default collection yet, and nobody is there to choose its password")
        self.may_ask = False
        connection = self.connect()
        try:
            add_match_rules(connection)
            secretstorage.create_collection(connection, "Default", "default")
        except secretstorage.PromptDismissedException:
            raise KeyringLocked("its prompt was dismissed") from None
        finally:
            connection.close()

    def delete_password(self, service: str, username: str) -> None:
        """Delete the entry. Raises `PasswordDeleteError` where there is none."""
        try:
            super().delete_password(service, username)  # type: ignore[no-untyped-call]
        except secretstorage.ItemNotFoundException:
            raise PasswordDeleteError("no such entry") from None
