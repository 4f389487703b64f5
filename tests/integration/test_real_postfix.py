"""Postfix takes every kind of message by each of the ways people send mail, with passwords from a real keyring."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.integration.test_aiosmtpd import COMMAND, FROM, MEGABYTE, Deliveries, Way, run_command
from tests.support import secret_service as secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.debian_postfix import DebianPostfix
    from tests.support.postfix import Postfix
    from tests.support.secret_service import SecretService

pytestmark = pytest.mark.real_server

# What Postfix says of a client that breaks the rules of lines and of pipelining.
COMPLAINTS = re.compile(r".*(?:bare <|pipelining|warning: non-SMTP|too long|lost connection|SSL_accept error).*")
PASSWORD_VARIABLE = "SENDMAIL_CLI_PASSWORD__WORK"
WRONG = "wr0ng-passw0rd"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of our Postfix and what the installed command runs in; its profile is called `work`."""

    postfix: Postfix
    environment: dict[str, str]

    def run(
        self, *arguments: str | Path, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return run_command(*arguments, environment={**self.environment, **(variables or {})}, stdin=stdin)

    def add_profile(self, name: str = "work", *options: str, server: str | None = None) -> None:
        """STARTTLS as on 587, unless another server is named."""
        where = server or f"localhost:{self.postfix.submission_port}"
        settings = ("--from", FROM, "--server", where, "--user", self.postfix.user, "--ca-file", self.postfix.ca_file)
        assert self.run("profile", "add", name, *settings, *options).returncode == 0

    def login(self, name: str, password: str) -> subprocess.CompletedProcess[bytes]:
        return self.run("login", name, stdin=f"{password}\n".encode())

    def send(self, recipient: str, *options: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        return self.run("send", "-p", "work", "-m", "hello\n", *options, recipient, variables=variables)

    def assert_arrived(self, recipient: str) -> None:
        [message] = self.postfix.delivered(recipient)
        assert b"with ESMTPSA" in message  # S: TLS, A: AUTH
        assert message.endswith(b"\n\nhello\n")

    def assert_nothing_arrived(self, recipient: str) -> None:
        """A message that comes later tells that this one would have come by now."""
        control = self.postfix.fresh_recipient()
        variables = {PASSWORD_VARIABLE: self.postfix.password}
        done = self.send(control, "--ca-file", str(self.postfix.ca_file), **variables)
        assert done.returncode == 0
        assert self.postfix.delivered(control)
        assert self.postfix.delivered(recipient, at_least=0) == []


@pytest.fixture(scope="module")
def keyring() -> Iterator[SecretService]:
    """One for all that is delivered here, since starting it and signing in take longer than a message."""
    reason = secrets.why_unavailable()
    if reason is not None and os.environ.get("SENDMAIL_CLI_REAL_SERVERS") == "required":
        pytest.fail(reason, pytrace=False)
    if reason is not None:
        pytest.skip(reason)
    with secrets.running_secret_service() as service:
        yield service


@pytest.fixture(scope="module")
def signed_in(postfix: Postfix, keyring: SecretService) -> Account:
    """Both of Postfix's ways to sign in as profiles, with the password in the keyring."""
    account = Account(postfix, keyring.environment)
    for name, port in (("starttls", postfix.submission_port), ("implicit", postfix.submissions_port)):
        account.add_profile(name, "--tls", name, server=f"localhost:{port}")
        assert account.login(name, postfix.password).returncode == 0
        assert keyring.get(f"sendmail-cli/{name}", postfix.user) == postfix.password
    return account


@pytest.fixture
def account(postfix: Postfix, secret_service: SecretService) -> Account:
    """A user whose keyring is empty and who has no profile yet."""
    return Account(postfix, secret_service.environment)


@pytest.fixture
def starttls(signed_in: Account) -> Iterator[Way]:
    """As on 587."""
    with nothing_to_complain_of(signed_in.postfix):
        yield way_of(signed_in, "starttls", large_file=50 * MEGABYTE)


@pytest.fixture
def implicit_tls(signed_in: Account) -> Iterator[Way]:
    """As on 465."""
    with nothing_to_complain_of(signed_in.postfix):
        yield way_of(signed_in, "implicit")


@pytest.fixture
def localhost(debian_postfix: DebianPostfix, tmp_path: Path) -> Way:
    """Debian's own, by nothing but its name."""
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def run(command: str, *arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        argv = debian_postfix.command([COMMAND, command, "-S", "localhost", *arguments])
        return subprocess.run(argv, env=environment, input=stdin, capture_output=True, timeout=60, check=False)

    return Way(run, debian_postfix.fresh_recipient, debian_postfix.delivered, refused="nobody-here@localhost")


@pytest.fixture(params=["starttls", "implicit_tls", "localhost"])
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.getfixturevalue(request.param)
    return chosen


class TestPostfix(Deliveries):
    pass


def test_debians_postfix_by_a_profile_with_nothing_but_its_name(debian_postfix: DebianPostfix, tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text('[profile.local]\nfrom = "cron@example.org"\nserver = "localhost"\n')
    (tmp_path / "profiles.toml").chmod(0o600)
    environment = {"HOME": str(tmp_path), "SENDMAIL_CLI_CONFIG": str(tmp_path / "profiles.toml")}
    recipient = debian_postfix.fresh_recipient()
    argv: list[str | Path] = [COMMAND, "send", "-s", "backup", recipient]
    done = debian_postfix.run(argv, env=environment, input=b"disk full\n", capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    [message] = debian_postfix.delivered(recipient)
    assert message.startswith(b"Return-Path: <cron@example.org>\n")
    assert b" with ESMTP id " in message
    assert message.endswith(b"\n\ndisk full\n")


class TestPassword:
    def test_login_keeps_what_the_server_took_and_send_uses_it(
        self, account: Account, secret_service: SecretService
    ) -> None:
        account.add_profile()
        done = account.login("work", account.postfix.password)
        assert done.returncode == 0
        assert b"accepted it; stored in the keyring" in done.stderr
        assert secret_service.get("sendmail-cli/work", account.postfix.user) == account.postfix.password
        recipient = account.postfix.fresh_recipient()
        assert account.send(recipient).returncode == 0
        account.assert_arrived(recipient)

    def test_login_keeps_nothing_that_the_server_refused(self, account: Account, secret_service: SecretService) -> None:
        account.add_profile()
        assert_sign_in_refused(account.login("work", WRONG))
        assert secret_service.get("sendmail-cli/work", account.postfix.user) is None

    def test_login_leaves_a_good_password_when_a_wrong_one_is_typed(
        self, account: Account, secret_service: SecretService
    ) -> None:
        account.add_profile()
        assert account.login("work", account.postfix.password).returncode == 0
        assert_sign_in_refused(account.login("work", WRONG))
        assert secret_service.get("sendmail-cli/work", account.postfix.user) == account.postfix.password

    def test_logout_takes_it_out(self, account: Account, secret_service: SecretService) -> None:
        account.add_profile()
        assert account.login("work", account.postfix.password).returncode == 0
        assert account.run("logout", "work").returncode == 0
        assert secret_service.get("sendmail-cli/work", account.postfix.user) is None
        done = account.send(account.postfix.fresh_recipient())
        assert done.returncode == 78
        assert b"sendmail-cli login work" in done.stderr

    def test_a_wrong_one_is_explained_and_nothing_is_sent(self, account: Account) -> None:
        account.add_profile()
        recipient = account.postfix.fresh_recipient()
        assert_sign_in_refused(account.send(recipient, "-v", **{PASSWORD_VARIABLE: WRONG}))
        account.assert_nothing_arrived(recipient)

    @pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"])
    def test_by_each_mechanism(self, account: Account, mechanism: str) -> None:
        account.add_profile("work", "--auth", mechanism)
        recipient = account.postfix.fresh_recipient()
        done = account.send(recipient, "-v", **{PASSWORD_VARIABLE: account.postfix.password})
        assert done.returncode == 0
        assert f"AUTH {mechanism.upper()}".encode() in done.stderr
        account.assert_arrived(recipient)
        assert_sign_in_refused(account.send(recipient, **{PASSWORD_VARIABLE: WRONG}))

    def test_from_a_command(self, account: Account, tmp_path: Path) -> None:
        (tmp_path / "pass word").write_text(f"{account.postfix.password}\n")
        account.add_profile("work", "--password-command", f"cat '{tmp_path / 'pass word'}'")
        recipient = account.postfix.fresh_recipient()
        done = account.send(recipient, DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent")  # the keyring is not asked
        assert (done.returncode, done.stderr) == (0, b"")
        account.assert_arrived(recipient)

    def test_from_a_variable(self, account: Account) -> None:
        account.add_profile()
        recipient = account.postfix.fresh_recipient()
        variables = {PASSWORD_VARIABLE: account.postfix.password, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
        done = account.send(recipient, **variables)
        assert (done.returncode, done.stderr) == (0, b"")
        account.assert_arrived(recipient)

    @pytest.mark.parametrize("mechanism", ["plain", "login"])
    def test_is_shown_by_no_trace(self, account: Account, mechanism: str) -> None:
        account.add_profile("work", "--auth", mechanism)
        password = account.postfix.password
        done = account.send(account.postfix.fresh_recipient(), "-v", "--debug", **{PASSWORD_VARIABLE: password})
        assert done.returncode == 0
        assert f"AUTH {mechanism.upper()}".encode() in done.stderr
        for secret in (password.encode(), *encoded(account.postfix.user, password)):
            assert secret not in done.stderr

    def test_never_goes_where_the_certificate_is_not_trusted(self, account: Account, tmp_path: Path) -> None:
        account.add_profile()
        variables = {PASSWORD_VARIABLE: account.postfix.password}
        assert account.run("profile", "set", "work", "--ca-file", other_authorities(tmp_path)).returncode == 0
        recipient = account.postfix.fresh_recipient()
        done = account.send(recipient, "-v", **variables)
        assert done.returncode == 69
        assert b"AUTH" not in done.stderr.partition(b"STARTTLS\n")[2]
        account.assert_nothing_arrived(recipient)


def test_a_program_that_is_the_server(postfix: Postfix, tmp_path: Path) -> None:
    """Postfix's own sendmail speaks SMTP on standard input and output, and asks nobody who he is."""
    recipient = postfix.fresh_recipient()
    program = f"/usr/sbin/sendmail -C {postfix.root}/etc -bs"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = run_command("send", "-f", FROM, "--pipe", program, "-m", ".hello\n", recipient, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    [message] = postfix.delivered(recipient)
    assert message.endswith(b"\n\n.hello\n")


@contextmanager
def nothing_to_complain_of(postfix: Postfix) -> Iterator[None]:
    """Postfix's log has no complaint about us for as long as it lasts."""
    log = postfix.root / "log"
    before = log.stat().st_size
    yield
    said = log.read_bytes()[before:].decode()
    assert not COMPLAINTS.findall(said)


def way_of(account: Account, profile: str, large_file: int = 5 * MEGABYTE) -> Way:
    postfix = account.postfix

    def run(command: str, *arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return account.run(command, "-p", profile, *arguments, stdin=stdin)

    def delivered(recipient: str) -> list[bytes]:
        messages = postfix.delivered(recipient)
        assert all(b"with ESMTPSA" in message for message in messages)
        return messages

    refused, deferred = postfix.refused_recipient, (postfix.deferred_recipient,)
    return Way(run, postfix.fresh_recipient, delivered, refused, deferred, large_file)


def assert_sign_in_refused(done: subprocess.CompletedProcess[bytes]) -> None:
    said = done.stderr.decode()
    assert done.returncode == 77
    assert "the server said: 535 5.7.8" in said
    assert "The user name or the password is wrong." in said
    assert "sendmail-cli login" in said
    assert WRONG not in said


def encoded(user: str, password: str) -> tuple[bytes, ...]:
    """What stands for the password on the wire."""
    return base64.b64encode(f"\0{user}\0{password}".encode()), base64.b64encode(password.encode())


def other_authorities(folder: Path) -> str:
    """Authorities of somebody else."""
    trustme.CA().cert_pem.write_to_path(str(folder / "others.pem"))
    return str(folder / "others.pem")
