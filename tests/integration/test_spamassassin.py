"""SpamAssassin finds no fault in the form of a message of ours that the standard library's has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Machine, Runner
from tests.support.readers import spamassassin
from tests.support.readers.cases import CASES, write_messages
from tests.support.readers.twin import twin_of
from tests.support.required import skip_if

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_server
Hits = dict[str, frozenset[str]]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of our messages."""
    skip_if(spamassassin.missing())
    folder = tmp_path_factory.mktemp("messages")
    write_messages(CASES.values(), folder, Runner(Machine(tmp_path_factory.mktemp("machine"))))
    return folder


@pytest.fixture(scope="module")
def our_hits(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Hits:
    found = spamassassin.rules_hit(ours, len(CASES), tmp_path_factory.mktemp("home"))
    return dict(zip(CASES, found, strict=True))


@pytest.fixture(scope="module")
def their_hits(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Hits:
    """The same messages, by the standard library."""
    folder = tmp_path_factory.mktemp("twins")
    for number in range(len(CASES)):
        (folder / f"{number}.eml").write_bytes(twin_of((ours / f"{number}.eml").read_bytes()))
    found = spamassassin.rules_hit(folder, len(CASES), tmp_path_factory.mktemp("home"))
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_no_rule_is_hit_that_the_standard_library_would_not_hit(name: str, our_hits: Hits, their_hits: Hits) -> None:
    assert our_hits[name] - their_hits[name] == frozenset()


def test_it_does_find_faults(tmp_path: Path) -> None:
    skip_if(spamassassin.missing())
    (tmp_path / "0.eml").write_bytes(b"From: =?utf-8?b?QWRh?= <ada@example.org>\r\nSubject: x\r\n\r\nx\r\n")
    (hits,) = spamassassin.rules_hit(tmp_path, 1, tmp_path)
    assert hits >= {"FROM_EXCESS_BASE64", "MISSING_DATE", "MISSING_MID"}
