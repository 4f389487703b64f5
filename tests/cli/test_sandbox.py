"""`sandbox`: what it says of itself; the server is tested in tests/integration."""

from __future__ import annotations

import re
import smtplib
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import Terminated
from sendmail_cli.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

    from tests.support.command import Runner


@pytest.fixture(autouse=True)
def one_message(mocker: MockerFixture) -> None:
    """The sandbox gets one message and is then ended."""

    def receive(sandbox: Sandbox) -> None:
        with smtplib.SMTP(sandbox.host, sandbox.port) as client:
            client.sendmail("ada@example.org", ["bob@example.org", "eve@example.org"], b"Subject: x\r\n\r\nhi\r\n")
        raise Terminated

    mocker.patch.object(Sandbox, "wait", receive)


@pytest.mark.parametrize("options", [[], ["--port", "0"]])
def test_says_where_it_listens_and_what_it_keeps(run: Runner, options: list[str]) -> None:
    done = run("sandbox", *options)

    assert done.code == 0
    assert re.fullmatch(rb"listening on 127\.0\.0\.1:\d+\n", done.out)
    first, received, last = done.lines
    assert first.startswith(f"messages go to {run.machine.state}/sandbox; --ca-file ")
    assert received.startswith("from <ada@example.org> to bob@example.org, eve@example.org: ")
    assert last == "stopped"


def test_keeps_them_where_it_is_told(run: Runner, tmp_path: Path) -> None:
    assert run("sandbox", "--dir", tmp_path / "mail").code == 0
    assert len(list((tmp_path / "mail/new").iterdir())) == 1


def test_quietly(run: Runner) -> None:
    assert run("sandbox", "-q").err == ""


@pytest.mark.parametrize("port", ["-1", "65536", "smtp"])
def test_a_port_that_is_none(run: Runner, port: str) -> None:
    assert run("sandbox", "--port", port).code == 64


def test_a_port_that_is_taken(run: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("sandbox", "--port", str(taken.getsockname()[1])).code == 71


def test_a_folder_that_can_not_be_one(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert run("sandbox", "--dir", tmp_path / "file").code == 73
