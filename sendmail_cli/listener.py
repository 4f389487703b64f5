"""Connections as they come, each served in a thread of its own, until we are shut down."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sendmail_cli.serving import SocketChannel
from sendmail_cli.smtp.answers import Answer

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

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
    ) -> None:
        """Takes over `listening`. `context` is our side of TLS, where `serve` offers it."""
        self._listening = listening
        self._serve = serve
        self._context = context
        self._name = name
        self._lock = threading.Lock()
        self._channels: dict[threading.Thread, SocketChannel] = {}
        self._is_stopping = False
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)

    def start(self) -> None:
        """Serves from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Hangs up on everybody; nothing is served any more when it returns."""
        import socket

        self._is_stopping = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listening.close()
        self._thread.join()
        with self._lock:
            served = dict(self._channels)
        for thread, channel in served.items():
            channel.hang_up()
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                if self._is_stopping:
                    return
                continue  # it left before we came
            channel = SocketChannel(connected, self._context)
            if len(self._channels) >= MAX_CONNECTIONS:
                with suppress(OSError):
                    channel.write(bytes(_FULL))
                channel.close()
                continue
            thread = threading.Thread(target=self._run, args=(channel,), name=self._name, daemon=True)
            with self._lock:
                self._channels[thread] = channel
            thread.start()

    def _run(self, channel: SocketChannel) -> None:
        try:
            self._serve(channel)
        except OSError:  # the client is gone, or shook no hand
            pass
        finally:
            channel.close()
            with self._lock:
                del self._channels[threading.current_thread()]
