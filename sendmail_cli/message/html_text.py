"""HTML as the plain text that stands beside it, for readers that show none (RFC 2046 §5.1.4)."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SHOWN = ("http:", "https:", "mailto:", "tel:")  # what a reader can use outside of the page


def text_of_html(html: str) -> str:
    """What `html` says: lists, tables and paragraphs laid out, links followed by where they lead, images by their
    description. "" where it says nothing, and where it is nested too deep to be read to its end.
    """
    from inscriptis.html_engine import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(encoding="utf-8")  # what the page itself says of its charset is not believed
    try:
        page = document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except LxmlError:
        return ""
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
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
