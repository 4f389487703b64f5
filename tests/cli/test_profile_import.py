"""`profile import`: what is written, what is said, and what never is; the configurations have the wild's shapes."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.cli import profile_import
from sendmail_cli.errors import KeyringLocked

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.support.command import Done, Runner

SECRET = "hunter2-Zq9"
PRINT = ":".join(f"{number:02X}" for number in range(32))
PIN = "sha256:" + PRINT.replace(":", "").lower()


def in_file(runner: Runner) -> dict[str, Any]:
    with open(Path(runner.machine.user_config_folder) / "profiles.toml", "rb") as file:
        return tomllib.load(file)


def write(runner: Runner, name: str, text: str | bytes) -> Path:
    path = runner.machine.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def imported(runner: Runner, format_name: str, text: str | bytes, *options: str) -> Done:
    return runner("profile", "import", "--from", format_name, write(runner, "their/config", text), *options)


def said(done: Done, line: int, word: str = "") -> str:
    """What is said of a line of the file, and has `word` in it."""
    found = [each.strip() for each in done.lines if each.strip().startswith(f"{line}  ") and word in each]
    assert found, done.err
    return "\n".join(found)


MSMTP: dict[str, tuple[str | bytes, dict[str, Any], str | None]] = {
    "the manual's example": (
        (
            "# A comment\ndefaults\nport 587\ntls on\n\naccount freemail\nhost mail.freemail.example\n"
            "from joe@freemail.example\nauth on\nuser joe.smith\npasswordeval pass show mail/joe\n"
            "account default : freemail\n"
        ),
        {
            "freemail": {
                "server": "mail.freemail.example:587",
                "tls": "starttls",
                "from": "joe@freemail.example",
                "user": "joe.smith",
                "password_command": ["pass", "show", "mail/joe"],
            }
        },
        "freemail",
    ),
    "tabs, quotes, carriage returns and a mark of the byte order": (
        b'\xef\xbb\xbfaccount\twork\r\n\thost   "smtp.example.org"  \r\ntls\r\ntls_starttls off\r\nfrom a@b.test\r\n',
        {"work": {"server": "smtps://smtp.example.org", "from": "a@b.test"}},
        "work",
    ),
    "inheritance: its own before the base's before the defaults": (
        (
            "defaults\ntls on\nport 25\ntimeout 10\naccount a\nhost a.example.org\nport 587\ndomain me.example.org\n"
            "account b\nhost b.example.org\ntimeout 20\naccount c : a, b\ndomain you.example.org\n"
        ),
        {
            "a": {"server": "a.example.org:587", "tls": "starttls", "timeout": "10s", "ehlo": "me.example.org"},
            "b": {"server": "b.example.org:25", "tls": "starttls", "timeout": "20s"},
            "c": {"server": "b.example.org:587", "tls": "starttls", "timeout": "20s", "ehlo": "you.example.org"},
        },
        "a",
    ),
    "a shell's command": (
        (
            "account w\nhost h.example.org\ntls on\nport 587\nauth plain\nuser u\n"
            'passwordeval "gpg -q -d ~/.msmtp.gpg | head -n1"\n'
        ),
        {
            "w": {
                "server": "h.example.org:587",
                "tls": "starttls",
                "auth": "plain",
                "user": "u",
                "password_command": ["sh", "-c", "gpg -q -d ~/.msmtp.gpg | head -n1"],
            }
        },
        "w",
    ),
    "every way to a server": (
        (
            f"account w\nhost 2001:db8::1\ntls on\ntls_starttls off\nport 4650\nproxy_host 127.0.0.1\nproxy_port 9050\n"
            f"source_ip 192.0.2.1\ntls_fingerprint {PRINT}\ntls_trust_file /etc/ca.pem\ntls_cert_file ~/c.pem\n"
            f"tls_key_file ~/k.pem\nauth external\n"
        ),
        {
            "w": {
                "server": "smtps://[2001:db8::1]:4650",
                "proxy": "socks5h://127.0.0.1:9050",
                "bind": "192.0.2.1",
                "tls_pin": PIN,
                "tls_cert": "~/c.pem",
                "tls_key": "~/k.pem",
                "auth": "external",
            }
        },
        "w",
    ),
    "a socket, and LMTP": (
        "account s\nhost ignored.example.org\nsocket /run/smtp\naccount l\nhost localhost\nprotocol lmtp\n",
        {"s": {"server": "unix:/run/smtp", "tls": "none"}, "l": {"server": "lmtp://localhost:24", "tls": "none"}},
        "s",
    ),
    "no TLS, and no user": (
        "account relay\nhost relay.example.org\n",
        {"relay": {"server": "relay.example.org:25", "tls": "none"}},
        "relay",
    ),
    "no TLS, but a mechanism that shows no password": (
        "account relay\nhost relay.example.org\nauth scram-sha-256\nuser u\n",
        {"relay": {"server": "relay.example.org:25", "tls": "none", "auth": "scram-sha-256", "user": "u"}},
        "relay",
    ),
    "a password never goes in the clear": (
        "account relay\nhost relay.example.org\nauth on\nuser u\n",
        {"relay": {"server": "relay.example.org:25", "tls": "starttls", "user": "u"}},
        "relay",
    ),
    "names that a profile can't have": (
        "account my work\nhost a.example\naccount sandbox\nhost b.example\naccount my-work\nhost c.example\n",
        {
            "my-work": {"server": "a.example:25", "tls": "none"},
            "sandbox-2": {"server": "b.example:25", "tls": "none"},
            "my-work-2": {"server": "c.example:25", "tls": "none"},
        },
        "my-work",
    ),
    "patterns for the user and the host": (
        "account w\nhost a.example.org\nfrom %U@%H\ndomain %H\n",
        {
            "w": {
                "server": "a.example.org:25",
                "tls": "none",
                "from": "ada@box.example.org",
                "ehlo": "box.example.org",
            },
        },
        "w",
    ),
    "an account to inherit from, and a default of its own": (
        "account base\ntls on\naccount x : base\nhost x.example.org\naccount default\nhost y.example.org\n",
        {
            "x": {"server": "x.example.org:25", "tls": "starttls"},
            "default": {"server": "y.example.org:25", "tls": "none"},
        },
        "default",
    ),
}

MUTT: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "one line, quotes and a comment": (
        """set from='a@example.org' realname="Ada Lovelace"; set smtp_url = "smtps://ada@smtp.example.org:465/" #\n""",
        {"mutt": {"server": "smtps://smtp.example.org", "user": "ada", "from": "Ada Lovelace <a@example.org>"}},
    ),
    "a line that goes on, carriage returns, tabs": (
        "set\tsmtp_url = \\\r\n\t'smtp://smtp.example.org:587'\r\nset ssl_force_tls\r\nset from=ada@example.org\r\n",
        {"mutt": {"server": "smtp.example.org:587", "tls": "starttls", "from": "ada@example.org"}},
    ),
    "backquotes and variables": (
        (
            'set my_pass = "`pass show mail/ada`"\nset my_user=ada%40example.org\n'
            'set smtp_url = "smtp://$my_user@smtp.example.org:587" smtp_pass=$my_pass\nset from=ada@example.org\n'
        ),
        {
            "mutt": {
                "server": "smtp.example.org:587",
                "tls": "starttls",
                "user": "ada@example.org",
                "from": "ada@example.org",
                "password_command": ["pass", "show", "mail/ada"],
            }
        },
    ),
    "OAuth": (
        (
            'set smtp_url="smtp://ada@smtp.example.org:587" smtp_authenticators="xoauth2"\n'
            'set smtp_oauth_refresh_command="mutt_oauth2.py ~/.tokens"\n'
        ),
        {
            "mutt": {
                "server": "smtp.example.org:587",
                "tls": "starttls",
                "user": "ada",
                "password_command": ["sh", "-c", "mutt_oauth2.py ~/.tokens"],
                "auth": "xoauth2",
            }
        },
    ),
    "hooks are further profiles": (
        (
            "set realname=Ada\nset from=ada@home.example smtp_url=smtps://a@home.example\n"
            "folder-hook work 'set from=ada@work.example; set smtp_url=\"smtps://b@work.example\"'\n"
            "folder-hook home 'set from=ada@home.example smtp_url=smtps://a@home.example'\n"
        ),
        {
            "mutt": {"server": "smtps://home.example", "user": "a", "from": "Ada <ada@home.example>"},
            "mutt-work.example": {"server": "smtps://work.example", "user": "b", "from": "Ada <ada@work.example>"},
        },
    ),
    "headers, files and versions": (
        (
            "set smtp_url=smtps://smtp.example.org\nmy_hdr Organization: Engines\nmy_hdr From: A <a@example.org>\n"
            "set ssl_ca_certificates_file=~/ca.pem ssl_client_cert=$HOME/c.pem nossl_use_tlsv1_2 hostname=me.example\n"
        ),
        {
            "mutt": {
                "server": "smtps://smtp.example.org",
                "from": "A <a@example.org>",
                "ca_file": "~/ca.pem",
                "tls_cert": "HOME/c.pem",
                "tls_min": "1.3",
                "ehlo": "me.example",
                "headers": {"Organization": "Engines"},
            }
        },
    ),
    "TLS if it is offered, for nobody's password": (
        "set smtp_url=smtp://relay.example.org nossl_force_tls\n",
        {"mutt": {"server": "relay.example.org:25", "tls": "opportunistic"}},
    ),
    "no TLS at all": (
        "set smtp_url=smtp://localhost unset=1\nset ssl_starttls=no ; unset ssl_force_tls\n",
        {"mutt": {"server": "localhost:25", "tls": "none"}},
    ),
}

