"""chasquid takes mail by every way that it can; on 465 only after a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.servers.kind import Way
from tests.support.servers.matrix import Cell, Matrix, assert_login_wanted

if TYPE_CHECKING:
    from tests.support.servers.matrix import Wire

pytestmark = pytest.mark.real_server


class TestChasquid(Matrix):
    server = "chasquid"

    @classmethod
    def cells(cls) -> list[Cell]:
        """Not without a login as on 465."""
        return [cell for cell in super().cells() if cell.mechanism or cell.way is not Way.IMPLICIT]

    def test_wants_a_login(self, wire: Wire) -> None:
        assert_login_wanted(wire, Way.IMPLICIT)
