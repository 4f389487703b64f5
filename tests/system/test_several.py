"""SIGTERM and Ctrl-C in the middle of a mailbox: what went is told, and the code says that it went."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.command import finish, wait_for_line
from tests.support.small_servers import CONTENT, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed

MESSAGE = "From x Mon Jan  1 00:00:00 2024\nFrom: ada@example.org\nTo: {}@example.org\n\nhi\n\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_went_is_told(command: Installed, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "box").write_text("".join(map(MESSAGE.format, ("bob", "carol", "dan"))))
    with server(CONTENT + "S: 250 2.0.0 Ok\nC? MAIL\nS! stall\n") as running:
        words = ("send", "-v", "--json", "-S", f"localhost:{running.port}", "--raw", str(tmp_path / "box"))
        with command.started(*words) as process:
            wait_for_line(process, b"message 1 of")
            wait_for_line(process, b"-> MAIL FROM")
            process.send_signal(number)
            done = finish(process)

    assert (done.code, done.json["exit_code"], done.json["number"]) == (80, 0, 1)
    assert done.lines[-1] == "sendmail-cli: 1 of 1 messages were sent; interrupted, so none after these was sent"
