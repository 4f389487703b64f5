"""The private Postfix of `tests.support.postfix`, as one of the matrix: strict about line ends and pipelining."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING

from tests.support.patience import wait_until
from tests.support.postfix import Postfix, running_postfix, why_unavailable
from tests.support.servers.kind import Delivered, Way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ALL = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.IMPLICIT: _ALL, Way.STARTTLS: _ALL, Way.PLAIN: _ALL}


@dataclass(frozen=True, slots=True)
class RunningPostfix:
    """A `RealServer`."""

    postfix: Postfix
    name: str = "postfix"
    host: str = "localhost"
    local_domain: str = "example.org"
    headers_may_change: bool = False

    @property
    def ports(self) -> Mapping[Way, int]:
        """The ports that take mail from anybody, and passwords from those who have one."""
        open_port = self.postfix.open_port
        return {Way.IMPLICIT: self.postfix.open_implicit_port, Way.STARTTLS: open_port, Way.PLAIN: open_port}

    @property
    def mechanisms(self) -> Mapping[Way, tuple[str, ...]]:
        """The same by every way."""
        return MECHANISMS

    @property
    def user(self) -> str:
        """Whom it knows."""
        return self.postfix.user

    @property
    def password(self) -> str:
        """Of `user`."""
        return self.postfix.password

    @property
    def ca_file(self) -> Path:
        """Who signed its certificate."""
        return self.postfix.ca_file

    @property
    def refused(self) -> str:
        """550 5.1.1 in reply to RCPT."""
        return self.postfix.refused_recipient

    def delivered(self) -> list[Delivered]:
        """All in the Maildir, once nothing is in the queue: one for each recipient."""
        # What is moved while we look is missed, once.
        wait_until(lambda: not (self._has_mail_under_way() or self._has_mail_under_way()), self.postfix.log)
        files = (self.postfix.root / "mail/everybody/new").glob("*")
        return [_parse(file.read_bytes()) for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]

    def _has_mail_under_way(self) -> bool:
        queues = [self.postfix.root / "queue" / name for name in ("incoming", "active", "deferred")]
        return any(entry.is_file() for queue in queues for entry in queue.rglob("*"))


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return why_unavailable() or ""


@contextmanager
def start(folder: Path) -> Iterator[RunningPostfix]:
    """Starts one, not in `folder`, which its own users may not enter."""
    with running_postfix() as postfix:
        yield RunningPostfix(postfix)


def _parse(octets: bytes) -> Delivered:
    """What Postfix wrote: on top it notes the envelope."""
    top = message_from_bytes(re.split(rb"\nReceived:", octets, maxsplit=1)[0])
    return Delivered(top["Return-Path"].strip("<>"), (top["X-Original-To"],), octets)
