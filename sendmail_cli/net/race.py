"""The first of several addresses that answers: “Happy Eyeballs” (RFC 8305 §4 and §5), without threads."""

from __future__ import annotations

import _socket  # `socket` adds what nothing here needs, and 2 ms to a start
import os
import select
from collections import deque
from errno import EINPROGRESS, EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, EWOULDBLOCK
from itertools import chain, zip_longest

from sendmail_cli.errors import ConnectFailed, ResourceError
from sendmail_cli.net.stream import LONGEST_SLEEP, reason
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

ATTEMPT_DELAY = 0.25  # seconds that an attempt has for itself before the next begins (RFC 8305 §8)
OUT_OF_TIME = ("connection timed out", "no time was left to try it")  # an attempt that runs, one that never began
OUTRUN = ("another was faster", "not needed")  # the same, where one is connected
OUT_OF_RESOURCES = (EMFILE, ENFILE, ENOBUFS, ENOMEM)


class Address(NamedTuple):
    """Where a connection goes, or comes from."""

    family: int
    where: Any  # as connect(2) and bind(2) take it

    def __str__(self) -> str:
        return str(self.where[0])


class Race:
    """Attempts at several addresses, of which one wins. `reasons` tells afterwards why the others didn't.

    `source` is where all connections come from, if that matters.
    """

    def __init__(self, addresses: Sequence[Address], source: Address | None = None) -> None:
        self.reasons: dict[Address, str] = {}
        self._source = source
        self._waiting = deque(addresses)
        self._running: dict[_socket.socket, Address] = {}

    def run(self, deadline: float, clock: Callable[[], float]) -> _socket.socket | None:
        """The socket that is connected first, the others closed; None when none is by `deadline`.

        Raises `ResourceError` where no socket can be had, `ConnectFailed` where none can come from `source`.
        """
        next_start = clock()
        winner: _socket.socket | None = None
        try:
            while (self._waiting or self._running) and (now := clock()) < deadline:
                if self._waiting and (not self._running or now >= next_start):
                    winner = self._start(self._waiting.popleft())
                    next_start = now + ATTEMPT_DELAY
                else:
                    until = min(deadline, next_start) if self._waiting else deadline
                    winner = self._first_of(wait_for_any(list(self._running), until - now))
                if winner is not None:
                    del self._running[winner]
                    return winner
        finally:
            self._end(*(OUT_OF_TIME if winner is None else OUTRUN))
        return None

    def _start(self, address: Address) -> _socket.socket | None:
        """Begin an attempt; the socket when it is connected at once."""
        try:
            connecting = open_socket(address.family)
        except ResourceError as error:
            if not self._running:
                raise
            self.reasons[address] = error.sentence
            return None
        except OSError as error:
            self.reasons[address] = reason(error)
            return None
        self._running[connecting] = address
        connecting.settimeout(0)
        self._bind(connecting)
        code = connecting.connect_ex(address.where)
        if code == 0:
            return connecting
        if code not in {EINPROGRESS, EWOULDBLOCK}:
            self._fail(connecting, code)
        return None

    def _bind(self, connecting: _socket.socket) -> None:
        if self._source is None:
            return
        try:
            connecting.bind(self._source.where)
        except OSError as error:
            raise ConnectFailed(
                f"no connection can come from {self._source}: {reason(error)}",
                hint="It must be an address of this machine, and the network that it belongs to be up.",
            ) from None

    def _first_of(self, settled: list[_socket.socket]) -> _socket.socket | None:
        for it in settled:
            code = it.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR) or _still_unconnected(it)
            if code == 0:
                return it
            self._fail(it, code)
        return None

    def _fail(self, failed: _socket.socket, code: int) -> None:
        self.reasons[self._running.pop(failed)] = reason(OSError(code, os.strerror(code)))
        failed.close()

    def _end(self, still_running: str, still_waiting: str) -> None:
        """Close what still runs; each that has no reason of its own yet gets one of these."""
        for it, address in self._running.items():
            self.reasons[address] = still_running
            it.close()
        self.reasons |= dict.fromkeys(self._waiting, still_waiting)
        self._running.clear()
        self._waiting.clear()


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Each address once, the families by turns, beginning with that of the first (RFC 8305 §4)."""
    families: dict[int, list[Address]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address.family, []).append(address)
    return [address for address in chain(*zip_longest(*families.values())) if address is not None]


def open_socket(family: int) -> _socket.socket:
    """A new stream socket. Raises `ResourceError` when this machine has none left, `OSError` for the rest."""
    try:
        return _socket.socket(family, _socket.SOCK_STREAM)
    except OSError as error:
        if error.errno in OUT_OF_RESOURCES:
            raise ResourceError(f"no socket could be had: {reason(error)}") from None
        raise


def wait_for_any(connecting: list[_socket.socket], seconds: float) -> list[_socket.socket]:
    """Those of `connecting` that are connected or failed, in their order; [] when `seconds` are over, or one."""
    seconds = min(seconds, LONGEST_SLEEP)
    if not hasattr(select, "poll"):
        _, connected, failed = select.select([], connecting, connecting, seconds)
        return [it for it in connecting if it in connected or it in failed]
    poll = select.poll()
    for it in connecting:
        poll.register(it, select.POLLOUT)
    settled = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
    return [it for it in connecting if it.fileno() in settled]


def _still_unconnected(settled: _socket.socket) -> int:
    """0 when the connection stands, else why it doesn't: a reset may have come right after it stood."""
    try:
        settled.getpeername()
    except OSError as error:
        return error.errno or EIO
    return 0
