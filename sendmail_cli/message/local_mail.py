"""A message as programs of this machine hand it to sendmail(1), made one that can leave the machine.

Cron writes “From: root (Cron Daemon)”, PHP a subject in UTF-8, a shell script no header at all. What is missing or has
a meaning on this machine only is filled in; everything else stays byte for byte, as with any ready message.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.addressees import LocalName, OpenGroup, parse_addressees
from sendmail_cli.addresses import Group, Mailbox
from sendmail_cli.errors import AddressError, MailLoop
from sendmail_cli.message.draft import decode_body
from sendmail_cli.message.fields import ADDRESS_FIELDS
from sendmail_cli.message.headers import address_field, parameter_field, structured_field, verbatim_text_field
from sendmail_cli.message.raw import missing_fields, repaired_message, seen_fields
from sendmail_cli.message.raw_header import Field, read_loose_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Address
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source

MAX_RECEIVED = 50  # fields, one for each server that had it: no way that leads on is as long
_AUTHORS = ("from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to")


class LocalRules(NamedTuple):
    """What names of this machine are outside of it."""

    author: Mailbox  # whom a message is from that doesn't say it
    outside: Callable[[LocalName], Mailbox]  # the address of somebody here who writes
    resolve: Callable[[tuple[Addressee, ...]], tuple[Address, ...]]  # those of whom is written to


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
    fields = tuple(_whole_field(field, rules, charset) for field in seen_fields(head))
    if not any(field.name == "from" for field in fields):
        fields = (Field("from", address_field("From", (rules.author,)), 0), *fields)
    fields += missing_fields(fields, environment)
    if trace:
        fields = (Field("received", trace, 0), *fields)
    head = head._replace(fields=(*fields, *(field for field in head.fields if field.is_blind)))
    message = repaired_message(source, head, fields)
    names = {field.name for field in fields}
    if message.is_7bit or "content-type" in names:
        return message
    return repaired_message(source, head, fields + _mime_fields(names, source, environment.locale_charset()))


def _whole_field(field: Field, rules: LocalRules, charset: str) -> Field:
    name, _, value = decode_body(field.octets, charset)[0].replace("\r\n", "").partition(":")
    name = name.rstrip(" \t")
    value = "".join(character if character.isprintable() or character == "\t" else " " for character in value).strip()
    if field.name in ADDRESS_FIELDS and value:
        return field._replace(octets=_people(name, value, field, rules))
    return field if field.octets.isascii() else field._replace(octets=verbatim_text_field(name, value))


def _people(name: str, value: str, field: Field, rules: LocalRules) -> bytes:
    try:
        addressees = parse_addressees(value)
    except AddressError:
        if field.name == "from":
            return address_field(name, (rules.author,))
        return field.octets if field.octets.isascii() else verbatim_text_field(name, value)
    if field.octets.isascii() and not any(isinstance(each, LocalName | OpenGroup) for each in addressees):
        return field.octets
    if field.name in _AUTHORS:
        return address_field(name, tuple(_outside(each, rules) for each in addressees))
    return address_field(name, rules.resolve(addressees))


def _outside(addressee: Addressee, rules: LocalRules) -> Address:
    if isinstance(addressee, OpenGroup):
        members = (rules.outside(each) if isinstance(each, LocalName) else each for each in addressee.members)
        return Group(addressee.name, tuple(members))
    return rules.outside(addressee) if isinstance(addressee, LocalName) else addressee


def _mime_fields(names: set[str], source: Source, charset: str) -> tuple[Field, ...]:
    """Those that say in which charset the body is: what it is for certain, else what the locale says."""
    from sendmail_cli.message.attachments import charset_of

    found = charset_of(source) or _eight_bit(charset)
    fields = [Field("content-type", parameter_field("Content-Type", "text/plain", [f"charset={found}"]), 0)]
    if "mime-version" not in names:
        fields.insert(0, Field("mime-version", structured_field("MIME-Version", "1.0"), 0))
    if "content-transfer-encoding" not in names:
        fields.append(Field("content-transfer-encoding", structured_field("Content-Transfer-Encoding", "8bit"), 0))
    return tuple(fields)


def _eight_bit(charset: str) -> str:
    """The locale's charset where every octet may be a character in it, as ISO-8859-15; else ISO-8859-1."""
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        return "iso-8859-1"
    return name if name.startswith(("iso8859", "cp125", "koi8")) else "iso-8859-1"
