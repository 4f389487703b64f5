"""The relay in a process of its own."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.command import Installed, finish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def relaying(
    here: Installed, *options: str | Path, stdin: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The relay, and where it listens."""
    with here.started("relay", *options, stdin=stdin) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("listening on "), finish(process)
        yield process, line.removeprefix("listening on ").strip()


def port_of(place: str) -> int:
    return int(place.rpartition(":")[2])
