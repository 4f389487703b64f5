"""Servers that are programs: that pass on, die, never speak, never end."""

from __future__ import annotations

import errno
import gc
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.delivery import deliver
from sendmail_cli.errors import ConfigError, ConnectFailed, ConnectionLost, DeadlineExceeded, MailError, ResourceError
from sendmail_cli.net import pipe as module
from sendmail_cli.net.pipe import start_program
from sendmail_cli.net.tls_context import client_context
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.trace import Trace
from tests.support.certificates import server_context, write_ca_file
from tests.support.dialogue import TestEnvironment, submission_of
from tests.support.patience import PATIENCE
from tests.support.pipe_program import Program
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendmail_cli.report import Report

GREETING = b"220 sink.example ESMTP\r\n"
VARIABLES = {"PATH": os.environ["PATH"]}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.05)


def start(*command: str) -> module.ProgramStream:
    return start_program(command, VARIABLES, time.monotonic)


def says(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", code)


def soon() -> float:
    return time.monotonic() + PATIENCE


def failure(*command: str) -> MailError:
    """What is raised where the greeting should come; whatever was started is gone then."""
    stream = start(*command)
    try:
        with pytest.raises(MailError) as caught:
            stream.read(soon())
    finally:
        stream.close()
    assert caught.value.sentence.isprintable()
    return caught.value


def send(server: Server) -> Report:
    environment = TestEnvironment()
    environment.variables["PATH"] = os.environ["PATH"]
    return deliver(
        submission_of(b"Subject: hi\r\n\r\nhello\r\n"),
        server,
        lambda: Secret("hunter2"),
        environment,
        Trace(environment.monotonic, lambda _: None),
    )


def test_a_message_goes_to_where_the_program_leads(sink: Sink, program: Program) -> None:
    report = send(Server("", 0, command=program.command(sink.port), tls=TLSMode.NONE))
    assert report.exit_code == 0
    assert sink.received == b"Subject: hi\r\n\r\nhello\r\n"
    assert program.is_gone()


@pytest.mark.parametrize("mode", [TLSMode.STARTTLS, TLSMode.IMPLICIT])
def test_with_tls(mode: TLSMode, program: Program) -> None:
    script = "S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS! starttls\nC? EHLO\nS: 250 mx\n"
    if mode is TLSMode.IMPLICIT:
        script = "S: 220 mx\nC? EHLO\nS: 250 mx\n"
    steps = parse_script(
        script + "C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\nS: 250 ok\nC? QUIT\nS: 221 bye\n"
    )
    context = server_context()
    with ScriptedServer(steps, tls=context if mode is TLSMode.IMPLICIT else None, starttls=context) as mx:
        report = send(Server("", 0, command=program.command(mx.port), tls=mode, is_verified=False))
    assert report.exit_code == 0, report
    assert program.is_gone()


def test_a_pin_vouches_where_there_is_no_name(program: Program) -> None:
    steps = parse_script("S: 220 mx\nC? EHLO\nS: 250 mx\nC? MAIL\nS: 550 no\nC? QUIT\nS: 221 bye\n")
    with ScriptedServer(steps, tls=server_context()) as mx:
        stream = start(*program.command(mx.port))
        stream.start_tls(client_context(time.time, is_verified=False), "", soon())
        facts = stream.tls_facts()
        stream.close()
        assert facts is not None
        wrong, right = (
            send(Server("", 0, command=program.command(mx.port), tls=TLSMode.IMPLICIT, tls_pin=pin))
            for pin in ("sha256:" + "0" * 64, facts.fingerprint)
        )
    assert (wrong.exit_code, right.outcomes[0].code) == (69, 550)


def test_nobody_knows_where_it_leads(sink: Sink, program: Program) -> None:
    stream = start(*program.command(sink.port))
    assert stream.read(soon()) == GREETING
    assert not stream.is_local
    assert stream.local_address == ""
    stream.close()
    assert program.is_gone()


def test_it_gets_the_connection_and_the_given_variables_and_nothing_else(sink: Sink, program: Program) -> None:
    with open(os.devnull, "rb") as file:
        os.set_inheritable(file.fileno(), True)
        stream = start_program(program.command(sink.port), {"GIVEN": "1"}, time.monotonic)
        assert stream.read(soon()) == GREETING
    stream.close()
    assert "GIVEN=1" in program.variables
    assert not [text for text in program.variables if text.startswith(("PATH=", "HOME="))]
    assert program.descriptors - {"3"} == {"0", "1", "2"}  # 3 is the folder that was listed


def test_one_that_says_much_on_standard_error_does_not_wait_for_us(sink: Sink, program: Program) -> None:
    stream = start(*program.command(sink.port, "noisy"))
    assert stream.read(soon()) == GREETING
    stream.close()
    assert len(stream._errors._said) <= module.MAX_ERRORS


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit('one\\n\\nno route\\n\\n')", "ended with exit code 1 and never greeted us: no route"),
        ("import sys; sys.exit(127)", "ended with exit code 127 and never greeted us"),
        ("", "ended with exit code 0 and never greeted us"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9 and never greeted us"),
        ("import sys; sys.exit('\\x1b[2J' + 'x' * 5000)", "ended with exit code 1 and never greeted us: " + "x" * 50),
        ("import os; os.write(2, b'\\xff\\x1b[J\\r\\n')", "ended with exit code 0 and never greeted us: \ufffd\\x1b[J"),
    ],
)  # fmt: skip
def test_one_that_dies_before_it_greets(code: str, sentence: str) -> None:
    error = failure(*says(code))
    assert type(error) is ConnectFailed
    assert error.sentence.startswith(f"the program “{sys.executable}” {sentence}")
    assert len(error.sentence) < 600
    assert "sendmail -bs" in error.hint
    assert sys.executable in error.hint


