"""The messages that are sent and read: combinations of the features, and how each becomes octets."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.readers.attached import CALENDARS, FILES, FORWARDS, NAMES
from tests.support.readers.features import Case, case_of
from tests.support.readers.headed import ANSWERS, AUTHORS, MARKS, RECIPIENTS, SUBJECTS
from tests.support.readers.pairs import all_pairs
from tests.support.readers.texts import BODIES, CHARSETS, FORMS, HTMLS, MARKDOWNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.support.command import Runner
    from tests.support.readers.features import Feature, File

HEADER = (SUBJECTS, AUTHORS, RECIPIENTS, MARKS)
FEATURES = (BODIES, HTMLS, FORMS, CALENDARS, ANSWERS, FORWARDS, FILES, NAMES, *HEADER)
ALIASES = 'team = ["Ädä <ada@example.org>", "bob@example.org"]\n'


def _cases() -> Iterator[Case]:
    """Every pair of choices of all features, and every combination of some with all else the plainest: those that the
    tree of parts follows from, and what can't be beside all else.
    """
    for row in all_pairs([len(feature.choices) for feature in FEATURES]):
        yield case_of(FEATURES, [feature.choices[n] for feature, n in zip(FEATURES, row, strict=True)])
    yield from _product(
        FEATURES,
        body=("ascii", "empty"),
        html=("none", "umlauts", "pictures"),
        calendar=("none", "an invitation"),
        forwards=("nothing", "plain", "eight bits"),
        files=("none", "csv", "two of one name"),
    )
    yield from _product(
        (CHARSETS, HTMLS, FORMS, FILES, *HEADER),
        body=[choice.name for choice in CHARSETS.choices],
        html=("none", "ascii"),
        form=("as it is", "flowed", "quoted-printable", "base64"),
    )
    yield from _product(
        (MARKDOWNS, FORMS, FILES, *HEADER),
        markdown=("ascii", "umlauts"),
        form=("as it is", "flowed and signed", "base64"),
        files=("none", "csv"),
    )


def _product(features: Sequence[Feature], **names: Sequence[str]) -> Iterator[Case]:
    chosen = [feature.choices_named(names.get(feature.name.replace(" ", "_"), ())) for feature in features]
    return (case_of(features, row) for row in product(*chosen))


CASES = {case.name: case for case in _cases()}


def write_messages(cases: Iterable[Case], folder: Path, run: Runner) -> None:
    """The message of each case, as it would leave, in `0.eml` and so on. Fails where one is refused."""
    aliases = Path(run.machine.user_config_folder) / "aliases.toml"
    aliases.parent.mkdir(parents=True, exist_ok=True)
    aliases.write_text(ALIASES, encoding="utf-8")
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
        for name, octets in ((file.name, file.octets), *file.beside):
            (path.parent / name).write_bytes(octets)
    return path
