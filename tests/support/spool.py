"""What the spool stands on in tests: a clock that is set by hand, a folder of its own, contents and addresses."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clockwork(Environment):
    """A machine whose clock stands still until somebody moves it; nothing is started in the background."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"HOME": str(folder), "PATH": "/usr/bin:/bin"})
        self.folder = folder
        self.moment = 1_800_000_000.0
        self.started: list[tuple[str, ...]] = []
        self.slept: list[float] = []

    @property
    def spool_folder(self) -> str:
        return str(self.folder / "spool")

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return super().monotonic() + sum(self.slept)  # servers are real, and so are their deadlines

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds

    def leave_folder(self, *variables: str) -> None:
        """The process of the tests stays where it is."""

    def start_detached(self, arguments: tuple[str, ...], handed: int) -> None:
        self.started.append(arguments)


class Octets(NamedTuple):
    """A content that stands in memory."""

    octets: bytes
    has_utf8_header: bool = False

    @property
    def size(self) -> int:
        return len(self.octets)

    @property
    def is_7bit(self) -> bool:
        return self.octets.isascii()

    def as_7bit(self) -> Octets:
        return self

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self.octets), 4096):
            yield self.octets[at : at + 4096]


def addresses(count: int) -> tuple[AddrSpec, ...]:
    """So many different ones."""
    return tuple(AddrSpec(f"r{random.getrandbits(40):x}.{place}", "example.org") for place in range(count))
