"""One exit code from the outcomes of all recipients."""

import pytest

from sendmail_cli.errors import ConnectFailed, MailError
from sendmail_cli.report import Action, RecipientOutcome, Report, combined_exit_code
from sendmail_cli.status import ExitCode

GOT_IT = RecipientOutcome("a@example.net", Action.RELAYED, ExitCode.OK)
DELAYED = RecipientOutcome("b@example.net", Action.DELAYED, ExitCode.TEMPFAIL)
UNKNOWN = RecipientOutcome("c@example.net", Action.FAILED, ExitCode.NOUSER)
FORBIDDEN = RecipientOutcome("d@example.net", Action.FAILED, ExitCode.NOPERM)
IN_DOUBT = RecipientOutcome("e@example.net", Action.DELAYED, ExitCode.IN_DOUBT, is_in_doubt=True)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((GOT_IT,), ExitCode.OK),
        ((GOT_IT, GOT_IT), ExitCode.OK),
        ((GOT_IT, UNKNOWN), ExitCode.PARTIAL),
        ((GOT_IT, DELAYED), ExitCode.PARTIAL),  # never 75: a caller's retry would send twice
        ((DELAYED,), ExitCode.TEMPFAIL),
        ((DELAYED, UNKNOWN), ExitCode.TEMPFAIL),
        ((UNKNOWN, UNKNOWN), ExitCode.NOUSER),
        ((UNKNOWN, FORBIDDEN), ExitCode.UNAVAILABLE),
        ((IN_DOUBT,), ExitCode.IN_DOUBT),
        ((IN_DOUBT, UNKNOWN), ExitCode.IN_DOUBT),
        ((IN_DOUBT, DELAYED), ExitCode.IN_DOUBT),
    ],
)
def test_trap10_duty11_exit_code(outcomes: tuple[RecipientOutcome, ...], expected: ExitCode) -> None:
    assert Report("<1@x>", "mx:25", outcomes).exit_code is expected


@pytest.mark.parametrize(("error", "expected"), [(None, ExitCode.OK), (ConnectFailed("no"), ExitCode.TEMPFAIL)])
def test_without_recipients_the_error_decides(error: MailError | None, expected: ExitCode) -> None:
    assert Report("<1@x>", "mx:25", (), error).exit_code is expected


def test_an_error_after_acceptance_leaves_the_code_alone() -> None:
    assert Report("<1@x>", "mx:25", (GOT_IT,), ConnectFailed("no")).exit_code is ExitCode.OK


def test_accepted_are_those_who_got_it() -> None:
    assert Report("<1@x>", "mx:25", (GOT_IT, DELAYED, UNKNOWN, IN_DOUBT)).accepted == (GOT_IT,)


@pytest.mark.parametrize(
    ("codes", "is_anybody_served", "expected"),
    [
        (set(), False, 0),
        ({0}, True, 0),
        ({0, 65}, True, 80),
        ({80}, True, 80),
        ({0, 81, 65}, True, 81),
        ({65, 75}, False, 75),
        ({67}, False, 67),
        ({65, 67}, False, 69),
    ],
)
def test_one_code_for_several_messages(codes: set[int], *, is_anybody_served: bool, expected: int) -> None:
    assert combined_exit_code(set(map(ExitCode, codes)), is_anybody_served=is_anybody_served) == expected
