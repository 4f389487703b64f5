"""Mailboxes of ready messages, an mbox or a Maildir: each message in its turn, and none is held longer than needed.

An mbox is taken apart where a line “From …” with a time and a year comes between an empty line and a header field, and
lines of the text that were quoted because they look like one lose a “>” (mboxrd, and mboxo where it can be told).
"""

from __future__ import annotations

import os
import re

from sendmail_cli.errors import InputError, InputOutputError
from sendmail_cli.message.source import keep_chunks, open_file
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.source import Source

MAX_FROM_LINE = 300  # octets
MAX_NAME = 200  # octets, of the header field that follows
HELD = 1024  # octets that are looked at again with what comes next: longer than any place between two messages
MAX_QUOTED_LINE = 1000  # octets; a longer line is passed on as it comes

_FIRST_LINE = re.compile(rb"From (?![ \t]*:)")
_BETWEEN = re.compile(
    rb"\n(?:\r?\n)(?=From ([^\n]{1,%d})\n(?:[!-9;-~]{1,%d}[ \t]*:|>From ))" % (MAX_FROM_LINE, MAX_NAME)
)
_DATE = re.compile(rb"[0-9]:[0-9]{2}.*[0-9]{4}")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_NUMBER = re.compile("[0-9]+")


def is_mbox(source: Source) -> bool:
    """True when `source` begins as an mbox does."""
    return _FIRST_LINE.match(next(source.chunks(), b"")) is not None


def messages_in_mbox(source: Source) -> Iterator[Source]:
    """Each message in `source`, with the line “From …” before it, as a source of its own.

    A short one is kept in memory, another in a temporary file. Raises what reading and keeping raises.
    """
    mbox = _Mbox(source.chunks())
    number = 0
    try:
        while not mbox.is_at_end:
            number += 1
            yield keep_chunks(_unquoted(mbox.message()), f"message {number} of {source.label}")
    except InputOutputError as error:
        if number > 1:
            error.hint = f"Messages before number {number} may have been sent."
        raise


class _Mbox:
    """Reads an mbox from its beginning to its end, a message at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self.is_at_end = False

    def message(self) -> Iterator[bytes]:
        """The next message, in pieces."""
        while True:
            chunk = next(self._chunks, b"")
            self._held += chunk
            found = self._end_of_message()
            limit = len(self._held) - (HELD if chunk else 0)
            if found is not None and found[0] <= limit:
                yield self._held[: found[0]]
                self._held = self._held[found[1] :]
                return
            if not chunk:
                self.is_at_end = True
                yield _without_last_empty_line(self._held)
                return
            if limit > 0:
                yield self._held[:limit]
                self._held = self._held[limit:]

    def _end_of_message(self) -> tuple[int, int] | None:
        """Where the message ends, and where the next begins; None where that isn't to be seen yet."""
        for found in _BETWEEN.finditer(self._held):
            if _DATE.search(found[1]):
                return found.start() + 1, found.end()
        return None


def _without_last_empty_line(octets: bytes) -> bytes:
    """An mbox has one after each message."""
    for end in (b"\r\n", b"\n"):
        if octets.endswith(end + end):
            return octets.removesuffix(end)
    return octets


def _unquoted(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces` without the “>” that was put before “From ”, wherever a line was torn apart."""
    held = b""
    is_inside = False  # of a line that was passed on in part
    for piece in pieces:
        held += piece
        end = held.rfind(b"\n") + 1
        if len(held) - end > MAX_QUOTED_LINE:
            end = len(held)
        whole, held = held[:end], held[end:]
        if whole:
            yield _unquoted_lines(whole, is_inside=is_inside)
            is_inside = not whole.endswith(b"\n")
    yield _unquoted_lines(held, is_inside=is_inside)


def _unquoted_lines(octets: bytes, *, is_inside: bool) -> bytes:
    begun, end, lines = octets.partition(b"\n") if is_inside else (b"", b"", octets)
    return begun + end + _QUOTED.sub(b"", lines)


def messages_in_maildir(folder: str) -> Iterator[Source]:
    """Each message in the Maildir `folder`, read or not, in the order of their arrival.

    Raises `InputError` at once where it is none, and what opening a message raises in its turn.
    """
    names: list[tuple[int, str, str]] = []  # seconds since the epoch, name, path
    for part in ("cur", "new"):
        try:
            found = os.listdir(os.path.join(folder, part))
        except OSError as error:
            raise InputError(f"can't read “{printable(folder)}” as a Maildir: {part}: {error.strerror}") from None
        for name in found:
            if not name.startswith("."):
                number = _NUMBER.match(name)
                names.append((int(number[0][:20]) if number else 0, name, os.path.join(folder, part, name)))
    return map(open_file, [path for _, _, path in sorted(names)])  # which goes on after one that can't be opened
