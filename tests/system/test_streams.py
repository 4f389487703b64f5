"""Standard streams that are closed, full, or left by their reader never change what became of a message."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, through_shell
from tests.support.small_servers import CONTENT, PARTLY, QUIT, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed
    from tests.support.sink import Sink

SEND = ("send", "bob@example.org", "-m", "hi")
MAIL = b"From: ada@example.org\r\nTo: bob@example.org\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n.\r\n.dot\r\n"
# What a shell can do to standard output: `head -0` leaves at once, /dev/full is a full disk.
OUTPUTS = ('"$@" >&-', '"$@" > /dev/full', '{ "$@"; echo $? >&3; } 3> code | head -c 0; exit "$(cat code)"')


def unread(runner: Installed, script: str, *words: str | Path) -> tuple[int, str]:
    """Exit code and standard error where `script` treats standard output badly."""
    done = through_shell(f'cd "$HOME"; {script}', words, runner.variables)
    return done.code, done.err


class TestStandardOutput:
    @pytest.mark.parametrize("script", OUTPUTS)
    def test_never_changes_the_code_of_what_was_sent(self, here: Installed, sink: Sink, script: str) -> None:
        code, err = unread(here, script, *SEND, "--json")

        assert code == 0
        assert err in {"", "sendmail-cli: warning: standard output was closed before everything was written\n"}
        assert b"hi" in sink.received

    @pytest.mark.parametrize("script", OUTPUTS)
    def test_nor_that_of_what_was_sent_to_some(self, here: Installed, script: str) -> None:
        with server(PARTLY) as mx:
            code, err = unread(here, script, *SEND, "eve@example.org", "--json", "-S", f"localhost:{mx.port}")

        assert code == 80
        assert "refused   eve@example.org" in err
        assert "Traceback" not in err

    @pytest.mark.parametrize("script", OUTPUTS)
    def test_nor_that_of_an_error(self, here: Installed, script: str) -> None:
        code, err = unread(here, script, *SEND, "--json", "-S", "localhost:1")

        assert code == 75
        assert "connection refused" in err
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        "words",
        [["send", "-n", "bob@example.org", "-m", "hi"], ["profile", "show"], ["explain", "550"], ["profile", "list"]],
    )
    def test_an_answer_that_nobody_could_have_is_an_error(self, here: Installed, words: list[str]) -> None:
        for script, why in zip(OUTPUTS, ("is closed", "no space left on device"), strict=False):
            code, err = unread(here, script, *words)
            assert (code, why in err) == (73, True)
            assert "Traceback" not in err
            assert "Exception ignored" not in err

    @pytest.mark.parametrize(
        "words",
        [
            ["send", "-n", "bob@example.org", "-m", "hi"],
            ["profile", "show"],
            ["--help"],
            ["send", "--help"],
            ["--version"],
        ],
    )
    def test_whoever_has_seen_enough_may_leave(self, here: Installed, words: list[str]) -> None:
        code, err = unread(here, OUTPUTS[2], *words)

        assert code == 0
        assert [line for line in err.splitlines() if not line.startswith(("MAIL FROM", "RCPT TO"))] == []

    @pytest.mark.parametrize("words", [["--help"], ["send", "--help"], ["--version"]])
    def test_a_help_text_on_a_full_disk(self, here: Installed, words: list[str]) -> None:
        code, err = unread(here, OUTPUTS[1], *words)

        assert code == 73
        assert "Traceback" not in err
        assert "Exception ignored" not in err


class TestDryRun:
    @pytest.fixture
    def mail(self, tmp_path: Path) -> Path:
        path = tmp_path / "mail.eml"
        path.write_bytes(MAIL)
        return path

    def test_is_byte_exact_through_a_pipe(self, here: Installed, mail: Path) -> None:
        assert here("send", "-n", "--raw", mail).out == MAIL

    def test_is_byte_exact_into_a_file(self, here: Installed, mail: Path, tmp_path: Path) -> None:
        with open(tmp_path / "out", "wb") as out:
            here("send", "-n", "--raw", mail, stdout=out)

        assert (tmp_path / "out").read_bytes() == MAIL

    def test_is_byte_exact_whatever_the_locale(self, here: Installed, mail: Path) -> None:
        mail.write_bytes(MAIL + b"\xff\xfe\r\n")

        variables = {"LANG": "C", "PYTHONIOENCODING": "ascii"}
        assert here("send", "-n", "--raw", mail, variables=variables).out == MAIL + b"\xff\xfe\r\n"

    def test_a_reader_who_leaves_early_gets_what_was_read(self, here: Installed, mail: Path) -> None:
        mail.write_bytes(MAIL + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 50_000)

        done = through_shell('"$@" | head -c 20', ("send", "-n", "--raw", mail), here.variables)

        assert done.out == MAIL[:20]
        assert "Traceback" not in done.err


class TestStandardError:
    def test_closed(self, here: Installed, sink: Sink) -> None:
        done = through_shell('"$@" 2>&-', (*SEND, "-v", "--json"), here.variables)

        assert done.code == done.json["exit_code"] == 0
        assert sink.received.endswith(b"\r\n\r\nhi\r\n")

    def test_closed_and_what_is_said_never_goes_to_the_server(self, here: Installed, sink: Sink) -> None:
        """The socket must not get the number of the closed stream."""
        code = (
            "import os\nfrom sendmail_cli.session import Session\nhello = Session.hello\n"
            "def noisy(*words):\n    os.write(2, b'stray\\r\\n')\n    return hello(*words)\nSession.hello = noisy\n"
        )
        done = through_shell('"$@" 2>&-', SEND, here.variables | here.inject(code))

        assert done.code == 0
        assert b"stray" not in b"".join(sink.commands) + sink.received

    @pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full", ">&- 2>&- <&-"])
    def test_errors_keep_their_code(self, here: Installed, redirection: str) -> None:
        done = through_shell(f'"$@" {redirection}', ("send", "-m", "hi"), here.variables)

        assert (done.code, done.out) == (64, b"")

    def test_a_reader_who_leaves(self, here: Installed, sink: Sink) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "wb") as stderr:
            assert here(*SEND, "-v", stderr=stderr).code == 0
        assert sink.received != b""


class TestStandardInput:
    def test_closed(self, here: Installed, sink: Sink) -> None:
        done = through_shell('"$@" <&-', ("send", "bob@example.org", "-s", "x"), here.variables)

        assert (done.code, sink.received) == (66, b"")
        assert "standard input is closed" in done.err

    def test_closed_and_asked_for(self, here: Installed) -> None:
        done = through_shell('"$@" <&-', ("send", "bob@example.org", "-a", "-"), here.variables)

        assert (done.code, done.err) == (66, "sendmail-cli: standard input is closed\n")

    def test_non_blocking_and_empty(self, here: Installed) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        with open(reading, "rb") as stdin, open(writing, "wb"):
            done = here("send", "bob@example.org", stdin=stdin)

        assert done.code == 74
        assert "non-blocking" in done.lines[0]

    def test_a_loop_keeps_its_lines(self, here: Installed, sink: Sink) -> None:
        """`-m` and `--no-stdin` never read what is the loop's; what a plain send would."""
        loop = 'printf "1\\n2\\n3\\n" | while read -r n; do "$@" -s "$n" || exit; done'
        for words in (SEND, ("send", "bob@example.org", "--no-stdin"), ("send", "bob@example.org", "--html", "x")):
            sink.received = b""
            assert through_shell(loop, words, here.variables).code == 0
            assert sink.received.count(b"Subject: ") == 3

    def test_a_large_one_as_attachment_is_read_to_its_end_before_the_server_is_asked(self, here: Installed) -> None:
        with server(CONTENT + "S: 250 ok\n" + QUIT) as mx:
            reading, writing = os.pipe()
            with here.started(
                "send", "bob@example.org", "-S", f"localhost:{mx.port}", "-a", "-", stdin=reading
            ) as process:
                os.close(reading)
                with open(writing, "wb") as pipe:
                    pipe.write(b"x" * 100_000)
                    pipe.flush()
                    assert mx.connections == []
                _, err = process.communicate(timeout=20)

        assert (process.returncode, err) == (0, b"")
        assert len(mx.connections) == 1

    def test_is_left_alone_by_the_other_commands(self, here: Installed) -> None:
        loop = 'printf "1\\n2\\n" | { "$@" > /dev/null; cat; }'

        assert through_shell(loop, ("profile", "show"), here.variables).out == b"1\n2\n"


@pytest.mark.parametrize("words", [["--version"], ["explain", "550"]])
def test_all_three_closed(here: Installed, words: list[str]) -> None:
    done = through_shell('"$@" <&- >&- 2>&-', words, here.variables)

    assert done.code == (0 if words == ["--version"] else 73)


def test_runs_as_a_module_too(here: Installed) -> None:
    import sys

    words = [sys.executable, "-m", "sendmail_cli", "explain", "0"]
    done = subprocess.run(words, env=here.variables, capture_output=True, check=False)
    by_name = subprocess.run([COMMAND, "explain", "0"], env=here.variables, capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (0, by_name.stdout)
