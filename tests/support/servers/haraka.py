"""Haraka of npm: AUTH with and without TLS, PIPELINING, lines up to its own limits.

`haraka_keep.js` is a plugin that decides about recipients and keeps each message before the reply.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import reserve_ports
from tests.support.servers.kept import read_kept
from tests.support.servers.kind import Way
from tests.support.servers.npm import MODULES, missing_package
from tests.support.servers.process import missing_programs, serving
from tests.support.servers.running import HOST_NAME, PASSWORD, REFUSED, USER, Running, write_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.servers.kind import RealServer

HARAKA = MODULES / "Haraka"
PLUGIN = Path(__file__).with_name("haraka_keep.js")
MECHANISMS: Mapping[Way, tuple[str, ...]] = dict.fromkeys(Way, ("PLAIN", "LOGIN", "CRAM-MD5"))

SMTP_INI = "listen={listen}\nsmtps_port={implicit}\nnodes=0\n"
TLS_INI = "key={certificate}\ncert={certificate}\nno_starttls_ports[]={plain}\n"
# It would break lines shorter than those of RFC 5321 §4.5.3.1.6: 1000 octets, and the dot that only the wire has.
SHORTEST_LINE, LONGEST_LINE = "data_line_length=992", "data_line_length=1002"
# Clients of private addresses may sign in without TLS.
AUTH_INI = f"[core]\nmethods=PLAIN,LOGIN,CRAM-MD5\nconstrain_sender=false\n[users]\n{USER}={PASSWORD}\n"


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_package("Haraka") or missing_programs("openssl")


@contextmanager
def start(folder: Path) -> Iterator[RealServer]:
    """One process with a port for each way."""
    kept = folder / "kept"
    kept.mkdir()
    ca_file, certificate = write_certificates(folder)
    free = reserve_ports(len(MECHANISMS))
    ports = dict(zip(MECHANISMS, free, strict=True))
    _configure(folder, ports, certificate)
    variables = {"HARAKA": str(folder), "KEPT": str(kept), "REFUSED": REFUSED}
    with serving("node", HARAKA / "haraka.js", log=folder / "log", ports=free, variables=variables):
        delivered = partial(read_kept, kept)
        yield Running(name="haraka", ports=ports, mechanisms=MECHANISMS, delivered=delivered, ca_file=ca_file)


def _configure(folder: Path, ports: Mapping[Way, int], certificate: Path) -> None:
    """Its own folder, which it looks for in HARAKA."""
    listen = ",".join(f"127.0.0.1:{port}" for port in ports.values())
    files = {
        "me": HOST_NAME,
        "smtp.ini": SMTP_INI.format(listen=listen, implicit=ports[Way.IMPLICIT]),
        "tls.ini": TLS_INI.format(certificate=certificate, plain=ports[Way.PLAIN]),
        "auth_flat_file.ini": AUTH_INI,
        "plugins": f"tls\nauth/flat_file\n{PLUGIN.stem}\n",
    }
    for name in ("config", "plugins", "queue"):
        (folder / name).mkdir()
    for name, text in files.items():
        (folder / "config" / name).write_text(text)
    usual = (HARAKA / "config/connection.ini").read_text()  # it doesn't run without
    assert SHORTEST_LINE in usual
    (folder / "config/connection.ini").write_text(usual.replace(SHORTEST_LINE, LONGEST_LINE))
    # It would make its own for half a minute.
    group = ("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048")
    subprocess.run((*group, "-out", folder / "config/dhparams.pem"), check=True, capture_output=True)
    (folder / "plugins" / PLUGIN.name).symlink_to(PLUGIN)
