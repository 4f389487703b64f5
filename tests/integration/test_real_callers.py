"""Programs that call sendmail(1) or mail(1), from Debian and npm, through us into a real Postfix.

Each finds our symlinks as it would the machine's own. What matters is what arrives: for whom and from whom, the subject
in characters, the body in octets.
"""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import subprocess
import sys
from email.header import Header
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.command import COMMAND
from tests.support.patience import PATIENCE
from tests.support.required import skip_if
from tests.support.servers.npm import MODULES, missing_package

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from tests.support.postfix import Postfix

pytestmark = pytest.mark.real_server

NAMES = ("sendmail", "mailq", "newaliases", "mail", "mailx")
ADA = "ada@example.org"
BOUNCES = "bounces@example.org"
SUBJECT = "Grüße aus Köln"
TEXT = "Zeile 1\n.\nFrom ä bis ö\n"

PATCH = f"""\
From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: Ada <{ADA}>
Date: Mon, 1 Jan 2024 00:00:00 +0000
Subject: [PATCH] {SUBJECT}
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

{TEXT}"""

PERL = """\
use utf8;
use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::Sendmail;
my ($program, $recipient) = @ARGV;
open my $file, '<:raw', 'message.eml';
my $message = do { local $/; <$file> };
my $transport = Email::Sender::Transport::Sendmail->new({ sendmail => $program });
sendmail($message, { from => 'bounces@example.org', to => [$recipient], transport => $transport });
"""

NODE = """\
const [program, to, subject, text] = process.argv.slice(1);
const transport = require('nodemailer').createTransport({sendmail: true, newline: 'unix', path: program});
transport.sendMail({from: 'Ada <ada@example.org>', envelope: {from: 'bounces@example.org', to}, to, subject, text})
  .then(() => process.exit(0), error => { console.error(error); process.exit(1); });
"""

PHP = """\
mail($argv[1], $argv[2], $argv[3], "From: ada@example.org\\r\\nBcc: ".$argv[4], "-fbounces@example.org") || exit(1);
"""


class Ours:
    """Our names in a folder, and a HOME whose profile sends to Postfix, signed in."""

    def __init__(self, folder: Path, postfix: Postfix) -> None:
        self.folder = folder
        self.postfix = postfix
        self.recipient = postfix.fresh_recipient()
        self.names = folder / "bin"
        self.names.mkdir()
        for name in NAMES:
            (self.names / name).symlink_to(COMMAND)
        write_profile(folder, postfix)
        (folder / "message.eml").write_text(
            f"From: Ada <{ADA}>\nTo: {self.recipient}\nSubject: {SUBJECT}\nMIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{TEXT}",
            encoding="utf-8",
        )

    @property
    def variables(self) -> dict[str, str]:
        """Those that s-nail, which sets HOME anew, leaves alone."""
        config = self.folder / ".config/sendmail-cli/profiles.toml"
        return {"SENDMAIL_CLI_CONFIG": str(config), "SENDMAIL_CLI_SPOOL": str(self.folder / "spool")}

    @property
    def sendmail(self) -> str:
        """The path that a program is told."""
        return str(self.names / "sendmail")

    def run(self, *argv: str | Path, stdin: str = "", **variables: str) -> str:
        """Run a program that sends; gives what it said."""
        skip_if(None if shutil.which(argv[0]) else f"{argv[0]} is not installed (.ci/servers installs it)")
        done = subprocess.run(
            argv,
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=PATIENCE,
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": f"{self.names}:/usr/bin:/bin:/usr/sbin",
                "LANG": "C.UTF-8",
                **self.variables,
                **variables,
            },
        )
        said = done.stdout.decode()
        assert done.returncode == 0, said
        return said

    def arrived(self, recipient: str | None = None) -> Arrived:
        """The one message for the recipient."""
        [octets] = self.postfix.delivered(recipient or self.recipient)
        message = email.message_from_bytes(octets, policy=email.policy.default)
        return Arrived(message, str(message["Return-Path"]).strip("<>"), str(message["Subject"]), text_of(message))


class Arrived(NamedTuple):
    """What came."""

    message: EmailMessage
    sender: str
    subject: str
    text: str


def text_of(message: EmailMessage) -> str:
    """Its text, by the charset that it names."""
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode(message.get_content_charset("us-ascii"))


