"""Where a provider is asked for what: from our table, or from the metadata that an issuer publishes."""

from __future__ import annotations

from urllib.parse import urlsplit

from sendmail_cli.config.oauth.https import fetch, is_protected
from sendmail_cli.errors import ConfigError, RemoteProtocolError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.environment import Environment

WELL_KNOWN = (
    ("oauth-authorization-server", True),  # RFC 8414 §3: before the issuer's path
    ("openid-configuration", False),  # OpenID Connect Discovery §4: behind it
)


class Endpoints(NamedTuple):
    """The addresses of one provider, and how it wants to be spoken to."""

    token: str
    authorization: str | None = None
    device: str | None = None
    revocation: str | None = None
    issuer: str | None = None
    is_issuer_promised: bool = False  # every answer to an authorization request names it (RFC 9207)
    is_secret_in_body: bool = True  # client_secret_post, else client_secret_basic
    scopes: tuple[str, ...] = ()  # that it says it has; () where it doesn't say

    def within(self, tenant: str) -> Endpoints:
        """The same for one tenant of a provider whose addresses have a place for it."""
        places = ("token", "authorization", "device", "revocation")
        filled = {name: url.format(tenant=tenant) for name in places if (url := getattr(self, name)) is not None}
        return self._replace(**filled)


def discover(issuer: str, environment: Environment) -> Endpoints:
    """What `issuer` publishes about itself (RFC 8414, else OpenID Connect Discovery).

    Raises `ConfigError` where it publishes nothing, `RemoteProtocolError` for what can't be right or isn't safe, and
    what `fetch` raises.
    """
    for name, is_before in WELL_KNOWN:
        answer = fetch(_metadata_url(issuer, name, is_before=is_before), environment)
        if answer.status == 200:
            return parse_metadata(issuer, answer.fields())
        answer.refuse_failing()
    raise ConfigError(
        f"{printable(issuer, 200)} publishes no metadata of OAuth 2 (RFC 8414)",
        hint="The issuer is the address that its own documents name, such as https://login.example.org/realms/mail.",
    )


def _metadata_url(issuer: str, name: str, *, is_before: bool) -> str:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    where = f"/.well-known/{name}{path}" if is_before else f"{path}/.well-known/{name}"
    return parts._replace(path=where).geturl()


def parse_metadata(issuer: str, fields: dict[str, Any]) -> Endpoints:
    """The endpoints in an issuer's metadata (RFC 8414 §2). Raises `RemoteProtocolError`."""
    named = fields.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise RemoteProtocolError(
            f"the metadata of {printable(issuer, 200)} is that of another issuer, “{printable(str(named), 200)}”",
            hint="Name the issuer as it names itself, if you trust that one (RFC 8414 §3.3).",
        )
    addresses = {
        name: _address(issuer, fields, key)
        for name, key in (
            ("authorization", "authorization_endpoint"),
            ("device", "device_authorization_endpoint"),
            ("revocation", "revocation_endpoint"),
        )
    }
    token = _address(issuer, fields, "token_endpoint")
    if token is None:
        raise RemoteProtocolError(f"the metadata of {printable(issuer, 200)} names no token endpoint")
    methods = _texts(fields.get("token_endpoint_auth_methods_supported"))
    return Endpoints(
        token,
        **addresses,
        issuer=named,
        is_issuer_promised=fields.get("authorization_response_iss_parameter_supported") is True,
        is_secret_in_body="client_secret_basic" not in (methods or ("client_secret_basic",)),
        scopes=_texts(fields.get("scopes_supported")),
    )


def _address(issuer: str, fields: dict[str, Any], key: str) -> str | None:
    url = fields.get(key)
    if url is None:
        return None
    if not isinstance(url, str) or not is_protected(url):
        raise RemoteProtocolError(
            f"the metadata of {printable(issuer, 200)} has a {key} that is no https:// address: "
            f"“{printable(str(url), 200)}”"
        )
    return url


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()
