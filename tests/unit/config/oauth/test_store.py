"""Tokens in the keyring: whole or in pieces, for one client alone, and never half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth.store import MAX_PIECE, SignedIn, TokenStore
from sendmail_cli.config.oauth.token_requests import Granted
from sendmail_cli.config.os_keyring import KeyringEntry
from sendmail_cli.errors import CredentialMissing, KeyringLocked
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.unit.config.oauth.conftest import World

    Kept = dict[tuple[str, str], str]

ENTRY = KeyringEntry("work", "ada")
SERVICE = "sendmail-cli/work/oauth"
SHORT = SignedIn(Secret("short"), Secret("client's"))
LONG = SignedIn(Secret("x" * 2500), None)


def store_of(world: World, identity: str = "me") -> TokenStore:
    return TokenStore(ENTRY, identity, world, may_ask=False)


@pytest.mark.parametrize("signed_in", [SHORT, LONG, SignedIn(None, Secret("s"))])
def test_gives_what_it_was_given(world: World, keyring: Kept, signed_in: SignedIn) -> None:
    store_of(world).keep_sign_in(signed_in)
    assert store_of(world).sign_in() == signed_in
    assert all(len(text) <= MAX_PIECE for text in keyring.values())
    assert {service for service, _ in keyring} == {SERVICE}


def test_gives_the_access_token_with_its_end(world: World, keyring: Kept) -> None:
    store_of(world).keep_access(Granted(Secret("t"), 123.5, Secret("not kept here")))
    assert store_of(world).access() == Granted(Secret("t"), 123.5)
    assert "not kept here" not in str(keyring)


def test_has_nothing_for_another_client(world: World, keyring: Kept) -> None:
    store_of(world).keep_sign_in(SHORT)
    store_of(world).keep_access(Granted(Secret("t"), 1.0))
    assert store_of(world, "other").sign_in() is None
    assert store_of(world, "other").access() is None


def test_leaves_no_piece_behind(world: World, keyring: Kept) -> None:
    store = store_of(world)
    for signed_in in (LONG, LONG, SHORT):
        store.keep_sign_in(signed_in)
        assert store.sign_in() == signed_in
    assert list(keyring) == [(SERVICE, "ada: sign-in")]
    store.keep_sign_in(LONG)
    store.keep_access(Granted(Secret("y" * 3000), 1.0))
    assert store_of(world, "other").forget()
    assert keyring == {}
    assert not store.forget()


def test_where_there_is_no_keyring_it_says_who_does_without(world: World, mocker: MockerFixture) -> None:
    missing = CredentialMissing("there is no keyring", hint="set password_command")
    mocker.patch("sendmail_cli.config.oauth.store.get_password", side_effect=missing)
    with pytest.raises(CredentialMissing, match="there is no keyring") as caught:
        store_of(world).sign_in()
    assert "service account" in caught.value.hint


@pytest.mark.parametrize("last", range(5))
def test_who_is_killed_while_writing_leaves_the_old_record(
    world: World, keyring: Kept, mocker: MockerFixture, last: int
) -> None:
    store_of(world).keep_sign_in(LONG)
    count = 0

    def die(entry: KeyringEntry, secret: Secret, *_: object, **__: object) -> None:
        nonlocal count
        if count == last:
            raise KeyringLocked("killed")
        count += 1
        keyring[entry.service, entry.user] = secret.reveal()

    mocker.patch("sendmail_cli.config.oauth.store.set_password", die)
    new = SignedIn(Secret("z" * 2500), None)
    try:
        store_of(world).keep_sign_in(new)
    except KeyringLocked:
        assert store_of(world).sign_in() == LONG
    else:
        assert store_of(world).sign_in() == new


@pytest.mark.parametrize(
    "text",
    ["=", "={", "=[]", "=5", '={"for": "me"}', "*", "* 5", "*abcd 3", "*abcd x", "*abcd 99999999", "nonsense",
     '={"for": "me", "access_token": 5}',
     '={"for": "me", "access_token": "a", "expires_at": "x"}'],
)  # fmt: skip
def test_what_somebody_else_put_there_is_no_token(world: World, keyring: Kept, text: str) -> None:
    keyring[SERVICE, "ada: access token"] = text
    assert store_of(world).access() is None
    assert store_of(world).forget()
