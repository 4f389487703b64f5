"""What the sender gets of a mail that was given up: a report of RFC 3464, with the mail in it. And of one that went to
a server that makes no reports, where he wanted to hear that it arrived (RFC 3461 §5.2.3).

They go to an mbox beside the spool, so nothing is lost; as a mail only to who asked for that, and never about what
wants no answer (RFC 3834 §2, RFC 3461 §4.1, RFC 5321 §6.1).
"""

from __future__ import annotations

import os

from sendmail_cli.errors import MailError
from sendmail_cli.message.bulk import is_bulk_field
from sendmail_cli.message.headers import address_field, fold, new_date, new_message_id
from sendmail_cli.message.raw_header import read_header
from sendmail_cli.octets import write_all
from sendmail_cli.printable import printable
from sendmail_cli.queue.entry import NewMail
from sendmail_cli.queue.place import sync_folder, writing
from sendmail_cli.report import Action
from sendmail_cli.smtp.envelope import Notify, Ret, ReversePath, envelope_of
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple
from sendmail_cli.xtext import embedded, original_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.queue.entry import Lane
    from sendmail_cli.queue.spool import Spool
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.smtp.envelope import Envelope

MAX_DIAGNOSTIC = 700  # characters of a server's text
CHUNK = 64 * 1024  # octets

_STATUS_EXPIRED = "4.4.7"  # RFC 3463: delivery time expired
_STATUS_FAILED = "5.0.0"


