"""Where HTML names the pictures that it shows, found without changing anything else in it.

The page is read as browsers read it (HTML Living Standard §13.2.5) as far as that is needed to know what is a tag:
comments, scripts and quoted values hide what only looks like one. Each octet is looked at a fixed number of times,
whatever the page: every pattern either moves on or ends the search.
"""

from __future__ import annotations

import re
from html import unescape

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = r"[ \t\n\r\f]"
_TAG = re.compile(r"<([A-Za-z][^ \t\n\r\f/>]*+)")
_OTHER = re.compile(r"<(?:(!--)|[/!?])")
_ATTRIBUTE = re.compile(
    rf"""
    [ \t\n\r\f/]*+ ([^ \t\n\r\f/>][^ \t\n\r\f/>=]*+)
    (?: {_SPACE}*+ = {_SPACE}*+
        (?: "(?P<double>[^"]*+)" | '(?P<single>[^']*+)' | (?P<bare>[^ \t\n\r\f"'>][^ \t\n\r\f>]*+) )
    )?+
    """,
    re.VERBOSE,
)
_TAG_END = re.compile(r"[ \t\n\r\f/]*+>")
_END_OF_COMMENT = re.compile("-?->|--!>")
# What stands in these is text until they are closed.
_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))

_WITH_SRC = frozenset(("img", "input", "source", "video", "audio"))
_WITH_SRCSET = frozenset(("img", "source"))
_SRCSET = re.compile(r"[ \t\n\r\f,]*+([^ \t\n\r\f]++)([^,]*+)")
_CSS = re.compile(
    r"""/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"""
    rf"""|url\({_SPACE}*+(?:"(?P<double>[^"\n]*+)"|'(?P<single>[^'\n]*+)'|(?P<bare>[^ \t\n\r\f()"']++)){_SPACE}*+\)""",
    re.IGNORECASE,
)
REMOTE = re.compile(r"//|[A-Za-z][A-Za-z0-9+.-]*:")


class URLPlace(NamedTuple):
    """A URL in HTML: what it is, and the part of the page that says it."""

    url: str
    start: int
    end: int


def url_places(html: str) -> Iterator[URLPlace]:
    """Each URL of something that `html` shows, in its order: `src`, `srcset`, `poster`, `background`, and `url(…)` in
    its styles. None after a `<base>` that makes them all remote.
    """
    at = 0
    while (at := html.find("<", at)) >= 0:
        tag = _TAG.match(html, at)
        if tag is None:
            at = _after_other(html, at)
            continue
        name = tag[1].lower()
        at = tag.end()
        places: list[URLPlace] = []
        while attribute := _ATTRIBUTE.match(html, at):
            at = attribute.end()
            if name == "base" and attribute[1].lower() == "href" and REMOTE.match(_value(attribute)[0].lstrip()):
                return
            places += _in_attribute(name, attribute)
        end = _TAG_END.match(html, at)
        if end is None:
            return  # a tag without end is none, and nothing follows it
        yield from places
        at = end.end()
        if name in _RAW:
            start, at = at, _end_of_raw(html, at, name)
            if name == "style":
                yield from _in_css(html[start:at], start)


def _after_other(html: str, at: int) -> int:
    """The place after a comment, a closing tag, a declaration, or a `<` that is none of these."""
    found = _OTHER.match(html, at)
    if found is None:
        return at + 1
    if found[1] is None:
        end = html.find(">", at)
        return len(html) if end < 0 else end + 1
    closed = _END_OF_COMMENT.search(html, at + 2)  # “<!-->” is a whole one
    return len(html) if closed is None else closed.end()


def _end_of_raw(html: str, at: int, name: str) -> int:
    closed = re.compile(f"</{name}[ \t\n\r\f/>]", re.IGNORECASE).search(html, at)
    return len(html) if closed is None else closed.start()


def _value(attribute: re.Match[str]) -> tuple[str, int]:
    """The value of an attribute as it is written, and where it begins; "" for one without."""
    group = attribute.lastgroup
    return ("", attribute.end()) if group is None else (attribute[group], attribute.start(group))


def _in_attribute(tag: str, attribute: re.Match[str]) -> Iterator[URLPlace]:
    value, start = _value(attribute)
    name = attribute[1].lower()
    if (name == "src" and tag in _WITH_SRC) or name == "background" or (name == "poster" and tag == "video"):
        yield URLPlace(unescape(value).strip(), start, start + len(value))
    elif name == "style":
        yield from _in_css(value, start)
    elif name == "srcset" and tag in _WITH_SRCSET:
        yield from _in_srcset(value, start)


def _in_srcset(value: str, start: int) -> Iterator[URLPlace]:
    """HTML Living Standard §4.8.4.2.1: URLs, each with how large it is; commas between them."""
    at = 0
    while found := _SRCSET.match(value, at):
        url = found[1].rstrip(",")
        # After a URL that ends in a comma the next one follows at once.
        at = found.end() if url == found[1] else found.end(1)
        yield URLPlace(unescape(url), start + found.start(1), start + found.start(1) + len(url))


def _in_css(css: str, start: int) -> Iterator[URLPlace]:
    for found in _CSS.finditer(css):
        if (group := found.lastgroup) is not None:
            # In an attribute the quotes may be written as &quot;
            url = unescape(found[group]).strip("\"' ")
            yield URLPlace(url, start + found.start(group), start + found.end(group))
