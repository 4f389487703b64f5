"""All of some octets get out, whatever the other end takes at once."""

from __future__ import annotations

import os
import threading

import pytest

from sendmail_cli.octets import write_all


@pytest.mark.parametrize("octets", [b"", b"x", bytes(range(256)) * 4096, bytearray(b"hello")], ids=len)
def test_more_than_a_pipe_holds(octets: bytes | bytearray) -> None:
    reading, writing = os.pipe()
    came: list[bytes] = []

    def read() -> None:
        with open(reading, "rb") as file:
            came.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    write_all(writing, octets)
    os.close(writing)
    reader.join()
    assert came == [octets]
