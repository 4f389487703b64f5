"""The root: whatever happens ends in one of our exit codes, in words, and without a traceback."""

from __future__ import annotations

import errno
import signal
from copy import copy
from typing import TYPE_CHECKING

import pytest

from sendmail_cli import __version__, service
from sendmail_cli.cli import interrupts
from sendmail_cli.cli.app import app
from sendmail_cli.errors import InternalError, Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

    from tests.support.command import Runner

SEND = ("send", "bob@example.org", "-m", "hi")


def test_without_a_command_it_shows_the_help(run: Runner) -> None:
    done = run()

    assert (done.code, done.out) == (64, b"")
    assert done.err == run("--help").out.decode()


def test_a_group_without_a_command_shows_its_help(run: Runner) -> None:
    assert run("profile").err.startswith("Usage: sendmail-cli profile [OPTIONS] COMMAND [ARGS]...\n")


def test_version(run: Runner) -> None:
    assert run("--version").out.decode() == f"sendmail-cli {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", app.table)
def test_help_of_every_command(run: Runner, command: str, option: str) -> None:
    done = run(command, option)

    assert (done.code, done.err) == (0, "")
    assert done.out.decode().startswith(f"Usage: sendmail-cli {command} ")
    assert b"PATH" not in done.out


class TestWhateverHappens:
    @pytest.mark.parametrize(
        ("error", "code", "words"),
        [
            (ValueError("hunter2"), 70, "this is a fault of sendmail-cli itself: ValueError"),
            (EOFError(), 70, "this is a fault of sendmail-cli itself: EOFError"),
            (InternalError("the session ended without a verdict"), 70, "the session ended without a verdict"),
            (MemoryError(), 71, "there is not enough memory"),
            (OSError(errno.EMFILE, "Too many open files"), 71, "too many open files"),
            (OSError(errno.EIO, "Input/output error", "/dev/x"), 74, "/dev/x: input/output error"),
            (OSError("odd"), 74, "odd"),
            # A socket's, which click would take for a closed standard output and make a silent exit 1 of.
            (BrokenPipeError(errno.EPIPE, "Broken pipe"), 74, "broken pipe"),
            (KeyboardInterrupt(), 130, "interrupted; nothing was sent"),
            (Terminated(), 143, "terminated; nothing was sent"),
        ],
    )
    @pytest.mark.parametrize("as_json", [False, True])
    def test_ends_in_one_of_our_codes(
        self, here: Runner, mocker: MockerFixture, *, error: BaseException, code: int, words: str, as_json: bool
    ) -> None:
        mocker.patch.object(service, "send", side_effect=copy(error))

        done = here(*SEND, *(["--json"] if as_json else []))

        assert done.code == code
        assert done.lines[0] == f"sendmail-cli: {words}"
        assert "Traceback" not in done.err
        assert "hunter2" not in done.err
        if as_json:
            assert done.json["exit_code"] == code
            assert done.json["error"]["message"] == words
        else:
            assert done.out == b""

    @pytest.mark.parametrize("error", [ValueError("x\x1b[2J"), InternalError("x"), OSError(errno.EIO, "x"), EOFError()])
    def test_debug_shows_where_a_fault_was(self, here: Runner, mocker: MockerFixture, error: Exception) -> None:
        mocker.patch.object(service, "send", side_effect=error)

        done = here(*SEND, "--debug")

        assert done.lines[0].startswith("Traceback (most recent call last):")
        assert any("in _send" in line for line in done.lines)
        assert "\x1b" not in done.err

    @pytest.mark.parametrize("words", [["send", "--no-such"], ["send", "-m", "x"], ["send", "bob", "-m", "x"]])
    def test_debug_shows_nothing_more_of_what_is_no_fault(self, here: Runner, words: list[str]) -> None:
        assert here(*words, "--debug").err == here(*words).err

    @pytest.mark.parametrize("words", [["--", "--json"], ["--", "--debug"]])
    def test_after_two_dashes_no_option_is_heard(self, here: Runner, words: list[str]) -> None:
        done = here("send", "-m", "hi", *words)

        assert (done.code, done.out) == (65, b"")


class TestSignals:
    @pytest.fixture(autouse=True)
    def handlers(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    def test_sigterm_is_an_exception(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        interrupts.listen()

        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)

    def test_a_caller_who_ignores_it_is_heeded(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

        interrupts.listen()

        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_nothing_is_heard_once_a_message_is_with_the_server(
        self, here: Runner, mocker: MockerFixture, number: signal.Signals
    ) -> None:
        from sendmail_cli.cli.output import Output

        report = Output.report

        def interrupted(output: Output, *arguments: object) -> object:
            signal.raise_signal(number)
            return report(output, *arguments)  # type: ignore[arg-type]

        mocker.patch.object(Output, "report", interrupted)

        assert here(*SEND).code == 0

    def test_an_interruption_while_the_sandbox_ends_takes_nothing_back(
        self, run: Runner, mocker: MockerFixture
    ) -> None:
        from sendmail_cli.sandbox import Sandbox

        stop = Sandbox.stop

        def interrupted(sandbox: Sandbox) -> None:
            stop(sandbox)
            raise KeyboardInterrupt

        mocker.patch.object(Sandbox, "stop", interrupted)

        assert run(*SEND, "-p", "sandbox").code == 0

    def test_ctrl_c_is_an_editors(self) -> None:
        with interrupts.left_to_child():
            signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
