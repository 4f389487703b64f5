"""Connections as they come, each served in a thread of its own, until we are shut down."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from functools import partial

from sendmail_cli.serving import SocketChannel
from sendmail_cli.smtp.answers import Answer
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Hashable

MAX_CONNECTIONS = 100  # at once; each is a thread

_FULL = Answer(421, "4.3.2", "Too many connections; come again")


class Listener:
    """Serves whoever connects to a listening socket. `serve` is called in a thread of each connection."""

    def __init__(
        self,
        listening: socket.socket,
        serve: Callable[[SocketChannel], None],
        *,
        context: ssl.SSLContext | None = None,
        name: str = "listener",
        owner_of: Callable[[socket.socket], Hashable] = lambda _: None,
        max_of_one: int = MAX_CONNECTIONS,
    ) -> None:
        """Takes over `listening`. `context` is our side of TLS, where `serve` offers it.

        None of the clients that `owner_of` tells apart has more than `max_of_one` connections.
        """
        self._listening = listening
        self._serve = serve
        self._context = context
        self._name = name
        self._owner_of = owner_of
        self._max_of_one = max_of_one
        self._lock = threading.Lock()
        self._channels: dict[threading.Thread, SocketChannel] = {}
        self._owners: dict[threading.Thread, Hashable] = {}
        self._is_stopping = False
        # Closed to wake who accepts: to shut the listening socket down would end it for systemd, too.
        self._waker, self._woken = socket.socketpair()
        self._thread = BackgroundThread(self._accept, name)

    def start(self) -> None:
        """Serves from now on."""
        self._thread.start()

    def wind_up(self, seconds: float) -> None:
        """Accepts nobody any more, and waits so long for those who are served: they may end what they are about."""
        self._close()
        with self._lock:
            served = dict(self._channels)
        for channel in served.values():
            channel.wind_up()
        for thread in served:
            thread.join(seconds / len(served))

    def stop(self) -> None:
        """Hangs up on everybody; nothing is served any more when it returns."""
        self._close()
        with self._lock:
            served = dict(self._channels)
        for thread, channel in served.items():
            channel.hang_up()
            thread.join()

    def _close(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        self._waker.close()
        self._thread.join()
        self._listening.close()
        self._woken.close()

    def _accept(self) -> None:
        self._listening.settimeout(0)
        selector = selectors.DefaultSelector()
        selector.register(self._listening, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        while True:
            selector.select()
            if self._is_stopping:
                selector.close()
                return
            try:
                connected, _ = self._listening.accept()
            except OSError:  # it left before we came; or no descriptor is left, and one will be
                continue
            channel = SocketChannel(connected, self._context)
            owner = self._owner_of(connected)
            if len(self._channels) >= MAX_CONNECTIONS or self._count_of(owner) >= self._max_of_one:
                with suppress(OSError):
                    channel.write(bytes(_FULL))
                channel.close()
                continue
            thread = BackgroundThread(partial(self._run, channel), self._name)
            with self._lock:
                self._channels[thread] = channel
                self._owners[thread] = owner
            thread.start()

    def _count_of(self, owner: Hashable) -> int:
        with self._lock:
            return sum(each == owner for each in self._owners.values())

    def _run(self, channel: SocketChannel) -> None:
        try:
            self._serve(channel)
        except OSError:  # the client is gone, or shook no hand
            pass
        finally:
            channel.close()
            with self._lock:
                del self._channels[threading.current_thread()], self._owners[threading.current_thread()]
