"""Ctrl-C and SIGTERM: before the final dot nothing was sent, after it nobody knows, after the answer it is sent."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.command import finish, through_shell, wait_for_line
from tests.support.small_servers import CONTENT, EHLO, GREETING, MAIL, QUIT, RCPT, SENT, deaf_server, server

if TYPE_CHECKING:
    from tests.support.command import Installed
    from tests.support.sink import Sink

# Says when standard input is about to be read.
TELL = """
from sendmail_cli.cli import standard_input
opened = standard_input.open_input
def open_input(*words):
    import sys
    print("reading", file=sys.stderr, flush=True)
    return opened(*words)
standard_input.open_input = open_input
"""
SEND = ("send", "-v", "--json", "-f", "ada@example.org", "bob@example.org", "-m", "hi")
BOTH = pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)


@BOTH
@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("S! stall\n", b"connected to"),
        (GREETING + "C? EHLO\nS! stall\n", b"-> EHLO"),
        (EHLO + "C? MAIL\nS! stall\n", b"-> MAIL"),
        (RCPT + "C? DATA\nS! stall\n", b"-> DATA"),
    ],
)
def test_before_the_final_dot_nothing_was_sent(
    command: Installed, script: str, line: bytes, *, number: signal.Signals, code: int, word: str
) -> None:
    with server(script) as mx, command.started(*SEND, "-S", f"localhost:{mx.port}") as process:
        wait_for_line(process, line)
        process.send_signal(number)
        done = finish(process)

    assert (done.code, done.lines) == (code, [f"sendmail-cli: {word}; nothing was sent"])
    assert done.json["exit_code"] == code
    assert done.json["error"]["kind"] == word.capitalize()


def test_timeout_terminates_the_program_and_its_mail_is_sent(here: Installed, sink: Sink) -> None:
    done = through_shell('exec timeout 0.5 "$@"', ("run", "--", "sleep", "60"), here.variables)
    assert done.err == ""
    assert b"killed by SIGTERM" in sink.received


@BOTH
def test_while_the_mail_about_a_program_is_sent_what_it_printed_is_shown(
    here: Installed, number: signal.Signals, code: int, word: str
) -> None:
    with server("S! stall\n") as mx:
        here.configure(f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{mx.port}"\n')
        with here.started("run", "-v", "--on", "output", "--", "echo", "backup done") as process:
            wait_for_line(process, b"connected to")
            process.send_signal(number)
            done = finish(process)
    assert (done.code, "backup done" in done.lines, f"sendmail-cli: {word}" in done.err) == (code, True, True)


@BOTH
def test_in_the_middle_of_the_content_nothing_was_sent(
    command: Installed, number: signal.Signals, code: int, word: str
) -> None:
    text = command.home / "text"
    text.write_bytes(b"x" * 70 + b"\n")
    text.write_bytes(text.read_bytes() * 300_000)  # more than any socket takes
    words = ("send", "-v", "--json", "-f", "ada@example.org", "bob@example.org", "--body-file", text)
    with deaf_server() as port, command.started(*words, "-S", f"localhost:{port}") as process:
        wait_for_line(process, b"octets of message")
        process.send_signal(number)
        done = finish(process)

    assert (done.code, done.lines) == (code, [f"sendmail-cli: {word}; nothing was sent"])


@BOTH
def test_who_was_to_get_it_next_is_told_beside_who_may_have_got_it(
    command: Installed, number: signal.Signals, code: int, word: str
) -> None:
    script = MAIL + "C? RCPT\nS: 250 Ok\nC? RCPT\nS: 452 4.5.3 too many\nC? DATA\nS: 354 go on\nC.\nS! stall\n"
    words = ("send", "-v", "--json", "-f", "ada@example.org", "bob@example.org", "eve@example.org", "-m", "hi")
    with server(script) as mx, command.started(*words, "-S", f"localhost:{mx.port}") as process:
        wait_for_line(process, b"-> .\n")
        process.send_signal(number)
        done = finish(process)

    assert done.code == 81
    assert "interrupted before" in done.lines[0]
    assert "confirmed the message; it may have been delivered" in done.lines[0]
    assert "in doubt  bob@example.org" in done.lines[1]
    assert "not now   eve@example.org: interrupted before it was sent" in done.lines[2]


@BOTH
def test_after_the_final_dot_nobody_knows(command: Installed, number: signal.Signals, code: int, word: str) -> None:
    with server(CONTENT + "S! stall\n") as mx, command.started(*SEND, "-S", f"localhost:{mx.port}") as process:
        wait_for_line(process, b"-> .\n")
        process.send_signal(number)
        done = finish(process)

    assert done.code == done.json["exit_code"] == 81
    assert [recipient["in_doubt"] for recipient in done.json["recipients"]] == [True]
    assert done.json["error"]["kind"] == "Interrupted"
    assert done.lines == [
        f"sendmail-cli: interrupted before localhost:{mx.port} confirmed the message; it may have been delivered",
        "  in doubt  bob@example.org: we were interrupted; the message was sent whole and may have been delivered",
    ]


@BOTH
def test_after_the_answer_it_is_sent(command: Installed, number: signal.Signals, code: int, word: str) -> None:
    script = CONTENT + "S: 250 2.0.0 Ok\nC? QUIT\nS! stall\n"
    with server(script) as mx, command.started(*SEND, "-S", f"localhost:{mx.port}") as process:
        wait_for_line(process, b"-> QUIT")
        process.send_signal(number)
        done = finish(process)

    assert done.code == done.json["exit_code"] == 0
    assert done.lines[-1].startswith("sent to bob@example.org: ")


@BOTH
def test_while_it_waits_for_standard_input(command: Installed, number: signal.Signals, code: int, word: str) -> None:
    words = ("send", "-f", "ada@example.org", "-S", "localhost:1", "bob@example.org")
    with command.started(*words, stdin=subprocess.PIPE, variables=command.inject(TELL)) as process:
        wait_for_line(process, b"reading")
        process.send_signal(number)
        done = finish(process)

    assert (done.code, done.lines) == (code, [f"sendmail-cli: {word}; nothing was sent"])


def test_a_caller_who_ignores_sigterm_is_heeded(command: Installed) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with (
        server(SENT) as mx,
        command.started(*SEND, "-S", f"localhost:{mx.port}", variables=command.inject(code)) as process,
    ):
        wait_for_line(process, b"connecting to")
        process.send_signal(signal.SIGTERM)
        done = finish(process)

    assert done.code == 0


def test_a_closed_connection_after_quit_changes_nothing(command: Installed) -> None:
    with server(CONTENT + "S: 250 2.0.0 Ok\n" + QUIT) as mx:
        assert command(*SEND, "-S", f"localhost:{mx.port}").code == 0


def test_so_early_that_nothing_is_loaded(command: Installed) -> None:
    code = (
        "import sys\nclass Finder:\n    def find_spec(self, name, *_):\n"
        "        import os\n        if name == 'sendmail_cli.cli.app': os.kill(os.getpid(), 2)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    done = command("send", "-m", "hi", variables=command.inject(code))

    assert (done.code, done.out, done.err) == (-signal.SIGINT, b"", "")  # the shell says 130


# A second signal comes between the first and its telling.
TWICE = """
import signal
from sendmail_cli.cli import app
code_of = app._code_of
def interrupted(*words, **more):
    app._code_of = code_of
    signal.raise_signal(signal.SIGTERM)
    return code_of(*words, **more)
app._code_of = interrupted
"""


def test_a_second_one_before_the_first_is_told(command: Installed) -> None:
    with (
        server(GREETING + "C? EHLO\nS! stall\n") as mx,
        command.started(*SEND, "-S", f"localhost:{mx.port}", variables=command.inject(TWICE)) as process,
    ):
        wait_for_line(process, b"-> EHLO")
        process.send_signal(signal.SIGTERM)
        done = finish(process)

    assert (done.code, done.lines) == (143, ["sendmail-cli: terminated"])


# A signal comes while an error is told.
AMID = """
import signal
from sendmail_cli.cli.output import Output
explain = Output.explain
def interrupted(*words):
    signal.raise_signal(signal.SIGTERM)
    explain(*words)
Output.explain = interrupted
"""


def test_one_while_an_error_is_told_changes_nothing(command: Installed) -> None:
    words = (
        "send",
        "--json",
        "-f",
        "ada@example.org",
        "bob@example.org",
        "-m",
        "hi",
        "-a",
        "/not/there",
        "-S",
        "localhost",
    )
    done = command(*words, variables=command.inject(AMID))
    assert done.code == done.json["exit_code"] == 66
    assert "/not/there" in done.lines[0]
