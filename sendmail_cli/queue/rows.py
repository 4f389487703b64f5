"""Between values and the rows of the spool. Every function works inside the transaction of its caller."""

from __future__ import annotations

import json

from sendmail_cli.addresses import AddrSpec, parse_addr_spec
from sendmail_cli.printable import printable
from sendmail_cli.queue.entry import Claimed, InDoubt, Lane, MailState, PendingRecipient, QueueEntry
from sendmail_cli.queue.verdicts import Verdict
from sendmail_cli.report import Action, RecipientOutcome
from sendmail_cli.smtp.envelope import Demands, ForwardPath, Notify, Recipient, Ret, ReversePath
from sendmail_cli.smtp.parameters import report_parameters
from sendmail_cli.status import ExitCode, parse_enhanced_status_code
from sendmail_cli.typing import TYPE_CHECKING
from sendmail_cli.xtext import parse_original_recipient

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

    from sendmail_cli.queue.contents import Written
    from sendmail_cli.queue.entry import NewMail


def insert_mail(database: sqlite3.Connection, mail: NewMail, now: float, kept: Written) -> int:
    """Write a new mail; gives its number."""
    envelope, content = mail.envelope, mail.content
    began = None if mail.due is not None else database.execute("SELECT seconds FROM clock").fetchone()[0]
    sender = envelope.reverse_path.address
    cursor = database.execute(
        "INSERT INTO mails (lane, state, created, due, is_scheduled, began, attempts, in_doubt, reverse_path, demands,"
        " message_id, size, is_7bit, has_utf8_header, seal, file, why)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            _lane(database, mail.lane),
            (MailState.HELD if mail.is_held else MailState.WAITING).value,
            now,
            now + mail.wait if mail.due is None else mail.due,
            mail.due is not None,
            began,
            mail.attempts,
            mail.in_doubt.value,
            None if sender is None else str(sender),
            write_demands(envelope.demands),
            mail.message_id,
            content.size,
            content.is_7bit,
            content.has_utf8_header,
            mail.seal,
            kept.file,
            mail.why,
        ),
    )
    number = cursor.lastrowid
    assert number is not None  # noqa: S101 - SQLite gives one for every row
    database.executemany(
        "INSERT INTO recipients (mail, place, address, notify, original) VALUES (?, ?, ?, ?, ?)",
        [
            (number, place, str(each.path.address), ",".join(it.value for it in each.notify), each.original)
            for place, each in enumerate(envelope.recipients)
        ],
    )
    if kept.octets is not None:
        database.execute("INSERT INTO contents VALUES (?, ?)", (number, kept.octets))
    return number


def _lane(database: sqlite3.Connection, lane: Lane) -> int:
    values = (lane.way, lane.profile or "")
    query = "SELECT id FROM lanes WHERE way = ? AND coalesce(profile, '') = ?"
    row = database.execute(query, values).fetchone()
    if row is None:
        database.execute("INSERT INTO lanes (profile, way) VALUES (?, ?)", (lane.profile, lane.way))
        row = database.execute(query, values).fetchone()
    return int(row[0])


def is_lane(database: sqlite3.Connection, number: int, lane: Lane) -> bool:
    """True when the lane still has that number: one that is idle is taken away, and its number given anew."""
    query = "SELECT 1 FROM lanes WHERE id = ? AND way = ? AND profile IS ?"
    return database.execute(query, (number, lane.way, lane.profile)).fetchone() is not None


def write_demands(demands: Demands) -> str:
    """What is asked of the server, as text."""
    ret = None if demands.ret is None else demands.ret.value
    said = {name: value for name, value in demands._replace(ret=None)._asdict().items() if value}
    return json.dumps(said if ret is None else said | {"ret": ret})


def _read_demands(text: str) -> Demands:
    said = json.loads(text)
    for name in ("mail_parameters", "rcpt_parameters"):
        if name in said:
            said[name] = tuple(said[name])
    if "ret" in said:
        said["ret"] = Ret(said["ret"])
    return Demands(**said)


