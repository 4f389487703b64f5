"""A submission on its way: which recipients are pending, in which transaction, and what became of the rest."""

from __future__ import annotations

from sendmail_cli.errors import CommandRefused, InternalError, NotOffered
from sendmail_cli.report import Report, outcome_by_error, outcome_by_reply, outcome_in_doubt
from sendmail_cli.smtp.envelope import Notify, fitting
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sendmail_cli.errors import MailError
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.smtp.capabilities import Limits
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.smtp.transaction import Transaction
    from sendmail_cli.submission import Content, Submission

MAX_RECIPIENTS = 1000  # of one transaction where the server names no limit; above it Postfix begins to count errors


class Job:
    """One submission, and what is known of its recipients, who go by their place in the envelope."""

    def __init__(
        self, submission: Submission, on_outcome: Callable[[int, RecipientOutcome], None] = lambda *_: None
    ) -> None:
        self.submission = submission
        self.was_heard = False  # a session was ready for it
        self.pending = list(range(len(submission.envelope.recipients)))  # without an outcome
        self.tried: set[int] = set()  # the servers that failed it, by place
        self.server = ""  # the last that it was given to
        self.error: MailError | None = None  # what ended the session, where that was no verdict
        self._outcomes: dict[int, RecipientOutcome] = {}
        self._on_outcome = on_outcome

    @property
    def is_known_of(self) -> bool:
        """True when somebody has an outcome."""
        return bool(self._outcomes)

    def report(self) -> Report:
        """What became of it."""
        outcomes = tuple([self._outcomes[index] for index in sorted(self._outcomes)])
        return Report(self.submission.message_id, self.server, outcomes, self.error, was_heard=self.was_heard)

    def note_replies(self, indices: Sequence[int], reply: Reply, verb: str, *, makes_reports: bool = True) -> None:
        """The reply that decides on these. Where the server makes no reports, those are due that were asked for."""
        for index in indices:
            wanted = self.submission.envelope.recipients[index].notify
            is_due = reply.is_positive and not makes_reports and Notify.SUCCESS in wanted
            outcome = outcome_by_reply(self._address(index), reply, verb)
            self._settle(index, outcome._replace(is_report_due=True) if is_due else outcome)

    def note_error(self, indices: Sequence[int], error: MailError | None) -> None:
        """These get nothing, for `error`."""
        for index in tuple(indices):
            why = error or InternalError("the session ended without a verdict")
            if not any(outcome.is_in_doubt for outcome in self._outcomes.values()):  # that matters more
                self.error = why
            self._settle(index, outcome_by_error(self._address(index), why))

    def note_doubt(self, indices: Sequence[int], error: MailError | None) -> None:
        """These may have got it; `error` None says that we were interrupted."""
        for index in tuple(indices):
            self.error = error
            self._settle(index, outcome_in_doubt(self._address(index), error))

    def batch(self, indices: Sequence[int], limits: Limits, *, is_lmtp: bool) -> tuple[int, ...]:
        """The first of `indices` that fit into one transaction. Raises `NotOffered` where all must and can't."""
        envelope = self.submission.envelope
        places = fitting([envelope.recipients[index] for index in indices], limits)
        if not envelope.demands.all_or_none:
            return tuple(indices[place] for place in places[:MAX_RECIPIENTS])
        if is_lmtp:
            raise NotOffered("--all-or-none can't be kept by LMTP: it decides for each recipient after the content")
        if len(places) < len(indices):
            count = f"{len(places)} of these {len(indices)}"
            raise NotOffered(
                f"--all-or-none can't be kept: the server takes {count} recipients at once",
                hint="Nothing was sent. Leave the option out, or send to fewer recipients.",
            )
        return tuple(indices)

    def _settle(self, index: int, outcome: RecipientOutcome) -> None:
        self._outcomes[index] = outcome
        self.pending.remove(index)
        self._on_outcome(index, outcome)

    def _address(self, index: int) -> str:
        return str(self.submission.envelope.recipients[index].path.address)


class Run(NamedTuple):
    """One transaction for some recipients of a job."""

    job: Job
    batch: tuple[int, ...]
    transaction: Transaction
    content: Content

    def left_over(self) -> list[int]:
        """The pending recipients that this transaction does not deal with."""
        if len(self.batch) == len(self.job.pending) and self.transaction.is_everyone_accepted:
            return []
        places = {index: place for place, index in enumerate(self.batch)}
        return [
            index for index in self.job.pending if index not in places or self.transaction.is_left_over(places[index])
        ]

    def note_verdicts(self) -> list[int]:
        """Note what the server decided; gives the recipients of whom it said nothing, or only that it closes."""
        transaction = self.transaction
        undecided = []
        for place, index in enumerate(self.batch):
            if transaction.is_left_over(place):
                continue
            verdict = transaction.verdict(place)
            if verdict is None or (verdict[0] is transaction.closing_reply and not transaction.is_end_sent):
                undecided.append(index)
            else:
                self.job.note_replies((index,), *verdict, makes_reports=transaction.makes_reports)
        return undecided

    def spared(self) -> MailError:
        """Why those who were accepted get nothing where somebody wasn't; the code is that of the refusal."""
        refusal = next(reply for reply in self.transaction.rcpt_replies if not reply.is_positive)
        exit_code = outcome_by_reply("", refusal, "RCPT").exit_code
        return CommandRefused("not sent, since others were refused (--all-or-none)", exit_code)
