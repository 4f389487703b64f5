"""The folder of a spool: who has which lock, and when."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import ConfigError
from sendmail_cli.queue import place
from sendmail_cli.queue.place import Place
from sendmail_cli.queue.spool import Spool
from sendmail_cli.tending import start_runner
from tests.support.spool import Clockwork

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def spool_place(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "spool"))


def test_one_runner_at_a_time(spool_place: Place) -> None:
    seen = [spool_place.has_runner]
    lock = spool_place.take_runner()
    assert lock is not None
    seen.append(spool_place.has_runner)
    assert spool_place.take_runner() is None
    lock.release()
    lock.release()
    assert [*seen, spool_place.has_runner] == [False, True, False]


def test_who_only_looks_is_taken_for_no_runner(spool_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking takes the lock for a moment: whoever would take it meanwhile has to wait for that."""
    found = []

    def lock_file(path: str) -> int | None:
        with open(spool_place.path("lock"), "rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found.append(os.path.basename(path))
        return real(path)

    real = place.lock_file
    monkeypatch.setattr(place, "lock_file", lock_file)
    assert not spool_place.has_runner
    lock = spool_place.take_runner()
    assert lock is not None
    lock.release()
    assert found == ["runner", "runner"]


class Starting(Clockwork):
    """Has a runner in the background, as far as its lock goes."""

    handed: int

    def start_detached(self, arguments: tuple[str, ...], handed: int) -> None:
        super().start_detached(arguments, handed)
        self.handed = os.dup(handed)


def test_a_runner_is_there_from_the_moment_in_which_it_is_started(tmp_path: Path) -> None:
    machine = Starting(tmp_path)
    with Spool(machine) as spool:
        assert start_runner(spool)
        assert start_runner(spool)
        assert len(machine.started) == 1, "the second saw the first, which has not even begun to load"
        os.set_inheritable(machine.handed, True)
        lock = spool.place.inherit_runner(machine.handed)
        assert lock is not None
        assert not os.get_inheritable(machine.handed)
        lock.release()
        assert not spool.place.has_runner


def test_what_is_no_lock_is_not_inherited(spool_place: Place, tmp_path: Path) -> None:
    lock = spool_place.take_runner()
    assert lock is not None
    with open(tmp_path / "other", "wb") as other, open(spool_place.path("runner"), "rb") as same:
        assert spool_place.inherit_runner(other.fileno()) is None
        assert spool_place.inherit_runner(same.fileno()) is None, "somebody else has it"
    assert spool_place.inherit_runner(999) is None
    lock.release()


def test_where_no_process_can_be_had_there_is_no_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(11, "no more processes")

    machine = Clockwork(tmp_path)
    monkeypatch.setattr(machine, "start_detached", refuse)
    with Spool(machine) as spool:
        assert not start_runner(spool)
        assert not spool.place.has_runner


def test_a_folder_of_other_things_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "pub"
    folder.mkdir(mode=0o755)
    Place(str(folder)).close()  # empty, it is made one
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    Place(str(folder)).close()  # and stays one
    other = tmp_path / "srv"
    other.mkdir(mode=0o755)
    (other / "page.html").touch()
    with pytest.raises(ConfigError, match="srv is no spool: other things are in it"):
        Place(str(other))
    assert [path.name for path in other.iterdir()] == ["page.html"]
    assert stat.S_IMODE(other.stat().st_mode) == 0o755
