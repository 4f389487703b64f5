"""Few rows of a table that hold every pair of two of its choices."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = tuple[int, int]  # a column, and a choice in it


def all_pairs(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Rows of one choice a column, of which column n has `sizes[n]`: any two choices of two columns meet in a row.

    Each row begins with a pair that is missing. From the other columns it takes what makes most of the missing
    ones, and of that what was taken least. The same table gives the same rows.
    """
    left: dict[tuple[Place, Place], None] = {
        ((one, first), (other, second)): None
        for one, other in combinations(range(len(sizes)), 2)
        for first in range(sizes[one])
        for second in range(sizes[other])
    }
    rows: list[tuple[int, ...]] = []
    used: Counter[Place] = Counter()
    while left:
        row = dict(next(iter(left)))
        for column, size in enumerate(sizes):
            if column not in row:
                places = [(column, choice) for choice in range(size)]
                row[column] = max(places, key=lambda place: (_gain(left, row, place), -used[place]))[1]
        for pair in combinations(sorted(row.items()), 2):
            left.pop(pair, None)
        used.update(row.items())
        rows.append(tuple(row[column] for column in range(len(sizes))))
    return rows


def _gain(left: dict[tuple[Place, Place], None], row: dict[int, int], place: Place) -> int:
    """How many missing pairs `place` makes with the row."""
    return sum(tuple(sorted((place, taken))) in left for taken in row.items())
