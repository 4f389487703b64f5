"""A calendar file as the invitation, the answer or the cancellation that it is (RFC 5545, RFC 5546, RFC 6047).

Programs that know calendars want it as one more form of the body, with its method; the others, a file to open.
"""

from __future__ import annotations

import re

from sendmail_cli.errors import DataError
from sendmail_cli.message.attachments import Attachment
from sendmail_cli.message.source import MemorySource
from sendmail_cli.printable import find_control, printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.source import Source

MAX_SIZE = 4 * 1024 * 1024  # octets; it is held in memory, and an invitation has some hundreds
METHODS = ("PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER")  # RFC 5546 §1.4
FILE_TYPE = "application/ics"  # what Outlook and Gmail open; a second text/calendar they would take for another event
FILE_NAME = "invite.ics"

_CONTENT_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[^;:"]+(?:"[^"]*"[^;:"]*)*)*):(.*)', re.DOTALL)  # RFC 5545 §3.1
_ONCE = ("VERSION", "PRODID", "METHOD")
_HINT = "--calendar sends a whole calendar object, from BEGIN:VCALENDAR to END:VCALENDAR."


class Calendar(NamedTuple):
    """A calendar object that says of itself what is to be done with it."""

    text: str  # lines end in LF
    method: str  # one of METHODS

    def attached(self, name: str = FILE_NAME) -> Attachment:
        """The same as a file."""
        octets = self.text.replace("\n", "\r\n").encode()
        return Attachment(MemorySource(octets, f"“{name}”"), name, FILE_TYPE)


def parse_calendar(source: Source) -> Calendar:
    """The calendar in `source`. Raises `DataError` with the number of the line for what is none, or has no method;
    and what reading the source raises.
    """
    if source.size > MAX_SIZE:
        raise DataError(f"{source.label} has {source.size:,} octets, too many for a calendar ({MAX_SIZE:,})")
    text = _text_in(source)
    method = _method_in(_Reader(source.label, text))
    return Calendar(text, method)


def _text_in(source: Source) -> str:
    octets = b"".join(source.chunks())
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise DataError(f"{source.label}, line {line}: a calendar is UTF-8, and this is not (RFC 6047 §2.4)") from None
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


class _Reader:
    """The content lines of a calendar, unfolded (RFC 5545 §3.1)."""

    def __init__(self, label: str, text: str) -> None:
        self._label = label
        self._text = text
        self.line = 0  # the number of the one that was read last

    def refuse(self, sentence: str, hint: str = _HINT) -> DataError:
        """The error that `sentence` is true of the line that was read last."""
        return DataError(f"{self._label}, line {max(self.line, 1)}: {sentence}", hint=hint)

    def properties(self) -> Iterator[tuple[str, str]]:
        """Name, in capitals, and value of each."""
        for first, whole in self._unfolded():
            self.line = first
            if find_control(whole.replace("\t", " ")) is not None:
                raise self.refuse("a control character stands in it")
            found = _CONTENT_LINE.fullmatch(whole)
            if found is None:
                raise self.refuse(f"“{printable(whole, 60)}” is no line of a calendar, which are NAME:VALUE")
            yield found[1].upper(), found[3]

    def _unfolded(self) -> Iterator[tuple[int, str]]:
        held: list[str] = []
        first = 0
        for number, line in enumerate(self._text.split("\n"), 1):
            if line.startswith((" ", "\t")) and held:
                held.append(line[1:])
                continue
            if held:
                yield first, "".join(held)
            held, first = ([line], number) if line else ([], number)
        if held:
            yield first, "".join(held)


def _method_in(reader: _Reader) -> str:
    """The METHOD of the one calendar object that `reader` reads, whose components are whole."""
    open_ones: list[str] = []
    seen: dict[str, str] = {}
    is_filled = False
    for name, value in reader.properties():
        kind = value.strip().upper()
        if name == "BEGIN":
            _check_begin(reader, kind, open_ones, is_closed="END" in seen)
            is_filled = is_filled or len(open_ones) == 1
            open_ones.append(kind)
        elif not open_ones:
            raise reader.refuse("a calendar begins with BEGIN:VCALENDAR")
        elif name == "END":
            if open_ones.pop() != kind:
                raise reader.refuse(f"END:{printable(kind, 40)} ends what was not begun, or not yet")
            if not open_ones:
                seen["END"] = kind
        elif len(open_ones) == 1 and name in _ONCE:
            _check_once(reader, name, kind, seen)
            seen[name] = kind
    if "END" not in seen:
        raise reader.refuse("the calendar has no end (END:VCALENDAR)" if open_ones else "this is no calendar")
    return _checked_method(reader, seen, is_filled=is_filled)


def _check_begin(reader: _Reader, kind: str, open_ones: list[str], *, is_closed: bool) -> None:
    if is_closed:
        raise reader.refuse("something stands after the end of the calendar, and one is sent at a time")
    if (kind == "VCALENDAR") != (not open_ones):
        raise reader.refuse("a calendar begins with BEGIN:VCALENDAR, and none stands within another")


def _check_once(reader: _Reader, name: str, value: str, seen: dict[str, str]) -> None:
    if name in seen:
        raise reader.refuse(f"{name} is there twice")
    if name == "METHOD" and value not in METHODS:
        raise reader.refuse(f"METHOD:{printable(value, 40)} is none of {', '.join(METHODS)} (RFC 5546 §1.4)")


def _checked_method(reader: _Reader, seen: dict[str, str], *, is_filled: bool) -> str:
    for name in _ONCE:
        if name not in seen:
            hint = "Add a line to it, METHOD:REQUEST for an invitation." if name == "METHOD" else _HINT
            raise reader.refuse(f"the calendar that ends here has no {name}", hint)
    if not is_filled:
        raise reader.refuse("the calendar that ends here has nothing in it, no VEVENT for one")
    return seen["METHOD"]
