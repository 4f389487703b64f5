"""How a server is written: `[smtps://|smtp://|lmtp://][user@]host[:port]`, `unix:/path`, or `lmtp:/path`.

`lmtp:unix:/path`, as Postfix has it, is the same as `lmtp:/path`.
"""

from __future__ import annotations

import re

from sendmail_cli.addresses import encode_domain
from sendmail_cli.errors import AddressError, UsageError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.typing import NamedTuple

LMTP = "lmtp"
SMTP_PORT = 25
# Patterns, compiled by re when they are used: all of them at every start would be felt.
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://"
_FORM = "[smtps://|smtp://|lmtp://][user@]host[:port]"
_SOCKET = "unix:|(?P<lmtp>lmtp):(?!//[^/]|[0-9])(?:unix:)?"  # lmtp:24 is a host
_MAPPED_LOOPBACK = "::ffff:(?:127[.]|7f[0-9a-f]{2}:)"  # as Python ≥ 3.13 writes it, and before
_HEX = "0123456789abcdef"
_ZONE = "[A-Za-z0-9._~-]{1,32}"  # an interface's name (RFC 6874)
_BAD_ESCAPE = "%(?![0-9A-Fa-f]{2})"
_ESCAPE = b"%([0-9A-Fa-f]{2})"
_NEEDS_ESCAPE = r"[%@:/?#\[\]\s]"


class PasswordInURL(UsageError):
    """A password stands where a server's address is expected."""


class ServerURL(NamedTuple):
    """A server as it was written, taken apart; what wasn't written is None.

    `host` is in A-labels and lower case, or an IP address without brackets; "" where there is a `socket_path`.
    """

    host: str
    port: int | None = None
    scheme: str | None = None  # "smtps", "smtp", "lmtp"
    user: str | None = None
    socket_path: str | None = None

    @property
    def is_smtps(self) -> bool:
        """True when TLS is spoken there from the first byte (RFC 8314 §3)."""
        return self.scheme == "smtps"

    @property
    def is_lmtp(self) -> bool:
        """True when LMTP is spoken there in place of SMTP (RFC 2033)."""
        return self.scheme == LMTP

    @property
    def is_this_machine(self) -> bool:
        """True when the way there never leaves this machine: loopback or a unix socket. No name is looked up."""
        if self.socket_path is not None:
            return True
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761 §6.3
            return True
        if ":" in self.host:
            return self.host == "::1" or re.match(_MAPPED_LOOPBACK, self.host) is not None
        return self.host.startswith("127.") and _is_ipv4(self.host)

    def is_same_host(self, other: ServerURL) -> bool:
        """True when both name the same host, or the same socket, whatever port and user they name."""
        return (self.host, self.socket_path) == (other.host, other.socket_path)

    def __str__(self) -> str:
        if self.socket_path is not None:
            return f"{self.scheme or 'unix'}:{self.socket_path}"
        user = "" if self.user is None else re.sub(_NEEDS_ESCAPE, _escaped, self.user) + "@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{f'{self.scheme}://' if self.scheme else ''}{user}{host}{'' if self.port is None else f':{self.port}'}"


def parse_server_url(text: str) -> ServerURL:
    """The server that `text` names. Raises `UsageError`, whose sentence never repeats what may be a password.

    The user is split off at the last “@” ("ada@example.org@smtp.example.org"), and percent-decoded.
    """
    text = text.strip()
    if find_control(text) is not None:
        raise UsageError("a server's name has no control characters in it")
    socket = re.match(_SOCKET, text) if text.startswith(("unix:", "lmtp:")) else None
    if socket is not None:
        return ServerURL("", scheme=socket["lmtp"], socket_path=_parse_socket_path(text[socket.end() :]))
    scheme, authority = _split_scheme(text)
    userinfo, at, rest = authority.rpartition("@")
    user = _parse_user(userinfo) if at else None
    host, port = _split_port(_without_path(rest))
    url = ServerURL(_parse_host(host), _parse_port(port), scheme, user)
    if url.is_lmtp and url.port == SMTP_PORT:
        raise UsageError("LMTP is never spoken on port 25 (RFC 2033 §5)", hint="Its port is often 24.")
    return url


