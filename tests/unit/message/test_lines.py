"""Ends of lines, and lines that no server must take."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sendmail_cli.message.lines import NUL, TOO_LONG, Fault, LineCheck, with_line_feeds, wrong_end


def pieces(octets: bytes) -> list[list[bytes]]:
    """Whole, octet by octet, and in two at each place."""
    single = [bytes([octet]) for octet in octets]
    halves = [[octets[:at], octets[at:]] for at in range(len(octets) + 1)]
    return [[octets], single, *halves]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"a\r\n\r\nb\r\n", None),
        (b"a\r\nb\nc\r\n", Fault(2, "ends in LF alone")),
        (b"\n", Fault(1, "ends in LF alone")),
        (b"a\r\nb\rc\r\n", Fault(2, "holds a CR that stands alone")),
        (b"a\r\r\n", Fault(1, "holds a CR that stands alone")),
        (b"a\r\nb\r", Fault(2, "holds a CR that stands alone")),
        (b"a\r\nb", Fault(2, "is the last and has no end")),
    ],
)
def test_the_first_line_with_a_wrong_end_is_found(octets: bytes, fault: Fault | None) -> None:
    for chunks in pieces(octets):
        assert wrong_end(iter(chunks)) == fault


def test_every_end_becomes_one_line_feed() -> None:
    for chunks in pieces(b"a\r\nb\rc\n\r\r\n\n\r"):
        assert b"".join(with_line_feeds(iter(chunks))) == b"a\nb\nc\n\n\n\n\n"


@pytest.mark.parametrize(
    ("lines", "fault", "line_of_8bit", "size"),
    [
        (b"a\nb\n", None, None, 6),
        (b"a\nb", None, None, 6),
        (b"", None, None, 0),
        (b"a\n\xff\n\xfe", None, 8, 9),
        (b"a\n\0\n", Fault(8, NUL), None, 6),
        (b"a\n" + b"x" * 998 + b"\nb\n", None, None, 1006),
        (b"a\n" + b"x" * 999, Fault(8, TOO_LONG), None, 1004),
        (b"x" * 999 + b"\n\0\n", Fault(7, TOO_LONG), None, 1004),
        (b"\0\n" + b"x" * 999, Fault(7, NUL), None, 1004),
        (b"x" * 500 + b"\0" + b"x" * 600, Fault(7, TOO_LONG), None, 1103),
    ],
)
def test_lines_are_the_same_wherever_pieces_end(
    lines: bytes, fault: Fault | None, line_of_8bit: int | None, size: int
) -> None:
    cuts = [0, 1, 2, 5, 600, 999, 1000, 1001, len(lines)]
    for chunks in ([lines], [lines[start:end] for start, end in pairwise(sorted(cuts))]):
        check = LineCheck(7)
        for chunk in chunks:
            check.add(chunk)
        assert (check.line_of_8bit, check.size) == (line_of_8bit, size)
        assert (check.fault is None) == (fault is None)
        assert fault is None or (check.fault is not None and check.fault.line == fault.line)
