"""What stands in a certificate, for people."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sendmail_cli.net.certificate import CertificateFacts, certificate_facts, fingerprint, first_certificate

FROM = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    subject: list[x509.NameAttribute[str]], *extensions: x509.ExtensionType, issuer: str = "Authority"
) -> bytes:
    """One signed by anybody."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_all_that_it_says() -> None:
    subject = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
        x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.com"),
    ]
    names = x509.SubjectAlternativeName(
        [x509.DNSName("mx.example.com"), x509.DNSName("*.example.com"), x509.RFC822Name("a@example.com")]
    )
    assert certificate_facts(certificate(subject, names)) == CertificateFacts(
        "CN=mx.example.com,O=Example,C=DE", "CN=Authority", ("mx.example.com", "*.example.com"), FROM, UNTIL
    )


def test_addresses_are_names_too() -> None:
    now = datetime.now(UTC)
    leaf = trustme.CA().issue_cert("127.0.0.1", "::1", not_after=now + timedelta(days=1))
    der = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)
    assert certificate_facts(der).names == ("127.0.0.1", "::1")


def test_without_a_subject_it_is_called_by_its_first_name() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.DNSName("b.example")])
    assert certificate_facts(certificate([], names)).subject == "a.example"
    assert certificate_facts(certificate([])).subject == "no subject"


def test_what_it_says_is_printable_and_short() -> None:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "mx\x1b[2J")]
    facts = certificate_facts(certificate(subject, issuer="\u202eevil" + "x" * 50))
    assert "\x1b" not in facts.subject
    assert "\u202e" not in facts.issuer
    thousand = x509.SubjectAlternativeName([x509.DNSName(f"h{number}.example") for number in range(1000)])
    assert len(certificate_facts(certificate(subject, thousand)).names) == 100


@pytest.mark.parametrize("der", [b"", b"nothing of the kind", b"\x30\x80", certificate([])[:-1]])
def test_what_is_no_certificate_is_unreadable(der: bytes) -> None:
    assert certificate_facts(der) == CertificateFacts("unreadable")


def test_an_extension_that_can_not_be_read_leaves_the_rest() -> None:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x01\x02")
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "mx")]
    facts = certificate_facts(certificate(subject, broken))
    assert (facts.subject, facts.names, facts.not_after) == ("CN=mx", (), UNTIL)


def test_a_fingerprint_is_of_the_whole_certificate() -> None:
    der = certificate([])
    assert fingerprint(der) == "sha256:" + hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize(
    ("message", "first"),
    [
        (b"\x0b\0\0\x0b" + b"\0\0\x08" + b"\0\0\x02AB" + b"\0\0\0", b"AB"),  # TLS 1.2: two certificates
        (b"\x0b\0\0\x0b" + b"\0" + b"\0\0\x07" + b"\0\0\x02AB" + b"\0\0", b"AB"),  # TLS 1.3: extensions behind it
        (b"\x0b\0\0\x03" + b"\0\0\0", b""),  # none
        (b"\x0b\0\0\x04" + b"\0\0\0\0", b""),
        (b"\x0b\0\0\x06" + b"\0\0\x03" + b"\xff\xff\xff", b""),  # shorter than it says
        (b"\x0b", b""),
        (b"", b""),
    ],
)
def test_the_first_certificate_of_a_handshake_message(message: bytes, first: bytes) -> None:
    assert first_certificate(message) == first
