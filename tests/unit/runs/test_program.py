"""A program that is run: real ones, since that is what it is about."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.runs.mail import text_of
from sendmail_cli.runs.program import ProgramRun, run_program
from tests.support.command import Machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def output(run: ProgramRun) -> bytes:
    return b"".join(run.output.chunks())


def test_what_it_prints_in_its_order_and_its_exit_code(machine: Machine) -> None:
    done = run_program(("sh", "-c", "echo one; echo two >&2; echo three; exit 3"), machine)
    assert output(done) == b"one\ntwo\nthree\n"
    assert done.exit_code == 3
    assert done.is_failure
    assert done.seconds >= 0


def test_a_program_that_was_killed_ends_as_in_a_shell(machine: Machine) -> None:
    assert run_program(("sh", "-c", "kill -9 $$"), machine).exit_code == 137


def test_a_program_that_is_not_there(machine: Machine) -> None:
    done = run_program(("no-such-program-here",), machine)
    assert done.exit_code == 127
    assert output(done) == b"no-such-program-here: no such file or directory\n"


def test_a_program_that_may_not_be_run(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    done = run_program((str(tmp_path / "text"),), machine)
    assert done.exit_code == 126
    assert b"permission denied" in output(done)


def test_our_secrets_are_not_its(machine: Machine) -> None:
    machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "hunter2"
    assert b"hunter2" not in output(run_program(("env",), machine))


def test_much_output_goes_to_the_disk(machine: Machine) -> None:
    done = run_program(("sh", "-c", "yes 0123456789 | head -c 3000000"), machine)
    assert done.output.size == 3_000_000


def test_a_signal_is_passed_on_and_the_ending_still_told(machine: Machine, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)

    def terminate() -> None:
        ready.read_text()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    before = signal.getsignal(signal.SIGTERM)
    done = run_program(
        ("sh", "-c", f"trap 'echo ended; exit 7' TERM; echo go > {ready}; while :; do sleep 0.01; done"), machine
    )
    thread.join()
    assert (output(done), done.exit_code) == (b"ended\n", 7)
    os.kill(os.getpid(), signal.SIGTERM)  # once more, as timeout(1) does
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN, "which children inherit"
    signal.signal(signal.SIGTERM, before)


def test_output_that_can_not_be_kept_is_cut_and_the_program_goes_on(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    done = run_program(("sh", "-c", "yes 0123456789 | head -c 3000000; exit 3"), machine)
    assert done.exit_code == 3
    assert "No such file or directory" in done.why_cut
    assert output(done).startswith(b"0123456789\n0123456789\n")
    assert "output   only its beginning: can't keep" in text_of(done, 0, machine)
