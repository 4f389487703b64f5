"""The standard library as a reader of mail."""

from __future__ import annotations

import email
import email.policy
import hashlib
from email.headerregistry import HeaderRegistry, UniqueAddressHeader
from typing import TYPE_CHECKING, Any

from tests.support.readers.reading import settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from tests.support.readers.reading import Part, Reading

_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("disposition-notification-to", UniqueAddressHeader)  # type: ignore[arg-type]  # RFC 8098 §2.1: a list of mailboxes
# A message within another is written again, and not one octet of it changes.
_EXACT = email.policy.default.clone(refold_source="none", linesep="\r\n", max_line_length=None, header_factory=_HEADERS)


def missing() -> str:
    """Why it cannot run; never."""
    return ""


def read(folder: Path, count: int) -> list[Reading]:
    """The messages `0.eml` and so on in `folder`."""
    return [settled(_reading(parse((folder / f"{number}.eml").read_bytes()))) for number in range(count)]


def parse(octets: bytes) -> EmailMessage:
    """The message, by the policy that keeps what is within."""
    message: EmailMessage = email.message_from_bytes(octets, policy=_EXACT)
    return message


def _reading(message: EmailMessage) -> Reading:
    reading: Reading = {"fields": _fields(message), "text": "", "html": "", "parts": []}
    for leaf in _leaves(message):
        assert not leaf.defects, leaf.defects
        kind = leaf.get_content_type()
        is_file = leaf.get_content_disposition() == "attachment" or leaf.get_filename() is not None
        if is_file or kind not in {"text/plain", "text/html"}:
            reading["parts"].append(_part(leaf))
        elif kind == "text/html":
            reading["html"] += _text(leaf)
        else:
            reading["text"] += _text(leaf)
            if leaf.get_param("format") == "flowed":
                reading["flowed"] = str(leaf.get_param("delsp", "no"))
    return reading


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """Its parts, and not those of messages within."""
    if not message.is_multipart() or message.get_content_type() == "message/rfc822":
        yield message
        return
    assert not message.defects, message.defects
    for part in message.iter_parts():
        yield from _leaves(part)  # type: ignore[arg-type]


def _fields(message: EmailMessage) -> dict[str, Any]:
    """Every field; of an address field its people."""
    found: dict[str, Any] = {}
    for name, value in message.items():
        groups = getattr(value, "groups", None)
        found[name.lower()] = str(value) if groups is None else list(_people(groups))
    return found


def _people(groups: Any) -> Iterator[list[Any]]:
    for group in groups:
        members = [[person.display_name, person.addr_spec] for person in group.addresses]
        if group.display_name is None:
            yield from members
        else:
            yield [group.display_name, members]


def _text(leaf: EmailMessage) -> str:
    octets = leaf.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode(leaf.get_content_charset("us-ascii")).replace("\r\n", "\n")


def _part(leaf: EmailMessage) -> Part:
    message: Reading | None = None
    if leaf.get_content_type() == "message/rfc822":
        (within,) = leaf.iter_parts()
        octets: Any = within.as_bytes()
        message = _reading(parse(octets))
    else:
        octets = leaf.get_payload(decode=True)
    return {
        "type": leaf.get_content_type(),
        "name": _name(leaf),
        "sha256": hashlib.sha256(octets).hexdigest(),
        "content_id": str(leaf.get("content-id", "")).strip(),
        "message": message,
    }


def _name(leaf: EmailMessage) -> str:
    """The name of the file; `get_filename` would take the white space at its ends away."""
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        if field in leaf and parameter in leaf[field].params:
            return str(leaf[field].params[parameter])
    return ""
