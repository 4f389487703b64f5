"""Every trap of model-codebases.md section 3 and every duty of duties.md has a test that names it.

Of the duties: those of sections 1 to 3, and those of section 5 on messages.

A test names a row in its own name (`test_trap05_…`), in a parameter's id, or, a dialogue, in its line `Covers:`.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
ROW = re.compile(r"(trap|duty)_?([0-9]{2})(?![0-9])")
PLACES = re.compile(r"def test_\w+|\bid=\"[^\"]+\"|^Covers: .*$", re.MULTILINE)

TRAPS = {f"trap{number:02}" for number in range(1, 25)}
DUTIES = {f"duty{number:02}" for number in (*range(1, 17), *range(20, 30), *range(30, 39), 50, 51, 52, 53, 57, 58)}


def rows_named() -> set[str]:
    """The rows that some test names."""
    named: set[str] = set()
    for path in (*TESTS.rglob("test_*.py"), *TESTS.rglob("dialogues/*.txt")):
        for place in PLACES.findall(path.read_text("utf-8")):
            named |= {kind + number for kind, number in ROW.findall(place)}
    return named


@pytest.fixture(scope="module")
def named() -> set[str]:
    return rows_named()


@pytest.mark.parametrize("row", sorted(TRAPS | DUTIES))
def test_a_row_has_a_test_that_names_it(row: str, named: set[str]) -> None:
    assert row in named


def test_no_test_names_a_row_that_there_is_not(named: set[str]) -> None:
    duties_of_other_sections = {f"duty{number}" for number in range(40, 59)}
    assert named <= TRAPS | DUTIES | duties_of_other_sections
