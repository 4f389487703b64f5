"""On a real terminal: one line of success, words that are not cut, the editor, prompts, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from tests.support.command import COMMAND
from tests.support.patience import PATIENCE
from tests.support.small_servers import CONTENT, MAIL, PASSWORD, QUIT, REFUSED_SIGN_IN, deaf_server, refusing, server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.command import Installed
    from tests.support.sink import Sink

SEND = ("send", "bob@example.org", "-m", "hi")


@dataclass
class Terminal:
    """A terminal with a command on it."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = field(default="")

    @classmethod
    @contextmanager
    def running(
        cls,
        command: Installed,
        *words: str,
        variables: Mapping[str, str] | None = None,
        columns: int = 80,
        through: tuple[str, ...] = (),
    ) -> Iterator[Self]:
        """The command has this terminal as its standard streams, and as the one that Ctrl-C comes from.

        `through` is a program that starts it.
        """
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        argv: list[str | Path] = ["setsid", "--ctty", *through, COMMAND, *words]
        environment = {**command.variables, "TERM": "xterm", **(variables or {})}
        with subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
            os.close(slave)
            try:
                yield cls(process, master)
            finally:
                process.kill()
                os.close(master)

    def wait_for(self, text: str) -> None:
        while text not in self.shown:
            assert self._read(), f"{text!r} never came: {self.shown!r}"

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def finish(self) -> int:
        """Its exit code; all that it showed is in `shown`."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    @property
    def lines(self) -> list[str]:
        return self.shown.split("\r\n")

    @property
    def screen(self) -> list[str]:
        """What one sees in the end: a carriage return goes back to the beginning of the line, what follows covers what
        was there, and ESC [ K clears the rest."""
        rows = []
        for line in self.lines:
            row = ""
            for text in line.split("\r"):
                row = text.removeprefix("\x1b[K") + ("" if text.startswith("\x1b[K") else row[len(text) :])
            rows.append(row.rstrip())
        return rows

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        assert ready, f"nothing more came: {self.shown!r}"
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.shown += data.decode()
        return bool(data)


def give_editor(command: Installed, script: str) -> dict[str, str]:
    path = command.home / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"VISUAL": str(path)}


def test_success_is_one_line(here: Installed, sink: Sink) -> None:
    with Terminal.running(here, *SEND) as terminal:
        assert terminal.finish() == 0

    assert terminal.lines == [f"sent to bob@example.org: 127.0.0.1:{sink.port} said 250 2.0.0 kept", ""]


def test_words_are_not_cut_and_commands_stay_whole(command: Installed) -> None:
    with Terminal.running(command, *SEND, columns=40) as terminal:
        assert terminal.finish() == 78

    assert "  sendmail-cli setup you@example.org" in terminal.lines
    assert [line for line in terminal.lines if len(line) > 40 and " " in line.strip()] == []


def test_what_a_server_says_steers_nothing(here: Installed) -> None:
    with (
        server(refusing(MAIL, "RCPT", "550 5.1.1 \\x1b[2J\\x1b]0;title\\x07 \\xe2\\x80\\xae")) as mx,
        Terminal.running(here, *SEND, "-v", "-S", f"localhost:{mx.port}") as terminal,
    ):
        assert terminal.finish() == 67

    assert "\x1b" not in terminal.shown
    assert "\x07" not in terminal.shown
    assert "\\x1b[2J" in terminal.shown


class TestEditor:
    def test_opens_on_this_terminal(self, here: Installed, sink: Sink) -> None:
        variables = give_editor(here, 'test -t 0 && test -t 1 && test -t 2 && printf "typed" > "$1"')

        with Terminal.running(here, "send", "bob@example.org", variables=variables) as terminal:
            assert terminal.finish() == 0

        assert b"typed" in sink.received

    def test_opens_on_this_terminal_where_the_answer_goes_elsewhere(
        self, here: Installed, sink: Sink, tmp_path: Path
    ) -> None:
        variables = give_editor(here, 'test -t 0 && test -t 1 && printf "typed" > "$1"')
        script = tmp_path / "script"
        script.write_text(f'#!/bin/sh\nexec "{COMMAND}" "$@" > "{tmp_path}/out"\n')
        script.chmod(0o755)

        with Terminal.running(here, "send", "--json", "bob@example.org", variables=variables) as terminal:
            assert terminal.finish() == 0

        assert b"typed" in sink.received

    def test_ctrl_c_is_the_editors(self, here: Installed, sink: Sink) -> None:
        script = 'trap "printf survived > \\"$1\\"; exit 0" INT; echo ready; while :; do read -r line || :; done'
        with Terminal.running(here, "send", "bob@example.org", variables=give_editor(here, script)) as terminal:
            terminal.wait_for("ready")
            terminal.type(b"\x03")
            assert terminal.finish() == 0

        assert b"survived" in sink.received

    def test_a_text_that_was_not_sent_is_kept(self, here: Installed) -> None:
        variables = give_editor(here, 'printf "long and dear" > "$1"')

        with Terminal.running(here, "send", "bob@example.org", "-S", "localhost:1", variables=variables) as terminal:
            assert terminal.finish() == 75

        [kept] = (here.home / ".local/state/sendmail-cli/drafts").iterdir()
        assert kept.read_text() == "long and dear"
        assert str(kept) in " ".join(terminal.shown.split())


class TestStandardInput:
    def test_who_waits_is_told(self, here: Installed, sink: Sink) -> None:
        impatient = here.inject("from sendmail_cli.cli import standard_input\nstandard_input.PATIENCE = 0.05\n")

        with Terminal.running(here, "send", "bob@example.org", "--body-file", "-", variables=impatient) as terminal:
            terminal.wait_for("waiting for what you type; Ctrl-D on a line of its own ends it")
            terminal.type(b"typed\n\x04")
            assert terminal.finish() == 0

        assert b"\r\n\r\ntyped\r\n" in sink.received

    def test_ctrl_c_ends_it(self, here: Installed, sink: Sink) -> None:
        impatient = here.inject("from sendmail_cli.cli import standard_input\nstandard_input.PATIENCE = 0.05\n")

        with Terminal.running(here, "send", "bob@example.org", "-a", "-", variables=impatient) as terminal:
            terminal.wait_for("waiting")
            terminal.type(b"\x03")
            assert terminal.finish() == 130

        assert "sendmail-cli: interrupted; nothing was sent" in terminal.shown
        assert sink.commands == []


class TestLogin:
    @pytest.fixture
    def work(self, command: Installed) -> Iterator[Installed]:
        with server(REFUSED_SIGN_IN) as mx:
            command.configure(
                f'[profile.work]\nfrom = "ada@example.org"\nserver = "ada@example.org@localhost:{mx.port}"\n'
                'tls = "none"\n'
            )
            yield command

    def test_asks_and_shows_nothing_of_what_is_typed(self, work: Installed) -> None:
        with Terminal.running(work, "login", "-v", "--debug") as terminal:
            terminal.wait_for("Password of ada@example.org at localhost:")
            terminal.type(PASSWORD.encode() + b"\n")
            assert terminal.finish() == 77

        assert "the server did not accept the sign-in" in terminal.shown
        assert PASSWORD not in terminal.shown

    @pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
    def test_may_be_left(self, work: Installed, key: bytes) -> None:
        with Terminal.running(work, "login") as terminal:
            terminal.wait_for("Password of")
            terminal.type(key)
            assert terminal.finish() == 130

        assert "sendmail-cli: interrupted" in terminal.shown
        assert "Traceback" not in terminal.shown

    def test_asks_nobody_who_said_so(self, work: Installed) -> None:
        with Terminal.running(work, "login", "--no-input") as terminal:
            assert terminal.finish() == 64
        with Terminal.running(work, "login", variables={"SENDMAIL_CLI_NO_INPUT": "1"}) as terminal:
            assert terminal.finish() == 64


COUNT = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
open("/dev/tty", "w").write("ready")
heard = 0
while signal.sigtimedwait([signal.SIGINT], 0.5 if heard else 60):
    heard += 1
print("heard", heard)
exit(3)
"""


def test_ctrl_c_reaches_a_program_that_is_run_once(here: Installed, sink: Sink) -> None:
    with Terminal.running(here, "run", "--", sys.executable, "-c", COUNT) as terminal:
        terminal.wait_for("ready")
        terminal.type(b"\x03")
        assert terminal.finish() == 3
    assert b"\r\nheard 1\r\n" in sink.received


def test_ctrl_c_in_the_dialogue(here: Installed) -> None:
    with (
        server("S! stall\n") as mx,
        Terminal.running(here, *SEND, "-v", "-S", f"localhost:{mx.port}") as terminal,
    ):
        terminal.wait_for("connected to")
        terminal.type(b"\x03")
        assert terminal.finish() == 130

    assert QUIT.split()[1] not in terminal.shown
    assert terminal.lines[-2].endswith("sendmail-cli: interrupted; nothing was sent")


class TestProgress:
    """The bar of a long upload; each upload counts as long here."""

    @pytest.fixture
    def impatient(self, here: Installed) -> dict[str, str]:
        return here.inject("from sendmail_cli.cli import progress\nprogress.PATIENCE = 0.0\n")

    @pytest.fixture
    def large(self, tmp_path: Path) -> str:
        path = tmp_path / "large.bin"
        path.write_bytes(os.urandom(1_000_000))
        return str(path)

    @pytest.mark.parametrize("columns", [80, 30])
    def test_is_drawn_in_one_line_and_gone_in_the_end(
        self, here: Installed, sink: Sink, impatient: dict[str, str], large: str, columns: int
    ) -> None:
        with Terminal.running(here, *SEND, "-a", large, variables=impatient, columns=columns) as terminal:
            assert terminal.finish() == 0

        drawn = [text for text in terminal.lines[0].split("\r") if text.startswith("sending")]
        assert "%" in drawn[0]
        assert max(len(text) for text in terminal.lines[0].split("\r")) <= columns
        assert " ".join(terminal.screen).split() == (
            f"sent to bob@example.org: 127.0.0.1:{sink.port} said 250 2.0.0 kept".split()
        )
        assert len(sink.received) > 1_300_000

    def test_is_gone_before_an_error_is_told(self, here: Installed, impatient: dict[str, str], large: str) -> None:
        script = CONTENT.replace("SIZE 1000000", "SIZE 0") + "S: 554 5.6.0 no\n" + QUIT
        with (
            server(script) as mx,
            Terminal.running(here, *SEND, "-a", large, "-S", f"localhost:{mx.port}", variables=impatient) as terminal,
        ):
            assert terminal.finish() == 65

        assert "sending" in terminal.shown
        assert terminal.screen[0] == "sendmail-cli: not delivered"

    def test_ctrl_c_takes_it_away(self, here: Installed, impatient: dict[str, str], tmp_path: Path) -> None:
        endless = tmp_path / "endless.bin"
        with endless.open("wb") as file:
            file.truncate(50_000_000)
        with (
            deaf_server() as port,
            Terminal.running(
                here, *SEND, "-a", str(endless), "-S", f"localhost:{port}", variables=impatient
            ) as terminal,
        ):
            terminal.wait_for("left")
            terminal.type(b"\x03")
            assert terminal.finish() == 130

        assert "sendmail-cli: interrupted; nothing was sent" in terminal.screen
        assert "sending" not in " ".join(terminal.screen)

    @pytest.mark.parametrize("flag", [["-q"], ["-v"], ["--trace", "-"]], ids=["quiet", "verbose", "trace"])
    def test_is_not_for_who_wants_less_or_sees_more(
        self, here: Installed, sink: Sink, impatient: dict[str, str], large: str, flag: list[str]
    ) -> None:
        with Terminal.running(here, *SEND, "-a", large, *flag, variables=impatient) as terminal:
            assert terminal.finish() == 0

        assert "sending" not in terminal.shown
        assert len(sink.received) > 1_300_000

    def test_is_not_drawn_over_the_shell_by_a_job_in_the_background(
        self, here: Installed, sink: Sink, impatient: dict[str, str], large: str
    ) -> None:
        background = ("sh", "-c", 'set -m; "$@" & wait $!', "sh")
        with Terminal.running(here, *SEND, "-a", large, variables=impatient, through=background) as terminal:
            assert terminal.finish() == 0

        assert "sending" not in terminal.shown
        assert len(sink.received) > 1_300_000

    def test_is_not_drawn_on_a_terminal_that_cannot_go_back(
        self, here: Installed, sink: Sink, impatient: dict[str, str], large: str
    ) -> None:
        with Terminal.running(here, *SEND, "-a", large, variables={**impatient, "TERM": "dumb"}) as terminal:
            assert terminal.finish() == 0

        assert "sending" not in terminal.shown

    def test_is_for_nobody_in_a_pipe(self, here: Installed, sink: Sink, impatient: dict[str, str], large: str) -> None:
        assert here(*SEND, "-a", large, variables=impatient).err == ""
        assert len(sink.received) > 1_300_000

    def test_a_short_upload_has_none(self, here: Installed, large: str, sink: Sink) -> None:
        endless = here.inject("from sendmail_cli.cli import progress\nprogress.PATIENCE = 3600.0\n")
        with Terminal.running(here, *SEND, "-a", large, variables=endless) as terminal:
            assert terminal.finish() == 0

        assert terminal.lines == [f"sent to bob@example.org: 127.0.0.1:{sink.port} said 250 2.0.0 kept", ""]
