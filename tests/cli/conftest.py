"""A machine of its own for each test, a server that takes everything, and the command line between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Machine, Runner
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def run(machine: Machine) -> Runner:
    """The command line; no profile is set up."""
    return Runner(machine)


@pytest.fixture
def here(machine: Machine, sink: Sink) -> Runner:
    """The command line; the only profile sends from Ada through the sink."""
    machine.configure(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "127.0.0.1:{sink.port}"\n')
    return Runner(machine)
