"""A ready message (RFC 5322) made fit for the wire: CR LF, no Bcc, a Date and a Message-ID; all else byte for byte.

Its header is held in memory, its body is read twice: once to measure and check it, once to send it.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple, NoReturn

from sendmail_cli.addresses import mailboxes_of, parse_address_list
from sendmail_cli.errors import AddressError, DataError
from sendmail_cli.message.headers import MAX_LINE, new_date, new_message_id
from sendmail_cli.message.raw_header import read_header, topmost_resent_block
from sendmail_cli.message.source import CHUNK, Source, read_stream
from sendmail_cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw_header import Field

_SENDERS = ("sender", "from")
_RECIPIENTS = ("to", "cc", "bcc")


class RawMessage(NamedTuple):
    """A ready message. It is a `Content` (see `submission`)."""

    message_id: str  # as it stands in the header, or the one that was added
    size: int  # octets, as sent
    is_7bit: bool
    has_utf8_header: bool
    header: bytes  # with the empty line after it
    source: Source
    body_start: int  # octets into `source`
    fields: tuple[Field, ...]  # as they were given, Bcc among them

    @property
    def sender(self) -> AddrSpec | None:
        """Whom it is from: Sender, else the first of From; Resent-Sender, Resent-From where it is resent.

        None when the header names nobody. Raises `AddressError` for a field that can't be understood.
        """
        resent = topmost_resent_block(self.fields)
        for fields, prefix in ((resent, "resent-"), (self.fields, "")):
            for name in _SENDERS:
                found = _addresses(fields, (prefix + name,))
                if found:
                    return found[0]
        return None

    @property
    def recipients(self) -> tuple[AddrSpec, ...]:
        """Everybody in To, Cc and Bcc; where it is resent, in those of the topmost Resent block alone.

        Raises `AddressError` for a field that can't be understood.
        """
        resent = topmost_resent_block(self.fields)
        if resent:
            return _addresses(resent, tuple(f"resent-{name}" for name in _RECIPIENTS))
        return _addresses(self.fields, _RECIPIENTS)

    def as_7bit(self) -> RawMessage:
        """Itself when it is 7-bit. Raises `DataError` otherwise."""
        if not self.is_7bit:
            raise DataError("the message holds 8-bit octets and the server takes 7-bit messages only (no 8BITMIME)")
        return self

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning. Raises `InputOutputError` when the file has changed meanwhile."""
        waiting = self.header
        for chunk in _with_line_feeds(self.source.chunks(CHUNK, self.body_start)):
            yield waiting
            waiting = chunk.replace(b"\n", b"\r\n")
        yield waiting if waiting.endswith(b"\n") else waiting + b"\r\n"


def raw_message(octets: Source | IO[bytes], environment: Environment) -> RawMessage:
    """The message in `octets`; a stream is read to its end first.

    Raises `DataError` with the number of the line for what is no message or can't be sent: no header, a NUL, a line
    over 998 octets; and what reading the source raises.
    """
    source = octets if isinstance(octets, Source) else read_stream(octets)
    head = read_header(source)
    message_id, added = _missing_fields(head.fields, environment)
    kept = b"".join(field.octets for field in head.fields if not field.is_blind)
    header = kept + added + (b"\r\n" if head.is_ended else b"")
    body = _measure(source, head.body_start, head.lines + 1)
    return RawMessage(
        message_id=message_id,
        size=len(header) + body.size,
        is_7bit=header.isascii() and body.is_7bit,
        has_utf8_header=not header.isascii(),
        header=header,
        source=source,
        body_start=head.body_start,
        fields=head.fields,
    )


def _missing_fields(fields: tuple[Field, ...], environment: Environment) -> tuple[str, bytes]:
    """The Message-ID, and the fields that must be added (RFC 6409 §8.2, §8.3)."""
    added = b""
    if not any(field.name == "date" for field in fields):
        added += f"Date: {new_date(environment)}\r\n".encode("ascii")
    for field in fields:
        if field.name == "message-id":
            return printable(field.text.strip(" \t")), added
    message_id = new_message_id(_domain(fields, environment), environment)
    return message_id, added + f"Message-ID: {message_id}\r\n".encode("ascii")


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
    return tuple(address for name in names for field in fields if field.name == name for address in _of_field(field))


def _of_field(field: Field) -> Iterator[AddrSpec]:
    try:
        mailboxes = mailboxes_of(parse_address_list(field.text.strip(" \t")))
    except AddressError as error:
        raise AddressError(
            f"line {field.line}, {field.name}: {error.sentence}",
            hint="Name the recipients and --envelope-from yourself.",
        ) from None
    for mailbox in mailboxes:
        if "\ufffd" in str(mailbox.address):
            raise AddressError(f"line {field.line}, {field.name}: an address is not valid UTF-8")
        yield mailbox.address


class _Body(NamedTuple):
    size: int  # octets in CR LF, ended
    is_7bit: bool


def _measure(source: Source, start: int, first_line: int) -> _Body:
    """Reads the body once. `first_line` is the number of its first line, for messages."""
    size, is_7bit, line = 0, True, first_line
    open_line = b""
    for chunk in _with_line_feeds(source.chunks(CHUNK, start)):
        size += len(chunk)
        is_7bit = is_7bit and chunk.isascii()
        lines = open_line + chunk
        open_line = _check_lines(lines, line)
        count = chunk.count(b"\n")
        line += count
        size += count  # a CR before each
    return _Body(size + (2 if open_line else 0), is_7bit)


def _check_lines(lines: bytes, number: int) -> bytes:
    """What stands after the last line feed in `lines`, the first of which has `number`. Raises `DataError`.

    It leaps as far as a line may be long and looks back for its end, so short lines are passed a dozen at a time.
    """
    nul = lines.find(b"\0")
    at = 0
    while len(lines) - at > MAX_LINE:
        end = lines.rfind(b"\n", at, at + MAX_LINE + 1)
        if end < 0:
            if 0 <= nul < at:
                break
            _fail(number + lines.count(b"\n", 0, at), f"has more than {MAX_LINE} octets, which no server must take")
        at = end + 1
    if nul >= 0:
        _fail(number + lines.count(b"\n", 0, nul), "has a NUL, which no mail can hold")
    return lines[max(at, lines.rfind(b"\n", at) + 1) :]


def _fail(number: int, what: str) -> NoReturn:
    raise DataError(
        f"line {number} of the message {what}", hint="Encode that part in base64 or quoted-printable, or attach it."
    )


def _with_line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks` with every CR LF, lone CR and lone LF as one LF. A CR at the end of a chunk waits for the next."""
    waiting = b""
    for piece in chunks:
        chunk = waiting + piece
        waiting = b"\r" if chunk.endswith(b"\r") else b""
        chunk = chunk.removesuffix(b"\r")
        if chunk:
            yield chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if waiting:
        yield b"\n"
