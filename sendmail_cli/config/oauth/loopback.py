"""Listening on this machine for the browser that brings a provider's answer (RFC 8252 §7.3)."""

from __future__ import annotations

import os
import select
import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

from sendmail_cli.config.oauth.authorization import MAX_ANSWER
from sendmail_cli.errors import DataError, MailError, SignInNeeded
from sendmail_cli.threads import LONGEST_WAIT
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from sendmail_cli.config.oauth.authorization import Authorization
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret

PATIENCE = 300.0  # seconds for a person to sign in
CLIENT_PATIENCE = 10.0  # seconds for a browser that has connected to say what it wants
PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>sendmail-cli</title><style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem;
  color: #222; background: #fff; }}
h1 {{ font-size: 1.4rem; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #181818; }} }}
</style></head><body><h1>{title}</h1><p>{text}</p></body></html>
"""
GOOD = ("That is all.", "You can close this window; sendmail-cli goes on in the terminal.")
REFUSED = ("No sign-in.", "The provider said no. You can close this window; the terminal says more.")
OTHER = ("Not this sign-in.", "This page is not the answer that sendmail-cli waits for. The terminal waits still.")


class Listener:
    """Waits on a port of this machine, which the system chose, for the one answer to one sign-in."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._wake, self._woken = socket.socketpair()
        self.port: int = self._server.server_address[1]

    def close(self) -> None:
        """Close the port. Nothing waits for browsers that still have something to say."""
        self._server.server_close()
        self._wake.close()
        self._woken.close()

    def wait(
        self, authorization: Authorization, environment: Environment, typed: IO[bytes] | None, other: Callable[[], None]
    ) -> Secret:
        """The code of the first answer that is to this sign-in, brought by a browser or `typed` as its address.

        `other` is called for each that isn't. Raises `TokenRefused` where the provider says no, `DataError` for a
        wrong line that was typed, and `SignInNeeded` after five minutes.
        """
        results: list[Secret | MailError] = []
        self._listen(authorization, results, other)
        deadline = environment.monotonic() + PATIENCE
        inputs: list[Any] = [self._server, self._woken, *([] if typed is None else [typed])]
        while not results:
            ready = select.select(inputs, (), (), LONGEST_WAIT)[0]
            if not ready and environment.monotonic() >= deadline:
                raise SignInNeeded(f"nobody signed in within {PATIENCE / 60:.0f} minutes")
            if self._woken in ready:
                self._woken.recv(1)
            if self._server in ready:
                self._server.handle_request()
            if typed in ready and typed is not None:
                line = os.read(typed.fileno(), MAX_ANSWER)
                if line.strip():
                    results.append(authorization.code(line.decode("utf-8", "replace")))
                elif not line:
                    inputs.remove(typed)
        if isinstance(results[0], MailError):
            raise results[0]
        return results[0]

    def _listen(
        self, authorization: Authorization, results: list[Secret | MailError], other: Callable[[], None]
    ) -> None:
        """Have each browser that comes add to `results` what it brings, if that is an answer to this sign-in."""

        def receive(address: str) -> _Brought:
            try:
                return _Brought(GOOD, authorization.code(address))
            except DataError:
                other()
                return _Brought(OTHER)
            except MailError as error:  # raised again, by who waits
                return _Brought(REFUSED, error)

        def answered(brought: _Brought) -> None:
            # Only now: who waits may be gone, and the threads with it, as soon as there is a result.
            if brought.result is not None:
                results.append(brought.result)
                self._wake.send(b"!")

        self._server.receive = receive
        self._server.answered = answered


class _Brought(NamedTuple):
    """What a browser's address came to: the page that it gets, and the result of the sign-in, if it is one."""

    page: tuple[str, str]
    result: Secret | MailError | None = None


class _Server(ThreadingMixIn, TCPServer):
    """A browser may connect before it has anything to say, so each connection has a thread."""

    daemon_threads = True
    receive: Callable[[str], _Brought]
    answered: Callable[[_Brought], None]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is none of our errors."""


class _Handler(BaseHTTPRequestHandler):
    """Answers a browser with one small page, which holds nothing of what was asked."""

    server: _Server
    timeout = CLIENT_PATIENCE
    server_version = "sendmail-cli"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] not in {"/", ""}:  # such as /favicon.ico
            self.send_error(404)
            return
        brought = self.server.receive(self.path)
        title, text = brought.page
        try:
            self._answer(200 if brought.page != OTHER else 400, PAGE.format(title=title, text=text).encode())
        finally:
            self.server.answered(brought)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 # its name in the library
        """Nothing: what is asked for holds a secret."""


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener; its port is closed when the block ends."""
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()
