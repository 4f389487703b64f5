"""A server on loopback that plays a script: what it says, what it waits for, and how it misbehaves.

    with ScriptedServer(parse_script(TEXT)) as server:
        …connect to server.host, server.port…
    assert server.received == b"EHLO client.example.org\r\n…"

A script is a list of steps, or a text with one step a line:

    S: 250 ok              says this line (CR LF is added)
    S= 25                  says just these octets
    C: QUIT                waits for this line
    C= abc                 waits for just these octets
    C? MAIL                waits for any line that begins so
    C.                     waits for a whole content, the lone dot with it
    C~                     what the client says from here on is read, and does not matter
    S! close               closes the connection
    S! reset               closes it with a reset (RST)
    S! stall               says nothing more and reads until the client leaves
    S! starttls            the server's side of a TLS handshake
    S! drip 0.05           whatever it says from here on goes out an octet at a time, so many seconds apart

Texts know the escapes \\r \\n \\t \\\\ \\xNN, and repetition: `{ab*3}` is `ababab`; a brace itself is \\x7b.
Lines that are empty or begin with `#` mean nothing. After the last step the server reads until the client leaves.
Every connection gets the same script from its beginning.
"""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from tests.support.certificates import server_context
from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Say:
    """The server says this."""

    data: bytes


@dataclass(frozen=True)
class Hear:
    """The server waits for exactly this."""

    data: bytes


@dataclass(frozen=True)
class HearLine:
    """The server waits for one line that begins like this."""

    start: bytes = b""


@dataclass(frozen=True)
class HearContent:
    """The server waits for a content and its lone dot."""


@dataclass(frozen=True)
class HearAnything:
    """What the client says from here on doesn't matter."""


@dataclass(frozen=True)
class Close:
    """The server closes the connection."""

    with_reset: bool = False


@dataclass(frozen=True)
class Stall:
    """The server says no more, and reads until the client leaves."""


@dataclass(frozen=True)
class StartTLS:
    """The server's side of the handshake."""


@dataclass(frozen=True)
class Drip:
    """What follows goes out an octet at a time."""

    seconds: float


Step = Say | Hear | HearLine | HearContent | HearAnything | Close | Stall | StartTLS | Drip

_ACTIONS: dict[str, Step] = {
    "close": Close(),
    "reset": Close(with_reset=True),
    "stall": Stall(),
    "starttls": StartTLS(),
}
_REPEATED = re.compile(r"\{((?:[^{}*]|\\.)*)\*(\d+)\}")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")


def octets(text: str) -> bytes:
    """The octets that a text of a script stands for."""
    text = _REPEATED.sub(lambda match: match[1] * int(match[2]), text)
    named = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
    return _ESCAPE.sub(
        lambda match: bytes([int(match[1][1:], 16)]) if len(match[1]) == 3 else named[match[1]], text.encode()
    )


