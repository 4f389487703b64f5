"""HTML as the plain text that stands beside it, for readers that show none (RFC 2046 §5.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SHOWN = ("http:", "https:", "mailto:", "tel:")  # what a reader can use outside of the page


def text_of_html(html: str) -> str:
    """What `html` says: lists, tables and paragraphs laid out, links followed by where they lead, images by their
    description. "" where it says nothing.
    """
    from inscriptis.html_engine import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    try:  # the octets are given with their charset, so that what the page says of it is not believed
        page = document_fromstring(html.encode("utf-8", "replace"), parser=HTMLParser(encoding="utf-8"))
    except LxmlError:
        return ""
    for link in page.iter("a"):
        _show_target(link)
    laid_out = Inscriptis(page, ParserConfig(display_images=True)).get_text()
    lines = [line.rstrip() for line in laid_out.split("\n")]
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text else ""


def _show_target(link: HtmlElement) -> None:
    """Write the address of `link` after its words, unless they are that address."""
    target = (link.get("href") or "").strip()
    if not target.lower().startswith(_SHOWN):
        return
    words = "".join(link.itertext()).strip()
    if words.rstrip("/") in {target.rstrip("/"), target.partition(":")[2].lstrip("/").rstrip("/")}:
        return
    shown = f" <{target}>"
    if len(link):
        link[-1].tail = (link[-1].tail or "") + shown
    else:
        link.text = (link.text or "") + shown
