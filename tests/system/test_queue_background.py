"""The runner in the background, as it is: whose child, in which folder, and with which files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.command import Installed
    from tests.support.sink import Sink


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word: whoever comes is kept."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def runner(command: Installed, silent_server: int, tmp_path: Path) -> Iterator[int]:
    """The process that `send --queue` leaves behind, which had a pipe open and was in a folder of its own."""
    command.configure(f'[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{silent_server}"\n')
    folder = tmp_path / "to unmount"
    folder.mkdir()
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as left:
        done = subprocess.run(
            [COMMAND, "send", "--queue", "-m", "x", "bob@example.org"],
            cwd=folder, env=command.variables, pass_fds=(writing,), capture_output=True, check=False,
        )  # fmt: skip
        os.close(writing)
        assert done.returncode == 0, done
        assert left.read() == b"", "nobody has the pipe any more: who waits for its end need not wait for the runner"
    (pid,) = _runners(command.variables["SENDMAIL_CLI_SPOOL"])
    yield pid
    os.kill(pid, signal.SIGKILL)


def _runners(spool: str) -> list[int]:
    """Processes that hold the lock of the spool's runner."""
    lock = os.stat(os.path.join(spool, "runner"))
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.path.samestat(lock, os.stat(each)) for each in (path / "fd").iterdir()):
                found.append(int(path.name))
        except OSError:  # it ended, or is another user's
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_it_is_nobodys_and_nowhere(runner: int, command: Installed) -> None:
    assert command("queue", "stats", "--json").json["is_running"]
    assert os.getsid(runner) == runner
    assert os.getpgid(runner) == runner
    for number in range(3):
        assert os.readlink(f"/proc/{runner}/fd/{number}") == os.devnull
    # It says so once it is loaded; until then it is where it was started.
    subprocess.run(
        ["sh", "-c", f"until [ $(readlink /proc/{runner}/cwd) = / ]; do sleep 0.05; done"], check=True, timeout=PATIENCE
    )
    assert command("send", "--queue", "-m", "y", "bob@example.org").code == 0
    assert _runners(command.variables["SENDMAIL_CLI_SPOOL"]) == [runner], "one is enough"


def test_a_profile_of_the_folder_it_was_started_in(command: Installed, sink: Sink, tmp_path: Path) -> None:
    path = command.configure(f'[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n')
    path.rename(tmp_path / "mine.toml")
    variables = command.variables | {"SENDMAIL_CLI_CONFIG": "mine.toml"}
    words = ["send", "--queue", "-m", "hello", "bob@example.org"]
    subprocess.run([COMMAND, *words], cwd=tmp_path, env=variables, capture_output=True, check=True)
    waiting = Path(command.variables["SENDMAIL_CLI_SPOOL"], "waiting")
    subprocess.run(["sh", "-c", 'while [ -e "$1" ]; do sleep 0.05; done', "sh", waiting], check=True, timeout=PATIENCE)

    assert b"hello" in sink.received
