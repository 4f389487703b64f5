"""Dovecot lets certificates sign in: the installed command has one, another authority's, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_aiosmtpd import run_command

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.dovecot import Dovecot

pytestmark = pytest.mark.real_server


def send(dovecot: Dovecot, home: Path, mode: str, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Send a message by a profile with `options`, whose way to sign in is EXTERNAL."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    port = dovecot.port if mode == "starttls" else dovecot.submissions_port
    settings = ("--from", "alice@example.org", "--server", f"{dovecot.host}:{port}", "--tls", mode)
    added = run_command("profile", "add", "work", *settings, "--auth", "external", *options, environment=environment)
    assert added.returncode == 0, added.stderr
    return run_command("send", "-v", "-m", f"by {home.name}\n", "bob@example.net", environment=environment)


@pytest.mark.parametrize("mode", ["implicit", "starttls"])
@pytest.mark.parametrize("has_user", [True, False])
def test_a_certificate_signs_in(dovecot: Dovecot, tmp_path: Path, mode: str, *, has_user: bool) -> None:
    user = ("--user", dovecot.user) if has_user else ()
    done = send(dovecot, tmp_path, mode, "--tls-cert", dovecot.certificate, "--ca-file", dovecot.ca_file, *user)

    assert done.returncode == 0, done.stderr.decode() + dovecot.log()
    assert f"by {tmp_path.name}".encode() in dovecot.relay.received
    assert b"AUTH EXTERNAL ***" in done.stderr


@pytest.mark.parametrize("mode", ["implicit", "starttls"])
def test_a_pin_vouches_for_the_server(dovecot: Dovecot, tmp_path: Path, mode: str) -> None:
    refused = send(dovecot, tmp_path, mode, "--tls-cert", dovecot.certificate)
    pin = re.search(b"--tls-pin (sha256:[0-9a-f]{64}) takes", refused.stderr)
    assert refused.returncode == 69
    assert pin is not None, refused.stderr

    (tmp_path / "pinned").mkdir()
    done = send(dovecot, tmp_path / "pinned", mode, "--tls-cert", dovecot.certificate, "--tls-pin", pin[1].decode())
    assert done.returncode == 0, done.stderr


def test_a_certificate_does_not_sign_in_as_somebody_else(dovecot: Dovecot, tmp_path: Path) -> None:
    options = ("--tls-cert", dovecot.certificate, "--ca-file", dovecot.ca_file, "--user", "eve@example.org")
    done = send(dovecot, tmp_path, "starttls", *options)

    assert done.returncode == 77
    assert b"did not accept the sign-in by EXTERNAL" in done.stderr
    assert b"or not for the profile's user" in done.stderr


def test_a_certificate_of_another_authority_does_not_sign_in(dovecot: Dovecot, tmp_path: Path) -> None:
    options = ("--tls-cert", dovecot.foreign_certificate, "--ca-file", dovecot.ca_file)
    done = send(dovecot, tmp_path, "implicit", *options)

    assert done.returncode == 77
    assert b"takes our certificate (tls_cert) for nobody it knows" in done.stderr
