"""A server that takes 7 bits only, Postfix's smtp-sink: what is 8-bit reaches it encoded, and is read as it was."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_aiosmtpd import run_command
from tests.support.patience import wait_until
from tests.support.ports import reserve_ports
from tests.support.required import skip_if

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real_server

HEADER = (
    b"From: ada@example.org\r\nTo: bob@example.org\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
)
BODY = "Grüße aus dem Norden, wo alles in bester Ordnung ist\r\n.\r\n".encode()
SINK = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def seven_bit_sink(folder: Path) -> Iterator[int]:
    """The port of one without 8BITMIME, which puts each message into a file of its own in `folder`."""
    skip_if("" if SINK else "smtp-sink is not installed")
    assert SINK is not None
    [port] = reserve_ports()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    folder.chmod(0o777)
    argv = [SINK, "-8", *user, "-d", f"{folder}/message.", f"127.0.0.1:{port}", "10"]
    with subprocess.Popen(argv, cwd=folder) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    with socket.socket() as connection:
        wait_until(lambda: connection.connect_ex(("127.0.0.1", port)) == 0, lambda: "smtp-sink does not listen")
        connection.recv(1000)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that smtp-sink's user may write in, which pytest's own are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


def test_duty14_an_8bit_message_is_encoded_for_it(folder: Path) -> None:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    with seven_bit_sink(folder) as port:
        send = ["send", "-S", f"127.0.0.1:{port}", "--raw", "-"]
        refused = [
            run_command(*send, environment=environment, stdin=b"DKIM-Signature: x\r\n" + HEADER + BODY),
            run_command(*send, "--no-fixup", environment=environment, stdin=HEADER + BODY),
        ]
        done = run_command(*send, environment=environment, stdin=HEADER + BODY)
        [kept] = [path.read_bytes() for path in folder.glob("message.*")]
    assert (done.returncode, done.stderr) == (0, b"")
    for ended in refused:
        assert ended.returncode == 65
        assert b"8BITMIME" in ended.stderr
    assert kept.isascii()
    arrived = message_from_bytes(kept)
    assert arrived["content-transfer-encoding"] == "quoted-printable"
    octets = arrived.get_payload(decode=True)
    assert isinstance(octets, bytes)
    assert octets == BODY.replace(b"\r\n", b"\n") + b"\n"  # the sink's own
