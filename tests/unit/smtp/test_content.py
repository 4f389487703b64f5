"""Line endings and dots."""

import pytest

from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.octets import CleanLines
from sendmail_cli.smtp.content import dot_stuff, whole


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_empty_chunks_mean_nothing() -> None:
    assert b"".join(dot_stuff([b"", b"a\r", b"", b"\n", b"", b".b"])) == b"a\r\n..b\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", b""),
        (b".", b"..\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"..\r\n", b"...\r\n"),
        (b"a.\r\n.b", b"a.\r\n..b\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n"),
        (b"no newline", b"no newline\r\n"),
        (b"a\r\n", b"a\r\n"),
    ],
)
def test_trap01_trap02_duty02_dots_and_the_last_line_end(data: bytes, expected: bytes, size: int) -> None:
    assert b"".join(dot_stuff(pieces(data, size))) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "data", [b"a\nb\r\n", b"a\rb\r\n", b"\n", b"a\r", b"a\r\n\r", b"\n\r", b"a\r\r\n", b"a\n\n.\r\n", b"\ra\n"]
)
def test_duty01_a_cr_or_lf_alone_never_goes_out(data: bytes, size: int) -> None:
    with pytest.raises(LocalProtocolError, match="stands alone"):
        list(dot_stuff(pieces(data, size)))


def test_trap02_lines_that_vouch_for_themselves_stand_between_others() -> None:
    chunks = [b".a\r\n", CleanLines(b"QUJD\r\nREVG"), b"\r\n.b", b"\r", b"\n", CleanLines(b"R0hJ"), b".c"]
    assert b"".join(dot_stuff(chunks)) == b"..a\r\nQUJD\r\nREVG\r\n..b\r\nR0hJ.c\r\n"


def test_trap01_a_dot_after_lines_that_vouch_for_themselves_is_stuffed() -> None:
    assert b"".join(dot_stuff([CleanLines(b"QUJD\r\n"), b".b\r\n"])) == b"QUJD\r\n..b\r\n"
    assert b"".join(dot_stuff([CleanLines(b"QUJD\r\n")])) == b"QUJD\r\n"


def test_lines_that_vouch_for_themselves_are_not_copied() -> None:
    lines = CleanLines(b"QUJD\r\n" * 10)
    assert next(dot_stuff([lines])) is lines


@pytest.mark.parametrize("after", [[], [b"\n"]])
def test_duty01_nothing_vouches_for_what_stands_before_it(after: list[bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        list(dot_stuff([b"a\r", CleanLines(b"QUJD\r\n"), *after]))


def test_duty15_a_whole_content_is_not_stuffed_and_ends_its_last_line() -> None:
    assert whole([b".a\r", b"\n..\r\nend"]) == b".a\r\n..\r\nend\r\n"
    assert whole([]) == b"\r\n"


@pytest.mark.parametrize("chunks", [[b"a\rb\r\n"], [b"a\n"], [b"a\r\n\r"], [b"\n", b"\r\n"]])
def test_duty01_nothing_that_stands_alone_goes_by_bdat(chunks: list[bytes]) -> None:
    with pytest.raises(LocalProtocolError, match="stands alone"):
        whole(chunks)


def test_clean_lines_pass_as_they_are_and_the_next_line_is_known() -> None:
    """Base64 is not looked through once more; what follows it begins a line only where it ended one."""
    ended, open_ = CleanLines(b"QUJD\r\n"), CleanLines(b"QUJD")
    assert next(iter(dot_stuff([ended]))) is ended
    assert b"".join(dot_stuff([ended, b".x\r\n"])) == b"QUJD\r\n..x\r\n"
    assert b"".join(dot_stuff([open_, b".x\r\n"])) == b"QUJD.x\r\n"
    assert b"".join(dot_stuff([b"x\r", CleanLines(b"\nQUJD\r\n")])) == b"x\r\nQUJD\r\n"
    assert b"".join(dot_stuff([ended, open_])) == b"QUJD\r\nQUJD\r\n"
