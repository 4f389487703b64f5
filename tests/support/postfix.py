"""A real Postfix of the test run's own: its configuration, queue, ports and certificate live in a temporary directory.

Nothing of the machine's mail set-up is read or changed, so several can run side by side, one in each worker of
pytest-xdist. It takes mail for the domains of RFC 2606, puts all of it into one Maildir, and sends nothing anywhere
else. It knows one user for AUTH, refuses one recipient for good and one for now, and is as strict about bare newlines
and early pipelining as this version of Postfix can be: a client that smuggles is caught.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import trustme

from tests.support.patience import PATIENCE, wait_until
from tests.support.ports import reserve_ports

T = TypeVar("T")

USER = "alice@example.org"
PASSWORD = 'correct horse "battery" staple'
START_ATTEMPTS = 3  # a port that was free may be taken before Postfix listens on it
FOLDER = "/tmp"  # not TMPDIR, which may be for root alone: Postfix's own users must get in
HEADER_BYTES = 4096  # what Postfix puts on top of a message when it delivers it stands well within

# Root's PATH on Debian. The one we run under may lack sbin, and what else is in our environment (SSL_CERT_FILE,
# MAIL_CONFIG) must not reach the server.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/log
maillog_file_prefixes = {root}
mail_owner = postfix
setgid_group = postdrop

myhostname = mx.example.org
myorigin = example.org
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
local_transport = error:5.1.1 nobody lives here
default_transport = error:5.1.2 nothing leaves this server
relay_transport = error:5.1.2 nothing leaves this server
notify_classes =

virtual_mailbox_domains = regexp:{root}/etc/domains
virtual_mailbox_maps = static:everybody/
virtual_mailbox_base = {root}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
message_size_limit = 209715200
virtual_mailbox_limit = 0

smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:{root}/etc/recipients

smtpd_tls_chain_files = {root}/etc/server.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {root}/etc/sasl
"""

# reject answers a bare newline with 550, where yes quietly repairs the message. By default clients in mynetworks, which
# are all of ours, may do as they like: the exclusions are emptied.
STRICT_CF = """\
smtpd_forbid_unauth_pipelining = yes
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{submission_port} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{submissions_port} inet n - n - - smtpd
  -o syslog_name=postfix/submissions
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{narrow_port} inet n - n - - smtpd
  -o syslog_name=postfix/narrow
  -o smtpd_recipient_limit=2
127.0.0.1:{open_port} inet n - n - - smtpd
  -o syslog_name=postfix/open
  -o smtpd_tls_auth_only=no
  -o smtpd_sasl_auth_enable=yes
127.0.0.1:{open_implicit_port} inet n - n - - smtpd
  -o syslog_name=postfix/open-implicit
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

DOMAINS = r"""
/^(.+\.)?example\.(org|com|net)$/ ours
/\.(example|test)$/ ours
"""

RECIPIENTS = r"""
/^nobody-here@/ 550 5.1.1 No such user here
/^later@/ 450 4.2.1 Mailbox busy, try again later
"""

# Debian's Postfix looks for this in etc/sasl whatever cyrus_sasl_config_path says; others believe the parameter.
SASL_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {root}/users.db
mech_list: {mechanisms}
"""
MECHANISMS = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"

# Its name in the realm, and where its libraries find the key.
KERBEROS_CF = """\
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C KRB5_CONFIG={configuration} KRB5_KTNAME={keytab}
"""


