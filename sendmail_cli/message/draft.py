"""What was asked for, before it is MIME: who, to whom, and what it says."""

from __future__ import annotations

import codecs

from sendmail_cli.addresses import Mailbox, mailboxes_of, parse_address_list
from sendmail_cli.errors import HeaderError
from sendmail_cli.message.headers import check_field_name
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.addresses import Address
    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.calendar import Calendar

LAST_CHARSET = "ISO-8859-1"  # every octet is a character in it, so it never fails


class TextForm(NamedTuple):
    """How the text of a message is to be written; what is None is chosen for each text."""

    charset: str | None = None  # see `charsets`
    encoding: str | None = None  # one of `encoding.ENCODINGS`
    is_flowed: bool = False  # plain text as format=flowed (RFC 3676)


AS_FITS = TextForm()


class Draft(NamedTuple):
    """One message as it was asked for. Blind copies are not here: they exist in the envelope alone."""

    from_: Mailbox | None  # None: `headers` has the From
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str | None = None  # plain text, whatever it looks like
    text: str | None = None  # lines end in LF or CR LF
    html: str | None = None
    images: tuple[Attachment, ...] = ()  # what `html` shows by their content ids
    calendar: Calendar | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # name and value, written as in a header (encoded-words pass)
    in_reply_to: str | None = None  # a Message-ID, with or without its angle brackets
    form: TextForm = AS_FITS

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """Whom it is from: `from_`, else the From in `headers`. Raises `HeaderError` when there is neither."""
        authors = mailboxes_in(self.headers, "from") if self.from_ is None else (self.from_,)
        if not authors:
            raise HeaderError("the message has no From")
        return authors

    @property
    def sender(self) -> Mailbox:
        """Who sends it: the Sender in `headers`, else the first of `authors` (RFC 5322 §3.6.2). Raises as `authors`."""
        return (*mailboxes_in(self.headers, "sender"), *self.authors)[0]


def mailboxes_in(headers: tuple[tuple[str, str], ...], wanted: str) -> tuple[Mailbox, ...]:
    """The mailboxes of the first field among `headers` that is called `wanted`. Raises `AddressError`."""
    for name, value in headers:
        if name.lower() == wanted:
            return mailboxes_of(parse_address_list(value))
    return ()


def decode_body(octets: bytes, locale_charset: str) -> tuple[str, str]:
    """`octets` as text, and the charset they were read in.

    UTF-8 first (a byte order mark is dropped), then the locale's charset if there is such a one and it fits, and
    ISO-8859-1 last, which fits everything.
    """
    try:
        return octets.removeprefix(codecs.BOM_UTF8).decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        return octets.decode(locale_charset), locale_charset
    except (LookupError, ValueError):  # no such charset, no charset for text (“hex”), or one that does not fit
        return octets.decode(LAST_CHARSET), LAST_CHARSET


def parse_header(text: str) -> tuple[str, str]:
    """`Name: value` as name and value, without the white space round the value (RFC 5322 §2.2).

    Raises `HeaderError` when it is no header field. The value is checked when it is written.
    """
    name, colon, value = text.partition(":")
    if not colon:
        raise HeaderError(
            f"“{printable(text, 80)}” is no header field: it needs a name and a colon, as in “X-Job: nightly”"
        )
    check_field_name(name)
    return name, value.strip(" \t")
