"""Certificates for servers on loopback, right and wrong in every way that a client must notice.

All are issued once in a process by one authority of the tests' own (`write_ca_file` gives it to the client).
"""

import ssl
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "127.0.0.1")  # what the right certificate is for


class Kind(Enum):
    """What a server's certificate is like."""

    RIGHT = "right"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "for another name"
    COMMON_NAME_ONLY = "its name only where RFC 9525 says not to look"
    SELF_SIGNED = "signed by itself"
    UNKNOWN_ISSUER = "signed by an authority that the client doesn't know"


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def write_ca_file(folder: Path) -> str:
    """The certificate of the tests' authority as a PEM file in `folder`; gives its path."""
    path = folder / "ca.pem"
    _authority().cert_pem.write_to_path(path)
    return str(path)


def write_client_certificate(
    folder: Path, name: str = "ada@example.org", authority: trustme.CA | None = None
) -> tuple[Path, Path]:
    """A certificate of the tests' authority for a client, and its key, as files in `folder` for us alone."""
    issued = (authority or _authority()).issue_cert(name, common_name=name)
    certificate, key = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    key.chmod(0o600)
    return certificate, key


def demanding_context(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """The right certificate for the server, which demands one of the tests' authority from the client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _issue(Kind.RIGHT).configure_cert(context)
    context.load_verify_locations(write_ca_file(folder))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    return context


def write_server_file(folder: Path) -> str:
    """The key and the right certificate of a server as one PEM file in `folder`; gives its path."""
    path = folder / "server.pem"
    _issue(Kind.RIGHT).private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@cache
def server_context(kind: Kind = Kind.RIGHT) -> ssl.SSLContext:
    """What a server needs to speak TLS with a certificate of this kind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind is Kind.SELF_SIGNED:
        _load_self_signed(context)
    else:
        _issue(kind).configure_cert(context)
    return context


def _issue(kind: Kind) -> trustme.LeafCert:
    now = datetime.now(UTC)
    if kind is Kind.EXPIRED:
        before, after = now - timedelta(days=30), now - timedelta(days=1)
        return _authority().issue_cert(*NAMES, not_before=before, not_after=after)
    if kind is Kind.NOT_YET_VALID:
        before, after = now + timedelta(days=1), now + timedelta(days=30)
        return _authority().issue_cert(*NAMES, not_before=before, not_after=after)
    if kind is Kind.WRONG_NAME:
        return _authority().issue_cert("mail.example.org")
    if kind is Kind.COMMON_NAME_ONLY:
        return _authority().issue_cert(common_name="localhost")
    if kind is Kind.UNKNOWN_ISSUER:
        return trustme.CA().issue_cert(*NAMES)
    return _authority().issue_cert(*NAMES, common_name="localhost")


def _load_self_signed(context: ssl.SSLContext) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
    )
    with TemporaryDirectory() as folder:  # the ssl module takes key and certificate from files alone
        path = Path(folder) / "server.pem"
        pem_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(pem_key + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)
