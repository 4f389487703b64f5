"""A real Secret Service for tests: gnome-keyring on a session bus of its own, with a home of its own, unlocked.

Nothing of the desktop that runs the tests is seen or touched. What clients get as environment has no display, as under
cron. The collection can be locked, and there can be a prompter that never answers: on a desktop, a client that asks it
to unlock waits until somebody types a password, which in an unattended run is for ever.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from tests.support.patience import PATIENCE
from tests.support.postfix import missing_programs

if TYPE_CHECKING:
    from secretstorage import Collection

MASTER_PASSWORD = b"master"
BUS_NAME = "org.freedesktop.secrets"
LOGIN_COLLECTION = "/org/freedesktop/secrets/collection/login"
PROMPTER_NAME = "org.gnome.keyring.SystemPrompter"

# As the package keyring writes its items: it replaces ours, and we its.
APPLICATION = "Python keyring library"


class SilentPrompter:
    """In the place of the program that asks for passwords: it takes each request to prompt, and then does nothing."""

    def __init__(self, address: str) -> None:
        from jeepney import message_bus  # type: ignore[import-untyped]  # ships no types
        from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]  # the same

        self.was_asked = False
        self._connection = open_dbus_connection(address)
        Proxy(message_bus, self._connection).RequestName(PROMPTER_NAME)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._connection.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        """Answers every call with nothing; after BeginPrompting the keyring then waits for PromptReady in vain."""
        from jeepney import HeaderFields, MessageType, new_method_return

        while True:
            try:
                message = self._connection.receive()
            except OSError:
                return
            if message.header.message_type is MessageType.method_call:
                self.was_asked |= message.header.fields[HeaderFields.member] == "BeginPrompting"
                self._connection.send(new_method_return(message))


@dataclass(frozen=True, slots=True)
class SecretService:
    """The bus for clients, and a client's own view of the default collection that never asks anybody to unlock it."""

    address: str
    environment: dict[str, str]  # all that a subprocess needs, and nothing of ours but PATH

    def set(self, service: str, user: str, password: str) -> None:
        """Stores an item as keyring does; a locked collection is locked again afterwards."""
        with self._unlocked() as collection:
            attributes = {"service": service, "username": user, "application": APPLICATION}
            label = f"Password for '{user}' on '{service}'"
            collection.create_item(label, attributes, password.encode(), replace=True)

    def get(self, service: str, user: str) -> str | None:
        """The password that keyring would find, None without one; a locked collection is locked again afterwards."""
        with self._unlocked() as collection:
            for item in collection.search_items({"service": service, "username": user}):
                return item.get_secret().decode()
        return None

    def lock(self) -> None:
        """Locks the default collection, as when the user locks it or has logged in without a password."""
        with self._default_collection() as collection:
            collection.lock()

    def is_locked(self) -> bool:
        """Whether a client must ask to unlock before it can read."""
        with self._default_collection() as collection:
            return collection.is_locked()

    @contextmanager
    def _unlocked(self) -> "Iterator[Collection]":
        with self._default_collection() as collection:
            was_locked = collection.is_locked()
            if was_locked:
                _unlock(collection)
            try:
                yield collection
            finally:
                if was_locked:
                    collection.lock()

    @contextmanager
    def _default_collection(self) -> "Iterator[Collection]":
        from jeepney.io.blocking import open_dbus_connection
        from secretstorage import Collection

        with closing(open_dbus_connection(self.address)) as connection:
            yield Collection(connection)


@dataclass(frozen=True, slots=True)
class LockedSecretService(SecretService):
    """One whose collection is locked, and whose prompter never answers."""

    prompter: SilentPrompter

    @property
    def was_asked_to_prompt(self) -> bool:
        """Whether a client has made the keyring ask for its password. A client that does so hangs."""
        return self.prompter.was_asked


def why_unavailable() -> str | None:
    """Why no Secret Service can be started on this machine; None when one can."""
    reason = missing_programs("dbus-daemon", "gnome-keyring-daemon", "secret-tool", "setpriv")
    packages = [name for name in ("secretstorage", "jeepney") if find_spec(name) is None]
    return reason or (f"Python packages not installed: {', '.join(packages)}" if packages else None)


@contextmanager
def running_secret_service() -> Iterator[SecretService]:
    """Starts bus and keyring with an empty, unlocked collection, and leaves neither process nor file behind."""
    root = Path(tempfile.mkdtemp(prefix="secret-service-"))
    try:
        environment = _lay_out(root)
        address = environment["DBUS_SESSION_BUS_ADDRESS"]
        bus = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address=1"]
        keyring = ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"]
        with _child(bus, environment, root, stdin=b"") as daemon:
            assert daemon.stdout is not None
            daemon.stdout.readline()  # the address: it listens
            with _child(keyring, environment, root, stdin=MASTER_PASSWORD):
                _await_keyring(address, root)
                yield SecretService(address, environment)
    finally:
        shutil.rmtree(root)


@contextmanager
def running_locked_secret_service() -> Iterator[LockedSecretService]:
    """The same with the collection locked, and with a prompter that never answers."""
    with running_secret_service() as service, closing(SilentPrompter(service.address)) as prompter:
        service.lock()
        yield LockedSecretService(service.address, service.environment, prompter)


def _lay_out(root: Path) -> dict[str, str]:
    """A home and its folders, and the environment of a session in it."""
    places = {
        "HOME": root / "home",
        "XDG_CACHE_HOME": root / "home/.cache",
        "XDG_CONFIG_HOME": root / "home/.config",
        "XDG_DATA_HOME": root / "home/.local/share",
        "XDG_STATE_HOME": root / "home/.local/state",
        "XDG_RUNTIME_DIR": root / "run",
    }
    for place in places.values():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    session = {name: str(place) for name, place in places.items()}
    address = f"unix:path={root}/run/bus"  # where programs look when nobody tells them the address
    session["SENDMAIL_CLI_SPOOL"] = str(root / "home/spool")  # root's would be the machine's
    return session | {"DBUS_SESSION_BUS_ADDRESS": address, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@contextmanager
def _child(
    argv: Sequence[str], environment: dict[str, str], root: Path, *, stdin: bytes
) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground that the kernel ends when we die; the keyring also ends with its bus."""
    with (
        (root / "log").open("ab") as log,
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        try:
            yield process
        finally:
            process.terminate()


def _await_keyring(address: str, root: Path) -> None:
    """Asks the bus who is there. A message to the keyring itself would have the bus start a second one."""
    from jeepney import message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection
    from secretstorage import Collection, ItemNotFoundException

    deadline = time.monotonic() + PATIENCE
    with closing(open_dbus_connection(address)) as connection:
        while time.monotonic() < deadline:
            try:
                if Proxy(message_bus, connection).NameHasOwner(BUS_NAME)[0]:
                    Collection(connection)
                    return
            except ItemNotFoundException:
                pass  # it has its name, but no default collection yet
            time.sleep(0.02)
    raise RuntimeError(f"gnome-keyring does not start:\n{(root / 'log').read_text()}")


def _unlock(collection: "Collection") -> None:
    """By gnome-keyring's own call that takes the master password, since the standard one asks a prompter for it."""
    from secretstorage.util import DBusAddressWrapper, format_secret, open_session

    interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
    keyring = DBusAddressWrapper("/org/freedesktop/secrets", interface, collection.connection)
    secret = format_secret(open_session(collection.connection), MASTER_PASSWORD, "text/plain")
    keyring.call("UnlockWithMasterPassword", "o(oayays)", LOGIN_COLLECTION, secret)
