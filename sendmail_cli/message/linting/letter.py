"""What the rules look at: a message taken apart, with the envelope that it goes in."""

from __future__ import annotations

from sendmail_cli.errors import AddressError
from sendmail_cli.message.html_facts import HtmlFacts, html_facts
from sendmail_cli.message.raw_header import Field, mailboxes_in, topmost_resent_block
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec, Mailbox
    from sendmail_cli.message.anatomy import Part

_SECOND_LEVELS = frozenset(("ac", "co", "com", "edu", "gob", "gov", "gv", "mil", "ne", "net", "nom", "or", "org"))


class Letter(NamedTuple):
    """A message and its envelope."""

    message: Part
    texts: tuple[Part, ...]  # plain, not empty
    pages: tuple[tuple[Part, HtmlFacts], ...]  # HTML, not empty
    sender: AddrSpec | None  # of the envelope; None is the null path
    recipients: tuple[AddrSpec, ...]  # of the envelope
    size: int  # octets on the wire
    now: float  # seconds since the epoch

    def fields(self, name: str) -> list[Field]:
        """The header fields of that name, in lower case."""
        return [field for field in self.message.fields if field.name == name]

    def mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        """Whom the fields of that name say; nobody where they can't be understood."""
        try:
            return mailboxes_in(self.message.fields, name, "")
        except AddressError:
            return ()

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """Whom it is from."""
        return self.mailboxes("from")

    @property
    def leaves(self) -> tuple[Part, ...]:
        """All parts that hold no others, those of attached messages too."""
        return tuple(part for part in self.message.walk() if not part.parts)

    @property
    def is_resent(self) -> bool:
        """True when somebody sends on what another wrote."""
        return bool(topmost_resent_block(self.message.fields))

    @property
    def is_bulk(self) -> bool:
        """True when it goes to many, as it says itself or its envelope does."""
        marks = {field.text.strip().lower() for field in self.fields("precedence")}
        return bool(self.fields("list-id") or marks & {"bulk", "list"}) or len(self.recipients) >= MANY


MANY = 100  # recipients of one message; nobody writes so many letters


def letter_of(
    message: Part, sender: AddrSpec | None, recipients: tuple[AddrSpec, ...], size: int, now: float
) -> Letter:
    """The letter, its HTML read."""
    own = [part for part in message.walk(into_messages=False) if part.is_text and part.beginning.strip()]
    return Letter(
        message=message,
        texts=tuple(part for part in own if part.media_type == "text/plain"),
        pages=tuple((part, html_facts(part.text)) for part in own if part.media_type == "text/html"),
        sender=sender,
        recipients=recipients,
        size=size,
        now=now,
    )


def organisation(domain: str) -> str:
    """What is registered of `domain`, nearly: two labels, three below “co.uk” and its like.

    The Public Suffix List knows it exactly and is larger than this program: what is missed here is one finding.
    """
    labels = domain.lower().rstrip(".").split(".")
    is_below_second = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if is_below_second else labels[-2:])


def place(part: Part) -> str:
    """Where a part is, for a person."""
    label = part.name or part.media_type
    return f"part {part.number} ({label})" if part.number else "the message"
