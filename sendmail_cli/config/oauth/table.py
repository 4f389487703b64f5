"""The table `oauth` of a profile: who gives the token, and who we are to them.

[profile.work.oauth]
provider = "microsoft"
client_id = "…"
"""

from __future__ import annotations

import re

from sendmail_cli.config.oauth.endpoints import Endpoints, discover
from sendmail_cli.config.oauth.https import is_protected
from sendmail_cli.config.oauth.providers import BY_PERSON, EVERYBODY, GRANTS, PROVIDERS, ClientSecret
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendmail_cli.config.oauth.providers import Provider
    from sendmail_cli.environment import Environment

KEYS = ("provider", "issuer", "client_id", "grant", "tenant", "scope", "key_file")
PAGE = "docs/oauth.md"
_TENANT = re.compile("[A-Za-z0-9][A-Za-z0-9.-]*")
_PRINTABLE = re.compile("[!-~]+")
_SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")  # RFC 6749 §3.3
_ONLY_LOOPBACK = "http://127.0.0.1:{port}/"


class OAuthTable(NamedTuple):
    """One such table; what it doesn't say is None."""

    provider: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    grant: str = BY_PERSON[0]
    tenant: str | None = None
    scope: str | None = None
    key_file: str | None = None

    @property
    def known(self) -> Provider | None:
        """What we know of the provider; None for an issuer."""
        return None if self.provider is None else PROVIDERS[self.provider]

    @property
    def title(self) -> str:
        """What the provider is called in a sentence."""
        return self.known.title if self.known is not None else printable(self.issuer or "", 200)

    @property
    def needs_person(self) -> bool:
        """True where somebody has to sign in once."""
        return self.grant in BY_PERSON

    @property
    def secret(self) -> ClientSecret:
        """Whether the client has a secret."""
        if self.grant == "service-account":
            return ClientSecret.NONE
        if self.grant == "client-credentials":
            return ClientSecret.NEEDED
        return ClientSecret.OPTIONAL if self.known is None else self.known.secret

    @property
    def redirect(self) -> str:
        """Where the browser brings the answer, with a place for the port."""
        return _ONLY_LOOPBACK if self.known is None else self.known.redirect

    def endpoints(self, environment: Environment) -> Endpoints:
        """Where the provider is asked. Raises what `discover` does."""
        if self.known is not None:
            return self.known.endpoints.within(self.tenant or EVERYBODY)
        return discover(self.issuer or "", environment)

    def scope_at(self, endpoints: Endpoints) -> str | None:
        """What a token is to be good for; None where the issuer decides."""
        if self.scope is not None:
            return self.scope
        if self.known is not None:
            return self.known.scope if self.needs_person else self.known.scope_without_person or self.known.scope
        wanted = ("openid", "offline_access") if self.needs_person else ()
        return " ".join(scope for scope in wanted if scope in endpoints.scopes) or None

    def identity(self, user: str) -> str:
        """What a stored token is for, in a line: it is used for nothing else."""
        return " ".join(
            map(str, (self.provider, self.issuer, self.tenant, self.client_id, self.grant, self.scope, user))
        )

    def __str__(self) -> str:
        client = f", client {printable(self.client_id, 120)}" if self.client_id is not None else ""
        tenant = f", tenant {self.tenant}" if self.tenant is not None else ""
        return f"{self.provider or self.title}, {self.grant}{tenant}{client}"


def parse_oauth_table(values: object) -> OAuthTable:
    """The table, each of its values checked alone. Raises `ConfigError`."""
    if not isinstance(values, dict):
        raise ConfigError("expected a table, [profile.NAME.oauth]")
    return OAuthTable(**{key: check_oauth_value(key, value) for key, value in values.items()})


def check_oauth_value(key: str, value: object) -> str:
    """One value of the table. Raises `ConfigError`."""
    from sendmail_cli.config.profile_keys import nearest_of, one_of

    if key not in KEYS:
        _refuse_key(key, nearest_of(key.lower().replace("-", "_"), KEYS))
    if not isinstance(value, str) or not value:
        raise ConfigError("expected a text in quotes")
    if key in _CHOICES:
        return one_of(value, _CHOICES[key])
    if key == "issuer" and (not is_protected(value) or "?" in value):
        raise ConfigError(f"an issuer is an https:// address, and “{printable(value, 120)}” is none")
    pattern, what = _PATTERNS.get(key, (re.compile("[^\\0-\\x1f\\x7f]+"), "a text without control characters"))
    if not pattern.fullmatch(value):
        raise ConfigError(f"“{printable(value, 120)}” is not {what}")
    return value


_CHOICES: Mapping[str, tuple[str, ...]] = {"provider": tuple(PROVIDERS), "grant": GRANTS}
_PATTERNS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "client_id": (_PRINTABLE, "a client id: it has neither spaces nor letters beyond ASCII"),
    "tenant": (_TENANT, "a tenant: its name or its id"),
    "scope": (_SCOPE, "a scope: words with a space between them"),
}


def _refuse_key(key: str, nearest: str | None) -> None:
    if "secret" in key.lower() or "token" in key.lower():
        raise ConfigError(
            "a secret never stands in this file: take it out",
            hint="`sendmail-cli login NAME` asks for it and puts it in the keyring.",
        )
    meant = f"did you mean “{nearest}”?" if nearest else f"it has {', '.join(KEYS)}"
    raise ConfigError(f"the table oauth has no key “{printable(key, 80)}”; {meant}")


def contradictions(table: OAuthTable) -> Iterator[tuple[str, str]]:
    """Key and sentence for each thing in the table that can't be meant."""
    if (table.provider is None) == (table.issuer is None):
        yield (
            ("issuer", "the provider is named too; keep one of them")
            if table.issuer is not None
            else (
                "provider",
                f"say who gives the token: provider = one of {', '.join(PROVIDERS)}; or issuer = its address",
            )
        )
    is_account = table.grant == "service-account"
    refusal = table.known.refusal(table.grant) if table.known is not None else None
    if refusal is not None:
        yield "grant", f"“{table.grant}”: {refusal}"
    if is_account and table.provider is None:
        yield "grant", "“service-account” is for provider = “google” alone"
    if is_account != (table.key_file is not None):
        yield (
            ("grant", "“service-account” needs key_file, the account's key that Google gave")
            if is_account
            else ("key_file", "a key file is for grant = “service-account” alone")
        )
    if table.tenant is not None and table.provider != "microsoft":
        yield "tenant", "a tenant is for provider = “microsoft” alone"
    if table.grant == "client-credentials" and table.provider == "microsoft" and table.tenant in {None, EVERYBODY}:
        yield "grant", "“client-credentials” needs tenant, the name or id of the organisation"


def client_id_of(table: OAuthTable, profile_name: str) -> str:
    """The client id. Raises `ConfigError` that says how to come by one."""
    if table.client_id is not None:
        return table.client_id
    raise ConfigError(
        f"the profile {profile_name} has no client id: {table.title} gives tokens only to programs that are registered",
        hint=f"{PAGE} says step by step how to get one{_at(table)}. Then: "
        f"sendmail-cli profile set {profile_name} --client-id CLIENT_ID",
    )


def _at(table: OAuthTable) -> str:
    return f" at {table.known.registration}" if table.known is not None and table.known.registration else ""
