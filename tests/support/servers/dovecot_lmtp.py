"""Dovecot's LMTP server (dovecot-lmtpd of Debian) on a port and on a unix socket; no server of the matrix.

It takes mail for everybody at its domain into Maildirs. One recipient it refuses at RCPT, and one it accepts there and
refuses after the content, which is what LMTP is about (RFC 2033 §4.2).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.support.ports import reserve_ports
from tests.support.servers.dovecot import home, missing_daemon, running_dovecot
from tests.support.servers.kind import Delivered
from tests.support.servers.running import DOMAIN, write_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RETURN_PATH = b"Return-Path: <"

# Nobody signs in, but Dovecot wants to know where passwords are. By their domain all users are one, except for the one
# whose mailbox has no room.
LMTP = """\
protocols = lmtp
mail_plugins = quota
plugin {{
  quota = count:all of it
  quota_vsizes = yes
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%d {home}/domains
}}
service lmtp {{
  inet_listener lmtp {{
    port = {port}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""
ACCOUNT = "{name}::65534:65534::{home}/mail/%n::{more}\n"


class DovecotLmtp(NamedTuple):
    """A running one; STARTTLS is offered on both ways in."""

    mail: Path
    socket: Path
    port: int
    ca_file: Path
    host: str = "localhost"
    local_domain: str = DOMAIN  # any1@local_domain, any2@local_domain, … are accepted
    refused: str = "nobody-here@elsewhere.test"  # 550 in answer to RCPT
    full: str = f"full@{DOMAIN}"  # 552 in answer to the content

    def delivered(self) -> list[Delivered]:
        """What is in the Maildirs, oldest first: one for each recipient. A reply comes when they are written."""
        files = sorted(self.mail.glob("*/new/*"), key=lambda file: file.stat().st_mtime_ns)
        return [self._read(file) for file in files]

    def _read(self, file: Path) -> Delivered:
        first, _, octets = file.read_bytes().partition(b"\n")
        mail_from = first.removeprefix(RETURN_PATH).removesuffix(b">").decode()
        return Delivered(mail_from, (f"{file.parents[1].name}@{self.local_domain}",), octets)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_daemon("lmtp")


@contextmanager
def start(folder: Path) -> Iterator[DovecotLmtp]:
    """Starts one, which ends with the block, or with this process."""
    ca_file, certificate = write_certificates(folder)
    [port] = reserve_ports()
    with home() as at:
        server = DovecotLmtp(mail=at / "mail", socket=at / "run/lmtp", port=port, ca_file=ca_file)
        no_room = "userdb_quota_rule=*:bytes=1"
        (at / "users").write_text(ACCOUNT.format(name=server.full, home=at, more=no_room))
        (at / "domains").write_text(ACCOUNT.format(name=DOMAIN, home=at, more=""))
        configuration = LMTP.format(home=at, port=port)
        with running_dovecot(configuration, at, folder, certificate, ports=[port], sockets=[server.socket]):
            yield server
