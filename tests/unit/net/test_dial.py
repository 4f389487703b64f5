"""Names to connections: every address is tried, and what went wrong is said."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sendmail_cli.errors import ConnectFailed, HostNotFound, ResourceError
from sendmail_cli.net import dial as dial_module
from sendmail_cli.net.dial import dial, dial_unix
from tests.support.dialogue import Clock

INET = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
Addresses = Callable[..., None]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Have every name resolve to these addresses, or fail like this."""

    def resolve(*found: tuple[str, int] | Exception) -> None:
        def getaddrinfo(host: object, port: int, **_: object) -> list[Any]:
            assert isinstance(host, bytes)  # for a text Python loads its IDNA codec
            for it in found:
                if isinstance(it, Exception):
                    raise it
            return [(*INET, it) for it in found]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


class Connecting:
    """A socket that never comes to an end."""

    def __init__(self, code: int = errno.EINPROGRESS, peer: int = errno.ENOTCONN) -> None:
        self.code = code
        self.peer = peer
        self.is_closed = False

    def settimeout(self, _: float) -> None:
        pass

    def connect_ex(self, _: object) -> int:
        if self.code < 0:
            raise KeyboardInterrupt
        return self.code

    def getsockopt(self, *_: int) -> int:
        return 0

    def getpeername(self) -> object:
        if self.peer == 0:
            return ("192.0.2.1", 25)
        raise OSError(self.peer, os.strerror(self.peer))

    def close(self) -> None:
        self.is_closed = True


def test_connects(listener: socket.socket) -> None:
    with dial("127.0.0.1", listener.getsockname()[1], 5, Clock()) as connected:
        assert connected.getpeername() == listener.getsockname()


def test_duty29_every_address_is_tried(listener: socket.socket, closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), listener.getsockname())
    with dial("mx.example.com", 25, 5, Clock()) as connected:
        assert connected.getpeername() == listener.getsockname()


def test_duty29_when_all_fail_each_is_named(closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), ("127.0.0.2", closed_port))
    with pytest.raises(ConnectFailed) as caught:
        dial("mx.example.com", 587, 5, Clock())
    assert caught.value.sentence == (
        "no connection to mx.example.com port 587: connection refused (127.0.0.1); connection refused (127.0.0.2)"
    )
    assert caught.value.exit_code == 75


def test_one_address_needs_no_naming(closed_port: int) -> None:
    with pytest.raises(ConnectFailed, match=r"no connection to 127\.0\.0\.1 port .*: connection refused$") as caught:
        dial("127.0.0.1", closed_port, 5, Clock())
    assert "No mail server listens there on this machine" in caught.value.hint


@pytest.mark.parametrize(("port", "hint"), [(25, "block port 25"), (587, "firewall")])
def test_a_hint_for_the_port(port: int, hint: str, closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port))
    with pytest.raises(ConnectFailed) as caught:
        dial("mx.example.com", port, 5, Clock())
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("error", "kind", "exit_code", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), HostNotFound, 68, "there is no host named"),
        (socket.gaierror(socket.EAI_NODATA, "No address"), HostNotFound, 68, "there is no host named"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), ConnectFailed, 75, "looked up: temporary failure"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable"), ConnectFailed, 75, "looked up: non-recoverable"),
        (OSError(errno.EMFILE, "Too many open files"), ConnectFailed, 75, "looked up: too many open files"),
    ],
)
def test_duty29_names_that_can_not_be_looked_up(
    error: OSError, kind: type[Exception], exit_code: int, words: str, resolve_to: Addresses
) -> None:
    resolve_to(error)
    with pytest.raises(kind, match=words) as caught:
        dial("mx.example.com", 25, 5, Clock())
    assert getattr(caught.value, "exit_code") == exit_code  # noqa: B009 - of several classes
    assert getattr(caught.value, "hint")  # noqa: B009


