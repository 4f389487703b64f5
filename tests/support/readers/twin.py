"""The same message as the standard library writes it: what ours is compared with where a judge has no right answer."""

from __future__ import annotations

import email.policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from tests.support.readers.library import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_MIME = ("mime-version", "content-type", "content-transfer-encoding")
_UNSAID = ("charset", "name", "boundary")  # parameters that the standard library writes by itself


def twin_of(octets: bytes) -> bytes:
    """The message in `octets` with the same fields, texts and files, by `email.message.EmailMessage`."""
    ours = parse(octets)
    twin = EmailMessage(policy=email.policy.SMTP)
    for name, value in ours.items():
        if name.lower() not in _OF_MIME:
            twin[name] = str(value)
    for leaf in _leaves(ours):
        _add(twin, leaf)
    return twin.as_bytes()


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.get_content_maintype() != "multipart":
        yield message
        return
    for part in message.iter_parts():
        yield from _leaves(part)  # type: ignore[arg-type]


def _add(twin: EmailMessage, leaf: EmailMessage) -> None:
    """What a program says to the standard library for this part."""
    kind, subtype = leaf.get_content_type().split("/")
    words: dict[str, Any] = {"params": _parameters(leaf)}
    is_text = kind == "text" and leaf.get_content_disposition() is None
    if is_text and not twin.get_content_type().startswith("multipart") and "content-type" not in twin:
        twin.set_content(leaf.get_content(), subtype=subtype, **words)
    elif is_text:
        twin.add_alternative(leaf.get_content(), subtype=subtype, **words)
    elif leaf.get_content_type() == "message/rfc822":
        (within,) = leaf.iter_parts()
        twin.add_attachment(within, filename=leaf.get_filename())
    elif "content-id" in leaf:
        body = twin.get_body(("html",)) or twin
        octets = leaf.get_payload(decode=True)
        body.add_related(
            octets, kind, subtype, cid=str(leaf["content-id"]).strip(), filename=leaf.get_filename(), **words
        )
    else:
        octets = leaf.get_payload(decode=True)
        twin.add_attachment(octets, kind, subtype, filename=leaf.get_filename(), **words)


def _parameters(leaf: EmailMessage) -> dict[str, str]:
    given = leaf["content-type"].params
    is_text = leaf.get_content_maintype() == "text" and leaf.get_content_disposition() is None
    return {name: value for name, value in given.items() if name not in _UNSAID or (name == "charset" and not is_text)}
