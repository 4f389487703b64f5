"""What a new message takes from another one: the thread, the subject, the people; and that message itself, forwarded.

What the other message says was written by others. Nothing of it gets into a header but through `message/headers`: its
text without control characters, its Message-IDs and addresses parsed. Each function costs linear time.
"""

from __future__ import annotations

import re

from sendmail_cli.addresses import Mailbox
from sendmail_cli.errors import DataError
from sendmail_cli.message.attachments import Attachment
from sendmail_cli.message.decoded_words import decode_words, shown_name
from sendmail_cli.message.headers import MAX_WORD, MESSAGE_ID
from sendmail_cli.message.raw import embedded_message
from sendmail_cli.message.raw_header import mailboxes_in, read_header
from sendmail_cli.printable import one_line
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendmail_cli.message.raw_header import Field
    from sendmail_cli.message.source import Source

MAX_REFERENCES = 21  # Message-IDs; what news readers agreed upon, and no mail reader needs more
MAX_NAME = 60  # characters of the subject in the name of a forwarded message

# RFC 5322 §3.6.5: "Re: " alone, and once. Words of other languages ("AW:", "Antw:") belong to the subject.
_ANSWERED = re.compile(r"(?:re(?:\[[0-9]+\])?[ \t]*:[ \t]*)+", re.IGNORECASE)
_FORWARDED = re.compile(r"fwd?[ \t]*:", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]+')
_HINT = "Name the recipients yourself: --to ADDRESS."


class Thread(NamedTuple):
    """Where an answer stands (RFC 5322 §3.6.4)."""

    in_reply_to: str | None  # None: the other message has no Message-ID
    references: tuple[str, ...]  # from the first message of the thread to the one that is answered


class Everybody(NamedTuple):
    """Whom an answer to all goes to."""

    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]


def thread_of(fields: tuple[Field, ...]) -> Thread:
    """The thread in which the message with `fields` is the last one.

    Of a long thread the first message and the last ones are named, 21 in all.
    """
    own = _message_ids(fields, "message-id")[:1]
    above = _message_ids(fields, "references")
    if not above:
        above = _message_ids(fields, "in-reply-to")
        above = above if len(above) == 1 else []  # of several nobody knows which is the parent
    references = [*dict.fromkeys(each for each in above if each not in own), *own]
    if len(references) > MAX_REFERENCES:
        references = references[:1] + references[1 - MAX_REFERENCES :]
    return Thread(own[0] if own else None, tuple(references))


def subject_of(fields: tuple[Field, ...]) -> str | None:
    """The Subject as its reader sees it, on one line; None where there is none."""
    subject = next((field for field in fields if field.name == "subject"), None)
    return None if subject is None else one_line(decode_words(subject.text))


def answered_subject(fields: tuple[Field, ...]) -> str | None:
    """The Subject of an answer, with one "Re: "; None where there is none to answer (RFC 5322 §3.6.5)."""
    subject = subject_of(fields)
    if subject is None:
        return None
    found = _ANSWERED.match(subject)
    return f"Re: {subject[found.end() if found else 0 :]}".rstrip(" ")


def forwarded_subject(fields: tuple[Field, ...]) -> str:
    """The Subject of a message that forwards this one, with one "Fwd: "."""
    subject = subject_of(fields) or ""
    return subject if _FORWARDED.match(subject) else f"Fwd: {subject}".rstrip(" ")


def people_to_answer(fields: tuple[Field, ...], own: Iterable[Mailbox]) -> tuple[Mailbox, ...]:
    """Whom an answer goes to: Reply-To, else From; those an own message went to, as mutt has it.

    `own` are our addresses. Raises `AddressError` for a field that can't be understood, `DataError` where it names
    nobody.
    """
    authors = mailboxes_in(fields, "from", _HINT)
    ours = _keys(own)
    if authors and _keys(authors) <= ours:
        people = mailboxes_in(fields, "to", _HINT) or authors
    else:
        people = mailboxes_in(fields, "reply-to", _HINT) or authors
    if not people:
        raise DataError("the message to answer names nobody in Reply-To and From", hint=_HINT)
    return _named(people, frozenset())


def everybody_to_answer(
    fields: tuple[Field, ...], own: Iterable[Mailbox], named: tuple[Mailbox, ...] = ()
) -> Everybody:
    """Whom an answer to all goes to: the people to answer, and a copy to To and Cc; each once, and none of `own`.

    `named` get it anyhow and are left out too. Mail-Followup-To says it alone where it stands. Raises as
    `people_to_answer`.
    """
    ours = _keys(own) | _keys(named)
    people = people_to_answer(fields, own)
    wanted = _named(mailboxes_in(fields, "mail-followup-to", _HINT), ours)
    if wanted:
        return Everybody(wanted, ())
    to = _named(people, ours)
    others = mailboxes_in(fields, "to", _HINT) + mailboxes_in(fields, "cc", _HINT)
    cc = _named(others, ours | _keys(to))
    if to or named:
        return Everybody(to, cc)
    return Everybody(cc or people, ())  # a message from us to us alone is answered all the same


def forwarded(source: Source) -> Attachment:
    """The message in `source` as an attachment that is a message (RFC 2046 §5.2.1), named for its Subject.

    Nothing in it is changed but what would not pass 7-bit. Raises `DataError` where that can't be, and what reading
    it raises.
    """
    message = embedded_message(source)
    subject = _NOT_IN_NAMES.sub("_", subject_of(message.head.fields) or "")[:MAX_NAME].strip(" .")
    return Attachment(source, f"{subject or 'message'}.eml", "message/rfc822", message=message)


def fields_of(source: Source) -> tuple[Field, ...]:
    """The header of the message in `source`. Raises `DataError` for what is no message."""
    try:
        return read_header(source).fields
    except DataError as error:
        error.sentence = f"{source.label}: {error.sentence}"  # beside it, others may be forwarded
        raise


def _message_ids(fields: tuple[Field, ...], name: str) -> list[str]:
    """Those in the first field of that name which a header of ours can hold."""
    text = next((field.text for field in fields if field.name == name), "")
    return [found for found in re.findall(MESSAGE_ID, text) if len(found) <= MAX_WORD]


def _named(people: Iterable[Mailbox], without: frozenset[str]) -> tuple[Mailbox, ...]:
    """Each of `people` once, their names decoded, those left out whom `without` holds."""
    found: dict[str, Mailbox] = {}
    for each in people:
        if (key := _key(each)) not in without:
            found.setdefault(key, Mailbox(shown_name(each.name), each.address))
    return tuple(found.values())


def _keys(people: Iterable[Mailbox]) -> frozenset[str]:
    return frozenset(map(_key, people))


def _key(person: Mailbox) -> str:
    """What makes two addresses one; nobody in practice tells the cases of a local part apart."""
    return str(person.address).lower()
