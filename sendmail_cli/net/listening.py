"""Sockets that listen on this machine: made by us, or handed over by whoever started us (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from ipaddress import ip_address

from sendmail_cli.errors import ConfigError, ResourceError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import MutableMapping

BACKLOG = 128  # connections that wait to be accepted

_FIRST_INHERITED = 3  # SD_LISTEN_FDS_START
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Listening(NamedTuple):
    """A socket that listens on this machine alone."""

    socket: socket.socket
    path: str | None = None  # of a unix socket
    port: int | None = None
    is_ours: bool = True  # False: somebody else holds it, too

    def __str__(self) -> str:
        if self.path is not None:
            return printable(self.path)
        host = self.socket.getsockname()[0]
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def close(self) -> None:
        """Let go of it; a unix socket that we made is gone."""
        self.socket.close()
        if self.path is not None and self.is_ours:
            with suppress(OSError):
                os.unlink(self.path)


def listen_tcp(host: str, port: int) -> Listening:
    """On a port of loopback; 0 is one that is free. Raises `UsageError` for another host, and `ResourceError`."""
    address = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(address):
        raise UsageError(
            f"“{printable(host, 80)}” is not this machine's loopback: only 127.0.0.1 and ::1 are listened on",
            hint="Other machines need TLS and users of their own: that is what Postfix is for.",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise _not_to_be_had(f"port {port} of {address}", error, "Choose another port, or 0 for a free one.") from None
    # Connections inherit it. Without, an answer may wait for the ACK of the one before: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Listening(listening, port=listening.getsockname()[1])


def listen_unix(path: str, mode: int) -> Listening:
    """On a unix socket with these permissions. A socket that nobody listens on any more is replaced.

    Raises `ResourceError`.
    """
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o777 & ~mode)  # nobody else gets in, not even before a chmod
    try:
        _take_leftover_away(path)
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _not_to_be_had(printable(path), error, "Name a file in a folder that you may write to.") from None
    finally:
        os.umask(before)
    return Listening(listening, path)


def inherited(variables: MutableMapping[str, str], process: int) -> tuple[Listening, ...]:
    """What was handed over to this `process`; the variables that say so are taken out.

    Raises `ConfigError` for a socket that other machines can reach, or that is none to listen on.
    """
    found = {name: variables.pop(name, "") for name in _VARIABLES}
    if found["LISTEN_PID"] != str(process) or not found["LISTEN_FDS"].isdecimal():
        return ()
    return tuple(_inherited(_FIRST_INHERITED + number) for number in range(int(found["LISTEN_FDS"])))


def _inherited(descriptor: int) -> Listening:
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - no name is taken
        taken = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ConfigError(
            f"descriptor {descriptor}, which was handed over, is no socket: {(error.strerror or str(error)).lower()}"
        ) from None
    try:
        return _checked(taken, descriptor)
    except ConfigError:
        taken.close()
        raise


def _checked(taken: socket.socket, descriptor: int) -> Listening:
    if taken.type != socket.SOCK_STREAM or not taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ConfigError(f"descriptor {descriptor}, which was handed over, is no stream socket that listens")
    if taken.family == socket.AF_UNIX:
        return Listening(taken, os.fsdecode(taken.getsockname()), is_ours=False)
    host, port = taken.getsockname()[:2]
    if not _is_loopback(host):
        raise ConfigError(
            f"the socket that was handed over listens on {printable(host)}, where other machines reach it",
            hint=f"Write ListenStream=127.0.0.1:{port} into the socket unit.",
        )
    return Listening(taken, port=port, is_ours=False)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _take_leftover_away(path: str) -> None:
    """Take away the socket at `path` that a killed process has left. Raises OSError where somebody listens on it."""
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(state.st_mode):
        raise FileExistsError(17, "there is a file of that name")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise FileExistsError(17, "somebody listens there already")


def _not_to_be_had(what: str, error: OSError, hint: str) -> ResourceError:
    why = (error.strerror or str(error)).lower()
    return ResourceError(f"can't listen on {what}: {why}", hint=hint)
