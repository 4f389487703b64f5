"""Names to connections: every address is tried, and what went wrong is said."""

import _socket
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from sendmail_cli.errors import ConfigError, ConnectFailed, HostNotFound, ResourceError
from sendmail_cli.net.dial import connect, dial, dial_unix
from sendmail_cli.net.race import Address
from tests.support.dialogue import Clock
from tests.support.ports import reserve_ports

FAR = 1e9  # on that clock
Addresses = Callable[..., None]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def closed_port() -> int:
    return reserve_ports()[0]


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Have every name resolve to these addresses, or fail like this; numbers are what they are."""
    by_number = _socket.getaddrinfo

    def resolve(*found: tuple[str, int] | Exception) -> None:
        def getaddrinfo(host: object, port: int, **more: int) -> list[Any]:
            assert isinstance(host, bytes)  # for a text Python loads its IDNA codec
            if more["flags"] & socket.AI_NUMERICHOST:
                return by_number(host, port, **more)
            for it in found:
                if isinstance(it, Exception):
                    raise it
            return [
                (socket.AF_INET6 if ":" in it[0] else socket.AF_INET, socket.SOCK_STREAM, 6, "", it)
                for it in found
                if not isinstance(it, Exception)
            ]

        monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)

    return resolve


def test_connects(listener: socket.socket) -> None:
    with dial("127.0.0.1", listener.getsockname()[1], 5, Clock()) as connected:
        assert connected.getpeername() == listener.getsockname()


def test_duty29_every_address_is_tried(listener: socket.socket, closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), listener.getsockname())
    with dial("mx.example.com", 25, 5, Clock()) as connected:
        assert connected.getpeername() == listener.getsockname()


def test_who_won_is_told_and_why_the_others_did_not(listener: socket.socket, closed_port: int) -> None:
    addresses = [Address(socket.AF_INET, ("127.0.0.1", closed_port)), Address(socket.AF_INET, listener.getsockname())]
    done = connect("mx.example.com", 25, [*addresses, *addresses], FAR, Clock())
    with closing(done.socket):
        assert done.socket.getpeername() == listener.getsockname()
    assert done[1:] == (addresses[1], {addresses[0]: "connection refused"})


def test_duty29_when_all_fail_each_is_named(closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), ("127.0.0.2", closed_port))
    with pytest.raises(ConnectFailed) as caught:
        dial("mx.example.com", 587, 5, Clock())
    assert caught.value.sentence == (
        "no connection to mx.example.com port 587: connection refused (127.0.0.1); connection refused (127.0.0.2)"
    )
    assert caught.value.exit_code == 75


def test_each_address_is_named_once(closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), ("::1", closed_port, 0, 0), ("127.0.0.1", closed_port))
    with pytest.raises(ConnectFailed, match=r": connection refused \(127\.0\.0\.1\); connection refused \(::1\)$"):
        dial("mx.example.com", 587, 5, Clock())


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


def no_socket(code: int) -> Callable[..., socket.socket]:
    def fail(*_: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    return fail


def test_no_socket_to_be_had(resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(("192.0.2.1", 25))
    monkeypatch.setattr(_socket, "socket", no_socket(errno.EMFILE))
    with pytest.raises(ResourceError, match="no socket could be had: too many open files") as caught:
        dial("mx.example.com", 25, 5, Clock())
    assert caught.value.exit_code == 71
    monkeypatch.setattr(_socket, "socket", no_socket(errno.EAFNOSUPPORT))
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
        stack.enter_context(closing(dial_unix(path)))


def test_duty21_a_unix_socket_whose_server_is_busy_does_not_block(tmp_path: Path) -> None:
    path = str(tmp_path / "smtp")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        with pytest.raises(ConnectFailed, match="temporarily unavailable"):
            connect_often(path, stack)


def test_no_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_socket, "socket", no_socket(errno.EPERM))
    with pytest.raises(ConnectFailed, match="no unix socket could be had: operation not permitted"):
        dial_unix("/run/smtp")
    monkeypatch.delattr(_socket, "AF_UNIX")
    with pytest.raises(ConnectFailed, match="this system has no unix sockets"):
        dial_unix("/run/smtp")


@pytest.fixture
def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("no thread is needed here")

    monkeypatch.setattr(threading, "Thread", fail)


@pytest.mark.usefixtures("no_thread")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_numbers_and_localhost_need_no_thread(host: str, listener: socket.socket) -> None:
    dial(host, listener.getsockname()[1], 5, Clock()).close()


@pytest.mark.usefixtures("no_thread")
def test_ipv6_needs_no_thread() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        dial("::1", listener.getsockname()[1], 5, Clock()).close()


@pytest.fixture
def silent_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name server that never answers, until the test is over."""
    is_over = threading.Event()
    by_number = _socket.getaddrinfo
    asking: list[threading.Thread] = []

    def getaddrinfo(host: bytes, port: int, **more: int) -> list[Any]:
        if more["flags"] & socket.AI_NUMERICHOST:
            return by_number(host, port, **more)
        asking.append(threading.current_thread())
        is_over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Too late")

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)
    yield
    is_over.set()
    for thread in asking:
        assert thread.daemon, "it would keep the process from ending"
        thread.join()


