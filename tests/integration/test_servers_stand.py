"""The servers that other tests lean on do what those tests take for granted, as seen by clients that are not ours."""

import os
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.debian_postfix import DebianPostfix
from tests.support.patience import PATIENCE, wait_until
from tests.support.postfix import Postfix, running_postfix
from tests.support.secret_service import LockedSecretService, SecretService

pytestmark = pytest.mark.real_server

MESSAGE = "From: alice@example.org\r\nSubject: the servers stand\r\n\r\nHello.\r\n"
KEYRING_GET = [sys.executable, "-m", "keyring", "get", "sendmail-cli", "alice"]
SECRET_TOOL_LOOKUP = ["secret-tool", "lookup", "service", "sendmail-cli", "username", "alice"]


@pytest.fixture
def trust(postfix: Postfix) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=postfix.ca_file)


@pytest.fixture
def plain(postfix: Postfix) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(postfix.host, postfix.port) as client:
        client.ehlo()
        yield client


@pytest.fixture
def submission(postfix: Postfix, trust: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(postfix.host, postfix.submission_port) as client:
        client.starttls(context=trust)
        client.ehlo()
        yield client


class TestPostfix:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
    def test_takes_mail_after_auth_over_starttls(
        self, postfix: Postfix, submission: smtplib.SMTP, mechanism: str
    ) -> None:
        recipient = postfix.fresh_recipient()
        submission.user, submission.password = postfix.user, postfix.password
        code, _ = submission.auth(mechanism, getattr(submission, f"auth_{mechanism.lower().replace('-', '_')}"))
        submission.sendmail(postfix.user, [recipient], MESSAGE)
        [message] = postfix.delivered(recipient)
        assert code == 235
        assert b"Subject: the servers stand\n" in message
        assert b"with ESMTPSA" in message

    def test_offers_the_usual_mechanisms_over_tls(self, submission: smtplib.SMTP) -> None:
        offered = submission.esmtp_features["auth"].split()
        assert offered == ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]

    def test_offers_no_auth_in_the_clear(self, postfix: Postfix) -> None:
        with smtplib.SMTP(postfix.host, postfix.submission_port) as client:
            client.ehlo()
            assert not client.has_extn("auth")
            assert client.has_extn("starttls")
            assert client.mail("alice@example.org")[0] == 530

    def test_refuses_a_wrong_password(self, postfix: Postfix, submission: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            submission.login(postfix.user, "wrong")
        assert refusal.value.smtp_code == 535

    def test_refuses_recipients_without_auth(self, submission: smtplib.SMTP) -> None:
        submission.mail("alice@example.org")
        assert submission.rcpt("bob@example.org")[0] == 554

    def test_takes_mail_after_auth_over_implicit_tls(self, postfix: Postfix, trust: ssl.SSLContext) -> None:
        recipient = postfix.fresh_recipient()
        with smtplib.SMTP_SSL(postfix.host, postfix.submissions_port, context=trust) as client:
            client.login(postfix.user, postfix.password)
            client.sendmail(postfix.user, [recipient], MESSAGE)
        assert len(postfix.delivered(recipient)) == 1

    def test_takes_mail_without_auth_on_the_plain_port(self, postfix: Postfix, plain: smtplib.SMTP) -> None:
        recipient = postfix.fresh_recipient()
        plain.sendmail("bob@example.net", [recipient], MESSAGE)
        [message] = postfix.delivered(recipient)
        assert message.startswith(b"Return-Path: <bob@example.net>\n")

    @pytest.mark.parametrize("domain", ["example.com", "mx.example.net", "anything.test", "any.example"])
    def test_delivers_for_every_test_domain(self, postfix: Postfix, plain: smtplib.SMTP, domain: str) -> None:
        recipient = postfix.fresh_recipient(domain)
        plain.sendmail("bob@example.net", [recipient], MESSAGE)
        assert len(postfix.delivered(recipient)) == 1

    def test_delivers_to_a_recipient_in_utf_8(self, postfix: Postfix, plain: smtplib.SMTP) -> None:
        recipient = f"grüße-{postfix.fresh_recipient('bücher.example')}"
        plain.sendmail("bob@example.net", [recipient], MESSAGE, ["SMTPUTF8"])
        assert len(postfix.delivered(recipient)) == 1

    def test_refuses_one_defers_one_and_takes_the_third(self, postfix: Postfix, plain: smtplib.SMTP) -> None:
        recipient = postfix.fresh_recipient()
        refusals = plain.sendmail(
            "bob@example.net", [postfix.refused_recipient, recipient, postfix.deferred_recipient], MESSAGE
        )
        assert refusals[postfix.refused_recipient][0] == 550
        assert refusals[postfix.refused_recipient][1].startswith(b"5.1.1 ")
        assert refusals[postfix.deferred_recipient][0] == 450
        assert refusals[postfix.deferred_recipient][1].startswith(b"4.2.1 ")
        assert len(postfix.delivered(recipient)) == 1

    def test_sends_nothing_elsewhere(self, plain: smtplib.SMTP) -> None:
        plain.mail("bob@example.net")
        assert plain.rcpt("alice@elsewhere.invalid")[0] == 554

    def test_takes_what_a_file_of_50_megabytes_becomes_in_base64(self, plain: smtplib.SMTP) -> None:
        assert int(plain.esmtp_features["size"]) > 50_000_000 * 78 / 57

    def test_catches_a_bare_newline(self, postfix: Postfix, plain: smtplib.SMTP) -> None:
        plain.mail("bob@example.net")
        plain.rcpt(postfix.fresh_recipient())
        plain.docmd("DATA")
        plain.send(b"Subject: smuggled\r\n\r\nbare\n.\r\n")
        assert plain.docmd(".") == (550, b"5.5.2 mx.example.org Error: bare <LF> received")

    def test_catches_commands_before_the_reply_to_ehlo(self, plain: smtplib.SMTP) -> None:
        plain.send(b"EHLO early.example.org\r\nMAIL FROM:<bob@example.net>\r\n")
        assert plain.getreply()[0] == 554

    def test_is_trusted_by_nobody_who_lacks_its_ca(self, postfix: Postfix) -> None:
        with (
            smtplib.SMTP(postfix.host, postfix.port) as client,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            client.starttls(context=ssl.create_default_context())

    def test_stands_beside_another_and_leaves_nothing_behind(self, postfix: Postfix) -> None:
        with running_postfix() as other:
            ports = {other.port, other.submission_port, other.submissions_port}
            assert ports.isdisjoint({postfix.port, postfix.submission_port, postfix.submissions_port})
            recipient = other.fresh_recipient()
            with smtplib.SMTP(other.host, other.port) as client:
                client.sendmail("bob@example.net", [recipient], MESSAGE)
            assert len(other.delivered(recipient)) == 1
            assert processes_of(other.root)
        assert not processes_of(other.root)
        assert not other.root.exists()

    def test_says_what_its_log_says_when_a_message_does_not_come(self, postfix: Postfix) -> None:
        with pytest.raises(AssertionError, match="0 of 1 messages came") as failure:
            postfix.delivered(postfix.fresh_recipient(), within=0.0)
        assert " postfix/" in str(failure.value)


class TestDebianPostfix:
    def test_delivers_what_comes_to_port_25(self, debian_postfix: DebianPostfix) -> None:
        recipient = debian_postfix.fresh_recipient()
        self.sendmail(debian_postfix, recipient)
        [message] = debian_postfix.delivered(recipient)
        assert b"\nSubject: the servers stand\n" in message

    def test_delivers_what_is_given_to_its_sendmail(self, debian_postfix: DebianPostfix) -> None:
        recipient = debian_postfix.fresh_recipient()
        debian_postfix.run(["sendmail", "-i", "-f", "root", recipient], input=MESSAGE.encode(), check=True)
        [message] = debian_postfix.delivered(recipient)
        assert message in debian_postfix.mailbox(debian_postfix.user)

    def test_refuses_a_user_whom_the_system_does_not_know(self, debian_postfix: DebianPostfix) -> None:
        refusal = self.sendmail(debian_postfix, "nobody-here@localhost")
        assert "(550, b'5.1.1 <nobody-here@localhost>" in refusal

    def test_runs_the_packaged_configuration(self, debian_postfix: DebianPostfix) -> None:
        inside = debian_postfix.run(["postconf", "-n"], capture_output=True, text=True, check=True).stdout
        assert "smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)\n" in inside
        assert "queue_directory" not in inside

    def test_runs_commands_in_the_directory_that_they_are_given(
        self, debian_postfix: DebianPostfix, tmp_path: Path
    ) -> None:
        here = debian_postfix.run(["pwd"], capture_output=True, text=True).stdout
        there = debian_postfix.run(["pwd"], cwd=tmp_path, capture_output=True, text=True).stdout
        assert (here, there) == (f"{Path.cwd()}\n", f"{tmp_path}\n")

    def test_stands_apart_from_the_network_outside(self, debian_postfix: DebianPostfix) -> None:
        inside = debian_postfix.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True).stdout
        assert inside.strip() != os.readlink("/proc/self/ns/net")

    @staticmethod
    def sendmail(server: DebianPostfix, recipient: str) -> str:
        """What smtplib says about a message to localhost:25 in there: nothing when it was accepted."""
        program = f"""
import smtplib
with smtplib.SMTP({server.host!r}, {server.port}) as client:
    try:
        client.sendmail("bob@example.net", [{recipient!r}], {MESSAGE!r})
    except smtplib.SMTPRecipientsRefused as error:
        print(error.recipients)
"""
        return str(server.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


class TestSecretService:
    def test_gives_what_was_stored(self, secret_service: SecretService) -> None:
        secret_service.set("sendmail-cli", "alice", "s3cret-äöü")
        assert secret_service.get("sendmail-cli", "alice") == "s3cret-äöü"
        assert secret_service.get("sendmail-cli", "bob") is None

    @pytest.mark.parametrize("argv", [KEYRING_GET, SECRET_TOOL_LOOKUP], ids=["keyring", "secret-tool"])
    def test_shows_other_clients_the_same(self, secret_service: SecretService, argv: list[str]) -> None:
        secret_service.set("sendmail-cli", "alice", "s3cret-äöü")
        seen = client(argv, secret_service)
        assert seen.stdout.strip() == "s3cret-äöü"

    def test_shows_what_keyring_has_stored_in_the_place_of_ours(self, secret_service: SecretService) -> None:
        secret_service.set("sendmail-cli", "alice", "old")
        keyring_set = [sys.executable, "-m", "keyring", "set", "sendmail-cli", "alice"]
        assert client(keyring_set, secret_service, stdin="new").returncode == 0
        assert secret_service.get("sendmail-cli", "alice") == "new"

    def test_can_be_locked(self, secret_service: SecretService) -> None:
        secret_service.set("sendmail-cli", "alice", "s3cret")
        secret_service.lock()
        seen = client(KEYRING_GET, secret_service)
        assert seen.returncode != 0
        assert "KeyringLocked" in seen.stderr

    def test_starts_empty_and_unlocked(self, secret_service: SecretService) -> None:
        assert not secret_service.is_locked()
        assert secret_service.get("sendmail-cli", "alice") is None

    def test_ends_with_the_test_run(self, secret_service: SecretService) -> None:
        home = Path(secret_service.environment["HOME"])
        assert len(processes_of(home.parent)) == 2  # bus and keyring


class TestLockedSecretService:
    def test_keeps_a_client_waiting_that_asks_to_unlock(self, locked_secret_service: LockedSecretService) -> None:
        locked_secret_service.set("sendmail-cli", "alice", "s3cret")
        with subprocess.Popen(KEYRING_GET, env=locked_secret_service.environment) as waiting:
            wait_until(lambda: locked_secret_service.was_asked_to_prompt or waiting.poll() is not None)
            assert waiting.poll() is None
            waiting.kill()

    def test_is_locked_whatever_the_test_stores(self, locked_secret_service: LockedSecretService) -> None:
        locked_secret_service.set("sendmail-cli", "alice", "s3cret")
        assert locked_secret_service.get("sendmail-cli", "alice") == "s3cret"
        assert locked_secret_service.is_locked()
        assert not locked_secret_service.was_asked_to_prompt


@pytest.mark.parametrize(
    ("fixture", "folder"),
    [
        ("postfix", "server.root"),
        ("debian_postfix", "server.root"),
        ("secret_service", "server.environment['HOME'].removesuffix('/home')"),
    ],
)
def test_ends_when_the_test_run_is_killed(request: pytest.FixtureRequest, fixture: str, folder: str) -> None:
    request.getfixturevalue(fixture)  # skips where it cannot be started
    program = f"""
import os, signal
from tests.support.{fixture} import running_{fixture}
with running_{fixture}() as server:
    print({folder}, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    argv = [sys.executable, "-c", program]
    killed = subprocess.run(argv, cwd=request.config.rootpath, stdout=subprocess.PIPE, text=True, check=False)
    root = Path(killed.stdout.strip())
    assert killed.returncode == -signal.SIGKILL
    try:
        wait_until(lambda: not processes_of(root), lambda: processes_of(root))
    finally:
        shutil.rmtree(root)


def client(argv: list[str], service: SecretService, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env=service.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def processes_of(root: Path) -> list[str]:
    """The living processes that were started with this directory in their arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if process.name != str(os.getpid()) and str(root).encode() in words:
                found.append(f"{process.name} {words!r}")
    return found
