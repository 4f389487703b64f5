"""What an HTML text asks for."""

from __future__ import annotations

import pytest

from sendmail_cli.message.html_facts import MAX_FOUND, HtmlFacts, Link, html_facts


@pytest.mark.parametrize(
    ("html", "sources"),
    [
        ("<img src=a.png>", ("a.png",)),
        ("<img srcset='a.png 1x, b.png 2x'>", ("a.png", "b.png")),
        ("<td background=' a.png '>", ("a.png",)),
        ("<video poster=a.png src=b>", ("b", "a.png")),
        ("<object data=a>", ("a",)),
        ("<link rel='StyleSheet' href=a.css><link rel=icon href=b>", ("a.css",)),
        ("<p style='background: url( \"a.png\" )'>", ("a.png",)),
        ("<style>p { background: URL(a.png) }</style>", ("a.png",)),
        ("<a href=a.html>", ()),
        ("<!-- <img src=a.png> -->", ()),
    ],
)
def test_sources(html: str, sources: tuple[str, ...]) -> None:
    assert html_facts(f"<body>{html}").sources == sources


def test_remote_and_brought_along() -> None:
    facts = html_facts("<img src=HTTP://a/x><img src=HTTP://a/x><img src=//b/x><img src=data:x><img src='CID:a%40b'>")

    assert facts.remote == ("HTTP://a/x", "//b/x")
    assert facts.content_ids == {"a@b"}


def test_the_text_is_what_a_person_reads() -> None:
    html = "<title>no</title><style>no</style><p>One\n <b>two</b></p><script>no</script>three<!-- no --> &amp; four"

    assert html_facts(html).text == "One two three & four"


def test_links_and_active_elements() -> None:
    facts = html_facts("<a href=' http://a/ '>to <b>a</b></a><a name=x>no</a><form><script></script><form>")

    assert facts.links == (Link("http://a/", "to a"),)
    assert facts.active == ("form", "script")


@pytest.mark.parametrize("html", ["", " \n", "\0", "<!-- only -->", "<?xml version='1.0' encoding='utf-16'?>"])
def test_nothing(html: str) -> None:
    assert html_facts(html) == HtmlFacts()


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<", "<div>", "<a href=x>y", "<b><i>", "&#", "<table><tr><td>", "<img src=x>"]
)
def test_endless_rubbish_is_read_in_linear_time(piece: str) -> None:
    facts = html_facts(piece * 100_000)

    assert len(facts.links) <= MAX_FOUND
    assert len(facts.sources) <= MAX_FOUND
