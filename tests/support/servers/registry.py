"""The servers of the matrix: a line for each module of this folder that is one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.support.servers.kind import ServerModule

SERVERS: tuple[str, ...] = (
    # MTAs of Debian, each in an overlay root of its own
    "exim",
    "sendmail",
    "courier",
    "opensmtpd",
    "qpsmtpd",
    # installed beside the system's own
    "postfix",
    "dovecot",
    "dovecot_oauth",
    "chasquid",
    "haraka",
    "smtp_server",
    "aiosmtpd",
    "smtp_sink",
)


def server_module(name: str) -> ServerModule:
    """The module of one of SERVERS; only then is it imported."""
    return cast("ServerModule", import_module(f"tests.support.servers.{name}"))
