"""`check` shows what a real server offers; `sandbox` is a server that the installed command can send to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_aiosmtpd import COMMAND, TEXT, run_command, text_of
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postfix import Postfix

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@pytest.mark.real_server
class TestCheck:
    @pytest.fixture
    def submission(self, postfix: Postfix, environment: dict[str, str]) -> dict[str, str]:
        """With a profile that signs in."""
        server = f"localhost:{postfix.submission_port}"
        settings = ("--from", "ada@example.org", "--server", server, "--user", postfix.user)
        run_command("profile", "add", "work", *settings, "--ca-file", postfix.ca_file, environment=environment)
        return environment | {"SENDMAIL_CLI_PASSWORD__WORK": postfix.password}

    def test_shows_what_is_offered_in_the_clear(self, postfix: Postfix, environment: dict[str, str]) -> None:
        done = run_command("check", "-S", f"localhost:{postfix.port}", environment=environment)
        said = done.stdout.decode()
        assert (done.returncode, done.stderr) == (0, b"")
        assert said.startswith(f"localhost:{postfix.port}, TLS none\n")
        assert re.search(r"^ok +EHLO +[\d.]+ ms  mx\.example\.org offers ", said, re.MULTILINE)
        assert {"STARTTLS", "SIZE 209715200", "PIPELINING", "8BITMIME"} <= offers(said)
        assert not any(line.startswith("AUTH") for line in offers(said))
        assert re.search(r"^- +TLS +not asked for", said, re.MULTILINE)
        assert re.search(r"^- +AUTH +not asked for: no user is set$", said, re.MULTILINE)

    def test_shows_what_starttls_changes_and_signs_in(self, postfix: Postfix, submission: dict[str, str]) -> None:
        done = run_command("check", environment=submission)
        said = done.stdout.decode()
        assert (done.returncode, done.stderr) == (0, b"")
        assert re.search(r"^ok +TLS +[\d.]+ ms  by STARTTLS, TLSv1\.[23], \w+$", said, re.MULTILINE)
        assert re.search(r"^ +for localhost\b", said, re.MULTILINE)
        assert re.search(r"^ +new: AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256$", said, re.MULTILINE)
        assert re.search(rf"^ok +AUTH +[\d.]+ ms  {re.escape(postfix.user)} by SCRAM-SHA-256$", said, re.MULTILINE)

    def test_asks_about_recipients_and_sends_nothing(self, postfix: Postfix, submission: dict[str, str]) -> None:
        fresh = postfix.fresh_recipient()
        whom = [word for each in (fresh, postfix.refused_recipient) for word in ("--to", each)]
        done = run_command("check", "--json", *whom, environment=submission)
        shown = json.loads(done.stdout)
        assert (done.returncode, shown["exit_code"]) == (80, 80)
        said = {step["details"]["path"]: step for step in shown["steps"] if step["name"] == "rcpt"}
        assert said[f"<{fresh}>"]["verdict"] == "ok"
        refused = said[f"<{postfix.refused_recipient}>"]
        assert (refused["verdict"], refused["exit_code"]) == ("failed", 67)
        assert refused["server_reply"].startswith("550 5.1.1 ")
        assert refused["hint"]
        assert (shown["steps"][-1]["name"], shown["steps"][-1]["verdict"]) == ("rset", "ok")
        assert postfix.delivered(fresh, at_least=0) == []

    @pytest.mark.parametrize(("recipient", "code"), [("refused_recipient", 67), ("deferred_recipient", 75)])
    def test_a_recipient_that_is_not_taken(
        self, postfix: Postfix, submission: dict[str, str], recipient: str, code: int
    ) -> None:
        done = run_command("check", "--to", getattr(postfix, recipient), environment=submission)
        said = done.stdout.decode()
        assert (done.returncode, done.stderr) == (code, b"")
        assert re.search(r"^FAILED +RCPT ", said, re.MULTILINE)
        assert said.splitlines()[-1].startswith(f"RCPT failed; nothing was sent; exit code {code}, in words: ")

    def test_a_wrong_password(self, submission: dict[str, str]) -> None:
        wrong = submission | {"SENDMAIL_CLI_PASSWORD__WORK": "wrong"}
        done = run_command("check", "--json", "--to", "bob@example.org", environment=wrong)
        assert done.returncode == 77
        verdicts = {step["name"]: step["verdict"] for step in json.loads(done.stdout)["steps"]}
        assert (verdicts["ehlo_after_tls"], verdicts["auth"], verdicts["mail"]) == ("ok", "failed", "skipped")

    def test_shows_the_dialogue(self, submission: dict[str, str]) -> None:
        done = run_command("check", "-v", environment=submission)
        steps = [r"-> EHLO ", r"<- 250-STARTTLS", r"-> STARTTLS", r"\*  TLSv1", r"~> EHLO ", r"<~ 250-AUTH PLAIN"]
        steps += [
            r"~> AUTH SCRAM-SHA-256 \*\*\*",
            r"<~ 334 ",
            r"~> \*\*\*",
            r"<~ 235 2\.7\.0 ",
            r"~> QUIT",
            r"<~ 221 2\.0\.0 ",
        ]
        assert re.search(".*".join(steps), done.stderr.decode(), re.DOTALL)

    def test_prints_json(self, postfix: Postfix, submission: dict[str, str]) -> None:
        done = run_command("check", "--json", environment=submission)
        shown = json.loads(done.stdout)
        assert shown["schema"] == 1
        assert (shown["profile"], shown["user"], shown["name"]) == ("work", postfix.user, "mx.example.org")
        assert shown["tls"]["version"].startswith("TLSv1.")
        assert shown["tls"]["days_left"] > 0
        assert "SIZE 209715200" in shown["extensions"]

    @pytest.mark.parametrize(
        ("line", "status", "answer"),
        [
            ("VRFY bob@example.org", 0, r"252 2\.0\.0 bob@example\.org\n"),
            ("vrfy bob@example.org", 0, r"252 2\.0\.0 bob@example\.org\n"),
            ("VRFY nobody-here@example.org", 67, r"550 5\.1\.1 .*No such user here\n"),
            ("NOOP", 0, r"250 2\.0\.0 Ok\n"),
            ("EXPN staff", 76, r"500 5\.5\.2 .*\n"),  # Postfix knows no EXPN
        ],
    )
    def test_speaks_one_command(
        self, postfix: Postfix, environment: dict[str, str], line: str, status: int, answer: str
    ) -> None:
        server = f"localhost:{postfix.port}"
        done = run_command("check", "-S", server, "--command", line, environment=environment)
        assert re.fullmatch(answer, done.stdout.decode())
        assert done.returncode == status

    def test_does_not_speak_what_would_send(self, postfix: Postfix, environment: dict[str, str]) -> None:
        server = f"localhost:{postfix.port}"
        done = run_command("check", "-S", server, "--command", "MAIL FROM:<ada@example.org>", environment=environment)
        assert (done.returncode, done.stdout) == (64, b"")

    def test_says_why_a_certificate_is_not_trusted(self, postfix: Postfix, environment: dict[str, str]) -> None:
        done = run_command("check", "-S", f"smtps://localhost:{postfix.submissions_port}", environment=environment)
        assert done.returncode == 69
        assert b"--ca-file" in done.stdout

    def test_says_how_a_port_that_speaks_tls_is_spoken_to(self, postfix: Postfix, environment: dict[str, str]) -> None:
        arguments = ("-S", f"localhost:{postfix.submissions_port}", "--timeout", "2")
        done = run_command("check", *arguments, environment=environment)
        assert done.returncode == 75
        assert b"--tls implicit" in done.stdout

    def test_says_how_a_port_that_waits_for_starttls_is_spoken_to(
        self, postfix: Postfix, environment: dict[str, str]
    ) -> None:
        done = run_command("check", "-S", f"smtps://localhost:{postfix.submission_port}", environment=environment)
        assert done.returncode == 76
        assert b"starttls" in done.stdout


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A `sendmail-cli sandbox` in the foreground."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    ca_file: Path

    def messages(self) -> list[Path]:
        return sorted((self.folder / "new").iterdir())

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Its exit code, and what it said on stdout and stderr since it was listening."""
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, stdout, stderr


