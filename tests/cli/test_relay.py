"""`relay`: what it refuses before it listens; the server is tested in tests/system."""

from __future__ import annotations

import os
import smtplib
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import Terminated
from sendmail_cli.relay import Relay

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

    from tests.support.command import Runner

PROFILE = '[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n'


@pytest.fixture(autouse=True)
def ends_at_once(mocker: MockerFixture, run: Runner) -> None:
    """Nobody is served."""
    mocker.patch.object(Relay, "_run_queue", side_effect=Terminated)
    run.machine.configure(PROFILE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nowhere to listen"),
        (["--port", "0"], "who could all send as you"),
        (["--port", "0", "--user", "x"], "belong together"),
        (["--port", "0", "--no-auth", "--password-fd", "0"], "belong together"),
        (["--port", "0", "--no-auth", "--user", "x", "--password-fd", "0"], "contradict"),
        (["--port", "0", "--no-auth", "--host", "0.0.0.0"], "loopback"),
        (["--port", "0", "--no-auth", "-p", "sandbox"], "sandbox"),
        (["--unix", "x", "--mode", "0777"], "permissions"),
        (["--unix", "x", "--mode", "0400"], "permissions"),
        (["--unix", "x", "--mode", "rw"], "permissions"),
    ],
)
def test_what_is_refused(
    run: Runner, options: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("relay", *options)
    assert done.code == 64
    assert said in done.err
    assert os.listdir(tmp_path) in ([], ["home"])


def test_says_where_it_listens_and_takes_the_socket_away(run: Runner, tmp_path: Path) -> None:
    done = run("relay", "--unix", tmp_path / "mail", "--mode", "0660")
    assert (done.code, done.out, done.lines) == (0, f"listening on {tmp_path}/mail\n".encode(), ["stopped"])
    assert not (tmp_path / "mail").exists()


def test_a_port_that_is_taken(run: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("relay", "--no-auth", "--port", str(taken.getsockname()[1])).code == 71


def test_no_profile(run: Runner, tmp_path: Path) -> None:
    run.machine.configure("")
    assert run("relay", "--unix", tmp_path / "mail").code == 78
    assert not (tmp_path / "mail").exists()


def test_a_spool_that_can_not_be_used(run: Runner, tmp_path: Path) -> None:
    """Nobody is told that it listens."""
    (tmp_path / "spool").touch()
    done = run("relay", "--unix", tmp_path / "mail")
    assert (done.code, done.out) == (78, b"")
    assert not (tmp_path / "mail").exists()


def test_by_tcp_without_a_password_where_that_is_wanted(run: Runner, mocker: MockerFixture) -> None:
    def send(relay: Relay) -> None:
        with smtplib.SMTP("127.0.0.1", relay._plan.sockets[0].port or 0) as client:
            client.sendmail("ada@example.org", ["bob@example.org"], b"Subject: x\r\n\r\nhi\r\n")
        raise Terminated

    mocker.patch.object(Relay, "_run_queue", send)
    assert run("relay", "--port", "0", "--no-auth").code == 0
    assert b"bob@example.org" in run("queue", "list").out
