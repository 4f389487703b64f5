"""What we add to keyring's backend, against a service of the test's own; the real one is in tests/integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import secretstorage
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError

from sendmail_cli.config import secret_service
from sendmail_cli.config.secret_service import PatientKeyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Desktop:
    """A Secret Service: one collection, and a person at its prompts, or none."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.is_available = True
        self.has_collection = True
        self.is_locked = False
        self.are_items_locked = False
        self.person = "away"  # "types", "dismisses", "away"
        self.prompts: list[float | None] = []
        self.open_connections = 0

    def connect(self, address: str) -> Connection:
        if address == "unix:path=/none":
            raise FileNotFoundError(2, "No such file or directory")
        if address == "garbage":
            raise ValueError("not enough values to unpack")
        self.open_connections += 1
        return Connection(self)

    def prompt(self, timeout: float | None) -> bool:
        """True when it was dismissed, as SecretStorage has it."""
        self.prompts.append(timeout)
        if self.person == "away":
            raise TimeoutError
        return self.person == "dismisses"


class Connection:
    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop

    def close(self) -> None:
        self.desktop.open_connections -= 1


class Lockable:
    def __init__(self, desktop: Desktop, what: str) -> None:
        self.desktop = desktop
        self.what = what

    def is_locked(self) -> bool:
        return bool(getattr(self.desktop, self.what))

    def unlock(self, timeout: float | None = None) -> bool:
        was_dismissed = self.desktop.prompt(timeout)
        if not was_dismissed:
            setattr(self.desktop, self.what, False)
        return was_dismissed


class Collection(Lockable):
    def __init__(self, connection: Connection, path: str = "default") -> None:
        super().__init__(connection.desktop, "is_locked")
        if not self.desktop.has_collection:
            raise secretstorage.ItemNotFoundException("no such collection")
        self.connection = connection
        self.path = path

    def search_items(self, attributes: dict[str, str]) -> Iterator[Item]:
        key = f"{attributes['service']} {attributes['username']}"
        if key in self.desktop.kept:
            yield Item(self.desktop, key)

    def create_item(self, _label: str, attributes: dict[str, str], secret: str, *, replace: bool) -> None:
        assert replace
        self.desktop.kept[f"{attributes['service']} {attributes['username']}"] = secret


class Item(Lockable):
    def __init__(self, desktop: Desktop, key: str) -> None:
        super().__init__(desktop, "are_items_locked")
        self.key = key

    def get_secret(self) -> bytes:
        return self.desktop.kept[self.key].encode()

    def delete(self) -> None:
        del self.desktop.kept[self.key]


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    desktop = Desktop()

    def create(_connection: Connection, _label: str, alias: str) -> None:
        assert alias == "default"
        if desktop.prompt(None):
            raise secretstorage.PromptDismissedException("dismissed")
        desktop.has_collection = True

    monkeypatch.setattr(secret_service, "open_dbus_connection", desktop.connect)
    monkeypatch.setattr(secret_service, "add_match_rules", lambda _: None)
    monkeypatch.setattr(secretstorage, "check_service_availability", lambda _: desktop.is_available)
    monkeypatch.setattr(secretstorage, "Collection", Collection)
    monkeypatch.setattr(secretstorage, "create_collection", create)
    yield desktop
    assert desktop.open_connections == 0


def ring(address: str = "unix:path=/bus", *, may_ask: bool = False) -> Any:
    return PatientKeyring(address, may_ask=may_ask)


def test_what_is_kept_is_found(desktop: Desktop) -> None:
    assert ring().get_password("s", "u") is None
    ring().set_password("s", "u", "s3cret")
    assert ring().get_password("s", "u") == "s3cret"
    ring().delete_password("s", "u")
    assert desktop.kept == {}
    assert desktop.prompts == []


