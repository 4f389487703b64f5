"""Proxies on loopback: one that does what it is asked, of every protocol that we speak, and hostile ones.

with ProxyServer("socks5", names={"mx.example.com": ("127.0.0.1", sink.port)}) as proxy:
    …connect by f"socks5h://127.0.0.1:{proxy.port}"…
assert proxy.asked == [("mx.example.com", 25)]

with HostileProxy([b"\\x05\\x00", b"garbage"], then="hang") as proxy: …
"""

from __future__ import annotations

import base64
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable


class _Listener:
    """Takes connections in threads, inside `with`; `_serve` is what it does with each."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(2)
        for thread in self._threads:  # the first one adds no more when it has ended
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._is_over.is_set():
                client, _ = self._listener.accept()
                client.settimeout(PATIENCE)
                thread = threading.Thread(target=self._serve_and_close, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve_and_close(self, client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        raise NotImplementedError


class ProxyServer(_Listener):
    """A proxy of the protocol "socks5", "socks4" or "http" that connects to loopback and to the names it knows.

    `asked` is where it was asked to connect to, `signed_in` what clients sent as user and password. With `sign_in`
    it wants just that one. What is in `refused` it does not connect to, with that code.
    """

    def __init__(
        self,
        protocol: str,
        *,
        names: dict[str, tuple[str, int]] | None = None,
        sign_in: tuple[str, str] | None = None,
        refused: dict[str, int] | None = None,
        greets_at_once: bool = False,
    ) -> None:
        super().__init__()
        self.asked: list[tuple[str, int]] = []
        self.signed_in: list[tuple[str, str]] = []
        self._names = names or {}
        self._sign_in = sign_in
        self._refused = refused or {}
        self._greets_at_once = greets_at_once  # the first octets of the server go out with the proxy's answer
        self._serve_protocol = {"socks5": self._socks5, "socks4": self._socks4, "http": self._http}[protocol]

    def _serve(self, client: socket.socket) -> None:
        self._serve_protocol(client)

    def _socks5(self, client: socket.socket) -> None:
        version, count = _exactly(client, 2)
        assert version == 5
        ways = _exactly(client, count)
        way = 0 if self._sign_in is None else 2
        if way not in ways:
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes((5, way)))
        if way == 2 and not self._takes_password(client):
            return
        _, command, _, kind = _exactly(client, 4)
        assert command == 1
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode("ascii")
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, _exactly(client, 4 if kind == 1 else 16))
        port = int.from_bytes(_exactly(client, 2), "big")
        bound = {1: b"\x01" + bytes(6), 3: b"\x03\x05bound" + bytes(2), 4: b"\x04" + bytes(18)}[kind]
        self._connect(client, host, port, b"\x05\x00\x00" + bound, lambda code: bytes((5, code, 0, 1)) + bytes(6))

    def _takes_password(self, client: socket.socket) -> bool:
        assert _exactly(client, 1) == b"\x01"
        user = _exactly(client, _exactly(client, 1)[0]).decode()
        password = _exactly(client, _exactly(client, 1)[0]).decode()
        self.signed_in.append((user, password))
        is_taken = (user, password) == self._sign_in
        client.sendall(b"\x01\x00" if is_taken else b"\x01\x01")
        return is_taken

    def _socks4(self, client: socket.socket) -> None:
        version, command = _exactly(client, 2)
        assert (version, command) == (4, 1)
        port = int.from_bytes(_exactly(client, 2), "big")
        number = _exactly(client, 4)
        user = _until(client, b"\0")[:-1].decode()
        is_name = number[:3] == bytes(3)
        host = _until(client, b"\0")[:-1].decode() if is_name else socket.inet_ntoa(number)
        self.signed_in.append((user, ""))
        if self._sign_in not in {None, (user, "")}:
            client.sendall(b"\x00\x5d" + bytes(6))
            return
        self._connect(client, host, port, b"\x00\x5a" + bytes(6), lambda code: bytes((0, code)) + bytes(6))

    def _http(self, client: socket.socket) -> None:
        head = _until(client, b"\r\n\r\n").decode("latin-1").split("\r\n")
        verb, where, _ = head[0].split(" ")
        assert verb == "CONNECT"
        raw = next((line.split(" ")[2] for line in head if line.startswith("Proxy-Authorization: Basic ")), "")
        user, _, password = base64.b64decode(raw).decode("latin-1").partition(":")
        if raw:
            self.signed_in.append((user, password))
        if self._sign_in not in {None, (user, password)}:
            # A proxy that repeats what it was told.
            client.sendall(f"HTTP/1.1 407 {user}:{password} {raw}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
            return
        assert f"Host: {where}" in head
        host, _, port = where.rpartition(":")
        answer = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy.example.org\r\n\r\n"
        refusal = "HTTP/1.1 {} What the proxy says\r\nContent-Length: 3\r\n\r\nno."
        self._connect(client, host.strip("[]"), int(port), answer, lambda code: refusal.format(code).encode())

    def _connect(
        self, client: socket.socket, host: str, port: int, answer: bytes, refuse: Callable[[int], bytes]
    ) -> None:
        self.asked.append((host, port))
        if host in self._refused:
            client.sendall(refuse(self._refused[host]))
            return
        target = self._names.get(host, (host, port))
        with socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET) as onward:
            onward.settimeout(PATIENCE)
            onward.connect(target)  # not create_connection: a test may have replaced the resolver
            if self._greets_at_once:
                answer += onward.recv(65536)
            client.sendall(answer)
            _relay(client, onward)


class HostileProxy(_Listener):
    """Says each of `sayings` when the client has said something, whatever that was, and then misbehaves.

    `then` is "close", "hang", "reset", "repeat" (the last saying without end), or "drip" (the same an octet at a
    time). `heard` is what the clients said.
    """

    def __init__(self, sayings: list[bytes], then: str = "close") -> None:
        super().__init__()
        self.heard = b""
        self._sayings = sayings
        self._then = then

    def _serve(self, client: socket.socket) -> None:
        for saying in self._sayings[:-1] if self._then in {"drip", "repeat"} else self._sayings:
            self._hear(client)
            client.sendall(saying)
        if self._then == "hang":
            while self._hear(client):
                pass
        elif self._then == "reset":
            self._hear(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif self._then == "repeat":
            while True:
                client.sendall(self._sayings[-1] * 1000)
        elif self._then == "drip":
            while not self._is_over.wait(0.002):
                client.sendall(self._sayings[-1])

    def _hear(self, client: socket.socket) -> bytes:
        heard = client.recv(65536)
        self.heard += heard
        return heard


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        data += _exactly(client, 1)
    return data


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Octets both ways until either side ends."""
    while True:
        ready, _, _ = select.select([one, other], [], [], PATIENCE)
        for it in ready:
            data = it.recv(65536)
            if not data:
                return
            (other if it is one else one).sendall(data)
        if not ready:
            return
