"""Markdown (CommonMark, tables, ~~struck out~~) as HTML."""

from __future__ import annotations

MAX_NESTING = 50  # levels, two for a list in a list; what is deeper is left out, and hostile texts cost so much each

_PAGE = "<!DOCTYPE html>\n<html>\n<head></head>\n<body>\n{}</body>\n</html>\n"


def html_of_markdown(text: str) -> str:
    """The page that `text` describes. HTML within is shown as it was typed, and links run nothing (`javascript:`)."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    return _PAGE.format(markdown.render(text))