GIT: dict[str, tuple[str | bytes, dict[str, Any], str | None]] = {
    "the manual's example": (
        (
            "[sendemail]\n\tsmtpEncryption = tls\n\tsmtpServer = smtp.gmail.com\n\tsmtpUser = ada@gmail.com\n"
            "\tsmtpServerPort = 587\n\tfrom = Ada <ada@gmail.com>\n"
        ),
        {
            "git": {
                "server": "smtp.gmail.com:587",
                "tls": "starttls",
                "from": "Ada <ada@gmail.com>",
                "user": "ada@gmail.com",
            }
        },
        "git",
    ),
    "identities, and what all share": (
        (
            b'\xef\xbb\xbf[user]\r\n\tname = "Lovelace, Ada"\r\n\temail = ada@example.org ; me\r\n'
            b"[SendEmail]\r\n\tsmtpEncryption=ssl\r\n\tidentity = my work\r\n"
            b'[sendemail "my work"]\r\n\tsmtpServer = smtp.work.\\\r\nexample\r\n\tsmtpUser = "a # b"\r\n'
            b'[sendemail "home"] smtpServer = s.home.example\r\n\tfrom = a@home.example\r\n\tsmtpEncryption = tls\r\n'
        ),
        {
            "my-work": {
                "server": "smtps://smtp.work.example",
                "from": '"Lovelace, Ada" <ada@example.org>',
                "user": "a # b",
            },
            "home": {"server": "s.home.example:25", "tls": "starttls", "from": "a@home.example"},
        },
        "my-work",
    ),
    "a sendmail program that speaks SMTP": (
        "[sendemail]\nsmtpServer = /usr/sbin/sendmail\nfrom = a@example.org\n",
        {"git": {"pipe": ["/usr/sbin/sendmail", "-bs"], "from": "a@example.org"}},
        "git",
    ),
    "certificates and mechanisms": (
        (
            "[sendemail]\nsmtpServer = s.example\nsmtpEncryption = ssl\nsmtpSSLCertPath = /ca.pem\nsmtpAuth = LOGIN\n"
            "smtpUser = u\nsmtpDomain = me.example.org\nsmtpSSLClientCert = ~/c.pem\nsmtpSSLClientKey = ~/k.pem\n"
        ),
        {
            "git": {
                "server": "smtps://s.example",
                "user": "u",
                "auth": "login",
                "ca_file": "/ca.pem",
                "tls_cert": "~/c.pem",
                "tls_key": "~/k.pem",
                "ehlo": "me.example.org",
            }
        },
        "git",
    ),
}

