"""Dovecot takes mail by every way that it can, after a login with a password or a token."""

from __future__ import annotations

import pytest

from tests.support.servers.matrix import Cell, Matrix, Wire, assert_login_wanted
from tests.support.servers.registry import server_module

pytestmark = pytest.mark.real_server


class Dovecot(Matrix):
    """What is true of both."""

    @classmethod
    def cells(cls) -> list[Cell]:
        """Nobody sends without a login."""
        return [cell for cell in super().cells() if cell.mechanism]

    def test_wants_a_login(self, wire: Wire) -> None:
        for way in server_module(self.server).MECHANISMS:
            assert_login_wanted(wire, way)


class TestDovecot(Dovecot):
    server = "dovecot"


class TestDovecotWithTokens(Dovecot):
    server = "dovecot_oauth"
