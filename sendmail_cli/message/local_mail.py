"""A message as programs of this machine hand it to sendmail(1), made one that can leave the machine.

Cron writes “From: root (Cron Daemon)”, PHP a subject in UTF-8, a shell script no header at all. What is missing or has
a meaning on this machine only is filled in; everything else stays byte for byte, as with any ready message.
"""

from __future__ import annotations

import codecs
import re

from sendmail_cli.addressees import LocalName, OpenGroup, addressees_of, parse_addressees
from sendmail_cli.addresses import Group, Mailbox
from sendmail_cli.errors import AddressError, MailError, MailLoop
from sendmail_cli.message.draft import decode_body
from sendmail_cli.message.headers import (
    ADDRESS_FIELDS,
    MAX_LINE,
    address_field,
    parameter_field,
    structured_field,
    text_field,
    verbatim_text_field,
)
from sendmail_cli.message.raw import missing_fields, repaired_message, seen_fields
from sendmail_cli.message.raw_header import Field, read_loose_header
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Address
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source

MAX_RECEIVED = 50  # fields, one for each server that had it: no way that leads on is as long
_DROPPED = frozenset(("return-path", "content-length"))  # the last server's to say, and the length of another body
_NEEDED = frozenset(("from", "date", "message-id"))  # without a value they are as good as missing
_ASCII_TYPE = r"\s*text/plain\s*;\s*charset=\"?(us-ascii|ansi_x3\.4-1968)\"?\s*"
_AUTHORS = ("from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to")


class LocalRules(NamedTuple):
    """What names of this machine are outside of it."""

    author: Mailbox  # whom a message is from that doesn't say it
    outside: Callable[[LocalName], Mailbox]  # the address of somebody here who writes
    resolve: Callable[[tuple[Addressee, ...]], tuple[Address, ...]]  # those of whom is written to
    subject: str = ""  # of a message that has none
    is_header_read: bool = True  # it goes to those whom the header names, so that each must be known


def local_message(source: Source, rules: LocalRules, environment: Environment, trace: bytes = b"") -> RawMessage:
    """The message in `source`, whole: addresses with a domain, a header in ASCII, From, Date and Message-ID, and MIME
    fields where the body needs them. Without a header all of it is the body. `trace`, a Received field, goes on top.

    Raises `DataError` for what can't be sent, `MailLoop` for what comes round again and again, and what resolving a
    name raises.
    """
    head = read_loose_header(source)
    if sum(field.name == "received" for field in head.fields) > MAX_RECEIVED:
        raise MailLoop(
            f"the message has passed more than {MAX_RECEIVED} servers: it goes round in a loop",
            hint="Some server on its way, or an alias, sends it back to us.",
        )
    is_ascii = all(field.octets.isascii() for field in head.fields)
    charset = "us-ascii" if is_ascii else environment.locale_charset()
    # In the order they came, the blind among them: those of who sent it on last stand together.
    fields = tuple(_whole_field(field, rules, charset) for field in head.fields if not _is_dropped(field))
    if not any(field.name == "from" for field in fields):
        fields = (Field("from", address_field("From", (rules.author,)), 0), *fields)
    if rules.subject and not any(field.name == "subject" for field in fields):
        fields += (Field("subject", text_field("Subject", rules.subject), 0),)
    fields += missing_fields(fields, environment)
    if trace:
        fields = (Field("received", trace, 0), *fields)
    head = head._replace(fields=fields)
    message = repaired_message(source, head, seen_fields(head))
    if message.is_7bit:
        return message
    head = head._replace(fields=_with_mime(fields, source, environment.locale_charset()))
    return repaired_message(source, head, seen_fields(head))


def _is_dropped(field: Field) -> bool:
    return field.name in _DROPPED or (field.name in _NEEDED and not field.text.strip())


