"""Markdown as HTML."""

from __future__ import annotations

import pytest

from sendmail_cli.message.markdown import html_of_markdown


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("# Grüße", "<h1>Grüße</h1>"),
        ("a|b\n-|-\n1|2", "<td>1</td>"),
        ("~~no~~", "<s>no</s>"),
        ("[x](https://x.example/?a&b)", '<a href="https://x.example/?a&amp;b">x</a>'),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("a <b onclick=x>", "a &lt;b onclick=x&gt;"),
        ("{}", "<p>{}</p>"),
        ("> " * 20 + "deep", "deep"),
    ],
)
def test_is_a_page(typed: str, shown: str) -> None:
    html = html_of_markdown(typed)

    assert html.startswith("<!DOCTYPE html>\n<html>")
    assert html.endswith("</body>\n</html>\n")
    assert shown in html


@pytest.mark.parametrize("url", ["javascript:alert(1)", "vbscript:x", "file:///etc/passwd", "JAVASCRIPT:x"])
def test_a_link_runs_nothing(url: str) -> None:
    assert "href" not in html_of_markdown(f"[x]({url})")