MAILMERGE: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "its own template": (
        (
            "# Mailmerge SMTP Server Config\n[smtp_server]\nhost = smtp.gmail.com\nport = 465\nsecurity = SSL/TLS\n"
            "username = ada@gmail.com\nratelimit = 60\n"
        ),
        {"server": "smtps://smtp.gmail.com", "user": "ada@gmail.com", "from": "ada@gmail.com", "limits": "60/m"},
    ),
    "STARTTLS, a name that is no address": (
        b"\xef\xbb\xbf[smtp_server]\r\nhost: smtp.example.org\r\nport: 587\r\nsecurity: starttls\r\nusername: ada\r\n",
        {"server": "smtp.example.org:587", "tls": "starttls", "user": "ada"},
    ),
    "OAuth": (
        "[smtp_server]\nhost=smtp.example.org\nport=587\nsecurity=XOAUTH\nusername=ada\n",
        {"server": "smtp.example.org:587", "tls": "starttls", "user": "ada", "auth": "xoauth2"},
    ),
    "an open relay": (
        "[smtp_server]\nhost = mail.example.org\nport = 25\nusername = ada\n",
        {"server": "mail.example.org:25", "tls": "none"},
    ),
    "a password in the clear becomes STARTTLS": (
        "[smtp_server]\nhost = mail.example.org\nport = 25\nsecurity = PLAIN\nusername = ada\n",
        {"server": "mail.example.org:25", "tls": "starttls", "user": "ada"},
    ),
}


class TestWhatIsWritten:
    @pytest.mark.parametrize("case", MSMTP)
    def test_of_msmtp(self, run: Runner, case: str) -> None:
        text, profiles, default = MSMTP[case]
        run.machine.variables.update(USER="ada", HOSTNAME="box.example.org")

        done = imported(run, "msmtp", text)

        assert done.code == 0, done.err
        assert in_file(run) == {"default": default, "profile": profiles}

    @pytest.mark.parametrize("case", MUTT)
    def test_of_mutt(self, run: Runner, case: str) -> None:
        text, profiles = MUTT[case]

        done = imported(run, "mutt", text)

        assert done.code == 0, done.err
        expected = {
            name: {
                key: value.replace("HOME", run.machine.home) if isinstance(value, str) else value
                for key, value in values.items()
            }
            for name, values in profiles.items()
        }
        assert in_file(run) == {"default": "mutt", "profile": expected}

    @pytest.mark.parametrize("case", GIT)
    def test_of_git(self, run: Runner, case: str) -> None:
        text, profiles, default = GIT[case]

        done = imported(run, "git", text)

        assert done.code == 0, done.err
        assert in_file(run) == {"default": default, "profile": profiles}

    @pytest.mark.parametrize("case", MAILMERGE)
    def test_of_mailmerge(self, run: Runner, case: str) -> None:
        text, values = MAILMERGE[case]

        done = imported(run, "mailmerge", text)

        assert done.code == 0, done.err
        assert in_file(run) == {"default": "mailmerge", "profile": {"mailmerge": values}}

    @pytest.mark.parametrize("format_name", ["msmtp", "mutt", "git", "mailmerge"])
    def test_can_be_shown_afterwards(self, run: Runner, format_name: str) -> None:
        tables: dict[str, Any] = {"msmtp": MSMTP, "mutt": MUTT, "git": GIT, "mailmerge": MAILMERGE}
        for number, case in enumerate(tables[format_name].values()):
            assert imported(run, format_name, case[0], "--replace").code == 0, number
            for name in in_file(run)["profile"]:
                assert run("profile", "show", name).code == 0


