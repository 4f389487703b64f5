"""Messages as our own parts of servers keep them: a file each, with the envelope on top.

The first line is the sender, those after it are a recipient each, an empty line ends them, and the content follows as
the server gave it. A file has its name only when it is whole; names with a dot in front are not whole yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.servers.kind import Delivered

if TYPE_CHECKING:
    from pathlib import Path


def read_kept(folder: Path) -> list[Delivered]:
    """All that is kept in `folder`, oldest first."""
    files = [file for file in folder.iterdir() if not file.name.startswith(".")]
    return [_read(file) for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]


def _read(file: Path) -> Delivered:
    envelope, _, octets = file.read_bytes().partition(b"\n\n")
    sender, *recipients = envelope.decode().split("\n")
    return Delivered(sender, tuple(recipients), octets)
