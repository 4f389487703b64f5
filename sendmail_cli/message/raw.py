"""A ready message (RFC 5322) made fit for the wire: CR LF, no Bcc, a Date and a Message-ID; all else byte for byte.

Its header is held in memory, its body is read twice: once to measure and check it, once to send it.
"""

from __future__ import annotations

from sendmail_cli.errors import AddressError, DataError
from sendmail_cli.message.headers import address_field, new_date, new_message_id
from sendmail_cli.message.lines import Fault, LineCheck, with_line_feeds, wrong_end
from sendmail_cli.message.raw_header import Field, addressees_in, mailboxes_in, read_header, topmost_resent_block
from sendmail_cli.message.source import CHUNK, Source, read_stream
from sendmail_cli.message.spans import Coding, Span
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, NoReturn

    from sendmail_cli.addressees import LocalName
    from sendmail_cli.addresses import AddrSpec, Mailbox
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw_header import RawHeader
    from sendmail_cli.message.recode import Recoded

_SENDERS = ("sender", "from")
_RECIPIENTS = ("to", "cc", "bcc")
_HINT = "Name the recipients as arguments, and whom it is from with --envelope-from."


class RawMessage(NamedTuple):
    """A ready message. It is a `Content` (see `submission`)."""

    message_id: str  # as it stands in the header, or the one that was added; "" for none
    size: int  # octets, as sent
    is_7bit: bool
    has_utf8_header: bool
    pieces: tuple[bytes | Span, ...]  # as sent, in order; of `source`
    source: Source
    head: RawHeader  # as it was given
    sent: tuple[Field, ...]  # the fields that leave
    seal: str  # why nothing may be changed, as the end of a sentence, or ""

    @property
    def sender(self) -> AddrSpec | None:
        """Whom it is from: Sender, else the first of From; Resent-Sender, Resent-From where it is resent.

        None when the header names nobody. Raises `AddressError` for a field that can't be understood.
        """
        resent = topmost_resent_block(self.head.fields)
        for fields, prefix in ((resent, "resent-"), (self.head.fields, "")):
            for name in _SENDERS:
                found = _addresses(fields, (prefix + name,))
                if found:
                    return found[0]
        return None

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """Everybody in From, as it is sent. Raises `AddressError` for a field that can't be understood."""
        return mailboxes_in(self.sent, "from", _HINT)

    @property
    def recipients(self) -> tuple[Mailbox | LocalName, ...]:
        """Everybody in To, Cc and Bcc; where it is resent, in those of the topmost Resent block alone.

        A name without a domain (cron's “To: root”) is among them as it stands.

        Raises `AddressError` for a field that can't be understood.
        """
        resent = topmost_resent_block(self.head.fields)
        if resent:
            return _addressees(resent, tuple(f"resent-{name}" for name in _RECIPIENTS))
        return _addressees(self.head.fields, _RECIPIENTS)

    def as_7bit(self) -> RawMessage:
        """Itself when it is 7-bit, else encoded anew: see `recode`. Raises `DataError` where that can't be."""
        if self.is_7bit:
            return self
        if self.has_utf8_header:
            field = next(field for field in self.sent if not field.octets.isascii())
            raise DataError(
                f"line {field.line} of the message is a header field beyond ASCII, and the server doesn't take that "
                "(no SMTPUTF8, 5.6.7)",
                hint="Write it with encoded-words (RFC 2047), or send by a server with SMTPUTF8.",
            )
        try:
            recoded = _recoded(self)
        except DataError as error:
            raise _needs_8bitmime(error.sentence, error.hint) from None
        if recoded.line_of_8bit_header is not None:
            raise _needs_8bitmime(
                f"line {recoded.line_of_8bit_header} of the message, in the header of a part, holds 8-bit octets",
                "Write it with encoded-words (RFC 2047) or, in a parameter, as RFC 2231 says.",
            )
        return _with(self, recoded)

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning. Raises `InputOutputError` when the file has changed meanwhile."""
        waiting = b""
        for chunk in self._encoded():
            if waiting:
                yield waiting
            waiting = chunk
        yield waiting if waiting.endswith(b"\n") else waiting + b"\r\n"

    def _encoded(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece.chunks(self.source)


def _needs_8bitmime(sentence: str, hint: str) -> DataError:
    return DataError(f"the server takes 7-bit messages only (no 8BITMIME): {sentence}", hint=hint)


def _recoded(message: RawMessage) -> Recoded:
    from sendmail_cli.message.recode import recode

    head = message.head
    return recode(message.source, head.body_start, head.lines + 1, message.sent, message.seal)


def _with(message: RawMessage, recoded: Recoded) -> RawMessage:
    is_7bit = not message.has_utf8_header and recoded.line_of_8bit_header is None
    message = message._replace(pieces=(recoded.header + b"\r\n", *recoded.pieces), is_7bit=is_7bit)
    return message._replace(size=sum(map(len, message.chunks())))


def raw_message(octets: Source | IO[bytes], environment: Environment) -> RawMessage:
    """The message in `octets`, repaired where RFC 5322 and RFC 5321 demand it; a stream is read to its end first.

    A NUL in the body and lines over 998 octets are encoded (see `recode`). Raises `DataError` with the number of the
    line for what is no message or can't be sent; and what reading the source raises.
    """
    source = octets if isinstance(octets, Source) else read_stream(octets)
    head = read_header(source)
    return repaired_message(source, head, seen_fields(head) + missing_fields(head.fields, environment))


def resent_message(source: Source, block: tuple[Field, ...]) -> RawMessage:
    """The message in `source` below `block`, the Resent fields of who sends it on (RFC 5322 §3.6.6).

    It is not to look other than it came, so no field is added to it. Raises as `raw_message`.
    """
    head = read_header(source)
    return repaired_message(source, head, block + seen_fields(head))


def embedded_message(source: Source) -> RawMessage:
    """The message in `source` as the body of a message/rfc822, which must be 7-bit where all else is (RFC 2046 §5.2.1).

    Raises `DataError` where that can't be: it is no message, or signed, or its header is beyond ASCII.
    """
    hint = "Attach it as a file, which passes unchanged: --attach FILE."
    try:
        head = read_header(source)
        message = repaired_message(source, head, seen_fields(head))
        recoded = None if message.is_7bit or message.has_utf8_header else _recoded(message)
    except DataError as error:
        raise DataError(f"{source.label} can't be forwarded: {error.sentence}", hint=hint) from None
    line = recoded.line_of_8bit_header if recoded is not None else None
    if message.has_utf8_header:
        line = next(field.line for field in message.sent if not field.octets.isascii())
    if line is not None:
        raise DataError(f"{source.label} can't be forwarded: line {line}, in a header, is beyond ASCII", hint=hint)
    return message if recoded is None else _with(message, recoded)


def seen_fields(head: RawHeader) -> tuple[Field, ...]:
    """The fields that others may see."""
    return tuple(field for field in head.fields if not field.is_blind)


def repaired_message(source: Source, head: RawHeader, sent: tuple[Field, ...]) -> RawMessage:
    """The body of `source` below the fields `sent`, encoded where it must be. Raises as `raw_message`."""
    message, fault = _measured(source, head, sent)
    return message if fault is None else _with(message, _recoded(message))


def exact_message(octets: Source | IO[bytes]) -> RawMessage:
    """The message in `octets` without any change, not even what `raw_message` repairs.

    Raises `DataError` with the number of the line that would have to change: one that does not end in CR LF, has a NUL
    or over 998 octets; a Bcc, since it would tell everybody of the blind copies (RFC 5322 §7); and as `raw_message`.
    """
    source = octets if isinstance(octets, Source) else read_stream(octets)
    head = read_header(source)
    _refuse_repairs(source, head)
    message, fault = _measured(source, head, head.fields, seal="nothing may be changed (--no-fixup)")
    if fault is not None:
        _refuse_exact(fault)
    return message


def kept_message(source: Source, seal: str) -> RawMessage:
    """The message in `source` that left here once before and was kept: every field as it is, nothing added.

    `seal` is why nothing may be changed, as the end of a sentence, or "". Raises as `raw_message`.
    """
    head = read_header(source)
    return _measured(source, head, head.fields, seal)[0]


def authors_in(source: Source) -> tuple[Mailbox, ...]:
    """Everybody in the From of the message in `source`. Raises `DataError` for what is no message, `AddressError`."""
    return mailboxes_in(read_header(source).fields, "from", _HINT)


def authored(message: RawMessage, author: Mailbox) -> RawMessage:
    """`message` from `author` alone. Whom it was from is answered in place of that, but where it names others.

    Raises `DataError` where nothing may be changed, or a signature would break.
    """
    given = message.authors
    names = {field.name for field in message.sent}
    if [each.address for each in given] == [author.address] and "sender" not in names:
        return message
    if message.seal:
        raise DataError(f"the message is not from {author}, as force_from demands, and {message.seal}")
    signature = next((field for field in message.sent if field.name == "dkim-signature"), None)
    if signature is not None:
        raise DataError(
            f"the message is not from {author}, as force_from demands, and is signed (line {signature.line}), so that "
            "its From can't be changed",
            hint="Sign it after it was sent from that address, or send it by a profile without force_from.",
        )
    fields = [Field("from", address_field("From", (author,)), 0)]
    others = tuple(_as_read(each) for each in given if each.address != author.address)
    if others and "reply-to" not in names:
        fields.append(Field("reply-to", address_field("Reply-To", others), 0))
    place = next((place for place, field in enumerate(message.sent) if field.name == "from"), 0)
    kept = [field for field in message.sent[place:] if field.name not in {"from", "sender"}]
    before = [field for field in message.sent[:place] if field.name != "sender"]
    return repaired_message(message.source, message.head, (*before, *fields, *kept))


def _as_read(mailbox: Mailbox) -> Mailbox:
    """With its name as a reader sees it: it is encoded again when it is written."""
    if "=?" not in mailbox.name:
        return mailbox
    from sendmail_cli.message.decoded_words import shown_name

    return mailbox._replace(name=shown_name(mailbox.name))


def _measured(
    source: Source, head: RawHeader, sent: tuple[Field, ...], seal: str = ""
) -> tuple[RawMessage, Fault | None]:
    """The message with its body as it is, and what no server must take of that."""
    body = LineCheck(head.lines + 1)
    for chunk in with_line_feeds(source.chunks(CHUNK, head.body_start)):
        body.add(chunk)
    header = b"".join(field.octets for field in sent)
    whole = header + (b"\r\n" if head.is_ended else b"")
    message = RawMessage(
        message_id=next((printable(field.text.strip(" \t")) for field in sent if field.name == "message-id"), ""),
        size=len(whole) + body.size,
        is_7bit=header.isascii() and body.line_of_8bit is None,
        has_utf8_header=not header.isascii(),
        pieces=(whole, Span(head.body_start, source.size, Coding.LINES)),
        source=source,
        head=head,
        sent=sent,
        seal=seal,
    )
    return message, body.fault


def _refuse_repairs(source: Source, head: RawHeader) -> None:
    """Raises `DataError` for what `raw_message` would repair in a message."""
    fault = wrong_end(source.chunks())
    if fault is None and head.fields[0].line > 1:
        fault = Fault(1, "is the first line of an mbox and no header field")
    if fault is None:
        blind = next((field for field in head.fields if field.is_blind), None)
        fault = None if blind is None else Fault(blind.line, "names blind copies, whom every recipient would see")
    if fault is not None:
        _refuse_exact(fault)


def _refuse_exact(fault: Fault) -> NoReturn:
    raise DataError(
        f"line {fault.line} of the message {fault.what}; nothing may be changed (--no-fixup)",
        hint="Repair that line, or leave out --no-fixup.",
    )


def missing_fields(fields: tuple[Field, ...], environment: Environment) -> tuple[Field, ...]:
    """The fields that must be added (RFC 6409 §8.2, §8.3)."""
    names = {field.name for field in fields}
    added = []
    if "date" not in names:
        added.append(Field("date", f"Date: {new_date(environment)}\r\n".encode("ascii"), 0))
    if "message-id" not in names:
        message_id = new_message_id(_domain(fields, environment), environment)
        added.append(Field("message-id", f"Message-ID: {message_id}\r\n".encode("ascii"), 0))
    return tuple(added)


def _domain(fields: tuple[Field, ...], environment: Environment) -> str:
    try:
        authors = _addresses(fields, ("from",))
    except AddressError:  # whoever needs the sender will hear of it
        authors = ()
    if authors:
        return authors[0].domain
    host = environment.hostname()
    return host if host.isascii() and host.replace(".", "").replace("-", "").isalnum() else "localhost.invalid"


def _addresses(fields: tuple[Field, ...], names: tuple[str, ...]) -> tuple[AddrSpec, ...]:
    return tuple(mailbox.address for name in names for mailbox in mailboxes_in(fields, name, _HINT))


def _addressees(fields: tuple[Field, ...], names: tuple[str, ...]) -> tuple[Mailbox | LocalName, ...]:
    return tuple(person for name in names for person in addressees_in(fields, name, _HINT))
