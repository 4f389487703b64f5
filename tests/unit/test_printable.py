"""Nothing from outside steers the terminal."""

import pytest

from sendmail_cli.printable import MAX_SHOWN, one_line, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x00\x07\x08\x7f", r"\x00\x07\x08\x7f"),
        ("\x85\x9b", r"\x85\x9b"),
        ("\r\n\t", r"\r\n\t"),
        ("\u202e052\u202c", r"\u202e052\u202c"),
        ("\u2066\u2069\u200f\u061c\ufeff\u2028", r"\u2066\u2069\u200f\u061c\ufeff\u2028"),
        ("\udc80", r"\udc80"),
        ("Grüße, 日本語 🎉", "Grüße, 日本語 🎉"),
        ("\\x1b", "\\x1b"),
        ("\U000e0041\u00ad\u3164\ue000", r"\U000e0041\xad\u3164\ue000"),
        ("un\u00a0mot\u3000字", "un\u00a0mot\u3000字"),
    ],
)
def test_trap16_duty23_controls_become_visible(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_duty23_a_long_text_is_cut_and_says_so() -> None:
    assert printable("a" * (MAX_SHOWN + 5)) == "a" * MAX_SHOWN + "… (5 more characters)"
    assert printable("a" * MAX_SHOWN) == "a" * MAX_SHOWN
    assert printable("a\x00b", 2) == r"a\x00… (1 more characters)"


def test_a_header_gets_one_line_without_controls() -> None:
    assert one_line(" a\r\nBcc: x\0\x1b[2J\ud800\tb ") == "a  Bcc: x  [2J  b"
    assert one_line("Grüße\u2028日本") == "Grüße\u2028日本"
