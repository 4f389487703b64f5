"""What an issuer publishes about itself (RFC 8414, OpenID Connect Discovery), honest or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth.endpoints import Endpoints, discover, parse_metadata
from sendmail_cli.errors import ConfigError, RemoteProtocolError, TemporaryError

if TYPE_CHECKING:
    from tests.unit.config.oauth.conftest import Provider, World

ISSUER = "https://login.example.org/realms/mail"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": "https://login.example.org/token",
    "authorization_endpoint": "https://login.example.org/auth",
    "authorization_response_iss_parameter_supported": True,
    "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
    "scopes_supported": ["openid", 5],
}


def test_is_looked_for_where_both_standards_say(world: World, provider: Provider) -> None:
    provider.says({}, 404)
    provider.says(METADATA)
    assert discover(ISSUER, world).token == "https://login.example.org/token"
    assert [asked.url for asked in provider.asked] == [
        "https://login.example.org/.well-known/oauth-authorization-server/realms/mail",
        "https://login.example.org/realms/mail/.well-known/openid-configuration",
    ]


def test_says_how_the_provider_wants_to_be_spoken_to() -> None:
    assert parse_metadata(ISSUER, METADATA) == Endpoints(
        "https://login.example.org/token",
        "https://login.example.org/auth",
        issuer=ISSUER,
        is_issuer_promised=True,
        is_secret_in_body=True,
        scopes=("openid",),
    )


@pytest.mark.parametrize("methods", [None, ["client_secret_post", "client_secret_basic"], "client_secret_post"])
def test_a_secret_goes_into_the_header_where_that_is_taken(methods: object) -> None:
    metadata = {**METADATA, "token_endpoint_auth_methods_supported": methods}
    assert not parse_metadata(ISSUER, metadata).is_secret_in_body


def test_an_issuer_without_metadata(world: World, provider: Provider) -> None:
    provider.says({}, 404)
    provider.says({}, 404)
    with pytest.raises(ConfigError, match="publishes no metadata"):
        discover(ISSUER, world)


@pytest.mark.parametrize(("status", "kind"), [(503, TemporaryError), (429, TemporaryError), (302, RemoteProtocolError)])
def test_an_issuer_in_trouble(world: World, provider: Provider, status: int, kind: type[Exception]) -> None:
    provider.says({}, status)
    with pytest.raises(kind):
        discover(ISSUER, world)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://evil.example"}, "is that of another issuer, “https://evil.example”"),
        ({"issuer": None}, "is that of another issuer"),
        ({"token_endpoint": None}, "names no token endpoint"),
        ({"token_endpoint": "http://login.example.org/token"}, "no https:// address"),
        ({"token_endpoint": ["https://x"]}, "no https:// address"),
        ({"authorization_endpoint": "file:///etc/passwd"}, "no https:// address"),
        ({"device_authorization_endpoint": "https://a@b/"}, "no https:// address"),
        ({"revocation_endpoint": "https://b/\x1b[2J"}, "no https:// address"),
    ],
)
def test_metadata_that_is_not_believed(change: dict[str, object], words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        parse_metadata(ISSUER, {**METADATA, **change})
    assert caught.value.sentence.isprintable()
