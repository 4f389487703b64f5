"""For all tests: none is timed, those of hypothesis neither; a busy machine is no fault of the code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.leaks import Leaks

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaks]:
    """Whether a secret shows anywhere: see tests/support/leaks.py. It looks when the test has ended."""
    leaks = Leaks(Path(tmp_path_factory.mktemp("leaks")))
    yield leaks
    leaks.check()
