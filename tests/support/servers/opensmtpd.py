"""OpenSMTPD of Debian. It can do no TLS on Debian 12: every handshake fails (its test has the case)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.servers import overlay
from tests.support.servers.kind import Way
from tests.support.servers.overlay import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.servers.kind import RealServer

# It offers AUTH after TLS alone, and so never.
MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.PLAIN: ()}

CONFIGURATION = """\
pki "mx.example.org" cert "/etc/ssl/mx.pem"
pki "mx.example.org" key "/etc/ssl/private/mx.pem"
table users { "@" = "nobody" }
listen on 127.0.0.1 port {implicit} smtps pki "mx.example.org" hostname mx.example.org
listen on 127.0.0.1 port {starttls} tls pki "mx.example.org" hostname mx.example.org
listen on 127.0.0.1 port {plain} hostname mx.example.org
action keep mda "exec /stage/keep %{rcpt:raw}" virtual <users>
match from any for any rcpt-to "nobody-here@example.org" reject
match from any for domain "example.org" action keep
"""

START = """
cp /stage/server.pem /etc/ssl/mx.pem
install -m 600 /stage/server.pem /etc/ssl/private/mx.pem
install -m 640 /stage/smtpd.conf /etc/smtpd.conf
smtpd -d
"""

RECIPE = Recipe(
    "opensmtpd",
    MECHANISMS,
    START,
    {"smtpd.conf": CONFIGURATION},
    ports=tuple(Way),
    queue="var/spool/smtpd/queue/*/*",
)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return overlay.missing("opensmtpd")


def start(folder: Path) -> AbstractContextManager[RealServer]:
    """Starts one in the empty `folder`."""
    return overlay.running(RECIPE, folder)
