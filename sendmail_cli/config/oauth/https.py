"""HTTP as OAuth 2 needs it: one request, one short answer, in time, over TLS, and never where it was redirected to."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from sendmail_cli import __version__
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.errors import CertificateRejected, DeadlineExceeded, RemoteProtocolError, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Any
    from urllib.request import Request

    from sendmail_cli.environment import Environment

MAX_ANSWER = 1 << 20  # octets; tokens and metadata have some thousand
TIMEOUT = 15.0  # seconds for a whole exchange
FORM = "application/x-www-form-urlencoded"
_ADDRESS = re.compile("[!-~]+")
_AGAIN = (408, 425, 429)  # and 5xx: the same may work later


class Answer(NamedTuple):
    """What a server said."""

    host: str
    status: int
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The members of the JSON object that it is. Raises `RemoteProtocolError` where it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise RemoteProtocolError(f"{self.host} did not answer as OAuth 2 does (HTTP {self.status}, no JSON)")
        return found

    def refuse_failing(self) -> None:
        """Raise `TemporaryError` where the server is in trouble, `RemoteProtocolError` where it sends us elsewhere."""
        if self.status >= 500 or self.status in _AGAIN:
            raise TemporaryError(f"{self.host} can't answer now (HTTP {self.status})")
        if 300 <= self.status < 400:
            raise RemoteProtocolError(
                f"{self.host} redirects to another address (HTTP {self.status}), and nothing secret is sent there"
            )


def is_protected(url: str) -> bool:
    """True for an https:// address, and for http:// to this machine; without user, password or fragment."""
    if not _ADDRESS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and ServerURL(host).is_this_machine)


def fetch(
    url: str,
    environment: Environment,
    *,
    form: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to one request for `url`: a POST of `form`, which is urlencoded, else a GET. No redirect is followed.

    Raises `TemporaryError` where there is none in time, `CertificateRejected`, and `RemoteProtocolError` for one
    without end.
    """
    from urllib.request import Request

    if not is_protected(url):
        raise RemoteProtocolError(f"“{printable(url, 200)}” is no https:// address, so nothing is sent there")
    request = Request(  # noqa: S310 # its scheme was looked at
        url,
        data=None if form is None else form.encode("ascii"),
        headers={
            "Accept": "application/json",
            "User-Agent": f"sendmail-cli/{__version__}",
            **({} if form is None else {"Content-Type": FORM}),
            **(headers or {}),
        },
    )
    return _within(TIMEOUT, request, environment)


def _within(seconds: float, request: Request, environment: Environment) -> Answer:
    """The exchange on an errand: a server that drips is never done, and urllib has no deadline for the whole."""
    from sendmail_cli.config.errand import Errand

    host = printable(request.host, 200)
    try:
        return Errand(lambda: _exchange(request, host, environment)).result(seconds)
    except DeadlineExceeded:
        raise TemporaryError(f"{host} did not answer within {seconds:.0f} seconds") from None


def _exchange(request: Request, host: str, environment: Environment) -> Answer:
    import http.client
    import ssl
    from urllib.error import URLError

    try:
        with _opener(request, environment).open(request, timeout=TIMEOUT) as response:
            body = response.read(MAX_ANSWER + 1)
            status, left = int(response.status), response.length
    except URLError as error:
        reason = error.reason
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise _rejected(host, reason) from None
        raise TemporaryError(f"no connection to {host}: {_why(reason)}") from None
    except ssl.SSLCertVerificationError as error:
        raise _rejected(host, error) from None
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryError(f"no answer from {host}: {_why(error)}") from None
    if left and len(body) <= MAX_ANSWER:
        raise TemporaryError(f"no answer from {host}: the connection ended in the middle of it")
    if len(body) > MAX_ANSWER:
        raise RemoteProtocolError(f"{host} answers without end, more than {MAX_ANSWER >> 20} MiB")
    return Answer(host, status, body)


def _opener(request: Request, environment: Environment) -> Any:
    """urllib's, without what follows redirects, keeps cookies or opens files; errors of HTTP come as answers."""
    from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler

    from sendmail_cli.net.tls_context import client_context

    opener = OpenerDirector()
    opener.add_handler(ProxyHandler(_proxies(request, environment)))
    if request.type == "https":
        opener.add_handler(HTTPSHandler(context=client_context(environment.now).openssl))
    else:
        opener.add_handler(HTTPHandler())
    return opener


def _proxies(request: Request, environment: Environment) -> dict[str, str]:
    """https_proxy and no_proxy, as curl and every browser have them; to this machine there is no proxy."""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # there since Python 2.6

    names = {name.lower(): value for name, value in environment.variables.items() if name.lower().endswith("_proxy")}
    proxies = {name.removesuffix("_proxy"): value for name, value in names.items() if value}
    is_near = ServerURL(urlsplit(request.full_url).hostname or "").is_this_machine
    if is_near or proxy_bypass_environment(request.host, proxies):
        return {}
    return {scheme: url for scheme, url in proxies.items() if scheme == "https"}


def _rejected(host: str, error: ssl.SSLCertVerificationError) -> CertificateRejected:
    return CertificateRejected(
        f"the certificate of {host} is not valid: {printable(error.verify_message or str(error), 200)}",
        hint="An authority of your own is named to OpenSSL by the variable SSL_CERT_FILE.",
    )


def _why(error: object) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return printable(text, 200).lower()
