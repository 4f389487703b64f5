"""Exim of Debian (exim4-daemon-heavy), with a configuration of our own."""

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

_ALL = ("PLAIN", "LOGIN", "CRAM-MD5")
MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.IMPLICIT: _ALL, Way.STARTTLS: _ALL, Way.PLAIN: _ALL}

CONFIGURATION = """\
keep_environment =
primary_hostname = mx.example.org
domainlist local_domains = example.org
local_interfaces = 127.0.0.1
daemon_smtp_ports = {implicit} : {starttls} : {plain}
tls_on_connect_ports = {implicit}
tls_advertise_hosts = *
tls_certificate = /stage/exim.pem
host_lookup =
rfc1413_query_timeout = 0s
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
prdr_enable = true
accept_8bitmime = true
log_file_path = /var/log/exim4/%slog
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  deny local_parts = nobody-here
       message = 5.1.1 <$local_part@$domain>: nobody of this name here
  accept domains = +local_domains
  accept authenticated = *
  deny message = 5.7.1 relaying denied

begin routers
keep:
  driver = accept
  transport = keep

begin transports
keep:
  driver = pipe
  command = /stage/keep $pipe_addresses
  batch_max = 100
  user = nobody
  message_prefix =
  message_suffix =

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{{user}}}{eq{$auth3}{{password}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if and{{eq{$auth1}{{user}}}{eq{$auth2}{{password}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{{user}}{{password}}fail}
  server_set_id = $auth1
"""

START = """
install -o root -g Debian-exim -m 640 /stage/server.pem /stage/exim.pem
install -m 644 /stage/exim.conf /etc/exim4/exim4.conf
mkdir -p /run/exim4
chown Debian-exim: /run/exim4
exim4 -bdf
"""

RECIPE = Recipe("exim", MECHANISMS, START, {"exim.conf": CONFIGURATION}, queue="var/spool/exim4/input/*")


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return overlay.missing("exim")


def start(folder: Path) -> AbstractContextManager[RealServer]:
    """Starts one in the empty `folder`."""
    return overlay.running(RECIPE, folder)
