"""The request that the options of `send` make: texts, files and another message, from wherever they come."""

from __future__ import annotations

import os.path
from itertools import chain

from sendmail_cli import service
from sendmail_cli.cli import standard_input
from sendmail_cli.cli.attach_options import attach_claims, attachments, read_calendar
from sendmail_cli.cli.header_options import header_claims, resend_request, settle_headers
from sendmail_cli.cli.message_options import MESSAGE_OPTIONS, refuse_beside
from sendmail_cli.cli.options import Talk, server_flags
from sendmail_cli.cli.several import Series
from sendmail_cli.cli.text_options import (
    check_texts,
    form_of,
    has_text,
    page_of,
    read_signature,
    read_texts,
    text_claims,
    write_text,
)
from sendmail_cli.errors import UsageError
from sendmail_cli.request import AttachmentRequest, Request
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TypeVar

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Address
    from sendmail_cli.cli.editor import Manuscript

    Named = TypeVar("Named", Address, Addressee)


def request_of(
    values: dict[str, Any], talking: Talk, manuscript: Manuscript, blank: Request
) -> Request | Series | None:
    """The request that the options `values` make of `blank`, or several ready messages of a mailbox; None when there is
    nothing to say and --skip-empty was given. Raises `MailError`.
    """
    if values["raw"] is not None:
        return _raw_request(values, talking, blank)
    if values["resend"] is not None:
        return resend_request(values, talking, blank)
    return _composed_request(values, talking, manuscript, blank)


def _raw_request(values: dict[str, Any], talking: Talk, blank: Request) -> Request | Series:
    from sendmail_cli.message.mailboxes import is_mbox, messages_in_maildir, messages_in_mbox

    refuse_beside("raw", values, MESSAGE_OPTIONS)
    standard_input.check_claims(
        ["--raw -"] * (values["raw"] == "-") + standard_input.password_claims(values), is_forbidden=False
    )
    request = blank._replace(
        flags=server_flags(values),
        to=_joined(values["recipients"]),
        envelope_from=values["envelope_from"],
        is_exact=values["no_fixup"],
    )
    if os.path.isdir(values["raw"]):
        return Series(request, messages_in_maildir(values["raw"]))
    source = standard_input.open_input(values["raw"], talking.environment, talking.inform)
    if request.is_exact or not is_mbox(source):
        return request._replace(raw=source)
    messages = messages_in_mbox(source)
    first, second = next(messages), next(messages, None)
    if second is not None:
        return Series(request, chain((first, second), messages))
    first.label = source.label
    return request._replace(raw=first)


def _composed_request(values: dict[str, Any], talking: Talk, manuscript: Manuscript, blank: Request) -> Request | None:
    check_texts(values)
    if values["no_fixup"]:
        raise UsageError("--no-fixup is for a ready message; give it with --raw")
    claims = text_claims(values) + attach_claims(values) + header_claims(values)
    claims += standard_input.password_claims(values)
    standard_input.check_claims(claims, is_forbidden=values["no_stdin"])
    forwarded = settle_headers(values, talking)
    calendar = read_calendar(values, talking)
    attached = attachments(values, forwarded, calendar, talking)
    request = blank._replace(
        flags=server_flags(values, from_=values["from_"]),
        to=_joined(values["recipients"]) + _joined(values["to"]),
        cc=_joined(values["cc"]),
        bcc=_joined(values["bcc"]),
        reply_to=_joined(values["reply_to"]),
        envelope_from=values["envelope_from"],
        subject=values["subject"],
        is_html_alone=values["no_alternative"],
        page=page_of(values),
        form=form_of(values),
        signature=read_signature(values, talking),
        calendar=calendar,
        attachments=attached,
        headers=values["header"],
        in_reply_to=values["in_reply_to"],
    )
    if _is_to_be_written(values, claims, talking):
        service.prepare(request, talking.environment, lambda _: None)  # nobody writes a text that can't be sent
        texts = write_text(talking, manuscript)
    else:
        texts = read_texts(values, claims, talking)
    if values["skip_empty"] and texts.is_empty:
        return None
    if any(isinstance(each, AttachmentRequest) and each.path == "-" for each in attached):
        standard_input.open_stdin(talking.environment, talking.inform)
    return request._replace(**texts._asdict())


def _joined(lists: tuple[tuple[Named, ...], ...]) -> tuple[Named, ...]:
    return tuple(address for addresses in lists for address in addresses)


def _is_to_be_written(values: dict[str, Any], claims: list[str], talking: Talk) -> bool:
    """True when a person sits there who said nothing about a text: then an editor opens."""
    is_decided = claims or values["no_stdin"] or has_text(values)
    return not is_decided and standard_input.is_typed(talking.environment)
