"""What of the sandbox needs no socket. tests/integration/test_sandbox.py meets it as a client does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from sendmail_cli.environment import Environment
from sendmail_cli.sandbox import (
    _deliver,
    _file_name,
    _make_certificate,
    _trace_fields,
    _with_enhanced_code,
)

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1893456000.25  # 2030-01-01 00:00:00.25 UTC


class FixedEnvironment(Environment):
    def hostname(self) -> str:
        return "od/d:name"

    def random_bytes(self, count: int) -> bytes:
        return b"\xab" * count


def test_a_file_name_tells_when_and_where_and_is_safe_as_a_file_name() -> None:
    assert _file_name(NOW, FixedEnvironment()) == r"1893456000.M250000Rabababababababab.od\057d\072name"


def test_two_deliveries_in_one_moment_have_two_names() -> None:
    environment = Environment()

    assert _file_name(NOW, environment) != _file_name(NOW, environment)


def test_a_message_never_replaces_another(tmp_path: Path) -> None:
    for part in ("tmp", "new"):
        (tmp_path / part).mkdir()
    (tmp_path / "tmp" / "name").write_text("somebody else's")

    with pytest.raises(FileExistsError):
        _deliver(str(tmp_path), "name", b"ours")

    assert (tmp_path / "tmp" / "name").read_text() == "somebody else's"


@pytest.mark.parametrize(
    ("extended", "tls", "utf8", "protocol"),
    [
        (False, False, False, "SMTP"),
        (True, False, False, "ESMTP"),
        (True, True, False, "ESMTPS"),
        (True, False, True, "UTF8SMTP"),
        (True, True, True, "UTF8SMTPS"),
    ],
)
def test_the_received_field_names_the_protocol(extended: bool, tls: bool, utf8: bool, protocol: str) -> None:
    session = SimpleNamespace(
        extended_smtp=extended, ssl={} if tls else None, host_name="client.example", peer=("127.0.0.1", 9)
    )
    envelope = SimpleNamespace(mail_from="<>", rcpt_tos=["bob@example.org"], smtp_utf8=utf8)

    assert _trace_fields(session, envelope, NOW).decode() == (
        "Return-Path: <>\r\n"
        "Delivered-To: bob@example.org\r\n"
        "Received: from client.example ([127.0.0.1])\r\n"
        f"\tby localhost with {protocol};\r\n"
        "\tTue, 01 Jan 2030 00:00:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("220 localhost ESMTP sendmail-cli sandbox", "220 localhost ESMTP sendmail-cli sandbox"),
        ("250-SIZE 1000", "250-SIZE 1000"),
        ("250 HELP", "250 HELP"),
        ("354 End data with <CR><LF>.<CR><LF>", "354 End data with <CR><LF>.<CR><LF>"),
        ("250 2.6.0 Kept as x", "250 2.6.0 Kept as x"),
        ("250 OK", "250 2.0.0 OK"),
        ("454 TLS not available", "454 4.7.0 TLS not available"),
        ("554 Command refused due to lack of security", "554 5.7.0 Command refused due to lack of security"),
    ],
)
def test_every_reply_has_one_enhanced_code_where_the_rfc_wants_it(reply: str, expected: str) -> None:
    assert _with_enhanced_code(reply) == expected


def test_the_certificate_is_this_machines_and_valid_for_a_few_days() -> None:
    certificate = x509.load_pem_x509_certificate(_make_certificate(NOW)[0])

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.key_cert_sign
    assert not usage.value.crl_sign
    assert certificate.not_valid_before_utc.isoformat() == "2029-12-31T00:00:00+00:00"
    assert certificate.not_valid_after_utc.isoformat() == "2030-01-08T00:00:00+00:00"
