from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config import password_command as module
from sendmail_cli.config.password_command import MAX_OUTPUT, run_password_command
from sendmail_cli.errors import CredentialMissing, TemporaryError
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def run(program: str, *arguments: str, **variables: str) -> str:
    variables = {"PATH": os.environ["PATH"], **variables}
    return run_password_command((sys.executable, "-c", program, *arguments), variables).reveal()


@pytest.mark.parametrize(
    ("output", "password"),
    [
        (b"s3cret\n", "s3cret"),
        (b"s3cret", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"s3cret\n\n", "s3cret\n"),
        (b" s3 cret \n", " s3 cret "),
        ("pä$$“\n".encode(), "pä$$“"),
        (b"x" * (MAX_OUTPUT - 1), "x" * (MAX_OUTPUT - 1)),
    ],
)
def test_one_line_break_is_taken_off(tmp_path: Path, output: bytes, password: str) -> None:
    (tmp_path / "out").write_bytes(output)
    program = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
    assert run(program, str(tmp_path / "out")) == password


def test_no_shell_takes_the_arguments_apart() -> None:
    assert run("import sys; print(sys.argv[1])", "$(id) ; `id` | 'x'") == "$(id) ; `id` | 'x'"


def test_it_gets_the_variables_it_is_given_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDMAIL_CLI_PASSWORD__WORK", "hunter2")
    names = run("import os; print(' '.join(os.environ))", GIVEN="1").split()
    assert "GIVEN" in names
    assert "SENDMAIL_CLI_PASSWORD__WORK" not in names


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (
            "import sys; print('hunter2'); sys.exit('gpg: no\\x1b[2J key')",
            "failed with exit code 1: gpg: no\\x1b[2J key",
        ),
        ("print('hunter2'); raise SystemExit(3)", "failed with exit code 3 and said nothing"),
        ("import os; print('hunter2', flush=True); os.kill(os.getpid(), 9)", "failed with signal 9"),
        ("pass", "printed nothing"),
        ("print()", "printed nothing"),
        ("import os; os.write(1, b'hunter2\\xff')", "printed something that is not UTF-8"),
        ("print('hunter2' * 100_000)", "printed more than 64 KiB"),
        ("while True: print('hunter2' * 100)", "printed more than 64 KiB"),
    ],
)
def test_a_failure_is_told_without_what_was_printed(program: str, sentence: str) -> None:
    with pytest.raises(CredentialMissing) as caught:
        run(program)
    assert f"password_command “{sys.executable}” {sentence}" in caught.value.sentence
    assert "hunter2" not in caught.value.sentence + caught.value.hint
    assert caught.value.exit_code is ExitCode.CONFIG


def test_only_the_end_of_what_it_said_is_shown() -> None:
    with pytest.raises(CredentialMissing) as caught:
        run("import sys; sys.exit('x' * 5000 + 'the end')")
    assert caught.value.sentence.endswith("the end")
    assert len(caught.value.sentence) < 600


def test_what_it_says_is_not_shown_when_it_succeeds(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("import sys; print('warning', file=sys.stderr); print('s3cret')") == "s3cret"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("/nonexistent/pass", "show"), "No such file or directory"),
        (("no-such-program-anywhere",), "No such file or directory"),
        (("/",), "Permission denied"),
        (("a\0b",), "embedded null byte"),
    ],
)
def test_a_missing_program_is_told(command: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CredentialMissing, match=f"can't be run: {reason}") as caught:
        run_password_command(command, {"PATH": os.environ["PATH"]})
    assert caught.value.exit_code is ExitCode.CONFIG


def test_one_that_takes_too_long_is_ended_and_may_do_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    with pytest.raises(TemporaryError, match=r"took longer than 0.1 seconds") as caught:
        run("import time; time.sleep(60)")
    assert caught.value.exit_code is ExitCode.TEMPFAIL
    assert started[0].returncode == -9


def test_a_child_that_holds_the_pipe_open_is_not_waited_for(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open(sys.argv[1], 'w').write(str(child.pid)); print('s3cret')"
    )
    assert run(program, str(tmp_path / "pid")) == "s3cret"
    os.kill(int((tmp_path / "pid").read_text()), 9)  # it is there, and stayed


def test_an_interrupt_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("import time; time.sleep(60)")
    assert started[0].returncode == -9


def test_it_cannot_read_the_message_that_waits_on_our_stdin() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"the message")
    os.close(writing)
    ours = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert run("import sys; print('a' + sys.stdin.read() + 'b')") == "ab"
        assert os.read(0, 100) == b"the message"
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(reading)
