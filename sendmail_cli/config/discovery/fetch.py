"""A small file by https: never by http, never longer than a limit, never later than a deadline."""

from __future__ import annotations

import socket
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from sendmail_cli.errors import DataError, MailError, NotOffered, TemporaryError
from sendmail_cli.net.dial import NO_SUCH_NAME
from sendmail_cli.net.stream import reason
from sendmail_cli.net.tls_context import client_context
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from sendmail_cli.environment import Environment

MAX_REDIRECTS = 3
BLOCK = 16384  # octets
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_HEADERS = {"User-Agent": "sendmail-cli", "Accept": "*/*", "Connection": "close"}


def fetch(url: str, limit: int, seconds: float, environment: Environment) -> bytes:
    """The file at `url`, of at most `limit` octets, within about `seconds`.

    Raises `NotOffered` where there is none, `DataError` for a longer one and for a way that leads to http, and
    `TemporaryError` for the rest: no such host, no answer, a certificate that nobody vouches for.
    """
    deadline = environment.monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        content, url = _step(url, limit, deadline, environment)
        if content is not None:
            return content
    raise DataError("it leads from one place to the next without end")


def _step(url: str, limit: int, deadline: float, environment: Environment) -> tuple[bytes | None, str]:
    """What is at `url`; or None, and where it leads."""
    host, port, path = _parts(url)
    context = client_context(environment.now).openssl
    connection = HTTPSConnection(host, port, timeout=_left(deadline, environment), context=context)
    try:
        connection.request("GET", path, headers=_HEADERS)
        connected = connection.sock  # before the answer: whoever closes after it is forgotten by then
        response = connection.getresponse()
        if response.status in _REDIRECTS:
            return None, urljoin(url, response.getheader("Location") or "http:")
        if response.status != 200:
            raise NotOffered(f"the server said {response.status}")
        return _content(response, connected, limit, deadline, environment), url
    except (OSError, HTTPException, ValueError) as error:
        raise _ours(error) from None
    finally:
        connection.close()


def _parts(url: str) -> tuple[str, int, str]:
    """Host, port and what is asked for there. Raises `DataError` for anything but https."""
    try:
        where = urlsplit(url)
        host, port = where.hostname, where.port or 443
    except ValueError:
        raise DataError("it leads to what is no address") from None
    if where.scheme != "https" or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise DataError("it leads to what is not https")
    return host, port, f"{where.path or '/'}{f'?{where.query}' if where.query else ''}"


def _ours(error: Exception) -> MailError:
    if isinstance(error, socket.gaierror):
        if error.errno in NO_SUCH_NAME:
            return NotOffered("no such host")
        return TemporaryError("its name could not be looked up")
    if isinstance(error, TimeoutError):
        return TemporaryError("no answer in time")
    if isinstance(error, OSError):
        refused = getattr(error, "verify_message", None)
        return TemporaryError(printable(f"its certificate is refused: {refused}" if refused else reason(error), 120))
    return TemporaryError(f"no answer that HTTP knows: {type(error).__name__}")


def _content(
    response: HTTPResponse, connected: socket.socket | None, limit: int, deadline: float, environment: Environment
) -> bytes:
    """All of it. Each read gets what is left of the time, so that dripping gains nothing."""
    content = bytearray()
    while True:
        if connected is not None:
            connected.settimeout(_left(deadline, environment))
        block = response.read1(BLOCK)
        if not block:
            return bytes(content)
        content += block
        if len(content) > limit:
            raise DataError(f"it is longer than {limit // 1024} kB")


def _left(deadline: float, environment: Environment) -> float:
    left = deadline - environment.monotonic()
    if left <= 0:
        raise TemporaryError("no answer in time")
    return left
