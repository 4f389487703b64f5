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

INNOCENT = frozenset(["NO_RECEIVED", "NO_RELAYS", "HTML_MESSAGE"])  # it never went by a server, and there is HTML
# What the user has asked for, or what the standard library can't write: for the twin has another form then.
EXCUSED = {
    "form=base64": ("MIME_BASE64_TEXT", "MIME_HTML_MOSTLY"),
    "form=quoted-printable": ("MIME_HTML_MOSTLY",),  # three octets for each of Japanese HTML, beside a short text
    "body=a lone CR and a NUL": ("MIME_BASE64_TEXT",),  # a twin with a NUL in it is no valid message
}


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
def their_hits(ours: Path, our_hits: Hits, tmp_path_factory: pytest.TempPathFactory) -> Hits:
    """The same messages by the standard library, where ours hits a rule that says something about its form."""
    suspects = [name for name in CASES if our_hits[name] - INNOCENT]
    folder = tmp_path_factory.mktemp("twins")
    numbers = {name: number for number, name in enumerate(CASES)}
    for number, name in enumerate(suspects):
        (folder / f"{number}.eml").write_bytes(twin_of((ours / f"{numbers[name]}.eml").read_bytes()))
    found = spamassassin.rules_hit(folder, len(suspects), tmp_path_factory.mktemp("home"))
    return dict.fromkeys(CASES, INNOCENT) | dict(zip(suspects, found, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_no_rule_is_hit_that_the_standard_library_would_not_hit(name: str, our_hits: Hits, their_hits: Hits) -> None:
    excused = {rule for choice, rules in EXCUSED.items() if choice in CASES[name].choices for rule in rules}
    assert our_hits[name] - their_hits[name] - excused == frozenset()


def test_it_does_find_faults(tmp_path: Path) -> None:
    skip_if(spamassassin.missing())
    (tmp_path / "0.eml").write_bytes(b"From: =?utf-8?b?QWRh?= <ada@example.org>\r\nSubject: x\r\n\r\nx\r\n")
    (hits,) = spamassassin.rules_hit(tmp_path, 1, tmp_path)
    assert hits >= {"FROM_EXCESS_BASE64", "MISSING_DATE", "MISSING_MID"}
