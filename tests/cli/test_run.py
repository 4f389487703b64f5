"""`sendmail-cli run`: when a mail is sent, to whom, what is in it, and whose exit code it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink


def test_a_failure_is_mailed_to_the_profile_itself_and_its_exit_code_passed_on(here: Runner, sink: Sink) -> None:
    done = here("run", "--", "sh", "-c", "echo disk full; exit 3")
    assert done.code == 3
    assert (done.out, done.err) == (b"", "")
    assert b"To: Ada <ada@example.org>" in sink.received
    assert b"Auto-Submitted: auto-generated" in sink.received
    assert b"exit code 3" in sink.received
    assert b"disk full" in sink.received


@pytest.mark.parametrize(
    ("on", "script", "is_mailed"),
    [
        ("failure", "echo hello", False),
        ("output", "echo hello", True),
        ("output", ":", False),
        ("output", "exit 1", True),
        ("always", ":", True),
    ],
)
def test_when_a_mail_is_sent(here: Runner, sink: Sink, on: str, script: str, is_mailed: bool) -> None:
    here("run", "--on", on, "--", "sh", "-c", script)
    assert bool(sink.received) is is_mailed


def test_its_own_options_need_no_dashes_before_the_command(here: Runner, sink: Sink) -> None:
    assert here("run", "sh", "-c", "exit 4").code == 4
    assert sink.received


def test_the_same_failure_is_mailed_once_an_hour(here: Runner, sink: Sink) -> None:
    for _ in range(3):
        assert here("run", "--", "false").code == 1
    assert sink.received.count(b"\r\nSubject: ") == 1
    here("run", "--every-failure", "--", "false")
    assert sink.received.count(b"\r\nSubject: ") == 2
    assert b"2 more failures like this" in sink.received


def test_mailto_as_in_a_crontab(here: Runner, machine: Machine, sink: Sink) -> None:
    machine.variables["MAILTO"] = "ops@example.org,eve@example.org"
    here("run", "--", "false")
    assert b"To: ops@example.org, eve@example.org" in sink.received


def test_an_empty_mailto_silences_cron_and_not_us(here: Runner, machine: Machine, sink: Sink) -> None:
    machine.variables["MAILTO"] = ""
    here("run", "--", "false")
    assert b"To: Ada <ada@example.org>" in sink.received


def test_recipient_and_subject_by_option(here: Runner, sink: Sink) -> None:
    here("run", "-t", "ops@example.org", "-s", "It broke", "--", "false")
    assert b"To: ops@example.org" in sink.received
    assert b"Subject: It broke" in sink.received


def test_where_the_mail_can_not_be_sent_the_output_is_shown_and_the_exit_code_stays(
    run: Runner, machine: Machine
) -> None:
    machine.configure('[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n')
    done = run("run", "--", "sh", "-c", "echo disk full; exit 3")
    assert done.code == 3
    assert "disk full" in done.err
    assert "sendmail-cli: " in done.err
    assert run("run", "--", "sh", "-c", "echo disk full; exit 3").err, "a failure that nobody heard of is told again"


def test_a_command_runs_though_nobody_can_be_told(run: Runner, tmp_path: Path) -> None:
    done = run("run", "--", "sh", "-c", f"touch {tmp_path / 'done'}; exit 5")
    assert done.code == 5
    assert (tmp_path / "done").exists()
    assert "profile" in done.err


def test_a_long_output_is_attached(here: Runner, sink: Sink) -> None:
    here("run", "--", "sh", "-c", "yes | head -c 200000; exit 1")
    assert b'filename="output.txt"' in sink.received


def test_no_command(here: Runner) -> None:
    assert here("run").code == 64


def test_a_memory_that_can_not_be_written_is_warned_about(here: Runner, machine: Machine, sink: Sink) -> None:
    machine.state.parent.mkdir(parents=True)
    machine.state.write_text("a file")
    done = here("run", "--", "false")
    assert done.code == 1
    assert "can't remember" in done.err
    assert sink.received
