"""The log, and keys that make a repeated command harmless: whatever happens under one, nobody gets a message twice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import TemporaryError
from sendmail_cli.queue import journal
from sendmail_cli.queue.entry import Lane, NewMail
from sendmail_cli.queue.journal import Earlier, KeyUse, Wanted, attempts, find_earlier, note_report, using_key
from sendmail_cli.queue.place import Owner
from sendmail_cli.queue.spool import Spool
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.status import ExitCode, parse_enhanced_status_code
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENT = RecipientOutcome(
    "bob@example.org", Action.RELAYED, ExitCode.OK, 250, parse_enhanced_status_code("2.0.0"), "kept \u201cas\u201d 7"
)
REFUSED = RecipientOutcome("eve@example.org", Action.FAILED, ExitCode.NOUSER, 550, None, "nobody")
IN_DOUBT = RecipientOutcome("joe@example.org", Action.DELAYED, ExitCode.IN_DOUBT, text="lost", is_in_doubt=True)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(Clockwork(tmp_path)) as spool:
        yield spool


def report(*outcomes: RecipientOutcome) -> Report:
    return Report("<1@example.org>", "mx.example.org:587", outcomes, profile="work", was_heard=True)


def send_under(spool: Spool, key: str, *outcomes: RecipientOutcome) -> None:
    with using_key(spool, key) as use:
        assert isinstance(use, KeyUse)
        use.end(report(*outcomes))


@pytest.mark.parametrize("page", [1, 2, 500])
def test_a_long_log_is_read_to_its_end(spool: Spool, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(journal, "PAGE", page)
    for number in range(4):
        here = SENT._replace(address=f"r{number}@example.org")
        note_report(spool, report(here, REFUSED), envelope_of(ReversePath(None), addresses(2)))
    names = [name for number in range(4) for name in (f"r{number}@example.org", "eve@example.org")]
    assert [each.recipient for each in attempts(spool, Wanted())] == names
    assert [each.action for each in attempts(spool, Wanted(to="EVE@"))] == ["refused"] * 4
    assert len(list(attempts(spool, Wanted(name="<1@example.org>")))) == 8
    assert list(attempts(spool, Wanted(name="<2@example.org>"))) == []


@pytest.mark.parametrize("outcomes", [(SENT,), (SENT, REFUSED), (IN_DOUBT,), (SENT, IN_DOUBT)])
def test_what_was_done_is_told_as_it_was(spool: Spool, outcomes: tuple[RecipientOutcome, ...]) -> None:
    began = spool.environment.now()
    send_under(spool, "k", *outcomes)
    spool.environment.sleep(60)
    for _ in range(2):
        with using_key(spool, "k") as earlier:
            assert isinstance(earlier, Earlier)
            assert earlier.at == began
            assert earlier.report.outcomes == outcomes
            assert earlier.report.exit_code == report(*outcomes).exit_code
            assert earlier.report[:2] == report()[:2]


def test_a_key_under_which_nobody_got_anything_is_free(spool: Spool) -> None:
    send_under(spool, "k", REFUSED)
    assert find_earlier(spool, "k") is None
    send_under(spool, "k", SENT)


def test_a_key_under_which_an_error_came_is_free(spool: Spool) -> None:
    with pytest.raises(KeyboardInterrupt), using_key(spool, "k"):
        raise KeyboardInterrupt
    assert find_earlier(spool, "k") is None


def test_one_that_is_in_use_is_for_later(spool: Spool) -> None:
    with using_key(spool, "k"), Spool(spool.environment) as other:
        with pytest.raises(TemporaryError, match="just now by another process"), using_key(other, "k"):
            pytest.fail("it would be sent twice")
        with using_key(other, "another") as use:
            assert isinstance(use, KeyUse)


def test_who_was_killed_may_have_sent_it(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel closes the files, and nothing else happens."""
    monkeypatch.setattr(Owner, "end", lambda owner: os.close(owner._descriptor))
    with using_key(spool, "k") as use:
        assert isinstance(use, KeyUse)
    with using_key(spool, "k") as earlier:
        assert isinstance(earlier, Earlier)
    assert earlier.report.exit_code is ExitCode.IN_DOUBT
    assert "may have been delivered" in earlier.report.outcomes[0].text


def test_what_waits_is_told_as_it_is_by_now(spool: Spool) -> None:
    whom = addresses(2)
    mail = NewMail(
        envelope_of(ReversePath(None), whom), Octets(b"x\r\n"), "<2@example.org>", Lane("work", "{}"), key="k"
    )
    number = spool.add(mail).id
    assert not spool.add(mail).is_new

    first = find_earlier(spool, "k")
    assert first is not None
    assert [each.action for each in first.report.outcomes] == [Action.QUEUED] * 2
    assert (first.report.queue_id, first.report.exit_code) == (number, ExitCode.OK)

    spool.delete(number)
    then = find_earlier(spool, "k")
    assert then is not None
    assert [each.action for each in then.report.outcomes] == [Action.FAILED] * 2