def test_a_locked_collection_is_an_error_at_once_without_a_person(desktop: Desktop) -> None:
    desktop.is_locked = True
    works: tuple[Callable[[], object], ...] = (
        lambda: ring().get_password("s", "u"),
        lambda: ring().set_password("s", "u", "p"),
        lambda: ring().delete_password("s", "u"),
    )
    for work in works:
        with pytest.raises(KeyringLocked, match="it is locked, and nobody is there to unlock it"):
            work()
    assert desktop.prompts == []


def test_a_person_is_asked_once_and_not_for_ever(desktop: Desktop) -> None:
    desktop.is_locked = True
    with pytest.raises(KeyringLocked, match="nobody unlocked it within 120 seconds"):
        ring(may_ask=True).get_password("s", "u")
    assert desktop.prompts == [120.0]
    desktop.person = "dismisses"
    with pytest.raises(KeyringLocked, match="it is locked and was not unlocked"):
        ring(may_ask=True).get_password("s", "u")
    desktop.person, desktop.kept = "types", {"s u": "s3cret"}
    assert ring(may_ask=True).get_password("s", "u") == "s3cret"
    assert len(desktop.prompts) == 3


def test_there_is_no_second_prompt_for_the_item(desktop: Desktop) -> None:
    desktop.is_locked = desktop.are_items_locked = True
    desktop.person, desktop.kept = "types", {"s u": "s3cret"}
    with pytest.raises(KeyringLocked):
        ring(may_ask=True).get_password("s", "u")
    assert len(desktop.prompts) == 1
    desktop.is_locked, desktop.are_items_locked = False, True
    assert ring(may_ask=True).get_password("s", "u") == "s3cret"
    desktop.are_items_locked = True
    with pytest.raises(KeyringLocked):
        ring().get_password("s", "u")


def test_a_user_without_collection_has_no_entry_and_is_asked_nothing(desktop: Desktop) -> None:
    desktop.has_collection = False
    assert ring(may_ask=True).get_password("s", "u") is None
    with pytest.raises(PasswordDeleteError, match="no such entry"):
        ring(may_ask=True).delete_password("s", "u")
    with pytest.raises(KeyringLocked, match="it has no default collection yet"):
        ring().set_password("s", "u", "p")
    assert desktop.prompts == []


def test_a_person_can_make_the_collection(desktop: Desktop) -> None:
    desktop.has_collection, desktop.person = False, "dismisses"
    with pytest.raises(KeyringLocked, match="its prompt was dismissed"):
        ring(may_ask=True).set_password("s", "u", "p")
    desktop.person = "types"
    ring(may_ask=True).set_password("s", "u", "p")
    assert desktop.kept == {"s u": "p"}


def test_a_dismissed_prompt_for_an_item_is_no_missing_collection(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dismiss(*_: object, **__: object) -> None:
        raise secretstorage.PromptDismissedException("dismissed")

    monkeypatch.setattr(Collection, "create_item", dismiss)
    with pytest.raises(KeyringLocked, match="its prompt was dismissed"):
        ring(may_ask=True).set_password("s", "u", "p")
    assert desktop.prompts == []


def test_an_entry_that_is_not_there_cannot_be_deleted(desktop: Desktop) -> None:
    with pytest.raises(PasswordDeleteError):
        ring().delete_password("s", "u")
    assert desktop.prompts == []


def test_a_bus_without_such_a_service_has_no_keyring(desktop: Desktop) -> None:
    desktop.is_available = False
    with pytest.raises(NoKeyringError, match="no Secret Service"):
        ring().get_password("s", "u")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:path=/none", "No such file or directory"),
        ("garbage", "it is no address of a unix socket"),
    ],
)
def test_a_bus_that_is_gone_is_named(desktop: Desktop, address: str, reason: str) -> None:
    with pytest.raises(InitError, match=f"the session bus at {address} can't be reached: {reason}"):
        ring(address).get_password("s", "u")
    assert desktop.open_connections == 0


def test_another_collection_can_be_preferred(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", "/org/freedesktop/secrets/collection/mail")
    collection = ring().get_preferred_collection()
    collection.connection.close()
    assert collection.path == "/org/freedesktop/secrets/collection/mail"
    assert desktop.prompts == []
