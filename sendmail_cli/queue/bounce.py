"""What the sender gets of a mail that was given up: a report of RFC 3464, with the mail in it.

It goes to an mbox beside the spool, so nothing is lost; as a mail only to who asked for that, and never about what
wants no answer (RFC 3834 §2, RFC 3461 §4.1, RFC 5321 §6.1).
"""

from __future__ import annotations

import os

from sendmail_cli.errors import MailError
from sendmail_cli.message.bulk import is_bulk_field
from sendmail_cli.message.headers import address_field, fold, new_date, new_message_id
from sendmail_cli.message.raw_header import read_header
from sendmail_cli.printable import printable
from sendmail_cli.queue.place import sync_folder, writing
from sendmail_cli.smtp.envelope import Notify, Ret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.queue.entry import Claimed
    from sendmail_cli.report import RecipientOutcome

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


def bounce_of(
    mail: Claimed, refused: list[RecipientOutcome], octets: Source, environment: Environment, to: Mailbox | None
) -> Bounce:
    """The report on `refused` to `to`, or to nobody in particular; it brings back the mail, or what RET asked for."""
    domain = _domain(environment)
    boundary = f"=_{environment.random_bytes(16).hex()}"
    message_id = new_message_id(domain, environment)
    length = _length(mail, octets)
    is_7bit = all(chunk.isascii() for chunk in octets.chunks(CHUNK))
    kind = "message/rfc822" if length == octets.size else "text/rfc822-headers"
    whom = b"To: undisclosed-recipients:;\r\n" if to is None else address_field("To", (to,))
    header = [
        f"Date: {new_date(environment)}",
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>",
        whom.decode("ascii").removesuffix("\r\n"),
        "Subject: Undelivered mail returned to sender",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        *_sentences(refused),
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {domain}",
        *([f"Original-Envelope-Id: {mail.demands.envid}"] if mail.demands.envid else []),
        f"Arrival-Date: {_date(mail.created, environment)}",
        *(line for outcome in refused for line in _status(outcome, environment)),
        "",
        f"--{boundary}",
        f"Content-Type: {kind}",
        *([] if is_7bit else ["Content-Transfer-Encoding: 8bit"]),
        "",
        "",
    ]
    head = "\r\n".join(header).encode("ascii", "backslashreplace")
    return Bounce(head, octets, length, f"\r\n--{boundary}--\r\n".encode("ascii"), message_id, is_7bit)


def _length(mail: Claimed, octets: Source) -> int:
    """Octets of the mail that are brought back: all, but where its sender asked for the header alone."""
    if mail.demands.ret is not Ret.HEADERS:
        return octets.size
    try:
        return read_header(octets).body_start
    except MailError:
        return octets.size


def _sentences(refused: list[RecipientOutcome]) -> list[str]:
    lines = ["This mail could not be delivered to:", ""]
    for outcome in refused:
        lines += [f"  {outcome.address}", f"    {_said(outcome)}"]
    return lines


def _said(outcome: RecipientOutcome) -> str:
    said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
    return printable(said, MAX_DIAGNOSTIC)


def _status(outcome: RecipientOutcome, environment: Environment) -> Iterator[str]:
    """The fields about a recipient (RFC 3464 §2.3), after an empty line."""
    yield ""
    kind = "rfc822" if outcome.address.isascii() else "utf-8"  # RFC 6533 §3
    yield f"Final-Recipient: {kind}; {outcome.address}"
    yield "Action: failed"
    if outcome.enhanced is not None:
        yield f"Status: {outcome.enhanced}"
    else:
        yield f"Status: {_STATUS_FAILED if outcome.code is not None else _STATUS_EXPIRED}"
    if outcome.code is not None:
        words = [(" ", word) for word in f"smtp; {_said(outcome)}".encode("ascii", "backslashreplace").decode().split()]
        yield fold("Diagnostic-Code", words).decode("ascii").removesuffix("\r\n")
    yield f"Last-Attempt-Date: {new_date(environment)}"


def _date(moment: float, environment: Environment) -> str:
    from email.utils import formatdate

    return formatdate(moment, localtime=False) if moment else new_date(environment)


def _domain(environment: Environment) -> str:
    host = environment.hostname()
    return host if host.isascii() and host.replace(".", "").replace("-", "").isalnum() else "localhost.invalid"


def wants_report(mail: Claimed, refused: list[RecipientOutcome], octets: Source) -> bool:
    """False for a mail that is never answered: from nobody, made by a program, of a list, or with NOTIFY=NEVER."""
    if mail.reverse_path.address is None:
        return False
    addresses = {outcome.address for outcome in refused}
    given_up = [each.recipient for each in mail.recipients if str(each.recipient.path.address) in addresses]
    if all(Notify.NEVER in recipient.notify for recipient in given_up):
        return False
    try:
        fields = read_header(octets).fields
    except MailError:
        return False
    for field in fields:
        value = field.text.partition("(")[0].partition(";")[0].strip().lower()
        if is_bulk_field(field.name, field.text) or (field.name == "auto-submitted" and value != "no"):
            return False
    return True


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
                    _write(descriptor, octets)
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


def _write(descriptor: int, octets: bytes) -> None:
    at = 0
    while at < len(octets):
        at += os.write(descriptor, octets[at:])
