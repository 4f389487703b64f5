"""Users of this machine without a profile: sendmail hands over to the service, which sends into a real Postfix."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, Installed
from tests.support.patience import PATIENCE, wait_until
from tests.support.required import skip_if

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postfix import Postfix

pytestmark = [
    pytest.mark.real_server,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others"),
]

PROFILE = """\
[profile.system]
from = "Machine <machine@example.org>"
server = "localhost:{postfix.submission_port}"
user = "{postfix.user}"
ca_file = "{postfix.ca_file}"
qualify = "host.example"
"""


class Service:
    """The service as its units start it, with a profile that sends into Postfix and its credential."""

    def __init__(self, folder: Path, postfix: Postfix) -> None:
        self.path = folder / "submit"
        self._home = Installed(folder / "service")
        self._home.configure(PROFILE.format(postfix=postfix))
        credentials = folder / "credentials"
        credentials.mkdir(mode=0o700)
        (credentials / "sendmail-cli.system").write_text(postfix.password)
        self._home.variables["CREDENTIALS_DIRECTORY"] = str(credentials)
        self._link = folder / "sendmail"
        self._link.symlink_to(COMMAND)
        self._users = folder / "users"
        self._users.mkdir(mode=0o755)

    def start(self) -> subprocess.Popen[bytes]:
        """By systemd's own tool, at the first connection."""
        tool = shutil.which("systemd-socket-activate")
        assert tool is not None, "systemd is not installed (.ci/servers installs it)"
        variables = [f"-E{name}={value}" for name, value in self._home.variables.items()]
        words: list[str | Path] = [
            tool,
            "-l",
            str(self.path),
            *variables,
            COMMAND,
            "relay",
            "--system",
            "--profile",
            "system",
        ]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self.path.exists)
        self.path.chmod(0o666)
        return process

    def sendmail(self, user: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Called by that user."""
        account = pwd.getpwnam(user)
        # setpriv, and not subprocess: an interpreter in root's home can be started by who was root a moment ago alone.
        become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        return subprocess.run(
            [*become, self._link, *arguments],
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "HOME": str(self._users), "SENDMAIL_CLI_SOCKET": str(self.path)},
        )


def closed_folder() -> Path | None:
    """What keeps others from our program: a folder above it that only its owner may enter; None where there is none."""
    above = (folder for place in (COMMAND, Path(__file__)) for folder in place.parents)
    return next((folder for folder in above if not folder.stat().st_mode & 0o001), None)


@pytest.fixture
def service(postfix: Postfix) -> Iterator[Service]:
    closed = closed_folder()
    skip_if(None if closed is None else f"other users can't enter {closed}, and the program is there")
    folder = Path(tempfile.mkdtemp(prefix="service-", dir="/tmp"))  # pytest's own is closed to others
    folder.chmod(0o755)
    service = Service(folder, postfix)
    process = service.start()
    try:
        yield service
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder)


@pytest.mark.parametrize("user", ["www-data", "nobody"])
def test_a_user_without_any_secret(service: Service, postfix: Postfix, user: str) -> None:
    recipient, blind = postfix.fresh_recipient(), postfix.fresh_recipient()
    text = f"To: {recipient}\nBcc: {blind}\nSubject: from PHP\n\n.\nGr\u00fc\u00dfe\n".encode()
    done = service.sendmail(user, "-t", "-i", stdin=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (message,) = postfix.delivered(recipient)
    assert f"Return-Path: <{user}@host.example>".encode() in message
    assert b"From: Machine <machine@example.org>" in message
    assert f"(sendmail-cli, from userid {pwd.getpwnam(user).pw_uid}) with ESMTP;".encode() in message
    assert b"\n\n.\nGr" in message
    (other,) = postfix.delivered(blind)
    assert b"Bcc" not in other.partition(b"\n\n")[0]


def test_who_claims_to_be_another(service: Service, postfix: Postfix) -> None:
    """A name of this machine is the caller's, whatever -f says; an address is his own affair."""
    first, second = postfix.fresh_recipient(), postfix.fresh_recipient()
    assert service.sendmail("nobody", "-f", "root", first, stdin=b"Subject: x\n\nx\n").returncode == 0
    assert service.sendmail("nobody", "-f", "shop@example.org", second, stdin=b"Subject: x\n\nx\n").returncode == 0
    assert b"Return-Path: <nobody@host.example>" in postfix.delivered(first)[0]
    assert b"Return-Path: <shop@example.org>" in postfix.delivered(second)[0]


def test_what_reports_are_asked_for_goes_along(service: Service, postfix: Postfix) -> None:
    """And an address beyond ASCII: Postfix, which has both, says of its delivery what www-data asked for."""
    sender, recipient = postfix.fresh_recipient(), f"b\u00fcro-{postfix.fresh_recipient()}"
    flags = ("-N", "success,failure", "-R", "hdrs", "-V", "QQ+1", "-f", sender, recipient)
    done = service.sendmail("www-data", *flags, stdin=b"Subject: x\n\nThanks.\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"with UTF8SMTP;" in postfix.delivered(recipient)[0]
    (report,) = postfix.delivered(sender)
    assert b"\nOriginal-Envelope-Id: QQ+1\n" in report
    assert b"\nAction: delivered\n" in report
    assert b"Thanks." not in report


def test_smtp_on_standard_input(service: Service, postfix: Postfix) -> None:
    recipient = postfix.fresh_recipient()
    dialogue = (
        f"EHLO localhost\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n"
        "Subject: Symfony\r\n\r\nx\r\n.\r\nQUIT\r\n"
    )
    done = service.sendmail("www-data", "-bs", stdin=dialogue.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\r\n250 2.0.0 ") == 3
    assert b"Subject: Symfony" in postfix.delivered(recipient)[0]


def test_nobody_listens(service: Service, tmp_path: Path) -> None:
    """A socket without a service is for later."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(service.path) + ".left")
    service.path = Path(str(service.path) + ".left")
    service.path.chmod(0o666)
    done = service.sendmail("nobody", "bob@example.org", stdin=b"Subject: x\n\nx\n")
    assert done.returncode == 75
    assert b"can't be had" in done.stderr