A = "account a\nhost a.example.org\ntls on\nauth on\nuser u\n"  # five lines
S = "set smtp_url=smtps://u@a.example.org\n"
G = "[sendemail]\nsmtpServer = a.example.org\nsmtpEncryption = ssl\nsmtpUser = u\n"

# A format, a configuration, the line that is asked about, and what is said of it.
SAID = (
    ("msmtp", "account a\nhost a.example.org\nauth off\nuser u\n", 3, "without a user signs in nowhere"),
    ("msmtp", "account a\nhost a.example.org\nauth off\nuser u\n", 4, "doesn't sign in without “auth on”"),
    ("msmtp", A + "user\n", 6, "not taken: it is empty"),
    ("msmtp", A + "from\n", 6, "not taken: it is empty"),
    ("msmtp", A + "from %U@%M\n", 6, "are not looked up"),
    ("msmtp", A + "from nobody\n", 6, "as from: "),
    ("msmtp", A + "domain %C\n", 6, "are not looked up"),
    ("msmtp", A + "passwordeval\n", 6, "not taken: it is empty"),
    ("msmtp", A + "password\n", 6, "not taken: it is empty"),
    ("msmtp", A + "password p\npasswordeval pass\n", 7, "msmtp takes “password” before it"),
    ("msmtp", "account a\nhost a.example.org\npasswordeval pass\n", 3, "nobody signs in with it"),
    ("msmtp", A + "passwordeval echo a b\n", 6, "the command holds the password itself"),
    ("msmtp", A + "passwordeval pass x\n", 6, "taken as password_command"),
    ("msmtp", A + "passwordeval x='1' pass\n", 6, "it needs a shell"),
    ("msmtp", A + "passwordeval source x\n", 6, "it needs a shell"),
    ("msmtp", A + "tls_trust_file system\n", 6, "the system's authorities"),
    ("msmtp", A + "tls_trust_file\n", 6, "certificates are always checked"),
    ("msmtp", A + "tls_nocertcheck\n", 6, "certificates are always checked"),
    ("msmtp", A + "tls_certcheck on\n", 6, "certificates are always checked"),
    ("msmtp", A + "tls_fingerprint\n", 6, "not taken: it is empty"),
    ("msmtp", A + "tls_fingerprint 01:02\n", 6, "as tls_pin: "),
    ("msmtp", A + "tls_cert_file\n", 6, "not taken: it is empty"),
    ("msmtp", A + "tls_key_file /k\n", 6, "a key is of no use without its certificate"),
    ("msmtp", A + "tls_cert_file pkcs11:x\n", 6, "keys on a device"),
    ("msmtp", A + "source_ip\n", 6, "not taken: it is empty"),
    ("msmtp", A + "source_ip eth0\n", 6, "as bind: "),
    ("msmtp", A + "socket /s\ntls off\nsource_ip 192.0.2.1\n", 8, "connections over a network"),
    ("msmtp", A + "timeout 9999999\n", 6, "as timeout: "),
    ("msmtp", A + "protocol lmtp\ntls_starttls off\n", 1, "LMTP with TLS from the first byte"),
    ("msmtp", "account a\nhost a.example.org\ntls_certcheck off\n", 3, "TLS is off"),
    ("msmtp", "account a\nhost a.example.org\nport 1\nport 2\n", 3, "a later line replaces it"),
    ("msmtp", "account a\nhost u@a.example.org\n", 2, "a host stands there alone"),
    ("mutt", S + "set smtp_pass=\n", 2, "not taken: it is empty"),
    ("mutt", S + 'set smtp_pass="x`y`"\n', 2, "only a part of it comes from a program"),
    ("mutt", "set smtp_url=smtps://a.example.org\nset smtp_pass=x\n", 2, "smtp_url names no user"),
    ("mutt", "set smtp_url=smtps://u:p@a.example.org\nset smtp_pass=x\n", 2, "comes before it"),
    ("mutt", S + "set smtp_authenticators=login\n", 2, "taken as auth"),
    ("mutt", S + "set smtp_authenticators=plain:login\n", 2, "auth takes one mechanism"),
    ("mutt", S + "set from='A <a@example.org>'\nset realname=B\n", 3, "From has a name already"),
    ("mutt", S + "set from=nobody realname=B\n", 2, "as from: "),
    ("mutt", S + "set hostname=`hostname`\n", 2, "what a program would print is not known"),
    ("mutt", S + "my_hdr X-A: `date`\n", 2, "what a program would print is not known"),
    ("mutt", S + "my_hdr Subject: x\n", 2, "each message's own"),
    ("mutt", S + "set ssl_verify_host=no\n", 2, "sendmail-cli check -p mutt"),
    ("mutt", S + "set ssl_verify_dates\n", 2, "certificates are always checked"),
    ("mutt", S + "set use_envelope_from\n", 2, "sendmail-cli send -f ADDRESS"),
    ("mutt", S + "color index red default\nset note=? nothing ?\n", 1, "about other things than sending"),
    (
        "mutt",
        "set smtp_url=smtp://localhost nossl_starttls nossl_force_tls\nset ssl_client_cert=/c\n",
        2,
        "TLS is off",
    ),
    ("git", G + "smtpAuth = none\n", 4, "git doesn't sign in"),
    ("git", G + "smtpAuth = PLAIN LOGIN\n", 5, "auth takes one mechanism"),
    ("git", G + "smtpSSLCertPath =\n", 5, "certificates are always checked"),
    ("git", G + "smtpSSLCertPath = /etc\n", 5, "this is a folder"),
    ("git", G + "smtpSSLCertPath = ca.pem\n", 5, "the path is relative"),
    ("git", G + "smtpServerPort = x\n", 2, "smtpServerPort is no number"),
    ("git", G + "annotate\n[user]\nemail = a@example.org\n", 5, "it is about each message"),
    ("git", G + "smtpUser = v\n", 4, "a later line replaces it"),
    ("git", G + "envelopeSender = a@example.org\n", 5, "sendmail-cli send -f ADDRESS"),
    ("git", "[sendemail]\nsmtpServer = a.example.org\nsmtpPass = x\n", 3, "there is no smtpUser"),
    ("mailmerge", "[smtp_server]\nhost = a.example.org\nratelimit = 5\n", 3, "taken as limits"),
    ("mailmerge", "[smtp_server]\nhost = a.example.org\nratelimit = 0\n", 3, "without a limit the key is left out"),
    ("mailmerge", "[smtp_server]\nhost = a.example.org\nratelimit = x\n", 3, "“x/m” is no limit"),
    ("msmtp", "account a\nhost a.example.org\nallow_from_override off\n", 3, "sendmail-cli profile set a --force-from"),
    ("mutt", S + "set signature=~/.signature\n", 2, "taken as signature_file"),
    ("mutt", S + "set signature='fortune |'\n", 2, "none is run"),
    ("mutt", S + "set record=+sent\n", 2, "sendmail-cli profile set mutt --fcc FILE"),
    ("mutt", S + "source ~/.mutt/gone\n", 2, "source: not taken: there is no file"),
    ("git", G + "bcc = archive@example.org\n", 5, "taken as bcc"),
    ("mailmerge", "[smtp_server]\nhost = a.example.org\nport = x\n", 1, "its port is no number"),
)


