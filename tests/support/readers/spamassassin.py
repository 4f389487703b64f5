"""Debian's SpamAssassin as a judge, with the rules that came with it and no network; `spamassassin.pl` asks it."""

from __future__ import annotations

from pathlib import Path

from tests.support.postfix import CLEAN_ENVIRONMENT
from tests.support.readers.mime_tools import missing_modules
from tests.support.readers.reading import lines_of_program

PROGRAM = Path(__file__).with_suffix(".pl")


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_modules("Mail::SpamAssassin")


def rules_hit(folder: Path, count: int, home: Path) -> list[frozenset[str]]:
    """The rules that `0.eml` and so on in `folder` hit. What it keeps, it keeps in `home`."""
    argv: list[str | Path] = ["perl", PROGRAM, folder, str(count), home]
    return list(map(frozenset, lines_of_program(argv, count, CLEAN_ENVIRONMENT)))
