"""What one process claims: for itself alone, as long as it lives and no longer; and what it tidies away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.queue.claims import Claims, Rest
from sendmail_cli.queue.contents import MAX_INLINE
from sendmail_cli.queue.entry import Lane, NewMail, Settled
from sendmail_cli.queue.journal import Wanted, attempts, find_earlier
from sendmail_cli.queue.place import CONTENTS
from sendmail_cli.queue.schedule import LONGEST_WAIT, Limit
from sendmail_cli.queue.spool import Spool
from sendmail_cli.queue.verdicts import Verdict
from sendmail_cli.report import outcome_by_reply
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.smtp.replies import Reply
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.queue.claims import DueLane
    from sendmail_cli.queue.entry import Claimed

DAY = 86400.0


@pytest.fixture
def clock(tmp_path: Path) -> Clockwork:
    return Clockwork(tmp_path)


@pytest.fixture
def spool(clock: Clockwork) -> Iterator[Spool]:
    with Spool(clock) as spool:
        yield spool


@pytest.fixture
def claims(spool: Spool) -> Iterator[Claims]:
    with Claims(spool) as claims:
        yield claims


LANE = Lane("work", "{}")


def add(spool: Spool, octets: bytes = b"x\r\n", *, lane: Lane = LANE, key: str | None = None) -> int:
    envelope = envelope_of(ReversePath(None), addresses(1))
    return spool.add(NewMail(envelope, Octets(octets), "<x>", lane, key=key)).id


def claimed(claims: Claims, limits: tuple[Limit, ...] = ()) -> tuple[DueLane, list[Claimed]]:
    (lane,) = claims.look()
    return lane, claims.claim(lane, limits, None)


def test_every_commit_is_on_the_disk(spool: Spool) -> None:
    """SQLite's own words for it: the journal and the file are synchronized, and no journal outlives its transaction."""
    with spool.reading() as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_who_goes_on_may_claim_it_again(spool: Spool, claims: Claims, clock: Clockwork) -> None:
    number = add(spool)
    _, (mail,) = claimed(claims)
    claims.conclude(mail, (), "server", Rest("later", 60.0))
    assert not spool.entry(number).is_being_sent
    clock.moment += 61
    _, again = claimed(claims)
    assert [each.id for each in again] == [number]


def test_what_was_not_tried_after_all_uses_up_no_limit(spool: Spool, claims: Claims) -> None:
    add(spool)
    limits = (Limit(1, DAY),)
    lane, mails = claimed(claims, limits)
    assert claims.seconds_until_room(lane, limits) == DAY
    claims.release(mails)
    assert claims.seconds_until_room(lane, limits) == 0
    assert [each.id for each in claimed(claims, limits)[1]] == [mail.id for mail in mails]


OTHERS = (Lane("work", '{"timeout": 9}'), Lane("home", "{}"), Lane(None, '{"server": "localhost"}'))


def test_what_is_too_much_for_an_account_rests_on_all_its_ways(spool: Spool, claims: Claims) -> None:
    for lane in (LANE, *OTHERS):
        add(spool, lane=lane)
    due = claims.look()
    assert [each.lane for each in due] == [LANE, *OTHERS]
    claims.pause(due[0], "too much", of_account=True)
    assert [each.lane for each in claims.look()] == list(OTHERS[1:])


def test_a_way_that_can_not_be_gone_rests_alone(spool: Spool, claims: Claims) -> None:
    for lane in (LANE, *OTHERS):
        add(spool, lane=lane)
    claims.pause(claims.look()[0], "nobody is there", of_account=False)
    assert [each.lane for each in claims.look()] == list(OTHERS)


@pytest.mark.parametrize("of_account", [True, False])
def test_who_wants_a_mail_tried_now_has_its_way_tried_too(spool: Spool, claims: Claims, *, of_account: bool) -> None:
    number = add(spool)
    claims.pause(claims.look()[0], "nobody is there", of_account=of_account)
    assert claims.look() == []
    spool.retry(number)
    assert [each.lane for each in claims.look()] == [LANE]


def test_what_nobody_knows_any_more_is_tidied_away(spool: Spool, claims: Claims) -> None:
    add(spool, b"x" * (MAX_INLINE + 1))
    folder = Path(spool.place.path(CONTENTS))
    known = os.listdir(folder)
    (folder / "left-by-a-kill").touch()
    claims.tidy(DAY)
    assert os.listdir(folder) == known


def test_a_large_content_goes_with_its_mail(spool: Spool, claims: Claims) -> None:
    folder = Path(spool.place.path(CONTENTS))
    large = b"x" * (MAX_INLINE + 1)
    spool.delete(add(spool, large))
    assert os.listdir(folder) == []

    add(spool, large)
    _, (mail,) = claimed(claims)
    reply = Reply(250, ("2.0.0 ok",))
    (each,) = mail.recipients
    address = str(each.recipient.path.address)
    sent = Settled(each.place, address, outcome_by_reply(address, reply, "DATA"), Verdict.SENT)
    claims.conclude(mail, (sent,), "server", Rest(""))
    assert os.listdir(folder) == []


def test_log_and_keys_are_kept_for_so_long(spool: Spool, claims: Claims, clock: Clockwork) -> None:
    for key in ("old", "new"):
        spool.delete(add(spool, key=key))
        for _ in range(int(DAY / LONGEST_WAIT)):
            clock.moment += LONGEST_WAIT
            claims.look()
    claims.tidy(1.5 * DAY)
    assert find_earlier(spool, "old") is None
    assert find_earlier(spool, "new") is not None
    assert len(list(attempts(spool, Wanted()))) == 1


def test_a_clock_that_leaps_deletes_nothing(spool: Spool, claims: Claims, clock: Clockwork) -> None:
    spool.delete(add(spool, key="k"))
    claims.look()
    clock.moment += 3650 * DAY
    claims.tidy(DAY)
    assert find_earlier(spool, "k") is not None
