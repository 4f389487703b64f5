"""The lines of a ready message: their ends made one, and what SMTP doesn't carry (RFC 5321 §2.3.8, §4.5.3.1.6)."""

from __future__ import annotations

import re

from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_LONG = f"has more than {MAX_LINE} octets, which no server must take"
NUL = "has a NUL, which no mail can hold"

# Patterns, compiled by re when they are used: most messages need neither.
_EIGHT_BITS = rb"[\x80-\xff]"
_LONE_END = rb"\r(?!\n)|(?<!\r)\n"


class Fault(NamedTuple):
    """What is wrong with one line, as the end of a sentence: “line 3 of the message has a NUL, …”."""

    line: int
    what: str


def with_line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks` with every CR LF, lone CR and lone LF as one LF. A CR at the end of a chunk waits for the next."""
    waiting = b""
    for piece in chunks:
        chunk = waiting + piece
        waiting = b"\r" if chunk.endswith(b"\r") else b""
        chunk = chunk.removesuffix(b"\r")
        if chunk:
            yield as_line_feeds(chunk)
    if waiting:
        yield b"\n"


def as_line_feeds(octets: bytes) -> bytes:
    """`octets`, at whose ends no CR LF is torn apart, with every end of a line as one LF."""
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def wrong_end(chunks: Iterator[bytes]) -> Fault | None:
    """The first line of `chunks` that does not end in CR LF (RFC 5321 §2.3.8), the last one's end counted."""
    line, held = 1, b""
    last = b""
    for chunk in chunks:
        octets = held + chunk
        held = b"\r" if octets.endswith(b"\r") else b""
        octets = octets.removesuffix(b"\r")
        found = re.search(_LONE_END, octets)
        if found is not None:
            what = "ends in LF alone" if found[0] == b"\n" else "holds a CR that stands alone"
            return Fault(line + octets.count(b"\n", 0, found.start()), what)
        line += octets.count(b"\n")
        last = octets[-1:] or last
    if held:
        return Fault(line, "holds a CR that stands alone")
    return None if last == b"\n" else Fault(line, "is the last and has no end")


class LineCheck:
    """Gets lines piece by piece and knows what they are: `size` is that of all of them in CR LF, an open one ended."""

    def __init__(self, first_line: int) -> None:
        """`first_line` is the number of the first line that comes, for messages."""
        self.line = first_line
        self.line_of_8bit: int | None = None  # the first with an octet above 127
        self.fault: Fault | None = None  # the first that no server must take
        self._octets = 0
        self._is_open = False
        self._open_line = b""

    @property
    def size(self) -> int:
        """Octets."""
        return self._octets + (2 if self._is_open else 0)

    def add(self, lines: bytes) -> None:
        """The next piece, each end of a line one LF."""
        if not lines:
            return
        count = lines.count(b"\n")
        self._octets += len(lines) + count  # a CR before each
        self._is_open = not lines.endswith(b"\n")
        if self.line_of_8bit is None and not lines.isascii() and (found := re.search(_EIGHT_BITS, lines)):
            self.line_of_8bit = self.line + lines.count(b"\n", 0, found.start())
        if self.fault is None:
            self._look_for_fault(self._open_line + lines)
        self.line += count

    def _look_for_fault(self, lines: bytes) -> None:
        """It leaps as far as a line may be long and looks back for its end: it passes a dozen short lines at a time."""
        nul = lines.find(b"\0")
        at = 0
        while len(lines) - at > MAX_LINE:
            end = lines.rfind(b"\n", at, at + MAX_LINE + 1)
            if end < 0:
                break
            at = end + 1
        is_too_long = len(lines) - at > MAX_LINE
        if nul >= 0 and not (is_too_long and at <= nul):
            self.fault = Fault(self.line + lines.count(b"\n", 0, nul), NUL)
        elif is_too_long:
            self.fault = Fault(self.line + lines.count(b"\n", 0, at), TOO_LONG)
        self._open_line = b"" if self.fault is not None else lines[max(at, lines.rfind(b"\n", at) + 1) :]
