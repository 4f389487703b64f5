"""What a TLS connection is to be like, before there is one: versions, who vouches for the server, our own certificate.

Loaded only where TLS is used.
"""

from __future__ import annotations

import os
import ssl
import stat
import sys

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

MINIMUM_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}  # RFC 8996: nothing older is sound
READABLE_BY_OTHERS = 0o007
BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
BEGIN_KEY = b" PRIVATE KEY-----"
MAX_PEM = 1 << 20  # octets; a certificate with its chain has some thousand


class TLSContext(NamedTuple):
    """A context of OpenSSL's, and what it can't hold."""

    openssl: ssl.SSLContext
    now: Callable[[], float]  # seconds since the epoch, to say whether a certificate has expired
    minimum: str  # "1.2", "1.3"
    pin: str | None  # "sha256:…": the one certificate that is taken, whoever issued it, whatever its names

    @property
    def is_verified(self) -> bool:
        """True when somebody vouches for the server: an authority or the pin."""
        return self.pin is not None or self.openssl.verify_mode is ssl.CERT_REQUIRED


def client_context(
    now: Callable[[], float],
    *,
    ca_file: str | None = None,
    is_verified: bool = True,
    minimum: str = "1.2",
    certificate: str | None = None,
    key: str | None = None,
    pin: str | None = None,
) -> TLSContext:
    """A context for connecting that trusts the system's authorities, those of `ca_file`, or the pinned certificate.

    The name must be in the certificate's subjectAltName; a common name alone doesn't count (RFC 9525 §2). A `pin`
    vouches alone. With `is_verified` False any certificate is taken. `certificate` and `key` are our own, in PEM.
    Raises `ConfigError` when a file can't be used.
    """
    vouched_by_authorities = is_verified and pin is None
    context = _authorities(ca_file) if vouched_by_authorities else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = MINIMUM_VERSIONS[minimum]
    if vouched_by_authorities:
        context.hostname_checks_common_name = False
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        _show(context, certificate, key)
    return TLSContext(context, now, minimum, pin)


def _authorities(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        return _system_authorities()
    refuse_no_file(ca_file, "the CA file")
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "no PEM certificates in it"
        raise ConfigError(f"can't use the CA file {printable(ca_file)}: {why}") from None


def _system_authorities() -> ssl.SSLContext:
    """On Linux OpenSSL finds the system's authorities itself. Elsewhere the system is asked to verify: it knows also
    what a company or a person added, and what was revoked.
    """
    platform: str = sys.platform
    if platform == "linux":
        return ssl.create_default_context()
    from truststore import SSLContext

    context: ssl.SSLContext = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Have `context` show our certificate to a server that asks. Raises `ConfigError` that names the file at fault."""
    holds_key = certificate if key is None else key
    if BEGIN_CERTIFICATE not in _read(certificate, "the certificate"):
        raise ConfigError(f"there is no certificate in PEM in {printable(certificate)}")
    if BEGIN_KEY not in _read(holds_key, "the certificate's key"):
        hint = "Name the file that holds it with --tls-key, or tls_key in the profile." if key is None else ""
        raise ConfigError(f"there is no private key in PEM in {printable(holds_key)}", hint=hint)
    _refuse_open(holds_key)

    def no_passphrase() -> NoReturn:
        copy = "openssl pkey -in KEY -out COPY && chmod 600 COPY"
        raise ConfigError(
            f"the key in {printable(holds_key)} is encrypted, and nothing here can give its passphrase",
            hint=f"Use a copy without one that only you can read: {copy}",
        )

    try:
        context.load_cert_chain(certificate, key, password=no_passphrase)  # without it OpenSSL asks the terminal
    except ssl.SSLError as error:
        shown = printable(certificate)
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                f"the key in {printable(holds_key)} does not belong to the certificate in {shown}",
                hint="The first certificate of the file must be ours; those of its issuers follow it.",
            ) from None
        why = printable((error.reason or "no reason given").replace("_", " ").lower())
        whose = shown if holds_key == certificate else f"{shown} and {printable(holds_key)}"
        raise ConfigError(f"OpenSSL can't use the certificate and key in {whose}: {why}") from None


def _read(path: str, what: str) -> bytes:
    refuse_no_file(path, what)
    try:
        with open(path, "rb") as file:
            return file.read(MAX_PEM)
    except OSError as error:
        raise ConfigError(f"can't read {what} {printable(path)}: {error.strerror}") from None


def refuse_no_file(path: str, what: str) -> None:
    """Raise `ConfigError` for a folder, a device or a FIFO, which may never open; what isn't there passes."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise ConfigError(f"can't use {what} {printable(path)}: it is no file")


def _refuse_open(path: str) -> None:
    """Whoever has the key signs in as we do. A group may read it: that is how services share one (ssl-cert)."""
    if os.name == "posix" and stat.S_IMODE(os.stat(path).st_mode) & READABLE_BY_OTHERS:
        shown = printable(path)
        raise ConfigError(f"every user of this machine may use the private key in {shown}", hint=f"chmod o= {shown}")
