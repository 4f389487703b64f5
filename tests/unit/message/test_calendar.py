"""A calendar file: what it is, and what is to be done with it."""

from __future__ import annotations

import pytest

from sendmail_cli.errors import DataError
from sendmail_cli.message.calendar import MAX_SIZE, METHODS, parse_calendar
from sendmail_cli.message.source import MemorySource

EVENT = 'BEGIN:VEVENT\nUID:1@x\nX-A;B="c:;d",e;F=g:h\nEND:VEVENT\n'


def source(text: str) -> MemorySource:
    return MemorySource(text.encode(), "“c.ics”")


def calendar(method: str = "METHOD:REQUEST\n", event: str = EVENT) -> str:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{method}{event}END:VCALENDAR\n"


@pytest.mark.parametrize("method", METHODS)
def test_says_its_method(method: str) -> None:
    assert parse_calendar(source(calendar(f"method:{method.lower()}\n"))).method == method


@pytest.mark.parametrize(
    "text",
    [
        calendar(),
        calendar().replace("\n", "\r\n"),
        "\ufeff" + calendar(),
        calendar() + "\n\n",
        calendar().rstrip("\n"),
    ],
)
def test_is_text_whatever_its_lines_end_in_and_a_file_in_cr_lf(text: str) -> None:
    parsed = parse_calendar(source(text))
    attached = parsed.attached()

    assert parsed.text == calendar()
    assert b"".join(attached.source.chunks()) == calendar().replace("\n", "\r\n").encode()
    assert (attached.name, attached.media_type) == ("invite.ics", "application/ics")


def test_a_line_may_be_folded_anywhere() -> None:
    folded = calendar("METH\n OD:REQ\n\tUEST\n")
    assert parse_calendar(source(folded)).method == "REQUEST"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (calendar(event="METHOD:REPLY\n"), "line 5: METHOD is there twice"),
        (calendar(method="", event=EVENT.replace("UID", "METHOD:REQUEST\nUID")), "line 9: .* has no METHOD"),
        (calendar(event=""), "line 5: .* nothing in it"),
        (calendar().replace("VERSION:2.0\n", ""), "line 8: .* has no VERSION"),
        (calendar(event="BEGIN:VCALENDAR\nEND:VCALENDAR\n"), "line 5: .* none stands within another"),
        (calendar(event=EVENT + "END:VEVENT\n"), "line 9: END:VEVENT ends what was not begun"),
        (calendar() + "X:1\n", "line 10: a calendar begins with"),
        (calendar(event="X Y:1\n"), "line 5: “X Y:1” is no line of a calendar"),
        (calendar(event='X;A="b:1\n'), "line 5: .* is no line of a calendar"),
        (calendar(event="X:\x1b\n"), "line 5: a control character"),
        (calendar(event="X:1\n" + EVENT).replace("END:VCALENDAR\n", ""), "line 9: the calendar has no end"),
        ("<html>\n", "line 1: “<html>” is no line of a calendar"),
        (" \n", "line 1: "),
    ],
)
def test_what_is_none_is_refused_with_the_line(text: str, words: str) -> None:
    with pytest.raises(DataError, match=f"^“c.ics”, {words}"):
        parse_calendar(source(text))


def test_what_is_too_large_is_not_even_read() -> None:
    with pytest.raises(DataError, match="too many for a calendar"):
        parse_calendar(source("x" * (MAX_SIZE + 1)))


@pytest.mark.parametrize(
    "text",
    [";a" * 100_000, 'X;A="' * 100_000, "A;B=" + '"' * 200_000, "BEGIN:X\n" * 50_000, "X\n " * 100_000, "\n" * 200_000],
)
def test_duty57_costs_linear_time(text: str) -> None:
    with pytest.raises(DataError):
        parse_calendar(source("BEGIN:VCALENDAR\n" + text))
