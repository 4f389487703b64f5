"""The address that a browser is sent to, and the one that it brings back."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sendmail_cli.config.oauth.authorization import begin_authorization
from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.config.oauth.table import OAuthTable
from sendmail_cli.config.oauth.token_requests import Client, TokenRefused
from sendmail_cli.errors import ConfigError, DataError
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from sendmail_cli.config.oauth.authorization import Authorization
    from tests.unit.config.oauth.conftest import Provider, World

USER = "ada@example.org"
ISSUER = Endpoints("https://x/token", "https://x/auth?a=b", issuer="https://x", scopes=("offline_access",))


def begin(table: OAuthTable, world: World, endpoints: Endpoints | None = None, user: str = USER) -> Authorization:
    return begin_authorization(table, endpoints or table.endpoints(world), Client("my id"), world, user=user, port=4321)


def asked(begun: Authorization) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}


def comes_back(begun: Authorization, **fields: str) -> str:
    return f"{begun.redirect}?" + urlencode({"state": begun.state.reveal(), "code": "c0de", **fields})


@pytest.mark.parametrize(
    ("name", "redirect", "more"),
    [
        ("google", "http://127.0.0.1:4321", {"access_type": "offline", "prompt": "consent"}),
        ("microsoft", "http://localhost:4321", {}),
        ("fastmail", "http://127.0.0.1:4321/", {}),
    ],
)
def test_what_a_provider_is_asked(world: World, name: str, redirect: str, more: dict[str, str]) -> None:
    table = OAuthTable(name)
    begun = begin(table, world)
    fields = asked(begun)
    verifier = begun.verifier.reveal()
    assert 43 <= len(verifier) <= 128  # RFC 7636 §4.1
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert fields == {
        "response_type": "code",
        "client_id": "my id",
        "redirect_uri": redirect,
        "scope": table.scope_at(ISSUER),
        "state": begun.state.reveal(),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": USER,
        **more,
    }
    assert verifier not in begun.url


def test_no_two_are_alike(world: World) -> None:
    begun = [begin(OAuthTable("google"), world) for _ in range(2)]
    assert begun[0].state != begun[1].state
    assert begun[0].verifier != begun[1].verifier


def test_an_issuer_is_asked_for_a_refresh_token_where_it_has_them(world: World) -> None:
    fields = asked(begin(OAuthTable(issuer="https://x"), world, ISSUER, user="ada"))
    assert (fields["a"], fields["scope"], fields["prompt"]) == ("b", "offline_access", "consent")
    assert "login_hint" not in fields
    assert "prompt" not in asked(begin(OAuthTable(issuer="https://x", scope="mail"), world, ISSUER))
    with pytest.raises(ConfigError, match="has no sign-in in a browser"):
        begin(OAuthTable(issuer="https://x"), world, Endpoints("https://x/token"))


def test_the_code_is_exchanged_with_the_verifier(world: World, provider: Provider) -> None:
    begun = begin(OAuthTable("google"), world)
    code = begun.code(f"  {comes_back(begun)}\n")
    assert code == Secret("c0de")
    provider.gives()
    begun.exchange(code, Client("id"), world)
    assert provider.asked[0].form == {
        "grant_type": "authorization_code",
        "client_id": "id",
        "code": "c0de",
        "redirect_uri": "http://127.0.0.1:4321",
        "code_verifier": begun.verifier.reveal(),
    }


@pytest.mark.parametrize(
    "address",
    [
        "", "nonsense", "http://127.0.0.1/", "http://127.0.0.1/?code=a", "http://127.0.0.1/?code=a&state=x",
        "http://127.0.0.1/?code=a&state=%ff\ud800", "http://[::1/?state=a", "http://127.0.0.1/?" + "a&" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_the_answer(world: World, address: str) -> None:
    with pytest.raises(DataError, match="not the answer to this sign-in"):
        begin(OAuthTable("google"), world).code(address)


def test_an_answer_says_nothing_twice_and_has_a_code(world: World) -> None:
    begun = begin(OAuthTable("google"), world)
    for address in (comes_back(begun) + "&state=x", comes_back(begun, code="")):
        with pytest.raises(DataError):
            begun.code(address)


@pytest.mark.parametrize(
    ("is_promised", "named", "is_right"),
    [(False, None, True), (False, "https://x", True), (True, "https://x", True), (True, None, False),
     (False, "https://evil.example", False), (True, "https://evil.example", False)],
)  # fmt: skip
def test_the_answer_is_of_the_issuer_that_was_asked(
    world: World, is_promised: bool, named: str | None, is_right: bool
) -> None:
    begun = begin(OAuthTable(issuer="https://x"), world, ISSUER._replace(is_issuer_promised=is_promised))
    address = comes_back(begun, **({"iss": named} if named else {}))
    if is_right:
        assert begun.code(address) == Secret("c0de")
    else:
        with pytest.raises(DataError, match="this answer comes from"):
            begun.code(address)


def test_a_refusal_is_told(world: World) -> None:
    begun = begin(OAuthTable("google"), world)
    with pytest.raises(TokenRefused, match="access_denied: you may not") as caught:
        begun.code(comes_back(begun, error="access_denied", error_description="you may not\x07"))
    assert caught.value.error == "access_denied"
    assert caught.value.sentence.isprintable()
    with pytest.raises(DataError):  # anybody can say so
        begun.code("http://127.0.0.1/?error=access_denied&state=x")
