"""A small correct SMTP server that counts how often its client waits for it.

A flight is a round trip: the client has said all it can and waits. So the server answers only when the client has been
silent for a while, and each time it answers is one flight more; connect and greeting are the first. A client may write
what it says in one piece or in twenty: only waiting counts.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import NamedTuple, Self

SILENCE = 0.08  # seconds; what Nagle's algorithm holds back comes after 40 ms (the other side's delayed ACK)
PATIENCE = 30.0  # seconds for a client to say anything at all
QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux: acknowledge at once, which frees what Nagle holds back

OFFERS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES")
_CHUNK = re.compile(rb"BDAT (\d+)( LAST)?", re.IGNORECASE)


class Flights(NamedTuple):
    """What one connection took, or several together."""

    until_accepted: int  # up to the answer to the first content
    until_closed: int
    accepted: int  # messages

    def plus(self, other: Flights) -> Flights:
        """Two connections, one after the other."""
        first = self.until_accepted if self.accepted else other.until_accepted
        return Flights(first, self.until_closed + other.until_closed, self.accepted + other.accepted)


NONE = Flights(0, 0, 0)


class Dialogue:
    """The server's side of one connection, without the connection: octets in, octets out."""

    def __init__(self) -> None:
        self.accepted = 0
        self.is_over = False
        self._unread = b""
        self._is_content = False

    def receive(self, octets: bytes) -> bytes:
        """The replies to everything that is whole by now."""
        self._unread += octets
        replies = b""
        while not self.is_over and (reply := self._next()) is not None:
            replies += reply
        return replies

    def _next(self) -> bytes | None:
        if self._is_content:
            return self._end_of_content()
        line, end, rest = self._unread.partition(b"\r\n")
        if not end:
            return None
        if chunk := _CHUNK.fullmatch(line):
            return self._chunk(int(chunk[1]), rest, is_last=chunk[2] is not None)
        self._unread = rest
        return self._command(line[:4].upper())

    def _end_of_content(self) -> bytes | None:
        end = self._unread.find(b"\r\n.\r\n")
        if end < 0:
            return None
        self._unread = self._unread[end + 5 :]
        self._is_content = False
        self.accepted += 1
        return b"250 2.0.0 Ok\r\n"

    def _chunk(self, size: int, rest: bytes, *, is_last: bool) -> bytes | None:
        if len(rest) < size:
            return None
        self._unread = rest[size:]
        self.accepted += is_last
        return b"250 2.0.0 Ok\r\n"

    def _command(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            lines = ["recorder.example", *OFFERS]
            marks = ["-"] * (len(lines) - 1) + [" "]
            return "".join(f"250{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)).encode()
        if verb == b"DATA":
            self._is_content = True
            self._unread = b"\r\n" + self._unread  # so that the end of an empty content is found too
            return b"354 Go on\r\n"
        if verb == b"QUIT":
            self.is_over = True
            return b"221 2.0.0 Bye\r\n"
        known = {b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP", b"VRFY"}
        return b"250 2.0.0 Ok\r\n" if verb in known else b"500 5.5.2 What?\r\n"


class Recorder:
    """The server on a port of this machine, for as long as the block lasts."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._found: list[Flights] = []
        self._talking: list[threading.Thread] = []
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.close()

    def take(self) -> Flights:
        """What was counted since the last time; call it when the client has ended."""
        for thread in self._talking:
            thread.join(PATIENCE)
        total = NONE
        for each in self._found:
            total = total.plus(each)
        self._found, self._talking = [], []
        return total

    def _listen(self) -> None:
        with suppress(OSError):  # closed: the block has ended
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._talk, args=(client,), daemon=True)
                self._talking.append(thread)
                thread.start()

    def _talk(self, client: socket.socket) -> None:
        dialogue = Dialogue()
        flights, until_accepted = 1, 0
        with client, suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"220 recorder.example ESMTP\r\n")
            while not dialogue.is_over and (octets := _hear(client)):
                if replies := dialogue.receive(octets):
                    client.sendall(replies)
                    flights += 1
                    if dialogue.accepted and not until_accepted:
                        until_accepted = flights
        self._found.append(Flights(until_accepted, flights, dialogue.accepted))


def _hear(client: socket.socket) -> bytes:
    """All that the client says until it falls silent; b"" when it has left."""
    heard = b""
    client.settimeout(PATIENCE)
    with suppress(TimeoutError):
        while octets := _receive(client):
            heard += octets
            client.settimeout(SILENCE)
    return heard


def _receive(client: socket.socket) -> bytes:
    if QUICKACK is not None:
        client.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)  # it holds for a moment only
    return client.recv(1 << 16)
