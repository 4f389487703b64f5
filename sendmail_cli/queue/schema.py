"""The tables of a spool, and how its file is opened: one SQLite file, safe on disk with every commit.

Not in WAL mode: its reset bug (SQLite 3.7.0 to 3.51.2) wants just what a spool does, several processes that write.
TRUNCATE leaves no moment in which a folder that was not synchronized could bring a journal back.
"""

from __future__ import annotations

import os
import sqlite3

from sendmail_cli.errors import ConfigError
from sendmail_cli.queue.disk import reserve
from sendmail_cli.queue.place import DATABASE, sync_folder, unwritable, writing
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.queue.place import Place

VERSION = 2
PATIENCE = 60.0  # seconds for a reader to get out of the way; writers wait in `Place.alone`

TABLES = """
CREATE TABLE lanes (id INTEGER PRIMARY KEY, profile TEXT, way TEXT NOT NULL);
CREATE UNIQUE INDEX lane_of ON lanes (way, coalesce(profile, ''));
CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL REFERENCES lanes,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    due REAL NOT NULL,
    is_scheduled INTEGER NOT NULL,
    began REAL,                 -- seconds of `clock`; NULL: a scheduled mail that is not due yet
    attempts INTEGER NOT NULL,
    owner TEXT,                 -- who deals with it just now
    in_flight INTEGER NOT NULL DEFAULT 0,  -- its last octets may have been sent, and no reply is known
    in_doubt TEXT NOT NULL,
    reverse_path TEXT,          -- NULL: the null path
    demands TEXT NOT NULL,
    message_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    is_7bit INTEGER NOT NULL,
    has_utf8_header INTEGER NOT NULL,
    seal TEXT NOT NULL,
    file TEXT,                  -- of a large content
    why TEXT NOT NULL
);
CREATE INDEX mail_due ON mails (lane, due) WHERE state = 'waiting' AND owner IS NULL;
CREATE INDEX mail_began ON mails (began) WHERE state = 'waiting' AND owner IS NULL;
CREATE INDEX mail_scheduled ON mails (due) WHERE began IS NULL;
CREATE INDEX mail_owner ON mails (owner) WHERE owner IS NOT NULL;
CREATE INDEX mail_file ON mails (file) WHERE file IS NOT NULL;
CREATE TABLE recipients (
    mail INTEGER NOT NULL REFERENCES mails,
    place INTEGER NOT NULL,
    address TEXT NOT NULL,
    notify TEXT NOT NULL,
    refusal TEXT,               -- what became of it in the end, where the sender is still to be told that
    original TEXT,              -- as ORCPT has it
    PRIMARY KEY (mail, place)
) WITHOUT ROWID;
CREATE TABLE contents (mail INTEGER PRIMARY KEY REFERENCES mails, octets BLOB NOT NULL);
CREATE TABLE pauses (
    scope TEXT PRIMARY KEY,
    until REAL NOT NULL,
    since REAL NOT NULL,
    times INTEGER NOT NULL,
    why TEXT NOT NULL,
    is_told INTEGER NOT NULL
);
CREATE TABLE slots (mail INTEGER PRIMARY KEY, profile TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX slot_at ON slots (profile, at);
CREATE TABLE clock (seconds REAL NOT NULL, last REAL NOT NULL);
INSERT INTO clock VALUES (0, 0);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    mail INTEGER,
    message_id TEXT NOT NULL,
    profile TEXT,
    server TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    action TEXT NOT NULL,
    code INTEGER,
    text TEXT NOT NULL,
    envid TEXT                  -- by which reports of other servers name the mail
);
CREATE INDEX attempt_at ON attempts (at);
CREATE INDEX attempt_mail ON attempts (mail);
CREATE TABLE keys (key TEXT PRIMARY KEY, at REAL NOT NULL, owner TEXT, mail INTEGER, outcome TEXT);
"""
# What makes of the tables of a version those of the next. Who has the file open meanwhile names his columns.
_CHANGES = {
    1: "ALTER TABLE recipients ADD COLUMN original TEXT; ALTER TABLE attempts ADD COLUMN envid TEXT;",
}


def open_database(place: Place) -> sqlite3.Connection:
    """The database in the folder, made if need be. Raises `SpoolError`, and `ConfigError` for a later version's."""
    path = place.path(DATABASE)
    with writing(place.folder):
        # SQLite would make it readable by others; its journal gets the rights that the database has.
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            sync_folder(place.folder)
        except FileExistsError:
            pass
    try:
        database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        # A row that was damaged is shown and set aside; it is no reason to read no other.
        database.text_factory = _as_text
        database.execute("PRAGMA journal_mode = TRUNCATE")
        database.execute("PRAGMA synchronous = FULL")
        version = _version(database)
        if version < VERSION:
            with place.alone():
                _bring_up_to_date(database)
                reserve(place.folder)
            version = _version(database)
    except sqlite3.Error as error:
        raise unwritable(place.folder, str(error)) from None
    if version > VERSION:
        database.close()
        raise ConfigError(
            f"the spool {place.folder} was made by a later version of this program", hint="Use that version."
        )
    return database


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the tables, or change those of an earlier version; unless somebody else was first."""
    version = _version(database)
    if version >= VERSION:
        return
    statements = TABLES if version == 0 else "".join(_CHANGES[earlier] for earlier in range(version, VERSION))
    try:
        database.executescript(f"BEGIN IMMEDIATE;{statements}PRAGMA user_version = {VERSION};COMMIT;")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _as_text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
