"""TLS: a context that verifies, the handshake, and what is wrong with a certificate in words (RFC 8314, RFC 9525).

Loaded only where TLS is used.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.errors import CertificateRejected, ConfigError, ConnectionLost, MailError, TLSHandshakeFailed
from sendmail_cli.net.certificate import certificate_facts, fingerprint
from sendmail_cli.printable import printable

if TYPE_CHECKING:
    import socket
    from datetime import datetime

TLSContext = ssl.SSLContext

# X509_V_ERR_… of OpenSSL: what to say, and what to do.
_EXPIRED, _NOT_YET_VALID, _SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 10, 9, 18, 19
_UNKNOWN_ISSUERS = (2, 20, 21)
_WRONG_NAMES = (62, 63, 64)


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


def client_context(ca_file: str | None = None, *, is_verified: bool = True) -> TLSContext:
    """A context for connecting: TLS 1.2 at least, the system's authorities or those of `ca_file`.

    The name must be in the certificate's subjectAltName; a common name alone doesn't count (RFC 9525 §2). With
    `is_verified` False any certificate is taken. Raises `ConfigError` when `ca_file` can't be read.
    """
    if ca_file is not None and os.path.exists(ca_file) and not os.path.isfile(ca_file):  # a FIFO may never open
        raise ConfigError(f"can't use the CA file {ca_file}: it is no file")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "no PEM certificates in it"
        raise ConfigError(f"can't use the CA file {ca_file}: {why}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if is_verified:
        context.hostname_checks_common_name = False
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TLSTransport:
    """A socket with TLS on it; `handshake` first."""

    def __init__(self, connected: socket.socket, context: TLSContext, host: str) -> None:
        self._host = host
        self._is_verified = context.verify_mode is ssl.CERT_REQUIRED
        self._version = self._cipher = ""
        self._chain: tuple[bytes, ...] = (b"",)  # DER; the server's own certificate first
        self.wait_for_write = False
        self.may_hold_more = True  # decrypted, and no longer seen by the system
        try:
            self.socket = context.wrap_socket(connected, server_hostname=host or None, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            raise TLSHandshakeFailed(f"TLS could not start: {_words(error)}") from None

    def handshake(self) -> bool:
        """One step; True when it is done."""
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
            raise _failed(error) from None
        self._note_agreement()
        return True

    def receive(self) -> bytes | None:
        try:
            return self.socket.recv(65536)
        except ssl.SSLWantReadError:
            self.wait_for_write = False
        except ssl.SSLWantWriteError:
            self.wait_for_write = True
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
            is_verified=self._is_verified,
            chain=(own.subject, *(each.subject for each in issuers)),
            **own._asdict(),
        )

    def _note_agreement(self) -> None:
        cipher = self.socket.cipher()
        self._version = self.socket.version() or ""
        self._cipher = cipher[0] if cipher else ""
        # Python 3.13 is the first that tells of the certificates above the server's own.
        issuers = list(getattr(self.socket, "get_verified_chain", list)())[1:]
        self._chain = (self.socket.getpeercert(binary_form=True) or b"", *issuers)

    def _rejected(self, error: ssl.SSLCertVerificationError) -> CertificateRejected:
        sentence, hint = _VERDICTS.get(error.verify_code, ("is not valid: {why}", _ASK_THE_ADMIN))
        why = printable(error.verify_message or "no reason given")
        return CertificateRejected(
            f"the certificate of {self._host} " + sentence.format(host=self._host, why=why), hint=hint
        )


_ASK_THE_ADMIN = "Nothing was sent. --insecure skips this check once, if you know that this is your server."
_WRONG_NAME = (
    "was issued for another name ({why})",
    "Nothing was sent. Use the name that the certificate names as the server, if it is the provider's.",
)
_UNKNOWN_ISSUER = (
    "was issued by an authority that this machine does not know",
    "Nothing was sent. If it is your organisation's own authority, name its certificate with --ca-file.",
)
_SELF_SIGNED_VERDICT = (
    "is signed by itself, so nobody vouches for it",
    "Nothing was sent. If it is your own server, name its certificate with --ca-file.",
)
_VERDICTS: dict[int, tuple[str, str]] = {
    _EXPIRED: ("has expired", _ASK_THE_ADMIN),
    _NOT_YET_VALID: ("is not valid yet; is this machine's clock right?", _ASK_THE_ADMIN),
    _SELF_SIGNED: _SELF_SIGNED_VERDICT,
    _SELF_SIGNED_IN_CHAIN: _UNKNOWN_ISSUER,
    **dict.fromkeys(_UNKNOWN_ISSUERS, _UNKNOWN_ISSUER),
    **dict.fromkeys(_WRONG_NAMES, _WRONG_NAME),
}


def _failed(error: OSError) -> MailError:
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):  # a busy server does that too
        return ConnectionLost(f"the connection ended in the TLS handshake: {_words(error)}")
    why = getattr(error, "reason", None)
    if why in {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}:
        return TLSHandshakeFailed(
            "the server answered our TLS greeting with something that is not TLS",
            hint="It seems to begin in the clear: try --tls starttls, usually with port 587.",
        )
    if why in {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"}:
        return TLSHandshakeFailed("the server speaks only TLS versions older than 1.2, which are broken")
    return TLSHandshakeFailed(f"the TLS handshake failed: {_words(error)}")


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "the server closed it"
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return printable(reason.replace("_", " ").lower())
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return printable((error.strerror or str(error)).lower())
    return printable(str(error))
