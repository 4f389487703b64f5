"""The mail service of this machine, as far as whoever hands over to it can tell."""

from __future__ import annotations

import socket
import threading

# What it says to one message for two recipients.
ALL = ["220 here", "250-here\r\n250 PIPELINING", "250 sender", "250 first", "250 second", "354 go on", "250 2.0.0 kept"]


class Service:
    """Says what is written down, one reply for each line it hears, and hangs up at the end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.heard = b""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen()
        self._thread: threading.Thread | None = None

    def says(self, *replies: str) -> None:
        self._thread = threading.Thread(target=self._serve, args=(replies,))
        self._thread.start()

    def _serve(self, replies: tuple[str, ...]) -> None:
        connected, _ = self._listening.accept()
        with connected, connected.makefile("rwb") as stream:
            for number, reply in enumerate(replies):
                stream.write(f"{reply}\r\n".encode())
                stream.flush()
                while number < len(replies):
                    line = stream.readline()
                    self.heard += line
                    if not line or not reply.startswith("354") or line == b".\r\n":
                        break

    def end(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._listening.close()


class Echo:
    """A service that greets and then says what it hears, until its client says no more; then it may leave at once."""

    def __init__(self, path: str, *, resets: bool = False) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve, args=(resets,))
        self._thread.start()

    def _serve(self, resets: bool) -> None:
        connected, _ = self._listening.accept()
        with connected:
            connected.sendall(b"220 here\r\n")
            while not resets and (octets := connected.recv(65536)):
                connected.sendall(octets)
            if resets:
                connected.recv(1)  # what is left unread makes a reset of the end

    def end(self) -> None:
        self._thread.join()
        self._listening.close()