class TestWhatIsSaid:
    @pytest.mark.parametrize(("format_name", "text", "line", "words"), SAID)
    def test_of_one_line(self, run: Runner, format_name: str, text: str, line: int, words: str) -> None:
        assert words in said(imported(run, format_name, text), line)

    def test_of_each_line(self, run: Runner) -> None:
        text = (
            "defaults\nlogfile ~/log\naccount a\nhost a.example.org\ntls on\ntls_certcheck off\ntls_trust_file ca.pem\n"
            "auth ntlm\nuser u\ntls_fingerprint 01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef\nfrom *@example.org\n"
            "eval echo port 587\nfrobnicate on\ndomain localhost\ntimeout off\ndsn_notify failure\n"
        )

        done = imported(run, "msmtp", text)

        assert said(done, 2) == (
            "2  logfile: not taken: a profile keeps a log of its own. "
            'log = "90d" in the profile does it, and sendmail-cli log shows it.'
        )
        assert said(done, 4) == "4  host: taken as server"
        assert "certificates are always checked" in said(done, 6)
        assert "sendmail-cli profile set a --tls-pin" in said(done, 6)
        assert "the path is relative" in said(done, 7)
        assert "“ntlm” is not spoken" in said(done, 8)
        assert "MD5 or SHA-1" in said(done, 10)
        assert "taken as match" in said(done, 11)
        assert "no program is run" in said(done, 12)
        assert said(done, 13) == "13  frobnicate: not taken: msmtp has no such command"
        for line in (14, 15, 16):
            assert "not taken" in said(done, line)
        assert "next: sendmail-cli login a" in done.lines
        assert in_file(run)["profile"]["a"] == {
            "server": "a.example.org:25",
            "tls": "starttls",
            "user": "u",
            "match": "*@example.org",
        }

    def test_nothing_but_errors_quietly(self, run: Runner) -> None:
        assert imported(run, "msmtp", "account a\nhost a.example.org\n", "-q").err == ""

    def test_as_json(self, run: Runner) -> None:
        done = imported(run, "msmtp", f"account a\nhost a.example.org\nauth on\nuser u\npassword {SECRET}\n", "--json")

        assert done.code == 0
        assert done.json["profiles"] == [
            {
                "name": "a",
                "values": {"server": "a.example.org:25", "tls": "starttls", "user": "u"},
                "is_password_stored": False,
                "needs_login": True,
            }
        ]
        assert (done.json["path"], done.json["default"]) == (f"{run.machine.user_config_folder}/profiles.toml", "a")
        line = next(line for line in done.json["lines"] if line["setting"] == "password")
        assert (line["line"], line["is_taken"], line["key"]) == (5, False, None)
        assert "sendmail-cli login a" in line["advice"]

    def test_a_dry_run_prints_what_would_be_written_and_writes_nothing(self, run: Runner) -> None:
        done = imported(run, "msmtp", "account a\nhost a.example.org\n", "--dry-run")

        assert done.code == 0
        profile = {"server": "a.example.org:25", "tls": "none"}
        assert tomllib.loads(done.out.decode()) == {"default": "a", "profile": {"a": profile}}
        assert "taken as server" in said(done, 2)
        assert not Path(run.machine.user_config_folder).exists()

    @pytest.mark.parametrize(
        ("format_name", "text", "why"),
        [
            ("msmtp", "defaults\ntls on\n", "no profile can be made of it"),
            ("msmtp", "account a\nhost a b\n", "names no server"),
            ("msmtp", "account a\nhost a.example.org\nport x\n", "its port is no number"),
            ("msmtp", "account a\nhost a.example.org\nproxy_host a b\n", "it would go another way"),
            ("msmtp", "account a\nhost a.example.org\nauth external\n", "there is none"),
            ("mutt", "set from=a@example.org\n", "without smtp_url there is no server"),
            ("mutt", "set sendmail='/usr/bin/msmtp -a x'\n", "profile import --from msmtp"),
            ("mutt", "set smtp_url=`cat url`\n", "none is run"),
            ("mutt", "set smtp_url=imap://h\n", "smtp_url is no smtp://"),
            ("git", "[sendemail]\nsmtpServer = /usr/bin/msmtp\n", "profile import --from msmtp"),
            ("git", "[sendemail]\nconfirm = auto\n", "no smtpServer is set"),
            ("git", "[core]\neditor = vi\n", "no profile can be made of it"),
            ("mailmerge", "[smtp_server]\nhost = a.example.org\nsecurity = rot13\n", "its security is none of"),
            ("mailmerge", "[smtp_server]\nport = 25\n", "no host is named"),
        ],
    )
    def test_why_there_is_no_profile(self, run: Runner, format_name: str, text: str, why: str) -> None:
        done = imported(run, format_name, text)

        assert done.code == 78
        assert why in done.err
        assert not Path(run.machine.user_config_folder).exists()

    @pytest.mark.parametrize(
        ("text", "line", "why"),
        [
            ("[smtp_server]\nhost\n", 2, "that is no “key = value”"),
            ("[smtp_server]\nhost = a\nhost = b\n", 3, "stands there twice"),
            ("host = a\n", 1, "that is no “key = value”"),
            ("[other]\nhost = a\n", 1, "there is no section"),
        ],
    )
    def test_a_broken_mailmerge(self, run: Runner, text: str, line: int, why: str) -> None:
        done = imported(run, "mailmerge", text)

        assert done.code == 78
        assert f"config, line {line}: " in done.err
        assert why in done.err

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ('[sendemail]\nfrom = "a\n', 2),
            ("[sendemail]\n= b\n", 2),
            ("key = b\n", 1),
            ("[sendemail]\nfrom = a\\x\n", 2),
            ("[sendemail]\nfrom a\n", 2),
            ("[sendemail\n", 1),
        ],
    )
    def test_a_broken_git_configuration(self, run: Runner, text: str, line: int) -> None:
        done = imported(run, "git", text)

        assert (done.code, f"config, line {line}: " in done.err) == (78, True), done.err

    @pytest.mark.parametrize(
        ("text", "line"),
        [("account\n", 1), ("account a\naccount a\n", 2), ("account b : a\n", 1), ("account a:\n", 1)],
    )
    def test_broken_accounts(self, run: Runner, text: str, line: int) -> None:
        done = imported(run, "msmtp", text)

        assert (done.code, f"config, line {line}: " in done.err) == (78, True), done.err


