"""Kills at random moments, a server that does what it likes: nothing is lost, and what came twice is named.

The full size is `python bench/spool_kills.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.chaos import Trial

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("chunking", ["never", "eager"])
def test_nothing_is_lost(tmp_path: Path, chunking: str) -> None:
    result = Trial(tmp_path, mails=200, kills=5, seed=6, chunking=chunking).run()

    assert result.kills == 5
    assert len(result.acknowledged) >= 195, "but for what a submitter had not been told yet"
    assert result.lost == set()
    assert result.unnamed == set()
    assert result.killed_in_doubt <= result.kills
    assert result.left == 0
