"""npm's smtp-server takes mail by every way that it can, XOAUTH2 among them."""

from __future__ import annotations

import pytest

from tests.support.servers.matrix import Matrix

pytestmark = pytest.mark.real_server


class TestSmtpServer(Matrix):
    server = "smtp_server"
