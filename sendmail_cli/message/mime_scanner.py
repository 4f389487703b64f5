"""Reads a ready message forward, once, as MIME needs it: lines of headers, bodies up to a delimiter (RFC 2046 §5.1.1).

It holds one piece of the source, whatever the message looks like, and looks at each octet a fixed number of times.
"""

from __future__ import annotations

import re

from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.message.lines import as_line_feeds
from sendmail_cli.message.source import CHUNK
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_END = re.compile(rb"\r\n?|\n")
_DASHES = re.compile(rb"(?:\r\n?|\n)--")
_MAYBE_DASHES = re.compile(rb"(?:\r\n?|\n)-?\Z")


class Readable(Protocol):
    """Octets that can be read once from `start`: a source can."""

    def chunks(self, length: int, start: int) -> Iterator[bytes]:
        """The octets from `start` on, in pieces of about `length`."""


class Delimiter(NamedTuple):
    """A line that ends a part."""

    boundary: bytes
    is_close: bool  # the last of its multipart


class MimeScanner:
    """Give it the `boundaries` that count now; then ask for a line or a body. `line` is the number of the next line."""

    def __init__(self, source: Readable, start: int, first_line: int) -> None:
        self.boundaries: set[bytes] = set()
        self.line = first_line
        self._chunks = source.chunks(CHUNK, start)
        self._held = b""
        self._at = 0  # in what is held
        self._base = start  # where in the source what is held begins

    @property
    def offset(self) -> int:
        """Octets into the source, always at the beginning of a line."""
        return self._base + self._at

    def peek(self, limit: int, ahead: int = 0) -> tuple[bytes, int]:
        """The line that begins `ahead` octets from here, without its end, and how long it is with it.

        Of one longer than `limit` the beginning; at the end of the source it is empty and 0 octets long.
        """
        is_at_end = False
        while True:
            start = self._at + ahead
            found = _END.search(self._held, start, start + limit + len(b"\r\n"))
            if found is not None and found.start() > start + limit:
                found = None  # perhaps half of it
            if found is not None and (is_at_end or found.end() < len(self._held) or not found[0].endswith(b"\r")):
                return self._held[start : found.start()], found.end() - start
            if is_at_end or len(self._held) - start > limit + len(b"\r\n"):
                line = self._held[start : start + limit + 1]
                return line, len(line)
            is_at_end = not self._more()

    def advance(self, length: int) -> None:
        """Past the line that `peek` gave with this length."""
        self._at += length
        self.line += length > 0

    def delimiter(self, line: bytes) -> Delimiter | None:
        """What `line`, without its end, is to the boundaries that count now."""
        if not line.startswith(b"--") or len(line) > MAX_LINE:
            return None
        boundary = line[2:].rstrip(b" \t")
        if boundary in self.boundaries:
            return Delimiter(boundary, is_close=False)
        if boundary.endswith(b"--") and boundary[:-2] in self.boundaries:
            return Delimiter(boundary[:-2], is_close=True)
        return None

    def body(self, add: Callable[[bytes], None]) -> tuple[int, Delimiter | None]:
        """What stands from here up to the next delimiter goes to `add`, each end of a line as one LF.

        Gives where it ends in the source (the end of the line before a delimiter is the delimiter's), and the
        delimiter, which is then passed; None at the end of the source.
        """
        line, length = self.peek(MAX_LINE)
        first = self.delimiter(line)
        if first is not None:
            end = self.offset
            self.advance(length)
            return end, first
        seen = self._at
        while True:
            # Base64 has no “--”, and to see that takes a tenth of what the pattern takes.
            is_possible = bool(self.boundaries) and self._held.find(b"--", seen) >= 0
            found = _DASHES.search(self._held, seen) if is_possible else None
            if found is None:
                self._feed(self._certain(), add)
                if not self._more():
                    self._feed(len(self._held), add)
                    return self.offset, None
                seen = self._at
                continue
            self._feed(found.start(), add)
            start = found.end() - len(b"--") - found.start()  # of the line, in what is held from now on
            line, length = self.peek(MAX_LINE, start)
            delimiter = self.delimiter(line)
            if delimiter is not None:
                end = self.offset
                self.line += 1
                self.advance(start + length)
                return end, delimiter
            seen = self._at + start

    def _certain(self) -> int:
        """Up to where what is held can't be the beginning of a delimiter."""
        found = _MAYBE_DASHES.search(self._held, max(len(self._held) - len(b"\r\n-"), self._at))
        return len(self._held) if found is None else found.start()

    def _feed(self, end: int, add: Callable[[bytes], None]) -> None:
        """What is held up to `end` goes to `add`."""
        lines = as_line_feeds(self._held[self._at : end])
        if lines:
            self.line += lines.count(b"\n")
            add(lines)
        self._at = end

    def _more(self) -> bool:
        """Reads on; what was passed is dropped. False at the end of the source."""
        chunk = next(self._chunks, b"")
        self._base += self._at
        self._held = self._held[self._at :] + chunk
        self._at = 0
        return chunk != b""
