"""The content as a server receives it: where it ends, and without the dots that were stuffed (RFC 5321 §4.5.2)."""

from __future__ import annotations

CRLF = b"\r\n"
MAX_HELD = 64 * 1024  # octets of a line without end that are kept back


class ReceivedContent:
    """What follows a 354, piece by piece.

    Lines end as that of the DATA command did: in CR LF, and for a program on this machine that writes LF alone, in
    LF. Nothing else ends the content: a lone dot between other line ends is text (see SMTP smuggling).
    """

    def __init__(self, line_end: bytes = CRLF) -> None:
        self._line_end = line_end
        self._held = line_end  # the end of the line before the first, so that every line has one before it
        self._is_first = True
        self.rest = b""  # what follows the end
        self.is_ended = False

    def feed(self, octets: bytes) -> bytes:
        """More of it as it came; gives the content that is certain by now. After the end, see `rest`."""
        self._held += octets
        end = self._held.find(self._line_end + b"." + self._line_end)
        if end >= 0:
            ready, self.rest = self._held[:end], self._held[end + 2 * len(self._line_end) + 1 :]
            self._held = b""
            self.is_ended = True
            return self._unstuffed(ready, is_last=True)
        # The last line may yet turn out to be the end, so it waits with the line end before it.
        cut = self._held.rfind(self._line_end)
        if cut <= 0:
            if len(self._held) < MAX_HELD:
                return b""
            cut = len(self._held) - 1  # the next octet could be the second half of a CR LF
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._unstuffed(ready, is_last=False)

    def _unstuffed(self, ready: bytes, *, is_last: bool) -> bytes:
        text = ready.replace(self._line_end + b".", self._line_end)
        if self._is_first and ready:
            text = text.removeprefix(self._line_end)
        is_empty = self._is_first and not ready  # the lone dot came at once
        self._is_first = self._is_first and not ready
        return text + self._line_end if is_last and not is_empty else text