def _parse_socket_path(path: str) -> str:
    path = path.removeprefix("//")  # unix:///run/smtp is as good as unix:/run/smtp
    if not path.startswith("/"):
        raise UsageError("a socket's path is absolute: unix:/run/…, or lmtp:/run/… where LMTP is spoken")
    return path


def _split_scheme(text: str) -> tuple[str | None, str]:
    match = re.match(_SCHEME, text) if "://" in text else None
    if match is None:
        return None, text
    scheme = match[1].lower()
    if scheme not in {"smtps", "smtp", LMTP}:
        raise UsageError(
            f"“{printable(match[0], 40)}” is not how mail is sent: write smtps:// (TLS from the first byte, port 465), "
            "smtp:// (STARTTLS, port 587), lmtp:// (LMTP, port 24) or the host alone"
        )
    return scheme, text[match.end() :]


def _parse_user(text: str) -> str:
    if ":" in text:
        raise PasswordInURL(
            "a password never stands in a server's address, where everybody can read it: take it out",
            hint="Store it with `sendmail-cli login NAME`, or set password_command in the profile.",
        )
    if not text:
        raise UsageError("nothing stands before “@”: write the user's name, or leave the “@” out")
    if re.search(_BAD_ESCAPE, text):
        raise UsageError("a “%” in a user's name is written %25")
    try:
        user = re.sub(_ESCAPE, lambda escape: bytes((int(escape[1], 16),)), text.encode()).decode()
    except UnicodeDecodeError:
        raise UsageError("the user's name is not UTF-8 when its % escapes are decoded") from None
    if find_control(user) is not None:
        raise UsageError("a user's name has no control characters in it")
    return user


def _without_path(text: str) -> str:
    if any(mark in text for mark in "/?#"):
        raise UsageError(
            "nothing follows the host and its port: leave out what comes after them", hint=f"A server is {_FORM}."
        )
    return text


def _split_port(text: str) -> tuple[str, str | None]:
    """Host and port. An IPv6 address stands in brackets where a port follows it, and may where none does."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError("an IPv6 address with a port is written [::1]:465")
        if ":" not in host:
            raise UsageError("only an IPv6 address stands in brackets")
        return host, rest[1:] if rest else None
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _parse_port(text: str | None) -> int | None:
    if text is None:
        return None
    # What stands there is not repeated, here and above: somebody may have written user:password.
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise UsageError("what follows the colon is no port: a number from 1 to 65535 is", hint=f"A server is {_FORM}.")
    return int(text)


def _parse_host(text: str) -> str:
    if ":" in text:
        return _parse_ipv6(text)
    host = text.removesuffix(".")  # the root of the DNS: certificates and SNI do without it
    if not host:
        raise UsageError("no host is named", hint=f"A server is {_FORM}.")
    try:
        host = encode_domain(host).lower()
    except AddressError as error:
        raise UsageError(error.sentence) from None
    # "127.1" and "0x7f000001" are addresses to the system's resolver; nobody who reads them sees which.
    if _is_number(host.rpartition(".")[2]) and not _is_ipv4(host):
        raise UsageError(f"“{printable(host, 80)}” is neither a name nor an IPv4 address such as 192.0.2.1")
    return host


def _is_ipv4(host: str) -> bool:
    """True for four numbers as they are usually written."""
    numbers = host.split(".")
    return len(numbers) == 4 and all(map(_is_octet, numbers))


def _is_octet(text: str) -> bool:
    """True for a number up to 255 without zeros before it."""
    return text.isascii() and text.isdigit() and len(text) <= 3 and str(int(text)) == text and int(text) <= 255


def _is_number(label: str) -> bool:
    """True for a number in decimal or as 0x…, in lower case."""
    return label.isdigit() or (label.startswith("0x") and not label[2:].strip(_HEX))


def _parse_ipv6(text: str) -> str:
    from ipaddress import IPv6Address

    address, percent, zone = text.partition("%")
    zone = zone.removeprefix("25") if len(zone) > len("25") else zone  # RFC 6874 writes %25eth0
    try:
        host = str(IPv6Address(address))
    except ValueError:
        raise UsageError("a host has one colon, before its port, and this is no IPv6 address") from None
    if percent and not re.fullmatch(_ZONE, zone):
        raise UsageError("what follows “%” in an IPv6 address is the name of an interface: [fe80::1%eth0]")
    return f"{host}%{zone}" if percent else host


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in match[0].encode())
