"""A spool of an earlier version is brought up to date; one of a later version is left alone."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import ConfigError, SpoolError
from sendmail_cli.queue import schema
from sendmail_cli.queue.claims import Claims
from sendmail_cli.queue.journal import Wanted, attempts
from sendmail_cli.queue.place import DATABASE
from sendmail_cli.queue.spool import Spool
from sendmail_cli.smtp.envelope import Notify
from tests.support.spool import Clockwork

if TYPE_CHECKING:
    from pathlib import Path

# As the first version made it: what was added since is missing.
FIRST = schema.TABLES.replace("    original TEXT,              -- as ORCPT has it\n", "").replace(
    ",\n    envid TEXT                  -- by which reports of other servers name the mail\n", "\n"
)
MAIL = """
INSERT INTO lanes VALUES (1, 'work', '{}');
INSERT INTO mails VALUES (7, 1, 'waiting', 0, 0, 0, 0, 0, NULL, 0, 'resend', 'ada@example.org',
    '{"envid": "x"}', '<1@x>', 5, 1, 0, '', NULL, '');
INSERT INTO recipients VALUES (7, 0, 'bob@example.org', 'NEVER', NULL);
INSERT INTO contents VALUES (7, 'x');
INSERT INTO attempts VALUES (1, 0, 7, '<1@x>', 'work', 'mx', 'ada@example.org', 'bob@example.org', 'delayed', 451, '');
"""


def first_version(clockwork: Clockwork) -> str:
    Spool(clockwork).close()
    path = f"{clockwork.spool_folder}/{DATABASE}"
    os.unlink(path)
    with sqlite3.connect(path) as database:
        database.executescript(f"{FIRST}{MAIL}PRAGMA user_version = 1;")
    database.close()
    return path


def test_what_waits_in_a_spool_of_the_first_version_goes_on(tmp_path: Path) -> None:
    clockwork = Clockwork(tmp_path)
    assert "original" not in FIRST
    assert "envid" not in FIRST
    first_version(clockwork)
    for _ in range(2):  # it is done once
        with Spool(clockwork) as spool, Claims(spool) as claims:
            [lane] = claims.look()
            [mail] = claims.claim(lane, (), None)
            [pending] = mail.recipients
            assert (pending.recipient.notify, pending.recipient.original) == ((Notify.NEVER,), None)
            assert [each.envid for each in attempts(spool, Wanted())] == [None]


def test_a_change_that_fails_leaves_the_spool_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clockwork = Clockwork(tmp_path)
    path = first_version(clockwork)
    monkeypatch.setitem(schema._CHANGES, 1, "ALTER TABLE recipients ADD COLUMN original TEXT; ALTER TABLE gone ADD x;")
    with pytest.raises(SpoolError):
        Spool(clockwork)
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert len(database.execute("SELECT * FROM recipients").fetchone()) == 5
    database.close()


def test_a_spool_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    clockwork = Clockwork(tmp_path)
    path = first_version(clockwork)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigError, match="later version"):
        Spool(clockwork)
