from __future__ import annotations

import os
import socket
import sys
from threading import Event
from typing import TYPE_CHECKING, ClassVar

import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError
from keyring.errors import KeyringLocked as TheirKeyringLocked

from sendmail_cli.config import os_keyring
from sendmail_cli.config.os_keyring import (
    KeyringEntry,
    delete_password,
    find_session_bus,
    get_password,
    load_backend,
    refuse_insecure,
    set_password,
)
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, CredentialMissing, KeyringLocked, UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = KeyringEntry("work", "ada@example.org")


class Memory(KeyringBackend):
    """A keyring that keeps what it is given as long as the test lasts."""

    priority = 5.0
    kept: ClassVar[dict[tuple[str, str], str]] = {}

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring annotates in part

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class Plain(Memory):
    priority = 0.5


class Chain(Memory):
    backends = (Memory(), Plain())


class NotViable(Memory):
    def __init__(self) -> None:
        raise RuntimeError("this desktop is not running")


class Failing(Memory):
    error: ClassVar[Exception]

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"{service} {username} {password.upper()} bad")


class Stuck(Memory):
    release: ClassVar[Event]

    def get_password(self, service: str, username: str) -> str | None:
        self.release.wait(10)
        return "too late"


@pytest.fixture(autouse=True)
def no_keyring_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the keyring of who runs the tests nor what they set up for it is seen."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(Memory, "kept", {})
    monkeypatch.setattr(keyring.core, "get_keyring", None)  # must never be called
    monkeypatch.setattr(sys, "platform", "linux")


def world(backend: type, **variables: str) -> Environment:
    """An environment that names `backend`, which stands in this module under whatever name pytest gave it."""
    sys.modules["backends_of_the_tests"] = sys.modules[__name__]
    return Environment({"PYTHON_KEYRING_BACKEND": f"backends_of_the_tests.{backend.__name__}", **variables})


def test_a_password_is_kept_found_and_taken_out() -> None:
    environment = world(Memory)
    assert get_password(ENTRY, environment, may_ask=False) is None
    set_password(ENTRY, Secret("s3cret-äöü"), environment, may_ask=False)
    assert Memory.kept == {("sendmail-cli/work", "ada@example.org"): "s3cret-äöü"}
    assert get_password(ENTRY, environment, may_ask=False) == Secret("s3cret-äöü")
    assert get_password(KeyringEntry("home", "ada@example.org"), environment, may_ask=False) is None
    delete_password(ENTRY, environment, may_ask=False)
    assert Memory.kept == {}


def test_taking_out_what_is_not_there_is_one_line() -> None:
    with pytest.raises(CredentialMissing) as caught:
        delete_password(ENTRY, world(Memory), may_ask=False)
    assert caught.value.sentence == ("the keyring has no password for “ada@example.org” under “sendmail-cli/work”")


def test_an_empty_password_is_neither_kept_nor_given() -> None:
    with pytest.raises(UsageError, match="an empty password is not kept"):
        set_password(ENTRY, Secret(""), world(Memory), may_ask=False)
    Memory.kept["sendmail-cli/work", "ada@example.org"] = ""
    assert get_password(ENTRY, world(Memory), may_ask=False) is None


@pytest.mark.parametrize("backend", [Plain, Chain])
def test_a_keyring_that_guards_nothing_is_refused_unless_allowed(backend: type) -> None:
    with pytest.raises(ConfigError, match="Plain does not guard what it keeps") as caught:
        set_password(ENTRY, Secret("hunter2"), world(backend), may_ask=False)
    assert "allow_insecure_keyring = true" in caught.value.hint
    assert Memory.kept == {}
    allowed = ENTRY._replace(is_insecure_allowed=True)
    set_password(allowed, Secret("hunter2"), world(backend), may_ask=False)
    assert get_password(allowed, world(backend), may_ask=False) == Secret("hunter2")


