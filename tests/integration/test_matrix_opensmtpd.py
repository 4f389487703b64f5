"""OpenSMTPD takes mail in the clear. With TLS it can do nothing on Debian 12, and we say so."""

from __future__ import annotations

import smtplib
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Runner
from tests.support.servers.kind import Way
from tests.support.servers.matrix import Cell, Matrix, Recipients, assert_reported, machine_for

if TYPE_CHECKING:
    from tests.support.servers.kind import RealServer
    from tests.support.servers.matrix import Wire

pytestmark = pytest.mark.real_server


class TestOpenSMTPD(Matrix):
    server = "opensmtpd"

    @pytest.mark.parametrize("secured", [Way.IMPLICIT, Way.STARTTLS], ids=lambda way: way.value)
    def test_tls(self, wire: Wire, secured: Way) -> None:
        machine = machine_for(wire, Cell(secured, ""))
        to = wire.recipients(Recipients.ONE)
        before = wire.server.delivered()
        done = Runner(machine)("send", "--json", "-v", "-m", "hello\n", *to)
        if can_do_tls(wire.server, secured):  # elsewhere than on Debian 12
            assert_reported(done, to, [])
            assert len(wire.kept(done.json["message_id"])) == 1
            return
        assert done.code == 76
        assert done.json["error"]["message"].startswith("the TLS handshake failed: ")
        assert [each["action"] for each in done.json["recipients"]] in ([], ["failed"])
        assert "MAIL FROM" not in done.err
        assert wire.server.delivered() == before


def can_do_tls(server: RealServer, way: Way) -> bool:
    """Whether a client that is not ours gets through the handshake."""
    trust = ssl.create_default_context(cafile=server.ca_file)
    try:
        if way is Way.IMPLICIT:
            smtplib.SMTP_SSL(server.host, server.ports[way], context=trust).close()
        else:
            with smtplib.SMTP(server.host, server.ports[way]) as client:
                client.starttls(context=trust)
    except (ssl.SSLError, smtplib.SMTPServerDisconnected):
        return False
    return True
