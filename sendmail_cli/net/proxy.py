"""A connection through a proxy: SOCKS5, SOCKS4, HTTP CONNECT. What is said is python-socks's; when it ends, ours.

Loaded only where a proxy is used. The library reads and writes through `_Line`, for it knows neither a deadline for
the whole nor where the proxy's answer ends and the server's greeting begins.
"""

from __future__ import annotations

import socket
from typing import cast

from sendmail_cli.addresses import encode_domain
from sendmail_cli.errors import AddressError, ConfigError, ConnectFailed, HostNotFound, MailError
from sendmail_cli.net.dial import dial, resolve
from sendmail_cli.net.stream import reason, wait
from sendmail_cli.printable import find_control
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Self

# What an URL may begin with: the protocol, and whether the proxy looks up the server's name itself.
SCHEMES = {
    "socks5": ("SOCKS5", False),
    "socks5h": ("SOCKS5", True),
    "socks4": ("SOCKS4", False),
    "socks4a": ("SOCKS4", True),
    "http": ("HTTP", True),
}
SOCKS_PORT = 1080
MAX_HEAD = 65536  # octets of an HTTP answer before its empty line

_FORM = "A proxy is socks5h|socks5|socks4a|socks4|http://[USER:PASSWORD@]HOST[:PORT]."
_END_OF_HEAD = b"\r\n\r\n"
_PROXY_AUTHENTICATION_REQUIRED = 407
_WHY_NOT = {
    "SOCKS5": {
        1: "it could not",
        2: "its rules forbid it",
        3: "network unreachable",
        4: "host unreachable",
        5: "connection refused",
        6: "it timed out",
        7: "it makes no connections",
        8: "it knows no such address",
    },
    "SOCKS4": {
        0x5B: "it could not, or would not",
        0x5C: "it asks identd who we are",
        0x5D: "identd knows another user",
    },
    "HTTP": {
        403: "its rules forbid it (HTTP 403)",
        404: "it found no such host (HTTP 404)",
        405: "it makes no connections (HTTP 405)",
        502: "it could not (HTTP 502)",
        503: "it could not (HTTP 503)",
        504: "it timed out (HTTP 504)",
    },
}


class ProxyURL(NamedTuple):
    """A proxy as it was written, taken apart; as a text it is what may be shown of it."""

    scheme: str
    host: str
    port: int
    user: Secret
    password: Secret

    @property
    def protocol(self) -> str:
        return SCHEMES[self.scheme][0]

    @property
    def looks_up_names(self) -> bool:
        return SCHEMES[self.scheme][1]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def dial_by_proxy(
    url: Secret | str, host: str, port: int, seconds: float, clock: Callable[[], float], *, bind: str | None = None
) -> socket.socket:
    """A socket connected to `host` by way of the proxy at `url` within `seconds`; the next octet is the server's.

    `bind` is where the connection to the proxy comes from. Raises `ConfigError` for a URL that can't be used,
    `HostNotFound` for a name that doesn't exist, the proxy's or one looked up here, `ResourceError`, and
    `ConnectFailed` for the rest. No text of them has anything in it that the proxy said, nor user and password.
    """
    proxy = parse_proxy_url(url)
    _require_library()
    deadline = clock() + seconds
    refusals: list[str] = []
    targets = _targets(proxy, host, port, seconds)
    for target in targets:
        connected = _reach(proxy, deadline - clock(), clock, bind)
        try:
            _ask(_Line(connected, proxy, deadline, clock), target, port)
        except _Refused as refused:
            connected.close()
            refusals.append(f"{refused.why} ({target})" if len(targets) > 1 else refused.why)
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise ConnectFailed(
        f"the proxy {proxy} made no connection to {host} port {port}: {'; '.join(refusals)}",
        hint="Look at the server's name and port, and whether the proxy lets you go there.",
    )


