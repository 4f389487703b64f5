"""smtp-server of npm (Nodemailer's): XOAUTH2, DSN and REQUIRETLS, which few others have.

`smtp_server.js` is the program; it keeps each message before it replies. XOAUTH2 takes the password for the token.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import reserve_ports
from tests.support.servers.kept import read_kept
from tests.support.servers.kind import Way
from tests.support.servers.npm import MODULES, missing_package
from tests.support.servers.process import serving
from tests.support.servers.running import HOST_NAME, PASSWORD, REFUSED, USER, Running, write_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.servers.kind import RealServer

PROGRAM = Path(__file__).with_suffix(".js")
MECHANISMS: Mapping[Way, tuple[str, ...]] = dict.fromkeys(Way, ("PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5"))


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_package("smtp-server")


@contextmanager
def start(folder: Path) -> Iterator[RealServer]:
    """One process with a port for each way."""
    kept = folder / "kept"
    kept.mkdir()
    ca_file, certificate = write_certificates(folder)
    free = reserve_ports(len(MECHANISMS))
    ports = dict(zip(MECHANISMS, free, strict=True))
    variables = {
        "NODE_PATH": str(MODULES),
        "NAME": HOST_NAME,
        "CERTIFICATE": str(certificate),
        "KEPT": str(kept),
        "USER": USER,
        "PASSWORD": PASSWORD,
        "REFUSED": REFUSED,
        **{f"PORT_{way.name}": str(port) for way, port in ports.items()},
    }
    with serving("node", PROGRAM, log=folder / "log", ports=free, variables=variables):
        delivered = partial(read_kept, kept)
        yield Running(name="smtp_server", ports=ports, mechanisms=MECHANISMS, delivered=delivered, ca_file=ca_file)
