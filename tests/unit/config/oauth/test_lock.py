"""One refresh at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth.lock import PATIENCE, locked
from sendmail_cli.errors import TemporaryError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

    from tests.unit.config.oauth.conftest import World


def test_another_waits_and_gives_up(world: World) -> None:
    with locked("work", world):
        with pytest.raises(TemporaryError, match="for too long"), locked("work", world):
            pass
        assert sum(world.slept) == pytest.approx(PATIENCE, abs=0.1)
        with locked("other", world):
            pass
    with locked("work", world):
        pass


def test_its_folder_is_ours_alone(world: World) -> None:
    with locked("work", world):
        assert os.stat(f"{world.user_state_folder}/oauth").st_mode & 0o077 == 0


def test_where_no_file_can_be_made(world: World, tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("")
    with pytest.raises(TemporaryError, match="can't be made: not a directory"), locked("work", world):
        pass


def test_where_the_file_system_has_no_locks(world: World, mocker: MockerFixture) -> None:
    mocker.patch("fcntl.flock", side_effect=OSError(95, "Operation not supported"))
    with locked("work", world):
        pass


def test_where_the_system_has_none(world: World, mocker: MockerFixture) -> None:
    mocker.patch("sendmail_cli.config.oauth.lock.os.name", "nt")
    with locked("work", world):
        pass
    assert not os.path.exists(f"{world.user_state_folder}/oauth")
