"""A server in a thread that takes every message and keeps the octets, for tests that look at something else."""

from __future__ import annotations

import socketserver
import threading
from typing import Self


class _Handler(socketserver.StreamRequestHandler):
    """The shortest server that a client can't tell from a real one while all goes well."""

    disable_nagle_algorithm = True  # several small writes would wait for each other's ACK
    server: _Server

    def handle(self) -> None:
        self.wfile.write(b"220 sink.example ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                offered = b"".join(b"250-%b\r\n" % keyword for keyword in self.server.sink.offered)
                self.wfile.write(b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n%b250 SIZE 0\r\n" % offered)
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.sink.received += self._content()
                self.wfile.write(b"250 2.0.0 kept\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.server.sink.commands.append(line)
                refused = self.server.sink.refused
                self.wfile.write(b"550 5.1.1 nobody\r\n" if refused and refused in line else b"250 ok\r\n")

    def _content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    sink: Sink


class Sink:
    """Listens inside `with`. `received` is the content of all messages, `commands` what MAIL and RCPT said.

    What has `refused` in it is not to its taste. `offered` it is asked for besides what any server has.
    """

    def __init__(self) -> None:
        self.received = b""
        self.commands: list[bytes] = []
        self.refused = b""
        self.offered: tuple[bytes, ...] = ()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
