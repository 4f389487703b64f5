"""Envelope and content together: the only thing that crosses from message to wire, and what a queue would store."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .smtp.envelope import Envelope


class Content(Protocol):
    """A whole message, header and body, as the octets that go over the wire before dot-stuffing.

    Every line ends in CR LF and has at most 998 octets before it; no CR or LF stands alone.
    """

    @property
    def size(self) -> int:
        """Octets, line endings included: what `SIZE=` announces (RFC 1870)."""

    @property
    def is_7bit(self) -> bool:
        """True when no octet is above 127 (RFC 2045 §2.7)."""

    @property
    def has_utf8_header(self) -> bool:
        """True when the header itself is beyond ASCII, which needs SMTPUTF8 (RFC 6531)."""

    def as_7bit(self) -> Content:
        """The same message with no octet above 127, for a server without 8BITMIME (RFC 6152 §3); itself if it is so.

        Raises `DataError` where that can't be: it is signed, must stay as it is, or its header is beyond ASCII.
        """

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning, in pieces of some tens of kilobytes. Each call starts anew.

        Raises `InputOutputError` when a file has changed since it was measured: then nothing may be delivered.
        """


class Submission(NamedTuple):
    """One message on its way: to whom, what, and the Message-ID by which its outcome is reported ("" if none)."""

    envelope: Envelope
    content: Content
    message_id: str
    blind: bytes = b""  # Bcc, as lines in CR LF: for the copy that the sender keeps, and never sent

    def watched(self, on_progress: Callable[[int, int], None]) -> Submission:
        """The same, telling `on_progress` how many octets of how many were handed out, each time one more piece is."""
        return self._replace(content=_Watched(self.content, on_progress))


class _Watched(NamedTuple):
    """A content in all but that somebody hears of its pieces; they pass as they are, `CleanLines` among them."""

    content: Content
    on_progress: Callable[[int, int], None]

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def is_7bit(self) -> bool:
        return self.content.is_7bit

    @property
    def has_utf8_header(self) -> bool:
        return self.content.has_utf8_header

    def as_7bit(self) -> Content:
        return self._replace(content=self.content.as_7bit())

    def chunks(self) -> Iterator[bytes]:
        done = 0
        for chunk in self.content.chunks():
            yield chunk
            done += len(chunk)
            self.on_progress(done, self.content.size)
