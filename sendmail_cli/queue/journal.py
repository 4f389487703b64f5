"""What became of messages, a line for each recipient and attempt; and the keys that make a repeat harmless."""

from __future__ import annotations

import json
from contextlib import contextmanager

from sendmail_cli.errors import TemporaryError
from sendmail_cli.queue.entry import Attempt
from sendmail_cli.queue.place import Owner, is_dead
from sendmail_cli.queue.verdicts import verdict_on
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.status import ExitCode, parse_enhanced_status_code
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from sendmail_cli.queue.spool import Spool
    from sendmail_cli.smtp.envelope import Envelope

PAGE = 500  # lines read at once

_COLUMNS = "id, at, mail, message_id, profile, server, sender, recipient, action, code, text, envid"


class Wanted(NamedTuple):
    """Which lines of the journal are asked for; None is all."""

    since: float | None = None  # seconds since the epoch
    to: str | None = None  # a part of the recipient's address
    mail: int | None = None
    name: str | None = None  # the mail's queue id, Message-ID or envelope id


def attempts(spool: Spool, wanted: Wanted) -> Iterator[Attempt]:
    """The lines of the journal, oldest first. They are read page by page."""
    possible: dict[str, object] = {
        "at >= ?": wanted.since,
        "mail = ?": wanted.mail,
        "? IN (CAST(mail AS TEXT), message_id, envid)": wanted.name,
        "instr(lower(recipient), ?) > 0": None if wanted.to is None else wanted.to.lower(),
    }
    conditions = ["id > ?", *(text for text, value in possible.items() if value is not None)]
    given = [value for value in possible.values() if value is not None]
    query = f"SELECT {_COLUMNS} FROM attempts WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?"  # noqa: S608
    after = 0
    while True:
        with spool.reading() as database:
            page = [Attempt(*row) for row in database.execute(query, (after, *given, PAGE))]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def note_report(spool: Spool, report: Report, envelope: Envelope, mail: int | None = None) -> None:
    """Write down what became of a message by the attempt that was made before it was queued, or instead."""
    now, sender, envid = spool.environment.now(), str(envelope.reverse_path.address or ""), envelope.demands.envid
    with spool.changing() as database:
        database.executemany(
            "INSERT INTO attempts (at, mail, message_id, profile, server, sender, recipient, action, code, text, envid)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    now, mail, report.message_id, report.profile, report.server, sender, outcome.address,
                    verdict_on(outcome, was_heard=report.was_heard).value, outcome.code, outcome.text, envid,
                )
                for outcome in report.outcomes
            ],
        )  # fmt: skip


class KeyUse:
    """A key that is used now for the first time, or again after nobody got anything."""

    def __init__(self, spool: Spool, key: str) -> None:
        self._spool = spool
        self._key = key

    def end(self, report: Report) -> None:
        """What came of it; where nobody got anything the key is free again."""
        is_used = report.exit_code is ExitCode.IN_DOUBT or bool(report.accepted)
        with self._spool.changing() as database:
            if report.queue_id is not None:
                query = "UPDATE keys SET owner = NULL, mail = ? WHERE key = ?"
                database.execute(query, (report.queue_id, self._key))
            elif is_used:
                query = "UPDATE keys SET owner = NULL, outcome = ? WHERE key = ?"
                database.execute(query, (_write_report(report), self._key))
            else:
                database.execute("DELETE FROM keys WHERE key = ?", (self._key,))


class Earlier(NamedTuple):
    """What was done under a key before."""

    at: float
    report: Report


@contextmanager
def using_key(spool: Spool, key: str) -> Iterator[KeyUse | Earlier]:
    """The key, for one message that is sent in the block; or what was done under it before.

    A block that is left by an error frees the key; a process that is killed in it leaves the message in doubt.
    Raises `TemporaryError` where another process is sending under it.
    """
    owner = Owner(spool.place, spool.environment.random_bytes(8).hex())
    try:
        with spool.changing() as database:
            earlier = _earlier(spool, database, key)
            if earlier is None:
                database.execute(
                    "INSERT INTO keys VALUES (?, ?, ?, NULL, NULL)", (key, spool.environment.now(), owner.name)
                )
        if earlier is not None:
            yield earlier
            return
        try:
            yield KeyUse(spool, key)
        except BaseException:
            with spool.changing() as database:
                database.execute("DELETE FROM keys WHERE key = ? AND outcome IS NULL", (key,))
            raise
    finally:
        owner.end()


def find_earlier(spool: Spool, key: str) -> Earlier | None:
    """What was done under the key before. Raises as `using_key`."""
    with spool.reading() as database:
        return _earlier(spool, database, key)


def _earlier(spool: Spool, database: sqlite3.Connection, key: str) -> Earlier | None:
    row = database.execute("SELECT at, owner, mail, outcome FROM keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    at, owner, mail, outcome = row
    if mail is not None:
        return Earlier(at, _report_of_mail(database, mail))
    if outcome is not None:
        return Earlier(at, _read_report(outcome))
    if not is_dead(spool.place, owner):
        raise TemporaryError("a message with this key is being sent just now by another process")
    text = "the process that sent it was killed; the message may have been delivered"
    return Earlier(
        at, Report("", "", (RecipientOutcome("", Action.DELAYED, ExitCode.IN_DOUBT, text=text, is_in_doubt=True),))
    )


def _report_of_mail(database: sqlite3.Connection, mail: int) -> Report:
    """What is known by now of a mail that was queued."""
    known: dict[str, RecipientOutcome] = {}
    message_id = server = ""
    query = "SELECT message_id, server, recipient, action, code, text FROM attempts WHERE mail = ? ORDER BY id"
    for row in database.execute(query, (mail,)):
        message_id, server, address, action, code, text = row
        is_sent = action == "sent"
        known[address] = RecipientOutcome(
            address,
            Action.RELAYED if is_sent else Action.FAILED,
            ExitCode.OK if is_sent else ExitCode.UNAVAILABLE,
            code,
            text=text,
        )
    waiting = "SELECT address, message_id FROM recipients JOIN mails ON mails.id = mail WHERE mail = ? ORDER BY place"
    for row in database.execute(waiting, (mail,)):
        address, message_id = row
        known[address] = RecipientOutcome(address, Action.QUEUED, ExitCode.OK, text=f"waits in the queue as {mail}")
    return Report(message_id, server, tuple(known.values()), queue_id=mail)


def _write_report(report: Report) -> str:
    outcomes = [
        (it.address, it.action.value, it.exit_code, it.code, str(it.enhanced or ""), it.text, it.is_in_doubt)
        for it in report.outcomes
    ]
    return json.dumps([report.message_id, report.server, report.profile, outcomes])


def _read_report(text: str) -> Report:
    message_id, server, profile, outcomes = json.loads(text)
    return Report(
        message_id,
        server,
        tuple(
            RecipientOutcome(
                address, Action(action), ExitCode(exit_code), code, parse_enhanced_status_code(enhanced), said, doubt
            )
            for address, action, exit_code, code, enhanced, said, doubt in outcomes
        ),
        profile=profile,
    )