def write_profile(home: Path, postfix: Postfix) -> None:
    """The only profile of `home`."""
    folder = home / ".config/sendmail-cli"
    folder.mkdir(parents=True)
    for name, text in {
        "password": f"{postfix.password}\n",
        "profiles.toml": f"""\
[profile.here]
from = "Ada <{ADA}>"
server = "smtps://localhost:{postfix.submissions_port}"
user = "{postfix.user}"
password_file = "{folder}/password"
ca_file = "{postfix.ca_file}"
""",
    }.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)


@pytest.fixture
def ours(tmp_path: Path, postfix: Postfix) -> Ours:
    return Ours(tmp_path, postfix)


@pytest.mark.parametrize(
    ("how", "sender"),
    [
        (("--smtp-server={sendmail}",), ADA),
        (("--sendmail-cmd={sendmail}", "--envelope-sender=" + BOUNCES), BOUNCES),
    ],
)
def test_git_send_email(ours: Ours, how: tuple[str, ...], sender: str) -> None:
    (ours.folder / "0001.patch").write_text(PATCH)
    flags = [word.format(sendmail=ours.sendmail) for word in how]
    quiet = ("--suppress-cc=all", "--confirm=never", "--quiet", f"--from=Ada <{ADA}>", f"--to={ours.recipient}")
    ours.run(
        "git", "-c", "user.name=Ada", "-c", f"user.email={ADA}", "send-email", *flags, *quiet, "0001.patch",
        GIT_CONFIG_NOSYSTEM="1",
    )  # fmt: skip
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (sender, f"[PATCH] {SUBJECT}", TEXT)
    assert "git-send-email" in str(came.message["X-Mailer"])


def test_php_mail(ours: Ours) -> None:
    blind = ours.postfix.fresh_recipient()
    path = f"sendmail_path={ours.sendmail} -t -i"
    ours.run("php", "-n", "-d", path, "-r", PHP, "--", ours.recipient, SUBJECT, TEXT.replace("\n", "\r\n"), blind)
    for recipient in (ours.recipient, blind):
        came = ours.arrived(recipient)
        assert (came.sender, came.subject, came.text) == (BOUNCES, SUBJECT, f"{TEXT}\n")  # PHP ends the line once more
        assert came.message["Bcc"] is None


def test_mutt(ours: Ours) -> None:
    settings = f'set sendmail="{ours.sendmail} -oem -oi" copy=no from={ADA} charset=utf-8 use_envelope_from=yes'
    more = f"set envelope_from_address={BOUNCES} dsn_notify=failure,delay dsn_return=hdrs"
    mutt = ("mutt", "-n", "-F", "/dev/null", "-e", settings, "-e", more, "-s", SUBJECT, "--", ours.recipient)
    ours.run(*mutt, stdin=TEXT)
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (BOUNCES, SUBJECT, TEXT)


@pytest.mark.parametrize(("more", "sender"), [((), ADA), (("-r", BOUNCES), BOUNCES)])
def test_s_nail(ours: Ours, more: tuple[str, ...], sender: str) -> None:
    settings = ("-Sv15-compat=yes", f"-Smta={ours.sendmail}", f"-Sfrom={ADA}", "-Sttycharset=utf-8")
    ours.run("s-nail", "-:/", *settings, *more, "-s", SUBJECT, ours.recipient, stdin=TEXT)
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (sender, SUBJECT, TEXT)


def test_perl_email_sender(ours: Ours) -> None:
    (ours.folder / "send.pl").write_text(PERL)
    ours.run("perl", "send.pl", ours.sendmail, ours.recipient)
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (BOUNCES, SUBJECT, TEXT)


def test_nodemailer(ours: Ours) -> None:
    skip_if(missing_package("nodemailer"))
    ours.run("node", "-e", NODE, ours.sendmail, ours.recipient, SUBJECT, TEXT, NODE_PATH=str(MODULES))
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (BOUNCES, SUBJECT, TEXT)


def test_python(ours: Ours) -> None:
    script = "import subprocess, sys; subprocess.run([sys.argv[1], '-t', '-oi'], stdin=open('message.eml'), check=True)"
    ours.run(sys.executable, "-c", script, ours.sendmail)
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (ADA, SUBJECT, TEXT)


