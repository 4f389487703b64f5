"""What real servers make of the extensions: further transactions, rows of messages, BDAT, reports of delivery, LMTP."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.delivery import deliver_all
from sendmail_cli.environment import Environment
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.trace import Trace, TraceEvent
from tests.integration.test_aiosmtpd import FROM, run_command
from tests.support.dialogue import submission_of
from tests.support.ports import reserve_ports

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.postfix import Postfix
    from tests.support.servers.dovecot_lmtp import DovecotLmtp

pytestmark = pytest.mark.real_server

CHUNKED = '[profile.eager]\nfrom = "{sender}"\nserver = "127.0.0.1:{port}"\ntls = "none"\nchunking = "eager"\n'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def send(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return run_command("send", "-f", FROM, "-m", "hello\n", "--json", *arguments, environment=environment)


def profile(tmp_path: Path, text: str) -> None:
    folder = tmp_path / ".config/sendmail-cli"
    folder.mkdir(parents=True)
    (folder / "profiles.toml").write_text(text)
    (folder / "profiles.toml").chmod(0o600)


def test_duty12_recipients_that_are_too_many_get_further_transactions(
    postfix: Postfix, environment: dict[str, str]
) -> None:
    recipients = [postfix.fresh_recipient() for _ in range(5)]
    done = send(environment, "-S", f"127.0.0.1:{postfix.narrow_port}", "-v", *recipients)
    assert done.returncode == 0, done.stderr.decode()
    assert b"452 4.5.3 Error: too many recipients" in done.stderr
    assert done.stderr.count(b" MAIL FROM") == 3
    assert [one["action"] for one in json.loads(done.stdout)["recipients"]] == ["relayed"] * 5
    for recipient in recipients:
        [_] = postfix.delivered(recipient)


def test_a_row_of_messages_over_one_connection(postfix: Postfix) -> None:
    """The envelope of each goes along with the end of the content before it; one is refused in between."""
    recipients = [postfix.fresh_recipient() for _ in range(6)]
    recipients[2] = postfix.refused_recipient
    events: list[TraceEvent] = []
    environment = Environment({})
    rows = [submission_of(b"Subject: row\r\n\r\n.%d\r\n" % number, to) for number, to in enumerate(recipients)]
    server = Server("127.0.0.1", postfix.port, tls=TLSMode.NONE)
    reports = deliver_all(rows, server, lambda: Secret(""), environment, Trace(environment.monotonic, events.append))
    assert [int(report.exit_code) for report in reports] == [0, 0, 67, 0, 0, 0]
    assert sum(event.text.startswith("EHLO") for event in events) == 1
    assert sum(event.text == "RSET" for event in events) == 1
    for number, recipient in enumerate(recipients):
        if recipient != postfix.refused_recipient:
            [message] = postfix.delivered(recipient)
            assert message.endswith(b"\n\n.%d\n" % number)


@pytest.mark.parametrize("count", [1, 10])
def test_duty15_bdat_is_taken_whole(postfix: Postfix, environment: dict[str, str], tmp_path: Path, count: int) -> None:
    profile(tmp_path, CHUNKED.format(sender="ada@example.org", port=postfix.port))
    recipients = [postfix.fresh_recipient() for _ in range(count)]
    done = send(environment, "-p", "eager", "-v", *recipients)
    assert done.returncode == 0, done.stderr.decode()
    assert b" LAST" in done.stderr
    assert b" DATA" not in done.stderr
    for recipient in recipients:
        [message] = postfix.delivered(recipient)
        assert message.endswith(b"\n\nhello\n")


def test_duty15_bdat_with_some_and_with_all_refused(
    postfix: Postfix, environment: dict[str, str], tmp_path: Path
) -> None:
    profile(tmp_path, CHUNKED.format(sender="ada@example.org", port=postfix.port))
    recipient = postfix.fresh_recipient()
    assert send(environment, "-p", "eager", recipient, postfix.refused_recipient).returncode == 80
    [_] = postfix.delivered(recipient)
    assert send(environment, "-p", "eager", postfix.refused_recipient).returncode == 67
    assert send(environment, "-p", "eager", postfix.deferred_recipient).returncode == 75


def test_all_or_none(postfix: Postfix, environment: dict[str, str]) -> None:
    recipient, witness = postfix.fresh_recipient(), postfix.fresh_recipient()
    where = ("-S", f"127.0.0.1:{postfix.port}")
    done = send(environment, *where, "--all-or-none", recipient, postfix.refused_recipient)
    assert done.returncode == 67
    assert send(environment, *where, "--all-or-none", recipient, witness).returncode == 0
    [_] = postfix.delivered(witness)
    [_] = postfix.delivered(recipient)


def test_reports_of_delivery_are_understood(postfix: Postfix, environment: dict[str, str]) -> None:
    recipient = postfix.fresh_recipient()
    asked = ("--notify", "success,failure", "--ret", "headers", "--envid", "job=42 +x")
    done = send(environment, "-S", f"127.0.0.1:{postfix.port}", "-v", *asked, recipient)
    assert done.returncode == 0, done.stderr.decode()
    assert b"RET=HDRS ENVID=job+3D42+20+2Bx" in done.stderr
    assert b"NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;" in done.stderr
    [_] = postfix.delivered(recipient)


def test_what_postfix_does_not_offer(postfix: Postfix, environment: dict[str, str]) -> None:
    recipient = postfix.fresh_recipient()
    for asked in (["--requiretls"], ["--mail-param", "BY=60;R"]):
        assert send(environment, "-S", f"127.0.0.1:{postfix.port}", *asked, recipient).returncode == 69


def test_the_second_server_takes_what_the_first_cannot(
    postfix: Postfix, environment: dict[str, str], tmp_path: Path
) -> None:
    [dead] = reserve_ports(1)
    servers = f'["127.0.0.1:{dead}", "127.0.0.1:{postfix.port}"]'
    profile(tmp_path, f'[profile.two]\nfrom = "ada@example.org"\ntls = "none"\nserver = {servers}\n')
    recipient = postfix.fresh_recipient()
    done = send(environment, "-p", "two", "-v", recipient)
    assert done.returncode == 0, done.stderr.decode()
    assert f"trying 127.0.0.1:{postfix.port}".encode() in done.stderr
    assert json.loads(done.stdout)["server"] == f"127.0.0.1:{postfix.port}"
    [_] = postfix.delivered(recipient)


def test_a_server_that_hangs_up_is_followed_by_the_next(
    postfix: Postfix, environment: dict[str, str], tmp_path: Path
) -> None:
    """It takes the connection and is never heard of: the time-out leaves the message to the second."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        servers = f'["127.0.0.1:{mute.getsockname()[1]}", "127.0.0.1:{postfix.port}"]'
        profile(tmp_path, f'[profile.two]\nfrom = "ada@example.org"\ntls = "none"\nserver = {servers}\n')
        recipient = postfix.fresh_recipient()
        assert send(environment, "-p", "two", "--timeout", "5", recipient).returncode == 0
    [_] = postfix.delivered(recipient)


