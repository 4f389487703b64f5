"""What our HTML pages have in common. Each is one file that asks for nothing from anywhere and has no script.

All that comes from outside passes through `text_of`, and should that ever fail, a Content-Security-Policy forbids the
rest.
"""

from __future__ import annotations

import os
from contextlib import suppress
from html import escape

from sendmail_cli import __version__
from sendmail_cli.cli.output import MAX_LINE, PROGRAM
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment

PRIVATE = 0o600
END = ("</body>", "</html>", "")


def head(title: str, style: str, policy: str) -> Iterator[str]:
    """The page up to its body."""
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f'<meta name="generator" content="{PROGRAM} {__version__}">'
    yield f"<title>{text_of(title)}</title>\n<style>{style}</style>\n</head>\n<body>"


def text_of(text: str) -> str:
    """Any text as HTML that shows just that, in an element or in an attribute."""
    return escape(printable(text, MAX_LINE))


def write_page(path: str, octets: bytes, environment: Environment) -> None:
    """Write the page for its owner alone; whoever opens it sees the one before or this one, whole. Raises `OSError`."""
    descriptor, unfinished = create_beside(path, environment)
    try:
        with open(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise


def create_beside(path: str, environment: Environment) -> tuple[int, str]:
    """A new file in the folder of `path`, open, and its name. Raises `OSError`."""
    unfinished = f"{path}.{environment.random_bytes(8).hex()}.new"
    return os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), unfinished


def page_path(name: str) -> str:
    """Where a page called `name` is written: a link stays one. Raises `OSError` for what is no ordinary file."""
    path = os.path.realpath(name)
    if os.path.lexists(path) and not os.path.isfile(path):
        raise OSError(0, "it is no ordinary file")
    return path
