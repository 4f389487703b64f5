"""The spool: mails that wait, in one SQLite file, each safe on disk before anybody is told that it was taken over.

Whoever is killed at whatever moment loses none, and leaves none half there. `claims` is the runner's side of it,
`journal` what became of each.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager

from sendmail_cli.errors import SpoolError, UsageError
from sendmail_cli.queue import contents, rows
from sendmail_cli.queue.disk import free_reserve, reserve
from sendmail_cli.queue.entry import Added, MailState, Pause
from sendmail_cli.queue.ownership import as_owner
from sendmail_cli.queue.place import DATABASE, RELAYED, UNDELIVERED, Place, is_dead, unwritable, writing
from sendmail_cli.queue.schema import open_database
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.queue.entry import NewMail, QueueEntry
    from sendmail_cli.queue.place import RunnerLock

PAGE = 500  # mails read at once; between two pages others may write


class Spool:
    """An open spool. Every method raises `SpoolError` where the file can't be read or written (a full disk)."""

    def __init__(self, environment: Environment) -> None:
        """Opens the spool of this user; it is made if need be."""
        self.environment = environment
        self.place = Place(environment.spool_folder)
        with as_owner(self.place.folder):
            self._database = open_database(self.place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()
        self.place.close()

    @property
    def undelivered(self) -> str:
        """The mbox of what was given up."""
        return self.place.path(UNDELIVERED)

    @property
    def relayed(self) -> str:
        """The mbox of reports on what went to servers that make none."""
        return self.place.path(RELAYED)

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all that the block does, or nothing."""
        with self.reading(), self.place.alone():
            database = self._database
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """What is read in the block may be another's write later by the next statement."""
        try:
            with as_owner(self.place.folder):
                yield self._database
        except sqlite3.Error as error:
            raise unwritable(self.place.folder, str(error)) from None

    def add(self, mail: NewMail) -> Added:
        """Take the mail over: when this returns, it is safe on disk.

        Where its key was used before, nothing is added, and the mail of that time is named.
        """
        name = self.environment.random_bytes(16).hex()
        with contents.written(self.place, mail.content, name) as kept, self.changing() as database:
            earlier = database.execute("SELECT mail FROM keys WHERE key = ?", (mail.key,)).fetchone()
            if earlier is not None:
                return Added(earlier[0] or 0, is_new=False)
            now = self.environment.now()
            number = rows.insert_mail(database, mail, now, kept)
            if mail.key is not None:
                database.execute("INSERT INTO keys VALUES (?, ?, NULL, ?, NULL)", (mail.key, now, number))
            if mail.is_held:
                rows.alarm_of_doubt(database, number)
            with writing(self.place.folder):
                self.place.note_waiting()
        return Added(number, is_new=True)

    def entries(self) -> Iterator[QueueEntry]:
        """All mails, by number. They are read page by page, so that nobody waits for who reads them."""
        after = 0
        while True:
            with self.reading() as database:
                page = rows.read_entries(database, "mails.id > ? ORDER BY mails.id LIMIT ?", (after, PAGE))
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].id

    def entry(self, number: int) -> QueueEntry:
        """The mail of that number. Raises `UsageError` where there is none."""
        with self.reading() as database:
            page = rows.read_entries(database, "mails.id = ?", (number,))
        if not page:
            raise _no_such_mail(number)
        return page[0]

    def reports(self, number: int) -> list[str]:
        """What reports were asked for about the mail, which is there, as MAIL and RCPT say it."""
        with self.reading() as database:
            return rows.read_reports(database, number)

    def content(self, number: int) -> Source:
        """The octets of a mail. Raises `UsageError` where there is none, `InputOutputError` where they are gone."""
        with self.reading() as database:
            row = database.execute("SELECT file, size FROM mails WHERE id = ?", (number,)).fetchone()
            inline = database.execute("SELECT octets FROM contents WHERE mail = ?", (number,)).fetchone()
        if row is None:
            raise _no_such_mail(number)
        return contents.stored(self.place, contents.Written(inline and inline[0], row[0]), row[1], number)

    def is_empty(self) -> bool:
        """True when no mail is there."""
        with self.reading() as database:
            return database.execute("SELECT 1 FROM mails LIMIT 1").fetchone() is None

    def hold(self, number: int) -> None:
        """Keep a mail from being tried until it is released. Raises `UsageError` for one that is being sent."""
        with self.changing() as database:
            self._check_free(database, number)
            database.execute("UPDATE mails SET state = ? WHERE id = ?", (MailState.HELD.value, number))

    def release(self, number: int) -> None:
        """Let a mail that is held or set aside be tried, at once or when it was wanted. Raises as `hold`."""
        self._set_waiting(number, "due = CASE WHEN is_scheduled THEN due ELSE ? END")

    def retry(self, number: int) -> None:
        """Try a mail at once, whatever was said about its time. Raises as `hold`."""
        self._set_waiting(number, "is_scheduled = 0, due = ?")

    def _set_waiting(self, number: int, change: str) -> None:
        with self.changing() as database:
            self._check_free(database, number)
            database.execute(
                f"UPDATE mails SET state = 'waiting', {change} WHERE id = ?",  # noqa: S608 - one of ours
                (self.environment.now(), number),
            )
            rows.forget_pauses(database, number)
            rows.forget_alarm(database, number)
            with writing(self.place.folder):
                self.place.note_waiting()

    def delete(self, number: int) -> None:
        """Throw a mail away; its sender gets no report. Raises as `hold`.

        That takes room first, for what is undone if we are killed: on a full disk the room that is kept for it.
        """
        try:
            files = self._delete(number)
        except SpoolError:
            with as_owner(self.place.folder):
                if not free_reserve(self.place.folder):
                    raise
            files = self._delete(number)
        contents.forget(self.place, files)

    def _delete(self, number: int) -> list[str]:
        with self.changing() as database:
            self._check_free(database, number)
            rows.journal_end(database, number, self.environment.now(), "deleted")
            rows.forget_alarm(database, number)
            return rows.delete_mail(database, number)

    def _check_free(self, database: sqlite3.Connection, number: int) -> None:
        row = database.execute("SELECT owner FROM mails WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise _no_such_mail(number)
        if row[0] is not None and not is_dead(self.place, row[0]):
            raise UsageError(f"mail {number} is being sent just now", hint="Try again in a moment.")
        if row[0] is not None:
            rows.free_mails_of(database, row[0], self.environment.now())

    def pauses(self) -> list[Pause]:
        """What stands still, and why."""
        query = "SELECT until, since, why FROM pauses WHERE until > ? ORDER BY since"
        with self.reading() as database:
            return [Pause(*row) for row in database.execute(query, (self.environment.now(),))]

    def alarm(self, what: str, why: str) -> None:
        """Something to be told to whoever looks next; `what` it is about has one such at a time."""
        with self.changing() as database:
            database.execute(
                "INSERT INTO pauses VALUES (?, 0, ?, 0, ?, 0) ON CONFLICT (scope) DO UPDATE SET why = excluded.why",
                (what, self.environment.now(), why),
            )

    def note_told(self, what: str) -> None:
        """Somebody has been told what is wrong with that."""
        with self.changing() as database:
            database.execute("UPDATE pauses SET is_told = 1 WHERE scope = ?", (what,))

    def untold(self) -> list[str]:
        """What is wrong, where nobody has been told yet; from now on it counts as told."""
        query = "SELECT why FROM pauses WHERE NOT is_told"
        with self.reading() as database:
            if database.execute(query).fetchone() is None:
                return []
        with self.changing() as database:
            found = [str(why) for (why,) in database.execute(f"{query} ORDER BY since")]
            database.execute("DELETE FROM pauses WHERE until = 0")
            database.execute("UPDATE pauses SET is_told = 1")
        self.note_rest()
        return found

    def oldest_due(self) -> float | None:
        """Since when the mail is due that has been for the longest time; None where none is."""
        with self.reading() as database:
            row = database.execute(
                "SELECT min(due) FROM mails WHERE state = 'waiting' AND owner IS NULL AND due <= ?",
                (self.environment.now(),),
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def stamp(self) -> tuple[int, int]:
        """What differs once somebody has written."""
        with writing(self.place.folder):
            state = os.stat(self.place.path(DATABASE))
        return state.st_mtime_ns, state.st_size

    def leave(self, lock: RunnerLock) -> bool:
        """Give up being the runner where no mail is to be tried any more; False where there is one.

        Whoever adds one sees either that there is a runner, who has not looked yet, or that there is none.
        """
        with self.reading(), self.place.alone():
            if self._is_any_waiting():
                return False
            self._note_rest()
            lock.release()
        return True

    def note_rest(self) -> None:
        """Have those who look for the file `WAITING` see it gone where no mail waits and nothing is to be told.

        What was done may have left room on a disk that was full: some is kept again.
        """
        with self.reading(), self.place.alone():
            reserve(self.place.folder)
            if not self._is_any_waiting():
                self._note_rest()

    def _note_rest(self) -> None:
        # A way that rests (`until` says so) matters to nobody where nothing waits.
        if self._database.execute("SELECT 1 FROM pauses WHERE NOT is_told AND until = 0 LIMIT 1").fetchone() is None:
            self.place.note_empty()

    def _is_any_waiting(self) -> bool:
        query = "SELECT 1 FROM mails WHERE state = 'waiting' AND owner IS {} LIMIT 1"  # each by an index of its own
        return any(self._database.execute(query.format(owner)).fetchone() for owner in ("NULL", "NOT NULL"))

    def counts(self) -> dict[str, int]:
        """How many mails are in each state."""
        with self.reading() as database:
            return dict(database.execute("SELECT state, count(*) FROM mails GROUP BY state ORDER BY state"))


def _no_such_mail(number: int) -> UsageError:
    return UsageError(f"there is no mail {number} in the queue", hint="`sendmail-cli queue list` shows what waits.")
