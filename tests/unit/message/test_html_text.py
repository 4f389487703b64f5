"""HTML as text."""

from __future__ import annotations

import pytest

from sendmail_cli.message.html_text import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi <b>you</b></p><p>Grüße &amp; 日本 🎉</p>", "Hi you\n\nGrüße & 日本 🎉\n"),
        ("plain", "plain\n"),
        ("a<br>b", "a\nb\n"),
        ("<ul><li>one<li>two</ul>", "  * one\n  * two\n"),
        ("<table><tr><td>1<td>22<tr><td>333<td>4</table>", "1    22\n333  4\n"),
        ("<a href=https://x.example/>there</a>", "there <https://x.example/>\n"),
        ("<a href=https://x.example/><b>there</b></a>.", "there <https://x.example/>.\n"),
        ("<a href='https://x.example/'>x.example</a>", "x.example\n"),
        ("<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example\n"),
        ("<a href='#top'>up</a><a href='javascript:x'>!</a>", "up!\n"),
        ("<img src=a.png alt=Logo> x", "[Logo] x\n"),
        ("<title>T</title><style>p{}</style><script>x</script>a", "a\n"),
        ('<?xml version="1.0" encoding="latin-1"?><meta charset="latin-1">ü', "ü\n"),
        ("", ""),
        ("<!-- x -->", ""),
        ("<img src=a.png>", ""),
    ],
)
def test_says_what_the_page_says(html: str, text: str) -> None:
    assert text_of_html(html) == text


@pytest.mark.parametrize("html", ["<b>x" * 300, "<div>" * 100_000 + "x"])
def test_says_nothing_rather_than_half(html: str) -> None:
    assert text_of_html(html) == ""


@pytest.mark.parametrize(
    "html",
    [
        "<table>" * 20_000,
        "<table><tr><td>x</table>" * 5000,
        "<a href=http://x>" * 10_000,
        "<p>" * 50_000,
        "&" * 200_000,
    ],
    ids=len,
)
def test_duty57_costs_linear_time(html: str) -> None:
    assert text_of_html(html) is not None
