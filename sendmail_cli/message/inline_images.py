"""Pictures that HTML shows from files of this machine, sent along with it (RFC 2387, RFC 2392).

The HTML may come from anybody, so it says which files only below one folder, whatever links and dots lead out of it.
"""

from __future__ import annotations

import os
import re
import stat
from urllib.parse import unquote

from sendmail_cli.errors import DataError, InputError, MailError
from sendmail_cli.message.attachments import attachment_from_file
from sendmail_cli.message.html_urls import REMOTE, url_places
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.html_urls import URLPlace

_PATH = re.compile("[^?#]*")


class Page(NamedTuple):
    """Where a page is from, and so its pictures."""

    label: str  # what a user calls it
    folder: str  # from which its relative paths start
    root: str  # a folder; nothing outside of it is taken


class Illustrated(NamedTuple):
    """HTML and what it shows."""

    html: str
    images: tuple[Attachment, ...]


def inline_images(
    html: str, page: Page, identity: str, note: Callable[[str], None], markdown: str | None = None
) -> Illustrated:
    """`html` with each picture that is a file shown by its content id, and these files; a file is there once.

    URLs of the network and `data:` stay. Content ids are `identity` and a number; `note` hears how types were found;
    `markdown` is what `html` was made of. Raises `InputError` for a file that can't be read and `DataError` for one
    outside of the root of `page`, both with the line; and what `attachment_from_file` raises.
    """
    images: dict[str, Attachment] = {}
    pieces = []
    at = 0
    for place in url_places(html):
        path = _local_path(place.url)
        if path is None:
            continue
        try:
            real = _checked(path, page)
            if real not in images:
                file = attachment_from_file(real, note=note)
                images[real] = file._replace(disposition="inline", content_id=f"{len(images) + 1}.{identity}")
        except MailError as error:
            error.sentence = f"{_where(place, page, html, markdown)}: {error.sentence}"
            raise
        pieces += [html[at : place.start], f"cid:{images[real].content_id}"]
        at = place.end
    return Illustrated("".join([*pieces, html[at:]]), tuple(images.values()))


def _local_path(url: str) -> str | None:
    """The path that `url` is; None where it leads to the network, to the page itself or nowhere."""
    found = _PATH.match(url)
    if REMOTE.match(url) or found is None or not found[0]:
        return None
    return unquote(found[0], errors="surrogateescape")


def _checked(path: str, page: Page) -> str:
    """The file at `path`, free of links and dots. Raises `DataError` and `InputError`."""
    shown = f"“{printable(path, 200)}”"
    root = os.path.realpath(page.root)
    try:
        real = os.path.realpath(os.path.join(page.folder, path))
        if os.path.commonpath([root, real]) != root:
            raise DataError(
                f"{shown} leads out of {printable(page.root)}, from which the images are taken",
                hint="--inline-root DIR names the folder in which they all are.",
            )
        is_file = stat.S_ISREG(os.stat(real).st_mode)
    except OSError as error:
        raise InputError(f"can't read {shown}: {error.strerror}") from None
    except ValueError:  # a NUL
        raise InputError(f"can't read {shown}: that can't be the name of a file") from None
    if not is_file:
        raise InputError(f"can't read {shown}: it is no file")
    return real


def _where(place: URLPlace, page: Page, html: str, markdown: str | None) -> str:
    """The line that names a picture: of the page, or of the Markdown where that can be told."""
    text, at = html, place.start
    if markdown is not None:
        text, at = markdown, max(markdown.find(place.url), markdown.find(unquote(place.url)))
    return page.label if at < 0 else f"{page.label}, line {text.count(chr(10), 0, at) + 1}"
