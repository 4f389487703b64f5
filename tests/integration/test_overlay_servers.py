"""The servers in overlay roots are what the matrix takes them for, and end with the test run that started them."""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.support.patience import wait_until
from tests.support.servers.kind import Way

if TYPE_CHECKING:
    from tests.support.servers.kind import RealServer

pytestmark = pytest.mark.real_server

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.servers.registry import server_module
with server_module(sys.argv[1]).start(Path(sys.argv[2])) as server:
    print(os.readlink(f"/proc/{server.process}/ns/pid"), os.readlink(f"/proc/{server.process}/ns/mnt"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Overlay:
    """What is true of each. A subclass names it, and what it is known for where there is no TLS."""

    server: ClassVar[str]
    offers: ClassVar[set[str]]

    def test_offers_what_it_is_known_for(self, real_server: RealServer) -> None:
        with smtplib.SMTP(real_server.host, real_server.ports[Way.PLAIN]) as client:
            offered = set(client.ehlo()[1].decode().splitlines()[1:])
        assert offered >= self.offers
        assert ("PIPELINING" in offered) == ("PIPELINING" in self.offers)

    def test_ends_when_the_test_run_is_killed(self, real_server: RealServer, tmp_path: Path) -> None:
        assert real_server.name == self.server
        argv = [sys.executable, "-c", KILLED, self.server, str(tmp_path)]
        killed = subprocess.run(argv, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=False)
        namespaces = killed.stdout.split()
        assert (killed.returncode, len(namespaces)) == (-9, 2)
        wait_until(lambda: not processes_in(namespaces), lambda: processes_in(namespaces))
        assert str(tmp_path) not in Path("/proc/mounts").read_text()
        assert list((tmp_path / "layers").iterdir()) == []


class TestExim(Overlay):
    server = "exim"
    offers: ClassVar = {"PIPELINING", "CHUNKING", "PIPECONNECT", "PRDR", "SMTPUTF8", "AUTH PLAIN LOGIN CRAM-MD5"}


class TestSendmail(Overlay):
    server = "sendmail"
    offers: ClassVar = {"PIPELINING", "ENHANCEDSTATUSCODES", "DELIVERBY", "AUTH CRAM-MD5 DIGEST-MD5"}


class TestCourier(Overlay):
    server = "courier"
    offers: ClassVar = {"PIPELINING", "XVERP=Courier", "SIZE", "AUTH PLAIN LOGIN CRAM-MD5"}


class TestOpenSMTPD(Overlay):
    server = "opensmtpd"
    offers: ClassVar = {"8BITMIME", "ENHANCEDSTATUSCODES", "DSN"}


class TestQpsmtpd(Overlay):
    server = "qpsmtpd"
    offers: ClassVar = {"PIPELINING", "8BITMIME"}  # and AUTH, whose mechanisms come in any order


def processes_in(namespaces: list[str]) -> list[str]:
    """The living processes in one of these namespaces."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("pid", "mnt"):
            with suppress(OSError):  # it may end while we look
                if os.readlink(process / "ns" / kind) in namespaces:
                    found.append(process.name)
    return found
