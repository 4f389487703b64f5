"""A draft becomes a message: the tree of RFC 2045 and 2046 and its octets, streamed.

The tree is a list of pieces in the order they are sent: octets ready to go, and attachments to be encoded on the way.
So memory stays flat at any size, the size is known before anything is read, and every call of `chunks` gives the same
octets. All of it is 7-bit, and no server needs an extension for it, but where an address has a local part beyond ASCII.
"""

from __future__ import annotations

import re

from sendmail_cli.errors import AddressError
from sendmail_cli.message.draft import TextForm
from sendmail_cli.message.encoding import encode_text
from sendmail_cli.message.fields import compose_header
from sendmail_cli.message.parts import Boundaries, file_part, joined, multipart, text_part
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.calendar import Calendar
    from sendmail_cli.message.draft import Draft
    from sendmail_cli.message.parts import Pieces, Streamed

PIECE = 64 * 1024  # octets of text handed out at once
_SMALL = 16 * 1024  # octets; smaller pieces wait for the next, so that a header does not go out alone
_BEYOND_ASCII = re.compile(rb"[^\s<>,:;]*[\x80-\xff][^\s<>,:;]*")


class ComposedMessage(NamedTuple):
    """A whole message, ready to be sent any number of times. It is a `Content` (see `submission`)."""

    message_id: str
    size: int  # octets
    has_utf8_header: bool  # for an address: names and subjects are encoded-words
    pieces: tuple[bytes | Streamed, ...]

    @property
    def is_7bit(self) -> bool:
        """True but for an address in UTF-8: attachments are base64, text is encoded where it must be."""
        return not self.has_utf8_header

    def as_7bit(self) -> ComposedMessage:
        """Itself. Raises `AddressError` when an address in its header is beyond ASCII: nothing else could write it."""
        if self.has_utf8_header:
            header = next(piece for piece in self.pieces if isinstance(piece, bytes))
            found = _BEYOND_ASCII.search(header)
            shown = printable(found[0].decode()) if found is not None else "an address"
            raise AddressError(
                f"“{shown}” has characters beyond ASCII before “@”, and the server takes none (no SMTPUTF8, 5.6.7)",
                hint="Use the address's ASCII form, if it has one, or a server with SMTPUTF8.",
            )
        return self

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning. Raises `InputOutputError` when an attachment has changed meanwhile."""
        waiting = b""
        for chunk in self._encoded():
            waiting = waiting + chunk if waiting else chunk
            if len(waiting) >= _SMALL:
                yield waiting
                waiting = b""
        if waiting:
            yield waiting

    def _encoded(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, bytes):
                for at in range(0, len(piece), PIECE):
                    yield piece[at : at + PIECE]
            else:
                yield from piece.chunks()


def compose(draft: Draft, environment: Environment) -> ComposedMessage:
    """The message for `draft`, with a new Date and Message-ID unless its headers bring their own.

    Text, HTML and calendar are alternatives, plain text first (RFC 2046 §5.1.4); HTML and what it shows are related
    (RFC 2387); attachments follow in a multipart/mixed. No body at all is an empty text. Raises `HeaderError`,
    `AddressError` or `DataError` for what can't be sent.
    """
    header = compose_header(draft, environment)
    boundaries = Boundaries(environment.random_bytes(12).hex())
    parts = _alternatives(draft, boundaries)
    if len(parts) > 1:
        parts = [multipart("alternative", parts, boundaries)]
    if draft.attachments:
        parts = [multipart("mixed", parts + [file_part(file) for file in draft.attachments], boundaries)]
    pieces = joined([header.octets, b"MIME-Version: 1.0\r\n", *parts[0]])
    size = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
    return ComposedMessage(header.message_id, size, not header.octets.isascii(), tuple(pieces))


def _alternatives(draft: Draft, boundaries: Boundaries) -> list[Pieces]:
    """Each form of the body, the plainest first."""
    text = draft.text
    if text is None and draft.html is None and not draft.attachments:
        text = ""
    others = (draft.attachments, draft.images, draft.calendar)
    is_whole = (text is None) != (draft.html is None) and not any(others)
    parts = []
    if text is not None:
        parts.append(_plain_part(text, draft.form, at_end=is_whole))
    if draft.html is not None:
        html = text_part("html", encode_text(draft.html, at_end=is_whole, form=draft.form))
        if draft.images:
            related = [html, *map(file_part, draft.images)]
            html = multipart("related", related, boundaries, [("type", "text/html")])
        parts.append(html)
    if draft.calendar is not None:
        parts.append(_calendar_part(draft.calendar))
    return parts


def _plain_part(text: str, form: TextForm, *, at_end: bool) -> Pieces:
    if not form.is_flowed:
        return text_part("plain", encode_text(text, at_end=at_end, form=form))
    from sendmail_cli.message.flowed import flow

    flowed = encode_text(flow(text), at_end=at_end, form=form)
    return text_part("plain", flowed, [("format", "flowed")])


def _calendar_part(calendar: Calendar) -> Pieces:
    """RFC 6047 §2.4: its method once more, and a charset even where it is ASCII."""
    text = encode_text(calendar.text, at_end=False, form=TextForm(charset="utf-8"))
    return text_part("calendar", text, [("method", calendar.method)])
