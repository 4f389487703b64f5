"""The spool against a model of it: whatever is added, claimed, noted, killed, held, released or deleted, in any order.

A mail is in one place: in the spool, or ended once, as sent, refused, expired or deleted. The model is a dict.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from sendmail_cli.errors import UsageError
from sendmail_cli.queue.claims import Claims, Rest
from sendmail_cli.queue.entry import InDoubt, Lane, MailState, NewMail, Settled
from sendmail_cli.queue.journal import Wanted, attempts
from sendmail_cli.queue.place import CONTENTS, OWNERS
from sendmail_cli.queue.schedule import LIFETIME, LONGEST_STEP
from sendmail_cli.queue.spool import Spool
from sendmail_cli.queue.verdicts import Verdict
from sendmail_cli.report import outcome_by_reply
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.smtp.replies import Reply
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from sendmail_cli.queue.entry import Claimed

LANES = (Lane("work", "{}"), Lane(None, '{"server": "example.org"}'))
REPLIES = {
    Verdict.SENT: Reply(250, ("2.0.0 ok",)),
    Verdict.REFUSED: Reply(550, ("5.1.1 nobody",)),
    Verdict.LATER: Reply(450, ("4.2.0 later",)),
}


@dataclass
class Known:
    """What the model knows of a mail."""

    lane: int
    octets: bytes
    pending: set[str]
    in_doubt: InDoubt
    is_held: bool = False
    wanted_at: float = 0.0
    owner: int | None = None
    is_marked: bool = False
    ended: dict[str, str] = field(default_factory=dict)


class SpoolMachine(RuleBasedStateMachine):
    """Two runners and a user."""

    mails = Bundle("mails")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clockwork(self.folder)
        self.spool = Spool(self.clock)
        self.runners = [Claims(self.spool), Claims(self.spool)]
        self.held_mails: list[dict[int, Claimed]] = [{}, {}]
        self.known: dict[int, Known] = {}
        self.ended: dict[int, Known] = {}

    def teardown(self) -> None:
        self.spool.close()
        shutil.rmtree(self.folder)

    @rule(
        target=mails,
        lane=st.sampled_from([0, 1]),
        count=st.integers(1, 3),
        size=st.sampled_from([1, 100, 70_000]),
        in_doubt=st.sampled_from(InDoubt),
        later=st.sampled_from([None, 600.0]),
    )
    def add(self, lane: int, count: int, size: int, in_doubt: InDoubt, later: float | None) -> int:
        octets = self.clock.random_bytes(4) * (size // 4) + b"\r\n"
        whom = addresses(count)
        due = None if later is None else self.clock.now() + later
        envelope = envelope_of(ReversePath(None), whom)
        number = self.spool.add(NewMail(envelope, Octets(octets), "<x>", LANES[lane], due=due, in_doubt=in_doubt)).id
        assert number not in self.known
        self.known[number] = Known(lane, octets, {str(each) for each in whom}, in_doubt, wanted_at=due or 0.0)
        return number

    @rule(who=st.sampled_from([0, 1]), lane=st.sampled_from([0, 1]))
    def claim(self, who: int, lane: int) -> None:
        for due in self.runners[who].look():
            if due.lane == LANES[lane]:
                for mail in self.runners[who].claim(due, (), None):
                    known = self.known[mail.id]
                    assert known.owner is None, "two runners have it"
                    assert not known.is_held
                    assert known.lane == lane
                    known.owner = who
                    self.held_mails[who][mail.id] = mail
                    read = b"".join(self.runners[who].content(mail).chunks())
                    assert read == known.octets

    def taken(self, who: int, data: st.DataObject) -> tuple[Claimed, Known] | None:
        if not self.held_mails[who]:
            return None
        number = data.draw(st.sampled_from(sorted(self.held_mails[who])))
        return self.held_mails[who][number], self.known[number]

    @rule(who=st.sampled_from([0, 1]), data=st.data())
    def mark(self, who: int, data: st.DataObject) -> None:
        if (found := self.taken(who, data)) is not None:
            mail, known = found
            self.runners[who].mark(mail, (), "server")
            known.is_marked = True

    @rule(who=st.sampled_from([0, 1]), data=st.data())
    def note(self, who: int, data: st.DataObject) -> None:
        if (found := self.taken(who, data)) is None:
            return
        mail, known = found
        settled: list[Settled] = []
        waits = False
        for each in mail.recipients:
            address = str(each.recipient.path.address)
            if address not in known.pending:
                continue
            verdict = data.draw(st.sampled_from(sorted(REPLIES, key=str)))
            outcome = outcome_by_reply(address, REPLIES[verdict], "RCPT")
            is_report_due = verdict is Verdict.SENT and data.draw(st.booleans())
            settled.append(Settled(each.place, address, outcome._replace(is_report_due=is_report_due), verdict))
            waits |= verdict is Verdict.LATER
            if verdict is not Verdict.LATER:
                known.ended[address] = verdict.value
                known.pending.discard(address)
        untold = self.runners[who].conclude(mail, settled, "server", Rest("why", 60.0 if waits else None))
        expected = {
            it.address: it.outcome.action for it in settled if it.verdict is Verdict.REFUSED or it.outcome.is_report_due
        }
        assert {each.address: each.action for each in untold} == expected
        if untold:
            self.runners[who].told(mail)
        self.let_go(who, mail.id)

    def let_go(self, who: int, number: int) -> None:
        del self.held_mails[who][number]
        known = self.known[number]
        known.owner, known.is_marked = None, False
        if not known.pending:
            self.ended[number] = self.known.pop(number)

    @rule(who=st.sampled_from([0, 1]))
    def crash(self, who: int) -> None:
        """SIGKILL: the kernel closes the files, and nothing is said. The next one is another process."""
        os.close(self.runners[who]._owner._descriptor)
        for number in self.held_mails[who]:
            known = self.known[number]
            if known.is_marked and known.in_doubt is InDoubt.HOLD:
                known.is_held = True
            known.owner, known.is_marked = None, False
        self.held_mails[who] = {}
        self.runners[who] = Claims(self.spool)
        self.runners[who].look()

    @rule(number=mails)
    def hold(self, number: int) -> None:
        if self.is_free(number):
            self.spool.hold(number)
            self.known[number].is_held = True
        else:
            self.refused(self.spool.hold, number)

    @rule(number=mails)
    def release(self, number: int) -> None:
        if self.is_free(number):
            self.spool.release(number)
            self.known[number].is_held = False
        else:
            self.refused(self.spool.release, number)

    @rule(number=mails)
    def retry(self, number: int) -> None:
        if self.is_free(number):
            self.spool.retry(number)
            self.known[number].is_held, self.known[number].wanted_at = False, 0.0
        else:
            self.refused(self.spool.retry, number)

    @rule(number=consumes(mails))
    def delete(self, number: int) -> None:
        if self.is_free(number):
            self.spool.delete(number)
            known = self.known.pop(number)
            known.ended |= dict.fromkeys(known.pending, "deleted")
            self.ended[number] = known
        else:
            self.refused(self.spool.delete, number)

    def is_free(self, number: int) -> bool:
        return number in self.known and self.known[number].owner is None

    def refused(self, act: object, number: int) -> None:
        with pytest.raises(UsageError):
            act(number)  # type: ignore[operator]

    @rule(seconds=st.sampled_from([1.0, 61.0, 7200.0, -7200.0, 1e8, -1e8]))
    def pass_time(self, seconds: float) -> None:
        self.clock.moment = max(1e9, self.clock.moment + seconds)

    @precondition(lambda self: any(not it.is_held and it.owner is None for it in self.known.values()))
    @rule()
    def expire(self) -> None:
        """Five days in which somebody looks: what was free and is due has begun to age, and is given up."""
        steps = int(LIFETIME / LONGEST_STEP) + 2
        for _ in range(steps):
            self.clock.moment += LONGEST_STEP
            self.runners[0].look()
        for mail in self.runners[0].give_up():
            known = self.known.pop(mail.id)
            assert known.owner is None
            assert not known.is_held
            assert {str(each.recipient.path.address) for each in mail.recipients} == known.pending
            known.ended |= dict.fromkeys(known.pending, "expired")
            self.ended[mail.id] = known
            self.runners[0].told(mail)
        now = self.clock.now()
        assert all(it.is_held or it.owner is not None or it.wanted_at > now for it in self.known.values())

    @rule()
    def tidy(self) -> None:
        self.runners[0].tidy(float("inf"))
        large = sum(len(known.octets) > 65536 for known in self.known.values())
        assert len(list((Path(self.spool.place.folder) / CONTENTS).iterdir())) == large
        assert len(list((Path(self.spool.place.folder) / OWNERS).iterdir())) == 2

    @invariant()
    def the_list_is_what_is_known(self) -> None:
        listed = {entry.id: entry for entry in self.spool.entries()}
        assert set(listed) == set(self.known)
        for number, known in self.known.items():
            assert set(listed[number].recipients) == known.pending
            assert (listed[number].state is MailState.HELD) == known.is_held
            assert listed[number].is_being_sent == (known.owner is not None)

    @invariant()
    def the_journal_has_each_end_once(self) -> None:
        ends: dict[int, list[tuple[str, str]]] = {}
        for each in attempts(self.spool, Wanted()):
            if each.action not in {"delayed", "in doubt"}:
                ends.setdefault(each.mail or 0, []).append((each.recipient, each.action))
        for number, known in (self.known | self.ended).items():
            assert sorted(ends.get(number, [])) == sorted(known.ended.items())


SpoolMachine.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
TestSpool = SpoolMachine.TestCase
