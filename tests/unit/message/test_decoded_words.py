"""Encoded-words are read as other programs read them, wrong ones stay, and nothing takes long."""

from __future__ import annotations

import pytest

from sendmail_cli.message.decoded_words import decode_words
from sendmail_cli.printable import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?ISO-8859-1?Q?a_b=3F?= c", "a b? c"),
        ("a =?utf-8?B?w7w=?= b", "a ü b"),
        ("=?utf-8?b?w7w?=", "ü"),  # without its padding
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\t =?iso-8859-15?q?=A4?=", "a€"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("=?utf-8?b?w7w=?==?utf-8?q?b?=", "üb"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),  # a character torn apart
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?utf-8*de?q?=C3=BC?=", "ü"),  # RFC 2231 §5
        ("=?utf-8?q?with space?=", "with space"),
        ("=?utf-8?q?=FF?=", "\ufffd"),
        ("=?utf-16?b?AAA=?=", "\0"),
        ("=?no-such?q?a?=", "=?no-such?q?a?="),
        ("=?hex?q?61?= =?idna?q?xn--?= =?undefined?q?a?=", "=?hex?q?61?==?idna?q?xn--?==?undefined?q?a?="),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),  # a lone digit of base64 is nothing
        ("=?utf-8?q?ü?=", "=?utf-8?q?ü?="),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("=?utf-8?q?" + "a" * 1001 + "?=", "=?utf-8?q?" + "a" * 1001 + "?="),
    ],
)
def test_what_a_reader_shows(text: str, shown: str) -> None:
    assert decode_words(text) == shown


@pytest.mark.parametrize("piece", ["=?", "=?a?q?", "=?utf-8?q?a?= ", "=?utf-8?b?w7w=?=", "=?utf-7?q?+2AA-?=", "?="])
def test_any_length_takes_linear_time(piece: str) -> None:
    """Quadratic, it would take hours."""
    one_line(decode_words(piece * (400_000 // len(piece))))