def read_entries(database: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[QueueEntry]:
    """The mails for which `where` is true, as they are listed; whatever can't be understood stands as it is."""
    found = database.execute(
        "SELECT mails.id, state, created, due, is_scheduled, owner, attempts, profile, message_id, size, reverse_path,"  # noqa: S608
        f" why FROM mails LEFT JOIN lanes ON lanes.id = mails.lane WHERE {where}",
        values,
    ).fetchall()
    return [_entry(row, _rest(database, row[0])) for row in found]


def _entry(row: tuple[Any, ...], recipients: list[str]) -> QueueEntry:
    number, state, created, due, is_scheduled, owner, attempts, profile, message_id, size, sender, why = row
    try:
        return QueueEntry(
            id=number,
            state=MailState(state),
            created=float(created),
            due=float(due),
            is_scheduled=bool(is_scheduled),
            is_being_sent=owner is not None,
            attempts=int(attempts),
            profile=profile,
            message_id=str(message_id),
            size=int(size),
            reverse_path=f"<{sender or ''}>",
            recipients=tuple(map(str, recipients)),
            why=str(why),
        )
    except (TypeError, ValueError) as error:
        return QueueEntry(id=number, state=MailState.DAMAGED, recipients=tuple(map(str, recipients)), why=str(error))


def read_reports(database: sqlite3.Connection, number: int) -> list[str]:
    """What reports were asked for about a mail, as MAIL and RCPT say it; nothing where that can't be understood."""
    [demands] = database.execute("SELECT demands FROM mails WHERE id = ?", (number,)).fetchone()
    query = "SELECT DISTINCT notify FROM recipients WHERE mail = ? AND notify <> '' ORDER BY place"
    asked = [f"NOTIFY={notify}" for (notify,) in database.execute(query, (number,))]
    try:
        return [*report_parameters(_read_demands(demands)), *asked]
    except (ValueError, TypeError, KeyError):
        return asked


def read_claimed(database: sqlite3.Connection, number: int) -> Claimed:
    """A mail, to be dealt with. Raises ValueError, TypeError or `MailError` where its rows make no sense."""
    row = database.execute(
        "SELECT profile, way, created, attempts, reverse_path, demands, message_id, in_doubt"
        " FROM mails JOIN lanes ON lanes.id = lane WHERE mails.id = ?",
        (number,),
    ).fetchone()
    profile, way, created, attempts, sender, demands, message_id, in_doubt = row
    recipients = database.execute(
        "SELECT place, address, notify, original, refusal FROM recipients WHERE mail = ? ORDER BY place", (number,)
    ).fetchall()
    if not recipients:
        raise ValueError("it has no recipients")
    return Claimed(
        id=number,
        lane=Lane(profile, way),
        created=created,
        attempts=attempts,
        reverse_path=ReversePath(None if sender is None else _address(sender)),
        recipients=tuple(_recipient(*values) for values in recipients),
        demands=_read_demands(demands),
        message_id=message_id,
        in_doubt=InDoubt(in_doubt),
    )


def _address(text: str) -> AddrSpec:
    text.encode()  # damaged, it would raise UnicodeEncodeError wherever it is used
    local_part, _, domain = text.rpartition("@")
    if local_part and not local_part.startswith('"'):  # as it was parsed once
        return AddrSpec(local_part, domain)
    return parse_addr_spec(text)


def _recipient(place: int, address: str, notify: str, original: str | None, refusal: str | None) -> PendingRecipient:
    asked = tuple(Notify(word) for word in notify.split(",") if word)
    original = None if original is None else parse_original_recipient(original)
    recipient = Recipient(ForwardPath(_address(address)), asked, original)
    return PendingRecipient(place, recipient, None if refusal is None else read_outcome(refusal))


def write_outcome(outcome: RecipientOutcome) -> str:
    """An outcome as text."""
    said = [outcome.address, outcome.exit_code, outcome.code, str(outcome.enhanced or ""), outcome.text]
    return json.dumps([*said, outcome.action.value])


def read_outcome(text: str) -> RecipientOutcome:
    """The outcome that was written so; earlier versions wrote those of failures alone."""
    address, exit_code, code, enhanced, said, *action = json.loads(text)
    return RecipientOutcome(
        address, Action(*action or ["failed"]), ExitCode(exit_code), code, parse_enhanced_status_code(enhanced), said
    )


def journal(
    database: sqlite3.Connection,
    number: int,
    now: float,
    server: str,
    lines: Iterable[tuple[str, str, int | None, str]],
) -> None:
    """Write down what became of recipients of a mail: address, action, code and text of each."""
    row = database.execute(
        "SELECT message_id, profile, reverse_path, demands FROM mails JOIN lanes ON lanes.id = lane WHERE mails.id = ?",
        (number,),
    ).fetchone()
    message_id, profile, sender, demands = row
    known = (now, number, printable(message_id), profile, server, printable(sender or ""), _envid(demands))
    database.executemany(
        "INSERT INTO attempts (at, mail, message_id, profile, server, sender, envid, recipient, action, code, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*known, printable(address), *rest) for address, *rest in lines],
    )


def _envid(demands: str) -> str | None:
    try:
        envid = _read_demands(demands).envid
    except (ValueError, TypeError, KeyError):  # damaged
        return None
    return None if envid is None else printable(str(envid))


def journal_end(database: sqlite3.Connection, number: int, now: float, action: str, text: str = "") -> None:
    """Write down that a mail ended so for all who are still to get it."""
    rest = _rest(database, number)
    journal(database, number, now, "", [(address, action, None, text) for address in rest])


def _rest(database: sqlite3.Connection, number: int) -> list[str]:
    query = "SELECT address FROM recipients WHERE mail = ? AND refusal IS NULL ORDER BY place"
    return [address for (address,) in database.execute(query, (number,))]


def delete_mail(database: sqlite3.Connection, number: int) -> list[str]:
    """Delete a mail; gives the files that are to go once that is committed."""
    files = database.execute("SELECT file FROM mails WHERE id = ? AND file IS NOT NULL", (number,)).fetchall()
    for table, column in (("recipients", "mail"), ("contents", "mail"), ("mails", "id")):
        database.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608
    return [name for (name,) in files]


def lane_scope(lane: int) -> str:
    """Under which a lane pauses."""
    return f"lane:{lane}"


def account_scope(lane: int, profile: str | None) -> str:
    """Under which all that belongs to an account pauses: the profile's, or without one that of the lane."""
    return f"account:{lane}" if profile is None else f"profile:{profile}"


def forget_pauses(database: sqlite3.Connection, number: int) -> None:
    """Whatever kept the mail's way shut is tried anew."""
    row = database.execute(
        "SELECT lane, profile FROM mails JOIN lanes ON lanes.id = lane WHERE mails.id = ?", (number,)
    )
    for lane, profile in row.fetchall():
        scopes = (lane_scope(lane), account_scope(lane, profile))
        database.execute("DELETE FROM pauses WHERE scope IN (?, ?)", scopes)


def forget_idle_lanes(database: sqlite3.Connection) -> None:
    """Take away the lanes that no mail is on; their numbers are given anew, so their pauses go too."""
    for (lane,) in database.execute("SELECT id FROM lanes WHERE id NOT IN (SELECT lane FROM mails)").fetchall():
        database.execute("DELETE FROM pauses WHERE scope IN (?, ?)", (lane_scope(lane), account_scope(lane, None)))
        database.execute("DELETE FROM lanes WHERE id = ?", (lane,))


def alarm(database: sqlite3.Connection, number: int, why: str) -> None:
    """Have somebody told that the mail waits for a person."""
    database.execute("INSERT OR REPLACE INTO pauses VALUES (?, 0, 0, 1, ?, 0)", (f"mail:{number}", why))


def forget_alarm(database: sqlite3.Connection, number: int) -> None:
    """A person has seen to the mail: nobody need be told any more."""
    database.execute("DELETE FROM pauses WHERE scope = ?", (f"mail:{number}",))


def alarm_of_doubt(database: sqlite3.Connection, number: int) -> None:
    """Have somebody told that the mail is held, since it may have been delivered."""
    hint = f"sendmail-cli queue release {number} sends it again, queue delete {number} does not"
    alarm(database, number, f"mail {number} may have been delivered and is held: {hint}")


def free_mails_of(database: sqlite3.Connection, owner: str, now: float) -> None:
    """What a process that died had claimed is free again; what it was just sending is in doubt, and that is noted."""
    lost = database.execute("SELECT id, in_doubt FROM mails WHERE owner = ? AND in_flight", (owner,)).fetchall()
    for number, in_doubt in lost:
        text = "we ended before the server's reply came; the message may have been delivered"
        journal(
            database,
            number,
            now,
            "",
            [(address, Verdict.IN_DOUBT.value, None, text) for address in _rest(database, number)],
        )
        state = MailState.HELD if in_doubt == InDoubt.HOLD.value else MailState.WAITING
        why = f"{Verdict.IN_DOUBT.value}: {text}"
        database.execute("UPDATE mails SET state = ?, why = ? WHERE id = ?", (state.value, why, number))
        if state is MailState.HELD:
            alarm_of_doubt(database, number)
    database.execute("UPDATE mails SET owner = NULL, in_flight = 0 WHERE owner = ?", (owner,))


def refuse_rest(database: sqlite3.Connection, mail: Claimed, text: str) -> None:
    """Count everybody who is still to get the mail as refused, for that reason of ours."""
    for each in mail.recipients:
        if each.untold is None:
            outcome = RecipientOutcome(str(each.recipient.path.address), Action.FAILED, ExitCode.TEMPFAIL, text=text)
            database.execute(
                "UPDATE recipients SET refusal = ? WHERE mail = ? AND place = ?",
                (write_outcome(outcome), mail.id, each.place),
            )
