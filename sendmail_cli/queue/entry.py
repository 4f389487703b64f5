"""What the spool holds, as values: a mail that waits, its recipients, and what each attempt brought."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.smtp.envelope import Envelope
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.queue.verdicts import Verdict
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.smtp.envelope import Demands, Recipient, ReversePath
    from sendmail_cli.submission import Content


class MailState(Enum):
    """What is to be done with a mail."""

    WAITING = "waiting"  # it is tried when its time comes
    HELD = "held"  # until somebody releases it
    DAMAGED = "damaged"  # its row or its file can't be read; set aside


class InDoubt(Enum):
    """What to do with a mail that the server may have taken."""

    RESEND = "resend"
    HOLD = "hold"


class Lane(NamedTuple):
    """A way to a server. Mails of one lane share connections."""

    profile: str | None
    way: str  # how to get there, as the caller writes it; the spool only compares it


class NewMail(NamedTuple):
    """A mail to be taken over."""

    envelope: Envelope
    content: Content
    message_id: str
    lane: Lane
    seal: str = ""  # why nothing of the content may be changed, as the end of a sentence, or ""
    due: float | None = None  # seconds since the epoch; None: at once
    in_doubt: InDoubt = InDoubt.RESEND
    is_held: bool = False  # it is in doubt
    attempts: int = 0  # made already
    wait: float = 0.0  # seconds until the next, from now on; not where `due` says when
    why: str = ""  # what the last of them brought
    key: str | None = None  # of idempotency


class PendingRecipient(NamedTuple):
    """A recipient of whom something is still to be done."""

    place: int  # in the envelope that was queued
    recipient: Recipient
    untold: RecipientOutcome | None = None  # what became of it in the end, where the sender is still to be told that


class QueueEntry(NamedTuple):
    """A mail in the spool, as it is listed. Of one whose row is damaged little is known."""

    id: int
    state: MailState
    recipients: tuple[str, ...]  # who are still to get it
    why: str  # what the last attempt brought, or ""
    created: float = 0.0  # seconds since the epoch
    due: float = 0.0
    is_scheduled: bool = False  # `due` is a wish, not the end of a wait
    is_being_sent: bool = False
    attempts: int = 0
    profile: str | None = None
    message_id: str = ""
    size: int = 0  # octets
    reverse_path: str = ""  # as it goes on the wire


class Claimed(NamedTuple):
    """A mail that this process alone deals with, until it is released."""

    id: int
    lane: Lane
    created: float
    attempts: int
    reverse_path: ReversePath
    recipients: tuple[PendingRecipient, ...]
    demands: Demands
    message_id: str
    in_doubt: InDoubt

    @property
    def envelope(self) -> Envelope:
        """To all for whom something is still to be done."""
        return Envelope(self.reverse_path, tuple([each.recipient for each in self.recipients]), self.demands)

    @property
    def untold(self) -> list[RecipientOutcome]:
        """What the sender is still to be told."""
        return [each.untold for each in self.recipients if each.untold is not None]


class Attempt(NamedTuple):
    """What an attempt brought for one recipient: a line of the journal."""

    id: int
    at: float
    mail: int | None  # its queue id; None: it never was in the queue
    message_id: str
    profile: str | None
    server: str
    sender: str
    recipient: str
    action: str  # a `Verdict`'s value, or "queued", "expired", "deleted"
    code: int | None
    text: str
    envid: str | None = None


class Settled(NamedTuple):
    """What became of a recipient."""

    place: int
    address: str
    outcome: RecipientOutcome
    verdict: Verdict


class Pause(NamedTuple):
    """Why nothing goes a way, or from a profile, for the time being."""

    until: float  # seconds since the epoch
    since: float
    why: str


class Added(NamedTuple):
    """The outcome of queueing. Where the key was known, nothing was added."""

    id: int  # 0 for what was sent under the key without being queued
    is_new: bool


def addresses_of(recipients: tuple[PendingRecipient, ...]) -> tuple[AddrSpec, ...]:
    """Their addresses, in order."""
    return tuple(each.recipient.path.address for each in recipients)
