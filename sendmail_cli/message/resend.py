"""A ready message sent on as it is, by somebody else and to others (RFC 5322 §3.6.6)."""

from __future__ import annotations

from sendmail_cli.message.headers import address_field, message_id_field, new_date, new_message_id, structured_field
from sendmail_cli.message.raw import resent_message
from sendmail_cli.message.raw_header import Field
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.addresses import Address
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.draft import Draft
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source


def resend(source: Source, draft: Draft, environment: Environment) -> RawMessage:
    """The message in `source` below a Resent block that says of who sends it on what `draft` says of authors.

    Of the draft only who sends it and to whom counts. All else stays byte for byte, earlier Resent blocks too; but Bcc
    never leaves. Raises `DataError` for what is no message or can't be sent, `HeaderError`, and what reading raises.
    """
    return resent_message(source, _block(draft, environment))


def _block(draft: Draft, environment: Environment) -> tuple[Field, ...]:
    named: list[tuple[str, tuple[Address, ...]]] = [("Resent-From", draft.authors)]
    if draft.authors != (draft.sender,):
        named.append(("Resent-Sender", (draft.sender,)))
    named += [("Resent-To", draft.to), ("Resent-Cc", draft.cc)]
    message_id = new_message_id(draft.sender.address.domain, environment)
    fields = [structured_field("Resent-Date", new_date(environment))]
    fields += [address_field(name, addresses) for name, addresses in named if addresses]
    fields.append(message_id_field("Resent-Message-ID", [message_id]))
    return tuple(Field(octets.partition(b":")[0].decode("ascii").lower(), octets, 0) for octets in fields)
