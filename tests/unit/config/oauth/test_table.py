"""The table `oauth`: what may stand in it, what can't be meant, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.config.oauth.providers import GRANTS, PROVIDERS, ClientSecret
from sendmail_cli.config.oauth.table import OAuthTable, client_id_of, contradictions, parse_oauth_table
from sendmail_cli.config.profiles import parse_profiles
from sendmail_cli.errors import ConfigError

if TYPE_CHECKING:
    from tests.unit.config.oauth.conftest import Provider, World

PROFILE = '[profile.work]\nuser = "ada@example.org"\nserver = "smtp.example.org"\n[profile.work.oauth]\n'
NOWHERE = Endpoints("https://x/token")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('provider = "gogle"', "line 5: profile.work.oauth.provider: “gogle” is none of google, microsoft"),
        ('provider = "google"\nclient-id = "a"', "line 6: profile.work.oauth.client-id: the table oauth has no key"),
        ('provider = "google"\nclient_secret = "hunter2"', "a secret never stands in this file"),
        ('provider = "google"\nclient_id = 5', "expected a text in quotes"),
        ('provider = "google"\nclient_id = "a b"', "is not a client id"),
        ('provider = "google"\ngrant = "password"', "is none of authorization-code, device"),
        ('issuer = "http://login.example.org"', "an issuer is an https:// address"),
        ('issuer = "https://login.example.org/?a=b"', "an issuer is an https:// address"),
        ('issuer = "https://a:b@login.example.org/"', "an issuer is an https:// address"),
        ('issuer = "https://x"\nscope = "a  b"', "is not a scope"),
        ('provider = "microsoft"\ntenant = "../x"', "is not a tenant"),
        ('provider = "google"\nissuer = "https://x"', "profile.work.oauth.issuer: the provider is named too"),
        ('client_id = "x"', "say who gives the token"),
        ('provider = "google"\ngrant = "device"', "line 6: profile.work.oauth.grant: “device”: Google allows no"),
        ('provider = "google"\ngrant = "client-credentials"', "Google has service accounts for that"),
        ('provider = "yahoo"\ngrant = "device"', "it has no sign-in by device"),
        ('provider = "fastmail"\ngrant = "client-credentials"', "it signs in for nobody but persons"),
        ('provider = "google"\ngrant = "service-account"', "needs key_file"),
        ('issuer = "https://x"\ngrant = "service-account"\nkey_file = "x"', "is for provider = “google” alone"),
        ('provider = "google"\nkey_file = "x"', "a key file is for grant = “service-account” alone"),
        ('provider = "google"\ntenant = "x"', "a tenant is for provider = “microsoft” alone"),
        ('provider = "microsoft"\ngrant = "client-credentials"', "needs tenant"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_profiles("profiles.toml", PROFILE + text)
    assert words in caught.value.sentence
    assert "profiles.toml, line" in caught.value.sentence
    assert "hunter2" not in caught.value.sentence + caught.value.hint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('auth = "plain"', "“plain” is no sign-in with a token"),
        ('password_command = ["x"]', "the table oauth says where the token comes from"),
        ('password_file = "x"', "the table oauth says where the token comes from"),
    ],
)
def test_a_password_beside_it_is_refused(line: str, words: str) -> None:
    text = PROFILE.replace("[profile.work.oauth]", f'{line}\n[profile.work.oauth]\nprovider = "google"')
    with pytest.raises(ConfigError, match=words):
        parse_profiles("profiles.toml", text)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a table"):
        parse_profiles("profiles.toml", '[profile.work]\noauth = "google"')


def test_a_table_is_what_it_says() -> None:
    table = parse_oauth_table({"provider": "microsoft", "client_id": "abc", "tenant": "example.org"})
    assert table == OAuthTable("microsoft", client_id="abc", tenant="example.org")
    assert str(table) == "microsoft, authorization-code, tenant example.org, client abc"
    assert str(OAuthTable(issuer="https://x")) == "https://x, authorization-code"


@pytest.mark.parametrize(
    ("table", "scope"),
    [
        (OAuthTable("google"), "https://mail.google.com/"),
        (OAuthTable("microsoft"), "https://outlook.office.com/SMTP.Send offline_access"),
        (OAuthTable("microsoft", grant="client-credentials"), "https://outlook.office365.com/.default"),
        (OAuthTable("google", grant="service-account"), "https://mail.google.com/"),
        (OAuthTable("google", scope="mine"), "mine"),
        (OAuthTable(issuer="https://x"), None),
        (OAuthTable(issuer="https://x", grant="client-credentials"), None),
    ],
)
def test_what_is_asked_for(table: OAuthTable, scope: str | None) -> None:
    assert table.scope_at(NOWHERE) == scope


def test_an_issuer_is_asked_for_what_it_has() -> None:
    table = OAuthTable(issuer="https://x")
    assert table.scope_at(NOWHERE._replace(scopes=("mail", "offline_access"))) == "offline_access"


@pytest.mark.parametrize(
    ("table", "secret"),
    [
        (OAuthTable("google"), ClientSecret.NEEDED),
        (OAuthTable("google", grant="service-account"), ClientSecret.NONE),
        (OAuthTable("microsoft"), ClientSecret.NONE),
        (OAuthTable("microsoft", grant="client-credentials"), ClientSecret.NEEDED),
        (OAuthTable(issuer="https://x"), ClientSecret.OPTIONAL),
    ],
)
def test_who_has_a_secret(table: OAuthTable, secret: ClientSecret) -> None:
    assert table.secret is secret


def test_a_tenant_is_in_the_addresses(world: World) -> None:
    assert OAuthTable("microsoft", tenant="example.org").endpoints(world).token == (
        "https://login.microsoftonline.com/example.org/oauth2/v2.0/token"
    )
    assert "/common/" in str(OAuthTable("microsoft").endpoints(world).device)


def test_an_issuer_is_asked_for_its_addresses(world: World, provider: Provider) -> None:
    provider.says({"issuer": "https://x", "token_endpoint": "https://x/t"})
    assert OAuthTable(issuer="https://x").endpoints(world).token == "https://x/t"


def test_tokens_are_for_one_client_scope_and_user() -> None:
    table = OAuthTable("google", client_id="a")
    others = (table._replace(client_id="b"), table._replace(scope="s"), table._replace(provider="yahoo"))
    assert len({each.identity("ada") for each in (table, *others)} | {table.identity("bob")}) == 5


def test_without_a_client_id_it_says_where_one_is_had() -> None:
    with pytest.raises(ConfigError) as caught:
        client_id_of(OAuthTable("google"), "work")
    assert "docs/oauth.md" in caught.value.hint
    assert "https://console.cloud.google.com" in caught.value.hint
    assert "sendmail-cli profile set work --client-id" in caught.value.hint
    with pytest.raises(ConfigError):
        client_id_of(OAuthTable("yahoo"), "work")


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_can_be_named_with_each_grant_or_says_why_not(name: str) -> None:
    for grant in GRANTS:
        more = {"key_file": "x"} if grant == "service-account" else {}
        table = OAuthTable(name, grant=grant, tenant="t" if name == "microsoft" else None, **more)
        refusals = [sentence for key, sentence in contradictions(table) if key == "grant"]
        assert len(refusals) == (PROVIDERS[name].refusal(grant) is not None)
        if grant == "device" and not refusals:
            assert PROVIDERS[name].endpoints.device is not None
