"""What is asked at a token endpoint, and what its answer says (RFC 6749 §5, RFC 8628 §3.5)."""

from __future__ import annotations

import base64
import json
import math
from urllib.parse import quote_plus

from sendmail_cli.config.oauth.https import fetch
from sendmail_cli.errors import ConfigError, MailError, RemoteProtocolError, SignInNeeded, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Redactor, Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.config.oauth.endpoints import Endpoints
    from sendmail_cli.config.oauth.https import Answer
    from sendmail_cli.environment import Environment

MAX_TOKEN = 8192  # octets; an AUTH line takes 12288 in base64 (RFC 4954 §4)
USUAL_LIFETIME = 600.0  # seconds, where the provider doesn't say
LONGEST_LIFETIME = 366 * 86400.0  # seconds
MAX_WHY = 300  # characters of a provider's explanation
_AGAIN = ("server_error", "temporarily_unavailable", "slow_down")  # RFC 6749 §4.1.2.1, RFC 8628 §3.5


class Client(NamedTuple):
    """Who we are to the provider."""

    id: str
    secret: Secret | None = None


class Granted(NamedTuple):
    """What the provider gave."""

    access_token: Secret
    expires_at: float  # seconds since the epoch
    refresh_token: Secret | None = None


class TokenRefused(MailError):
    """The provider said no. `error` is the word that its kind has (RFC 6749 §5.2)."""

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


def request_token(
    endpoints: Endpoints, client: Client | None, grant_type: str, fields: dict[str, str], environment: Environment
) -> Granted:
    """The token that the provider gives for `fields`. Raises `TokenRefused`, and what `fetch` raises."""
    from oauthlib.oauth2.rfc6749.parameters import prepare_token_request

    body, headers = _authenticated(endpoints, client)
    values: dict[str, Any] = {**body, **fields}
    form = prepare_token_request(grant_type, **values)
    redactor = redactor_of(client, fields)
    asked_at = environment.now()
    answer = fetch(endpoints.token, environment, form=form, headers=headers)
    answer.refuse_failing()
    return parse_answer(answer, redactor, asked_at)


def parse_answer(answer: Answer, redactor: Redactor, asked_at: float) -> Granted:
    """The token in an answer. Raises `TokenRefused`, and `RemoteProtocolError` for one that can't be used."""
    from oauthlib.oauth2 import OAuth2Error
    from oauthlib.oauth2.rfc6749.parameters import parse_token_response

    fields = answer.fields()
    refuse_errors(answer.host, fields, redactor)
    try:
        token: dict[str, Any] = parse_token_response(json.dumps(fields))
    except (OAuth2Error, ValueError, TypeError, AttributeError, OverflowError):
        raise RemoteProtocolError(f"{answer.host} answers with no token (HTTP {answer.status})") from None
    kind = token.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise RemoteProtocolError(f"{answer.host} gives a token of a kind that mail servers don't take")
    return Granted(
        _usable(answer.host, token.get("access_token")),
        asked_at + _lifetime(token.get("expires_in")),
        _usable(answer.host, token["refresh_token"]) if token.get("refresh_token") else None,
    )


def refuse_errors(host: str, fields: dict[str, Any], redactor: Redactor) -> None:
    """Raise `TokenRefused` where `fields` say that something is wrong (RFC 6749 §5.2)."""
    error = fields.get("error")
    if error is None:
        return
    word = printable(error, 80) if isinstance(error, str) else "an error"
    description = fields.get("error_description")
    said = redactor.redact(description).strip() if isinstance(description, str) else ""
    why = printable(said.partition("\n")[0].strip(), MAX_WHY)  # Microsoft's have lines with numbers below the first
    word = redactor.redact(word)
    raise TokenRefused(word, f"{host} says {word}" + (f": {why}" if why else ""))


def explain_refusal(refused: TokenRefused, profile_name: str, title: str) -> MailError:
    """What a refusal means for who wants to send: sign in again, wait, or correct the profile."""
    said = refused.sentence
    again = f"sendmail-cli login {profile_name}"
    if refused.error == "invalid_grant":
        return SignInNeeded(
            f"{title} no longer takes the sign-in of profile {profile_name}: {said}", hint=f"Sign in again: {again}"
        )
    if refused.error in {"access_denied", "interaction_required", "login_required", "consent_required"}:
        return SignInNeeded(f"{title} gives no token: {said}", hint=f"Sign in again: {again}")
    if refused.error in _AGAIN:
        return TemporaryError(f"{title} gives no token now: {said}")
    return ConfigError(
        f"{title} gives no token to the client of profile {profile_name}: {said}",
        hint="docs/oauth.md says what the client needs at the provider. "
        f"A wrong client secret is replaced by: sendmail-cli logout {profile_name}; {again}",
    )


def revoke(endpoints: Endpoints, client: Client, token: Secret, environment: Environment) -> None:
    """Tell the provider that `token` is of no more use (RFC 7009). Raises `MailError` where it doesn't take that."""
    from oauthlib.common import urlencode

    if endpoints.revocation is None:
        raise ConfigError("it has no way to be told so")
    body, headers = _authenticated(endpoints, client)
    form = urlencode([("token", token.reveal()), *body.items()])
    answer = fetch(endpoints.revocation, environment, form=form, headers=headers)
    answer.refuse_failing()
    if answer.status != 200:
        raise RemoteProtocolError(f"{answer.host} did not take it (HTTP {answer.status})")


def redactor_of(client: Client | None, fields: dict[str, str]) -> Redactor:
    """Erases what was said to the provider, should it repeat that."""
    redactor = Redactor()
    if client is not None and client.secret is not None:
        redactor.add(client.secret.reveal())
    for name in ("code", "refresh_token", "code_verifier", "device_code", "assertion"):
        redactor.add(fields.get(name, ""))
    return redactor


def _authenticated(endpoints: Endpoints, client: Client | None) -> tuple[dict[str, str], dict[str, str]]:
    """Fields and headers that say who we are (RFC 6749 §2.3.1)."""
    if client is None:
        return {}, {}
    if client.secret is None:
        return {"client_id": client.id}, {}
    secret = client.secret.reveal()
    if endpoints.is_secret_in_body:
        return {"client_id": client.id, "client_secret": secret}, {}
    pair = f"{quote_plus(client.id)}:{quote_plus(secret)}".encode()
    return {}, {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


def _usable(host: str, token: object) -> Secret:
    """`token`, if it can go along with AUTH."""
    if not isinstance(token, str) or not token or not all("!" <= letter <= "~" for letter in token):
        raise RemoteProtocolError(f"{host} gives a token that can't be used: it has characters that no token has")
    if len(token) > MAX_TOKEN:
        raise RemoteProtocolError(f"{host} gives a token that can't be used: it is longer than {MAX_TOKEN} octets")
    return Secret(token)


def _lifetime(seconds: object) -> float:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not math.isfinite(seconds):
        return USUAL_LIFETIME
    return min(max(float(seconds), 0.0), LONGEST_LIFETIME)