def _whole_field(field: Field, rules: LocalRules, charset: str) -> Field:
    if field.is_blind:
        return field
    name, _, value = decode_body(field.octets, charset)[0].replace("\r\n", "").partition(":")
    name = name.rstrip(" \t")
    value = "".join(character if character.isprintable() or character == "\t" else " " for character in value).strip()
    if field.name in ADDRESS_FIELDS and value:
        return field._replace(octets=_people(name, value, field, rules))
    return field._replace(octets=_text(name, value, field))


def _text(name: str, value: str, field: Field) -> bytes:
    return field.octets if _can_leave(field) else verbatim_text_field(name, value)


def _can_leave(field: Field) -> bool:
    """True where no character and no length of a line is in the way."""
    return field.octets.isascii() and max(map(len, field.octets.split(b"\r\n"))) <= MAX_LINE


def _people(name: str, value: str, field: Field, rules: LocalRules) -> bytes:
    try:
        addressees = parse_addressees(value)
    except AddressError:
        return address_field(name, (rules.author,)) if field.name == "from" else _text(name, value, field)
    if field.name == "from" and not addressees_of(addressees):
        return address_field(name, (rules.author,))
    if _can_leave(field) and not any(isinstance(each, LocalName | OpenGroup) for each in addressees):
        return field.octets
    if "=?" in value:
        addressees = tuple(_decoded(each) for each in addressees)
    if field.name in _AUTHORS:
        return address_field(name, tuple(_outside(each, rules) for each in addressees))
    try:
        return address_field(name, rules.resolve(addressees))
    except MailError:  # an alias that is a program, say; it is shown, and nobody is written to
        if rules.is_header_read:
            raise
        return address_field(name, tuple(_outside(each, rules) for each in addressees))


def _decoded(addressee: Addressee) -> Addressee:
    """With names as they are read, which are encoded when they are written."""
    from sendmail_cli.message.decoded_words import shown_name

    name = shown_name(addressee.name)
    if isinstance(addressee, Group):
        mailboxes = (each._replace(name=shown_name(each.name)) for each in addressee.mailboxes)
        return Group(name, tuple(mailboxes))
    if isinstance(addressee, OpenGroup):
        return OpenGroup(name, tuple(each._replace(name=shown_name(each.name)) for each in addressee.members))
    return addressee._replace(name=name)


def _outside(addressee: Addressee, rules: LocalRules) -> Address:
    if isinstance(addressee, OpenGroup):
        members = (rules.outside(each) if isinstance(each, LocalName) else each for each in addressee.members)
        return Group(addressee.name, tuple(members))
    return rules.outside(addressee) if isinstance(addressee, LocalName) else addressee


def _with_mime(fields: tuple[Field, ...], source: Source, charset: str) -> tuple[Field, ...]:
    """`fields` with those of MIME that a body beyond ASCII needs. In which charset it is: what it is for certain, else
    what the locale says; and what the message says, but for ASCII (cron's, where it has no locale).
    """
    from sendmail_cli.message.attachments import charset_of

    fields = tuple(field for field in fields if not _is_ascii_type(field))
    names = {field.name for field in fields}
    found = "" if "content-type" in names else charset_of(source) or _eight_bit(charset)
    wanted = {
        "mime-version": structured_field("MIME-Version", "1.0"),
        "content-type": parameter_field("Content-Type", "text/plain", [f"charset={found}"]),
        "content-transfer-encoding": structured_field("Content-Transfer-Encoding", "8bit"),
    }
    return fields + tuple(Field(name, octets, 0) for name, octets in wanted.items() if name not in names)


def _is_ascii_type(field: Field) -> bool:
    return field.name == "content-type" and re.fullmatch(_ASCII_TYPE, field.text, re.IGNORECASE) is not None


def _eight_bit(charset: str) -> str:
    """The locale's charset where every octet may be a character in it, as ISO-8859-15; else ISO-8859-1."""
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        return "iso-8859-1"
    return name if name.startswith(("iso8859", "cp125", "koi8")) else "iso-8859-1"
