"""aiosmtpd, in threads of this process: no PIPELINING, so that each command waits for the reply before."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.support.certificates import server_context, write_ca_file
from tests.support.servers.kind import Delivered, Way
from tests.support.servers.running import HOST_NAME, PASSWORD, REFUSED, USER, Running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.servers.kind import RealServer

MECHANISMS: Mapping[Way, tuple[str, ...]] = dict.fromkeys(Way, ("LOGIN", "PLAIN"))
LARGEST = 200_000_000  # octets


def missing() -> str:
    """Why it cannot run here: never, it is one of our dependencies."""
    return ""


@contextmanager
def start(folder: Path) -> Iterator[RealServer]:
    """A thread with a port of its own for each way."""
    kept: list[Delivered] = []
    # To aiosmtpd TLS from the first octet is no TLS, since it came about before.
    options: dict[Way, dict[str, Any]] = {
        Way.IMPLICIT: {"ssl_context": server_context(), "auth_require_tls": False},
        Way.STARTTLS: {"tls_context": server_context()},
        Way.PLAIN: {"auth_require_tls": False},
    }
    with ExitStack() as stack:
        ports = {way: stack.enter_context(_listening(kept, own)) for way, own in options.items()}
        yield Running(
            name="aiosmtpd",
            ports=ports,
            mechanisms=MECHANISMS,
            delivered=kept.copy,
            ca_file=Path(write_ca_file(folder)),
        )


@contextmanager
def _listening(kept: list[Delivered], options: dict[str, Any]) -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        controller = _Controller(listener, _Keeper(kept), **options)
        controller.start()
        try:
            yield listener.getsockname()[1]
        finally:
            controller.stop()


class _Controller(Controller):
    """On a socket that listens already; aiosmtpd's own has to be told a port."""

    def __init__(self, listener: socket.socket, handler: _Keeper, **options: Any) -> None:
        self.listener = listener
        host, port = listener.getsockname()
        super().__init__(
            handler,
            hostname=host,
            port=port,
            server_hostname=HOST_NAME,
            data_size_limit=LARGEST,
            authenticator=_authenticate,
            **options,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener, ssl=self.ssl_context)


class _Keeper:
    """aiosmtpd's handler."""

    def __init__(self, kept: list[Delivered]) -> None:
        self.kept = kept

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address == REFUSED:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.kept.append(Delivered(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 Kept"


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)