# Ends Postfix's master when told to. The kernel tells it when we die, however that comes about: setpriv asks for that.
# It cannot ask for master itself, since Linux forgets the request when a process changes its user, and master does.
LEASH = """
trap 'kill "$!"' TERM
"$0" "$@" &
wait "$!"
wait "$!"
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """Where the server listens, whom it knows, and what it has delivered."""

    root: Path
    port: int  # as on 25: no AUTH, STARTTLS offered
    submission_port: int  # as on 587: nothing before STARTTLS, no recipient before AUTH
    submissions_port: int  # as on 465: TLS from the first octet, no recipient before AUTH
    narrow_port: int  # as on 25; takes two recipients in one transaction, and says 452 4.5.3 to the third
    open_port: int  # for everybody and every way: STARTTLS and AUTH offered, also together, neither demanded
    open_implicit_port: int  # the same with TLS from the first octet
    host: str = "localhost"
    user: str = USER
    password: str = PASSWORD
    refused_recipient: str = "nobody-here@example.org"  # 550 5.1.1 in answer to RCPT
    deferred_recipient: str = "later@example.org"  # 450 4.2.1 in answer to RCPT

    @property
    def ca_file(self) -> Path:
        """The certificate that signed the server's own; no system store knows it."""
        return self.root / "etc/ca.pem"

    def fresh_recipient(self, domain: str = "example.org") -> str:
        """An address that no other test uses: the server and its Maildir are shared by a whole test run."""
        return f"r-{uuid4().hex}@{domain}"

    def delivered(self, recipient: str, *, at_least: int = 1, within: float = 60.0) -> list[bytes]:
        """The messages in the Maildir for this recipient, oldest first, as soon as there are that many.

        Each is what Postfix wrote: Return-Path, X-Original-To, Delivered-To and Received on top, lines ended by LF.
        """
        files = wait_for(at_least, lambda: self._files_for(recipient), within=within, explain=self.log)
        return [file.read_bytes() for file in files]

    def log(self) -> str:
        """The last lines of what Postfix says about it: the first place to look when a test fails."""
        return _tail(self.root / "log")

    def _files_for(self, recipient: str) -> list[Path]:
        maildir = self.root / "mail/everybody/new"
        files = [file for file in maildir.glob("*") if is_for(recipient, _head(file))]
        return sorted(files, key=lambda file: file.stat().st_mtime_ns)


def why_unavailable() -> str | None:
    """Why a Postfix of our own cannot be started on this machine; None when it can."""
    if os.geteuid() != 0:
        return "Postfix can only be started by root"
    return missing_programs("postfix", "postconf", "saslpasswd2", "setpriv")


def missing_programs(*programs: str) -> str | None:
    """A sentence with those that are not on root's PATH; None when all are."""
    missing = [name for name in programs if shutil.which(name, path=CLEAN_ENVIRONMENT["PATH"]) is None]
    return f"not installed: {', '.join(missing)} (.ci/servers installs it)" if missing else None


@contextmanager
def running_postfix(keytab: Path | None = None, krb5_conf: Path | None = None) -> Iterator[Postfix]:
    """Starts one, and leaves neither process nor file behind. With a `keytab` tickets of that realm sign in, too."""
    root = Path(tempfile.mkdtemp(prefix="postfix-", dir=FOLDER))
    try:
        _lay_out(root)
        if keytab is not None:
            _take_tickets(root, KERBEROS_CF.format(configuration=krb5_conf, keytab=keytab))
        server, leash = _start(root)
        try:
            yield server
        finally:
            _stop(leash)
    finally:
        shutil.rmtree(root)


def _lay_out(root: Path) -> None:
    """Everything but the ports. Postfix's own users must be able to enter, unlike with mkdtemp's mode."""
    root.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "mail", "etc/sasl"):
        (root / name).mkdir()
    os.chown(root / "data", owner.pw_uid, owner.pw_gid)
    os.chown(root / "mail", nobody.pw_uid, nobody.pw_gid)
    main_cf = MAIN_CF.format(root=root, uid=nobody.pw_uid, gid=nobody.pw_gid)
    _configure(root, "main.cf", main_cf + (STRICT_CF if _can_be_strict() else ""))
    _configure(root, "domains", DOMAINS)
    _configure(root, "recipients", RECIPIENTS)
    (root / "etc/sasl/smtpd.conf").write_text(SASL_CONF.format(root=root, mechanisms=MECHANISMS))
    _add_user(root / "users.db", owner.pw_uid)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(root / "etc/ca.pem"))
    server = ca.issue_cert("localhost", "127.0.0.1", "::1", "*.example.org", "*.example")
    server.private_key_and_cert_chain_pem.write_to_path(str(root / "etc/server.pem"))


