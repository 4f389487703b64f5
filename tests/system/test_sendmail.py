"""The installed program under the names of sendmail(1), by symlinks, as other programs find it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, PATIENCE
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, sink: Sink) -> Path:
    """Where the symlinks are, and a HOME."""
    config = tmp_path / ".config" / "sendmail-cli" / "profiles.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "127.0.0.1:{sink.port}"\n')
    config.chmod(0o600)
    for name in ("sendmail", "mailq", "newaliases"):
        (tmp_path / name).symlink_to(COMMAND)
    return tmp_path


def run(folder: Path, name: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [folder / name, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        cwd="/",
    )


def test_as_cron_calls_it(folder: Path, sink: Sink) -> None:
    text = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\n\nhello\n"
    done = run(folder, "sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", stdin=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"From: Cron Daemon <ada@example.org>" in sink.received


def test_smtp_on_standard_input_and_output(folder: Path, sink: Sink) -> None:
    dialogue = (
        b"EHLO here\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<root>\r\nDATA\r\n"
        b"Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
    )
    done = run(folder, "sendmail", "-bs", stdin=dialogue)
    assert (done.returncode, done.stderr) == (0, b"")
    codes = [line[:3] for line in done.stdout.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert b"Subject: x\r\n" in sink.received
    assert b"\r\n.dot\r\n" in sink.received
    assert b"MAIL FROM:<a@example.org>" in sink.commands[0]


def test_a_client_that_leaves_without_quit(folder: Path) -> None:
    assert run(folder, "sendmail", "-bs", stdin=b"EHLO here\r\nMAIL FROM:<a@example.org>\r\n").returncode == 0


def test_the_other_names(folder: Path) -> None:
    assert run(folder, "mailq").stdout == b"Mail queue is empty\n"
    assert run(folder, "newaliases").returncode == 0


def test_as_a_command_of_its_own(folder: Path, sink: Sink) -> None:
    (folder / "sendmail-cli").symlink_to(COMMAND)
    assert run(folder, "sendmail-cli", "sendmail", "bob@example.org", stdin=b"hello\n").returncode == 0
    assert b"\r\n\r\nhello\r\n" in sink.received