@contextmanager
def running_sandbox(environment: dict[str, str], *options: str) -> Iterator[Sandbox]:
    argv = [str(COMMAND), "sandbox", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            listening = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", process.stdout.readline())
            places = re.fullmatch(r"messages go to (.+); --ca-file (.+) verifies it\n", process.stderr.readline())
            assert listening
            assert places
            yield Sandbox(process, Path(places[1]), int(listening[1]), Path(places[2]))
        finally:
            process.kill()


@pytest.fixture
def sandbox(environment: dict[str, str], tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(environment, "--dir", str(tmp_path / "mail")) as running:
        yield running


class TestSandbox:
    def test_takes_what_send_brings_over_starttls(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        where = ("-S", f"localhost:{sandbox.port}", "--tls", "starttls", "--ca-file", sandbox.ca_file)
        who = ("-f", "Zoë <zoe@example.org>", "-s", "Grüße", "ada@example.org", "-b", "eve@example.org")
        done = run_command("send", "-v", *where, *who, stdin=TEXT.encode(), environment=environment)
        [kept] = sandbox.messages()
        message = message_from_bytes(kept.read_bytes(), policy=policy.default)
        assert done.returncode == 0
        assert re.search(r"-> STARTTLS\n.*TLSv1\.[23], .*~> EHLO ", done.stderr.decode(), re.DOTALL)
        assert (message["subject"], text_of(message)) == ("Grüße", TEXT)
        assert message.get_all("delivered-to") == ["ada@example.org", "eve@example.org"]
        assert "with ESMTPS;" in message["received"]
        status, _, said = sandbox.stop()
        assert status == 0
        assert said.startswith(f"from <zoe@example.org> to ada@example.org, eve@example.org: {kept}\n")

    def test_is_not_trusted_without_its_certificate(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        where = ("-S", f"localhost:{sandbox.port}", "--tls", "starttls")
        done = run_command("send", *where, "-f", "a@example.org", "-m", "x", "b@example.org", environment=environment)
        assert done.returncode == 69
        assert sandbox.messages() == []

    def test_takes_mail_in_the_clear_by_its_port_alone(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        where = ("-S", f"localhost:{sandbox.port}")
        done = run_command("send", *where, "-f", "a@example.org", "-m", "x", "b@example.org", environment=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(sandbox.messages()) == 1

    @SIGNALS
    def test_ends_cleanly(self, sandbox: Sandbox, number: int) -> None:
        status, stdout, stderr = sandbox.stop(number)
        assert (status, stdout, stderr) == (0, "", "stopped\n")
        assert not sandbox.ca_file.exists()
        assert is_free(sandbox.port)

    @SIGNALS
    def test_ends_while_a_client_is_connected(self, sandbox: Sandbox, number: int) -> None:
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as client:
            assert client.recv(4) == b"220 "
            status, _, stderr = sandbox.stop(number)
            assert (status, stderr) == (0, "stopped\n")

    def test_keeps_its_port_and_its_mail_from_one_run_to_the_next(self, environment: dict[str, str]) -> None:
        with running_sandbox(environment) as first:
            port = first.port
            send_to(port, environment)
            first.stop()
        with running_sandbox(environment, "--port", str(port)) as second:
            send_to(port, environment)
            assert (second.port, second.folder) == (port, first.folder)
            assert second.folder == Path(environment["HOME"], ".local/state/sendmail-cli/sandbox")
            assert len(second.messages()) == 2

    def test_says_that_a_port_is_taken(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        done = run_command("sandbox", "--port", str(sandbox.port), environment=environment)
        assert (done.returncode, done.stdout) == (71, b"")
        assert b"Choose another port" in done.stderr

    def test_says_that_its_folder_is_none(self, environment: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = run_command("sandbox", "--dir", tmp_path / "file", environment=environment)
        assert (done.returncode, done.stdout) == (73, b"")
        assert b"Choose another folder" in done.stderr


class TestSandboxProfile:
    def test_keeps_one_message_and_says_where(self, environment: dict[str, str]) -> None:
        arguments = ("-p", "sandbox", "-f", "you@example.org", "-s", "hi", "-m", "It works.\n", "ada@example.org")
        done = run_command("send", *arguments, environment=environment)
        [kept] = kept_messages(environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", f"kept in {kept}\n".encode())
        message = message_from_bytes(kept.read_bytes(), policy=policy.default)
        assert (message["subject"], text_of(message)) == ("hi", "It works.\n")
        assert not list(kept.parent.parent.glob("*.pem"))

    def test_needs_no_configuration_not_even_a_sender(self, environment: dict[str, str]) -> None:
        done = run_command("send", "-p", "sandbox", "-m", "hello", "you@example.org", environment=environment)
        assert done.returncode == 0
        assert len(kept_messages(environment)) == 1

    def test_says_where_in_json(self, environment: dict[str, str]) -> None:
        done = run_command("send", "--json", "-p", "sandbox", "-m", "x", "you@example.org", environment=environment)
        shown = json.loads(done.stdout)
        assert [shown["kept_at"]] == [str(path) for path in kept_messages(environment)]
        assert [recipient["action"] for recipient in shown["recipients"]] == ["relayed"]

    def test_shows_what_the_sandbox_offers(self, environment: dict[str, str]) -> None:
        done = run_command("check", "-p", "sandbox", environment=environment)
        assert done.returncode == 0
        assert {"8BITMIME", "SMTPUTF8", "SIZE 104857600"} <= offers(done.stdout.decode())

    def test_adds_to_what_it_kept_before(self, environment: dict[str, str]) -> None:
        for _ in range(2):
            run_command("send", "-p", "sandbox", "-m", "x", "you@example.org", environment=environment)
        assert len(kept_messages(environment)) == 2


def offers(said: str) -> set[str]:
    """The extensions that the server offered last, by what `check` said."""
    offered: list[str] = re.findall(r" offers (.+)$", said, re.MULTILINE)
    return set(offered[-1].split(", "))


def kept_messages(environment: dict[str, str]) -> list[Path]:
    return sorted(Path(environment["HOME"], ".local/state/sendmail-cli/sandbox/new").iterdir())


def send_to(port: int, environment: dict[str, str]) -> None:
    arguments = ("-S", f"localhost:{port}", "-f", "a@example.org", "-m", "x", "b@example.org")
    assert run_command("send", *arguments, environment=environment).returncode == 0


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False
