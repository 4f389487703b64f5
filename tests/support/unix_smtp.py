"""Python's SMTP client over a unix socket."""

from __future__ import annotations

import smtplib
import socket

from tests.support.patience import PATIENCE


class UnixSMTP(smtplib.SMTP):
    """`host` is the path of the socket; the port is nobody's business."""

    def write(self, octets: bytes) -> None:
        assert self.sock is not None
        self.sock.sendall(octets)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(PATIENCE)
        connected.connect(host)
        return connected
