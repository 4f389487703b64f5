"""A ready message in a form that every server takes: 7-bit, no NUL, short lines (RFC 6152 §3, RFC 2045 §6).

Its MIME structure is walked once. Where the body of a part can't go as it stands, the part gets a transfer encoding
that brings the same body to the reader; all else stays byte for byte. What is signed is never touched (RFC 1847 §2.1,
RFC 6376 §5.3). The plan is a list of spans, so memory stays flat at any size.

Text is lines, and is encoded as lines in CR LF; anything else is octets, and is encoded as it stands in the source. So
is application/pkcs7-mime: what it signs is inside, and comes to no harm from an encoding around it (RFC 8551 §3.2).
"""

from __future__ import annotations

import codecs

from sendmail_cli.errors import DataError
from sendmail_cli.message.encoding import count_plain, is_base64, prefers_quoted_printable
from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.message.lines import NUL, TOO_LONG, Fault, LineCheck
from sendmail_cli.message.mime_header import IDENTITIES, MimeHeader, mime_header
from sendmail_cli.message.mime_scanner import MimeScanner
from sendmail_cli.message.raw_header import MAX_HEADER, field_name, fields_of
from sendmail_cli.message.spans import Coding, Span
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import NoReturn

    from sendmail_cli.message.mime_scanner import Delimiter
    from sendmail_cli.message.raw_header import Field
    from sendmail_cli.message.source import Source

MAX_DEPTH = 100  # parts within parts; nobody means more
EIGHT_BITS = "holds 8-bit octets"

_SIGNATURES = frozenset(("dkim-signature", "domainkey-signature", "arc-message-signature"))  # each covers the body
_SPAN_SIZE = 256  # octets that a piece of the plan takes, about
_HINT = "Encode that part in base64 or quoted-printable yourself, or attach it."


class Recoded(NamedTuple):
    """A message encoded anew: its header, without the empty line after it, and the pieces of its body."""

    header: bytes
    pieces: tuple[bytes | Span, ...]
    line_of_8bit_header: int | None  # in the header of a part, where no encoding helps


def recode(source: Source, start: int, first_line: int, fields: tuple[Field, ...], seal: str) -> Recoded:
    """The message whose header is `fields` and whose body begins `start` octets into `source`, at line `first_line`.

    `seal` is why nothing may be changed, as the end of a sentence, or "". Raises `DataError` with the number of the
    line that would have to change and can't, and what reading the source raises.
    """
    return _Walk(source, start, first_line).walk(fields, seal)


class _Edit(NamedTuple):
    """What goes out in place of the octets from `start` to `end`."""

    start: int
    end: int
    piece: bytes | Span


class _Part(NamedTuple):
    """A header, where its fields stand in the source (None: the message's own, which the caller has), its seal."""

    header: MimeHeader
    place: tuple[int, int] | None
    seal: str  # why nothing in it may be changed, or ""


class _Composite:
    """A part that holds parts. It is told once that something in it changes: then its label must not say 8bit."""

    __slots__ = ("boundary", "is_digest", "is_relabelled", "part")

    def __init__(self, part: _Part, boundary: bytes | None) -> None:
        self.part = part
        self.boundary = boundary  # while it counts
        self.is_digest = part.header.media_type == "multipart/digest"
        self.is_relabelled = part.header.encoding == "7bit"


