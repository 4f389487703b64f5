"""What a test needs of the operating system and may not find there."""

from __future__ import annotations

import os

import pytest


def skip_if(reason: str | None) -> None:
    """Skip the test for `reason`, unless that is "" or None; fail it where nothing may be skipped, as in .ci/run."""
    if not reason:
        return
    if os.environ.get("SENDMAIL_CLI_REAL_SERVERS") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
