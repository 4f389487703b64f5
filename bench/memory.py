"""How much memory a large message takes, over what a tiny one takes: `python -m bench.memory [MEGABYTES]`.

Four ways to send it: as an attachment from a file, as an attachment from standard input, as a ready message, and as a
ready message that must be encoded anew. Each is sent by the installed command to a server in another process. Ends with
1 where the peak is over the limit.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1_000_000
MEBIBYTE = 1 << 20
LIMIT = 32 * MEBIBYTE  # octets over the peak of a tiny message
COMMAND = str(Path(sys.executable).with_name("sendmail-cli"))
ADDRESSES = ("-f", "ada@example.org", "bob@example.org")
READY = b"From: ada@example.org\nTo: bob@example.org\nContent-Transfer-Encoding: base64\n\n"
BINARY = (
    b"From: ada@example.org\nTo: bob@example.org\nMIME-Version: 1.0\nContent-Type: application/octet-stream\n"
    b"Content-Transfer-Encoding: binary\n\n"
)

# Starts a program and prints its peak. A process of its own, and a small one: Linux counts for a program also what the
# process held that it was started from.
LAUNCHER = """
import os, sys
_, pipe, *argv = sys.argv
process = os.posix_spawn(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, int(pipe))])
_, status, usage = os.wait4(process, 0)
os.write(int(pipe), b"%d" % usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""

# Takes mail on one connection after the other and forgets it. It prints its port.
SINK = r"""
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
ok = b"250 2.0.0 Ok\r\n"
replies = {
    b"EHLO": b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
while True:
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"220 sink.example ESMTP\r\n")
    unread, is_content = b"", False
    while octets := client.recv(1 << 20):
        unread += octets
        while True:
            end = b"\r\n.\r\n" if is_content else b"\r\n"
            at = unread.find(end)
            if at < 0:
                unread = unread[-4:] if is_content else unread
                break
            verb, unread = unread[:4].upper(), unread[at + len(end):]
            client.sendall(ok if is_content else replies.get(verb, ok))
            is_content = verb == b"DATA" and not is_content
    client.close()
"""


class Ran(NamedTuple):
    """What became of a program."""

    exit_code: int
    peak: int  # octets of resident memory
    errors: str


def run(argv: list[str], environment: dict[str, str], stdin: IO[bytes] | None = None) -> Ran:
    """Runs it to its end."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as peak, tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, str(writing), *argv],
            stdin=stdin or subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            pass_fds=[writing],
            check=False,
        )
        os.close(writing)
        errors.seek(0)
        return Ran(done.returncode, int(peak.read() or 0) * 1024, errors.read().decode(errors="replace"))


@contextmanager
def running_sink() -> Iterator[int]:
    """A server that takes everything and keeps nothing; its port."""
    with subprocess.Popen([sys.executable, "-S", "-c", SINK], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def peaks(port: int, folder: Path, megabytes: int) -> dict[str, int]:
    """The peak in octets for a tiny message, and for each way to send a large one. Raises `RuntimeError`."""
    attachment, ready, binary = make_files(folder, megabytes)
    send = [COMMAND, "send", "-S", f"localhost:{port}"]
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": str(folder)}
    ways: dict[str, tuple[list[str], Path | None]] = {
        "tiny message": ([*send, "-m", "hello", *ADDRESSES], None),
        "attachment": ([*send, "-m", "hello", "-a", str(attachment), *ADDRESSES], None),
        "standard input": ([*send, "-m", "hello", "--attach-as", "large.bin", "-", *ADDRESSES], attachment),
        "ready message": ([*send, "--raw", str(ready)], None),
        "ready message from standard input": ([*send, "--raw", "-"], ready),
        "ready message encoded anew": ([*send, "--raw", str(binary)], None),
    }
    found = {}
    for name, (argv, stdin) in ways.items():
        with stdin.open("rb") if stdin is not None else open(os.devnull, "rb") as stream:
            ran = run(argv, environment, stream)
        if ran.exit_code != 0:
            raise RuntimeError(f"{name}: ended with {ran.exit_code}: {ran.errors}")
        found[name] = ran.peak
    return found


def make_attachment(folder: Path, megabytes: int) -> Path:
    """A file of random octets."""
    path = folder / "large.bin"
    randomness = random.Random(1)
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(randomness.randbytes(MEGABYTE))
    return path


def make_files(folder: Path, megabytes: int) -> tuple[Path, Path, Path]:
    """Random octets, a ready message with as many octets of base64, and one with those octets as they are."""
    attachment, ready, binary = make_attachment(folder, megabytes), folder / "large.eml", folder / "binary.eml"
    with attachment.open("rb") as file, binary.open("wb") as message:
        message.write(BINARY)
        shutil.copyfileobj(file, message, MEGABYTE)
    lines = base64.encodebytes(random.Random(1).randbytes(57 * 1000))
    with ready.open("wb") as file:
        file.write(READY)
        for _ in range(megabytes * MEGABYTE // len(lines)):
            file.write(lines)
    return attachment, ready, binary


def main() -> int:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder, running_sink() as port:
        found = peaks(port, Path(folder), megabytes)
    tiny = found.pop("tiny message")
    print(f"{'tiny message':34} {tiny / MEBIBYTE:6.1f} MiB")
    for name, peak in found.items():
        verdict = "" if peak - tiny <= LIMIT else f"  over the limit of {LIMIT // MEBIBYTE} MiB"
        print(f"{name:34} {peak / MEBIBYTE:6.1f} MiB  {(peak - tiny) / MEBIBYTE:+6.1f} MiB{verdict}")
    return int(any(peak - tiny > LIMIT for peak in found.values()))


if __name__ == "__main__":
    sys.exit(main())
