"""What an HTML text asks its reader's program for: pictures, links, scripts. Nothing of it is fetched or run."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

MAX_READ = 2 * 1024 * 1024  # characters; no reader shows nearly as much
MAX_FOUND = 1000  # links, and pictures

_CSS_URL = re.compile(r"""url\(\s*["']?([^"')\s]+)""", re.IGNORECASE)
_SOURCES = ("src", "background", "poster", "data")
_ACTIVE = frozenset(("script", "form", "iframe", "frame", "object", "embed", "applet", "audio", "video"))
_UNSEEN = frozenset(("script", "style", "head", "title", "template"))
_SMALL = re.compile(r"\s*[01](?:px)?\s*")
_HIDDEN_STYLE = re.compile(r"(?:width|height)\s*:\s*[01]px", re.IGNORECASE)


class Link(NamedTuple):
    """An `<a href>`, and what a person reads there."""

    target: str
    text: str


class HtmlFacts(NamedTuple):
    """What was found, in the order in which it stands there."""

    text: str = ""  # what a person reads
    sources: tuple[str, ...] = ()  # of pictures, style sheets and all that is loaded: "https://…", "cid:…", "logo.png"
    trackers: tuple[str, ...] = ()  # those of pictures that nobody sees
    links: tuple[Link, ...] = ()
    active: tuple[str, ...] = ()  # names of elements that readers' programs take out

    @property
    def remote(self) -> tuple[str, ...]:
        """The sources that would be asked of a server, each once."""
        return tuple(dict.fromkeys(each for each in self.sources if each.lower().startswith(("http:", "https:", "//"))))

    @property
    def content_ids(self) -> frozenset[str]:
        """The parts of the message that it shows (RFC 2392)."""
        return frozenset(unquote(each[4:]) for each in self.sources if each[:4].lower() == "cid:")


def html_facts(html: str) -> HtmlFacts:
    """What `html` asks for; of what can't be understood nothing."""
    from lxml import etree

    octets = html[:MAX_READ].replace("\0", "").encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(octets, parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return HtmlFacts()
    if root is None:  # nothing but space
        return HtmlFacts()
    elements = [each for each in root.iter() if isinstance(each.tag, str)]
    pictures = [each for each in elements if each.tag == "img" and _is_unseen(each)]
    return HtmlFacts(
        text=" ".join("".join(_seen(root)).split()),
        sources=tuple(source for each in elements for source in _sources(each))[:MAX_FOUND],
        trackers=tuple(each.get("src", "").strip() for each in pictures)[:MAX_FOUND],
        links=tuple(
            Link(each.get("href", "").strip(), " ".join("".join(each.itertext()).split()))
            for each in elements
            if each.tag == "a" and each.get("href")
        )[:MAX_FOUND],
        active=tuple(dict.fromkeys(each.tag for each in elements if each.tag in _ACTIVE)),
    )


def _sources(element: _Element) -> Iterator[str]:
    if element.tag in {"a", "area"}:
        return
    for name in _SOURCES:
        value = element.get(name, "").strip()
        if value:
            yield value
    for candidate in element.get("srcset", "").split(","):
        if candidate.strip():
            yield candidate.split()[0]
    if element.tag == "link" and "stylesheet" in element.get("rel", "").lower() and element.get("href"):
        yield element.get("href", "").strip()
    style = element.get("style", "") + ((element.text or "") if element.tag == "style" else "")
    yield from _CSS_URL.findall(style)


def _is_unseen(picture: _Element) -> bool:
    sizes = [picture.get(name) for name in ("width", "height")]
    if all(size is not None and _SMALL.fullmatch(size) for size in sizes):
        return True
    return len(_HIDDEN_STYLE.findall(picture.get("style", ""))) > 1


def _seen(root: _Element) -> Iterator[str]:
    """The text that a person sees, and a space where an element ends. Without recursion: a depth is a stranger's."""
    from lxml import etree

    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        is_hidden = element.tag in _UNSEEN
        hidden += is_hidden if event == "start" else -is_hidden
        if not hidden:
            yield " " if event == "end" else ""
            yield (element.text if event == "start" else element.tail) or ""
