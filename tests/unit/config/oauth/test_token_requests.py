"""What is asked at a token endpoint, and what its answers mean."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.config.oauth.https import Answer
from sendmail_cli.config.oauth.token_requests import (
    Client,
    Granted,
    TokenRefused,
    explain_refusal,
    parse_answer,
    request_token,
    revoke,
)
from sendmail_cli.errors import ConfigError, MailError, RemoteProtocolError, SignInNeeded, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Redactor, Secret

if TYPE_CHECKING:
    from tests.unit.config.oauth.conftest import Provider, World

ENDPOINTS = Endpoints("https://provider.example/token", revocation="https://provider.example/revoke")
SECRETIVE = Client("id", Secret("s3cret+/:%"))
REFRESH = {"refresh_token": "the old refresh token"}


def answer(fields: object, status: int = 200) -> Answer:
    return Answer("provider.example", status, json.dumps(fields).encode())


def test_a_public_client_says_its_id(world: World, provider: Provider) -> None:
    provider.gives("abc", refresh_token="def")
    granted = request_token(ENDPOINTS, Client("id"), "refresh_token", REFRESH, world)
    assert granted == Granted(Secret("abc"), world.moment + 3600, Secret("def"))
    assert provider.asked[0].form == {"grant_type": "refresh_token", "client_id": "id", **REFRESH}


def test_a_secret_goes_into_the_body_or_the_header(world: World, provider: Provider) -> None:
    for endpoints in (ENDPOINTS, ENDPOINTS._replace(is_secret_in_body=False)):
        provider.gives()
        request_token(endpoints, SECRETIVE, "client_credentials", {}, world)
    body, header = provider.asked
    assert body.form == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "s3cret+/:%"}
    assert header.form == {"grant_type": "client_credentials"}
    pair = base64.b64decode(header.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "id:s3cret%2B%2F%3A%25"  # RFC 6749 §2.3.1


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        ({"expires_in": 60}, 60),
        ({"expires_in": "60"}, 60),
        ({"expires_in": 60.5}, 60),
        ({}, 600),
        ({"expires_in": None}, 600),
        ({"expires_in": -5}, 0),
        ({"expires_in": 10**12}, 366 * 86400),
        ({"token_type": "bearer"}, 600),
        ({"token_type": None}, None),
        ({"token_type": "mac"}, None),
        ({"expires_in": "soon"}, None),
        ({"expires_in": [1]}, None),
        ({"scope": 5}, None),
    ],
)
def test_how_long_it_is_good(fields: dict[str, Any], lifetime: float | None) -> None:
    said = answer({"access_token": "t", **fields})
    if lifetime is None:
        with pytest.raises(RemoteProtocolError):
            parse_answer(said, Redactor(), 0.0)
    else:
        assert parse_answer(said, Redactor(), 0.0).expires_at == lifetime


@pytest.mark.parametrize("token", ["", None, 5, "a b", "a\r\nb", "a\x01b", "tökén", "x" * 8193])
def test_what_is_no_token(token: object) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_answer(answer({"access_token": token}), Redactor(), 0.0)
    with pytest.raises(RemoteProtocolError):
        parse_answer(answer({"access_token": "good", "refresh_token": token or " "}), Redactor(), 0.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"5", b'"x"', b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="did not answer as OAuth 2 does"):
        parse_answer(Answer("provider.example", 200, body), Redactor(), 0.0)


@given(st.dictionaries(
    st.sampled_from(["access_token", "token_type", "expires_in", "expires_at", "scope", "refresh_token", "error", "x"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4),
))  # fmt: skip
def test_every_answer_is_a_token_or_an_error_of_ours(fields: dict[str, Any]) -> None:
    said: str
    try:
        said = parse_answer(answer(fields), Redactor(), 0.0).access_token.reveal()
    except MailError as error:
        said = error.sentence
    assert printable(said) == said


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ("invalid_grant", SignInNeeded, "sendmail-cli login work"),
        ("access_denied", SignInNeeded, "sendmail-cli login work"),
        ("interaction_required", SignInNeeded, "sendmail-cli login work"),
        ("temporarily_unavailable", TemporaryError, ""),
        ("server_error", TemporaryError, ""),
        ("invalid_client", ConfigError, "docs/oauth.md"),
        ("unauthorized_client", ConfigError, "sendmail-cli logout work"),
        ("what ever", ConfigError, "docs/oauth.md"),
    ],
)
def test_a_refusal_says_what_to_do(
    world: World, provider: Provider, error: str, kind: type[MailError], words: str
) -> None:
    provider.refuses(error, error_description="it \x1b[2J is s3cret+/:% with the old refresh token")
    with pytest.raises(TokenRefused) as caught:
        request_token(ENDPOINTS, SECRETIVE, "refresh_token", REFRESH, world)
    explained = explain_refusal(caught.value, "work", "Provider")
    assert type(explained) is kind
    assert words in explained.hint
    assert "Provider" in explained.sentence
    assert error in explained.sentence
    assert "s3cret" not in explained.sentence
    assert "old refresh" not in explained.sentence
    assert explained.sentence.isprintable()


@pytest.mark.parametrize(("status", "kind"), [(500, TemporaryError), (503, TemporaryError), (307, RemoteProtocolError)])
def test_a_provider_in_trouble(world: World, provider: Provider, status: int, kind: type[MailError]) -> None:
    provider.says({"error": "invalid_grant"}, status)
    with pytest.raises(kind, match=f"HTTP {status}"):
        request_token(ENDPOINTS, SECRETIVE, "refresh_token", REFRESH, world)


def test_of_a_long_explanation_the_first_line_is_told() -> None:
    said = answer(
        {"error": "invalid_grant", "error_description": "AADSTS50173: The grant has ended.\r\nTrace ID: 1\r\n"}
    )
    with pytest.raises(TokenRefused) as caught:
        parse_answer(said, Redactor(), 0.0)
    assert caught.value.sentence == "provider.example says invalid_grant: AADSTS50173: The grant has ended."


def test_tokens_are_revoked(world: World, provider: Provider) -> None:
    provider.says({})
    revoke(ENDPOINTS, Client("id"), Secret("t+t"), world)
    assert (provider.asked[0].url, provider.asked[0].form) == (
        ENDPOINTS.revocation,
        {"token": "t+t", "client_id": "id"},
    )
    provider.says({}, 400)
    with pytest.raises(RemoteProtocolError, match="did not take it"):
        revoke(ENDPOINTS, Client("id"), Secret("t"), world)
    with pytest.raises(ConfigError):
        revoke(Endpoints("https://x"), Client("id"), Secret("t"), world)
