"""The signature, below a text and at the end of HTML."""

from __future__ import annotations

import pytest

from sendmail_cli.message.signature import sign_html, sign_text

BLOCK = '<div class="signature">-- <br>\nA &amp; B<br>\n&lt;c&gt;</div>\n'


@pytest.mark.parametrize("text", ["Hi", "Hi\n"])
@pytest.mark.parametrize("signature", ["Ada\nE.", "Ada\r\nE.\r\n", "-- \nAda\nE.\n\n"])
def test_stands_below_the_text_after_its_line(text: str, signature: str) -> None:
    assert sign_text(text, signature) == "Hi\n-- \nAda\nE.\n"


def test_alone() -> None:
    assert sign_text("", "Ada") == "-- \nAda\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>Hi</p>\n", ""),
        ("<html><body><p>Hi</p>\n", "</body></html>\n"),
        ("<html><p>Hi</p>\n", "</HTML >"),
        ("<!-- </body> --><body>Hi", "</Body\n></html>"),
    ],
)
def test_is_the_last_thing_in_the_body_of_html(before: str, after: str) -> None:
    assert sign_html(before + after, "A & B\n<c>\n") == before + BLOCK + after


def test_html_without_a_last_line_break() -> None:
    assert sign_html("<p>Hi", "A & B\n<c>") == "<p>Hi\n" + BLOCK
