"""Which fields the header of a composed message has, and in which order (RFC 5322 §3.6)."""

from __future__ import annotations

from sendmail_cli.addresses import Group, mailboxes_of, parse_address_list
from sendmail_cli.errors import HeaderError
from sendmail_cli.message.headers import (
    ADDRESS_FIELDS,
    MAX_WORD,
    address_field,
    check_field_name,
    check_line,
    message_id_field,
    new_date,
    new_message_id,
    parse_message_id,
    structured_field,
    text_field,
    verbatim_text_field,
)
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.draft import Draft

UNDISCLOSED = Group("undisclosed-recipients", ())

# In the order they are written; a field of the user's takes the place of ours.
_OURS = ("date", "from", "sender", "to", "cc", "reply-to", "subject", "message-id", "in-reply-to", "references")
_FLAGS = {
    "from": "--from",
    "to": "--to or an argument",
    "cc": "--cc",
    "reply-to": "--reply-to",
    "subject": "--subject",
    "in-reply-to": "--in-reply-to",
}
_ONCE = frozenset(_OURS)  # RFC 5322 §3.6, the table
_REFUSED = {
    "bcc": "Use --bcc: blind copies are named to the server alone and never stand in a message.",
    "resent-bcc": "Blind copies never stand in a message.",
    "mime-version": "It is written with the body.",
    "content-type": "It follows from what is sent: --body, --html, --attach, --attach-type.",
    "content-transfer-encoding": "It follows from what is sent.",
}
_DATES = frozenset(("date", "resent-date", "expires", "reply-by"))
# Their syntax has no place for an encoded-word (RFC 2047 §5), so beyond ASCII they are refused.
_STRUCTURED = frozenset((
    "message-id", "in-reply-to", "references", "received", "return-path", "resent-message-id",
    "auto-submitted", "precedence", "importance", "list-help", "list-post", "list-subscribe", "list-unsubscribe",
    "list-unsubscribe-post", "list-owner", "list-archive", "archived-at", "content-id", "content-language",
    "content-disposition", "dkim-signature", "authentication-results", "autocrypt", "require-recipient-valid-since",
))  # fmt: skip


class Header(NamedTuple):
    """The fields of a message but for those of MIME, each with its CR LF, and the Message-ID among them."""

    octets: bytes
    message_id: str


def compose_header(draft: Draft, environment: Environment) -> Header:
    """The header of `draft`. Raises `HeaderError` or `AddressError` before anything is written."""
    replacing, others = _sort(draft.headers)
    ours = _from_flags(draft)
    for name in replacing:
        if name in ours:
            raise HeaderError(f"{replacing[name][0]} is set twice: by {_FLAGS[name]} and as a header")
    written = ours | {name: user_field(*field) for name, field in replacing.items()}
    if "message-id" in replacing:
        message_id = parse_message_id(replacing["message-id"][1], "the value of Message-ID")
    else:
        message_id = new_message_id(draft.sender.address.domain, environment)
        written["message-id"] = message_id_field("Message-ID", [message_id])
    if "sender" not in written and len(draft.authors) > 1:  # RFC 5322 §3.6.2
        written["sender"] = address_field("Sender", (draft.sender,))
    if "date" not in written:
        written["date"] = structured_field("Date", new_date(environment))
    if "references" not in written and draft.in_reply_to is not None:
        written["references"] = message_id_field("References", [_replied_to(draft.in_reply_to)])
    if "to" not in written and "cc" not in written:
        written["to"] = address_field("To", (UNDISCLOSED,))
    fields = [written[name] for name in _OURS if name in written]
    fields += [user_field(name, value) for name, value in others]
    return Header(b"".join(fields), message_id)


def _from_flags(draft: Draft) -> dict[str, bytes]:
    fields: dict[str, bytes] = {}
    if draft.from_ is not None:
        fields["from"] = address_field("From", (draft.from_,))
    for name, addresses in (("To", draft.to), ("Cc", draft.cc), ("Reply-To", draft.reply_to)):
        if addresses:
            fields[name.lower()] = address_field(name, addresses)
    if draft.subject is not None:
        fields["subject"] = text_field("Subject", draft.subject)
    if draft.in_reply_to is not None:
        fields["in-reply-to"] = message_id_field("In-Reply-To", [_replied_to(draft.in_reply_to)])
    return fields


def _replied_to(text: str) -> str:
    return parse_message_id(text, "the Message-ID that is replied to")


def _sort(headers: Iterable[tuple[str, str]]) -> tuple[dict[str, tuple[str, str]], list[tuple[str, str]]]:
    """The user's fields that take the place of ours, by their name in lower case, and the others."""
    replacing: dict[str, tuple[str, str]] = {}
    others: list[tuple[str, str]] = []
    seen = set()
    for name, value in headers:
        check_field_name(name)
        key = name.lower()
        if key in _REFUSED:
            raise HeaderError(f"the header {name} can't be set", hint=_REFUSED[key])
        if key in seen and key in _ONCE:
            raise HeaderError(f"{name} is given twice, and a message has it once")
        seen.add(key)
        if key in _OURS:
            replacing[key] = (name, value)
        else:
            others.append((name, value))
    return replacing, others


def user_field(name: str, value: str) -> bytes:
    """A field as the user wrote it, checked and made fit to be sent. Raises `HeaderError` or `AddressError`."""
    key = name.lower()
    if key in ADDRESS_FIELDS:
        return _user_addresses(name, value)
    if key == "message-id":
        return message_id_field(name, [parse_message_id(value, f"the value of {name}")])
    if key in _DATES:
        return _user_date(name, value)
    if key in _STRUCTURED:
        return structured_field(name, value)
    return verbatim_text_field(name, value)


def _user_date(name: str, value: str) -> bytes:
    from email.utils import parsedate_tz

    if parsedate_tz(value) is None:
        raise HeaderError(
            f"the value of {name} is no date: “{printable(value, 80)}”",
            hint="It looks like Mon, 1 Jan 2024 12:00:00 +0000 (RFC 5322): date -R",
        )
    return structured_field(name, value)


def _user_addresses(name: str, value: str) -> bytes:
    check_line(f"the value of {name}", value)
    addresses = parse_address_list(value)
    if not addresses:
        raise HeaderError(f"{name} names no address")
    mailboxes = mailboxes_of(addresses)
    if name.lower() == "sender" and len(mailboxes) != 1:
        raise HeaderError(f"{name} must name one mailbox")
    if name.lower() == "from" and not mailboxes:
        raise HeaderError(f"{name} must name a mailbox")
    if value.isascii() and all(len(word) <= MAX_WORD for word in value.split()):
        return structured_field(name, value)  # with its comments, quotes and encoded-words
    return address_field(name, addresses)
