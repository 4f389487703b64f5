"""dovecot-submissiond of Debian: wants AUTH, and hands what it takes to a relay of its own, the smtp-server next door.

What it refuses at RCPT is what the relay refuses. `dovecot_oauth` is the same for tokens.
"""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.support.ports import reserve_ports
from tests.support.postfix import FOLDER
from tests.support.servers import smtp_server
from tests.support.servers.kind import Way
from tests.support.servers.process import missing_programs, serving
from tests.support.servers.running import HOST_NAME, PASSWORD, USER, Running, write_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


BY_PASSWORD = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
MECHANISMS: Mapping[Way, tuple[str, ...]] = dict.fromkeys(Way, BY_PASSWORD)  # in the clear only on this machine

# What each Dovecot of ours needs to stand beside the system's, and not to keep tests of wrong passwords waiting.
PRIVATE = """\
base_dir = {home}/run
state_dir = {home}/run
log_path = /dev/stderr
hostname = {host}
listen = 127.0.0.1
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
ssl_cert = <{certificate}
ssl_key = <{certificate}
mail_location = maildir:{home}/mail/%n
"""

SUBMISSION = """\
protocols = submission
auth_mechanisms = {mechanisms}
{passdbs}
service submission-login {{
  inet_listener submission {{
    port = {starttls}
  }}
  inet_listener submissions {{
    port = {implicit}
    ssl = yes
  }}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail/%n
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
"""

# With plain passwords all mechanisms work.
PASSWORDS = """\
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
"""


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_daemon("submission") or smtp_server.missing()


def missing_daemon(name: str) -> str:
    """Why one of Dovecot's servers cannot be run by us; "" when it can."""
    if os.geteuid() != 0:
        return "Dovecot can only be started by root"
    absent = missing_programs("dovecot")
    if not absent and not Path(f"/usr/lib/dovecot/{name}").exists():
        return f"not installed: dovecot-{name}d (.ci/servers installs it)"
    return absent


@contextmanager
def start(folder: Path, *, mechanisms: tuple[str, ...] = BY_PASSWORD, passdbs: str = "") -> Iterator[Running]:
    """`mechanisms` are what it offers, and `passdbs` blocks of dovecot.conf that come before the one with passwords."""
    (folder / "relay").mkdir()
    implicit, starttls = reserve_ports(2)
    with smtp_server.start(folder / "relay") as relay, home() as at:
        (at / "users").write_text(f"{USER}:{PASSWORD}\n")
        configuration = SUBMISSION.format(
            mechanisms=" ".join(mechanisms).lower(),
            passdbs=passdbs + PASSWORDS.format(home=at),
            home=at,
            implicit=implicit,
            starttls=starttls,
            relay=relay.ports[Way.PLAIN],
        )
        ca_file, certificate = write_certificates(folder)
        with running_dovecot(configuration, at, folder, certificate, ports=[implicit, starttls]):
            yield Running(
                name="dovecot",
                ports={Way.IMPLICIT: implicit, Way.STARTTLS: starttls, Way.PLAIN: starttls},
                mechanisms=MECHANISMS,
                delivered=relay.delivered,
                ca_file=ca_file,
            )


@contextmanager
def home() -> Iterator[Path]:
    """A folder with a short path, since sockets are in it, that Dovecot's users can enter; mail/ in it is nobody's."""
    nobody = pwd.getpwnam("nobody")
    with TemporaryDirectory(prefix=f"dovecot-{os.getpid()}-", dir=FOLDER) as name:
        Path(name).chmod(0o755)
        mail = Path(name, "mail")
        mail.mkdir()
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        yield Path(name)


@contextmanager
def running_dovecot(
    configuration: str, at: Path, folder: Path, certificate: Path, *, ports: list[int], sockets: Sequence[Path] = ()
) -> Iterator[None]:
    """A Dovecot that lives in the home `at`, with its configuration and log in `folder`."""
    file = folder / "dovecot.conf"
    file.write_text(PRIVATE.format(home=at, host=HOST_NAME, certificate=certificate) + configuration)
    # Told by SIGTERM its first process ends the others, which nobody would do after SIGKILL.
    leash = ("--pdeathsig", "TERM")
    with serving("dovecot", "-F", "-c", file, log=folder / "log", ports=ports, sockets=sockets, leash=leash):
        yield
