"""What is remembered of failures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.message.source import MemorySource
from sendmail_cli.runs.memory import FailureMemory
from sendmail_cli.runs.program import ProgramRun
from tests.support.command import Machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def memory(machine: Machine, at: float, exit_code: int = 1, *command: str) -> FailureMemory:
    return FailureMemory(ProgramRun(command or ("job",), at, 0.0, exit_code, MemorySource(b"", "output")), machine)


def test_a_failure_is_mailed_once_an_hour_and_counted_meanwhile(machine: Machine) -> None:
    assert memory(machine, 1000).is_due(3600)
    memory(machine, 1000).note_mailed()
    for moment in (1060, 2000, 4599):
        assert not memory(machine, moment).is_due(3600)
        memory(machine, moment).note_unsaid()
    due = memory(machine, 4600)
    assert due.is_due(3600)
    assert due.unsaid == 3
    due.note_mailed()
    assert due.unsaid == 0


@pytest.mark.parametrize(("exit_code", "command"), [(2, "job"), (1, "another")])
def test_another_failure_is_another(machine: Machine, exit_code: int, command: str) -> None:
    memory(machine, 1000).note_mailed()
    assert memory(machine, 1001, exit_code, command).is_due(3600)


def test_a_clock_that_was_set_back_silences_nobody(machine: Machine) -> None:
    memory(machine, 100000).note_mailed()
    assert memory(machine, 1000).is_due(3600)


@pytest.mark.parametrize("record", ["", "rubbish", "1 2 3", "\xff"])
def test_a_record_that_can_not_be_read_is_none(machine: Machine, record: str) -> None:
    memory(machine, 1000).note_mailed()
    [path] = (machine.state / "runs").iterdir()
    path.write_text(record, encoding="latin-1")
    assert memory(machine, 1001).is_due(3600)


def test_nobody_else_can_read_it_and_nothing_unfinished_stays(machine: Machine) -> None:
    memory(machine, 1000).note_mailed()
    [path] = (machine.state / "runs").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_can_not_be_written_is_an_error_of_the_system(machine: Machine) -> None:
    os.makedirs(machine.state)
    (machine.state / "runs").write_text("a file")
    with pytest.raises(OSError, match="runs"):
        memory(machine, 1000).note_mailed()
