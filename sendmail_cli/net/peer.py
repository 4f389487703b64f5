"""Who is at the other end of a unix socket, as the kernel says (unix(7), SO_PEERCRED)."""

from __future__ import annotations

import socket
import struct

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def peer_uid(connected: socket.socket) -> int | None:
    """The user id of the process that connected; None where the kernel doesn't say it: TCP, and not on Linux."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or connected.family != socket.AF_UNIX:
        return None
    _, uid, _ = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return int(uid)
