"""Encoded-words and extended parameters: short enough, whole characters, and a plain form for old readers."""

from __future__ import annotations

from email.header import decode_header, make_header

import pytest

from sendmail_cli.message.encoded_words import ascii_likeness, encoded_words, parameters


@pytest.mark.parametrize(
    "text", ["ü", "日本語" * 40, "a" * 300, "line\u2028separator", "🎉" * 50, " ü ", "=?utf-8?q?x?="]
)
@pytest.mark.parametrize("room", [0, 20, 30, 75])
def test_words_are_short_and_each_is_whole(text: str, room: int) -> None:
    words = encoded_words(text, room)
    assert len(words[0]) <= (room if room >= 20 else 75)
    assert all(len(word) <= 75 for word in words)
    assert "".join(str(make_header(decode_header(word))) for word in words) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bob Ü", "=?utf-8?q?Bob_=C3=9C?="),
        ("=?x", "=?utf-8?q?=3D=3Fx?="),
        ("日本語", "=?utf-8?b?5pel5pys6Kqe?="),
    ],
)
def test_what_is_mostly_ascii_can_be_read_as_it_is(text: str, expected: str) -> None:
    assert encoded_words(text) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("utf-8", ["n=utf-8"]),
        ("a b.txt", ['n="a b.txt"']),
        ('a"b', ["n*=utf-8''a%22b", 'n="a_b"']),
        ("ü.txt", ["n*=utf-8''%C3%BC.txt", 'n="u.txt"']),
        ("=?x", ["n*=utf-8''%3D%3Fx", 'n="__x"']),
        ("é'*%", ["n*=utf-8''%C3%A9%27%2A%25", 'n="e\'*%"']),
    ],
)
def test_a_parameter_is_plain_where_it_can_be(value: str, expected: list[str]) -> None:
    assert parameters("n", value) == expected


def test_a_long_parameter_goes_on_in_pieces_that_keep_characters_whole() -> None:
    *pieces, plain = parameters("filename", "日本語" * 20)
    assert [piece.partition("=")[0] for piece in pieces] == [f"filename*{number}*" for number in range(len(pieces))]
    assert all(len(piece) <= 76 for piece in pieces)
    for piece in pieces:
        bytes.fromhex(
            piece.rpartition("'")[2].partition("=")[2].replace("%", "")
        ).decode() if "'" not in piece else None
    assert plain == 'filename="' + "_" * 60 + '"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Übersicht – 日本.pdf", "Ubersicht _ __.pdf"), ("․․", "_"), ("℀", "a_c"), ("ﷺ" * 85, None), ("\u202eü", "_u")],
)
def test_the_plain_form_is_like_it_and_never_a_path(text: str, expected: str | None) -> None:
    likeness = ascii_likeness(text)
    assert expected is None or likeness == expected
    assert likeness.isascii()
    assert len(likeness) <= 255
    assert "/" not in likeness
