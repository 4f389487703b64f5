"""Ports of 127.0.0.1 for servers that can't be given a socket, and for what nobody listens on."""

from __future__ import annotations

import socket


def reserve_ports(count: int = 1) -> list[int]:
    """Free ports that the system gives to nobody else as long as this process lives.

    Each is bound and never listened on, so whoever connects is refused. Linux lets a server bind it as well, since both
    say SO_REUSEADDR, and all servers do; but it is never chosen for a socket that may have any port.
    """
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.detach()  # the descriptor is the process's from here on
    return ports
