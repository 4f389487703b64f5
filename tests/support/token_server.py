"""A provider of tokens on https that does what a test says, wrong and slow things too."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.support.certificates import Kind, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Writes the whole answer, status line and all, or as much as it likes.
    Play = Callable[["Handler"], None]


@dataclass
class TokenServer:
    """One that runs. `plays` are its answers, by path; others get 404."""

    port: int = 0
    scheme: str = "https"
    plays: dict[str, Play] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def publish(self, **changes: object) -> None:
        """Have metadata, with these changes."""
        metadata = {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
        }
        self.plays["/.well-known/oauth-authorization-server"] = says(metadata | changes)

    def forms(self, path: str) -> list[dict[str, str]]:
        """What was posted there."""
        return [form for asked, form in self.asked if asked == path]


class Handler(BaseHTTPRequestHandler):
    """One exchange."""

    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        self.server.script.asked.append((path, {name: values[0] for name, values in parse_qs(body).items()}))
        self.server.script.plays.get(path, says({}, 404))(self)

    do_POST = do_GET  # noqa: N815 # its name in the library

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 # its name in the library
        """Nothing."""


class _Server(ThreadingHTTPServer):
    script: TokenServer
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what a test wants."""


def says(fields: object, status: int = 200, **headers: str) -> Play:
    """JSON."""

    def play(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(json.dumps(fields).encode())

    return play


def gives(token: str = "t0ken-from-the-server", **more: object) -> Play:
    """An access token."""
    return says({"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more})


@contextmanager
def token_server(kind: Kind | None = Kind.RIGHT) -> Iterator[TokenServer]:
    """Runs one with a certificate of this kind; None: without TLS."""
    server = _Server(("127.0.0.1", 0), Handler)
    if kind is not None:
        server.socket = server_context(kind).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.script = TokenServer(server.server_address[1], "http" if kind is None else "https")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
