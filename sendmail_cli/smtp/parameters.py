"""The parameters of MAIL and RCPT: each only where the server's last EHLO offers its extension (RFC 5321 §4.1.2).

What was demanded and isn't offered raises `NotOffered`; what the message needs and the server can't take a `DataError`.
"""

from __future__ import annotations

import re

from sendmail_cli.errors import AddressError, DataError, MessageTooLarge, NotOffered, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.smtp.envelope import NO_DEMANDS, Notify, Ret
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.envelope import Demands, Envelope, Recipient

MAX_ENVID = 100  # octets as sent; RFC 3461 §5.4

# Compiled by re when it is used: all patterns at every start would be felt.
_PARAMETER = r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?"  # RFC 5321 §4.1.2, esmtp-param
# The parameters that we set ourselves, and the option that does it.
_OWN = {
    "SIZE": "", "BODY": "", "SMTPUTF8": "", "RET": "--ret", "ENVID": "--envid", "NOTIFY": "--notify",
    "ORCPT": "--notify", "REQUIRETLS": "--requiretls",
}  # fmt: skip
# Parameters whose extension has another name in the answer to EHLO.
_KEYWORDS = {
    "AUTH": "AUTH", "BY": "DELIVERBY", "HOLDFOR": "FUTURERELEASE", "HOLDUNTIL": "FUTURERELEASE",
    "SOLICIT": "NO-SOLICITING", "TRANSID": "CHECKPOINT", "XVERP": "XVERP", "CONPERM": "CONPERM", "CONNEG": "CONNEG",
    "MTRK": "MTRK", "RRVS": "RRVS", "MT-PRIORITY": "MT-PRIORITY",
}  # fmt: skip


def mail_parameters(
    envelope: Envelope,
    capabilities: Capabilities,
    *,
    size: int,
    is_7bit: bool,
    has_utf8_header: bool,
    is_secured: bool,
) -> tuple[str, ...]:
    """What follows MAIL for this message. `is_secured` says that the session is under verified TLS."""
    parameters = _of_the_message(envelope, capabilities, size=size, is_7bit=is_7bit, has_utf8_header=has_utf8_header)
    demands = envelope.demands
    if demands.require_tls:
        _demand(capabilities, "REQUIRETLS", "that every server on the way uses TLS (--requiretls)")
        if not is_secured:
            raise NotOffered(
                "--requiretls asks every server for verified TLS, and this connection has none",
                hint="Use --tls implicit or --tls starttls, without --insecure (RFC 8689 §2).",
            )
        parameters.append("REQUIRETLS")
    asked = report_parameters(demands)
    if asked and _are_reports_made(demands, capabilities, "--ret, --envid"):
        parameters += asked
    return (*parameters, *_checked(demands.mail_parameters, capabilities))


def rcpt_parameters(recipient: Recipient, capabilities: Capabilities, demands: Demands = NO_DEMANDS) -> tuple[str, ...]:
    """What follows RCPT for `recipient`; `demands` are those of its envelope."""
    own = demands.rcpt_parameters
    _, notify, original = recipient
    if not (notify or own or original):
        return ()
    parameters = []
    if (notify or original) and _are_reports_made(demands, capabilities, "--notify"):
        from sendmail_cli.xtext import MAX_ORCPT, original_recipient

        if notify:
            parameters.append(notify_parameter(notify))
            original = original or original_recipient(recipient.path.address)
        if original and len(original) <= MAX_ORCPT:
            parameters.append(f"ORCPT={original}")
    return (*parameters, *_checked(own, capabilities))


def report_parameters(demands: Demands) -> list[str]:
    """What MAIL says about reports (RFC 3461 §4.3, §4.4)."""
    asked = [f"RET={demands.ret.value}"] if demands.ret is not None else []
    if demands.envid is not None:
        from sendmail_cli.xtext import xtext

        asked.append(f"ENVID={xtext(demands.envid)}")
    return asked


def notify_parameter(notify: tuple[Notify, ...]) -> str:
    """What RCPT says about when they are wanted (RFC 3461 §4.1)."""
    return f"NOTIFY={','.join(it.value for it in notify)}"


def _are_reports_made(demands: Demands, capabilities: Capabilities, options: str) -> bool:
    """Whether the server may be asked for reports. A server without DSN is never told any of it (RFC 3461 §5.2.3)."""
    if not demands.are_reports_ours:
        _demand(capabilities, "DSN", f"reports of delivery ({options})")
    return capabilities.offers("DSN")