@pytest.mark.parametrize("way", ["tcp", "socket"])
def test_lmtp_has_a_verdict_for_each_recipient(lmtp: DovecotLmtp, environment: dict[str, str], way: str) -> None:
    """One is refused at RCPT, one after the content, two have it."""
    where = f"lmtp:{lmtp.socket}" if way == "socket" else f"lmtp://{lmtp.host}:{lmtp.port}"
    good = [f"{way}{number}@{lmtp.local_domain}" for number in (1, 2)]
    done = send(environment, "-S", where, good[0], lmtp.refused, lmtp.full, good[1])
    assert done.returncode == 80, done.stderr.decode()
    outcomes = [(one["action"], one["code"]) for one in json.loads(done.stdout)["recipients"]]
    assert outcomes == [("relayed", 250), ("failed", 550), ("failed", 552), ("relayed", 250)]
    kept = [recipient for message in lmtp.delivered() for recipient in message.rcpt_to]
    assert [kept.count(recipient) for recipient in good] == [1, 1]


def test_lmtp_by_starttls(lmtp: DovecotLmtp, environment: dict[str, str]) -> None:
    where = ("-S", f"lmtp://{lmtp.host}:{lmtp.port}", "--tls", "starttls", "--ca-file", str(lmtp.ca_file))
    done = send(environment, *where, f"secured@{lmtp.local_domain}")
    assert done.returncode == 0, done.stderr.decode()
