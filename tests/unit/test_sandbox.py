"""What of the sandbox needs no socket. tests/integration/test_sandbox.py meets it as a client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from sendmail_cli.environment import Environment
from sendmail_cli.message.source import MemorySource
from sendmail_cli.sandbox import (
    _deliver,
    _file_name,
    _make_certificate,
    _trace_fields,
)
from sendmail_cli.serving import ReceivedMail
from sendmail_cli.smtp.asked import Hello, RecipientNamed, SenderNamed

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
        _deliver(str(tmp_path), "name", b"ours", MemorySource(b"", "the message"))

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
    mail = ReceivedMail(
        Hello("client.example", extended),
        SenderNamed("", {"SMTPUTF8": ""} if utf8 else {}),
        (RecipientNamed("bob@example.org", {}),),
        MemorySource(b"", "the message"),
        tls,
    )

    assert _trace_fields(mail, NOW).decode() == (
        "Return-Path: <>\r\n"
        "Delivered-To: bob@example.org\r\n"
        "Received: from client.example ([127.0.0.1])\r\n"
        f"\tby localhost with {protocol};\r\n"
        "\tTue, 01 Jan 2030 00:00:00 +0000\r\n"
    )


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
