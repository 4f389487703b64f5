"""A running server as the matrix sees it, for those that differ in nothing but values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.certificates import write_ca_file, write_server_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.servers.kind import Delivered, Way

DOMAIN = "example.test"
HOST_NAME = f"mx.{DOMAIN}"  # what they greet with
USER = f"alice@{DOMAIN}"
PASSWORD = 'correct "horse" battery'
REFUSED = f"nobody-here@{DOMAIN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A RealServer made of values."""

    name: str
    ports: Mapping[Way, int]
    mechanisms: Mapping[Way, tuple[str, ...]]
    delivered: Callable[[], list[Delivered]]
    ca_file: Path | None
    host: str = "localhost"
    user: str = USER
    password: str = PASSWORD
    local_domain: str = DOMAIN
    refused: str = REFUSED
    headers_may_change: bool = False


def write_certificates(folder: Path) -> tuple[Path, Path]:
    """The files that the client and the server need in `folder`: the authority's, and key with certificate."""
    return Path(write_ca_file(folder)), Path(write_server_file(folder))