@pytest.mark.usefixtures("silent_resolver")
@pytest.mark.parametrize(
    ("seconds", "words"), [(0.01, "0.01 seconds"), (0.012345, "0.01 seconds"), (0, "0 seconds"), (-1, "0 seconds")]
)
def test_duty29_a_name_server_that_does_not_answer(seconds: float, words: str) -> None:
    with pytest.raises(ConnectFailed) as caught:
        dial("mx.example.com", 25, seconds, Clock())
    assert caught.value.sentence == f"the name mx.example.com could not be looked up within {words}"
    assert caught.value.exit_code == 75
    assert "name server does not answer" in caught.value.hint


@pytest.mark.usefixtures("silent_resolver")
def test_one_second_is_no_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "join", lambda *_: None)
    with pytest.raises(ConnectFailed, match=r"within 1 second$"):
        dial("mx.example.com", 25, 1, Clock())
    monkeypatch.undo()


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch, resolve_to: Addresses) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    resolve_to(("127.0.0.1", 25))
    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(ResourceError, match=r"no thread could be had to look up the name mx\.example\.com"):
        dial("mx.example.com", 25, 5, Clock())


def test_a_look_up_that_breaks_is_not_a_look_up_that_is_late(resolve_to: Addresses) -> None:
    resolve_to(MemoryError("no room"))
    with pytest.raises(MemoryError, match="no room"):
        dial("mx.example.com", 25, 5, Clock())


def test_the_time_for_the_name_is_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def getaddrinfo(*_: object, flags: int, **__: object) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "no number")
        clock.now += 5
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 25))]

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ConnectFailed, match="no time was left to try it"):
        dial("mx.example.com", 25, 5, clock)


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
def test_any_number_of_seconds_will_do(seconds: float, resolve_to: Addresses, listener: socket.socket) -> None:
    resolve_to(listener.getsockname())
    dial("mx.example.com", 25, seconds, Clock()).close()


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.7"])
def test_bind_is_where_it_comes_from(bind: str, listener: socket.socket) -> None:
    with dial("127.0.0.1", listener.getsockname()[1], 5, Clock(), bind=bind) as connected:
        assert connected.getsockname()[0] == bind


def test_only_addresses_of_its_family_are_tried(listener: socket.socket, resolve_to: Addresses) -> None:
    port = listener.getsockname()[1]
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        resolve_to(("::1", port, 0, 0), ("127.0.0.1", port))
        with dial("mx.example.com", port, 5, Clock(), bind="127.0.0.1") as connected:
            assert connected.getpeername()[0] == "127.0.0.1"
        with dial("mx.example.com", port, 5, Clock(), bind="::1") as connected:
            assert connected.getpeername()[0] == "::1"


@pytest.mark.parametrize(("host", "bind", "family"), [("127.0.0.1", "::1", "IPv6"), ("::1", "127.0.0.1", "IPv4")])
def test_a_host_without_an_address_of_its_family(host: str, bind: str, family: str) -> None:
    with pytest.raises(ConnectFailed) as caught:
        dial(host, 25, 5, Clock(), bind=bind)
    assert caught.value.sentence == f"no connection to {host} port 25: it has no {family} address, and {bind} is one"
    assert caught.value.hint


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "192.0.2.99"), ("::1", "2001:db8::99")])
def test_bind_to_what_is_not_ours(host: str, bind: str) -> None:
    with pytest.raises(ConnectFailed, match=f"no connection can come from {bind}: cannot assign") as caught:
        dial(host, 25, 5, Clock(), bind=bind)
    assert caught.value.exit_code == 75


@pytest.mark.parametrize("bind", ["eth0", "", "mx.example.com", "ä", "127.0.0.1\0", "127.0.0.1:25", "\x1b[2J"])
def test_bind_to_what_is_no_address(bind: str) -> None:
    with pytest.raises(ConfigError, match="is no IP address that connections could come from") as caught:
        dial("127.0.0.1", 25, 5, Clock(), bind=bind)
    assert caught.value.sentence.isprintable()
