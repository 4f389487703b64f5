"""Programs that serve: on ports that nobody else gets, ended with the test run however that ends."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.patience import PATIENCE
from tests.support.postfix import CLEAN_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LOG_LINES = 30


def missing_programs(*programs: str) -> str:
    """A sentence with those that are not on root's PATH; "" when all are."""
    absent = [name for name in (*programs, "setpriv") if shutil.which(name, path=CLEAN_ENVIRONMENT["PATH"]) is None]
    return f"not installed: {', '.join(absent)} (.ci/servers installs it)" if absent else ""


@contextmanager
def serving(
    *argv: str | Path,
    log: Path,
    ports: Sequence[int] = (),
    sockets: Sequence[Path] = (),
    variables: Mapping[str, str] | None = None,
    leash: Sequence[str] = (),
) -> Iterator[None]:
    """Runs a server that stays in the foreground, from when it takes connections on all ports and sockets.

    It gets SIGTERM at the end, and SIGKILL from the kernel should we die first. `leash` are words for setpriv in place
    of that. What the server says is in `log`, and in the error when it does not start.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["setpriv", *(leash or ("--pdeathsig", "KILL")), *argv],
            env={**CLEAN_ENVIRONMENT, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for pytest alone
        )
    try:
        _wait_until_it_serves(process, log, ports, sockets)
        yield
    finally:
        _stop(process)


def _wait_until_it_serves(
    process: subprocess.Popen[bytes], log: Path, ports: Sequence[int], sockets: Sequence[Path]
) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (all(map(_takes_connections, ports)) and all(path.is_socket() for path in sockets)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not serve (exit code {process.poll()}):\n{last_lines(log)}")
        time.sleep(0.02)


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(log: Path) -> str:
    """The end of what a server says about itself: the first place to look when a test fails."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]) if log.exists() else "(no log)"
