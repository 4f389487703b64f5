"""A full disk, a clock that leaps: what was taken over stays, and nothing is half there."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Done
from tests.support.required import skip_if

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Installed
    from tests.support.sink import Sink

SIZE = "1100k"
LARGE = b"x" * 76 + b"\n"


def _needed(program: str) -> str:
    path = shutil.which(program)
    skip_if("" if path else f"{program} is not installed")
    return path or ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def _waiting(command: Installed) -> list[int]:
    return [json.loads(line)["id"] for line in command("queue", "list", "--json").out.splitlines()]


@pytest.mark.parametrize("lines", [300, 1000], ids=["in the database", "in files"])
def test_a_full_disk_takes_nothing_over_and_loses_nothing(here: Installed, small_disk: Path, lines: int) -> None:
    spool = small_disk / "spool"
    here.variables["SENDMAIL_CLI_SPOOL"] = str(spool)
    taken = 0
    last = Done(0, b"", "")
    for _ in range(50):
        # A wish for later: no runner is started for it.
        last = here("send", "--in", "1d", "--no-input", "bob@example.org", stdin=LARGE * lines)
        if last.code != 0:
            break
        taken += 1

    assert last.code == 75, last
    assert "Nothing was changed" in last.err
    assert "Traceback" not in last.err
    assert len(_waiting(here)) == taken > 0
    assert len(list((spool / "contents").iterdir())) == (taken if lines > 900 else 0)
    for number in _waiting(here):
        assert here("queue", "show", str(number), "--message").out.count(LARGE.strip()) == lines

    _fill(small_disk)
    assert here("queue", "hold", "1").code == 75, "there is no room for anything"
    assert here("queue", "delete", "1").code == 0
    assert len(_waiting(here)) == taken - 1
    assert here("queue", "delete", "--all").code == 0
    assert _waiting(here) == []
    assert (spool / "reserve").exists(), "for the next time"
    (small_disk / "filler").unlink()
    assert here("send", "--in", "1d", "--no-input", "bob@example.org", stdin=b"small\n").code == 0


def _fill(disk: Path) -> None:
    """To the last octet."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (4096, 1):
            with suppress(OSError):
                while filler.write(bytes(size)):
                    pass


@pytest.mark.real_server
@pytest.mark.parametrize("leap", ["+3650 days", "-3650 days"], ids=["forward", "back"])
def test_a_clock_that_leaps_gives_up_nothing(here: Installed, sink: Sink, leap: str) -> None:
    faketime = _needed("faketime")
    # Nobody listens there: the mail waits, and has an attempt behind it.
    assert here("send", "--queue", "-S", "127.0.0.1:1", "--in", "1s", "-m", "waits", "bob@example.org").code == 0
    assert here("queue", "retry", "1").code == 0
    command = [faketime, "-f", leap.replace(" days", "d"), shutil.which("sendmail-cli", path=_path(here))]
    for _ in range(2):
        done = subprocess.run(
            [*map(str, command), "queue", "run"], env=here.variables, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done

    assert _waiting(here) == [1]
    assert here("queue", "run").code == 0
    assert _waiting(here) == [1], "back in our own time it still waits"


def _path(command: Installed) -> str:
    from tests.support.command import COMMAND

    return f"{COMMAND.parent}:{command.variables['PATH']}"


def test_somebody_runs_it(here: Installed, sink: Sink) -> None:
    """The runner in the background, as it is: nobody waits for it, and it ends when nothing is left."""
    assert here("send", "--queue", "-m", "hello", "bob@example.org").code == 0
    process = subprocess.run(
        ["sh", "-c", 'for i in $(seq 300); do [ -e "$1/waiting" ] || exit 0; sleep 0.1; done; exit 1', "sh",
         here.variables["SENDMAIL_CLI_SPOOL"]],
        check=False,
    )  # fmt: skip

    assert process.returncode == 0, "the mail still waits"
    assert b"hello" in sink.received
    assert json.loads(here("queue", "stats", "--json").out)["is_running"] in {False, True}
