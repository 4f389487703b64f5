"""A server that is a program: whatever ends us ends it, and it is given nothing of ours."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.command import finish, wait_for_line
from tests.support.pipe_program import Program
from tests.support.sink import Sink
from tests.support.small_servers import CONTENT, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed

SEND = ("send", "--json", "-f", "ada@example.org", "bob@example.org", "-m", "hi")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize("ways", [["silent"], ["silent", "deaf"]])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_program(
    command: Installed, program: Program, ways: list[str], number: signal.Signals, code: int
) -> None:
    with command.started(*SEND, "--pipe", program.line(0, *ways)) as process:
        program.wait_for_start()
        process.send_signal(number)
        done = finish(process)

    assert done.code == done.json["exit_code"] == code
    assert "Traceback" not in done.err
    assert program.is_gone()


def test_a_signal_while_it_is_stopped(command: Installed, program: Program) -> None:
    """Ctrl-Z, then `kill %1`: the kernel leaves the signal to whichever thread goes on first."""
    with command.started(*SEND, "--pipe", program.line(0, "silent")) as process:
        program.wait_for_start()
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        done = finish(process)

    assert done.code == 143
    assert program.is_gone()


def test_a_signal_after_the_final_dot(command: Installed, program: Program) -> None:
    with server(CONTENT + "S! stall\n") as mx, command.started(*SEND, "-v", "--pipe", program.line(mx.port)) as process:
        wait_for_line(process, b"-> .\n")
        process.send_signal(signal.SIGINT)
        done = finish(process)

    assert done.code == 81
    assert program.is_gone()


def test_what_it_says_on_standard_error_is_not_ours(command: Installed, program: Program) -> None:
    with Sink() as sink:
        done = command("send", "-f", "ada@example.org", "bob@example.org", "-m", "hi",
                       "--pipe", program.line(sink.port, "noisy"))  # fmt: skip

    assert (done.code, done.out, done.err) == (0, b"", "")
    assert b"hi" in sink.received
    assert program.is_gone()
