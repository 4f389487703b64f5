"""The bar of a long upload where its terminal is not as it should be; `tests/system/test_terminal.py` looks at it."""

from __future__ import annotations

import io
import os

import pytest

from sendmail_cli.cli import progress
from sendmail_cli.cli.options import Talk
from sendmail_cli.cli.output import Output
from sendmail_cli.environment import Environment


class Terminal(io.StringIO):
    """A terminal that breaks after some writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.writes = writes

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -1

    def write(self, text: str) -> int:
        self.writes -= 1
        if self.writes < 0:
            raise OSError(5, "Input/output error")
        return super().write(text)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)


def upload(terminal: Terminal) -> str:
    environment = Environment({"TERM": "xterm"}, stderr=terminal)
    with progress.shown(Talk(Output(environment), environment, may_ask=False)) as tell:
        assert tell is not None
        for done in range(0, 101, 20):
            tell(done, 100)
    return terminal.getvalue()


@pytest.mark.parametrize("writes", range(6))
def test_a_terminal_that_is_gone_stops_no_upload(writes: int) -> None:
    upload(Terminal(writes))


def test_the_last_that_is_written_leaves_the_line_empty() -> None:
    written = upload(Terminal(1000))
    assert "sending   0%" in written
    assert written.endswith("\r\x1b[K")


def test_what_is_over_at_once_has_no_bar() -> None:
    terminal = Terminal(1000)
    environment = Environment({"TERM": "xterm"}, stderr=terminal)
    with progress.shown(Talk(Output(environment), environment, may_ask=False)) as tell:
        assert tell is not None
        tell(100, 100)
    assert terminal.getvalue() == ""


def test_where_there_are_no_jobs_the_terminal_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "tcgetpgrp")
    assert "sending" in upload(Terminal(1000))