def parse_proxy_url(url: Secret | str) -> ProxyURL:
    """The proxy that `url` names. Raises `ConfigError`, whose text repeats nothing of it: any of it may be a secret."""
    from urllib.parse import unquote, urlsplit

    text = (url.reveal() if isinstance(url, Secret) else url).strip()
    if find_control(text) is not None:
        raise ConfigError("the proxy's URL has control characters in it")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        user = None if parts.username is None else unquote(parts.username, errors="strict")
        password = None if parts.password is None else unquote(parts.password, errors="strict")
    except ValueError:  # its text quotes the URL
        raise ConfigError("the proxy's URL can't be understood", hint=_FORM) from None
    if parts.scheme not in SCHEMES:
        raise ConfigError("the proxy's URL begins with nothing that we know", hint=_FORM)
    if not host or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigError(
            "the proxy's URL is to name a host, and nothing after its port",
            hint=f"{_FORM} In a password “/” is written %2F, “?” %3F, “#” %23, “@” %40 and “%” %25.",
        )
    if port == 0 or (port is None and parts.scheme == "http"):
        raise ConfigError("the proxy's URL names no port: an HTTP proxy has no usual one", hint=_FORM)
    _check_sign_in(SCHEMES[parts.scheme][0], user, password)
    return ProxyURL(parts.scheme, _host(host), port or SOCKS_PORT, Secret(user or ""), Secret(password or ""))


def _host(text: str) -> str:
    from ipaddress import IPv6Address

    try:
        return str(IPv6Address(text)) if ":" in text else encode_domain(text.removesuffix(".")).lower()
    except (AddressError, ValueError):
        raise ConfigError("the proxy's URL names something that is no host", hint=_FORM) from None


def _check_sign_in(protocol: str, user: str | None, password: str | None) -> None:
    """What the protocol can't carry is said before; the library would leave it out, or fail and show it."""
    if user is None:
        return
    if find_control(user + (password or "")) is not None:
        raise ConfigError("the proxy's user and password have no control characters in them")
    if protocol == "SOCKS5":
        if not (user and password):
            raise ConfigError("a SOCKS5 proxy that wants a user wants a password with it", hint=_FORM)
        if not (user + password).isascii() or max(len(user), len(password)) > 255:
            raise ConfigError("a SOCKS5 proxy's user and password are ASCII, of at most 255 characters each")
    elif protocol == "SOCKS4":
        if password is not None or not user.isascii():
            raise ConfigError("a SOCKS4 proxy takes a user in ASCII, and no password", hint=_FORM)
    elif not user or ":" in user or any(character > "\xff" for character in user + (password or "")):
        raise ConfigError("an HTTP proxy takes a user without a colon, and both user and password in Latin-1")


def _require_library() -> None:
    try:
        import python_socks.sync  # noqa: F401 - whether it is there
    except ImportError:
        raise ConfigError(
            "a proxy needs the package python-socks, which is not installed",
            hint="Install it beside sendmail-cli: pip install 'python-socks>=3.2'",
        ) from None


def _targets(proxy: ProxyURL, host: str, port: int, seconds: float) -> list[str]:
    """What to ask the proxy for, one after the other: a name, or the addresses that we have for it."""
    if "%" in host:
        raise ConfigError(f"the address {host} has a meaning on this machine alone, not on a proxy")
    if proxy.looks_up_names and ":" not in host:
        return [host]
    addresses = [host] if ":" in host else list(dict.fromkeys(map(str, resolve(host, port, seconds))))
    if proxy.protocol == "SOCKS4":
        addresses = [address for address in addresses if ":" not in address]
    if not addresses:
        raise ConnectFailed(
            f"the proxy {proxy} can't connect to {host}: SOCKS4 knows no IPv6",
            hint="Use socks5h:// if the proxy speaks it, or socks4a:// if the server has an IPv4 address.",
        )
    return addresses


def _reach(proxy: ProxyURL, seconds: float, clock: Callable[[], float], bind: str | None) -> socket.socket:
    try:
        return dial(proxy.host, proxy.port, seconds, clock, bind=bind)
    except (ConnectFailed, HostNotFound) as error:
        raise type(error)(
            f"the proxy can't be reached: {error.sentence}",
            hint="Look at the proxy's name and port, and whether it runs.",
        ) from None


