"""The messages that are sent and read: combinations of the features, and how each becomes octets."""

from __future__ import annotations

import hashlib
from itertools import product
from typing import TYPE_CHECKING

from tests.support.readers.attached import FILES, FORWARDS, NAMES
from tests.support.readers.features import Case, case_of
from tests.support.readers.headed import ANSWERS, AUTHORS, MARKS, RECIPIENTS, SUBJECTS
from tests.support.readers.pairs import all_pairs
from tests.support.readers.texts import BODIES, HTMLS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.command import Runner
    from tests.support.readers.features import File

FEATURES = (BODIES, HTMLS, ANSWERS, FORWARDS, FILES, NAMES, SUBJECTS, AUTHORS, RECIPIENTS, MARKS)
SHAPES = {  # the tree of parts follows from these: every combination, and all else the plainest
    "body": ("ascii", "empty", "japanese"),
    "html": ("none", "umlauts"),
    "forwards": ("nothing", "plain", "eight bits"),
    "files": ("none", "csv", "two of one name"),
    "file name": ("none", "umlauts"),
}


def _cases() -> list[Case]:
    """Every pair of choices of all features, and every combination of some."""
    pairs = all_pairs([len(feature.choices) for feature in FEATURES])
    rows = [[feature.choices[n] for feature, n in zip(FEATURES, row, strict=True)] for row in pairs]
    few = [feature.choices_named(SHAPES.get(feature.name, ())) for feature in FEATURES]
    return [case_of(FEATURES, row) for row in (*rows, *product(*few))]


CASES = {case.name: case for case in _cases()}


def write_messages(cases: Iterable[Case], folder: Path, run: Runner) -> None:
    """The message of each case, as it would leave, in `0.eml` and so on. Fails where one is refused."""
    for number, case in enumerate(cases):
        words = [word if isinstance(word, str) else _written(word, folder) for word in case.words]
        done = run("send", "--dry-run", *words)
        assert done.code == 0, (case.name, done.err)
        (folder / f"{number}.eml").write_bytes(done.out)


def _written(file: File, folder: Path) -> Path:
    """The path of the file, which is in a folder of its own: many have the same name."""
    path = folder / hashlib.sha256(file.octets).hexdigest()[:16] / file.name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.octets)
    return path
