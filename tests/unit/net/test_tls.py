"""TLS: what a context demands, and a fault in words. The handshakes are in tests/integration."""

import errno
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sendmail_cli.errors import CertificateRejected, ConnectionLost, MailError, TLSHandshakeFailed
from sendmail_cli.net.tls import TLSTransport, _failed
from sendmail_cli.net.tls_context import TLSContext, client_context
from tests.support.certificates import Kind, server_context, write_ca_file


class Blocked:
    """A TLS socket that wants this or that first."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fail(self, *_: object) -> Any:
        raise self.error

    do_handshake = recv = send = fail


@pytest.mark.parametrize(("error", "for_write"), [(ssl.SSLWantReadError(), False), (ssl.SSLWantWriteError(), True)])
def test_not_now_is_none_and_says_for_what(error: Exception, for_write: bool) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        transport = TLSTransport(ours, client_context(time.time, is_verified=False), "localhost")
        real, transport.socket = transport.socket, Blocked(error)  # type: ignore[assignment] # the part of it that is used
        for attempt in (transport.handshake, transport.receive, lambda: transport.send(memoryview(b"x"))):
            transport.wait_for_write = not for_write
            assert not attempt()
            assert transport.wait_for_write == for_write
        real.close()


def test_tls_that_can_not_even_start() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TLSHandshakeFailed, match="TLS could not start"):
        TLSTransport(ours, client_context(time.time), "")


def shake_hands(context: TLSContext, *, server: ssl.SSLContext | None = None) -> TLSTransport:
    """The client's side of a connection whose handshake is done; the other is a thread's."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        with theirs, suppress(OSError), (server or server_context()).wrap_socket(theirs, server_side=True) as wrapped:
            wrapped.recv(1)

    threading.Thread(target=answer, daemon=True).start()
    transport = TLSTransport(ours, context, "localhost")
    try:
        transport.handshake()
    except BaseException:
        transport.close()
        raise
    return transport


def test_what_was_agreed_on_and_the_certificate(tmp_path: Path) -> None:
    transport = shake_hands(client_context(time.time, ca_file=write_ca_file(tmp_path)))
    transport.close()
    facts = transport.facts()  # told after the end, too
    assert facts.version == "TLSv1.3"
    assert facts.cipher.startswith("TLS_")
    assert facts.subject.startswith("CN=localhost")
    assert "O=trustme" in facts.issuer
    assert facts.names == ("localhost", "127.0.0.1")
    assert facts.not_before is not None
    assert facts.not_after is not None
    assert facts.not_before < datetime.now(UTC) < facts.not_after
    assert facts.is_verified
    assert facts.chain[0] == facts.subject
    assert re.fullmatch("sha256:[0-9a-f]{64}", facts.fingerprint)


def test_the_chain_where_python_tells_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def get_verified_chain(self: ssl.SSLSocket) -> list[bytes]:
        authority = ssl.PEM_cert_to_DER_cert(Path(write_ca_file(tmp_path)).read_text())
        return [self.getpeercert(binary_form=True) or b"", authority]

    monkeypatch.setattr(ssl.SSLSocket, "get_verified_chain", get_verified_chain, raising=False)
    transport = shake_hands(client_context(time.time, ca_file=write_ca_file(tmp_path)))
    transport.close()
    facts = transport.facts()
    assert facts.chain == (facts.subject, facts.issuer)


def fingerprint_of(kind: Kind) -> str:
    transport = shake_hands(client_context(time.time, is_verified=False), server=server_context(kind))
    transport.close()
    return transport.facts().fingerprint


@pytest.mark.parametrize("kind", Kind)
def test_duty30_the_pinned_certificate_vouches_for_itself(kind: Kind) -> None:
    transport = shake_hands(client_context(time.time, pin=fingerprint_of(kind)), server=server_context(kind))
    transport.close()
    assert transport.facts().is_verified


@pytest.mark.parametrize("kind", [Kind.RIGHT, Kind.SELF_SIGNED])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_duty30_no_other_than_the_pinned_certificate_is_taken(
    kind: Kind, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    pin = "sha256:" + 64 * "0"
    context = client_context(time.time, ca_file=write_ca_file(tmp_path), pin=pin)
    context.openssl.maximum_version = version
    with pytest.raises(CertificateRejected) as caught:
        shake_hands(context, server=server_context(kind))
    assert fingerprint_of(kind) in caught.value.sentence
    assert pin in caught.value.sentence
    assert f"--tls-pin {fingerprint_of(kind)}" in caught.value.hint


def test_a_refused_certificate_where_python_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl.SSLContext, "_msg_callback", property())  # as if there were none
    with pytest.raises(CertificateRejected) as caught:
        shake_hands(client_context(time.time), server=server_context(Kind.UNKNOWN_ISSUER))
    assert caught.value.sentence == (
        "the certificate of localhost was issued by an authority that this machine does not know"
    )
    assert "pin" not in caught.value.hint


def ssl_error(kind: type[ssl.SSLError], reason: str | None) -> ssl.SSLError:
    error = kind(1, "[SSL] text \x1b[2J")
    error.reason = reason  # type: ignore[assignment] # None where OpenSSL gives none
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ssl_error(ssl.SSLError, "WRONG_VERSION_NUMBER"), TLSHandshakeFailed, "something that is not TLS"),
        (ssl_error(ssl.SSLError, "HTTP_REQUEST"), TLSHandshakeFailed, "something that is not TLS"),
        (ssl_error(ssl.SSLError, "UNSUPPORTED_PROTOCOL"), TLSHandshakeFailed, "older than 1.2"),
        (ssl_error(ssl.SSLError, "TLSV1_ALERT_PROTOCOL_VERSION"), TLSHandshakeFailed, "older than 1.2"),
        (ssl_error(ssl.SSLError, "SSLV3_ALERT_HANDSHAKE_FAILURE"), TLSHandshakeFailed, "sslv3 alert handshake failure"),
        (ssl_error(ssl.SSLError, None), TLSHandshakeFailed, r"\\x1b\[2J"),
        (ssl_error(ssl.SSLEOFError, "UNEXPECTED_EOF"), ConnectionLost, "the server closed it"),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), ConnectionLost, "connection reset by peer"),
        (OSError("odd"), ConnectionLost, "odd"),
    ],
)
def test_duty25_why_a_handshake_failed(error: OSError, kind: type[MailError], words: str) -> None:
    with pytest.raises(kind, match=words):
        raise _failed(error, "1.2")


def test_who_broke_a_handshake_off_is_said() -> None:
    with pytest.raises(TLSHandshakeFailed, match="internal error") as caught:
        raise _failed(ssl_error(ssl.SSLError, "TLSV1_ALERT_INTERNAL_ERROR"), "1.2")
    assert "the server that broke it off" in caught.value.hint


@pytest.mark.parametrize("reason", ["UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"])
def test_a_server_without_the_tls_version_that_is_asked_for(reason: str) -> None:
    failed = _failed(ssl_error(ssl.SSLError, reason), "1.3")
    assert isinstance(failed, TLSHandshakeFailed)
    assert "does not speak TLS 1.3" in str(failed)
    assert "TLS 1.2" in failed.hint
