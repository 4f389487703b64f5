"""The parameters of MAIL and RCPT as a server reads them: what isn't offered is 555, what is no such value 501.

By the letter, since they are sent on, and put into reports.
"""

from __future__ import annotations

import re

from sendmail_cli.smtp.answers import Answer
from sendmail_cli.smtp.envelope import Demands, Notify, Reporting, Ret
from sendmail_cli.smtp.parameters import MAX_ENVID
from sendmail_cli.typing import TYPE_CHECKING
from sendmail_cli.xtext import parse_original_recipient, parse_xtext

if TYPE_CHECKING:
    from sendmail_cli.smtp.answers import Offer

SYNTAX = Answer(501, "5.5.4", "Syntax error in parameters or arguments")

# The extension that each belongs to, and its value; "" where it has none.
_OF_MAIL = {
    "SIZE": ("SIZE", r"[0-9]{1,20}"),  # RFC 1870 §3
    "BODY": ("8BITMIME", r"(?i:7BIT|8BITMIME)"),  # RFC 6152 §3
    "SMTPUTF8": ("SMTPUTF8", r""),  # RFC 6531 §3.4
    "REQUIRETLS": ("REQUIRETLS", r""),  # RFC 8689 §2
    "RET": ("DSN", r"(?i:FULL|HDRS)"),  # RFC 3461 §4.3
    "ENVID": ("DSN", rf".{{1,{MAX_ENVID}}}"),
}
_OF_RCPT = {
    "NOTIFY": ("DSN", r"(?i:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)"),  # RFC 3461 §4.1
    "ORCPT": ("DSN", r".+"),
}


def received_demands(parameters: dict[str, str], offer: Offer) -> Demands | Answer:
    """What those of MAIL ask for, or why they can't be taken."""
    refusal = _refusal(parameters, _OF_MAIL, offer)
    if refusal is not None:
        return refusal
    try:
        envid = parse_xtext(parameters["ENVID"]) if "ENVID" in parameters else None
    except ValueError:
        return SYNTAX
    ret = Ret(parameters["RET"].upper()) if "RET" in parameters else None
    return Demands(ret, envid, are_reports_ours=True, require_tls="REQUIRETLS" in parameters)


def received_reporting(parameters: dict[str, str], offer: Offer) -> Reporting | Answer:
    """What those of RCPT ask for, or why they can't be taken."""
    refusal = _refusal(parameters, _OF_RCPT, offer)
    if refusal is not None:
        return refusal
    words = parameters["NOTIFY"].upper().split(",") if "NOTIFY" in parameters else []
    try:
        original = parse_original_recipient(parameters["ORCPT"]) if "ORCPT" in parameters else None
    except ValueError:
        return SYNTAX
    return Reporting(tuple(map(Notify, dict.fromkeys(words))), original)


def _refusal(parameters: dict[str, str], known: dict[str, tuple[str, str]], offer: Offer) -> Answer | None:
    for name, value in parameters.items():
        keyword, pattern = known.get(name, ("", ""))
        if not offer.offers(keyword):
            return Answer(555, "5.5.4", f"The parameter {name[:40]} is not offered")
        if not re.fullmatch(pattern, value):
            return SYNTAX
    return None
