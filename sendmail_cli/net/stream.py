"""A connected socket as a stream with deadlines: it reads while it writes, and every error of the system is ours.

A deadline is a moment for the whole operation, not a time-out for each octet: a server that drips one octet a
minute gains nothing. Nothing here ever blocks but `_wait`.
"""

from __future__ import annotations

import _socket  # `socket` adds what nothing here needs, and 2 ms to a start
import select
from contextlib import suppress

from sendmail_cli.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError
from sendmail_cli.typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.net.tls import TLSFacts, TLSTransport
    from sendmail_cli.net.tls_context import TLSContext

READ_SIZE = 65536  # octets
MAX_UNREAD = 1 << 20  # octets kept while we write; a server that says more is not read until we are done
# Seconds. A signal that comes between Python's last look for one and the system's call doesn't end that call: it is
# heard when the call returns.
LONGEST_SLEEP = 1.0

WOULD_BLOCK = None


class Transport(Protocol):
    """What a stream needs of a socket, with or without TLS. None means: not now, `wait_for_write` says for what."""

    wait_for_write: bool
    may_hold_more: bool  # after octets were received: others may have arrived that poll(2) won't tell of

    def receive(self) -> bytes | None:
        """Some octets, b"" at the end, None when there are none yet."""

    def send(self, data: memoryview) -> int | None:
        """How many octets were taken, None when none can be now."""

    def close(self) -> None:
        """Close at once."""


class PlainTransport:
    """A socket without TLS."""

    def __init__(self, connected: _socket.socket) -> None:
        self._socket = connected
        self.wait_for_write = False
        self.may_hold_more = False

    def receive(self) -> bytes | None:
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            self.wait_for_write = False
            return WOULD_BLOCK
        self.may_hold_more = len(data) == READ_SIZE
        return data

    def send(self, data: memoryview) -> int | None:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            self.wait_for_write = True
            return WOULD_BLOCK

    def close(self) -> None:
        self._socket.close()


