"""Octets of which their maker knows what would take long to look up."""

from __future__ import annotations


class CleanLines(bytes):
    """Lines that end in CR LF, none of them beginning with a dot, and no CR or LF alone, even at either end.

    Base64 is so by its nature. Looking it up once more for each piece of a large attachment takes as long as
    encoding it, so `compose` says it and `dot_stuff` believes it.
    """

    __slots__ = ()
