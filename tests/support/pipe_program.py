"""A program whose standard input and output are the connection to a server: what `nc` is, and worse.

    with Sink() as sink:
        program = Program(folder)
        …--pipe program.line(sink.port, "deaf")…
    assert program.is_gone()

It keeps in `folder` its process id, its variables and its open descriptors.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

PATIENCE = 20.0  # seconds


class Program(NamedTuple):
    """The program, started or not."""

    folder: Path

    def command(self, port: int, *ways: str) -> tuple[str, ...]:
        """Its argv: it leads to that port of loopback. `ways` are names of `main`'s."""
        return (sys.executable, "-I", __file__, str(self.folder), str(port), *ways)

    def line(self, port: int, *ways: str) -> str:
        """The same, as it is typed."""
        return shlex.join(self.command(port, *ways))

    @property
    def variables(self) -> set[str]:
        """The variables that it was given, as NAME=VALUE."""
        return set((self.folder / "variables").read_text().split("\0"))

    @property
    def descriptors(self) -> set[str]:
        """The descriptors that it was given."""
        return set((self.folder / "descriptors").read_text().split())

    def wait_for_start(self) -> int:
        """Its process id, once it runs."""
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "pid").exists():
            assert time.monotonic() < deadline, "the program was never started"
            time.sleep(0.01)
        return int((self.folder / "pid").read_text())

    def is_gone(self) -> bool:
        """True when it has ended and somebody has taken notice: it is no zombie either."""
        return not Path(f"/proc/{self.wait_for_start()}").exists()


def main(folder: str, port: str, *ways: str) -> None:
    """Passes on until either side ends.

    "deaf": SIGTERM doesn't end it; "lingering": it stays when the connection has ended; "noisy": it says more on
    standard error than any pipe holds, first; "silent": it leads nowhere, and says nothing.
    """
    if "deaf" in ways:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _tell(folder)
    if "noisy" in ways:
        os.write(2, b"chatter \n" * 100_000)
    if "silent" not in ways:
        with socket.create_connection(("127.0.0.1", int(port))) as server:
            _pass_on(server)
    while {"silent", "lingering", "deaf"} & set(ways):
        time.sleep(PATIENCE)


def _tell(folder: str) -> None:
    place = Path(folder)
    (place / "variables").write_text("\0".join(f"{name}={value}" for name, value in os.environ.items()))
    (place / "descriptors").write_text(" ".join(os.listdir("/proc/self/fd")))
    (place / "pid.new").write_text(str(os.getpid()))
    (place / "pid.new").rename(place / "pid")


def _pass_on(server: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([0, server.fileno()], [], [])
        for side in ready:
            data = os.read(side, 65536)
            if not data:
                return
            to = server.fileno() if side == 0 else 1
            while data:
                data = data[os.write(to, data) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
