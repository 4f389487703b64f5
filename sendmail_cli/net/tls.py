"""TLS on a socket: the handshake, who the server turned out to be, and what went wrong (RFC 8314, RFC 8446).

Loaded only where TLS is used.
"""

from __future__ import annotations

import ssl

from sendmail_cli.errors import CertificateRejected, ConnectionLost, MailError, TLSHandshakeFailed
from sendmail_cli.net.certificate import certificate_facts, fingerprint, first_certificate
from sendmail_cli.net.certificate_faults import Rejected, not_the_pinned, rejection
from sendmail_cli.net.dial import whole_socket
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import _socket
    from datetime import datetime

    from sendmail_cli.net.tls_context import TLSContext

HANDSHAKE, CERTIFICATE = 22, 11  # a record's content type and a handshake message's; RFC 8446 §5.1, §4


class TLSFacts(NamedTuple):
    """What was agreed on, and the certificate that the server showed. Texts are printable."""

    version: str  # "TLSv1.3"
    cipher: str  # "TLS_AES_256_GCM_SHA384"
    subject: str  # "CN=mail.example.org"
    fingerprint: str  # "sha256:…" of the whole certificate in DER
    is_verified: bool  # somebody vouches for it: an authority, or the pin
    issuer: str = ""  # "CN=R11,O=Let's Encrypt,C=US"
    names: tuple[str, ...] = ()  # the DNS names and IP addresses of subjectAltName
    not_before: datetime | None = None  # UTC
    not_after: datetime | None = None  # UTC
    chain: tuple[str, ...] = ()  # subjects from the server's own to the authority's; its own alone before Python 3.13


