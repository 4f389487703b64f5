"""A stream: deadlines, both directions at once, and no error of the system's own."""

import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sendmail_cli.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError
from sendmail_cli.net import stream as stream_module
from sendmail_cli.net.stream import MAX_UNREAD, READ_SIZE, Stream, reason, wait
from tests.support.dialogue import Clock

FAR = 1e9  # a deadline that is never reached: what comes, comes at once


@pytest.fixture
def pair() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    stream = Stream(ours, Clock())
    yield stream, theirs
    stream.close()
    theirs.close()


@pytest.fixture
def tcp_pair() -> Iterator[tuple[Stream, socket.socket]]:
    """The same over TCP, where connections can be reset."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    stream = Stream(ours, Clock())
    yield stream, theirs
    stream.close()
    theirs.close()


def reset(theirs: socket.socket) -> None:
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()


def until_input(stream: Stream) -> None:
    """Over TCP what was sent may take a moment."""
    wait(stream.socket, 10, for_read=True, for_write=False)


def test_reads_what_has_arrived(pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = pair
    assert stream.read_available() is None
    had_input = stream.has_input
    theirs.sendall(b"250 ok\r\n")
    assert (had_input, stream.has_input) == (False, True)
    assert stream.read(FAR) == b"250 ok\r\n"
    theirs.sendall(b"more")
    assert stream.read_available() == b"more"
    theirs.close()
    assert stream.has_input
    assert stream.read(FAR) == b""
    assert stream.read_available() == b""


def test_duty21_a_deadline_is_a_moment(pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = pair
    with pytest.raises(DeadlineExceeded, match="took too long to answer"):
        stream.read(1000.0)  # it is now 1000
    theirs.sendall(b"2")
    assert stream.read(0.0) == b"2"  # what is there is never too late


def test_duty21_waiting_ends_at_the_deadline(
    pair: tuple[Stream, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = pair
    clock = Clock()
    waits: list[float] = []

    def fake_wait(_: socket.socket, seconds: float, *, for_read: bool, for_write: bool) -> None:
        assert for_read
        assert not for_write
        waits.append(seconds)
        clock.now += 4

    monkeypatch.setattr(stream, "_clock", clock)
    monkeypatch.setattr(stream_module, "wait", fake_wait)
    with pytest.raises(DeadlineExceeded):
        stream.read(1010.0)
    assert waits == [10, 6, 2]


def test_duty22_a_write_has_a_deadline_too(pair: tuple[Stream, socket.socket]) -> None:
    stream, _ = pair
    data = b"x" * 10_000_000
    with pytest.raises(DeadlineExceeded, match="took too long to take what we sent"):
        stream.write(data, 1000.0)
    assert 0 < stream.unsent < len(data)


def test_duty22_writes_all_while_it_reads(pair: tuple[Stream, socket.socket]) -> None:
    """A server that says much before it listens (RFC 2920 §3.1): both would wait for each other."""
    stream, theirs = pair
    heard = bytearray()

    def peer() -> None:
        theirs.sendall(b"y" * 900_000)
        while len(heard) < 3_000_000:
            heard.extend(theirs.recv(65536))

    thread = threading.Thread(target=peer)
    thread.start()
    stream._clock = time.monotonic
    stream.write(b"x" * 3_000_000, time.monotonic() + 10)
    thread.join(10)
    assert len(heard) == 3_000_000
    assert stream.unsent == 0
    assert len(stream.read(time.monotonic())) == 900_000


def test_duty20_a_talkative_server_does_not_fill_memory(pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = pair
    stopped = threading.Event()

    def peer() -> None:
        try:
            while not stopped.is_set():
                theirs.send(b"z" * 65536)
        except OSError:
            pass

    thread = threading.Thread(target=peer)
    thread.start()
    with pytest.raises(DeadlineExceeded):
        stream.write(b"x" * 10_000_000, 1000.0)
    while len(stream._unread) < MAX_UNREAD:
        until_input(stream)
        assert stream.has_input
    assert len(stream._unread) < MAX_UNREAD + READ_SIZE
    stopped.set()
    stream.close()
    thread.join(10)


def test_trap24_a_broken_pipe_is_a_lost_connection(pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = pair
    theirs.close()
    with pytest.raises(ConnectionLost, match="broke: broken pipe") as caught:
        stream.write(b"QUIT\r\n", FAR)
    assert caught.value.__suppress_context__
    assert stream.unsent == 6


def test_trap24_a_reset_is_an_end_and_what_came_before_counts(tcp_pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = tcp_pair
    stream.write(b"QUIT\r\n", FAR)
    theirs.sendall(b"552 too big\r\n")
    until_input(stream)
    theirs.close()  # with our octets unread: the system resets
    assert stream.read(FAR) == b"552 too big\r\n"
    until_input(stream)
    assert stream.read(FAR) == b""


def test_trap24_a_reset_connection_can_not_be_asked(tcp_pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = tcp_pair
    assert stream.is_local
    reset(theirs)
    until_input(stream)
    assert stream.read(FAR) == b""
    with pytest.raises(ConnectionLost, match="the connection to the server broke"):
        assert stream.is_local


class Interrupted:
    """A transport whose `send` is interrupted after the system took the octets."""

    wait_for_write = True
    may_hold_more = False

    def receive(self) -> None:
        return None

    def send(self, data: memoryview) -> int:
        raise KeyboardInterrupt

    def close(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_duty27_an_interrupt_in_send_may_have_been_too_late(pair: tuple[Stream, socket.socket]) -> None:
    stream, _ = pair
    stream._transport.close()
    stream._transport = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        stream.write(b".\r\n", FAR)
    assert stream.unsent == 0


def test_duty27_an_interrupt_while_waiting_knows_what_is_left(
    pair: tuple[Stream, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = pair

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stream_module, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stream.write(b"x" * 10_000_000, FAR)
    assert stream.unsent > 0


def test_close_never_raises(pair: tuple[Stream, socket.socket]) -> None:
    stream, _ = pair
    stream.close()
    stream.close()
    stream._transport = Interrupted()
    stream.close()


class WantsToRead:
    """TLS that can't send before it has read (a key update, say)."""

    def __init__(self) -> None:
        self.wait_for_write = True
        self.may_hold_more = True
        self.is_ready = False

    def receive(self) -> None:
        return

    def send(self, data: memoryview) -> int | None:
        self.wait_for_write = False
        return len(data) if self.is_ready else None

    def close(self) -> None:
        pass


