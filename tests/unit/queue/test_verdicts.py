"""What gives a mail up, and what says nothing about it."""

from __future__ import annotations

import pytest

from sendmail_cli.errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandRefused,
    ConfigError,
    ConnectionLost,
    HostNotFound,
    MailError,
    MessageTooLarge,
    NotOffered,
)
from sendmail_cli.queue.verdicts import Verdict, verdict_on
from sendmail_cli.report import outcome_by_error, outcome_by_reply, outcome_in_doubt
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.status import ExitCode


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (250, "2.0.0 ok", Verdict.SENT),
        (450, "4.2.0 greylisted", Verdict.LATER),
        (452, "4.2.2 mailbox full", Verdict.LATER),
        (421, "4.3.2 closing", Verdict.LATER),
        (550, "5.1.1 no such user", Verdict.REFUSED),
        (554, "5.7.1 spam", Verdict.REFUSED),
        (552, "5.2.2 the mailbox is over quota", Verdict.REFUSED),
        (454, "Throttling failure: Maximum sending rate exceeded.", Verdict.ACCOUNT),
        (454, "Throttling failure: Daily message quota exceeded.", Verdict.ACCOUNT),
        (550, "5.4.5 Daily user sending limit exceeded.", Verdict.ACCOUNT),
        (554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", Verdict.ACCOUNT),
        (432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Verdict.ACCOUNT),
        (550, "5.1.90 Your message can't be sent because you've reached your daily limit", Verdict.ACCOUNT),
        (421, "4.7.28 Gmail has detected an unusual rate of mail", Verdict.ACCOUNT),
    ],
)
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "CONTENT"])
def test_a_reply(code: int, text: str, verdict: Verdict, verb: str) -> None:
    outcome = outcome_by_reply("bob@example.org", Reply(code, (text,)), verb)

    assert verdict_on(outcome, was_heard=True) is verdict


@pytest.mark.parametrize(
    "error",
    [
        HostNotFound("no such name"),
        CertificateRejected("expired"),
        CommandRefused("the server turned us away", ExitCode.UNAVAILABLE, server_reply="554 no"),
        AuthenticationFailed("refused", ExitCode.NOPERM, server_reply="535 5.7.8 no"),
        ConfigError("no credential"),
        ConnectionLost("reset"),
        NotOffered("no STARTTLS"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_session_is_no_verdict_whatever_is_wrong(error: MailError) -> None:
    assert verdict_on(outcome_by_error("bob@example.org", error), was_heard=False) is Verdict.UNHEARD


def test_a_session_that_breaks_is_an_attempt() -> None:
    assert verdict_on(outcome_by_error("a@example.org", ConnectionLost("reset")), was_heard=True) is Verdict.LATER


def test_a_message_that_can_never_go_is_given_up() -> None:
    outcome = outcome_by_error("bob@example.org", MessageTooLarge("too large"))

    assert verdict_on(outcome, was_heard=True) is Verdict.REFUSED


def test_what_was_sent_whole_is_in_doubt() -> None:
    assert verdict_on(outcome_in_doubt("a@example.org", ConnectionLost("reset")), was_heard=True) is Verdict.IN_DOUBT
