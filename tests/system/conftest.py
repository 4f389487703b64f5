"""The installed command with a HOME of its own, and a server that takes everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Installed
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def command(tmp_path: Path) -> Installed:
    """No profile is set up."""
    return Installed(tmp_path / "home")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def here(command: Installed, sink: Sink) -> Installed:
    """The only profile sends from Ada through the sink."""
    command.configure(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "127.0.0.1:{sink.port}"\n')
    return command