@pytest.mark.parametrize("module", ["keyrings.alt.file", "keyrings.alt.Windows", "my.null"])
def test_a_keyring_is_refused_by_its_module_whatever_it_says_of_itself(module: str) -> None:
    boastful = type("Boastful", (Memory,), {"__module__": module})
    with pytest.raises(ConfigError, match=f"{module}.Boastful does not guard"):
        refuse_insecure(boastful())


@pytest.mark.parametrize("name", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_keyring_s_own_dummies_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the keyring {name} does not guard"):
        get_password(ENTRY, Environment({"PYTHON_KEYRING_BACKEND": name}), may_ask=False)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nodots", "Empty module name"),
        ("no_such_package.Keyring", "No module named 'no_such_package'"),
        ("keyring.backends.null.Nope", "has no attribute 'Nope'"),
    ],
)
def test_a_backend_that_cannot_be_loaded_is_named(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"^PYTHON_KEYRING_BACKEND names no keyring .*{name}: .*{reason}"):
        get_password(ENTRY, Environment({"PYTHON_KEYRING_BACKEND": name}), may_ask=False)


def test_a_backend_that_does_not_work_here_is_no_keyring() -> None:
    with pytest.raises(CredentialMissing, match="NotViable: this desktop is not running") as caught:
        get_password(ENTRY, world(NotViable), may_ask=False)
    assert caught.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize(
    ("error", "raised", "sentence"),
    [
        (TheirKeyringLocked("it is locked"), KeyringLocked, "it is locked"),
        (KeyringError("bus gone"), KeyringLocked, "bus gone"),
        (RuntimeError("bare"), KeyringLocked, "bare"),
        (AssertionError(), KeyringLocked, "AssertionError"),
        (OSError(111, "Connection refused"), KeyringLocked, "Connection refused"),
        (ValueError("\x1b[2J"), KeyringLocked, "\\x1b[2J"),
        (NoKeyringError("none"), CredentialMissing, "there is no keyring: none"),
    ],
)
def test_whatever_a_backend_raises_becomes_ours(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[KeyringLocked | CredentialMissing], sentence: str
) -> None:
    monkeypatch.setattr(Failing, "error", error, raising=False)
    with pytest.raises(raised) as caught:
        get_password(ENTRY, world(Failing), may_ask=False)
    assert sentence in caught.value.sentence
    assert caught.value.exit_code is (ExitCode.TEMPFAIL if raised is KeyringLocked else ExitCode.CONFIG)


def test_an_error_of_a_backend_does_not_repeat_the_password() -> None:
    with pytest.raises(KeyringLocked) as caught:
        set_password(ENTRY, Secret("hunter2"), world(Failing), may_ask=False)
    assert caught.value.sentence.endswith("sendmail-cli/work ada@example.org *** bad")


@pytest.mark.parametrize("may_ask", [False, True])
def test_a_keyring_that_never_answers_is_left_behind(monkeypatch: pytest.MonkeyPatch, *, may_ask: bool) -> None:
    monkeypatch.setattr(os_keyring, "ANSWER_TIMEOUT", 60.0 if may_ask else 0.05)
    monkeypatch.setattr(os_keyring, "PERSON_TIMEOUT", 0.05 if may_ask else 60.0)
    monkeypatch.setattr(Stuck, "release", Event(), raising=False)
    try:
        with pytest.raises(KeyringLocked, match="the keyring did not answer within 0 seconds") as caught:
            get_password(ENTRY, world(Stuck), may_ask=may_ask)
        assert caught.value.exit_code is ExitCode.TEMPFAIL
    finally:
        Stuck.release.set()


