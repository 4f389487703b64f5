"""What stands in a certificate (RFC 5280), for people: whose it is, who issued it, for which names, until when.

Python itself tells that only of certificates that it could verify; what is wrong with the others is asked most. Loading
`cryptography` takes longer than a handshake, so this is for those who look: the trace, `check`, and errors.
"""

from __future__ import annotations

import warnings
from contextlib import suppress

from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import Certificate

UNREADABLE = "unreadable"
MAX_NAME = 200  # characters shown of a subject, an issuer or a name
MAX_NAMES = 100  # a certificate may name thousands


class CertificateFacts(NamedTuple):
    """One certificate. Texts are printable; where it can't be read `subject` is "unreadable" and the rest empty."""

    subject: str  # "CN=mail.example.org,O=Example"; the first of `names` where it has none
    issuer: str = ""
    names: tuple[str, ...] = ()  # of subjectAltName: DNS names and IP addresses, the first hundred
    not_before: datetime | None = None  # UTC
    not_after: datetime | None = None  # UTC; it holds until the end of this second


def certificate_facts(der: bytes) -> CertificateFacts:
    """What the certificate `der` says. Never raises: what a server shows may be anything."""
    from cryptography.x509 import load_der_x509_certificate

    with warnings.catch_warnings():  # it warns of serial numbers and the like, on standard error
        warnings.simplefilter("ignore")
        try:
            certificate = load_der_x509_certificate(der)
            names = _names(certificate)
            subject = certificate.subject.rfc4514_string() or (names[0] if names else "no subject")
            return CertificateFacts(
                printable(subject, MAX_NAME),
                printable(certificate.issuer.rfc4514_string(), MAX_NAME),
                names,
                certificate.not_valid_before_utc,
                certificate.not_valid_after_utc,
            )
        except ValueError:
            return CertificateFacts(UNREADABLE)


def fingerprint(der: bytes) -> str:
    """ "sha256:" and the SHA-256 of the whole certificate in DER, as `openssl x509 -fingerprint -sha256` counts it."""
    from hashlib import sha256

    return f"sha256:{sha256(der).hexdigest()}"


def first_certificate(message: bytes) -> bytes:
    """The server's own certificate in DER, out of its handshake message Certificate; b"" where there is none.

    TLS 1.3 (RFC 8446 §4.4.2) has a context before the list, which is empty here; TLS 1.2 (RFC 5246 §7.4.2) has none.
    """
    body = message[4:]  # behind the kind and three octets of length
    if len(body) - 3 != int.from_bytes(body[:3]):
        body = body[1:]
    length = int.from_bytes(body[3:6])
    return body[6 : 6 + length] if len(body) >= 6 + length else b""


def _names(certificate: Certificate) -> tuple[str, ...]:
    from cryptography.x509 import (
        DNSName,
        DuplicateExtension,
        ExtensionNotFound,
        IPAddress,
        SubjectAlternativeName,
        UnsupportedGeneralNameType,
    )

    with suppress(ExtensionNotFound, DuplicateExtension, UnsupportedGeneralNameType, ValueError):
        alternatives = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
        names = [*alternatives.get_values_for_type(DNSName), *alternatives.get_values_for_type(IPAddress)]
        return tuple(printable(str(name), MAX_NAME) for name in names[:MAX_NAMES])
    return ()
