"""Replies (RFC 5321 §4.2): bytes from the server into values, whatever the bytes are."""

from __future__ import annotations

from sendmail_cli.errors import RemoteProtocolError, ReplyTooLong
from sendmail_cli.printable import printable
from sendmail_cli.status import EnhancedStatusCode, parse_enhanced_status_code
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 5321 §4.5.3.1.5 says 512 octets, but a challenge may have 12288 (RFC 4954 §4), and nothing legal is longer.
MAX_REPLY_LINE = len("334 ") + 12288 + len("\r\n")  # octets
MAX_REPLY_LINES = 500  # lines; the longest EHLO seen has 30, the longest HELP 60
MAX_REPLY = 65536  # octets

_DIGITS = frozenset(b"0123456789")
_FIRST_DIGITS = frozenset(b"12345")
_SEPARATORS = (b" ", b"-", b"")


class Reply(NamedTuple):
    """A whole reply: its code and the text of each line, printable."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()

    @property
    def text(self) -> str:
        """All lines as one text, shortened if endless; an enhanced code that each line repeats stands once."""
        if len(self.lines) == 1:
            return printable(self.lines[0].strip())
        lines = [line.strip() for line in self.lines]
        if self.enhanced is not None:
            code = lines[0].partition(" ")[0]
            rest = [(line, *line.partition(" ")) for line in lines[1:]]
            lines[1:] = [after.lstrip() if word == code else line for line, word, _, after in rest]
        return printable(" ".join(filter(None, lines)))

    @property
    def enhanced(self) -> EnhancedStatusCode | None:
        """The enhanced status code (RFC 2034), or None where there is none or it contradicts the reply code."""
        found = parse_enhanced_status_code(self.lines[0]) if self.lines else None
        return found if found is not None and found.class_ == self.code // 100 else None

    @property
    def is_positive(self) -> bool:
        """2yz: done."""
        return 200 <= self.code < 300

    @property
    def is_intermediate(self) -> bool:
        """3yz: go on."""
        return 300 <= self.code < 400

    @property
    def is_transient(self) -> bool:
        """4yz: not now."""
        return 400 <= self.code < 500

    def challenge(self) -> bytes | None:
        """The octets of a 334 challenge (RFC 4954 §4), or None when it isn't base64."""
        from binascii import Error, a2b_base64

        try:
            return a2b_base64("".join(self.lines).strip().encode("ascii"), strict_mode=True)
        except (Error, UnicodeEncodeError):
            return None

    def redacted(self, redact: Callable[[str], str]) -> Reply:
        """The same with `redact` done to each line; in one line where a secret runs over from line to line."""
        cleaned = self._replace(lines=tuple(map(redact, self.lines)))
        text = cleaned.text
        return cleaned if redact(text) == text else self._replace(lines=(redact(text),))


class ReplyParser:
    """Takes bytes in any pieces, gives replies. Raises `RemoteProtocolError` for what is no reply.

    A line feed alone ends a line too: some servers send it, and nothing depends on the carriage return here.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # octets of the buffer known to hold no line end
        self._code: int | None = None
        self._lines: list[str] = []
        self._octets = 0

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """True when nothing was received that isn't part of a reply already given."""
        return not self._buffer and self._code is None

    def next_reply(self) -> Reply | None:
        """The next whole reply, or None until more is fed."""
        while (line := self._next_line()) is not None:
            code, is_last, text = _parse_line(line)
            if self._code is None:
                if is_last:  # nearly always
                    self._octets = 0
                    return Reply(code, (text,))
                self._code = code
            elif self._code != code:
                raise RemoteProtocolError(f"the server's reply begins with {self._code} and goes on with {code}")
            self._lines.append(text)
            if is_last:
                reply = Reply(code, tuple(self._lines))
                self._code, self._lines, self._octets = None, [], 0
                return reply
            if len(self._lines) >= MAX_REPLY_LINES or self._octets > MAX_REPLY:
                raise ReplyTooLong("the server's reply has no end")
        return None

    def _next_line(self) -> bytes | None:
        if not self._buffer:
            return None
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > MAX_REPLY_LINE:
                raise ReplyTooLong("the server sent a line without end")
            if _is_hopeless(self._buffer):
                raise _no_reply(bytes(self._buffer))  # TLS alerts and other binaries never get to a line end
            return None
        if end > MAX_REPLY_LINE:
            raise ReplyTooLong("the server sent a line without end")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        self._octets += end + 1
        return line.removesuffix(b"\r")


def _parse_line(line: bytes) -> tuple[int, bool, str]:
    """Code, whether it is the reply's last line, and text."""
    digits, separator = line[:3], line[3:4]
    # bytes.isdigit() takes ASCII alone; str.isdigit() takes others
    if len(digits) != 3 or not digits.isdigit() or digits[0] not in _FIRST_DIGITS or separator not in _SEPARATORS:
        raise _no_reply(line)
    text = line[4:].decode("utf-8", "backslashreplace")
    if not (text.isascii() and text.isprintable()):
        text = printable(text, MAX_REPLY_LINE)
    return int(digits), separator != b"-", text


_LOOK = "Look at the server's name and port."
# What other services say first, and what to do about it.
_STRANGERS = (
    (b"HTTP/", "a web server", ""),
    (b"SSH-", "an SSH server", ""),
    (b"+OK", "a POP3 server", "Mail is fetched there, not sent; the server for sending often has another name."),
    (b"* OK", "an IMAP server", "Mail is read there, not sent; the server for sending often has another name."),
    (b"\x15\x03", "a server that expects TLS from the first byte", "Try --tls implicit, usually with port 465."),
    (b"\x16\x03", "a server that speaks TLS from the first byte", "Try --tls implicit, usually with port 465."),
)


def _is_hopeless(start: bytearray) -> bool:
    """True when no reply begins like this, and it won't become clearer who is speaking."""
    if not start or start[0] in _DIGITS:
        return False
    return not any(stranger.startswith(start) and stranger != start for stranger, _, _ in _STRANGERS)


def _no_reply(line: bytes) -> RemoteProtocolError:
    for start, kind, hint in _STRANGERS:
        if line.startswith(start):
            return RemoteProtocolError(f"this is {kind}, not an SMTP server", hint=hint or _LOOK)
    shown = printable(line.decode("utf-8", "backslashreplace"), 80)
    return RemoteProtocolError(f"the server said “{shown}”, which is no SMTP reply", hint=_LOOK)