def test_keyringrc_names_a_backend(tmp_path: Path) -> None:
    world(Memory)
    rc = tmp_path / "config/python_keyring/keyringrc.cfg"
    rc.parent.mkdir(parents=True)
    rc.write_text("[backend]\ndefault-keyring=backends_of_the_tests.Memory\n")
    assert type(load_backend(Environment({}), may_ask=False)) is Memory
    assert type(load_backend(Environment({"PYTHON_KEYRING_BACKEND": ""}), may_ask=False)) is Memory
    rc.write_text("[backend]\ndefault-keyring=backends_of_the_tests.Nope\n")
    with pytest.raises(ConfigError, match=r"^keyringrc\.cfg names no keyring that can be loaded: .*Nope"):
        load_backend(Environment({}), may_ask=False)
    rc.write_text("no section\n")
    with pytest.raises(ConfigError, match=r"^keyringrc\.cfg names no keyring that can be loaded"):
        load_backend(Environment({}), may_ask=False)
    rc.write_text("[backend]\ndefault-keyring=backends_of_the_tests.NotViable\n")
    with pytest.raises(CredentialMissing, match="this desktop is not running"):
        load_backend(Environment({}), may_ask=False)


@pytest.mark.parametrize("name", ["", "keyring.backends.SecretService.Keyring"])
def test_linux_gets_our_patient_one(name: str) -> None:
    environment = Environment({"PYTHON_KEYRING_BACKEND": name, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/none"})
    backend = load_backend(environment, may_ask=True)
    assert type(backend).__name__ == "PatientKeyring"
    assert (vars(backend)["address"], vars(backend)["may_ask"]) == ("unix:path=/none", True)


@pytest.mark.parametrize(
    ("platform", "name"),
    [("darwin", "keyring.backends.macOS.Keyring"), ("win32", "keyring.backends.Windows.WinVaultKeyring")],
)
def test_other_systems_get_their_own(monkeypatch: pytest.MonkeyPatch, platform: str, name: str) -> None:
    asked: list[str] = []

    def load(backend: str) -> KeyringBackend:
        asked.append(backend)
        return Memory()

    monkeypatch.setattr(keyring.core, "load_keyring", load)
    monkeypatch.setattr(sys, "platform", platform)
    for variables in ({}, {"PYTHON_KEYRING_BACKEND": ""}):
        assert type(load_backend(Environment(dict(variables)), may_ask=False)) is Memory
    assert asked == [name, name]


def test_a_system_without_secretstorage_has_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sendmail_cli.config.secret_service", None)
    with pytest.raises(CredentialMissing, match="there is no keyring for this system"):
        load_backend(Environment({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/none"}), may_ask=False)


def test_a_bus_that_is_named_is_taken() -> None:
    environment = Environment({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/some"})
    assert find_session_bus(environment) == "unix:path=/some"


def test_under_cron_the_bus_is_found_and_put_into_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "run,1"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(folder / "bus"))
        environment = Environment({"XDG_RUNTIME_DIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": ""})
        address = f"unix:path={tmp_path}/run%2c1/bus"
        assert find_session_bus(environment) == address
        assert environment.variables["DBUS_SESSION_BUS_ADDRESS"] == address


def test_what_is_no_socket_of_ours_is_no_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment({"XDG_RUNTIME_DIR": str(tmp_path)})
    sentence = f"no session bus, and so no keyring: .* is not set, and {tmp_path}/bus is no socket of ours"
    with pytest.raises(CredentialMissing, match=sentence):
        find_session_bus(environment)
    (tmp_path / "bus").touch()
    with pytest.raises(CredentialMissing, match=sentence):
        find_session_bus(environment)
    (tmp_path / "bus").unlink()
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        (tmp_path / "link").mkdir()
        (tmp_path / "link/bus").symlink_to(tmp_path / "bus")
        with pytest.raises(CredentialMissing):
            find_session_bus(Environment({"XDG_RUNTIME_DIR": str(tmp_path / "link")}))
        monkeypatch.setattr(os, "getuid", lambda: 54321)
        with pytest.raises(CredentialMissing, match=sentence):
            find_session_bus(environment)
    assert "DBUS_SESSION_BUS_ADDRESS" not in environment.variables


def test_the_runtime_folder_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    for variables in ({}, {"XDG_RUNTIME_DIR": "relative"}):
        with pytest.raises(CredentialMissing, match="/run/user/54321/bus is no socket of ours"):
            find_session_bus(Environment(dict(variables)))
