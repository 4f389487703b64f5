"""Whatever is combined, three readers that know nothing of one another find what was said: texts, people, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Machine, Runner
from tests.support.readers import library, mailparser, mime_tools
from tests.support.readers.cases import CASES, write_messages
from tests.support.readers.faults import expected_of
from tests.support.required import skip_if

if TYPE_CHECKING:
    from tests.support.readers.reading import Reading

pytestmark = pytest.mark.real_server
READERS = {"library": library, "mailparser": mailparser, "mime_tools": mime_tools}
Readings = dict[str, dict[str, "Reading"]]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Readings:
    for reader in READERS.values():
        skip_if(reader.missing())
    folder = tmp_path_factory.mktemp("messages")
    run = Runner(Machine(tmp_path_factory.mktemp("machine")))
    write_messages(CASES.values(), folder, run)
    return {name: dict(zip(CASES, reader.read(folder, len(CASES)), strict=True)) for name, reader in READERS.items()}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", CASES)
def test_the_reader_finds_what_was_said(name: str, reader: str, readings: Readings) -> None:
    assert readings[reader][name] == expected_of(CASES[name], reader)
