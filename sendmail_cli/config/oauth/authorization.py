"""The authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636): the browser's address, and what comes back."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

from sendmail_cli.config.oauth.token_requests import redactor_of, refuse_errors, request_token
from sendmail_cli.errors import ConfigError, DataError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.oauth.endpoints import Endpoints
    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.oauth.token_requests import Client, Granted
    from sendmail_cli.environment import Environment

VERIFIER_OCTETS = 64  # 86 characters of the 43 to 128 that RFC 7636 §4.1 allows
STATE_OCTETS = 32
MAX_ANSWER = 8192  # characters of an address that a browser brings


class Authorization(NamedTuple):
    """One sign-in that was begun in a browser."""

    endpoints: Endpoints
    url: str  # for the browser
    redirect: str  # where the browser brings the answer
    state: Secret
    verifier: Secret

    def code(self, address: str) -> Secret:
        """The code in the address that the browser was sent to.

        Raises `DataError` where that is not the answer to this sign-in, and `TokenRefused` where the provider says no.
        """
        query = _query(address)
        if query is None or not _is_same(query.get("state", ""), self.state.reveal()):
            raise DataError("this is not the answer to this sign-in: its “state” is another")
        issuer, expected = query.get("iss"), self.endpoints.issuer
        is_promised = self.endpoints.is_issuer_promised
        if (issuer is None and is_promised) or (issuer is not None and expected is not None and issuer != expected):
            raise DataError(  # RFC 9207 §2.4
                f"this answer comes from “{printable(issuer or '', 120)}”, and not from {printable(expected or '')}"
            )
        refuse_errors(urlsplit(self.endpoints.token).netloc, dict(query), redactor_of(None, query))
        if not query.get("code"):
            raise DataError("this is not the answer to this sign-in: it has no “code”")
        return Secret(query["code"])

    def exchange(self, code: Secret, client: Client, environment: Environment) -> Granted:
        """The tokens for `code`. Raises what `request_token` does."""
        fields = {"code": code.reveal(), "redirect_uri": self.redirect, "code_verifier": self.verifier.reveal()}
        return request_token(self.endpoints, client, "authorization_code", fields, environment)


def begin_authorization(
    table: OAuthTable, endpoints: Endpoints, client: Client, environment: Environment, *, user: str, port: int
) -> Authorization:
    """A sign-in whose answer comes to `port` of this machine. Raises `ConfigError` where the provider has none such."""
    from oauthlib.common import add_params_to_uri
    from oauthlib.oauth2 import WebApplicationClient

    if endpoints.authorization is None:
        raise ConfigError(f"{table.title} has no sign-in in a browser")
    verifier = _random(VERIFIER_OCTETS, environment)
    state = _random(STATE_OCTETS, environment)
    redirect = table.redirect.format(port=port)
    challenge = WebApplicationClient(client.id).create_code_challenge(verifier.reveal(), "S256")
    scope = table.scope_at(endpoints)
    # Not by oauthlib's `prepare_request_uri`: it refuses http:// to this machine, but for a variable that allows all.
    fields = [
        ("response_type", "code"),
        ("client_id", client.id),
        ("redirect_uri", redirect),
        *([("scope", scope)] if scope else []),
        ("state", state.reveal()),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        *([("login_hint", user)] if "@" in user else []),
        *_extra(table, scope),
    ]
    return Authorization(endpoints, add_params_to_uri(endpoints.authorization, fields), redirect, state, verifier)


def _extra(table: OAuthTable, scope: str | None) -> tuple[tuple[str, str], ...]:
    if table.known is not None:
        return table.known.extra
    # OpenID Connect Core §11: no refresh token without being asked
    return (("prompt", "consent"),) if "offline_access" in (scope or "").split() else ()


def _random(octets: int, environment: Environment) -> Secret:
    return Secret(base64.urlsafe_b64encode(environment.random_bytes(octets)).rstrip(b"=").decode("ascii"))


def _query(address: str) -> dict[str, str] | None:
    """The fields of an address; None where one comes twice or the whole is no address."""
    if len(address) > MAX_ANSWER:
        return None
    try:
        fields = parse_qs(urlsplit(address.strip()).query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return None
    return (
        {name: values[0] for name, values in fields.items()}
        if all(len(each) == 1 for each in fields.values())
        else None
    )


def _is_same(text: str, secret: str) -> bool:
    from hmac import compare_digest

    return compare_digest(text.encode("utf-8", "surrogatepass"), secret.encode())