def test_duty29_the_time_is_shared_out(resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    waits: list[float] = []
    sockets: list[Connecting] = []

    def fake_socket(_: int) -> Any:
        sockets.append(Connecting())
        return sockets[-1]

    def fake_wait(_: object, seconds: float, *, for_read: bool, for_write: bool) -> None:
        assert for_write
        assert not for_read
        waits.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(dial_module, "_socket", fake_socket)
    monkeypatch.setattr(dial_module, "wait", fake_wait)
    resolve_to(("192.0.2.1", 25), ("192.0.2.2", 25), ("192.0.2.3", 25))
    with pytest.raises(ConnectFailed, match=r"connection timed out \(192\.0\.2\.1\)"):
        dial("mx.example.com", 25, 30, clock)
    assert waits == [10, 10, 10]
    assert all(it.is_closed for it in sockets)


@pytest.mark.parametrize(
    ("connecting", "words"),
    [
        (Connecting(peer=errno.EINVAL), "invalid argument"),
        (Connecting(code=errno.ENETUNREACH), "network is unreachable"),
    ],
)
def test_why_it_does_not_connect(
    connecting: Connecting, words: str, resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial_module, "_socket", lambda _: connecting)
    monkeypatch.setattr(dial_module, "wait", lambda *_, **__: None)
    resolve_to(("192.0.2.1", 25))
    with pytest.raises(ConnectFailed, match=words):
        dial("mx.example.com", 25, 30, Clock())
    assert connecting.is_closed


def test_a_connection_that_stands_after_a_moment(resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting = Connecting(peer=0)
    monkeypatch.setattr(dial_module, "_socket", lambda _: connecting)
    monkeypatch.setattr(dial_module, "wait", lambda *_, **__: None)
    resolve_to(("192.0.2.1", 25))
    connected: object = dial("mx.example.com", 25, 30, Clock())
    assert connected is connecting
    assert not connecting.is_closed


def test_an_interrupt_closes_the_socket(resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting = Connecting(code=-1)
    monkeypatch.setattr(dial_module, "_socket", lambda _: connecting)
    resolve_to(("192.0.2.1", 25))
    with pytest.raises(KeyboardInterrupt):
        dial("mx.example.com", 25, 30, Clock())
    assert connecting.is_closed


def no_socket(code: int) -> Callable[..., socket.socket]:
    def fail(*_: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    return fail


def test_no_socket_to_be_had(resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(("192.0.2.1", 25))
    monkeypatch.setattr(socket, "socket", no_socket(errno.EMFILE))
    with pytest.raises(ResourceError, match="no socket could be had: too many open files") as caught:
        dial("mx.example.com", 25, 5, Clock())
    assert caught.value.exit_code == 71
    monkeypatch.setattr(socket, "socket", no_socket(errno.EAFNOSUPPORT))
    with pytest.raises(ConnectFailed, match="address family not supported"):
        dial("mx.example.com", 25, 5, Clock())


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "smtp")
    with pytest.raises(ConnectFailed, match="no such file"):
        dial_unix(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        dial_unix(path).close()
    with pytest.raises(ConnectFailed, match="connection refused"):
        dial_unix(path)
    with pytest.raises(ConnectFailed, match="path too long"):
        dial_unix("/" + "x" * 200)


def connect_often(path: str, stack: ExitStack) -> None:
    for _ in range(10):
        stack.enter_context(dial_unix(path))


def test_duty21_a_unix_socket_whose_server_is_busy_does_not_block(tmp_path: Path) -> None:
    path = str(tmp_path / "smtp")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        with pytest.raises(ConnectFailed, match="temporarily unavailable"):
            connect_often(path, stack)


def test_no_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", no_socket(errno.EPERM))
    with pytest.raises(ConnectFailed, match="no unix socket could be had: operation not permitted"):
        dial_unix("/run/smtp")
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConnectFailed, match="this system has no unix sockets"):
        dial_unix("/run/smtp")
