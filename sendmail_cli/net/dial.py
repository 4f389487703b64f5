"""Names to a connected socket."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from sendmail_cli.errors import ConnectFailed, HostNotFound, ResourceError
from sendmail_cli.net.stream import reason, wait

if TYPE_CHECKING:
    from collections.abc import Callable

NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def dial(host: str, port: int, seconds: float, clock: Callable[[], float]) -> socket.socket:
    """A socket connected to `host`, every address of it tried in the resolver's order (RFC 5321 §5.1).

    The time is shared out among the addresses, so that a dead first one leaves enough for the next. Raises
    `HostNotFound`, `ConnectFailed`, `ResourceError`.
    """
    addresses = _resolve(host, port)
    deadline = clock() + seconds
    failures: list[str] = []
    for index, (family, address) in enumerate(addresses):
        share = (deadline - clock()) / (len(addresses) - index)
        try:
            return _connect(family, address, share)
        except OSError as error:
            failure = f"{reason(error)} ({address[0]})" if len(addresses) > 1 else reason(error)
            failures.append(failure)
    where = f"{host} port {port}"
    raise ConnectFailed(f"no connection to {where}: {'; '.join(dict.fromkeys(failures))}", hint=_hint(host, port))


def dial_unix(path: str) -> socket.socket:
    """A socket connected to the unix socket at `path`. Raises `ConnectFailed`."""
    if not hasattr(socket, "AF_UNIX"):
        raise ConnectFailed("this system has no unix sockets")
    try:
        connected = _socket(socket.AF_UNIX)
    except OSError as error:
        raise ConnectFailed(f"no unix socket could be had: {reason(error)}") from None
    try:
        connected.settimeout(0)  # a server too busy to take us says so at once
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise ConnectFailed(f"no connection to the socket {path}: {reason(error)}") from None
    return connected


def _resolve(host: str, port: int) -> list[tuple[int, Any]]:
    try:
        # As bytes: for a text Python loads its IDNA codec, 5 ms for a name that is in A-labels already.
        found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except OSError as error:
        if isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME:
            raise HostNotFound(
                f"there is no host named {host}", hint="Look at its spelling, and whether this machine is on line."
            ) from None
        raise ConnectFailed(
            f"the name {host} could not be looked up: {reason(error)}",
            hint="The name server does not answer; this often passes. Is this machine on line?",
        ) from None
    return [(family, address) for family, _, _, _, address in found]


def _connect(family: int, address: Any, seconds: float) -> socket.socket:
    connecting = _socket(family)
    try:
        connecting.settimeout(0)
        code = connecting.connect_ex(address)
        if code in {errno.EINPROGRESS, errno.EWOULDBLOCK}:
            wait(connecting, max(0.0, seconds), for_read=False, for_write=True)
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or _still_connecting(connecting)
    except BaseException:
        connecting.close()
        raise
    if code == 0:
        return connecting
    connecting.close()
    raise OSError(code, os.strerror(code))


def _still_connecting(connecting: socket.socket) -> int:
    """0 when the connection stands, else why it doesn't."""
    try:
        connecting.getpeername()
    except OSError as error:
        return errno.ETIMEDOUT if error.errno == errno.ENOTCONN else error.errno or errno.EIO
    return 0


def _socket(family: int) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno in OUT_OF_RESOURCES:
            raise ResourceError(f"no socket could be had: {reason(error)}") from None
        raise


def _hint(host: str, port: int) -> str:
    if host in {"localhost", "127.0.0.1", "::1"}:
        return "No mail server listens there on this machine; -S HOST[:PORT] names another."
    if port == 25:
        return "Many networks block port 25; providers take mail on 465 (TLS) or 587 (STARTTLS)."
    return "Look at the server's name and port, and whether a firewall is in between."
