"""format=flowed: what is typed is what a reader of RFC 3676 gets back."""

from __future__ import annotations

import pytest

from sendmail_cli.message.flowed import flow


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("", ""),
        ("short\n", "short\n"),
        ("spaces at the end  \nare dropped\n", "spaces at the end\nare dropped\n"),
        ("   \n", "\n"),
        (" code\nFrom here\n>", "  code\n From here\n>"),
        ("-- \nAda", "-- \nAda"),
        ("> quoted\n>> twice\n>tight\n>  spaced\n> > once", "> quoted\n>> twice\n> tight\n>  spaced\n> > once"),
        ("> -- \n", "> -- \n"),
        ("x" * 77, "x" * 77),
        ("x" * 200, "x" * 200),
        ("word " * 16, "word " * 14 + "\nword word"),
        ("> " + "word " * 16, "> " + "word " * 14 + "\n> word word"),
        ("a" * 70 + "  >" + "b" * 20, "a" * 70 + "  \n >" + "b" * 20),
        ("a" * 70 + " -- " + "b" * 70, "a" * 70 + " \n-- " + "b" * 70),
        ("carriage return\r\n", "carriage return\n"),
    ],
)
def test_a_paragraph_is_a_line(typed: str, sent: str) -> None:
    assert flow(typed) == sent


def test_no_line_is_longer_than_78_where_words_allow_it() -> None:
    lines = flow(" ".join("x" * (1 + number % 20) for number in range(500))).split("\n")
    assert max(map(len, lines)) <= 78
    assert all(line.endswith(" ") for line in lines[:-1])


@pytest.mark.parametrize("text", [" " * 200_000, "a " * 100_000, ">" * 200_000, "> " * 100_000, "-- " * 60_000])
def test_duty57_costs_linear_time(text: str) -> None:
    assert flow(text) is not None
