"""What a context demands, and the files it is made of."""

import os
import ssl
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sendmail_cli.errors import ConfigError
from sendmail_cli.net.tls_context import client_context
from tests.support.certificates import write_ca_file, write_client_certificate


def test_duty30_a_context_verifies(tmp_path: Path) -> None:
    for context in (client_context(time.time), client_context(time.time, ca_file=write_ca_file(tmp_path))):
        assert context.is_verified
        assert context.openssl.verify_mode is ssl.CERT_REQUIRED
        assert context.openssl.check_hostname
        assert not context.openssl.hostname_checks_common_name
        assert context.openssl.minimum_version is ssl.TLSVersion.TLSv1_2
    with_file = client_context(time.time, ca_file=write_ca_file(tmp_path))
    assert len(with_file.openssl.get_ca_certs()) == 1  # and none of the system's


def test_duty30_only_when_told_so_it_does_not() -> None:
    context = client_context(time.time, is_verified=False)
    assert not context.is_verified
    assert context.openssl.verify_mode is ssl.CERT_NONE
    assert not context.openssl.check_hostname
    assert context.openssl.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_oldest_version_that_is_taken() -> None:
    assert client_context(time.time, minimum="1.3").openssl.minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_ca_file_that_can_not_be_used(tmp_path: Path) -> None:
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing of the kind")
    empty = tmp_path / "empty.pem"
    empty.touch()
    os.mkfifo(tmp_path / "fifo.pem")
    for path, words in (
        (tmp_path / "missing.pem", "missing.pem: No such file"),
        (no_pem, "no.pem: no PEM certificates in it"),
        (empty, "empty.pem: no PEM certificates in it"),
        (tmp_path, "it is no file"),
        (tmp_path / "fifo.pem", "it is no file"),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            client_context(time.time, ca_file=str(path))
        assert caught.value.exit_code == 78


class Ours:
    """Our own certificate and key as files, to be spoilt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self.key = write_client_certificate(folder)

    def write(self, name: str, data: bytes, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def refused(self, certificate: Path, key: Path | None) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            client_context(time.time, certificate=str(certificate), key=None if key is None else str(key))
        assert caught.value.exit_code == 78
        return caught.value


@pytest.fixture
def ours(tmp_path: Path) -> Ours:
    return Ours(tmp_path)


def test_a_certificate_and_its_key_in_two_files_or_in_one(ours: Ours) -> None:
    both = ours.write("both.pem", ours.key.read_bytes() + ours.certificate.read_bytes())
    client_context(time.time, certificate=str(ours.certificate), key=str(ours.key))
    client_context(time.time, certificate=str(both))


def test_a_certificate_file_that_can_not_be_used(ours: Ours) -> None:
    missing, fifo, empty = ours.folder / "missing.pem", ours.folder / "fifo.pem", ours.write("empty.pem", b"")
    os.mkfifo(fifo)
    for path, words in (
        (missing, f"can't read the certificate {missing}: No such file"),
        (fifo, f"can't use the certificate {fifo}: it is no file"),
        (ours.folder, "it is no file"),
        (empty, f"no certificate in PEM in {empty}"),
        (ours.key, f"no certificate in PEM in {ours.key}"),
    ):
        assert words in str(ours.refused(path, ours.key))
    begun = ours.write("begun.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    assert f"OpenSSL can't use the certificate and key in {begun} and {ours.key}" in str(ours.refused(begun, ours.key))


def test_a_key_file_that_can_not_be_used(ours: Ours) -> None:
    missing, fifo = ours.folder / "missing.pem", ours.folder / "fifo.pem"
    os.mkfifo(fifo)
    for path, words in (
        (missing, f"can't read the certificate's key {missing}: No such file"),
        (fifo, f"can't use the certificate's key {fifo}: it is no file"),
        (ours.certificate, f"no private key in PEM in {ours.certificate}"),
    ):
        assert words in str(ours.refused(ours.certificate, path))
    error = ours.refused(ours.certificate, None)
    assert f"no private key in PEM in {ours.certificate}" in str(error)
    assert "--tls-key" in error.hint


def test_a_key_of_another_certificate(ours: Ours) -> None:
    other = ours.folder / "other"
    other.mkdir()
    _, key = write_client_certificate(other, name="eve@example.org")
    assert f"{key} does not belong to the certificate in {ours.certificate}" in str(ours.refused(ours.certificate, key))


def test_an_encrypted_key_is_refused_and_nobody_is_asked(ours: Ours) -> None:
    key = load_pem_private_key(ours.key.read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    path = ours.write("encrypted.pem", encrypted)
    error = ours.refused(ours.certificate, path)
    assert f"the key in {path} is encrypted" in str(error)
    assert "openssl pkey" in error.hint


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_key_that_others_may_use(ours: Ours, mode: int) -> None:
    ours.key.chmod(mode)
    error = ours.refused(ours.certificate, ours.key)
    assert f"every user of this machine may use the private key in {ours.key}" in str(error)
    assert error.hint == f"chmod o= {ours.key}"
    ours.key.chmod(0o640)  # shared by a group, as ssl-cert does
    client_context(time.time, certificate=str(ours.certificate), key=str(ours.key))


def test_off_linux_the_system_itself_verifies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class SystemContext(ssl.SSLContext):
        """Stands for truststore's, which asks macOS or Windows."""

    monkeypatch.setitem(sys.modules, "truststore", SimpleNamespace(SSLContext=SystemContext))
    monkeypatch.setattr(sys, "platform", "darwin")
    context = client_context(time.time, minimum="1.3")
    assert isinstance(context.openssl, SystemContext)
    assert context.is_verified
    assert context.openssl.minimum_version is ssl.TLSVersion.TLSv1_3
    for other in (
        client_context(time.time, ca_file=write_ca_file(tmp_path)),  # these authorities, not the system's
        client_context(time.time, pin="sha256:00"),
        client_context(time.time, is_verified=False),
    ):
        assert not isinstance(other.openssl, SystemContext)


def test_on_linux_openssl_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "truststore", None)  # an import would fail
    assert client_context(time.time).is_verified
