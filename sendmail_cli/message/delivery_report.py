"""A report on what became of a message, as a server sends it to who sent that (RFC 3464, RFC 6533)."""

from __future__ import annotations

import re

from sendmail_cli.errors import DataError
from sendmail_cli.message.decoded_words import decode_words
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from email.message import Message

MAX_REPORT = 32 * 1024 * 1024  # octets; one brings the message back at most
MAX_SHOWN = 2000  # characters of a field

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_REPLY = re.compile(r"([2-5]\d\d)[ -]?(.*)", re.DOTALL)


class RecipientReport(NamedTuple):
    """What became of the message for one recipient; "" is what the report does not say."""

    recipient: str
    action: str  # failed, delayed, delivered, relayed, expanded
    status: str  # an enhanced status code
    reply: str  # of the server that refused it, as "550 5.1.1 …"
    server: str  # the one that said so


class DeliveryReport(NamedTuple):
    """A report: who wrote it, and what it says about each recipient."""

    reporter: str
    subject: str  # of the message that it is about
    recipients: tuple[RecipientReport, ...]
    envelope_id: str = ""  # that the message was sent with (ENVID)


def parse_delivery_report(octets: bytes) -> DeliveryReport:
    """The report in a message. Raises `DataError` where there is none in it."""
    from email import message_from_bytes
    from email.policy import compat32

    parts = list(message_from_bytes(octets[:MAX_REPORT], policy=compat32).walk())
    status = next((part for part in parts if part.get_content_type() in _STATUS_TYPES), None)
    blocks = status.get_payload() if status is not None else None
    if not isinstance(blocks, list) or len(blocks) < 2:
        raise DataError(
            "this message is no report of delivery (RFC 3464)",
            hint="Some servers report in free text: look for a line that begins with three digits, and explain that.",
        )
    first, *others = [block for block in blocks if not isinstance(block, str)]
    recipients = tuple(_recipient(block) for block in others if _names_recipient(block))
    return DeliveryReport(
        _after_type(_field(first, "Reporting-MTA")),
        _subject(parts, status),
        recipients,
        _field(first, "Original-Envelope-Id"),
    )


def _names_recipient(block: Message) -> bool:
    return any(block[name] for name in ("Final-Recipient", "Original-Recipient"))


def _recipient(block: Message) -> RecipientReport:
    status = _STATUS.match(_field(block, "Status"))
    said = _field(block, "Diagnostic-Code")
    kind, _, text = said.partition(";")
    return RecipientReport(
        _after_type(_field(block, "Original-Recipient") or _field(block, "Final-Recipient")),
        _field(block, "Action").lower(),
        "" if status is None else status[0],
        _reply(text.strip()) if kind.strip().lower() == "smtp" else said,
        _after_type(_field(block, "Remote-MTA")),
    )


def _reply(text: str) -> str:
    match = _REPLY.match(text)
    return text if match is None else f"{match[1]} {match[2]}".strip()


def _field(block: Message, name: str) -> str:
    """A field on one line, safe to show."""
    return printable(" ".join(str(block[name] or "").split()), MAX_SHOWN)


def _after_type(value: str) -> str:
    """What stands after the type: “rfc822; bob@example.org”, “utf-8; b\\x{FC}ro@example.org”."""
    kind, colon, rest = value.partition(";")
    if kind.strip().lower() == "utf-8":
        from sendmail_cli.xtext import extracted

        return printable(extracted(rest.strip()))
    return rest.strip() if colon else kind


def _subject(parts: list[Message], status: Message | None) -> str:
    """The subject of the message that came back, whole or as its header."""
    after = parts[parts.index(status) + 1 :] if status in parts else []
    for part in after:
        if part.get_content_type() == "text/rfc822-headers":
            from email import message_from_string

            payload = part.get_payload()
            return _decoded_subject(message_from_string(payload)) if isinstance(payload, str) else ""
        if part["Subject"] is not None:
            return _decoded_subject(part)
    return ""


def _decoded_subject(header: Message) -> str:
    return printable(decode_words(_field(header, "Subject")), MAX_SHOWN)