class Bounce(NamedTuple):
    """A report on a mail, itself a message. It is a `Content` (see `submission`)."""

    head: bytes
    mail: Source
    length: int  # octets of the mail that it brings back
    tail: bytes
    message_id: str
    is_7bit: bool
    has_utf8_header: bool = False

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.head) + self.length + len(self.tail)

    def as_7bit(self) -> Bounce:
        """A report that brings back nothing of the mail's 8-bit octets: its text says all that it has to."""
        return self if self.is_7bit else self._replace(length=0, is_7bit=True)

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning."""
        yield self.head
        left = self.length
        for chunk in self.mail.chunks(CHUNK):
            if left:
                yield chunk[:left]
                left -= min(left, len(chunk))
        yield self.tail


class Reported(NamedTuple):
    """The mail that a report is about."""

    envelope: Envelope
    octets: Source
    created: float  # seconds since the epoch


class _Kind(NamedTuple):
    subject: str
    sentence: str
    status: str  # where no server said one


_KINDS = {
    Action.FAILED: _Kind("Undelivered mail returned to sender", "This mail could not be delivered to:", _STATUS_FAILED),
    Action.RELAYED: _Kind(
        "Mail handed on to a server that makes no reports",
        "This mail was taken by a server that makes no reports, so nobody will tell how it went on with it to:",
        "2.0.0",
    ),
}


def report(
    spool: Spool, mail: Reported, outcomes: Sequence[RecipientOutcome], to: Mailbox | None, lane: Callable[[], Lane]
) -> None:
    """Have the sender hear of `outcomes`: in the mbox for each kind, and by a mail to `to` that goes by `lane`.

    Raises `SpoolError`.
    """
    environment = spool.environment
    for action, path in ((Action.FAILED, spool.undelivered), (Action.RELAYED, spool.relayed)):
        told = [outcome for outcome in outcomes if outcome.action is action]
        if not told:
            continue
        append_to_mbox(path, report_on(mail, told, environment, to), environment.now())
        if to is not None and (told := wanted(mail, told)):
            bounce = report_on(mail, told, environment, to)
            spool.add(NewMail(envelope_of(ReversePath(None), (to.address,)), bounce, bounce.message_id, lane()))


def report_on(mail: Reported, outcomes: list[RecipientOutcome], environment: Environment, to: Mailbox | None) -> Bounce:
    """The report on `outcomes`, all failures or all of mail that was handed on, to `to` or to nobody in particular.

    It brings back the mail, or its header where that is asked for by RET, or nothing was lost.
    """
    domain = _domain(environment)
    boundary = f"=_{environment.random_bytes(16).hex()}"
    message_id = new_message_id(domain, environment)
    length = _length(mail, outcomes[0].action)
    is_7bit = _is_7bit(mail.octets, length)
    kind = "message/rfc822" if length == mail.octets.size else "text/rfc822-headers"
    whom = b"To: undisclosed-recipients:;\r\n" if to is None else address_field("To", (to,))
    envid = mail.envelope.demands.envid
    header = [
        f"Date: {new_date(environment)}",
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>",
        whom.decode("ascii").removesuffix("\r\n"),
        f"Subject: {_KINDS[outcomes[0].action].subject}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        *_sentences(outcomes),
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        *([f"Original-Envelope-Id: {envid}"] if envid else []),
        f"Reporting-MTA: dns; {domain}",
        f"Arrival-Date: {_date(mail.created, environment)}",
        *_statuses(mail, outcomes, environment),
        "",
        f"--{boundary}",
        f"Content-Type: {kind}",
        *([] if is_7bit else ["Content-Transfer-Encoding: 8bit"]),
        "",
        "",
    ]
    head = "\r\n".join(header).encode("ascii", "backslashreplace")
    return Bounce(head, mail.octets, length, f"\r\n--{boundary}--\r\n".encode("ascii"), message_id, is_7bit)


def _length(mail: Reported, action: Action) -> int:
    """Octets of the mail that are brought back: all, but where its header does."""
    if action is Action.FAILED and mail.envelope.demands.ret is not Ret.HEADERS:
        return mail.octets.size
    try:
        return read_header(mail.octets).body_start
    except MailError:
        return mail.octets.size


def _is_7bit(octets: Source, length: int) -> bool:
    for chunk in octets.chunks(CHUNK):
        if not chunk[:length].isascii():
            return False
        length -= len(chunk)
        if length <= 0:
            break
    return True


def _sentences(outcomes: list[RecipientOutcome]) -> list[str]:
    lines = [_KINDS[outcomes[0].action].sentence, ""]
    for outcome in outcomes:
        lines += [f"  {outcome.address}", f"    {_said(outcome)}"]
    return lines


def _said(outcome: RecipientOutcome) -> str:
    said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
    return printable(said, MAX_DIAGNOSTIC)


def _statuses(mail: Reported, outcomes: list[RecipientOutcome], environment: Environment) -> Iterator[str]:
    """The fields about each recipient (RFC 3464 §2.3), after an empty line."""
    originals = {str(each.path.address): each.original for each in mail.envelope.recipients}
    for outcome in outcomes:
        yield ""
        original = originals.get(outcome.address)
        if original is not None:
            yield f"Original-Recipient: {original_field(original)}"
        is_ascii = outcome.address.isascii()
        yield f"Final-Recipient: {f'rfc822; {outcome.address}' if is_ascii else f'utf-8; {embedded(outcome.address)}'}"
        yield f"Action: {outcome.action.value}"
        yield f"Status: {_status(outcome)}"
        if outcome.code is not None:
            said = f"smtp; {_said(outcome)}".encode("ascii", "backslashreplace").decode()
            field = fold("Diagnostic-Code", [(" ", word) for word in said.split()])
            yield field.decode("ascii").removesuffix("\r\n")
        yield f"Last-Attempt-Date: {new_date(environment)}"


def _status(outcome: RecipientOutcome) -> str:
    if outcome.enhanced is not None:
        return str(outcome.enhanced)
    is_expired = outcome.code is None and outcome.exit_code is ExitCode.TEMPFAIL
    return _STATUS_EXPIRED if is_expired else _KINDS[outcome.action].status


def _date(moment: float, environment: Environment) -> str:
    from email.utils import formatdate

    return formatdate(moment, localtime=False) if moment else new_date(environment)


def _domain(environment: Environment) -> str:
    host = environment.hostname()
    return host if host.isascii() and host.replace(".", "").replace("-", "").isalnum() else "localhost.invalid"


def wanted(mail: Reported, outcomes: list[RecipientOutcome]) -> list[RecipientOutcome]:
    """Those of which the sender wants to hear by mail: none where the mail is from nobody, a program's or a list's.

    NOTIFY says it of each recipient; a failure is told where it says nothing (RFC 3461 §4.1).
    """
    if mail.envelope.reverse_path.address is None or _wants_no_answer(mail.octets):
        return []
    notify = {str(each.path.address): each.notify for each in mail.envelope.recipients}
    word = {Action.FAILED: Notify.FAILURE, Action.RELAYED: Notify.SUCCESS}
    return [each for each in outcomes if word[each.action] in (notify.get(each.address) or (Notify.FAILURE,))]


def _wants_no_answer(octets: Source) -> bool:
    try:
        fields = read_header(octets).fields
    except MailError:
        return True
    for field in fields:
        value = field.text.partition("(")[0].partition(";")[0].strip().lower()
        if is_bulk_field(field.name, field.text) or (field.name == "auto-submitted" and value != "no"):
            return True
    return False


def append_to_mbox(path: str, bounce: Bounce, now: float) -> None:
    """Add the report to the mbox, safe on disk; it is whole there or not at all. Raises `SpoolError`."""
    import fcntl
    from time import asctime, gmtime

    folder = os.path.dirname(path)
    with writing(folder):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.fstat(descriptor).st_size
            try:
                for octets in _as_mbox(bounce, f"From MAILER-DAEMON {asctime(gmtime(now))}\n".encode("ascii")):
                    write_all(descriptor, octets)
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, before)
                raise
            sync_folder(folder)
        finally:
            os.close(descriptor)


def _as_mbox(bounce: Bounce, first: bytes) -> Iterator[bytes]:
    """In line feeds alone, with “From ” at the start of a line quoted (mboxrd)."""
    yield first
    held = b""
    for chunk in bounce.chunks():
        lines = (held + chunk).split(b"\n")
        held = lines.pop()
        yield b"".join(_quoted(line.removesuffix(b"\r")) + b"\n" for line in lines)
    yield _quoted(held) + b"\n" if held else b"\n"


def _quoted(line: bytes) -> bytes:
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line