class Stream:
    """Bytes to and from the server. Errors: `ConnectionLost`, `DeadlineExceeded`; nothing of the system's own.

    `is_relayed` says that the other end of the socket is not the server: a proxy, or a program, that passes on to it.
    """

    def __init__(self, connected: _socket.socket, clock: Callable[[], float], *, is_relayed: bool = False) -> None:
        connected.settimeout(0)
        if connected.family != getattr(_socket, "AF_UNIX", None):
            with suppress(OSError):  # the peer may be gone already; the first read will tell
                connected.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)  # Nagle costs 40 ms a flight
        self.socket = connected
        self.is_relayed = is_relayed
        self.unsent = 0  # octets of the last `write` that the system has not taken
        self._clock = clock
        self._transport: Transport = PlainTransport(connected)
        self._unread = bytearray()
        self._is_ended = False
        self._tls: TLSTransport | None = None
        self._tls_facts: TLSFacts | None = None

    @property
    def has_input(self) -> bool:
        """True when something has arrived that `read` hasn't given, or the server has closed its side."""
        self._receive()
        return bool(self._unread) or self._is_ended

    def read(self, deadline: float) -> bytes:
        """What has arrived, waiting for it if need be; b"" when the server has closed its side."""
        while not self.has_input:
            self._wait(deadline, for_write=self._transport.wait_for_write, what="answer")
        return self._take()

    def read_available(self) -> bytes | None:
        """What has arrived by now, b"" when the server has closed its side, None for nothing."""
        return self._take() if self.has_input else None

    def write(self, data: bytes, deadline: float) -> None:
        """Hand all of `data` to the system, and take in what the server says meanwhile.

        When it raises, `unsent` tells how much the system has not taken.
        """
        view = memoryview(data)
        self.unsent = len(view)
        while view:
            self.unsent = 0  # until the system says what it left: an interrupt must not make all of it look unsent
            try:
                taken = self._transport.send(view)
            except OSError as error:
                self.unsent = len(view)
                raise ConnectionLost(f"the connection to the server broke: {reason(error)}") from None
            view = view[taken or 0 :]
            self.unsent = len(view)
            if taken is None:
                self._wait(deadline, for_write=self._transport.wait_for_write)
            if view:  # a server that talks before it reads on must not block us
                self._receive()

    def start_tls(self, context: TLSContext, host: str, deadline: float) -> None:
        """TLS from here on. Raises `CertificateRejected` and `TLSHandshakeFailed` besides."""
        from sendmail_cli.net.tls import TLSTransport

        if self._unread:
            raise LocalProtocolError("what the server said in the clear must be looked at before TLS")
        transport = TLSTransport(self.socket, context, host)
        self._transport, self.socket = transport, transport.socket
        while not transport.handshake():
            self._wait(deadline, for_write=transport.wait_for_write, what="finish the TLS handshake")
        self._tls = transport

    def tls_facts(self) -> TLSFacts | None:
        """Version, cipher and certificate of the TLS in force; None without TLS. The first call takes some time."""
        if self._tls_facts is None and self._tls is not None:
            self._tls_facts = self._tls.facts()
        return self._tls_facts

    @property
    def is_secured(self) -> bool:
        """True when TLS is in force."""
        return self._tls is not None

    @property
    def is_local(self) -> bool:
        """True when the server is on this machine: at a unix socket or a loopback address, and nothing in between.

        A proxy on this machine, or a program, leads to where only it knows.
        """
        if self.is_relayed:
            return False
        if self.socket.family == getattr(_socket, "AF_UNIX", None):
            return True
        peer = self._address(self.socket.getpeername)
        return peer == "::1" or peer.startswith(("127.", "::ffff:127."))

    @property
    def local_address(self) -> str:
        """Our own IP address as the server may see it, without zone; "" on a unix socket, and where it sees another."""
        if self.is_relayed:
            return ""
        return self._address(self.socket.getsockname)

    def close(self) -> None:
        """Close at once; never raises."""
        with suppress(OSError):
            self._transport.close()

    def _address(self, ask: Callable[[], object]) -> str:
        try:
            name = ask()
        except OSError as error:
            raise ConnectionLost(f"the connection to the server broke: {reason(error)}") from None
        return str(name[0]).partition("%")[0] if isinstance(name, tuple) else ""

    def _take(self) -> bytes:
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def _receive(self) -> None:
        """Take in what has arrived, without waiting."""
        while not self._is_ended and len(self._unread) < MAX_UNREAD:
            try:
                data = self._transport.receive()
            except OSError:
                self._is_ended = True  # a reset is an end; what was said before it still counts
                return
            if data is None:
                return
            if not data:
                self._is_ended = True
            self._unread += data
            if not self._transport.may_hold_more:
                return

    def _wait(self, deadline: float, *, for_write: bool, what: str = "take what we sent") -> None:
        """Sleep until the socket may be read, or written if asked. Raises `DeadlineExceeded` when it is time."""
        remaining = deadline - self._clock()
        if remaining <= 0:
            raise DeadlineExceeded(f"the server took too long to {what}")
        wait_for_input = not self._is_ended and len(self._unread) < MAX_UNREAD
        wait(self.socket, remaining, for_read=wait_for_input, for_write=for_write)


def reason(error: OSError) -> str:
    """The system's words for `error`, as they stand in the middle of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def wait(waiting: _socket.socket, seconds: float, *, for_read: bool, for_write: bool) -> None:
    """Sleep until `waiting` is ready, or `seconds` are over; who waits for longer than a second is woken in between."""
    seconds = min(seconds, LONGEST_SLEEP)
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(waiting, (select.POLLIN if for_read else 0) | (select.POLLOUT if for_write else 0))
        poll.poll(seconds * 1000)
    else:
        select.select([waiting] if for_read else [], [waiting] if for_write else [], [waiting], seconds)
