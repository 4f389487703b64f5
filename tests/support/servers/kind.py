"""What the matrix of real servers asks of each of them.

A module of this folder is one kind of server. It has

    MECHANISMS: Mapping[Way, tuple[str, ...]]     the ways it can be reached, and the SASL mechanisms to test on each
    def missing() -> str                          why it cannot run here, as a sentence; "" when it can
    def start(folder: Path) -> AbstractContextManager[RealServer]     `folder` is empty and the server's own

and a line in `registry`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


class Way(Enum):
    """How the wire is protected; the values are those of --tls, but for the last."""

    IMPLICIT = "implicit"  # as on 465: TLS from the first octet
    STARTTLS = "starttls"
    PLAIN = "plain"  # no TLS at all


class Delivered(NamedTuple):
    """What the server kept, as it kept it.

    A message to ten recipients may be one of these, or ten, as the server delivers: the matrix takes those with the
    same Message-ID together.
    """

    mail_from: str
    rcpt_to: tuple[str, ...]
    octets: bytes


class RealServer(Protocol):
    """A running server. Whoever has an account, and whoever has none, may send to `local_domain` by every way."""

    @property
    def name(self) -> str:
        """That of its module: "exim"."""

    @property
    def host(self) -> str:
        """127.0.0.1 or localhost."""

    @property
    def ports(self) -> Mapping[Way, int]:
        """Where it listens."""

    @property
    def mechanisms(self) -> Mapping[Way, tuple[str, ...]]:
        """MECHANISMS of its module: those that the server can and we speak, with a key for each way that works."""

    @property
    def user(self) -> str:
        """Whom it knows; "" where there is no AUTH."""

    @property
    def password(self) -> str:
        """Of `user`."""

    @property
    def ca_file(self) -> Path | None:
        """Who signed its certificate; None where there is no TLS."""

    @property
    def local_domain(self) -> str:
        """any1@local_domain, any2@local_domain, … are accepted, whatever stands before the @."""

    @property
    def refused(self) -> str:
        """A recipient that it refuses for good in its reply to RCPT, whoever asks."""

    @property
    def headers_may_change(self) -> bool:
        """It writes our own header fields anew: folds them elsewhere, say. Their meaning must still be the same."""

    def delivered(self) -> list[Delivered]:
        """All that it kept so far, oldest first; waits, with a deadline, until nothing is under way any more."""


class ServerModule(Protocol):
    """A module of this folder."""

    MECHANISMS: Mapping[Way, tuple[str, ...]]

    def missing(self) -> str:
        """Why it cannot run here; "" when it can."""

    def start(self, folder: Path) -> AbstractContextManager[RealServer]:
        """Starts one, which ends with the block, or with this process."""
