"""For all tests: none is timed, those of hypothesis neither; a busy machine is no fault of the code.

None leaves anything in the queue or the files of whoever runs them; that is looked at where there are none yet, as in a
container of its own. Where there are, their owner may be sending mail just now.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import outside
from tests.support.command import signals_as_before
from tests.support.leaks import Leaks

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_IS_GUARDED = not outside.touched()


def pytest_report_header() -> str:
    return f"what tests leave outside of their own folders {'is' if _IS_GUARDED else 'is not'} looked for"


_BEFORE = pytest.StashKey[dict[str, int]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    if _IS_GUARDED:
        item.stash[_BEFORE] = outside.touched()
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    if _IS_GUARDED and (left := outside.touched().items() - item.stash[_BEFORE].items()):
        pytest.fail(f"this test, or one beside it, has touched {sorted(left)}: set HOME and SENDMAIL_CLI_SPOOL for it")


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """A command that ran in this process ends deaf to Ctrl-C; programs that later tests start would be, too."""
    with signals_as_before():
        yield


@pytest.fixture
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaks]:
    """Whether a secret shows anywhere: see tests/support/leaks.py. It looks when the test has ended."""
    leaks = Leaks(Path(tmp_path_factory.mktemp("leaks")))
    yield leaks
    leaks.check()
