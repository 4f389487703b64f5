"""The content on the wire: line endings and dots (RFC 5321 §2.3.8, §4.5.2), chunk by chunk."""

from __future__ import annotations

from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.octets import CleanLines
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONE = "the message was about to be sent with a CR or LF that stands alone"


def dot_stuff(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The octets to send after 354, all but the lone dot: each line that begins with a dot gets another.

    The last line gets a CR LF where it has none. Raises `LocalProtocolError` at a CR or LF that stands alone: what
    one server takes for the end of a line and the next doesn't can hide a second message in the first.
    """
    at_line_start = True
    held = b""  # a CR at a chunk's end stays with its LF, so that no line border falls between two chunks
    for chunk in chunks:
        if type(chunk) is CleanLines and not held:
            at_line_start = chunk.endswith(b"\r\n")
            yield chunk
            continue
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        if held:
            data = data[:-1]
        if not data:
            continue
        if not data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n"):
            raise LocalProtocolError(LONE)
        stuffed = data.replace(b"\r\n.", b"\r\n..") if b"." in data else data
        if at_line_start and data.startswith(b"."):
            stuffed = b"." + stuffed
        at_line_start = data.endswith(b"\r\n")
        yield stuffed
    if held:
        raise LocalProtocolError(LONE)
    if not at_line_start:
        yield b"\r\n"


def whole(chunks: Iterable[bytes]) -> bytes:
    """The octets of a content for BDAT, which has no dots to stuff (RFC 3030 §2). Raises like `dot_stuff`."""
    data = b"".join(chunks)
    if not data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n"):
        raise LocalProtocolError(LONE)
    return data if data.endswith(b"\r\n") else data + b"\r\n"
