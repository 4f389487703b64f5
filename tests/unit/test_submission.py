"""What is on its way, and who hears how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.octets import CleanLines
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pieces(NamedTuple):
    """A content of these pieces."""

    pieces: tuple[bytes, ...]
    is_7bit: bool = False
    has_utf8_header: bool = True

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def as_7bit(self) -> Pieces:
        return self._replace(pieces=(b"7",), is_7bit=True)

    def chunks(self) -> Iterator[bytes]:
        return iter(self.pieces)


PIECES = (b"Subject: x\r\n\r\n", CleanLines(b"AAAA\r\n"), b"b\r\n")
ADA = AddrSpec("ada", "example.org")


def test_whoever_watches_hears_of_each_piece_once_it_was_handed_out() -> None:
    told: list[tuple[int, int]] = []
    content = Pieces(PIECES)
    submission = Submission(envelope_of(ReversePath(ADA), (ADA,)), content, "<1@x>")
    watched = submission.watched(lambda done, total: told.append((done, total)))

    handed_out = watched.content.chunks()
    assert told == []
    assert [(next(handed_out), len(told)) for _ in PIECES] == [(piece, count) for count, piece in enumerate(PIECES)]
    assert list(handed_out) == []
    assert told == [(14, 23), (20, 23), (23, 23)]


def test_what_is_watched_is_the_same_message() -> None:
    content = Pieces(PIECES)
    submission = Submission(envelope_of(ReversePath(ADA), (ADA,)), content, "<1@x>")
    watched = submission.watched(lambda *_: None)

    assert watched.envelope == submission.envelope
    assert watched.message_id == "<1@x>"
    same = watched.content
    assert (same.size, same.is_7bit, same.has_utf8_header) == (23, False, True)
    assert all(piece is original for piece, original in zip(same.chunks(), PIECES, strict=True))  # `CleanLines` too
    assert list(same.chunks()) == list(PIECES)  # a second reading


def test_the_7_bit_form_is_watched_too() -> None:
    told: list[tuple[int, int]] = []
    submission = Submission(envelope_of(ReversePath(ADA), (ADA,)), Pieces(PIECES), "<1@x>")
    recoded = submission.watched(lambda done, total: told.append((done, total))).content.as_7bit()

    assert recoded.is_7bit
    assert list(recoded.chunks()) == [b"7"]
    assert told == [(1, 1)]
