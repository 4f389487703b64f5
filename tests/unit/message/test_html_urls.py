"""Where HTML names its pictures."""

from __future__ import annotations

import pytest

from sendmail_cli.message.html_urls import url_places


def urls(html: str) -> list[str]:
    return [place.url for place in url_places(html)]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<img src=a>", ["a"]),
        ("<IMG\nSRC = 'a b' alt=x><img/src=\"c\"/>", ["a b", "c"]),
        ("<img src=' a '>", ["a"]),
        ("<img alt='>' src=a>", ["a"]),
        ("<img src='a&amp;b&#45;c'>", ["a&b-c"]),
        ("<img srcset='a 1x, b 2x,c 3x , d'>", ["a", "b", "c", "d"]),
        ("<img srcset='data:x,y 1x, b'>", ["data:x,y", "b"]),
        ("<source srcset=a><video src=b poster=c><input src=d><td background=e>", ["a", "b", "c", "d", "e"]),
        ("<p style='background: URL( \"a\" )'>", ["a"]),
        ("<p style=\"x:url(a);y:url('b c');z:url(&quot;d&quot;)\">", ["a", "b c", "d"]),
        ("<style>/* url(no) */ p{x:url(a)} q{y:url('b')}</style>", ["a", "b"]),
        ("<script src=no>'<img src=no>'</script><img src=a>", ["a"]),
        ("<textarea><img src=no></textarea><title><img src=no></title><img src=a>", ["a"]),
        ("<!-- <img src=no> --><img src=a><!--><img src=b><!-- <img src=no>", ["a", "b"]),
        ("<a title='<img src=no>' href=no><iframe src=no></iframe><embed src=no><link href=no>", []),
        ("</p src=no>< img src=no><1 src=no><?x <img src=no>", []),
        ("<base href=x><img src=a>", ["a"]),
        ("<base href=https://x.example/><img src=no>", []),
        ("<img src='a", []),
        ("<img src=a", []),
        ("<img src><img src=''>", ["", ""]),
        ("", []),
    ],
)
def test_are_found_and_nothing_else(html: str, found: list[str]) -> None:
    assert urls(html) == found


def test_the_place_is_that_of_the_url_alone() -> None:
    html = "<img src='a'><img srcset='b 1x, c 2x'><p style=\"x:url(&quot;d&quot;)\"><style>url( 'e' )</style>"
    assert [html[place.start : place.end] for place in url_places(html)] == ["a", "b", "c", "&quot;d&quot;", "e"]


PIECES = (
    "<", "<!--", '<a b="', "<a b='", "<a =", "<a " + "= " * 3, "<a ", "<style>", "<script><", "</", "<title></titl",
    "<style>url(", '<style>url("', "<style>/*", "<style>/**", "<img srcset=a,", "<base href=a>", "<img src=&",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_duty57_costs_linear_time(piece: str) -> None:
    first, *_, last = piece.partition(">")
    for hostile in (piece * 50_000, first + ">" + last * 50_000, piece + piece[-1] * 200_000):
        assert sum(1 for _ in url_places(hostile)) >= 0
