"""What is wrong with a server's certificate, in words, and what can be done about it."""

from __future__ import annotations

from datetime import UTC, datetime

from sendmail_cli.errors import CertificateRejected
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.net.certificate import CertificateFacts

NAMES_SHOWN = 5


class Rejected(NamedTuple):
    """A certificate that was not taken, and why. `facts` is None where the certificate can't be told."""

    host: str  # that we asked for
    code: int  # X509_V_ERR_… of OpenSSL
    why: str  # its words, printable
    facts: CertificateFacts | None
    fingerprint: str  # "" where it can't be told
    now: float  # seconds since the epoch


def rejection(rejected: Rejected) -> CertificateRejected:
    """The error for a certificate that OpenSSL didn't take."""
    fault = _FAULTS.get(rejected.code, _other)
    sentence, hint = fault(rejected)
    return CertificateRejected(f"the certificate of {rejected.host} {sentence}", hint=f"Nothing was sent. {hint}")


def not_the_pinned(host: str, pin: str, seen: str) -> CertificateRejected:
    """The error for a certificate other than the pinned one."""
    return CertificateRejected(
        f"the certificate of {host} is not the pinned one: its fingerprint is {seen}, the pin is {pin}",
        hint="Nothing was sent. A server gets a new certificate when the old one runs out; but somebody who stands "
        f"between you and it has another one, too. Ask its operator. If it is theirs: --tls-pin {seen}",
    )


def _expired(rejected: Rejected) -> tuple[str, str]:
    end = None if rejected.facts is None else rejected.facts.not_after
    if end is not None and end.timestamp() >= rejected.now:
        return "is vouched for by one that has expired", _ASK_THE_OPERATOR
    when = "has expired" if end is None else f"expired on {_day(end)}"
    return when, f"{_ASK_THE_OPERATOR} {_pin(rejected)}".rstrip()


def _not_yet_valid(rejected: Rejected) -> tuple[str, str]:
    begin = None if rejected.facts is None else rejected.facts.not_before
    if begin is not None and begin.timestamp() <= rejected.now:
        return "is vouched for by one that is not valid yet; is this machine's clock right?", _ASK_THE_OPERATOR
    today = _day(datetime.fromtimestamp(rejected.now, UTC))
    until = "is not valid yet" if begin is None else f"is not valid before {_day(begin)}"
    return f"{until}; is this machine's clock right? It says {today}", _ASK_THE_OPERATOR


def _other_name(rejected: Rejected) -> tuple[str, str]:
    facts = rejected.facts
    if facts is None:
        return f"was issued for another name ({rejected.why})", _USE_ITS_NAME
    if not facts.names:
        sentence = f"names no host in its subjectAltName, so it is not for {rejected.host}"
        return f"{sentence}; its subject, {facts.subject}, does not count (RFC 9525)", _ASK_THE_OPERATOR
    more = len(facts.names) - NAMES_SHOWN
    names = ", ".join(facts.names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"was issued for {names}, not for {rejected.host}", _USE_ITS_NAME


def _unknown_issuer(rejected: Rejected) -> tuple[str, str]:
    issuer = "" if rejected.facts is None else rejected.facts.issuer
    whom = f"{issuer}, an authority" if issuer else "an authority"
    return f"was issued by {whom} that this machine does not know", f"{_CA_FILE} {_pin(rejected)}".rstrip()


def _self_signed(rejected: Rejected) -> tuple[str, str]:
    return "is signed by itself, so nobody vouches for it", f"{_OWN_CA_FILE} {_pin(rejected)}".rstrip()


def _other(rejected: Rejected) -> tuple[str, str]:
    return f"is not valid: {rejected.why}", _ASK_THE_OPERATOR


_ASK_THE_OPERATOR = "Ask the server's operator. --insecure skips this check once, if you know that this is your server."
_USE_ITS_NAME = "Use the name that the certificate names as the server, if it is the provider's."
_CA_FILE = "If it is your organisation's own authority, name its certificate with --ca-file."
_OWN_CA_FILE = "If it is your own server, name its certificate with --ca-file."

_FAULTS: dict[int, Callable[[Rejected], tuple[str, str]]] = {
    10: _expired,  # X509_V_ERR_CERT_HAS_EXPIRED
    9: _not_yet_valid,  # CERT_NOT_YET_VALID
    18: _self_signed,  # DEPTH_ZERO_SELF_SIGNED_CERT
    **dict.fromkeys((2, 19, 20, 21), _unknown_issuer),  # no issuer, an unknown one, or one that signed itself
    **dict.fromkeys((62, 63, 64), _other_name),  # HOSTNAME_MISMATCH, EMAIL_…, IP_ADDRESS_MISMATCH
}


def _pin(rejected: Rejected) -> str:
    """The advice to pin, where nothing is amiss but who vouches for the certificate."""
    if not rejected.fingerprint:
        return ""
    return (
        f"Or pin it, once the operator has told you the same fingerprint: --tls-pin {rejected.fingerprint} takes this "
        "one certificate and no other, whoever issued it, until you pin the next."
    )


def _day(moment: datetime) -> str:
    return printable(moment.date().isoformat())
