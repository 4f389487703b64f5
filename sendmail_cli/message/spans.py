"""Stretches of a ready message and the transfer encoding in which each is sent (RFC 2045 §6)."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.message.lines import with_line_feeds
from sendmail_cli.message.source import CHUNK
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.source import Source


class Coding(Enum):
    """What is done to the octets of a span."""

    LINES = "its lines, in CR LF"
    QUOTED_PRINTABLE = "its lines in quoted-printable"
    BASE64_LINES = "its lines, in CR LF, in base64"
    BASE64_OCTETS = "its octets as they are, in base64"
    BASE64_AGAIN = "base64 that it is, in lines of 76"


class Span(NamedTuple):
    """Octets of a source from `start` up to `end`. Neither stands between a CR and its LF."""

    start: int
    end: int
    coding: Coding

    def chunks(self, source: Source) -> Iterator[bytes]:
        """What is sent of it. Raises `InputOutputError` when the source has changed."""
        if self.coding is Coding.LINES:
            return self._lines(source)
        from sendmail_cli.message import encoding

        if self.coding is Coding.BASE64_OCTETS:
            return encoding.base64_lines(self._octets(source, encoding.BASE64_CHUNK))
        if self.coding is Coding.BASE64_AGAIN:
            return encoding.rewrapped_base64(self._octets(source, CHUNK))
        if self.coding is Coding.QUOTED_PRINTABLE:
            return encoding.quoted_printable(with_line_feeds(self._octets(source, CHUNK)))
        return encoding.base64_lines(_regrouped(self._lines(source), encoding.BASE64_CHUNK))

    def _lines(self, source: Source) -> Iterator[bytes]:
        return (chunk.replace(b"\n", b"\r\n") for chunk in with_line_feeds(self._octets(source, CHUNK)))

    def _octets(self, source: Source, length: int) -> Iterator[bytes]:
        left = self.end - self.start
        if left:
            for chunk in source.chunks(min(length, left), self.start):
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return


def _regrouped(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The same octets in pieces of that `length`, but for the last."""
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) > length:
            yield held[:length]
            held = held[length:]
    if held:
        yield held