def _take_tickets(root: Path, more: str) -> None:
    _configure(root, "main.cf", (root / "etc/main.cf").read_text() + more)
    (root / "etc/sasl/smtpd.conf").write_text(SASL_CONF.format(root=root, mechanisms=f"{MECHANISMS} GSSAPI"))


def _configure(root: Path, name: str, text: str) -> None:
    """Writes it as if some time ago: Postfix waits, for seconds, until a file that it reads is no longer quite new."""
    file = root / "etc" / name
    file.write_text(text)
    os.utime(file, (time.time() - 60, time.time() - 60))


def _can_be_strict() -> bool:
    """Whether this Postfix can answer a bare newline with an error: 3.7.11 can, older ones lack the parameter."""
    return "smtpd_forbid_bare_newline_reject_code = " in _run("postconf", "-d").stdout


def _add_user(database: Path, owner: int) -> None:
    local_part, domain = USER.split("@")
    _run("saslpasswd2", "-c", "-p", "-f", str(database), "-u", domain, local_part, stdin=PASSWORD)
    os.chown(database, owner, -1)


def _start(root: Path) -> tuple[Postfix, subprocess.Popen[bytes]]:
    """Tries other ports when master gives up at once. Why it tells only syslog; likely it lost a race."""
    for _ in range(START_ATTEMPTS):
        port, submission, submissions, narrow, opened, opened_implicit = reserve_ports(6)
        server = Postfix(root, port, submission, submissions, narrow, opened, opened_implicit)
        _configure(root, "master.cf", _master_cf(server))
        _run("postfix", "-c", str(root / "etc"), "check")
        leash = _launch(root)
        if wait_for_greeting(server.port, leash):  # master opens all ports before it serves any
            return server, leash
        _stop(leash)
    raise RuntimeError(f"Postfix does not start on ports of the system's choice:\n{server.log()}")


def _master_cf(server: Postfix) -> str:
    return MASTER_CF.format(
        port=server.port,
        submission_port=server.submission_port,
        submissions_port=server.submissions_port,
        narrow_port=server.narrow_port,
        open_port=server.open_port,
        open_implicit_port=server.open_implicit_port,
    )


def _launch(root: Path) -> subprocess.Popen[bytes]:
    """Starts master on a leash, in a session of its own: Ctrl-C is for pytest alone."""
    daemons = _run("postconf", "-dh", "daemon_directory").stdout.strip()
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "sh", "-c", LEASH, f"{daemons}/master", "-c", str(root / "etc"), "-s"],
        env=CLEAN_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_for_greeting(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether a server greets on `port` before the deadline, and before its process ends."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                if connection.recv(4) == b"220 ":
                    return True
        except OSError:
            time.sleep(0.02)
    return False


def _stop(leash: subprocess.Popen[bytes]) -> None:
    """All of Postfix holds the stdout that it was started with: the end of that is the end of the last process."""
    leash.terminate()
    leash.communicate(timeout=PATIENCE)


def _run(*argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, input=stdin, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def is_for(recipient: str, message: bytes) -> bool:
    """Whether Postfix delivered it for this recipient: it notes on top whom the envelope named."""
    return f"\nX-Original-To: {recipient}\n".encode().lower() in message[:HEADER_BYTES].lower()


def wait_for(at_least: int, look: Callable[[], list[T]], *, within: float, explain: Callable[[], str]) -> list[T]:
    """What look() finds, as soon as that is enough; after the deadline an error with the explanation."""
    wait_until(
        lambda: len(look()) >= at_least,
        lambda: f"{len(look())} of {at_least} messages came within {within} s.\n{explain()}",
        within=within,
    )
    return look()


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEADER_BYTES)


def _tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
