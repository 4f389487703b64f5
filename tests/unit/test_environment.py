"""A program in the background: what it has from us, and what not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import HANDED, Environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("has_proc", [True, False], ids=["", "chroot-without-proc"])
def test_no_file_of_ours_but_the_one_that_is_handed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_proc: bool
) -> None:
    def nothing(_: str) -> list[str]:
        raise FileNotFoundError(2, "No such file or directory")

    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nls /proc/self/fd > "{tmp_path}/new" && mv "{tmp_path}/new" "{tmp_path}/found"\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    if not has_proc:
        monkeypatch.setattr(os, "listdir", nothing)
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    environment = Environment({"PATH": os.environ["PATH"]})
    environment.start_detached((), writing)
    os.close(reading)
    os.close(writing)
    [child] = environment._started
    os.waitpid(child, 0)
    # The last is the folder that `ls` reads.
    assert (tmp_path / "found").read_text().split() == ["0", "1", "2", str(HANDED), str(HANDED + 1)]
