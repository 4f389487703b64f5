"""Lines to a socket such as syslogd's."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import Environment
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.status import ExitCode
from sendmail_cli.system_log import MAX_LINE, log_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCEPTED = RecipientOutcome("bob@example.org", Action.RELAYED, ExitCode.OK, 250, None, "2.0.0 Ok")
REFUSED = RecipientOutcome("eve@example.org", Action.FAILED, ExitCode.NOUSER, 550, None, "5.1.1 nobody\x1b[2J\nforged")
DOUBTFUL = RecipientOutcome("joe@example.org", Action.DELAYED, ExitCode.IN_DOUBT, text="lost", is_in_doubt=True)


class There(Environment):
    def __init__(self, path: Path) -> None:
        super().__init__({})
        self.path = path

    @property
    def system_log_socket(self) -> str:
        return str(self.path)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "log"))
        there.settimeout(10)
        yield there


def fail(text: str) -> None:
    raise AssertionError(text)


def test_a_line_for_each_recipient(listening: socket.socket, tmp_path: Path) -> None:
    report = Report("<1@example.org>", "mx.example.org:587", (ACCEPTED, REFUSED, DOUBTFUL), profile="work", queue_id=7)
    log_report(report, "<ada@example.org>", There(tmp_path / "log"), fail)
    lines = [listening.recv(4096).decode() for _ in range(3)]
    begins = (
        f"sendmail-cli[{os.getpid()}]: message-id=<1@example.org>, profile=work, queue-id=7, from=<ada@example.org>, "
    )
    assert lines[0] == (f"<22>{begins}to=<bob@example.org>, relay=mx.example.org:587, status=relayed (250 2.0.0 Ok)")
    assert lines[1].startswith(f"<20>{begins}to=<eve@example.org>")
    assert re.search("status=failed .*forged", lines[1])
    assert all(line.isprintable() for line in lines), "a server's reply begins no line of its own"
    assert lines[2].endswith("status=in doubt (lost)")


def test_a_line_is_no_longer_than_a_log_takes(listening: socket.socket, tmp_path: Path) -> None:
    outcome = ACCEPTED._replace(text="x" * 5000)
    log_report(Report("<1>", "mx", (outcome,)), "<>", There(tmp_path / "log"), fail)
    assert len(listening.recv(8192)) == MAX_LINE


def test_where_nobody_listens_that_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    log_report(Report("<1>", "mx", (ACCEPTED, REFUSED)), "<>", There(tmp_path / "log"), said.append)
    [warning] = said
    assert "no such file or directory" in warning
