"""Octets: some of which their maker knows what would take long to look up, and how all of them get out."""

from __future__ import annotations

import os


class CleanLines(bytes):
    """Lines that end in CR LF, none of them beginning with a dot, and no CR or LF alone, even at either end.

    Base64 is so by its nature. Looking it up once more for each piece of a large attachment takes as long as
    encoding it, so `compose` says it and `dot_stuff` believes it.
    """

    __slots__ = ()


def write_all(descriptor: int, octets: bytes | bytearray) -> None:
    """Write all of them, in as many pieces as the other end takes. Raises OSError."""
    at = 0
    while at < len(octets):
        at += os.write(descriptor, octets[at:])
