"""Sockets to listen on: made here or handed over, and never for other machines."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import ConfigError, ResourceError, UsageError
from sendmail_cli.net import listening as module
from sendmail_cli.net.listening import inherited, listen_tcp, listen_unix
from sendmail_cli.net.peer import peer_uid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_no_other_machine_is_served(host: str) -> None:
    with pytest.raises(UsageError, match="loopback"):
        listen_tcp(host, 0)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1:"), ("::1", "[::1]:"), ("localhost", "127.0.0.1:")]
)
def test_loopback(host: str, shown: str) -> None:
    listening = listen_tcp(host, 0)
    with listening.socket:
        assert str(listening) == f"{shown}{listening.port}"
        with pytest.raises(ResourceError, match="can't listen on port"):
            listen_tcp(host, listening.port or 0)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_a_unix_socket_has_its_permissions_from_the_beginning(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "mail"
    before = os.umask(0o022)
    listening = listen_unix(str(path), mode)
    assert os.umask(before) == 0o022
    with listening.socket:
        assert path.stat().st_mode & 0o777 == mode
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            with listening.socket.accept()[0] as connected:
                assert peer_uid(connected) == os.geteuid()
    listening.close()
    assert not path.exists()


def test_what_a_kill_has_left_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "mail")
    listen_unix(path, 0o600).socket.close()
    listen_unix(path, 0o600).socket.close()


def test_somebody_elses_socket_or_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("dear diary")
    with pytest.raises(ResourceError, match="there is a file of that name"):
        listen_unix(str(file), 0o600)
    assert file.read_text() == "dear diary"
    path = str(tmp_path / "mail")
    with listen_unix(path, 0o600).socket:
        with pytest.raises(ResourceError, match="somebody listens there already"):
            listen_unix(path, 0o600)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        listen_unix(str(tmp_path / "none" / "mail"), 0o600)


def handed(monkeypatch: pytest.MonkeyPatch, each: socket.socket, **other: str) -> dict[str, str]:
    """The variables with which the socket is handed over."""
    monkeypatch.setattr(module, "_FIRST_INHERITED", each.detach())
    return {"LISTEN_PID": "77", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "submit", "HOME": "/"} | other


def test_a_socket_that_is_handed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "mail"
    variables = handed(monkeypatch, listen_unix(str(path), 0o600).socket)
    [listening] = inherited(variables, 77)
    assert variables == {"HOME": "/"}
    with listening.socket:
        assert str(listening) == str(path)
        assert not listening.socket.get_inheritable()
        listening.close()
    assert path.exists()


def test_a_port_that_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    [listening] = inherited(handed(monkeypatch, socket.create_server(("127.0.0.1", 0))), 77)
    with listening.socket:
        assert listening.port == listening.socket.getsockname()[1]


@pytest.mark.parametrize("other", [{"LISTEN_PID": "78"}, {"LISTEN_FDS": "x"}, {"LISTEN_PID": ""}])
def test_what_is_meant_for_another_process(other: dict[str, str]) -> None:
    variables = {"LISTEN_PID": "77", "LISTEN_FDS": "1"} | other
    assert inherited(variables, 77) == ()
    assert variables == {}


def test_what_other_machines_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="other machines"):
        inherited(handed(monkeypatch, socket.create_server(("0.0.0.0", 0))), 77)


def test_what_does_not_listen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no stream socket that listens"):
        inherited(handed(monkeypatch, socket.socket(socket.AF_UNIX)), 77)
    reading, writing = os.pipe()
    monkeypatch.setattr(module, "_FIRST_INHERITED", reading)
    with pytest.raises(ConfigError, match="no socket"):
        inherited({"LISTEN_PID": "77", "LISTEN_FDS": "1"}, 77)
    os.close(writing)
    os.close(reading)
    with pytest.raises(ConfigError, match="no socket"):
        inherited({"LISTEN_PID": "77", "LISTEN_FDS": "1"}, 77)


def test_tcp_has_no_known_peer() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
        server.accept()[0] as connected,
    ):
        assert peer_uid(connected) is None