def test_a_write_waits_for_what_the_transport_needs(
    pair: tuple[Stream, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = pair
    transport = WantsToRead()
    stream._transport.close()
    stream._transport = transport
    waits: list[tuple[bool, bool]] = []

    def fake_wait(_: socket.socket, seconds: float, *, for_read: bool, for_write: bool) -> None:
        waits.append((for_read, for_write))
        transport.is_ready = True

    monkeypatch.setattr(stream_module, "wait", fake_wait)
    stream.write(b"x", FAR)
    assert waits == [(True, False)]  # not for_write: the socket is always ready for that, and we would spin


def test_a_flight_goes_out_at_once(tcp_pair: tuple[Stream, socket.socket]) -> None:
    assert tcp_pair[0].socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class FakeSocket:
    """A socket that says what it is told."""

    def __init__(self, family: int = socket.AF_INET, name: Any = ("192.0.2.1", 25)) -> None:
        self.family = family
        self.name = name

    def settimeout(self, _: float) -> None:
        pass

    def setsockopt(self, *_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")  # macOS, where the peer has gone

    def getpeername(self) -> Any:
        return self.name

    getsockname = getpeername


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("2001:db8::1", False),
        ("::127.0.0.1", False),
        ("12.7.0.1", False),
        ("fe80::1%lo", False),
    ],
)
def test_duty33_who_is_on_this_machine(address: str, is_local: bool) -> None:
    fake: Any = FakeSocket(name=(address, 25, 0, 0))
    assert Stream(fake, Clock()).is_local == is_local


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.1"])
def test_duty33_who_is_behind_a_proxy_is_not_on_this_machine(address: str) -> None:
    fake: Any = FakeSocket(name=(address, 1080, 0, 0))
    stream = Stream(fake, Clock(), is_relayed=True)
    assert not stream.is_local
    assert stream.local_address == ""  # the server sees another


def test_local_address_has_no_zone() -> None:
    fake: Any = FakeSocket(name=("fe80::1%eth0", 25, 0, 2))
    assert Stream(fake, Clock()).local_address == "fe80::1"


def test_a_unix_socket_is_local_and_has_no_address(pair: tuple[Stream, socket.socket]) -> None:
    assert pair[0].is_local
    assert pair[0].local_address == ""
    assert pair[0].tls_facts() is None


def test_duty32_tls_does_not_start_over_what_was_said_in_the_clear(pair: tuple[Stream, socket.socket]) -> None:
    stream, theirs = pair
    theirs.sendall(b"250 injected\r\n")
    assert stream.has_input
    context: Any = None
    with pytest.raises(LocalProtocolError, match="in the clear"):
        stream.start_tls(context, "mx", FAR)


@pytest.mark.parametrize("has_poll", [True, False])
def test_wait(pair: tuple[Stream, socket.socket], has_poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, theirs = pair
    if not has_poll:
        monkeypatch.delattr(select, "poll")
    wait(stream.socket, 0, for_read=True, for_write=False)
    wait(stream.socket, 60, for_read=True, for_write=True)  # it can be written at once
    theirs.sendall(b"x")
    wait(stream.socket, 1e12, for_read=True, for_write=False)  # longer than poll(2) can count


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EPIPE, "Broken pipe"), "broken pipe"),
        (OSError("AF_UNIX path too long"), "aF_UNIX path too long"),
        (TimeoutError(), ""),
    ],
)
def test_reason(error: OSError, words: str) -> None:
    assert reason(error) == words