def parse_script(text: str) -> list[Step]:
    """The steps in `text`, a line each."""
    return [parse_step(line) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def parse_step(line: str) -> Step:
    """One line of a script."""
    kind, rest = line[:2], line[2:].removeprefix(" ")
    simple: dict[str, Step] = {
        "S:": Say(octets(rest) + b"\r\n"),
        "S=": Say(octets(rest)),
        "C:": Hear(octets(rest) + b"\r\n"),
        "C=": Hear(octets(rest)),
        "C?": HearLine(octets(rest)),
        "C.": HearContent(),
        "C~": HearAnything(),
    }
    if kind == "S!":
        action, _, value = rest.partition(" ")
        return Drip(float(value)) if action == "drip" else _ACTIONS[action]
    return simple[kind]


@dataclass
class Played:
    """One connection to the server."""

    received: bytearray = field(default_factory=bytearray)  # all that the client said, after TLS where there was TLS
    fault: str = ""  # how the client departed from the script, or ""


class ScriptedServer:
    """Plays `script` to every client that connects, until the `with` block is left.

    `tls` is the context of a server that speaks TLS from the first octet; `starttls` the one for `S! starttls`.
    """

    def __init__(
        self,
        script: Sequence[Step],
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self._script = tuple(script)
        self._tls = tls
        self._starttls = starttls
        self._listener = socket.create_server(address)
        self._is_closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.host, self.port = self._listener.getsockname()[:2]
        self.connections: list[Played] = []

    @property
    def received(self) -> bytes:
        """What the only client said."""
        assert len(self.connections) == 1, f"{len(self.connections)} connections"
        return bytes(self.connections[0].received)

    @property
    def faults(self) -> list[str]:
        """How clients departed from the script."""
        return [played.fault for played in self.connections if played.fault]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        for thread in list(self._threads):
            thread.join(PATIENCE)
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            played = Played()
            self.connections.append(played)
            thread = threading.Thread(target=self._serve, args=(client, played), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, played: Played) -> None:
        player = _Player(client, played, self._starttls)
        try:
            if self._tls is not None:
                player.start_tls(self._tls)
            player.play(self._script)
        except _Departed as departed:
            played.fault = str(departed)
        except OSError as error:  # the client left; it may when the script has nothing more for it to say
            played.fault = f"the connection ended: {error}" if player.waits_for_more(self._script) else ""
        finally:
            player.close()


class _Departed(Exception):
    """The client doesn't keep to the script."""


class _Player:
    def __init__(self, client: socket.socket, played: Played, starttls: ssl.SSLContext | None) -> None:
        self._client = client
        self._played = played
        self._starttls = starttls
        self._heard = 0  # octets of `played.received` that steps have asked for
        self._drip = 0.0
        self._done = 0  # steps
        client.settimeout(PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def play(self, script: tuple[Step, ...]) -> None:
        saying = b""
        for self._done, step in enumerate(script):
            if isinstance(step, Say):
                saying += step.data  # lines that follow each other go out in one segment
                continue
            self._say(saying)
            saying = b""
            if self._do(step):
                return
        self._say(saying)
        self._read_to_end()

    def waits_for_more(self, script: tuple[Step, ...]) -> bool:
        return any(isinstance(step, Hear | HearLine | HearContent) for step in script[self._done :])

    def start_tls(self, context: ssl.SSLContext) -> None:
        self._client = context.wrap_socket(self._client, server_side=True)

    def close(self) -> None:
        self._client.close()

    def _do(self, step: Step) -> bool:
        """True when the dialogue is over."""
        match step:
            case Hear(data):
                self._hear(data)
            case HearLine(start):
                self._hear_line(start)
            case HearContent():
                self._hear_content()
            case Drip(seconds):
                self._drip = seconds
            case StartTLS():
                self.start_tls(self._starttls or server_context())
            case Close(with_reset):
                if with_reset:
                    linger = struct.pack("ii", 1, 0)
                    self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return True
            case Stall():
                self._read_to_end()
                return True
            case HearAnything() | Say():
                pass
        return False

    def _say(self, data: bytes) -> None:
        if not self._drip:
            self._client.sendall(data)
            return
        for index in range(len(data)):
            self._client.sendall(data[index : index + 1])
            time.sleep(self._drip)

    def _hear(self, expected: bytes) -> None:
        received = self._played.received
        while len(received) - self._heard < len(expected):
            self._receive(f"expected {expected[:80]!r}")
        heard = bytes(received[self._heard : self._heard + len(expected)])
        if heard != expected:
            raise _Departed(f"expected {expected[:200]!r} and heard {heard[:200]!r}")
        self._heard += len(expected)

    def _hear_line(self, start: bytes) -> None:
        line = self._hear_until(b"\n")
        if not line.startswith(start):
            raise _Departed(f"expected a line that begins with {start!r} and heard {line[:200]!r}")

    def _hear_content(self) -> None:
        start = self._hear_until(b"\n")
        if start != b".\r\n":
            self._heard -= len(b"\r\n")  # the end of the first line may be the beginning of the content's end
            self._hear_until(b"\r\n.\r\n")

    def _hear_until(self, end: bytes) -> bytes:
        received = self._played.received
        start = searched = self._heard
        while (at := received.find(end, searched)) < 0:
            searched = max(start, len(received) - len(end))
            self._receive(f"expected {end!r}")
        self._heard = at + len(end)
        return bytes(received[start : self._heard])

    def _receive(self, reason: str) -> None:
        try:
            data = self._client.recv(65536)
        except TimeoutError:
            data = b""
        if not data:
            raise _Departed(
                f"{reason} and heard {bytes(self._played.received[self._heard :][-200:])!r}, then nothing more"
            )
        self._played.received += data

    def _read_to_end(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65536):
                self._played.received += data
