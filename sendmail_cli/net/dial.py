"""Names to a connected socket."""

from __future__ import annotations

import _socket  # `socket` adds what nothing here needs, and 2 ms to a start

from sendmail_cli.errors import ConfigError, ConnectFailed, HostNotFound, ResourceError
from sendmail_cli.net.race import Address, Race, interleaved, open_socket
from sendmail_cli.net.stream import reason
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

NO_SUCH_NAME = (_socket.EAI_NONAME, getattr(_socket, "EAI_NODATA", _socket.EAI_NONAME))
FAMILIES: dict[int, str] = {_socket.AF_INET: "IPv4", _socket.AF_INET6: "IPv6"}


class Connected(NamedTuple):
    """A connection, and how it came about."""

    socket: _socket.socket
    address: Address  # the one that won
    reasons: dict[Address, str]  # why each of the others didn't


def dial(host: str, port: int, seconds: float, clock: Callable[[], float], *, bind: str | None = None) -> socket.socket:
    """A socket connected to `host` within `seconds`, every address of it tried (RFC 5321 §5.1, RFC 8305).

    The connection comes from the address `bind`, where one is named; only addresses of its family are tried then.
    Raises `HostNotFound`, `ConnectFailed`, `ResourceError`, and `ConfigError` for a `bind` that is no IP address.
    """
    deadline = clock() + seconds
    source = None if bind is None else parse_source(bind)
    connected = connect(host, port, resolve(host, port, seconds), deadline, clock, source=source)
    return whole_socket(connected.socket)


def whole_socket(connected: _socket.socket) -> socket.socket:
    """The same with all that Python's sockets have, for who needs that; `connected` is then empty."""
    import socket

    timeout = connected.gettimeout()
    whole = socket.socket(fileno=connected.detach())
    whole.settimeout(timeout)
    return whole


def connect(
    host: str,
    port: int,
    addresses: Sequence[Address],
    deadline: float,
    clock: Callable[[], float],
    *,
    source: Address | None = None,
) -> Connected:
    """The second half of `dial`: a connection to the first of the `addresses` of `host` that answers."""
    addresses = interleaved(addresses)
    where = f"{host} port {port}"
    if source is not None:
        addresses = [address for address in addresses if address.family == source.family]
        if not addresses:
            raise ConnectFailed(
                f"no connection to {where}: it has no {FAMILIES[source.family]} address, and {source} is one",
                hint="Leave --bind out, or name an address of this machine of the other kind.",
            )
    race = Race(addresses, source)
    connected = race.run(deadline, clock)
    if connected is not None:
        winner = next(address for address in addresses if address not in race.reasons)
        return Connected(connected, winner, race.reasons)
    if len(addresses) == 1:
        reasons = race.reasons[addresses[0]]
    else:
        reasons = "; ".join([f"{race.reasons[address]} ({address})" for address in addresses])
    raise ConnectFailed(f"no connection to {where}: {reasons}", hint=_hint(host, port))


def dial_unix(path: str) -> _socket.socket:
    """A socket connected to the unix socket at `path`. Raises `ConnectFailed`."""
    if not hasattr(_socket, "AF_UNIX"):
        raise ConnectFailed("this system has no unix sockets")
    try:
        connected = open_socket(_socket.AF_UNIX)
    except OSError as error:
        raise ConnectFailed(f"no unix socket could be had: {reason(error)}") from None
    try:
        connected.settimeout(0)  # a server too busy to take us says so at once
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise ConnectFailed(f"no connection to the socket {path}: {reason(error)}") from None
    return connected


def resolve(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses of `host`, in the resolver's order. Raises `HostNotFound`, `ConnectFailed`, `ResourceError`.

    An IP address and "localhost" need no name server and no thread.
    """
    try:
        if addresses := _by_number(host, port):
            return addresses
        return _look_up(host, port) if host == "localhost" else _look_up_within(seconds, host, port)
    except OSError as error:
        if isinstance(error, _socket.gaierror) and error.errno in NO_SUCH_NAME:
            raise HostNotFound(
                f"there is no host named {host}", hint="Look at its spelling, and whether this machine is on line."
            ) from None
        raise ConnectFailed(f"the name {host} could not be looked up: {reason(error)}", hint=_NO_ANSWER) from None


_NO_ANSWER = "The name server does not answer; this often passes. Is this machine on line?"


def _look_up(host: str, port: int, flags: int = 0) -> list[Address]:
    # As bytes: for a text Python loads its IDNA codec, 5 ms for a name that is in A-labels already.
    found = _socket.getaddrinfo(host.encode("ascii"), port, type=_socket.SOCK_STREAM, flags=flags)
    return [Address(family, where) for family, _, _, _, where in found]


def _by_number(host: str, port: int) -> list[Address]:
    """The address that `host` is, [] when it is a name."""
    try:
        return _look_up(host, port, _socket.AI_NUMERICHOST)
    except _socket.gaierror:
        return []


def _look_up_within(seconds: float, host: str, port: int) -> list[Address]:
    """Like `_look_up`. The resolver knows no deadline of ours, so a thread waits for it; a late one is left behind."""
    from threading import TIMEOUT_MAX

    from sendmail_cli.threads import BackgroundThread

    answers: list[list[Address] | Exception] = []

    def ask() -> None:
        try:
            answers.append(_look_up(host, port))
        except Exception as error:  # it is raised where somebody waits for it
            answers.append(error)

    thread = BackgroundThread(ask, "name lookup")
    try:
        thread.start()
    except RuntimeError:
        raise ResourceError(f"no thread could be had to look up the name {host}") from None
    thread.join(min(max(0.0, seconds), TIMEOUT_MAX))
    if not answers:
        limit = "1 second" if seconds == 1 else f"{max(0.0, round(seconds, 2)):g} seconds"
        raise ConnectFailed(f"the name {host} could not be looked up within {limit}", hint=_NO_ANSWER)
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


def parse_source(bind: str) -> Address:
    """The address of this machine that connections are to come from. Raises `ConfigError`."""
    addresses = _by_number(bind, 0) if bind.isascii() and "\0" not in bind else []
    if not addresses:
        raise ConfigError(
            f"“{printable(bind, 80)}” is no IP address that connections could come from",
            hint="Name an address of this machine, not a host name or an interface.",
        )
    return addresses[0]


def _hint(host: str, port: int) -> str:
    if host in {"localhost", "127.0.0.1", "::1"}:
        return "No mail server listens there on this machine; -S HOST[:PORT] names another."
    if port == 25:
        return "Many networks block port 25; providers take mail on 465 (TLS) or 587 (STARTTLS)."
    return "Look at the server's name and port, and whether a firewall is in between."
