"""Postfix lets tickets of a Kerberos realm sign in: the installed command has one, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.test_aiosmtpd import run_command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.kerberos import Realm
    from tests.support.postfix import Postfix

pytestmark = pytest.mark.real_server


def send(
    postfix: Postfix, home: Path, variables: Mapping[str, str], recipient: str, *options: str
) -> subprocess.CompletedProcess[bytes]:
    """Send a message by a profile with `options`, whose way to sign in is GSSAPI."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", **variables}
    settings = ("--from", "alice@example.org", "--server", f"localhost:{postfix.submission_port}", "--auth", "gssapi")
    added = run_command(
        "profile", "add", "work", *settings, "--ca-file", postfix.ca_file, *options, environment=environment
    )
    assert added.returncode == 0, added.stderr
    return run_command("send", "-m", "by ticket\n", recipient, environment=environment)


@pytest.mark.parametrize("has_user", [True, False])
def test_a_ticket_signs_in(realm: Realm, realm_postfix: Postfix, tmp_path: Path, *, has_user: bool) -> None:
    recipient = realm_postfix.fresh_recipient()
    user = ("--user", realm.user) if has_user else ()
    done = send(realm_postfix, tmp_path, realm.with_ticket, recipient, *user)

    assert done.returncode == 0, done.stderr.decode() + realm_postfix.log()
    [message] = realm_postfix.delivered(recipient)
    assert b"with ESMTPSA" in message
    assert f"sasl_method=GSSAPI, sasl_username={realm.user}" in realm_postfix.log()


def test_a_ticket_does_not_sign_in_as_somebody_else(realm: Realm, realm_postfix: Postfix, tmp_path: Path) -> None:
    done = send(realm_postfix, tmp_path, realm.with_ticket, "bob@example.org", "--user", "eve")

    assert done.returncode == 77
    assert b"did not accept the sign-in by GSSAPI" in done.stderr
    assert b"or not for the profile's user" in done.stderr


def test_without_a_ticket(realm: Realm, realm_postfix: Postfix, tmp_path: Path) -> None:
    done = send(realm_postfix, tmp_path, realm.without_ticket, "bob@example.org")

    assert done.returncode == 78
    assert b"there is no Kerberos ticket to sign in with at localhost" in done.stderr
    assert b"Get one with: kinit" in done.stderr
