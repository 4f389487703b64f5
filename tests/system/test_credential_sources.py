"""Sources of a password that only a process of its own can have: descriptors, a terminal; and its closed memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, finish, wait_for_line
from tests.support.patience import PATIENCE
from tests.support.small_servers import PASSWORD, QUIT, SIGN_IN, USER, server

if TYPE_CHECKING:
    from tests.support.command import Installed
    from tests.support.leaks import Leaks
    from tests.support.scripted_server import ScriptedServer

SENT = "C? AUTH\nS: 235 ok\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go on\nC.\nS: 250 ok\n" + QUIT
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc and prctl are Linux's")

# Two processes of an ordinary user: one tries to read the other's environment, before and after its memory is guarded.
# What the modules load must be there before: their files are not everybody's.
NEIGHBOURS = """
import ctypes, os, resource
from sendmail_cli.environment import Environment
libc = ctypes.CDLL(None)
if os.getuid() == 0:
    os.setresgid(4711, 4711, 4711)
    os.setresuid(4711, 4711, 4711)
libc.prctl(4, 1, 0, 0, 0)
def readable():
    pid = os.fork()
    if pid == 0:
        try:
            open(f"/proc/{os.getppid()}/environ", "rb").read()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(readable())
Environment().guard_memory()
print(readable(), libc.prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
print(len(os.listdir("/proc/self/fd")) > 2)
"""


def configure(command: Installed, mx: ScriptedServer, more: str = "") -> None:
    command.configure(
        f'[profile.work]\nfrom = "{USER}"\nserver = "localhost:{mx.port}"\nuser = "{USER}"\ntls = "none"\n{more}'
    )


def test_a_descriptor(command: Installed, leaks: Leaks) -> None:
    leaks.secret(PASSWORD)
    reading, writing = os.pipe()
    os.write(writing, f"{PASSWORD}\nnot this\n".encode())
    with server(SIGN_IN + SENT) as mx:
        configure(command, mx, 'credential.source = "keyring"\n')
        argv: list[str | Path] = [COMMAND, "send", "bob@example.org", "-v", "--password-fd", str(reading)]
        variables = {**command.variables, **leaks.variables()}
        with subprocess.Popen(
            argv, pass_fds=[reading], env=variables, stdin=subprocess.PIPE, stdout=-1, stderr=-1
        ) as process:
            out, err = process.communicate(b"the text\n", timeout=PATIENCE)
    os.close(reading)
    os.close(writing)
    leaks.see(out, err)
    assert process.returncode == 0, err
    assert b"the text" in bytes(mx.connections[0].received)


def test_standard_input_is_either_the_password_or_the_text(command: Installed, leaks: Leaks) -> None:
    leaks.secret(PASSWORD)
    with server(SIGN_IN + SENT) as mx:
        configure(command, mx)
        done = leaks.watch(command)(
            "send", "bob@example.org", "-m", "hi", "--password-fd", "0", stdin=f"{PASSWORD}\n".encode()
        )
        assert (done.code, done.err) == (0, "")
        for words in (["--body-file", "-"], ["--raw", "-"], ["--no-stdin", "-m", "hi"]):
            assert command("send", "bob@example.org", "--password-fd", "0", *words).code == 64


def test_a_person_at_the_terminal_who_is_not_shown_what_they_type(command: Installed, leaks: Leaks) -> None:
    leaks.secret(PASSWORD)
    ours, theirs = os.openpty()
    with server(SIGN_IN + SENT) as mx:
        configure(command, mx)
        argv: list[str | Path] = ["setsid", "--ctty", "--wait", COMMAND, "send", "bob@example.org", "-m", "hi", "-v"]
        variables = {**command.variables, **leaks.variables()}
        process = subprocess.Popen(argv, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        screen = read_until(ours, b"Password of")
        os.write(ours, f"{PASSWORD}\n".encode())
        screen += read_until(ours, None)
        code = process.wait(PATIENCE)
    os.close(ours)
    leaks.see(screen, called="the screen")
    assert code == 0, screen
    assert f"Password of “{USER}” at localhost".encode() in b"".join(screen.split(b"\r\n"))
    assert any(PASSWORD.encode() in bytes(each.received) or b"AUTH" in bytes(each.received) for each in mx.connections)


def read_until(descriptor: int, words: bytes | None) -> bytes:
    """What is shown until `words` are, or all of it."""
    shown = b""
    try:
        while (words is None or words not in shown) and (octets := os.read(descriptor, 4096)):
            shown += octets
    except OSError:  # EIO: nobody has the other side open any more
        pass
    return shown


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read(command: Installed, leaks: Leaks, mode: int) -> None:
    leaks.secret(PASSWORD)
    secret = command.home / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(mode)
    leaks.keeps(secret)
    with server(SIGN_IN + QUIT) as mx:
        configure(command, mx, 'password_file = "~/secret"\n')
        done = leaks.watch(command)("send", "bob@example.org", "-m", "hi", "-v")
    assert done.code == 78
    assert f"chmod 600 {secret}" in done.err


@linux
def test_neighbours_can_not_read_a_process_that_has_read_a_secret() -> None:
    said = subprocess.check_output([sys.executable, "-c", NEIGHBOURS], timeout=PATIENCE, text=True)
    assert said.split() == ["True", "False", "0", "0", "True"]


@linux
def test_no_core_is_written_of_a_send_that_has_read_a_secret(command: Installed) -> None:
    with server(SIGN_IN + "C? AUTH\nS! stall\n") as mx:
        configure(command, mx)
        with command.started(
            "send", "bob@example.org", "-v", "-m", "hi", variables={"SENDMAIL_CLI_PASSWORD__WORK": PASSWORD}
        ) as process:
            wait_for_line(process, b"AUTH PLAIN ***")
            limits = Path(f"/proc/{process.pid}/limits").read_text()
            process.terminate()
            finish(process)
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"
