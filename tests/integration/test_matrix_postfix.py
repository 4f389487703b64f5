"""Postfix takes mail by every way that it can, and finds nothing smuggled in it."""

from __future__ import annotations

import re
import smtplib
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.command import Runner
from tests.support.servers.kind import Way
from tests.support.servers.matrix import Cell, Matrix, Recipients, assert_reported, body_of, machine_for
from tests.support.servers.postfix import RunningPostfix

if TYPE_CHECKING:
    from tests.support.servers.matrix import Wire

pytestmark = pytest.mark.real_server

LINE_ENDS = ("\n", "\r", "\r\n", "\r\r\n", "\n\r", "\r\n\r")
# Whatever stands before and after the dot: what some server takes for the end of the message, and then for the next.
SMUGGLED = "".join(
    f"text{before}.{after}MAIL FROM:<eve@example.net>{after}RCPT TO:<eve@example.org>{after}DATA{after}"
    for before in LINE_ENDS
    for after in LINE_ENDS
)
COMPLAINTS = re.compile(r".*(?:bare <|pipelining|non-SMTP|improper command|too long).*")


class TestPostfix(Matrix):
    server = "postfix"

    def test_nothing_is_smuggled(self, wire: Wire, first: Cell) -> None:
        assert isinstance(wire.server, RunningPostfix)
        machine = machine_for(wire, first)
        message_id = f"<{uuid4().hex}@example.net>"
        ready = f"From: zoe@example.net\nTo: a@example.org\nMessage-ID: {message_id}\n\n{SMUGGLED}end\n".encode()
        to = wire.recipients(Recipients.ONE)
        before, log = len(wire.server.delivered()), wire.server.postfix.root / "log"
        said_before = log.stat().st_size
        assert_reported(Runner(machine)("send", "--json", "--raw", "-", *to, stdin=ready), to, [])
        [kept] = wire.kept(message_id)
        assert (kept.mail_from, kept.rcpt_to) == ("zoe@example.net", tuple(to))
        assert body_of(kept.octets).splitlines() == re.split(b"\r\n|\r|\n", f"{SMUGGLED}end".encode())
        assert len(wire.server.delivered()) == before + 1
        assert not COMPLAINTS.findall(log.read_bytes()[said_before:].decode())

    def test_what_we_don_t_do_would_be_found(self, wire: Wire) -> None:
        """The detector itself works."""
        assert isinstance(wire.server, RunningPostfix)
        with smtplib.SMTP(wire.server.host, wire.server.ports[Way.PLAIN]) as client:
            client.ehlo()
            client.mail("zoe@example.net")
            client.rcpt("any1@example.org")
            client.docmd("DATA")
            client.send(b"Subject: x\r\n\r\ntext\n.\r\nMAIL FROM:<eve@example.net>\r\n.\r\n")
            assert client.getreply()[0] == 550
