"""Root in the spool of somebody else: all that root does there is done as its owner, whose the files stay."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import ConfigError, SpoolError
from sendmail_cli.queue.bounce import Reported, report
from sendmail_cli.queue.claims import Claims
from sendmail_cli.queue.entry import Lane, NewMail
from sendmail_cli.queue.journal import using_key
from sendmail_cli.queue.ownership import as_owner, is_anothers
from sendmail_cli.queue.place import is_dead
from sendmail_cli.queue.spool import Spool
from sendmail_cli.report import Action, RecipientOutcome
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.status import ExitCode
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_ALONE = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")
OWNER = 4711


def mail(octets: bytes) -> NewMail:
    envelope = envelope_of(ReversePath(None), addresses(1))
    return NewMail(envelope, Octets(octets), "<x@example.org>", Lane("system", "{}"))


@pytest.fixture
def machine() -> Iterator[Clockwork]:
    """The spool of user 4711, in a folder that others may enter: pytest's own is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="spool-"))
    folder.chmod(0o755)
    machine = Clockwork(folder)
    (folder / "spool").mkdir(mode=0o700)
    os.chown(folder / "spool", OWNER, OWNER)
    yield machine
    shutil.rmtree(folder)


def owners(folder: str) -> set[int]:
    return {path.lstat().st_uid for path in (Path(folder), *Path(folder).rglob("*"))}


@ROOT_ALONE
def test_all_that_root_leaves_is_the_owners(machine: Clockwork) -> None:
    before = os.geteuid(), os.getegid(), os.getgroups()
    with Spool(machine) as spool:
        small, large, other = (spool.add(mail(b"x" * count)).id for count in (10, 100_000, 100_000))
        spool.hold(small)
        spool.release(small)
        spool.retry(other)
        spool.delete(large)
        assert b"".join(spool.content(other).chunks()) == b"x" * 100_000
        assert [entry.id for entry in spool.entries()] == [small, other]
        assert not spool.place.has_runner
        assert spool.place.is_anothers
        with using_key(spool, "key"):
            assert os.geteuid() == 0  # what is sent under it is root's affair
        with Claims(spool) as claims:
            claims.tidy(1.0)
            [lane] = claims.look()
            [first, _] = claims.claim(lane, (), None)
            refused = RecipientOutcome("bob@example.org", Action.FAILED, ExitCode.NOUSER)
            report(spool, Reported(first.envelope, spool.content(first.id), 0.0), [refused], None, lambda: first.lane)
            assert owners(machine.spool_folder) == {OWNER}
    assert owners(machine.spool_folder) == {OWNER}
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


@ROOT_ALONE
def test_a_link_leads_root_nowhere(machine: Clockwork) -> None:
    secret = machine.folder / "secret.sqlite3"
    with sqlite3.connect(secret) as database:
        database.execute("CREATE TABLE secrets (secret)")
    database.close()
    secret.chmod(0o600)
    before = secret.read_bytes()
    (Path(machine.spool_folder) / "mails.sqlite3").symlink_to(secret)
    with pytest.raises(SpoolError, match="can't be used"):
        Spool(machine)
    assert secret.read_bytes() == before
    assert os.geteuid() == 0


@ROOT_ALONE
def test_what_he_writes_for_a_name_takes_nothing_of_roots_away(machine: Clockwork) -> None:
    kept = machine.folder / "kept"
    kept.touch()
    with Spool(machine) as spool, pytest.raises(SpoolError, match="permission denied"):
        is_dead(spool.place, "../../kept")
    assert kept.exists()


@ROOT_ALONE
def test_root_is_root_again_however_it_ends(machine: Clockwork) -> None:
    def interrupted() -> None:
        with as_owner(machine.spool_folder):
            assert (os.geteuid(), os.getegid(), os.getgroups()) == (OWNER, OWNER, [])
            with as_owner(machine.spool_folder):  # he is it already
                assert os.geteuid() == OWNER
            assert os.geteuid() == OWNER
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.geteuid() == 0


@ROOT_ALONE
def test_what_is_loaded_late_is_there_before(machine: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """He may not be let in where Python is."""
    monkeypatch.delitem(sys.modules, "fcntl")
    with as_owner(machine.spool_folder):
        assert "fcntl" in sys.modules


@ROOT_ALONE
def test_root_who_can_not_be_others(machine: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refuse)
    with pytest.raises(ConfigError, match="whom we can't be: operation not permitted"):
        Spool(machine)
    assert os.geteuid() == 0


@ROOT_ALONE
def test_whose_it_is(machine: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_anothers(machine.spool_folder)
    assert not is_anothers(str(machine.folder))  # root's own
    assert not is_anothers(str(machine.folder / "none"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not is_anothers(machine.spool_folder)  # who is no other can't become one