def test_one_that_closes_its_output_and_stays(impatient: None) -> None:
    del impatient
    error = failure(*says("import os, time; os.dup2(2, 0); os.dup2(2, 1); time.sleep(60)"))
    assert error.sentence.endswith("closed the connection and never greeted us")


def test_one_whose_child_holds_standard_error(impatient: None) -> None:
    del impatient
    code = "import os, sys, time; os.fork() or (os.close(0), os.close(1), time.sleep(3), os._exit(0)); sys.exit('why')"
    assert failure(*says(code)).sentence.endswith("exit code 1 and never greeted us: why")


def test_one_that_dies_later_breaks_the_connection_as_any_server(program: Program) -> None:
    with ScriptedServer(parse_script("S: 220 mx\nC? EHLO\nS! close\n")) as mx:
        report = send(Server("", 0, command=program.command(mx.port), tls=TLSMode.NONE))
    assert report.exit_code == 75
    assert "never greeted us" not in report.outcomes[0].text
    assert program.is_gone()


@pytest.mark.parametrize("code", ["", "import time; print(end='', flush=True)"])
def test_one_that_dies_before_tls(code: str) -> None:
    stream = start(*says(code))
    with pytest.raises(ConnectFailed, match="ended with exit code 0 and never greeted us"):
        stream.start_tls(client_context(time.time, is_verified=False), "", soon())
    stream.close()


def test_one_that_dies_in_the_handshake_after_it_greeted() -> None:
    stream = start(*says("print('220 mx', flush=True); input()"))
    assert stream.read(soon()) == b"220 mx\n"
    with pytest.raises(ConnectionLost, match="the connection ended in the TLS handshake"):
        stream.start_tls(client_context(time.time, is_verified=False), "", soon())
    stream.close()


def test_one_that_never_speaks(program: Program) -> None:
    stream = start(*program.command(0, "silent"))
    program.wait_for_start()
    with pytest.raises(DeadlineExceeded):
        stream.read(time.monotonic() + 0.05)
    stream.close()
    assert program.is_gone()


