"""Who waits for standard input unknowingly is told so."""

from __future__ import annotations

import os
import threading
from typing import IO, TYPE_CHECKING

import pytest

from sendmail_cli.cli import standard_input
from tests.support.command import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Piped(Machine):
    """Standard input is a pipe whose other end the test has."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        reading, self.writing = os.pipe()
        self.pipe = os.fdopen(reading, "rb")

    @property
    def stdin(self) -> IO[bytes]:
        return self.pipe


@pytest.fixture
def piped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Piped]:
    monkeypatch.setattr(standard_input, "PATIENCE", 0.01)
    machine = Piped(tmp_path)
    yield machine
    machine.pipe.close()


def read(machine: Piped) -> tuple[bytes, list[str]]:
    """What was read, and what was said meanwhile: the text comes once that was heard."""
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)
        os.write(machine.writing, b"late")
        os.close(machine.writing)

    source = standard_input.open_input("-", machine, hear)
    return b"".join(source.chunks()), said


@pytest.mark.parametrize(
    ("terminals", "words"),
    [
        ({"stdin", "stderr"}, "waiting for what you type; Ctrl-D on a line of its own ends it"),
        ({"stderr"}, "waiting for standard input, which is no terminal; -m TEXT or --no-stdin would not read it"),
    ],
)
def test_a_person_at_a_terminal_is_told(piped: Piped, terminals: set[str], words: str) -> None:
    piped.terminals = terminals

    assert read(piped) == (b"late", [words])


def test_nobody_is_told_what_nobody_reads(piped: Piped) -> None:
    def come_late() -> None:
        os.write(piped.writing, b"late")
        os.close(piped.writing)

    timer = threading.Timer(0.05, come_late)
    timer.start()

    source = standard_input.open_input("-", piped, pytest.fail)

    assert b"".join(source.chunks()) == b"late"
    timer.join()


def test_nobody_is_told_when_it_comes_at_once(piped: Piped) -> None:
    piped.terminals = {"stderr"}
    os.write(piped.writing, b"soon")
    os.close(piped.writing)

    source = standard_input.open_input("-", piped, pytest.fail)

    assert b"".join(source.chunks()) == b"soon"


def test_two_seconds_it_is() -> None:
    assert standard_input.PATIENCE == 2.0
