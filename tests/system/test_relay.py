"""The relay in a process of its own: real clients, signals, kills, and what systemd hands over."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, Installed, finish
from tests.support.patience import PATIENCE, wait_until
from tests.support.relaying import port_of, relaying
from tests.support.unix_smtp import UnixSMTP

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sink import Sink

MESSAGE = b"From: Django <webmaster@example.org>\r\nTo: bob@example.org\r\nSubject: order\r\n\r\nThanks.\r\n"


def wait_until_received(sink: Sink, text: bytes) -> None:
    wait_until(lambda: text in sink.received, lambda: sink.received)


def test_pythons_client_by_a_unix_socket(here: Installed, sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "mail.sock"
    with relaying(here, "--unix", path, "-v") as (process, place):
        assert place == str(path)
        assert path.stat().st_mode & 0o777 == 0o600
        with UnixSMTP(str(path), 25, local_hostname="here") as client:
            assert not client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
            assert {"8bitmime", "pipelining", "size", "dsn", "smtputf8"} <= set(client.esmtp_features)
            assert not {"auth", "starttls"} & set(client.esmtp_features)
        wait_until_received(sink, b"Subject: order")
        process.terminate()
        done = finish(process)
    assert done.code == 0
    assert "MAIL FROM:<ada@example.org>" in done.err  # as it was said to the profile's server
    assert not path.exists()
    assert sink.received.startswith(b"Received: by ")
    assert f"(sendmail-cli, from userid {os.getuid()}) with ESMTP;".encode() in sink.received
    assert sink.commands[0].startswith(b"MAIL FROM:<ada@example.org>")


def test_what_reports_a_client_asks_for_is_said_to_the_server(here: Installed, sink: Sink, tmp_path: Path) -> None:
    sink.offered = (b"DSN",)
    path = tmp_path / "mail.sock"
    with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:
        client.sendmail(
            "ada@example.org",
            ["bob@example.org"],
            MESSAGE,
            mail_options=("RET=HDRS", "ENVID=QQ+2B1"),
            rcpt_options=("NOTIFY=success,DELAY", "ORCPT=rfc822;Bob+2Bx@first.example"),
        )
        wait_until_received(sink, b"Subject: order")
    assert b" RET=HDRS ENVID=QQ+2B1\r\n" in sink.commands[0]
    assert sink.commands[1].endswith(b" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@first.example\r\n")


def test_a_local_part_beyond_ascii_is_refused_at_once_where_the_server_has_no_smtputf8(
    here: Installed, sink: Sink, tmp_path: Path
) -> None:
    """A domain of any script, and a header, go to every server."""
    path = tmp_path / "mail.sock"
    domain = "bob@b\u00fccher.example"
    with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:
        said = client.sendmail("ada@example.org", ["b\u00fcro@example.org", domain], MESSAGE, ("SMTPUTF8",))
        assert said["b\u00fcro@example.org"][1].startswith(b"5.6.7 sink.example takes no local part")
        wait_until_received(sink, b"Subject: order")
        assert sink.commands[1:] == [b"RCPT TO:<bob@xn--bcher-kva.example>\r\n"]
        assert b"with UTF8SMTP;" in sink.received
        sink.offered = (b"SMTPUTF8",)
        with UnixSMTP(str(path), 25) as another:
            another.sendmail("ada@example.org", ["b\u00fcro@example.org"], MESSAGE + b"again\r\n", ("SMTPUTF8",))
        wait_until_received(sink, b"again")
    assert "RCPT TO:<b\u00fcro@example.org>\r\n".encode() in sink.commands


def test_a_client_that_pipelines_more_recipients_than_one_message_may_have(
    here: Installed, sink: Sink, tmp_path: Path
) -> None:
    """Each of its commands is answered, and it sends to the rest by another transaction over the same connection."""
    path = tmp_path / "mail.sock"
    with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:
        client.ehlo()
        left = list(range(1500))
        while left:
            rcpt = "".join(f"RCPT TO:<u{number}@example.org>\r\n" for number in left)
            client.write(f"MAIL FROM:<ada@example.org>\r\n{rcpt}DATA\r\n".encode())
            codes = [client.getreply()[0] for _ in range(len(left) + 2)]
            assert codes == [250] + [250] * min(len(left), 1000) + [452] * (len(left) - 1000) + [354]
            client.write(MESSAGE + b".\r\n")
            assert client.getreply()[0] == 250
            left = left[1000:]
        end = time.monotonic() + PATIENCE
        while sink.received.count(b"Subject: order") < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert len({command for command in sink.commands if command.startswith(b"RCPT")}) == 1500


def test_pythons_client_by_tcp_with_a_password(here: Installed, sink: Sink) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"pa ss\n")
    os.close(writing)
    with relaying(here, "--port", "0", "--user", "grafana", "--password-fd", "0", stdin=reading) as (_, place):
        with smtplib.SMTP("127.0.0.1", port_of(place)) as client:
            with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
                client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("grafana", "guessed")
            client.login("grafana", "pa ss")
            client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
        wait_until_received(sink, b"Subject: order")
    os.close(reading)
    assert b"with ESMTPA;" in sink.received


@pytest.mark.parametrize("moment", [0.0, 0.004, 0.012, 0.03, 0.1])
def test_nothing_is_lost_by_a_kill(here: Installed, tmp_path: Path, moment: float) -> None:
    """Killed so many seconds after the dot: who was told 250 has its message in the queue, and none is there half."""
    here.configure('[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n')
    path = tmp_path / "mail.sock"
    with relaying(here, "--unix", path) as (process, _), UnixSMTP(str(path), 25) as client:
        client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
        client.mail("ada@example.org")
        client.rcpt("bob@example.org")
        client.docmd("data")
        client.write(MESSAGE + b".\r\n")
        time.sleep(moment)
        process.kill()
        try:
            is_taken = client.getreply()[0] == 250
        except smtplib.SMTPServerDisconnected:
            is_taken = False
        client.close()
    count = here("queue", "list").out.count(b"to bob@example.org")
    assert count in ({2} if is_taken else {1, 2})
    for number in range(1, count + 1):
        assert here("queue", "show", "--message", str(number)).out.endswith(b"\r\n\r\nThanks.\r\n")
    with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:  # what the kill has left is in nobody's way
        client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)


def test_one_message_is_one_message(here: Installed, sink: Sink, tmp_path: Path) -> None:
    """A lone dot between other line ends is text, for us and for the next server."""
    path = tmp_path / "mail.sock"
    evil = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nevil\r\n"
    with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r"):
            client.ehlo()
            client.mail("ada@example.org")
            client.rcpt("bob@example.org")
            client.docmd("data")
            client.write(b"Subject: x\r\n\r\nhi" + end + evil + b".\r\n")
            assert client.getreply()[0] == 250
            assert client.noop()[0] == 250
        client.mail("ada@example.org")
        client.rcpt("bob@example.org")
        client.data(b"Subject: last\r\n\r\nx\r\n")
        wait_until_received(sink, b"Subject: last")
    assert not any(b"evil" in command for command in sink.commands)
    assert sink.received.count(b"MAIL FROM:<evil@example.org>\r\n") == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk(here: Installed, tmp_path: Path) -> None:
    """452, nothing half there, and the relay goes on once there is room."""
    here.configure('[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n')
    spool, path = here.home / "spool", tmp_path / "mail.sock"
    spool.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", spool], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        taken = 0
        with relaying(here, "--unix", path), UnixSMTP(str(path), 25) as client:
            refusal = b""
            while not refusal and taken < 100:
                try:
                    client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE + b"x\r\n" * 15000)
                    taken += 1
                except smtplib.SMTPDataError as error:
                    refusal = f"{error.smtp_code} {error.smtp_error!r}".encode()
            assert refusal.startswith(b"452")
            assert taken
            assert here("queue", "list").out.count(b"to bob@example.org") == taken
            subprocess.run(["mount", "-o", "remount,size=4m", spool], check=True)
            client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
    finally:
        subprocess.run(["umount", "-l", spool], check=True)


def test_a_clean_end(here: Installed, sink: Sink, tmp_path: Path) -> None:
    """Who sends a message may end that; who says nothing is told."""
    path = tmp_path / "mail.sock"
    with (
        relaying(here, "--unix", path) as (process, _),
        UnixSMTP(str(path), 25) as busy,
        UnixSMTP(str(path), 25) as idle,
    ):
        busy.ehlo()
        busy.mail("ada@example.org")
        busy.rcpt("bob@example.org")
        busy.docmd("data")
        busy.write(MESSAGE)
        process.send_signal(signal.SIGTERM)
        busy.write(b".\r\n")
        assert busy.getreply()[0] == 250
        assert idle.getreply()[0] == 421
        assert busy.getreply()[0] == 421
        assert finish(process).code == 0
    here("queue", "run")
    assert b"Subject: order" in sink.received


def test_what_systemd_hands_over(here: Installed, sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "submit"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        launcher = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); "
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); os.execv(sys.argv[2], sys.argv[2:])"
        )
        for _ in range(2):  # it is still listened on after the first has ended
            with subprocess.Popen(
                [sys.executable, "-c", launcher, str(listening.fileno()), COMMAND, "relay"],
                env=here.variables,
                pass_fds=(listening.fileno(),),
            ) as process:
                with UnixSMTP(str(path), 25) as client:
                    client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
                process.terminate()
                assert process.wait(PATIENCE) == 0
        assert path.exists()
    here("queue", "run")
    assert sink.received.count(b"Subject: order") == 2


def test_a_hundred_clients_at_once(here: Installed, tmp_path: Path) -> None:
    here.configure('[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n')
    path = tmp_path / "mail.sock"
    with relaying(here, "--unix", path):
        clients = [UnixSMTP(str(path), 25) for _ in range(100)]
        late = socket.socket(socket.AF_UNIX)
        late.connect(str(path))
        assert late.recv(100).startswith(b"421 ")
        late.close()
        for client in clients:
            client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE)
        for client in clients:
            client.quit()
    assert here("queue", "list").out.count(b"to bob@example.org") == 100
