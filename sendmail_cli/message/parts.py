"""The parts that a message is made of (RFC 2045, RFC 2046): each a list of pieces in the order they are sent."""

from __future__ import annotations

from sendmail_cli.message.encoded_words import parameters
from sendmail_cli.message.encoding import base64_length, base64_of
from sendmail_cli.message.headers import check_text, parameter_field, structured_field
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.encoding import EncodedText
    from sendmail_cli.message.source import Source


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


def text_part(subtype: str, text: EncodedText, others: Iterable[tuple[str, str]] = ()) -> Pieces:
    """A `text/*` with its charset and the `others` among its parameters (RFC 2046 §4.1)."""
    named = [("charset", text.charset), *others]
    return [
        parameter_field("Content-Type", f"text/{subtype}", _parameters(named)),
        structured_field("Content-Transfer-Encoding", text.encoding),
        b"\r\n",
        text.octets,
    ]


def file_part(file: Attachment) -> Pieces:
    """RFC 2183. Raises `HeaderError` for a name."""
    check_text("a file name", file.name)
    identity = [] if file.content_id is None else [structured_field("Content-ID", f"<{file.content_id}>")]
    return [
        parameter_field("Content-Type", file.media_type, _parameters(file.parameters)),
        structured_field("Content-Transfer-Encoding", "base64" if file.message is None else "7bit"),
        *identity,
        parameter_field("Content-Disposition", file.disposition, parameters("filename", file.name)),
        b"\r\n",
        _Base64(file.source) if file.message is None else file.message,  # RFC 2046 §5.2.1 allows a message no base64
    ]


class Boundaries:
    """Boundaries that stand in no part (RFC 2046 §5.1.1).

    They hold "=_", which neither quoted-printable nor base64 ever does; text that goes as it is gets searched.
    """

    def __init__(self, random: str) -> None:
        self._random = random
        self._count = 0

    def take(self, parts: list[Pieces]) -> str:
        """A new one for `parts`."""
        while True:
            self._count += 1
            boundary = f"=_{self._count}_{self._random}"
            needle = boundary.encode("ascii")
            if not any(needle in piece for part in parts for piece in part if isinstance(piece, bytes)):
                return boundary


def multipart(
    subtype: str, parts: list[Pieces], boundaries: Boundaries, others: Iterable[tuple[str, str]] = ()
) -> Pieces:
    """`parts` as one, with the `others` among its parameters (RFC 2046 §5.1)."""
    boundary = boundaries.take(parts)
    delimiter = f"--{boundary}".encode("ascii")
    named = [*others, ("boundary", boundary)]
    pieces: Pieces = [parameter_field("Content-Type", f"multipart/{subtype}", _parameters(named)), b"\r\n"]
    for part in parts:
        pieces += [delimiter + b"\r\n", *part, b"\r\n"]  # this CR LF belongs to the delimiter that follows
    return [*pieces, delimiter + b"--\r\n"]


def joined(pieces: Pieces) -> Pieces:
    """Octets that follow one another as one piece."""
    found: Pieces = []
    octets: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            octets.append(piece)
            continue
        found += [b"".join(octets), piece]
        octets = []
    return [*found, b"".join(octets)]


def _parameters(named: Iterable[tuple[str, str]]) -> list[str]:
    return [part for pair in named for part in parameters(*pair)]