class _Refused(Exception):
    """The proxy did not connect to where we asked it to; another address may do."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Line:
    """The connection to the proxy as the library wants it: it blocks, up to one deadline, and never reads too far."""

    def __init__(self, connected: socket.socket, proxy: ProxyURL, deadline: float, clock: Callable[[], float]) -> None:
        self.proxy = proxy
        self.heard = bytearray()
        self._socket = connected
        self._deadline = deadline
        self._clock = clock
        connected.settimeout(0)

    def connect(self, **_: object) -> Self:
        """Where the library would connect to another proxy, of a chain, that leads to this one."""
        return self

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                self._wait(for_write=True)
            except OSError as error:
                raise self._broken(reason(error)) from None

    def recv(self, size: int) -> bytes:
        if self.proxy.protocol != "HTTP":
            return self._receive(size)  # exactly what is missing of a SOCKS answer
        while _END_OF_HEAD not in self.heard:
            before = bytes(self.heard[-len(_END_OF_HEAD) + 1 :])
            seen = self._receive(4096, is_taken=False)
            end = (before + seen).find(_END_OF_HEAD)
            self._receive(len(seen) if end < 0 else end + len(_END_OF_HEAD) - len(before))
            if not b"HTTP/".startswith(self.heard[:5]) or len(self.heard) > MAX_HEAD:
                self.fail_to_understand()
        return bytes(self.heard)

    def close(self) -> None:
        """The library has failed; whoever called it closes."""

    def fail_to_understand(self) -> NoReturn:
        raise ConnectFailed(
            f"what answers at the proxy {self.proxy} does not speak {self.proxy.protocol}",
            hint="Look at the proxy's port, and at what its URL begins with.",
        )

    def _receive(self, size: int, *, is_taken: bool = True) -> bytes:
        while True:
            try:
                data = self._socket.recv(size, 0 if is_taken else socket.MSG_PEEK)
            except BlockingIOError:
                self._wait(for_write=False)
                continue
            except OSError as error:
                raise self._broken(reason(error)) from None
            if not data:
                raise self._broken("it closed it")
            if is_taken:
                self.heard += data
            return data

    def _wait(self, *, for_write: bool) -> None:
        remaining = self._deadline - self._clock()
        if remaining <= 0:
            raise ConnectFailed(
                f"the proxy {self.proxy} took too long to connect us",
                hint="It may wait for a server that does not answer; or what answers there is no proxy.",
            )
        wait(self._socket, remaining, for_read=not for_write, for_write=for_write)

    def _broken(self, why: str) -> ConnectFailed:
        return ConnectFailed(
            f"the connection to the proxy {self.proxy} broke before it led anywhere: {why}",
            hint="Proxies do that to those whom they don't want; or it speaks another protocol.",
        )


def _ask(line: _Line, host: str, port: int) -> None:
    """Have the library ask the proxy for a connection. Raises `_Refused` when it makes none, `ConnectFailed`."""
    from python_socks import ProxyError, ProxyType
    from python_socks.sync import Proxy

    proxy = line.proxy
    library = Proxy(
        ProxyType[proxy.protocol],
        proxy.host,
        proxy.port,
        proxy.user.reveal(),
        proxy.password.reveal(),
        rdns=True,  # names that are not to be looked up there are addresses by now
        forward=cast("Any", line),
    )
    try:
        library.connect(host, port)
    except MailError:
        raise
    except ProxyError as error:
        code = error.error_code
    except Exception:  # whatever the proxy's octets make it stumble over
        code = None
    else:
        return
    _explain(line, code)  # out here, so that no traceback shows what the library quotes


def _explain(line: _Line, code: int | None) -> NoReturn:
    """Say why the proxy refused, by the octets it said and never by its words: it may repeat a password."""
    proxy = line.proxy
    if code == _PROXY_AUTHENTICATION_REQUIRED or _is_sign_in_refused(line):
        if not proxy.user.reveal():
            what = "wants a user and a password"
        elif line.heard == _NO_WAY_TO_SIGN_IN:
            what = "takes no user and password, but another sign-in that we don't know"
        else:
            what = "did not take the user and the password"
        raise ConnectFailed(
            f"the proxy {proxy} {what}", hint="They stand in the proxy's URL, before its host: USER:PASSWORD@HOST."
        )
    if code is None or not 0 < code < 600:
        line.fail_to_understand()
    raise _Refused(_WHY_NOT[proxy.protocol].get(code, f"its answer was {proxy.protocol} {code}"))


_NO_WAY_TO_SIGN_IN = b"\x05\xff"  # SOCKS5: none of those we offered (RFC 1928 §3)
_PASSWORD_WANTED = b"\x05\x02"  # the same of a proxy that doesn't look at what we offered


def _is_sign_in_refused(line: _Line) -> bool:
    """True when SOCKS5 ended before the request: at the ways to sign in, or at user and password (RFC 1929 §2)."""
    is_at_password = len(line.heard) == 4 and line.heard.startswith(_PASSWORD_WANTED + b"\x01")
    return is_at_password or line.heard in (_NO_WAY_TO_SIGN_IN, _PASSWORD_WANTED)
