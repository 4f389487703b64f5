"""Memory stays flat at any size. `bench/memory.py` shows it with 500 MB; here it is run with a tenth of that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from bench.memory import LIMIT, MEBIBYTE, MEGABYTE, peaks, run
from tests.support.sink import Sink

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTES = 50


def test_a_large_message_takes_little_more_than_a_tiny_one(tmp_path: Path) -> None:
    with Sink() as sink:
        found = peaks(sink.port, tmp_path, MEGABYTES)
        sent = len(sink.received)
    tiny = found.pop("tiny message")
    assert sent > MEGABYTES * MEGABYTE * len(found)
    assert {name: peak for name, peak in found.items() if peak - tiny > LIMIT} == {}


@pytest.mark.parametrize("octets", [0, 80 * MEBIBYTE])
def test_the_measure_is_of_that_program_alone(octets: int) -> None:
    ours = bytearray(os.urandom(150 * MEBIBYTE))  # a program counts what it was started from, unless one takes care
    ran = run([sys.executable, "-S", "-c", f"held = b'x' * {octets}"], dict(os.environ))
    del ours
    assert ran.exit_code == 0
    assert octets <= ran.peak <= octets + 24 * MEBIBYTE