class TLSTransport:
    """A socket with TLS on it; `handshake` first."""

    def __init__(self, connected: _socket.socket, context: TLSContext, host: str) -> None:
        self._host = host
        self._context = context
        self._shown = b""  # the server's certificate in DER, as soon as it was shown
        self._version = self._cipher = ""
        self._chain: tuple[bytes, ...] = (b"",)  # DER; the server's own certificate first
        self._is_heard = False
        self.wait_for_write = False
        self.may_hold_more = True  # decrypted, and no longer seen by the system
        self._listen_for_certificate()
        whole = whole_socket(connected)
        try:
            self.socket = context.openssl.wrap_socket(
                whole, server_hostname=host or None, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            whole.close()
            raise TLSHandshakeFailed(f"TLS could not start: {_words(error)}") from None

    def handshake(self) -> bool:
        """One step; True when it is done. Raises `CertificateRejected` before anything is said under TLS."""
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self.wait_for_write = False
            return False
        except ssl.SSLWantWriteError:
            self.wait_for_write = True
            return False
        except ssl.SSLCertVerificationError as error:
            raise self._rejected(error) from None
        except OSError as error:
            raise _failed(error, self._context.minimum) from None
        self._note_agreement()
        self._check_pin()
        return True

    def receive(self) -> bytes | None:
        try:
            data = self.socket.recv(65536)
        except ssl.SSLWantReadError:
            self.wait_for_write = False
        except ssl.SSLWantWriteError:
            self.wait_for_write = True
        except ssl.SSLError as error:  # in TLS 1.3 what the server thinks of our certificate comes after the handshake
            if self._is_heard or error.reason not in _OUR_CERTIFICATE:
                raise
            raise _failed(error, self._context.minimum) from None
        else:
            self._is_heard = True
            return data
        return None

    def send(self, data: memoryview) -> int | None:
        try:
            return self.socket.send(data)
        except ssl.SSLWantReadError:
            self.wait_for_write = False
        except ssl.SSLWantWriteError:
            self.wait_for_write = True
        return None

    def close(self) -> None:
        self.socket.close()

    def facts(self) -> TLSFacts:
        """What the handshake agreed on; it is told after the connection has ended, too."""
        own, *issuers = (certificate_facts(der) for der in self._chain)
        return TLSFacts(
            version=self._version,
            cipher=self._cipher,
            fingerprint=fingerprint(self._chain[0]),
            is_verified=self._context.is_verified,
            chain=(own.subject, *(each.subject for each in issuers)),
            **own._asdict(),
        )

    def _listen_for_certificate(self) -> None:
        """Keep the certificate that the server shows: of one that it refuses OpenSSL tells nothing afterwards.

        Python has no public way to see it then. Its hook for handshake messages has been there since 3.8 without
        becoming public; without it the sentence about a refused certificate has fewer particulars. The other way would
        be a second connection that takes any certificate: more to go wrong, and perhaps not the same certificate.
        """

        def look(_: object, direction: str, __: object, content: int, kind: int, message: bytes) -> None:
            if (direction, content, kind) == ("read", HANDSHAKE, CERTIFICATE):
                self._shown = first_certificate(message)

        if hasattr(self._context.openssl, "_msg_callback"):
            self._context.openssl._msg_callback = look

    def _note_agreement(self) -> None:
        if hasattr(self._context.openssl, "_msg_callback"):
            self._context.openssl._msg_callback = None
        cipher = self.socket.cipher()
        self._version = self.socket.version() or ""
        self._cipher = cipher[0] if cipher else ""
        # Python 3.13 is the first that tells of the certificates above the server's own.
        issuers = list(getattr(self.socket, "get_verified_chain", list)())[1:]
        self._chain = (self.socket.getpeercert(binary_form=True) or b"", *issuers)

    def _check_pin(self) -> None:
        """Before the first octet is said: a server that isn't the pinned one learns nothing from us but a handshake."""
        pin = self._context.pin
        if pin is not None and (seen := fingerprint(self._chain[0])) != pin:
            raise not_the_pinned(self._host, pin, seen)

    def _rejected(self, error: ssl.SSLCertVerificationError) -> CertificateRejected:
        der = self._shown
        return rejection(
            Rejected(
                self._host,
                error.verify_code,
                printable(error.verify_message or "no reason given"),
                certificate_facts(der) if der else None,
                fingerprint(der) if der else "",
                self._context.now(),
            )
        )


_NOT_TLS = frozenset(("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"))
_NO_COMMON_VERSION = frozenset(("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"))
_TOO_OLD = {
    "1.2": ("the server speaks only TLS versions older than 1.2, which are broken", ""),
    "1.3": (
        "the server does not speak TLS 1.3, and nothing older is wanted here (tls_min)",
        "Without --tls-min and tls_min TLS 1.2 is taken too, which is still sound.",
    ),
}
# Alerts about a client's certificate (RFC 8446 §6.2, RFC 5246 §7.2.2).
_REFUSED = (
    "the server did not accept our certificate: {why}",
    "Name another one with --tls-cert, or tls_cert in the profile; the server's operator knows whose it takes.",
)
_OUR_CERTIFICATE: dict[str | None, tuple[str, str]] = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": (
        "the server wants to see a certificate of ours",
        "Name it with --tls-cert and --tls-key, or tls_cert and tls_key in the profile.",
    ),
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSED,
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED,
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSED,
    "TLSV1_ALERT_DECRYPT_ERROR": _REFUSED,
}


def _failed(error: OSError, minimum: str) -> MailError:
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):  # a busy server does that too
        return ConnectionLost(f"the connection ended in the TLS handshake: {_words(error)}")
    why = getattr(error, "reason", None)
    if why in _NOT_TLS:
        return TLSHandshakeFailed(
            "the server answered our TLS greeting with something that is not TLS",
            hint="If it begins in the clear, try --tls starttls, usually with port 587. "
            "If that is what was tried, its STARTTLS is broken.",
        )
    sentence, hint = "the TLS handshake failed: {why}", ""
    if why in _NO_COMMON_VERSION:
        sentence, hint = _TOO_OLD[minimum]
    elif why in _OUR_CERTIFICATE:
        sentence, hint = _OUR_CERTIFICATE[why]
    elif why is not None and "_ALERT_" in why:
        hint = "It was the server that broke it off; why stands in its log."
    return TLSHandshakeFailed(sentence.format(why=_words(error)), hint=hint)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "the server closed it"
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return printable(reason.replace("_", " ").lower())
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return printable((error.strerror or str(error)).lower())
    return printable(str(error))