class TestSecrets:
    CASES = (
        ("msmtp", f"account a\nhost a.example.org\ntls on\nauth on\nuser u\npassword {SECRET}\n"),
        ("msmtp", f'account a\nhost a.example.org\ntls on\nauth on\nuser u\npassword "{SECRET}"\n'),
        ("msmtp", f"account a\nhost a.example.org\ntls on\nauth on\nuser u\npasswordeval echo '{SECRET}'\n"),
        ("mutt", f"set smtp_url=smtps://u:{SECRET}@a.example.org\n"),
        ("mutt", f"set smtp_url=smtps://u@a.example.org my_pw='{SECRET}'\nset smtp_pass=$my_pw\n"),
        ("git", f"[sendemail]\nsmtpServer = a.example.org\nsmtpUser = u\nsmtpPass = {SECRET}\n"),
    )

    @pytest.fixture
    def kept(self, mocker: MockerFixture) -> dict[str, str]:
        kept: dict[str, str] = {}
        mocker.patch.object(
            profile_import,
            "set_password",
            side_effect=lambda entry, secret, *_, **__: kept.update({f"{entry.service} {entry.user}": secret.reveal()}),
        )
        return kept

    @pytest.mark.parametrize("case", range(len(CASES)))
    @pytest.mark.parametrize("options", [(), ("--json",), ("--dry-run",), ("--dry-run", "--json"), ("-v",)])
    def test_are_neither_shown_nor_written_nor_kept_unasked(
        self, run: Runner, kept: dict[str, str], case: int, options: tuple[str, ...]
    ) -> None:
        done = imported(run, *self.CASES[case], *options)

        assert done.code == 0, done.err
        assert SECRET not in done.err + done.out.decode()
        path = Path(run.machine.user_config_folder) / "profiles.toml"
        assert not path.exists() or SECRET not in path.read_text()
        assert kept == {}

    @pytest.mark.parametrize("case", range(len(CASES)))
    def test_go_into_the_keyring_when_that_is_asked_for(self, run: Runner, kept: dict[str, str], case: int) -> None:
        done = imported(run, *self.CASES[case], "--store-passwords")

        assert done.code == 0, done.err
        assert list(kept.values()) == [SECRET]
        assert next(iter(kept)).startswith("sendmail-cli/")
        assert next(iter(kept)).endswith(" u")
        assert SECRET not in done.err + done.out.decode()
        assert "next: " not in done.err

    @pytest.mark.parametrize(("answer", "count"), [(b"y\n", 1), (b"n\n", 0)])
    def test_go_into_the_keyring_when_a_person_says_so(
        self, run: Runner, kept: dict[str, str], answer: bytes, count: int
    ) -> None:
        run.machine.terminals |= {"stdin", "stderr"}
        path = write(run, "msmtprc", self.CASES[0][1])

        done = run("profile", "import", path, stdin=answer)

        assert (done.code, len(kept)) == (0, count)
        assert "Put the password that stands there in the clear into the keyring?" in done.err

    def test_a_locked_keyring_is_an_error_and_the_profiles_are_there(self, run: Runner, mocker: MockerFixture) -> None:
        mocker.patch.object(profile_import, "set_password", side_effect=KeyringLocked("the keyring is locked"))

        done = imported(run, *self.CASES[0], "--store-passwords")

        assert done.code == 75
        assert "the profiles are written, but no password of a is stored: the keyring is locked" in done.err
        assert "a" in in_file(run)["profile"]

    @pytest.mark.parametrize(
        ("format_name", "text"),
        [
            ("msmtp", f"account a\nhost a.example.org\npassword{SECRET}\n"),
            ("msmtp", f"account a\nhost a.example.org\nhost u:{SECRET}@a.example.org\n"),
            ("msmtp", f"account a\nhost a.example.org\neval echo password {SECRET}\n"),
            ("msmtp", f"account a\nhost a.example.org\nauth on\nuser u\npasswordeval echo {SECRET} | cat\n"),
            ("msmtp", f"account a\nhost a.example.org\ntls on\ntls_cert_file pkcs11:x?pin-value={SECRET}\n"),
            ("msmtp", f"account a : apassword {SECRET}\nhost a.example.org\n"),
            ("mutt", f"set smtp_url=smtps//u:{SECRET}@a.example.org\n"),
            ("mutt", f"set smtp_url=smtps://u:{SECRET}@a.exam ple.org\n"),
            ("git", f"[sendemail]\nsmtpPass {SECRET}\n"),
            ("git", f'[sendemail]\nsmtpPass = "{SECRET}\n'),
            ("git", f"[sendemail]\nsmtpServer = u:{SECRET}@a.example.org\n"),
            ("mailmerge", f"[smtp_server]\nhost = a.example.org\n{SECRET}\n"),
            ("mailmerge", f"[smtp_server]\nhost = a.example.org\npassword = {SECRET}\n"),
        ],
    )
    def test_are_not_shown_where_they_stand_in_the_wrong_place(self, run: Runner, format_name: str, text: str) -> None:
        for options in ((), ("--json",)):
            done = imported(run, format_name, text, "--replace", *options)
            assert SECRET not in done.err + done.out.decode()


