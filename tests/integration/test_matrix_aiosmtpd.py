"""aiosmtpd takes mail by every way that it can, a command at a time."""

from __future__ import annotations

import pytest

from tests.support.servers.matrix import Matrix

pytestmark = pytest.mark.real_server


class TestAiosmtpd(Matrix):
    server = "aiosmtpd"
