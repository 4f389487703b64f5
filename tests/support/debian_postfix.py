"""Postfix on localhost:25 exactly as Debian installs it, where it disturbs nobody.

The packaged /etc/postfix/main.cf and master.cf are used untouched, and started the way Debian's unit for systemd does.
It happens in namespaces of its own: a network with nothing but loopback, so that port 25 is free and nothing leaves;
mounts that put fresh directories over queue, state and mailboxes; process ids, so that all of it ends at once.
"""

import fcntl
import mailbox
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.patience import PATIENCE
from tests.support.postfix import CLEAN_ENVIRONMENT, FOLDER, is_for, missing_programs, wait_for

USER = "alice"
NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child")

# What runs as the first process in there: its end is the end of all others. /proc is still that of the world outside,
# so the number that it prints is the one to enter the namespaces by.
INIT = """
set -eu
ip link set lo up
mount --bind "$0/spool" /var/spool/postfix
mount --bind "$0/state" /var/lib/postfix
mount --bind "$0/mail" /var/mail
mount --bind "$0/passwd" /etc/passwd
/usr/lib/postfix/configure-instance.sh -
postmulti -i - -p start
read -r pid rest </proc/self/stat
echo "$pid"
exec sleep infinity
"""

# All that Debian's installation writes into main.cf, for each kind of set-up that it offers.
PACKAGED_PARAMETERS = """
alias_database alias_maps append_dot_mydomain biff compatibility_level default_transport inet_interfaces inet_protocols
mailbox_size_limit mydestination myhostname mynetworks myorigin readme_directory recipient_delimiter relay_transport
relayhost smtp_tls_CApath smtp_tls_security_level smtp_tls_session_cache_database smtpd_banner
smtpd_relay_restrictions smtpd_tls_cert_file smtpd_tls_key_file smtpd_tls_security_level
"""


@dataclass(frozen=True, slots=True)
class DebianPostfix:
    """A way in, and a look at what was delivered. Outside, none of it can be reached."""

    root: Path
    process: int  # the first one in there
    host: str = "localhost"
    port: int = 25
    user: str = USER  # a user of the system who exists only in there

    def command(self, argv: Sequence[str | Path], cwd: str | Path | None = None) -> list[str]:
        """The argv that runs this one in there, as the same process: signals sent to it arrive."""
        enter = ["nsenter", "--target", str(self.process), "--mount", "--net"]
        chdir = ["env", f"--chdir={cwd or Path.cwd()}"]  # entering lands in /
        return [*enter, "--", *chdir, *map(str, argv)]

    def run(
        self, argv: Sequence[str | Path], *, cwd: str | Path | None = None, check: bool = False, **kwargs: Any
    ) -> subprocess.CompletedProcess[Any]:
        """subprocess.run in there; files and folders are those of the world outside, but for Postfix's and the mail."""
        return subprocess.run(self.command(argv, cwd), check=check, **kwargs)

    def fresh_recipient(self) -> str:
        """An address of the user that no other test uses: Debian delivers user+anything to user."""
        return f"{self.user}+{uuid4().hex}@localhost"

    def delivered(self, recipient: str, *, at_least: int = 1, within: float = 60.0) -> list[bytes]:
        """The messages for this recipient in the user's mailbox, oldest first, as soon as there are that many."""
        user = recipient.partition("@")[0].partition("+")[0]
        seen, found = 0, list[bytes]()

        def look() -> list[bytes]:
            nonlocal seen, found
            size = self._size_of_mailbox(user)
            if size != seen:  # whoever locks it all the time keeps Postfix out
                seen = size
                found = [message for message in self.mailbox(user) if is_for(recipient, message)]
            return found

        return wait_for(at_least, look, within=within, explain=self.queue)

    def _size_of_mailbox(self, user: str) -> int:
        file = self.root / "mail" / user
        return file.stat().st_size if file.exists() else 0

    def mailbox(self, user: str) -> list[bytes]:
        """All that is in /var/mail/user by now, each without the line that divides messages in an mbox."""
        file = self.root / "mail" / user
        if not file.exists():
            return []
        with file.open("rb") as stream, closing(mailbox.mbox(file, create=False)) as box:
            fcntl.lockf(stream, fcntl.LOCK_SH)  # Postfix holds the lock while it writes
            return [box.get_bytes(key) for key in box.iterkeys()]

    def queue(self) -> str:
        """What mailq says: where a message is that has not arrived, and why."""
        return str(self.run(["mailq"], capture_output=True, text=True, env=CLEAN_ENVIRONMENT).stdout)