class TestAllOrNothing:
    TWO = "account a\nhost a.example.org\naccount b\nhost b.example.org\n"

    def test_a_name_that_is_taken_is_refused_and_nothing_is_written(self, run: Runner) -> None:
        run.machine.configure('[profile.b]\nserver = "old.example.org"\n')

        done = imported(run, "msmtp", self.TWO)

        assert done.code == 64
        assert "there is a profile “b” already" in done.err
        assert in_file(run) == {"profile": {"b": {"server": "old.example.org"}}}

    def test_or_replaced_as_a_whole_and_the_default_stays(self, run: Runner) -> None:
        run.machine.configure(
            '# mine\ndefault = "c"\n[profile.b]\nserver = "old.example.org"\ntimeout = 3\n[profile.c]\nserver = "c"\n'
        )

        assert imported(run, "msmtp", self.TWO, "--replace").code == 0
        assert in_file(run) == {
            "default": "c",
            "profile": {
                "a": {"server": "a.example.org:25", "tls": "none"},
                "b": {"server": "b.example.org:25", "tls": "none"},
                "c": {"server": "c"},
            },
        }
        assert (Path(run.machine.user_config_folder) / "profiles.toml").read_text().startswith("# mine\n")

    def test_a_dry_run_stores_nothing(self, run: Runner) -> None:
        assert imported(run, "msmtp", self.TWO, "--dry-run", "--store-passwords").code == 64


