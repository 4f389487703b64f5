"""What an outcome means for a mail that can wait: done, given up, tried again, or no verdict on it at all."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.report import RecipientOutcome


class Verdict(Enum):
    """What becomes of a recipient."""

    SENT = "sent"
    REFUSED = "refused"  # for good: 5yz to MAIL, RCPT, DATA or the content, or the message can't be sent at all
    LATER = "delayed"  # counts as an attempt
    IN_DOUBT = "in doubt"  # the server may have taken it
    ACCOUNT = "paused"  # too much for the account just now; says nothing about the mail and is no attempt
    UNHEARD = "no session"  # no server was ready to hear of it: name, connection, TLS, greeting, sign-in, configuration


# Words of providers about what the account may send: Amazon, Microsoft, Google and others.
_ACCOUNT_WORDS = (
    "submissionquotaexceeded", "throttling failure", "throttled", "sending limit", "sending quota", "message quota",
    "rate limit exceeded", "sending rate",
)  # fmt: skip
_ACCOUNT_CODES = (432, 454)  # Exchange: concurrent connections; RFC 4954 §4.7.0, Amazon: throttling
_ACCOUNT_DETAILS = (
    (4, 5),  # Google: 550 5.4.5 Daily user sending limit exceeded
    (7, 28),  # Google: 421 4.7.28 an unusual rate of mail
    (1, 90),  # Microsoft: 550 5.1.90 your daily limit for message recipients
)


def verdict_on(outcome: RecipientOutcome, *, was_heard: bool) -> Verdict:
    """What `outcome` means; `was_heard` tells whether a session was ready for the mail."""
    if outcome.action is Action.RELAYED:
        return Verdict.SENT
    if outcome.is_in_doubt:
        return Verdict.IN_DOUBT
    if outcome.code is None:
        if outcome.exit_code is ExitCode.DATAERR:  # too large, say: it will not get smaller
            return Verdict.REFUSED
        return Verdict.LATER if was_heard else Verdict.UNHEARD
    if _is_about_account(outcome):
        return Verdict.ACCOUNT
    return Verdict.LATER if outcome.action is Action.DELAYED else Verdict.REFUSED


def _is_about_account(outcome: RecipientOutcome) -> bool:
    text = outcome.text.lower()
    return (
        outcome.code in _ACCOUNT_CODES
        or (outcome.enhanced is not None and outcome.enhanced[1:] in _ACCOUNT_DETAILS)
        or any(words in text for words in _ACCOUNT_WORDS)
    )
