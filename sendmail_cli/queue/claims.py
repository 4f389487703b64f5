"""The runner's side of the spool: who takes which mails, what each transaction brought, and what stands still.

A mail has one owner at most, and who died owns nothing. What became of a recipient is on disk before the next
transaction begins, and a mark before the final dot: so a kill at any moment leaves one mail in doubt at most.
"""

from __future__ import annotations

from sendmail_cli.errors import MailError
from sendmail_cli.queue import contents, rows, schedule
from sendmail_cli.queue.contents import StoredContent
from sendmail_cli.queue.entry import Lane, MailState
from sendmail_cli.queue.place import Owner, is_dead, sweep_owners, writing
from sendmail_cli.queue.verdicts import Verdict
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from typing import Self

    from sendmail_cli.queue.entry import Claimed, Settled
    from sendmail_cli.queue.schedule import Limit
    from sendmail_cli.queue.spool import Spool
    from sendmail_cli.report import RecipientOutcome

MAX_EXPIRED = 100  # mails given up in one transaction
DAY = 86400.0  # seconds

_FREE = "state = 'waiting' AND owner IS NULL"


class DueLane(NamedTuple):
    """A lane with mails whose time has come."""

    id: int
    lane: Lane


class Rest(NamedTuple):
    """What is to be done with a mail of which somebody is still to get it."""

    why: str
    wait: float | None = None  # seconds until it is tried again; None: as soon as may be, and it was no attempt
    is_held: bool = False


