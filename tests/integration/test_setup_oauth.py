"""`setup` where the provider wants a sign-in in the browser: typed, with a real provider, server and keyring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.test_setup_dialogue import leave
from tests.support.browser import COMMAND as BROWSER
from tests.support.command import Installed
from tests.support.servers.kind import Way
from tests.support.servers.oidc_provider import PUBLIC
from tests.support.servers.running import USER
from tests.system.test_terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.secret_service import SecretService
    from tests.support.servers.oidc_provider import Provider
    from tests.support.servers.running import Running

pytestmark = pytest.mark.real_server


@pytest.fixture
def command(secret_service: SecretService, tmp_path: Path) -> Installed:
    variables = {"DBUS_SESSION_BUS_ADDRESS": secret_service.address, "BROWSER": f"{BROWSER} {USER} %s"}
    return Installed(tmp_path / "home", variables)


def words(provider: Provider, server: Running) -> list[str]:
    place = f"smtps://localhost:{server.ports[Way.IMPLICIT]}"
    return [
        "setup", USER, "--server", place, "--ca-file", str(server.ca_file), "--oauth", provider.issuer,
        "--from", "", "--name", "work",
    ]  # fmt: skip


def test_in_the_browser(provider: Provider, server: Running, command: Installed) -> None:
    with Terminal.running(command, *words(provider, server)) as terminal:
        terminal.wait_for("Client id")
        terminal.type(f"{PUBLIC}\n".encode())
        terminal.wait_for("Client secret")
        terminal.type(b"\n")
        terminal.wait_for("Send a mail to")
        terminal.type(b"y\n")
        assert terminal.finish() == 0

    profile = (command.home / ".config/sendmail-cli/profiles.toml").read_text()
    assert f'[profile.work.oauth]\nissuer = "{provider.issuer}"\nclient_id = "{PUBLIC}"' in profile
    shown = " ".join(terminal.shown.split())
    assert "alice@example.test, in the browser (OAuth)" in shown
    assert "took the token of alice@example.test" in shown
    assert server.delivered()
    assert command("send", "bob@example.org", "-m", "hi").code == 0  # with the tokens that were kept


def test_left_at_the_client_id_it_writes_nothing(provider: Provider, server: Running, command: Installed) -> None:
    with Terminal.running(command, *words(provider, server)) as terminal:
        leave(terminal, "Client id", "\x03")
        assert terminal.finish() == 130

    assert "interrupted; nothing was written" in terminal.shown
    assert not (command.home / ".config/sendmail-cli/profiles.toml").exists()


def test_nobody_signs_in_for_a_script(provider: Provider, server: Running, command: Installed) -> None:
    done = command(*words(provider, server), "--no-input", "--client-id", PUBLIC)

    assert done.code == 64
    assert "--offline writes the profile" in done.err
    assert not (command.home / ".config/sendmail-cli/profiles.toml").exists()
