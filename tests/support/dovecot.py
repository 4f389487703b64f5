"""A real Dovecot submission server of the test run's own, where certificates sign in, and nothing else does.

All it has lives in a temporary directory. It takes TLS from the first octet or by STARTTLS, wants a certificate of its
own authority, and takes the certificate's common name as the user's. What it accepts goes to the relay that is named.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.support.patience import PATIENCE
from tests.support.ports import reserve_ports
from tests.support.postfix import CLEAN_ENVIRONMENT, FOLDER, missing_programs, wait_for_greeting
from tests.support.sink import Sink

USER = "alice@example.org"

CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
default_internal_user = dovecot
default_login_user = dovenull
protocols = submission
listen = 127.0.0.1
hostname = submission.example.org
first_valid_uid = 1
mail_location = maildir:{root}/mail/%u

ssl = required
ssl_cert = <{root}/etc/server.pem
ssl_key = <{root}/etc/server.pem
ssl_ca = <{root}/etc/client-ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = yes
auth_ssl_username_from_cert = yes
auth_mechanisms = external
passdb {{
  driver = static
  args = nopassword=y user={user}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u
}}

submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  inet_listener submissions {{
    port = {submissions_port}
    ssl = yes
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """Where it listens, and the certificates for it."""

    root: Path
    relay: Sink  # gets what was accepted
    port: int  # STARTTLS
    submissions_port: int  # TLS from the first octet
    host: str = "localhost"
    user: str = USER

    @property
    def ca_file(self) -> Path:
        """The certificate that signed the server's own."""
        return self.root / "etc/ca.pem"

    @property
    def certificate(self) -> Path:
        """The user's certificate with its key."""
        return self.root / "etc/alice.pem"

    @property
    def foreign_certificate(self) -> Path:
        """One of another authority, for the same name."""
        return self.root / "etc/foreign.pem"

    def log(self) -> str:
        """What it says about it: the first place to look when a test fails."""
        log = self.root / "log"
        return log.read_text(errors="replace") if log.exists() else "(no log)"


def why_unavailable() -> str | None:
    """Why a Dovecot of our own cannot be started on this machine; None when it can."""
    if os.geteuid() != 0:
        return "Dovecot can only be started by root"
    if not Path("/usr/lib/dovecot/submission-login").exists():
        return "not installed: dovecot-submissiond (.ci/servers installs it)"
    return missing_programs("dovecot", "setpriv")


@contextmanager
def running_dovecot(relay: Sink) -> Iterator[Dovecot]:
    """Starts one, and leaves neither process nor file behind."""
    root = Path(tempfile.mkdtemp(prefix="dovecot-", dir=FOLDER))
    try:
        server = _lay_out(root, relay)
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dovecot", "-F", "-c", str(root / "etc/dovecot.conf")],
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            if not wait_for_greeting(server.port, process):
                raise RuntimeError(f"Dovecot does not start:\n{server.log()}")
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(root)


def _lay_out(root: Path, relay: Sink) -> Dovecot:
    root.chmod(0o755)
    for name in ("etc", "run", "state", "mail"):
        (root / name).mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(root / "mail", nobody.pw_uid, nobody.pw_gid)
    port, submissions_port = reserve_ports(2)
    settings = {"port": port, "submissions_port": submissions_port, "relay_port": relay.port, "user": USER}
    text = CONFIG.format(root=root, uid=nobody.pw_uid, gid=nobody.pw_gid, **settings)
    (root / "etc/dovecot.conf").write_text(text)
    _issue_certificates(root / "etc")
    return Dovecot(root, relay, port, submissions_port)


def _issue_certificates(folder: Path) -> None:
    authority, foreign = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.cert_pem.write_to_path(str(folder / "client-ca.pem"))
    server = authority.issue_cert("localhost", "127.0.0.1")
    for certificate, name in (
        (server, "server.pem"),
        (authority.issue_cert(USER, common_name=USER), "alice.pem"),
        (foreign.issue_cert(USER, common_name=USER), "foreign.pem"),
    ):
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / name))
        (folder / name).chmod(0o600)
