"""The mail about a program: subject, facts, and the ends of a long output."""

from __future__ import annotations

import time

import pytest

from sendmail_cli.environment import Environment
from sendmail_cli.message.source import MemorySource
from sendmail_cli.runs import mail
from sendmail_cli.runs.program import ProgramRun


class There(Environment):
    def hostname(self) -> str:
        return "web1"

    def local_time(self, moment: float) -> time.struct_time:
        return time.gmtime(moment)


def run(exit_code: int = 3, output: bytes = b"", *command: str) -> ProgramRun:
    return ProgramRun(command or ("backup.sh", "--all"), 86400.0, 125.0, exit_code, MemorySource(output, "output"))


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (run(), "[web1] backup.sh --all: exit code 3"),
        (run(0), "[web1] backup.sh --all: done"),
        (run(128 + 9), "[web1] backup.sh --all: killed by SIGKILL"),
        (run(128 + 126), "[web1] backup.sh --all: exit code 254"),
        (run(1, b"", "a b", "x\ny"), r"[web1] 'a b' 'x\ny': exit code 1"),
        (run(1, b"", "x" * 200), f"[web1] {'x' * 59}…: exit code 1"),
    ],
)
def test_the_subject(done: ProgramRun, expected: str) -> None:
    assert mail.subject_of(done, There()) == expected


def test_the_text() -> None:
    assert mail.text_of(run(3, "größer\n".encode()), 0, There()) == (
        "command  backup.sh --all\n"
        "host     web1\n"
        "began    1970-01-02 00:00:00 +0000\n"
        "took     2 min 5 s\n"
        "ended    exit code 3\n"
        "\n"
        "größer\n"
    )


def test_a_silent_program_and_failures_before() -> None:
    text = mail.text_of(run(), 4, There())
    assert "before   4 more failures like this since the last mail\n" in text
    assert text.endswith("\nIt printed nothing.\n")


def test_of_a_long_output_the_ends() -> None:
    output = b"first line\n" + b"x" * (2 * mail.MAX_SHOWN) + b"\nlast line\n"
    text = mail.text_of(run(3, output), 0, There())
    assert mail.is_cut(run(3, output).output)
    assert "first line" in text
    assert text.endswith("\nlast line\n")
    assert "[… 22 octets more; all of it is attached …]" in text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.254, "0.25 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3600, "1 h 0 min"),
        (9000, "2 h 30 min"),
    ],
)
def test_a_duration(seconds: float, expected: str) -> None:
    assert mail.duration(seconds) == expected
