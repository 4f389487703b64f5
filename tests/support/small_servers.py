"""Scripts for servers that take a message, or fail at one place of the dialogue (`scripted_server` plays them)."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.scripted_server import ScriptedServer, parse_script

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "hunter2-Pässwörd"
USER = "ada@example.org"

GREETING = "S: 220 mx.example.org ESMTP\n"
EHLO = GREETING + "C? EHLO\nS: 250-mx.example.org\nS: 250-SIZE 1000000\nS: 250 8BITMIME\n"
MAIL = EHLO + "C? MAIL\nS: 250 2.1.0 Ok\n"
RCPT = MAIL + "C? RCPT\nS: 250 2.1.5 Ok\n"
DATA = RCPT + "C? DATA\nS: 354 go on\n"
CONTENT = DATA + "C.\n"
QUIT = "C? QUIT\nS: 221 2.0.0 Bye\nS! close\n"
SENT = CONTENT + "S: 250 2.0.0 Ok: queued as 4F2A\n" + QUIT
PARTLY = (
    MAIL
    + "C? RCPT\nS: 250 2.1.5 Ok\nC? RCPT\nS: 550 5.1.1 <eve@example.org>: no such user\n"
    + "C? DATA\nS: 354 go on\nC.\nS: 250 2.0.0 Ok: queued as 4F2A\n"
    + QUIT
)
IN_DOUBT = CONTENT + "S! close\n"
SIGN_IN = GREETING + "C? EHLO\nS: 250-mx.example.org\nS: 250 AUTH PLAIN LOGIN\n"
REFUSED_SIGN_IN = SIGN_IN + "C? AUTH\nS: 535 5.7.8 Error: authentication failed\n" + QUIT


def server(script: str) -> ScriptedServer:
    """A server that plays `script`; a context manager."""
    return ScriptedServer(parse_script(script))


def refusing(so_far: str, verb: str, reply: str) -> str:
    """The script `so_far`, then `verb` is answered with `reply`, and the client says goodbye."""
    return so_far + f"C? {verb}\nS: {reply}\n{QUIT}"


def forms_of(password: str) -> list[bytes]:
    """The octets in which a password may show: plain, and in base64 alone and behind a user's name."""
    plain = password.encode()
    whole = b"\0" + USER.encode() + b"\0" + plain
    return [plain, base64.b64encode(plain).rstrip(b"="), base64.b64encode(whole).rstrip(b"=")]


@contextmanager
def deaf_server() -> Iterator[int]:
    """The port of a server that says 354 and then never reads an octet of the content."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        client, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 mx ESMTP\r\n")
            while not (line := lines.readline()).startswith(b"DATA"):
                client.sendall(b"250 mx\r\n" if line else b"")
            client.sendall(b"354 go on\r\n")
            is_over.wait()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        thread.join()
        listener.close()
