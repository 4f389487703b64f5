"""A message taken apart as its reader's program would: the octets that leave, read once, forward, with flat memory.

Of each part stay its header, how long its content is, and the content's beginning and end: enough to show a text and a
picture and to tell a program from a document. Nothing is refused: what is broken in the MIME of a part is said there.
"""

from __future__ import annotations

import binascii

from sendmail_cli.message.decoded_words import decode_words
from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.message.mime_header import IDENTITIES, MimeHeader, mime_header
from sendmail_cli.message.mime_scanner import Delimiter, MimeScanner
from sendmail_cli.message.raw_header import Field, field_name, fields_of
from sendmail_cli.printable import one_line
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = 2 * 1024 * 1024  # octets of a content that stay
KEPT_OF_END = 64 * 1024  # octets of the end of one that is longer: a ZIP's table of contents stands there
KEPT_IN_ALL = 24 * 1024 * 1024  # octets of a message, headers too
MAX_PARTS = 1000  # that are listed
MAX_DEPTH = 50  # parts within parts; what is deeper stays closed
_MAX_PARAMETERS = 8000  # characters of a Content-Type that are looked at

_NO_BASE64 = bytes(each for each in range(256) if not (chr(each).isalnum() and each < 128) and each not in b"+/")


class Part(NamedTuple):
    """A message, or a part of one."""

    number: str  # as IMAP counts (RFC 3501 §6.4.5): "1", "2.1"; "" for a whole message
    line: int  # of the message as it leaves, where its header begins
    fields: tuple[Field, ...]
    media_type: str  # in lower case
    charset: str  # as it is declared; ""
    name: str  # of the file, as a reader sees it; ""
    disposition: str  # "inline", "attachment" or what else is declared; ""
    content_id: str  # without its brackets; ""
    encoding: str  # Content-Transfer-Encoding, in lower case
    problem: str = ""  # what is wrong with its MIME, as the end of a sentence
    size: int = 0  # octets of the content, decoded
    beginning: bytes = b""  # of the content
    end: bytes = b""  # of a content that is longer than what was kept
    is_8bit: bool = False  # as it stands, octets above 127 are in its body
    parts: tuple[Part, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when `beginning` is all of the content."""
        return len(self.beginning) == self.size

    @property
    def main_type(self) -> str:
        """What stands before the slash of the media type."""
        return self.media_type.partition("/")[0]

    @property
    def is_attachment(self) -> bool:
        """True for what a reader lists rather than shows: it says so, or has a name and is no picture of the text."""
        if self.parts or self.main_type == "multipart":
            return False
        if self.disposition == "attachment" or self.main_type not in {"text", "image"}:
            return True
        return bool(self.name) and not (self.main_type == "image" and self.content_id)

    @property
    def is_text(self) -> bool:
        """True for plain text and HTML that a reader shows as the message itself."""
        return self.media_type in {"text/plain", "text/html"} and not self.is_attachment

    @property
    def text(self) -> str:
        """What was kept, as text; what can't be decoded shows as U+FFFD."""
        try:
            return self.beginning.decode(self.charset or "utf-8", "replace")
        except (LookupError, ValueError):  # no such charset, or a codec that isn't one
            return self.beginning.decode("utf-8", "replace")

    def value(self, name: str) -> str:
        """What the first field of that name says, decoded, on one line; "" where there is none."""
        return next((one_line(decode_words(field.text)) for field in self.fields if field.name == name), "")

    def walk(self, *, into_messages: bool = True) -> Iterator[Part]:
        """It and all within, in their order; with `into_messages` False a message that it holds stays closed."""
        yield self
        if self.media_type == "message/rfc822" and not into_messages:
            return
        for part in self.parts:
            yield from part.walk(into_messages=into_messages)


def anatomy_of(chunks: Iterator[bytes]) -> Part:
    """The message in `chunks`. Raises only what they raise."""
    return _Reader(chunks).message()


class _Forward:
    """Octets that pass once, for a scanner that begins at their beginning."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def chunks(self, length: int, start: int) -> Iterator[bytes]:
        return self._chunks


class _Reader:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._scanner = MimeScanner(_Forward(chunks), 0, 1)
        self._left = KEPT_IN_ALL
        self._parts = 0

    def message(self) -> Part:
        part, delimiter = self._entity("", 0, "text/plain", is_message=True)
        while delimiter is not None:  # no boundary counts any more, so this is the end
            _, delimiter = self._scanner.body(_pass_over)
        return part

    def _entity(self, number: str, depth: int, default: str, *, is_message: bool) -> tuple[Part, Delimiter | None]:
        """What begins here, up to the next delimiter that isn't its own."""
        self._parts += 1
        line = self._scanner.line
        header = self._header(default, is_message=is_message)
        part = _described(number, line, header)
        is_open = depth < MAX_DEPTH and header.encoding in IDENTITIES
        if is_open and header.boundary is not None and header.boundary not in self._scanner.boundaries:
            return self._multipart(part, header.boundary, depth)
        if is_open and header.media_type == "message/rfc822":
            within, delimiter = self._entity(_below(number, 0), depth + 1, "text/plain", is_message=True)
            return part._replace(parts=(within,), size=0), delimiter
        return self._leaf(part)

    def _multipart(self, part: Part, boundary: bytes, depth: int) -> tuple[Part, Delimiter | None]:
        default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        self._scanner.boundaries.add(boundary)
        _, delimiter = self._scanner.body(_pass_over)
        parts: list[Part] = []
        while delimiter is not None and delimiter.boundary == boundary and not delimiter.is_close:
            number = _below(part.number, len(parts) + 1)
            within, delimiter = self._entity(number, depth + 1, default, is_message=False)
            if self._parts <= MAX_PARTS:
                parts.append(within)
        self._scanner.boundaries.remove(boundary)
        problem = part.problem
        if delimiter is None or delimiter.boundary != boundary:
            problem = problem or "its multipart has no end: the closing boundary is missing"
        else:
            _, delimiter = self._scanner.body(_pass_over)
        if not parts:
            problem = problem or "its multipart has no part"
        return part._replace(parts=tuple(parts), problem=problem), delimiter

    def _leaf(self, part: Part) -> tuple[Part, Delimiter | None]:
        content = _Content(part.encoding, min(KEPT, self._left))
        _, delimiter = self._scanner.body(content.add)
        content.finish()
        self._left -= len(content.beginning)
        problem = part.problem
        if part.main_type == "multipart":
            problem = problem or "its multipart has no boundary of its own that could be understood"
        elif not content.is_known:
            problem = problem or f"nobody knows the Content-Transfer-Encoding “{part.encoding}”"
        return part._replace(
            size=content.size,
            beginning=bytes(content.beginning),
            end=content.end,
            is_8bit=content.is_8bit,
            problem=problem,
        ), delimiter

    def _header(self, default: str, *, is_message: bool) -> MimeHeader:
        scanner = self._scanner
        lines: list[bytes] = []
        first_line, problem = scanner.line, ""
        while True:
            line, length = scanner.peek(MAX_LINE)
            if length == 0 or scanner.delimiter(line) is not None:
                break
            if not line:
                scanner.advance(length)
                break
            if field_name(line) is None and not (lines and line.startswith((b" ", b"\t"))):
                problem = f"line {scanner.line} is no header field, and no empty line stands before it"
                break
            if self._left > 0:
                self._left -= len(line)
                lines.append(line)
            scanner.advance(length)
        fields = fields_of(lines, first_line)
        return mime_header(fields, is_message=is_message, default_type=default, problem=problem)


class _Content:
    """The decoded content of a part while it passes."""

    def __init__(self, encoding: str, kept: int) -> None:
        self.size = 0
        self.beginning = bytearray()
        self.end = b""
        self.is_8bit = False
        self.is_known = encoding in IDENTITIES or encoding in {"base64", "quoted-printable"}
        self._encoding = encoding
        self._kept = kept
        self._held = b""

    def add(self, lines: bytes) -> None:
        """More of it, as it stands, its lines in LF."""
        self.is_8bit = self.is_8bit or not lines.isascii()
        if self._encoding == "base64":
            self._held += lines.translate(None, _NO_BASE64)
            whole = len(self._held) // 4 * 4
            self._put(binascii.a2b_base64(self._held[:whole]))
            self._held = self._held[whole:]
        elif self._encoding == "quoted-printable":
            self._held += lines
            whole = self._held.rfind(b"\n") + 1
            self._put(binascii.a2b_qp(self._held[:whole]))
            self._held = self._held[whole:]
        else:
            self._put(lines)

    def finish(self) -> None:
        """That was all."""
        if self._encoding == "base64" and len(self._held) > 1:
            self._put(binascii.a2b_base64(self._held + b"=" * (-len(self._held) % 4)))
        elif self._encoding == "quoted-printable":
            self._put(binascii.a2b_qp(self._held))

    def _put(self, octets: bytes) -> None:
        self.size += len(octets)
        room = self._kept - len(self.beginning)
        self.beginning += octets[:room]
        if len(octets) > room:
            self.end = (self.end + octets[room:])[-KEPT_OF_END:]


def _pass_over(lines: bytes) -> None:
    """What stands between parts is shown to nobody."""


def _below(number: str, index: int) -> str:
    """The number of a part within; that of a message within a part is the part's own, and so on."""
    if not index:
        return number and f"{number}.0"
    number = number.removesuffix(".0")
    return f"{number}.{index}" if number else str(index)


def _described(number: str, line: int, header: MimeHeader) -> Part:
    # The library reads parameters as readers' programs do: RFC 2231, what is no RFC at all, and any quoting.
    from email.message import Message
    from email.utils import collapse_rfc2231_value

    message: Message[str, str] = Message()
    for field in header.fields:
        if field.name in {"content-type", "content-disposition"} and field.name not in message:
            message[field.name] = one_line(field.text[:_MAX_PARAMETERS])

    def parameter(name: str, of: str) -> str:
        found = message.get_param(name, "", of)
        return one_line(decode_words(collapse_rfc2231_value(found) if found else ""))

    content_id = next((field.text for field in header.fields if field.name == "content-id"), "")
    return Part(
        number=number,
        line=line,
        fields=header.fields,
        media_type=header.media_type,
        charset=parameter("charset", "content-type").lower(),
        name=parameter("filename", "content-disposition") or parameter("name", "content-type"),
        disposition=(message.get_content_disposition() or "").strip(),
        content_id=content_id.strip().strip("<>"),
        encoding=header.encoding,
        problem=header.problem,
    )
