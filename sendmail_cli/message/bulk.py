"""Whether a message says of itself, in its header, that it is one of many: a list's, or bulk by its Precedence."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# RFC 2369, RFC 2919
_LISTS = frozenset(f"list-{what}" for what in ("archive", "help", "id", "owner", "post", "subscribe", "unsubscribe"))
_PRECEDENCES = frozenset(("bulk", "list", "junk"))  # RFC 3834 §2
MAX_HEADER = 256 * 1024  # octets; what stands further down is not looked at


def is_bulk_field(name: str, value: str) -> bool:
    """True for a header field that only such a message has; `name` in lower case, `value` unfolded."""
    if name == "precedence":
        return value.partition("(")[0].strip().lower() in _PRECEDENCES
    return name in _LISTS


def beginning(chunks: Iterable[bytes]) -> bytes:
    """The octets of a message, its lines in CR LF, as far as its header is among them."""
    octets = b""
    for chunk in chunks:
        octets += chunk
        if b"\r\n\r\n" in octets or len(octets) > MAX_HEADER:
            break
    return octets


def is_bulk(chunks: Iterable[bytes]) -> bool:
    """True where the message has such a field; no more of it is read than its header."""
    header = beginning(chunks).partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ")
    fields = (line.partition(":") for line in unfolded.split("\r\n"))
    return any(is_bulk_field(name.rstrip().lower(), value) for name, _, value in fields)
