"""What says of itself that it is one of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.message.bulk import MAX_HEADER, is_bulk, is_bulk_field

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    "field",
    [
        b"Precedence: bulk",
        b"PRECEDENCE : List (of friends)",
        b"Precedence:\r\n\tjunk",
        b"List-Id: <l.example.org>",
        b"List-Unsubscribe: <https://example.org/u>",
        b"List-Owner: <mailto:o@example.org>",
        b"LIST-ARCHIVE: <https://example.org/a>",
    ],
)
def test_bulk(field: bytes) -> None:
    assert is_bulk([b"From: ada@example.org\r\n" + field + b"\r\n\r\nhello\r\n"])
    assert is_bulk([bytes([octet]) for octet in b"Subject: x\r\n" + field + b"\r\nTo: b@example.org\r\n\r\n"])


@pytest.mark.parametrize(
    "message",
    [
        b"From: ada@example.org\r\n\r\nPrecedence: bulk\r\n",
        b"Precedence: first-class\r\n\r\n",
        b"Subject: x\r\n List-Id: y\r\n\r\n",
        b"X-Precedence: bulk\r\n\r\n",
        b"List-Price: 5\r\n\r\n",
        b"Subject: \xff\r\n\r\n",
        b"",
    ],
)
def test_single(message: bytes) -> None:
    assert not is_bulk([message])


def test_no_more_is_read_than_the_header() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"Subject: x\r\n\r"
        yield b"\nhello"
        raise AssertionError

    assert not is_bulk(chunks())


def test_a_header_without_end_is_left() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * (MAX_HEADER + 1)
        raise AssertionError

    assert not is_bulk(chunks())


def test_a_comment_says_nothing() -> None:
    assert is_bulk_field("precedence", " Bulk (really)")
    assert not is_bulk_field("precedence", " first-class (bulk)")