class Claims:
    """What this process has claimed."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._environment = spool.environment
        self._owner = Owner(spool.place, spool.environment.random_bytes(8).hex())
        self._neighbours: list[str] = []  # who else had claimed something at the last look

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._spool.changing() as database:
            rows.free_mails_of(database, self._owner.name, self._environment.now())
        self._owner.end()

    def look(self) -> list[DueLane]:
        """The lanes on which something is due, the longest waiting first; what the dead have claimed is free again."""
        now = self._environment.now()
        self._catch_up(now)
        found = []
        with self._spool.reading() as database:
            for number, profile, way in database.execute("SELECT id, profile, way FROM lanes").fetchall():
                if self._paused_until(database, number, profile, now) is not None:
                    continue
                since = self._due(database, number, now, 1)
                if since:
                    found.append((since[0][0], DueLane(number, Lane(profile, way))))
        return [lane for _, lane in sorted(found)]

    def _catch_up(self, now: float) -> None:
        """Let the mails age, and free what the dead have claimed.

        Nothing is written where nothing changes: several who wait must not wake one another by looking.
        """
        with self._spool.reading() as database:
            last = database.execute("SELECT last FROM clock").fetchone()[0]
            query = "SELECT 1 FROM mails WHERE began IS NULL AND due <= ? LIMIT 1"
            has_come = database.execute(query, (now,)).fetchone() is not None
            owners = database.execute("SELECT DISTINCT owner FROM mails WHERE owner IS NOT NULL").fetchall()
        self._neighbours = [owner for (owner,) in owners if owner != self._owner.name]
        dead = [owner for owner in self._neighbours if is_dead(self._spool.place, owner)]
        if not (dead or has_come or abs(now - last) > schedule.FIRST_WAIT):
            return
        with self._spool.changing() as database:
            self._age(database, now)
            for owner in dead:
                rows.free_mails_of(database, owner, now)

    def has_somebody_died(self) -> bool:
        """True when one has who had claimed something at the last look: that is free at the next."""
        return any(is_dead(self._spool.place, owner) for owner in self._neighbours)

    @staticmethod
    def _age(database: sqlite3.Connection, now: float) -> None:
        seconds, last = database.execute("SELECT seconds, last FROM clock").fetchone()
        seconds += schedule.looked_on(last or now, now)
        database.execute("UPDATE clock SET seconds = ?, last = ?", (seconds, now))
        database.execute("UPDATE mails SET began = ? WHERE began IS NULL AND due <= ?", (seconds, now))

    @staticmethod
    def _paused_until(database: sqlite3.Connection, lane: int, profile: str | None, now: float) -> float | None:
        """When the lane may be used again; None: at once."""
        query = "SELECT until FROM pauses WHERE scope IN (?, ?)"
        found = database.execute(query, (rows.lane_scope(lane), rows.account_scope(lane, profile))).fetchall()
        return max(
            (until for (until,) in found if not schedule.is_over(until, now, schedule.LONGEST_WAIT)), default=None
        )

    @staticmethod
    def _due(database: sqlite3.Connection, lane: int, now: float, count: int) -> list[tuple[float, int]]:
        query = f"SELECT due, id FROM mails WHERE lane = ? AND {_FREE} AND due "  # noqa: S608 - one of ours
        found = database.execute(f"{query}<= ? ORDER BY due LIMIT ?", (lane, now, count)).fetchall()
        if len(found) < count:  # the clock has leapt back since
            late = f"{query}> ? AND NOT is_scheduled ORDER BY due LIMIT ?"
            found += database.execute(late, (lane, now + schedule.LONGEST_WAIT, count - len(found))).fetchall()
        return found

    def claim(self, lane: DueLane, limits: Sequence[Limit], connections: int | None) -> list[Claimed]:
        """Some mails of that lane that are due, for this process alone: as many as the limits of the profile allow.

        One that can't be understood is set aside.
        """
        now = self._environment.now()
        scope = rows.account_scope(lane.id, lane.lane.profile)
        with self._spool.changing() as database:
            if not rows.is_lane(database, lane.id, lane.lane):
                return []
            if connections is not None and self._others(database, lane) >= connections:
                return []
            count = self._room(database, scope, limits, now)
            claimed = []
            for _, number in self._due(database, lane.id, now, count):
                try:
                    mail = rows.read_claimed(database, number)
                except (ValueError, TypeError, KeyError, MailError) as error:
                    self._set_aside(database, number, f"it can't be read: {error}")
                    continue
                database.execute("UPDATE mails SET owner = ? WHERE id = ?", (self._owner.name, number))
                if limits:
                    database.execute("INSERT OR REPLACE INTO slots VALUES (?, ?, ?)", (number, scope, now))
                claimed.append(mail)
        return claimed

    def _others(self, database: sqlite3.Connection, lane: DueLane) -> int:
        """How many other processes send by this profile just now."""
        query = (
            "SELECT count(DISTINCT owner) FROM mails JOIN lanes ON lanes.id = lane"
            " WHERE owner IS NOT NULL AND owner <> ? AND profile IS ?"
        )
        return int(database.execute(query, (self._owner.name, lane.lane.profile)).fetchone()[0])

    @staticmethod
    def _room(database: sqlite3.Connection, scope: str, limits: Sequence[Limit], now: float) -> int:
        database.execute("DELETE FROM slots WHERE profile = ? AND (at < ? OR at > ?)", (scope, now - DAY, now + 1))
        query = "SELECT count(*) FROM slots WHERE profile = ? AND at > ?"
        used = [database.execute(query, (scope, now - limit.seconds)).fetchone()[0] for limit in limits]
        return schedule.room(zip(limits, used, strict=True), schedule.BATCH)

    @staticmethod
    def _set_aside(database: sqlite3.Connection, number: int, why: str) -> None:
        database.execute(
            "UPDATE mails SET state = 'damaged', owner = NULL, in_flight = 0, why = ? WHERE id = ?", (why, number)
        )
        rows.alarm(database, number, f"mail {number} was set aside: {why}")

    def set_aside(self, mail: Claimed, why: str) -> None:
        """Its content can't be read: it stays as it is, for somebody to look at, and everything else goes on."""
        with self._spool.changing() as database:
            self._set_aside(database, mail.id, why)

    def content(self, mail: Claimed) -> StoredContent:
        """What is to be sent. Raises `InputOutputError` where it is gone."""
        with self._spool.reading() as database:
            query = "SELECT is_7bit, has_utf8_header, seal FROM mails WHERE id = ?"
            is_7bit, has_utf8_header, seal = database.execute(query, (mail.id,)).fetchone()
        return StoredContent(self._spool.content(mail.id), bool(is_7bit), bool(has_utf8_header), seal)

    def mark(self, mail: Claimed, settled: Sequence[Settled], server: str) -> None:
        """Before the final dot: from here on a kill leaves it in doubt. `settled` is known from earlier ones."""
        with self._spool.changing() as database:
            self._write(database, mail, settled, server)
            database.execute("UPDATE mails SET in_flight = 1 WHERE id = ?", (mail.id,))

    def conclude(self, mail: Claimed, settled: Sequence[Settled], server: str, rest: Rest) -> list[RecipientOutcome]:
        """Note what an attempt brought. Gives what the sender is to hear: the mail is claimed for that until `told`."""
        now = self._environment.now()
        with self._spool.changing() as database:
            self._write(database, mail, settled, server)
            database.execute("UPDATE slots SET at = ? WHERE mail = ?", (now, mail.id))
            is_counted = rest.wait is not None
            database.execute(
                "UPDATE mails SET in_flight = 0, attempts = attempts + ?, due = CASE WHEN ? THEN ? ELSE due END,"
                " is_scheduled = CASE WHEN ? THEN 0 ELSE is_scheduled END, state = ?, why = ? WHERE id = ?",
                (
                    is_counted, is_counted, now + (rest.wait or 0), is_counted,
                    (MailState.HELD if rest.is_held else MailState.WAITING).value, rest.why, mail.id,
                ),
            )  # fmt: skip
            if rest.is_held:
                rows.alarm_of_doubt(database, mail.id)
            untold = self._untold(database, mail.id)
            files = [] if untold else self._let_go(database, mail.id)
        contents.forget(self._spool.place, files)
        return untold

    def _write(self, database: sqlite3.Connection, mail: Claimed, settled: Sequence[Settled], server: str) -> None:
        lines = [(it.address, it.verdict.value, it.outcome.code, it.outcome.text) for it in settled]
        if lines:
            rows.journal(database, mail.id, self._environment.now(), server, lines)
        for it in settled:
            if it.verdict is Verdict.SENT and not it.outcome.is_report_due:
                database.execute("DELETE FROM recipients WHERE mail = ? AND place = ?", (mail.id, it.place))
            elif it.verdict in {Verdict.SENT, Verdict.REFUSED}:
                database.execute(
                    "UPDATE recipients SET refusal = ? WHERE mail = ? AND place = ?",
                    (rows.write_outcome(it.outcome), mail.id, it.place),
                )

    @staticmethod
    def _untold(database: sqlite3.Connection, number: int) -> list[RecipientOutcome]:
        query = "SELECT refusal FROM recipients WHERE mail = ? AND refusal IS NOT NULL ORDER BY place"
        return [rows.read_outcome(text) for (text,) in database.execute(query, (number,))]

    @staticmethod
    def _let_go(database: sqlite3.Connection, number: int) -> list[str]:
        """Delete a mail that nobody is to get any more, and give its files; else it is free."""
        if database.execute("SELECT 1 FROM recipients WHERE mail = ? LIMIT 1", (number,)).fetchone() is None:
            return rows.delete_mail(database, number)
        database.execute("UPDATE mails SET owner = NULL, in_flight = 0 WHERE id = ?", (number,))
        return []

    def told(self, mail: Claimed) -> None:
        """The sender knows what he is to hear."""
        with self._spool.changing() as database:
            database.execute("DELETE FROM recipients WHERE mail = ? AND refusal IS NOT NULL", (mail.id,))
            files = self._let_go(database, mail.id)
        contents.forget(self._spool.place, files)

    def release(self, mails: Iterable[Claimed]) -> None:
        """These were not tried after all."""
        numbers = [(mail.id, self._owner.name) for mail in mails]
        if numbers:
            with self._spool.changing() as database:
                database.executemany("UPDATE mails SET owner = NULL, in_flight = 0 WHERE id = ? AND owner = ?", numbers)
                database.executemany("DELETE FROM slots WHERE mail = ?", [(number,) for number, _ in numbers])

    def give_up(self) -> list[Claimed]:
        """Mails that have waited for too long, claimed; everybody who was still to get one counts as refused."""
        now = self._environment.now()
        given_up = []
        with self._spool.changing() as database:
            age = database.execute("SELECT seconds FROM clock").fetchone()[0]
            query = f"SELECT id, why FROM mails WHERE {_FREE} AND began <= ? LIMIT ?"  # noqa: S608 - one of ours
            for number, why in database.execute(query, (schedule.expired_since(age), MAX_EXPIRED)).fetchall():
                try:
                    mail = rows.read_claimed(database, number)
                except (ValueError, TypeError, KeyError, MailError) as error:
                    self._set_aside(database, number, f"it can't be read: {error}")
                    continue
                days = round(schedule.LIFETIME / DAY)
                text = f"given up after {days} days" + (f": {why}" if why else "")
                rows.journal_end(database, number, now, "expired", text)
                rows.refuse_rest(database, mail, text)
                database.execute("UPDATE mails SET owner = ? WHERE id = ?", (self._owner.name, number))
                given_up.append(rows.read_claimed(database, number))
        return given_up

    def pause(self, lane: DueLane, why: str, *, of_account: bool) -> str | None:
        """Let a lane, or all of its profile, rest: longer each time. Gives the name of the rest where it is new."""
        now = self._environment.now()
        scope = rows.account_scope(lane.id, lane.lane.profile) if of_account else rows.lane_scope(lane.id)
        chance = self._chance()
        with self._spool.changing() as database:
            row = database.execute("SELECT since, times FROM pauses WHERE scope = ?", (scope,)).fetchone()
            since, times = (now, 0) if row is None else row
            wait = (schedule.pause_after if of_account else schedule.wait_after)(times + 1, chance)
            database.execute(
                "INSERT INTO pauses VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (scope)"
                " DO UPDATE SET until = excluded.until, times = excluded.times, why = excluded.why",
                (scope, now + wait, since, times + 1, why),
            )
        return scope if row is None else None

    def resume(self, lane: DueLane) -> None:
        """It works again."""
        scopes = (rows.lane_scope(lane.id), rows.account_scope(lane.id, lane.lane.profile))
        query = "SELECT 1 FROM pauses WHERE scope IN (?, ?)"
        with self._spool.reading() as database:
            if database.execute(query, scopes).fetchone() is None:
                return
        with self._spool.changing() as database:
            database.execute("DELETE FROM pauses WHERE scope IN (?, ?)", scopes)

    def seconds_until_room(self, lane: DueLane, limits: Sequence[Limit]) -> float:
        """How long the limits of the profile let nothing go."""
        now = self._environment.now()
        scope = rows.account_scope(lane.id, lane.lane.profile)
        query = "SELECT at FROM slots WHERE profile = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
        waits = [0.0]
        with self._spool.reading() as database:
            for limit in limits:
                row = database.execute(query, (scope, limit.messages - 1)).fetchone()
                if row is not None:
                    waits.append(row[0] + limit.seconds - now)
        return max(waits)

    def wait_after(self, attempts: int) -> float:
        """Seconds until a mail is tried again after so many attempts."""
        return schedule.wait_after(attempts, self._chance())

    def _chance(self) -> float:
        return int.from_bytes(self._environment.random_bytes(4)) / 2**32

    def seconds_until_due(self) -> float | None:
        """How long it is until a lane has something due that has nothing now, or rests; None where there is none."""
        now = self._environment.now()
        moments = []
        with self._spool.reading() as database:
            for number, profile in database.execute("SELECT id, profile FROM lanes").fetchall():
                query = f"SELECT min(due) FROM mails WHERE lane = ? AND {_FREE}"  # noqa: S608 - one of ours
                due = database.execute(query, (number,)).fetchone()[0]
                if isinstance(due, float):  # damaged, it may be anything
                    moments.append(max(due, self._paused_until(database, number, profile, now) or due))
        return min((moment - now for moment in moments if moment > now), default=None)

    def is_wanted_within(self, seconds: float) -> bool:
        """True where the time of a mail comes by then, by its sender's wish."""
        now = self._environment.now()
        query = f"SELECT 1 FROM mails WHERE {_FREE} AND is_scheduled AND due > ? AND due <= ? LIMIT 1"  # noqa: S608
        with self._spool.reading() as database:
            return database.execute(query, (now, now + seconds)).fetchone() is not None

    def tidy(self, keep: float) -> None:
        """Take away what has served its time: journal and keys after `keep` seconds, leftovers of the dead at once."""
        now = self._environment.now()
        place = self._spool.place
        with self._spool.changing() as database, writing(place.folder):
            last = database.execute("SELECT last FROM clock").fetchone()[0]
            known_now = last + schedule.looked_on(last, now) if last else now  # a clock that leapt deletes nothing yet
            database.execute("DELETE FROM attempts WHERE at < ?", (known_now - keep,))
            database.execute("DELETE FROM keys WHERE at < ? AND owner IS NULL", (known_now - keep,))
            database.execute("DELETE FROM lanes WHERE id NOT IN (SELECT lane FROM mails)")
            rows.forget_idle_lanes(database)
            files = database.execute("SELECT file FROM mails WHERE file IS NOT NULL")
            contents.sweep(place, {name for (name,) in files})
            sweep_owners(place)
