"""Which token it is: that of memory, of the keyring, or a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.credential_settings import CredentialSettings
from sendmail_cli.config.credentials import resolve_credential
from sendmail_cli.config.oauth.lock import locked
from sendmail_cli.config.oauth.store import SignedIn
from sendmail_cli.config.oauth.table import OAuthTable
from sendmail_cli.config.oauth.token_requests import Granted
from sendmail_cli.config.oauth.tokens import Tokens
from sendmail_cli.config.settings import Settings
from sendmail_cli.errors import (
    ConfigError,
    CredentialMissing,
    InternalError,
    KeyringLocked,
    SignInNeeded,
    TemporaryError,
)
from sendmail_cli.secret import Secret, Token
from sendmail_cli.server import Server
from tests.unit.config.oauth.test_service_account import FILE, written

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.unit.config.oauth.conftest import Provider, World

    Kept = dict[tuple[str, str], str]

GOOGLE = OAuthTable("google", client_id="id")
MACHINE = OAuthTable("microsoft", client_id="id", tenant="t", grant="client-credentials")
SIGNED_IN = SignedIn(Secret("refresh-1"), Secret("client's"))


def settings_of(table: OAuthTable | None) -> Settings:
    access = CredentialSettings("work", "SENDMAIL_CLI_PASSWORD__WORK", oauth=table)
    return Settings("work", None, Server("smtp.example.org", 465, user="ada"), (), {}, access)


def tokens_of(world: World, table: OAuthTable = GOOGLE) -> Tokens:
    return Tokens(settings_of(table), world, may_ask=False)


@pytest.fixture
def signed_in(world: World, keyring: Kept) -> Tokens:
    """Somebody has signed in, and has a token for an hour."""
    found = tokens_of(world)
    found.store.keep_sign_in(SIGNED_IN)
    found.store.keep_access(Granted(Secret("stored"), world.moment + 3600))
    return found


def test_a_stored_token_is_used_as_long_as_it_is_good(world: World, signed_in: Tokens, provider: Provider) -> None:
    assert signed_in.current() == Secret("stored")
    world.moment += 3600 - 61
    assert signed_in.current() == Secret("stored")
    world.moment += 2  # less than a minute is left
    provider.gives("new")
    assert signed_in.current() == Secret("new")
    assert tokens_of(world).current() == Secret("new")
    assert provider.asked[0].form == {
        "grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "id", "client_secret": "client's",
    }  # fmt: skip


def test_a_new_refresh_token_replaces_the_old_one(world: World, signed_in: Tokens, provider: Provider) -> None:
    for count in (1, 2, 2):
        world.moment += 4000
        provider.gives(**({"refresh_token": f"refresh-{count + 1}"} if count == 1 else {}))
        signed_in.current()
        assert provider.asked[-1].form["refresh_token"] == f"refresh-{count}"
    assert signed_in.store.sign_in() == SignedIn(Secret("refresh-2"), Secret("client's"))


def test_a_new_refresh_token_is_kept_before_anything_else(
    world: World, signed_in: Tokens, provider: Provider, mocker: MockerFixture
) -> None:
    mocker.patch.object(signed_in.store, "keep_access", side_effect=KeyringLocked("no"))
    world.moment += 4000
    provider.gives(refresh_token="refresh-2")
    with pytest.raises(KeyringLocked):
        signed_in.current()
    kept = signed_in.store.sign_in()
    assert kept is not None
    assert kept.refresh_token == Secret("refresh-2")


def test_a_rejected_token_is_replaced(signed_in: Tokens, provider: Provider) -> None:
    token = signed_in.current()
    provider.gives("new")
    assert token.renewed() == Secret("new")
    assert token.renewed() == Secret("new")  # it has that already
    assert token.current() == Secret("new")
    assert isinstance(token, Token)


def test_what_another_process_got_meanwhile_is_taken(world: World, signed_in: Tokens, provider: Provider) -> None:
    token = signed_in.current()
    tokens_of(world).store.keep_access(Granted(Secret("theirs"), world.moment + 3600))
    assert token.renewed() == Secret("theirs")
    assert provider.asked == []


def test_it_is_asked_for_under_the_lock(world: World, signed_in: Tokens) -> None:
    world.moment += 4000
    with (
        locked("work", world),
        pytest.raises(TemporaryError, match="another process"),
    ):
        signed_in.current()


@pytest.mark.parametrize("kept", [None, SignedIn(None, Secret("client's"))])
def test_nobody_has_signed_in(world: World, keyring: Kept, kept: SignedIn | None) -> None:
    if kept is not None:
        tokens_of(world).store.keep_sign_in(kept)
    with pytest.raises(CredentialMissing, match="nobody has signed in at Google for profile work") as caught:
        tokens_of(world).current()
    assert caught.value.hint == "Sign in: sendmail-cli login work"


def test_a_sign_in_that_has_ended(world: World, signed_in: Tokens, provider: Provider) -> None:
    world.moment += 4000
    provider.refuses("invalid_grant")
    with pytest.raises(SignInNeeded):
        signed_in.current()
    assert signed_in.store.sign_in() == SIGNED_IN  # a provider's slip takes nothing away


def test_a_machine_gives_its_secret(world: World, keyring: Kept, provider: Provider) -> None:
    machine = tokens_of(world, MACHINE)
    with pytest.raises(CredentialMissing, match="there is no client secret for profile work") as caught:
        machine.current()
    assert "SENDMAIL_CLI_CLIENT_SECRET__WORK" in caught.value.hint
    world.variables["SENDMAIL_CLI_CLIENT_SECRET__WORK"] = "s3cret"
    provider.gives("one")
    machine = tokens_of(world, MACHINE)
    assert machine.current() == Secret("one")
    assert world.variables.get("SENDMAIL_CLI_CLIENT_SECRET__WORK") is None
    assert provider.asked[0].form == {
        "grant_type": "client_credentials", "client_id": "id", "client_secret": "s3cret",
        "scope": "https://outlook.office365.com/.default",
    }  # fmt: skip
    assert tokens_of(world, MACHINE).current() == Secret("one")  # kept for the next process
    world.moment += 4000
    provider.gives("two")
    assert machine.current() == Secret("two")  # it has the secret still


def test_a_machine_does_without_a_keyring(world: World, provider: Provider, mocker: MockerFixture) -> None:
    for name in ("get_password", "set_password"):
        mocker.patch(f"sendmail_cli.config.oauth.store.{name}", side_effect=CredentialMissing("there is no keyring"))
    world.variables["SENDMAIL_CLI_CLIENT_SECRET__WORK"] = "s3cret"
    provider.gives("one")
    assert tokens_of(world, MACHINE).current() == Secret("one")
    with pytest.raises(CredentialMissing, match="there is no keyring"):
        tokens_of(world).current()


def test_a_service_account_needs_nothing_but_its_key(
    world: World, keyring: Kept, provider: Provider, tmp_path: Path
) -> None:
    key_file = written(tmp_path, {**FILE, "token_uri": "https://x/t"})
    provider.gives("one")
    account = tokens_of(world, OAuthTable("google", grant="service-account", key_file=key_file))
    assert account.current() == Secret("one")
    assert provider.asked[0].url == "https://x/t"
    assert set(provider.asked[0].form) == {"grant_type", "assertion"}
    Path(key_file).chmod(0o644)
    world.moment += 4000
    with pytest.raises(ConfigError, match="others than its owner"):
        account.current()


def test_is_a_source_of_credentials(world: World, signed_in: Tokens) -> None:
    assert resolve_credential(settings_of(GOOGLE), world) == (Secret("stored"), "the sign-in at Google")
    with pytest.raises(InternalError):
        Tokens(settings_of(None), world, may_ask=False)


def test_no_token_shows(signed_in: Tokens) -> None:
    granted = signed_in.granted()
    for shown in (repr(granted), str(granted), repr(signed_in.current()), repr(SIGNED_IN), f"{granted}"):
        assert "stored" not in shown
    with pytest.raises(TypeError):
        json.dumps(granted)
