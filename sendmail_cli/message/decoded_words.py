"""Encoded-words (RFC 2047) as their reader sees them, whatever they hold. Linear in the length of the text."""

from __future__ import annotations

import binascii
import re

from sendmail_cli.printable import one_line
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = 1000  # characters of an encoded-word; RFC 2047 §2 says 75, and not every codec is linear

_WORD = re.compile(rf"=\?([A-Za-z0-9_.:()+*'-]{{1,60}})\?([BbQq])\?([^?]{{0,{MAX_LENGTH}}})\?=")


class _Run(NamedTuple):
    """Neighbours in one charset: a character may begin in one and end in the next, against RFC 2047 §5."""

    charset: str
    octets: bytes
    start: int  # in the text
    end: int


def decode_words(text: str) -> str:
    """`text` with its encoded-words decoded; those in a charset that nobody knows stay as they are."""
    if "=?" not in text:
        return text
    parts: list[str] = []
    at = 0
    for run in _runs(text):
        if run.start > at and not (at and text[at : run.start].isspace()):
            parts.append(text[at : run.start])
        parts.append(_decoded(run, text))
        at = run.end
    return "".join([*parts, text[at:]])


def shown_name(name: str) -> str:
    """A display name as it stands in a header, as its reader sees it, on one line."""
    return one_line(decode_words(name))


def _runs(text: str) -> Iterator[_Run]:
    run: _Run | None = None
    pieces: list[bytes] = []
    for found in _WORD.finditer(text):
        octets = _octets(found[2], found[3])
        if octets is None:
            continue
        charset = found[1].partition("*")[0].lower()  # RFC 2231 §5: a language may follow
        if run is not None and run.charset == charset and not text[run.end : found.start()].strip(" \t"):
            pieces.append(octets)
            run = run._replace(end=found.end())
            continue
        if run is not None:
            yield run._replace(octets=b"".join(pieces))
        run, pieces = _Run(charset, b"", found.start(), found.end()), [octets]
    if run is not None:
        yield run._replace(octets=b"".join(pieces))


def _octets(encoding: str, text: str) -> bytes | None:
    """What the encoded-word holds; None when it is none after all."""
    if not text.isascii():
        return None
    if encoding in "Qq":
        return binascii.a2b_qp(text, header=True)
    try:
        return binascii.a2b_base64(text + "===")  # padding that is missing; what is too much is passed over
    except binascii.Error:
        return None


def _decoded(run: _Run, text: str) -> str:
    try:
        return run.octets.decode(run.charset, "replace")
    except (LookupError, ValueError):  # no such charset, or a codec that isn't one (“hex”)
        return text[run.start : run.end]
