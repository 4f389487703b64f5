"""Postfix's smtp-sink: no TLS and no account; the last line of its EHLO reply has nothing behind the code.

It refuses nobody in particular, and says so with an empty `refused`. It would take any AUTH, and answer 250 to it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.support.ports import reserve_ports
from tests.support.servers.kind import Delivered, Way
from tests.support.servers.process import missing_programs, serving
from tests.support.servers.running import HOST_NAME, Running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.servers.kind import RealServer

MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.PLAIN: ()}
MAIL, RCPT = "X-Mail-Args: ", "X-Rcpt-Args: "
BACKLOG = "100"


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_programs("smtp-sink")


@contextmanager
def start(folder: Path, *options: str) -> Iterator[RealServer]:
    """As this process's user, or root. -N among `options`: without DSN."""
    kept = folder / "kept"
    kept.mkdir()
    # It does not want to be root where it isn't told whom to become, and root must be able to read what it keeps.
    user = ("-u", "root") if os.geteuid() == 0 else ()
    [port] = reserve_ports()
    argv = ("smtp-sink", *user, "-h", HOST_NAME, "-d", f"{kept}/%s.", *options, f"127.0.0.1:{port}", BACKLOG)
    with serving(*argv, log=folder / "log", ports=[port]):
        yield Running(
            name="smtp_sink",
            ports={Way.PLAIN: port},
            mechanisms=MECHANISMS,
            delivered=partial(_read_dumps, kept),
            ca_file=None,
            user="",
            password="",
            refused="",
        )


def _read_dumps(folder: Path) -> list[Delivered]:
    """Each with what the client said on top, and an empty line at the end; it is whole before the reply."""
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    return [_read_dump(file.read_bytes()) for file in files]


def _read_dump(dump: bytes) -> Delivered:
    fields, received, rest = dump.partition(b"Received: ")
    lines = fields.decode().splitlines()
    [mail_from] = [_path(line.removeprefix(MAIL)) for line in lines if line.startswith(MAIL)]
    rcpt_to = tuple(_path(line.removeprefix(RCPT)) for line in lines if line.startswith(RCPT))
    return Delivered(mail_from, rcpt_to, received + rest.removesuffix(b"\n"))


def _path(arguments: str) -> str:
    """The address without its brackets and the parameters behind it."""
    return arguments[1 : arguments.rindex(">")]