def parse_parameter(text: str) -> str:
    """`text` as one more parameter of MAIL or RCPT, "KEY=VALUE" or "KEY". Raises `UsageError`.

    Those that have an option of their own are refused: two of them would contradict each other.
    """
    match = re.fullmatch(_PARAMETER, text)
    if match is None:
        raise UsageError(
            f"“{printable(text, 80)}” is no parameter: KEY=VALUE or KEY, without spaces, in ASCII (RFC 5321 §4.1.2)",
            hint="What is not plain ASCII, and “+” and “=” in a value, may be written as xtext: +3D is “=”.",
        )
    option = _OWN.get(match[1].upper())
    if option is not None:
        raise UsageError(f"{match[1].upper()} is set by {option or 'this program itself'}, not as a parameter")
    return text


def parse_notify(text: str) -> tuple[Notify, ...]:
    """`never`, or some of `success,failure,delay`. Raises `UsageError` (RFC 3461 §4.1)."""
    words = [word.strip().upper() for word in text.split(",")]
    known = {it.value: it for it in Notify}
    unknown = next((word for word in words if word not in known), None)
    if unknown is not None:
        raise UsageError(f"“{printable(unknown.lower(), 40)}” is none of never, success, failure, delay")
    if "NEVER" in words and len(set(words)) > 1:
        raise UsageError("“never” stands alone: no report at all, or some of success, failure, delay")
    return tuple(dict.fromkeys(known[word] for word in words))


def parse_ret(text: str) -> Ret:
    """`full` or `headers` (RFC 3461 §4.3). Raises `UsageError`."""
    choices = {"full": Ret.FULL, "headers": Ret.HEADERS, "hdrs": Ret.HEADERS}
    if text.lower() not in choices:
        raise UsageError(f"“{printable(text, 40)}” is neither full nor headers")
    return choices[text.lower()]


def parse_envid(text: str) -> str:
    """An envelope id (RFC 3461 §4.4): printable ASCII, at most 100 octets as sent. Raises `UsageError`."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise UsageError("an envelope id is printable ASCII, and not empty")
    from sendmail_cli.xtext import xtext

    if (length := len(xtext(text))) > MAX_ENVID:
        raise UsageError(f"an envelope id has at most {MAX_ENVID} octets as it is sent, and this one has {length}")
    return text


def _of_the_message(
    envelope: Envelope, capabilities: Capabilities, *, size: int, is_7bit: bool, has_utf8_header: bool
) -> list[str]:
    parameters = []
    limit = capabilities.size_limit
    if limit is not None and size > limit:
        raise MessageTooLarge(
            f"the message has {size:,} octets and the server takes at most {limit:,}",
            hint="Send less, or put the file where the recipients can fetch it.",
        )
    if capabilities.offers("SIZE"):
        parameters.append(f"SIZE={size}")
    if not is_7bit:
        if not capabilities.offers("8BITMIME"):
            raise DataError("the message holds 8-bit octets and the server takes 7-bit messages only (no 8BITMIME)")
        parameters.append("BODY=8BITMIME")
    if has_utf8_header or not envelope.is_ascii:
        if not capabilities.offers("SMTPUTF8"):
            raise AddressError(
                f"{_beyond_ascii(envelope)} is beyond ASCII, and the server doesn't take that (no SMTPUTF8, 5.6.7)",
                hint="Use an address with ASCII letters before the “@”; domains of any script are no trouble.",
            )
        parameters.append("SMTPUTF8")
    return parameters


def _beyond_ascii(envelope: Envelope) -> str:
    addresses = [envelope.reverse_path.address, *(recipient.path.address for recipient in envelope.recipients)]
    found = next((address for address in addresses if address is not None and not address.is_ascii), None)
    return "a header field of this message" if found is None else f"the address {found}"


def _demand(capabilities: Capabilities, keyword: str, what: str) -> None:
    if not capabilities.offers(keyword):
        raise NotOffered(
            f"the server doesn't offer {what}: there is no {keyword} in its answer to EHLO",
            hint="Nothing was sent. Leave the option out, or use a server that offers it.",
        )


def _checked(parameters: tuple[str, ...], capabilities: Capabilities) -> tuple[str, ...]:
    for parameter in parameters:
        key = parameter.partition("=")[0].upper()
        keyword = _KEYWORDS.get(key, key)
        if not capabilities.offers(keyword):
            raise NotOffered(
                f"the server doesn't offer {keyword}, which the parameter {printable(parameter, 80)} belongs to",
                hint="Nothing was sent. `sendmail-cli check` shows what it offers.",
            )
    return parameters
