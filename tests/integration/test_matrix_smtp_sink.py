"""Postfix's smtp-sink takes all mail there is, and refuses nobody."""

from __future__ import annotations

import pytest

from tests.support.servers.matrix import Cell, Matrix, Recipients

pytestmark = pytest.mark.real_server


class TestSmtpSink(Matrix):
    server = "smtp_sink"

    @classmethod
    def cells(cls) -> list[Cell]:
        """Nobody is refused."""
        return [cell for cell in super().cells() if cell.recipients is not Recipients.ONE_REFUSED]
