"""What became of a message, for each recipient (the words of RFC 3464 §2.3.3), and the exit code that follows."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.status import ExitCode, exit_code_for_reply
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from sendmail_cli.errors import MailError
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.status import EnhancedStatusCode


class Action(Enum):
    """What was done for a recipient."""

    RELAYED = "relayed"  # the server has taken it over
    DELAYED = "delayed"  # not now; trying again may help
    FAILED = "failed"  # refused for good
    QUEUED = "queued"  # safe in the spool; a word of ours


class RecipientOutcome(NamedTuple):
    """What became of the message for one recipient."""

    address: str
    action: Action
    exit_code: ExitCode  # what this outcome alone would be
    code: int | None = None  # the reply that decided, None where no reply came to that
    enhanced: EnhancedStatusCode | None = None
    text: str = ""  # the reply's text, or our sentence; printable
    is_in_doubt: bool = False  # the server may have taken it all the same
    is_report_due: bool = False  # somebody wants to hear of this, and the server makes no reports (RFC 3461 §5.2.3)


class Report(NamedTuple):
    """What became of a message."""

    message_id: str
    server: str
    outcomes: tuple[RecipientOutcome, ...] = ()
    error: MailError | None = None  # what ended the session, where it was no verdict on a recipient
    profile: str | None = None
    kept_at: str | None = None  # the file in which the sandbox keeps it
    queue_id: int | None = None  # of the mail that waits for those who are QUEUED
    earlier: float | None = None  # seconds since the epoch: all this came of an earlier command with the same key
    was_heard: bool = False  # a session was ready for it; else nothing here is a verdict on the message

    @property
    def exit_code(self) -> ExitCode:
        """0: all got it, or it waits for them; 80: some; 81: the server may have it; else what speaks for all."""
        outcomes = self.outcomes
        if not outcomes:
            return self.error.exit_code if self.error is not None else ExitCode.OK
        if any(outcome.is_in_doubt for outcome in outcomes):
            return ExitCode.IN_DOUBT
        relayed = sum(outcome.action in {Action.RELAYED, Action.QUEUED} for outcome in outcomes)
        if relayed == len(outcomes):
            return ExitCode.OK
        return ExitCode.PARTIAL if relayed else _verdict(outcomes)

    @property
    def accepted(self) -> tuple[RecipientOutcome, ...]:
        """Those whom the server took it for."""
        return tuple(outcome for outcome in self.outcomes if outcome.action is Action.RELAYED)


def combined_exit_code(codes: AbstractSet[ExitCode], *, is_anybody_served: bool) -> ExitCode:
    """The code of several messages, by those of each: as for the recipients of one."""
    if ExitCode.IN_DOUBT in codes:
        return ExitCode.IN_DOUBT
    if codes <= {ExitCode.OK}:
        return ExitCode.OK
    if is_anybody_served:
        return ExitCode.PARTIAL
    if ExitCode.TEMPFAIL in codes:
        return ExitCode.TEMPFAIL
    return next(iter(codes)) if len(codes) == 1 else ExitCode.UNAVAILABLE


def _verdict(outcomes: tuple[RecipientOutcome, ...]) -> ExitCode:
    """One code for all when nobody got it: a retry helps (75) if it helps anybody, else what they agree on."""
    codes = {outcome.exit_code for outcome in outcomes}
    if any(outcome.action is Action.DELAYED for outcome in outcomes) and ExitCode.TEMPFAIL in codes:
        return ExitCode.TEMPFAIL
    return codes.pop() if len(codes) == 1 else ExitCode.UNAVAILABLE


def outcome_by_reply(address: str, reply: Reply, verb: str) -> RecipientOutcome:
    """What the server's reply to `verb` means for a recipient."""
    if reply.is_positive:
        action, exit_code = Action.RELAYED, ExitCode.OK
    else:
        action = Action.DELAYED if reply.is_transient else Action.FAILED
        exit_code = exit_code_for_reply(reply.code, reply.enhanced, verb)
    return RecipientOutcome(address, action, exit_code, reply.code, reply.enhanced, reply.text)


def outcome_by_error(address: str, error: MailError) -> RecipientOutcome:
    """What an error that came before any verdict means for a recipient."""
    action = Action.DELAYED if error.exit_code is ExitCode.TEMPFAIL else Action.FAILED
    return RecipientOutcome(address, action, error.exit_code, text=error.sentence)


def outcome_in_doubt(address: str, error: MailError | None) -> RecipientOutcome:
    """A recipient who may have got it; `error` None says that we were interrupted."""
    why = error.sentence if error is not None else "we were interrupted"
    text = f"{why}; the message was sent whole and may have been delivered"
    return RecipientOutcome(address, Action.DELAYED, ExitCode.IN_DOUBT, text=text, is_in_doubt=True)