class _Walk:
    def __init__(self, source: Source, start: int, first_line: int) -> None:
        self._source_size = source.size
        self._start = start
        self._scanner = MimeScanner(source, start, first_line)
        self._open: list[_Composite] = []  # from the outermost inwards
        self._edits: list[_Edit] = []
        self._held = 0  # octets that the plan takes
        self._header = b""
        self._line_of_8bit_header: int | None = None

    def walk(self, fields: tuple[Field, ...], seal: str) -> Recoded:
        header = mime_header(fields, is_message=True)
        self._header = b"".join(field.octets for field in fields)
        delimiter = self._entity(_Part(header, None, _seal(header, seal)))
        while delimiter is not None:
            multipart = self._back_to(delimiter.boundary)
            if delimiter.is_close:
                self._forget(multipart)
                delimiter = self._between_parts()
            else:
                default = "message/rfc822" if multipart.is_digest else "text/plain"
                delimiter = self._entity(self._read_part(multipart.part.seal, default))
        return Recoded(self._header, self._pieces(), self._line_of_8bit_header)

    def _entity(self, part: _Part) -> Delimiter | None:
        """One part up to the next delimiter: a leaf, or what stands before the first part of a composite."""
        while part.header.encoding in IDENTITIES:
            if part.header.boundary is not None:
                self._enter(part, part.header.boundary)
                return self._between_parts()
            if part.header.media_type != "message/rfc822":
                break
            self._enter(part, None)
            part = self._read_part(part.seal)
        return self._leaf(part)

    def _enter(self, part: _Part, boundary: bytes | None) -> None:
        if len(self._open) == MAX_DEPTH:
            raise DataError(
                f"line {self._scanner.line} of the message is more than {MAX_DEPTH} parts deep, and the message would "
                "have to be encoded anew to be sent",
                hint=_HINT,
            )
        if boundary is not None:
            if boundary in self._scanner.boundaries:
                boundary = None  # an enclosing part's: each such line ends this one
            else:
                self._scanner.boundaries.add(boundary)
        self._open.append(_Composite(part, boundary))

    def _back_to(self, boundary: bytes) -> _Composite:
        """The part whose boundary that is; those within it have ended."""
        while self._open[-1].boundary != boundary:
            self._forget(self._open.pop())
        return self._open[-1]

    def _forget(self, composite: _Composite) -> None:
        if composite.boundary is not None:
            self._scanner.boundaries.remove(composite.boundary)
            composite.boundary = None

    def _between_parts(self) -> Delimiter | None:
        """What stands before the first part or after the last, which no label can be put on."""
        check = LineCheck(self._scanner.line)
        _, delimiter = self._scanner.body(check.add)
        fault = _fault_of(check)
        if fault is not None:
            _refuse(fault, "it stands outside the parts of its multipart, where no encoding can be declared")
        return delimiter

    def _read_part(self, seal: str, default_type: str | None = None) -> _Part:
        """The header that begins here; with a `default_type` a part's, else that of a message within."""
        scanner = self._scanner
        start, first_line = scanner.offset, scanner.line
        lines: list[bytes] = []
        problem = ""
        while True:
            end = scanner.offset
            line, length = scanner.peek(MAX_LINE)
            if length == 0 or scanner.delimiter(line) is not None:
                break
            if not line:
                scanner.advance(length)
                break
            if not _is_of_header(line, is_first=not lines):
                problem = f"line {scanner.line} is no header field, and no empty line stands before it"
                break
            self._check_header_line(line)
            lines.append(line)
            scanner.advance(length)
            if scanner.offset - start > MAX_HEADER:
                raise DataError(f"the header of the part at line {first_line} is longer than {MAX_HEADER} octets")
        header = mime_header(
            fields_of(lines, first_line),
            is_message=default_type is None,
            default_type=default_type or "text/plain",
            problem=problem,
        )
        return _Part(header, (start, end), _seal(header, seal))

    def _check_header_line(self, line: bytes) -> None:
        """Raises `DataError` for what no transfer encoding is for; 8-bit octets are noted."""
        what = TOO_LONG if len(line) > MAX_LINE else NUL if b"\0" in line else ""
        if what:
            _refuse(Fault(self._scanner.line, what), "it is of the header of a part, which has no encoding")
        if self._line_of_8bit_header is None and not line.isascii():
            self._line_of_8bit_header = self._scanner.line

    def _leaf(self, part: _Part) -> Delimiter | None:
        start = self._scanner.offset
        facts = _Facts(self._scanner.line, part.header)
        end, delimiter = self._scanner.body(facts.add)
        fault = _fault_of(facts.check)
        if fault is not None:
            reason = part.seal or part.header.problem or _why_not(part.header, facts)
            if reason:
                _refuse(fault, reason)
            coding, label = _choose(part.header, facts)
            self._plan(_Edit(start, end, Span(start, end, coding)), _SPAN_SIZE)
            for composite in self._open:
                if not composite.is_relabelled:
                    composite.is_relabelled = True
                    self._relabel(composite.part, "7bit")
            if label:
                self._relabel(part, label, facts.charset)
        return delimiter

    def _relabel(self, part: _Part, encoding: str, charset: str | None = None) -> None:
        octets = part.header.relabelled(encoding, charset)
        if part.place is None:
            self._header = octets
            return
        self._plan(_Edit(*part.place, octets), len(octets) + _SPAN_SIZE)

    def _plan(self, edit: _Edit, size: int) -> None:
        self._held += size
        if self._held > MAX_HEADER:
            raise DataError("the message has too many parts that would have to be encoded anew", hint=_HINT)
        self._edits.append(edit)

    def _pieces(self) -> tuple[bytes | Span, ...]:
        pieces: list[bytes | Span] = []
        at = self._start
        for edit in sorted(self._edits, key=lambda edit: edit.start):
            pieces += [Span(at, edit.start, Coding.LINES), edit.piece]
            at = edit.end
        return (*pieces, Span(at, self._source_size, Coding.LINES))