class TestFiles:
    def test_of_two_programs_with_profiles_of_one_name_are_refused(self, run: Runner) -> None:
        write(run, "home/.msmtprc", "account git\nhost a.example.org\n")
        write(run, "home/.gitconfig", "[sendemail]\nsmtpServer = a.example.org\n")

        done = run("profile", "import")

        assert (done.code, "two configurations have a profile “git”" in done.err) == (64, True)
        assert not Path(run.machine.user_config_folder).exists()

    @pytest.mark.parametrize(
        ("name", "text", "profile"),
        [
            ("home/.msmtprc", "account a\nhost a.example.org\n", "a"),
            ("home/.config/msmtp/config", "account a\nhost a.example.org\n", "a"),
            ("home/.muttrc", "set smtp_url=smtps://a.example.org\n", "mutt"),
            ("home/.config/neomutt/neomuttrc", "set smtp_url=smtps://a.example.org\n", "mutt"),
            ("home/.gitconfig", "[sendemail]\nsmtpServer = a.example.org\n", "git"),
        ],
    )
    def test_are_found_at_the_usual_places(self, run: Runner, name: str, text: str, profile: str) -> None:
        write(run, name, text)

        assert run("profile", "import").code == 0
        assert list(in_file(run)["profile"]) == [profile]

    @pytest.mark.parametrize(
        ("name", "text", "profile"),
        [
            ("x/msmtprc", "account a\nhost a.example.org\n", "a"),
            ("x/saved", "\naccount a\nhost a.example.org\n", "a"),
            ("x/saved", "# c\nset smtp_url=smtps://a.example.org\n", "mutt"),
            ("x/saved", "[sendemail]\nsmtpServer = a.example.org\n", "git"),
            ("x/mailmerge_server.conf", "[smtp_server]\nhost = a.example.org\n", "mailmerge"),
            ("x/saved", "[smtp_server]\nhost = a.example.org\n", "mailmerge"),
        ],
    )
    def test_are_told_apart(self, run: Runner, name: str, text: str, profile: str) -> None:
        assert run("profile", "import", write(run, name, text)).code == 0
        assert list(in_file(run)["profile"]) == [profile]

    def test_of_nobody_known_are_not_guessed(self, run: Runner) -> None:
        done = run("profile", "import", write(run, "x/notes", "hello\n"))

        assert (done.code, "--from msmtp|mutt|mailmerge|git" in done.err) == (64, True)

    def test_that_are_nowhere(self, run: Runner) -> None:
        run.machine.variables["XDG_CONFIG_HOME"] = str(run.machine.folder / "none")
        done = run("profile", "import", "--from", "mutt")

        assert (done.code, "there is no file at ~/.muttrc" in done.err) == (66, True)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (b"account a\nhost \xe4\n", "config, line 2: not UTF-8"),
            (b"account a\nhost \0\n", "config, line 2: a NUL stands there"),
            (b"#" * (1 << 20) + b"\n", "is longer than 1 MiB"),
        ],
    )
    def test_that_are_no_text(self, run: Runner, text: bytes, why: str) -> None:
        done = imported(run, "msmtp", text)

        assert (done.code, why in done.err) == (66, True), done.err

    def test_that_are_no_files(self, run: Runner) -> None:
        os.mkfifo(run.machine.folder / "fifo")

        assert run("profile", "import", "--from", "git", run.machine.folder / "fifo").code == 66
        assert run("profile", "import", "--from", "git", run.machine.folder).code == 66
        assert run("profile", "import", "--from", "git", run.machine.folder / "none").code == 66

    def test_that_others_may_write(self, run: Runner) -> None:
        path = write(run, "msmtprc", "account a\nhost a.example.org\n")
        path.chmod(0o666)

        assert run("profile", "import", path).code == 66

    def test_that_source_others(self, run: Runner) -> None:
        write(run, "their/more", "set smtp_url=smtps://a.example.org\n")
        done = imported(run, "mutt", "source more\nsource 'gpg -d x |'\nset from=a@example.org\n")

        assert in_file(run)["profile"]["mutt"] == {"server": "smtps://a.example.org", "from": "a@example.org"}
        assert "none is run" in said(done, 2)
        assert f"{run.machine.folder}/their/more:" in done.lines

    def test_that_are_sourced_by_a_macro(self, run: Runner) -> None:
        write(run, "their/2.muttrc", "set smtp_url=smtps://b.example.org from=b@example.org\n")
        text = (
            "set smtp_url=smtps://a.example.org from=a@example.org\n"
            "macro index,pager i2 '<sync-mailbox><enter-command>source 2.muttrc<enter><change-folder>!<enter>'\n"
        )
        assert imported(run, "mutt", text).code == 0
        assert list(in_file(run)["profile"]) == ["mutt", "mutt-example.org"]

    def test_that_include_others(self, run: Runner) -> None:
        write(run, "their/more", "[sendemail]\nsmtpServer = a.example.org\n")
        done = imported(run, "git", '[include]\npath = more\npath = none\n[includeIf "gitdir:~/w/"]\npath = work\n')

        assert in_file(run)["profile"]["git"] == {"server": "a.example.org:25", "tls": "none"}
        assert "there is no such file" in said(done, 3)
        assert "where git runs" in said(done, 5)

    @pytest.mark.parametrize(
        ("format_name", "text", "line"),
        [
            ("mutt", "\nsource config\n", 2),
            ("git", "[include]\npath = config\n", 2),
        ],
    )
    def test_that_go_in_circles(self, run: Runner, format_name: str, text: str, line: int) -> None:
        done = imported(run, format_name, text)

        assert (done.code, f"config, line {line}: " in done.err) == (78, True), done.err
