"""A draft becomes a message: the tree of RFC 2045 and 2046 and its octets, streamed.

The tree is a list of pieces in the order they are sent: octets ready to go, and attachments to be encoded on the way.
So memory stays flat at any size, the size is known before anything is read, and every call of `chunks` gives the same
octets. All of it is 7-bit, and no server needs an extension for it, but where an address has a local part beyond ASCII.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sendmail_cli.errors import AddressError
from sendmail_cli.message.encoded_words import parameters
from sendmail_cli.message.encoding import base64_length, base64_of, encode_text
from sendmail_cli.message.fields import compose_header
from sendmail_cli.message.headers import check_text, parameter_field, structured_field
from sendmail_cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.draft import Draft
    from sendmail_cli.message.encoding import EncodedText
    from sendmail_cli.message.source import Source

PIECE = 64 * 1024  # octets of text handed out at once
_SMALL = 16 * 1024  # octets; smaller pieces wait for the next, so that a header does not go out alone
_BEYOND_ASCII = re.compile(rb"[^\s<>,:;]*[\x80-\xff][^\s<>,:;]*")


class Streamed(Protocol):
    """What goes out piece by piece, as it stands on the wire: `size` octets, in the `chunks` of each call anew."""

    @property
    def size(self) -> int:
        """Octets."""

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning. Raises `InputOutputError` when they aren't what was measured."""


class _Base64(NamedTuple):
    """A source in base64."""

    source: Source

    @property
    def size(self) -> int:
        return base64_length(self.source.size)

    def chunks(self) -> Iterator[bytes]:
        return base64_of(self.source)


Pieces = list[bytes | Streamed]


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

    Text and HTML are alternatives, plain text first (RFC 2046 §5.1.4); attachments follow in a multipart/mixed. No
    body at all is an empty text. Raises `HeaderError`, `AddressError` or `DataError` for what can't be sent.
    """
    header = compose_header(draft, environment)
    boundaries = _Boundaries(environment.random_bytes(12).hex())
    texts = _texts(draft)
    is_whole = len(texts) == 1 and not draft.attachments
    parts: list[Pieces] = [_text_part(subtype, encode_text(text, at_end=is_whole)) for subtype, text in texts]
    if len(parts) > 1:
        parts = [_multipart("alternative", parts, boundaries)]
    if draft.attachments:
        parts = [_multipart("mixed", parts + [_attachment_part(file) for file in draft.attachments], boundaries)]
    pieces = _joined([header.octets, b"MIME-Version: 1.0\r\n", *parts[0]])
    size = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
    return ComposedMessage(header.message_id, size, not header.octets.isascii(), tuple(pieces))


def _texts(draft: Draft) -> list[tuple[str, str]]:
    """The subtype and the text of each form of the body."""
    texts = [(subtype, text) for subtype, text in (("plain", draft.text), ("html", draft.html)) if text is not None]
    return texts or ([] if draft.attachments else [("plain", "")])


def _text_part(subtype: str, text: EncodedText) -> Pieces:
    return [
        parameter_field("Content-Type", f"text/{subtype}", parameters("charset", text.charset)),
        structured_field("Content-Transfer-Encoding", text.encoding),
        b"\r\n",
        text.octets,
    ]


def _attachment_part(file: Attachment) -> Pieces:
    """RFC 2183. The name stands in Content-Type too, where old readers look for it."""
    check_text("a file name", file.name)
    named = [*file.parameters, ("name", file.name)]
    return [
        parameter_field("Content-Type", file.media_type, [part for pair in named for part in parameters(*pair)]),
        structured_field("Content-Transfer-Encoding", "base64" if file.message is None else "7bit"),
        parameter_field("Content-Disposition", "attachment", parameters("filename", file.name)),
        b"\r\n",
        _Base64(file.source) if file.message is None else file.message,  # RFC 2046 §5.2.1 allows a message no base64
    ]


class _Boundaries:
    """Boundaries that stand in no part (RFC 2046 §5.1.1).

    They hold "=_", which neither quoted-printable nor base64 ever does; text that goes as it is gets searched.
    """

    def __init__(self, random: str) -> None:
        self._random = random
        self._count = 0

    def take(self, parts: list[Pieces]) -> str:
        while True:
            self._count += 1
            boundary = f"=_{self._count}_{self._random}"
            needle = boundary.encode("ascii")
            if not any(needle in piece for part in parts for piece in part if isinstance(piece, bytes)):
                return boundary


def _multipart(subtype: str, parts: list[Pieces], boundaries: _Boundaries) -> Pieces:
    boundary = boundaries.take(parts)
    delimiter = f"--{boundary}".encode("ascii")
    pieces: Pieces = [
        parameter_field("Content-Type", f"multipart/{subtype}", parameters("boundary", boundary)),
        b"\r\n",
    ]
    for part in parts:
        pieces += [delimiter + b"\r\n", *part, b"\r\n"]  # this CR LF belongs to the delimiter that follows
    return [*pieces, delimiter + b"--\r\n"]


def _joined(pieces: Pieces) -> Pieces:
    """Octets that follow one another as one piece."""
    joined: Pieces = []
    octets: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            octets.append(piece)
            continue
        joined += [b"".join(octets), piece]
        octets = []
    return [*joined, b"".join(octets)]