def why_unavailable() -> str | None:
    """Why Debian's Postfix cannot be started in namespaces on this machine; None when it can."""
    if os.geteuid() != 0:
        return "namespaces and Postfix need root"
    reason = missing_programs("postfix", "postconf", "postmulti", "ip", "unshare", "nsenter", "setpriv")
    return reason or _why_no_namespaces() or _why_not_packaged()


@contextmanager
def running_debian_postfix() -> Iterator[DebianPostfix]:
    """Starts it, and leaves neither process nor file nor mount behind."""
    root = Path(tempfile.mkdtemp(prefix="debian-postfix-", dir=FOLDER))
    try:
        _lay_out(root)
        unshare = _launch(root)
        assert unshare.stdout is not None
        line = unshare.stdout.readline()
        if not line:
            unshare.communicate()
            raise RuntimeError(f"Debian's Postfix does not start:\n{(root / 'log').read_text()}")
        try:
            yield DebianPostfix(root, int(line))
        finally:
            os.kill(int(line), signal.SIGKILL)
            unshare.communicate(timeout=PATIENCE)
    finally:
        shutil.rmtree(root)


def _why_no_namespaces() -> str | None:
    trial = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return None if trial.returncode == 0 else f"this machine lets root make no namespaces: {trial.stderr.strip()}"


def _why_not_packaged() -> str | None:
    """Postfix with somebody's own set-up is another server, and could do anything with a mail."""
    if not Path("/usr/lib/postfix/configure-instance.sh").exists():
        return "the Postfix of this machine is not Debian's package"
    if not Path("/etc/postfix/main.cf").exists():
        return "/etc/postfix/main.cf is missing: Postfix was installed without a configuration"
    listed = subprocess.run(["postconf", "-n"], env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=True)
    own = {line.partition("=")[0].strip() for line in listed.stdout.splitlines()} - set(PACKAGED_PARAMETERS.split())
    if own:
        return f"/etc/postfix/main.cf is not as Debian made it: {', '.join(sorted(own))} set"
    if Path("/etc/postfix/master.cf").read_bytes() != Path("/etc/postfix/master.cf.proto").read_bytes():
        return "/etc/postfix/master.cf is not as Debian made it"
    return None


def _lay_out(root: Path) -> None:
    """Empty directories with the owners and modes of those that they will cover, and one user more."""
    root.chmod(0o755)
    for name, original in (("spool", "/var/spool/postfix"), ("state", "/var/lib/postfix"), ("mail", "/var/mail")):
        status = Path(original).stat()
        (root / name).mkdir()
        os.chown(root / name, status.st_uid, status.st_gid)
        (root / name).chmod(status.st_mode & 0o7777)
    others = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith(f"{USER}:")]
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    uid = next(number for number in range(60000, 64000) if number not in taken)
    home = root / "home"
    home.mkdir()
    os.chown(home, uid, pwd.getpwnam("nobody").pw_gid)
    user = f"{USER}:x:{uid}:{pwd.getpwnam('nobody').pw_gid}::{home}:/bin/sh"
    (root / "passwd").write_text("\n".join([*others, user, ""]))


def _launch(root: Path) -> subprocess.Popen[str]:
    """The namespaces with their first process; the kernel ends them when we die, however that comes about."""
    with (root / "log").open("w") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "sh", "-c", INIT, str(root)],
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