@pytest.mark.parametrize("transport", ["pipe", "smtp"])
def test_nmh(ours: Ours, transport: str) -> None:
    (ours.folder / ".mh_profile").write_text("Path: Mail\n")
    (ours.folder / "Mail").mkdir()
    draft = (ours.folder / "message.eml").read_text().replace(SUBJECT, Header(SUBJECT, "utf-8").encode())
    (ours.folder / "draft").write_text(draft)  # over SMTP it sends no header beyond ASCII
    flags = ("-mts", f"sendmail/{transport}", "-sendmail", ours.sendmail, "-nomime")
    ours.run("/usr/bin/mh/send", *flags, ours.folder / "draft")
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (ADA, SUBJECT, TEXT)


def test_symfony_mailer_over_bs(ours: Ours) -> None:
    """Its SendmailTransport, octet for octet: each command waits for its reply, and one process has several mails."""
    message = (ours.folder / "message.eml").read_bytes().replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
    transaction = (
        (f"MAIL FROM:<{BOUNCES}>\r\n".encode(), b"250"),
        (f"RCPT TO:<{ours.recipient}>\r\n".encode(), b"250"),
        (b"DATA\r\n", b"354"),
        (message + b"\r\n.\r\n", b"250"),
    )
    with subprocess.Popen(
        [ours.sendmail, "-bs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", **ours.variables},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        steps = ((b"", b"220"), (b"EHLO [127.0.0.1]\r\n", b"250"), *transaction, (b"NOOP\r\n", b"250"), *transaction)
        for octets, code in (*steps, (b"QUIT\r\n", b"221")):
            process.stdin.write(octets)
            process.stdin.flush()
            while (line := process.stdout.readline())[3:4] == b"-":
                assert line.startswith(code)
            assert line.startswith(code), (octets, line)
        assert process.wait(PATIENCE) == 0
    for octets in ours.postfix.delivered(ours.recipient, at_least=2):
        came = email.message_from_bytes(octets, policy=email.policy.default)
        assert came["Return-Path"] == f"<{BOUNCES}>"
        assert text_of(came).rstrip("\n") == TEXT.rstrip("\n")


# As in Nagios' commands.cfg, fail2ban's action.d (sendmail and mail), what unattended-upgrades falls back to.
MAIL_LINES = {
    "Nagios": '/usr/bin/printf "%b" "{escaped}" | mail -s "{subject}" {to}',
    "fail2ban, mail": 'printf %b "{escaped}" | mail -E "set escape" -s "{subject}" {to}',
    "fail2ban, sendmail": 'printf %b "Subject: {subject}\\nDate: `LC_ALL=C date +"%a, %d %h %Y %T %z"`\\n'
    'From: Fail2Ban <fail2ban>\\nTo: {to}\\n\\n{escaped}" | sendmail -f "fail2ban" "{to}"',
    "unattended-upgrades": 'printf %b "{escaped}" | mail -r root -s "{subject}" {to}',
}


@pytest.mark.parametrize("line", MAIL_LINES.values(), ids=MAIL_LINES)
def test_monitors(ours: Ours, line: str) -> None:
    escaped = TEXT.replace("\n", "\\n")
    said = ours.run("sh", "-c", line.format(subject=SUBJECT, to=ours.recipient, text=TEXT, escaped=escaped))
    assert "warning" not in said or "-r is ignored" in said
    came = ours.arrived()
    assert (came.sender, came.subject, came.text) == (ADA, SUBJECT, TEXT)
    assert ADA in str(came.message["From"])


def test_smartd(ours: Ours) -> None:
    """Its own script."""
    script = "/usr/share/smartmontools/smartd_warning.sh"
    skip_if(None if os.path.exists(script) else "smartmontools is not installed (.ci/servers installs it)")
    about = {
        "MAILER": str(ours.names / "mail"),  # it looks at its own PATH only
        "ADDRESS": ours.recipient,
        "FAILTYPE": "EmailTest",
        "MESSAGE": "TEST EMAIL from smartd",
        "DEVICE": "/dev/sda",
        "DEVICESTRING": "/dev/sda [SAT]",
        "DEVICETYPE": "sat",
        "DEVICEINFO": "a disk",
        "TFIRST": "Sun Nov 29 10:00:00 2026",
        "TFIRSTEPOCH": "1795946400",
        "PREVCNT": "0",
    }
    ours.run("sh", script, **{f"SMARTD_{name}": value for name, value in about.items()})
    came = ours.arrived()
    assert came.sender == ADA
    assert came.subject.startswith("SMART error (EmailTest) detected on host:")
    assert "TEST EMAIL from smartd" in came.text