class _Facts:
    """What the body of a leaf is, gathered while it passes."""

    def __init__(self, first_line: int, header: MimeHeader) -> None:
        self.check = LineCheck(first_line)
        self.has_nul = False
        self.is_base64 = True
        self._size = self._plain = 0
        self._must_guess = not header.has_type
        self._decoder = codecs.getincrementaldecoder("utf-8")() if self._must_guess else None

    def add(self, lines: bytes) -> None:
        self.check.add(lines)
        self.has_nul = self.has_nul or b"\0" in lines
        self.is_base64 = self.is_base64 and is_base64(lines)
        self._size += len(lines)
        self._plain += count_plain(lines)
        if self._decoder is not None:
            try:
                self._decoder.decode(lines)
            except UnicodeDecodeError:
                self._decoder = None

    @property
    def charset(self) -> str | None:
        """What must be said of text that comes without a Content-Type (RFC 1428 §3 for what is no UTF-8)."""
        if not self._must_guess or self.check.line_of_8bit is None:
            return None
        return "unknown-8bit" if self._decoder is None or self._decoder.getstate()[0] else "utf-8"

    @property
    def prefers_quoted_printable(self) -> bool:
        return self.charset == "unknown-8bit" or prefers_quoted_printable(self._size, self._plain)


def _is_of_header(line: bytes, *, is_first: bool) -> bool:
    return field_name(line) is not None or (not is_first and line.startswith((b" ", b"\t")))


def _seal(header: MimeHeader, above: str) -> str:
    """Why nothing below `header` may be changed, or ""."""
    if above:
        return above
    for field in header.fields:
        if field.name in _SIGNATURES and header.is_message:
            return f"to encode it anew would break the signature of line {field.line}"
    if header.media_type == "multipart/signed":
        return "to encode it anew would break the signature of its multipart/signed"
    return ""


def _fault_of(check: LineCheck) -> Fault | None:
    if check.fault is None and check.line_of_8bit is not None:
        return Fault(check.line_of_8bit, EIGHT_BITS)
    return check.fault


def _why_not(header: MimeHeader, facts: _Facts) -> str:
    """Why a body can't be encoded, or ""."""
    if header.encoding == "base64":
        return "" if facts.is_base64 else "it is labelled base64 and isn't"
    if header.encoding not in IDENTITIES:
        return f"it is labelled {header.encoding} already"
    if header.main_type == "multipart":
        return "its multipart has no boundary that could be understood"
    if header.main_type == "message" and not header.media_type.startswith("message/global"):
        return f"a part of type {header.media_type} must have no encoding"  # RFC 2045 §6.4, RFC 6532 §3.7
    return ""


def _choose(header: MimeHeader, facts: _Facts) -> tuple[Coding, str]:
    """The coding of a body, and the label it needs; "" when it has that already."""
    if header.encoding == "base64":
        return Coding.BASE64_AGAIN, ""
    if facts.has_nul or header.main_type not in {"text", "message"}:
        return Coding.BASE64_OCTETS, "base64"
    if facts.prefers_quoted_printable:
        return Coding.QUOTED_PRINTABLE, "quoted-printable"
    return Coding.BASE64_LINES, "base64"


def _refuse(fault: Fault, reason: str) -> NoReturn:
    raise DataError(f"line {fault.line} of the message {fault.what}; {reason}", hint=_HINT)
