"""Haraka takes mail by every way that it can."""

from __future__ import annotations

import pytest

from tests.support.servers.matrix import Matrix

pytestmark = pytest.mark.real_server


class TestHaraka(Matrix):
    server = "haraka"