@pytest.mark.parametrize(("way", "status"), [("lingering", -15), ("deaf", -9)])
@pytest.mark.usefixtures("impatient")
def test_one_that_stays_is_ended(way: str, status: int, sink: Sink, program: Program) -> None:
    stream = start(*program.command(sink.port, way))
    assert stream.read(soon()) == GREETING
    stream.close()
    assert program.is_gone()
    assert stream._process.returncode == status
    stream.close()  # a session may close twice


def test_one_that_needs_a_moment_to_end_gets_it(tmp_path: Path) -> None:
    code = "import sys, time; print('220 mx', flush=True); sys.stdin.read(); time.sleep(0.2); open(sys.argv[1], 'w')"
    stream = start(*says(code), str(tmp_path / "done"))
    assert stream.read(soon()) == b"220 mx\n"
    stream.close()
    assert (tmp_path / "done").exists()


def test_ctrl_c_while_it_is_waited_for_leaves_none(
    program: Program, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = start(*program.command(sink.port, "deaf"))
    assert stream.read(soon()) == GREETING
    process, really_wait, is_interrupted = stream._process, stream._process.wait, iter([True])

    def wait(timeout: float | None = None) -> int:
        if next(is_interrupted, False):
            raise KeyboardInterrupt
        return really_wait(timeout)

    monkeypatch.setattr(process, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    assert program.is_gone()
    assert process.returncode == -9


@pytest.mark.usefixtures("impatient")
def test_one_that_is_not_ours_to_signal_is_left(program: Program, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = start(*program.command(sink.port, "lingering"))
    assert stream.read(soon()) == GREETING
    process = stream._process

    def refuse(number: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(process, "send_signal", refuse)
        stream.close()
    assert not program.is_gone()
    process.kill()
    process.wait()


def test_one_that_can_not_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for command, why in (
        (("no-such-program", "x"), "the program “no-such-program” can't be started: no such file or directory"),
        ((str(plain),), f"the program “{plain}” can't be started: permission denied"),
        (("a\0b",), "the program “a\\x00b” can't be started: embedded null byte"),
    ):
        with pytest.raises(ConfigError) as caught:
            start(*command)
        assert caught.value.sentence == why
        assert "$PATH" in caught.value.hint

    def exhausted(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", exhausted)
        with pytest.raises(ResourceError, match="can't be started now: resource temporarily unavailable"):
            start("true")
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", exhausted)
        with pytest.raises(ResourceError, match="no socket could be had"):
            start("true")
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        with pytest.raises(ConfigError, match="on this system no server can be a program"):
            start("true")


def test_an_interrupt_while_it_is_started_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "__init__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        start("true")
    gc.collect()  # a socket left open would warn, and warnings are errors


def test_an_interrupt_as_soon_as_it_is_started_leaves_no_program(
    monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    execute = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def start_and_interrupt(*arguments: object) -> None:
        execute(*arguments)
        program.wait_for_start()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "_execute_child", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        start(*program.command(0, "silent", "deaf"))
    assert program.is_gone()


def test_verified_tls_needs_a_name_to_verify(program: Program, tmp_path: Path) -> None:
    """The settings refuse it before; here nothing is taken unseen."""
    steps = parse_script("S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS! starttls\n")
    with ScriptedServer(steps, starttls=server_context()) as mx:
        command = program.command(mx.port)
        report = send(Server("", 0, command=command, tls=TLSMode.STARTTLS, ca_file=write_ca_file(tmp_path)))
    assert report.exit_code == 76
    assert program.is_gone()


def test_duty33_no_password_goes_to_a_program_in_the_clear(program: Program) -> None:
    with ScriptedServer(parse_script("S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC? QUIT\nS: 221 bye\n")) as mx:
        report = send(Server("", 0, command=program.command(mx.port), tls=TLSMode.NONE, user="ada"))
    assert report.exit_code == 78
    assert b"AUTH" not in mx.received
    assert program.is_gone()
