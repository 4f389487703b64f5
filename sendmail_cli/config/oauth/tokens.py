"""A profile's access token: from memory, from the keyring, or from the provider; always one that will last a while."""

from __future__ import annotations

from contextlib import suppress

from sendmail_cli.config.oauth import service_account
from sendmail_cli.config.oauth.client_secret import client_secret, secret_variable
from sendmail_cli.config.oauth.lock import locked
from sendmail_cli.config.oauth.store import SignedIn, TokenStore
from sendmail_cli.config.oauth.table import client_id_of
from sendmail_cli.config.oauth.token_requests import Client, TokenRefused, explain_refusal, request_token
from sendmail_cli.config.os_keyring import KeyringEntry
from sendmail_cli.errors import CredentialMissing, InternalError, KeyringLocked
from sendmail_cli.secret import Token
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.oauth.token_requests import Granted
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret

MARGIN = 60.0  # seconds before its end that a token is too old for a session to begin with


class Tokens:
    """The tokens of the profile that `settings` are of. Its methods raise `MailError`."""

    def __init__(self, settings: Settings, environment: Environment, *, may_ask: bool) -> None:
        access, user = settings.credential, settings.server.user
        if access.oauth is None or access.profile is None or user is None:
            raise InternalError("a token was asked for, and the profile has no table oauth")
        self.table: OAuthTable = access.oauth
        self.profile_name: str = access.profile
        self.user: str = user
        self._rivals = access.rivals
        self.environment = environment
        entry = KeyringEntry(self.profile_name, self.user, access.is_insecure_keyring_allowed)
        self.store = TokenStore(entry, self.table.identity(self.user), environment, may_ask=may_ask)
        self._granted: Granted | None = None
        self._client: Client | None = None

    def current(self) -> Token:
        """A token that is good for a minute at least."""
        return self._token(self.granted())

    def granted(self) -> Granted:
        """The same, with its end."""
        if not self._is_good(self._granted):
            stored = self._stored()
            self._granted = stored if self._is_good(stored) else self._fresh(None)
        assert self._granted is not None  # noqa: S101 # for mypy
        return self._granted

    def renewed(self, rejected: Secret) -> Token:
        """Another token than `rejected`, which the server didn't take."""
        if self._granted is None or self._granted.access_token == rejected:
            self._granted = self._fresh(rejected)
        return self._token(self._granted)

    def without_person(self, client: Client | None) -> Granted:
        """A token for which nobody signs in: by the client's secret, or the service account's key."""
        endpoints = self.table.endpoints(self.environment)
        scope = self.table.scope_at(endpoints)
        if self.table.grant == "service-account":
            account = service_account.read_service_account(self.table.key_file or "")
            claim = account.claim(self.user, scope or "", self.environment)
            endpoints = endpoints._replace(token=account.token_endpoint)
            fields = {"assertion": claim.reveal()}
            return request_token(endpoints, None, service_account.GRANT_TYPE, fields, self.environment)
        fields = {"scope": scope} if scope else {}
        return request_token(endpoints, client, "client_credentials", fields, self.environment)

    def client(self, signed_in: SignedIn | None) -> Client:
        """Who we are to the provider; the secret is the variable's, else the one that was kept."""
        if self._client is None:
            client_id = client_id_of(self.table, self.profile_name)
            secret = client_secret(self.profile_name, self._rivals, self.environment)
            if secret is None and signed_in is not None:
                secret = signed_in.client_secret
            self._client = Client(client_id, secret)
        return self._client

    def _token(self, granted: Granted) -> Token:
        return Token(granted.access_token.reveal(), self)

    def _is_good(self, granted: Granted | None) -> bool:
        return granted is not None and granted.expires_at - MARGIN > self.environment.now()

    def _stored(self) -> Granted | None:
        if self.table.needs_person:
            return self.store.access()
        with suppress(CredentialMissing, KeyringLocked):  # a server without a person has no keyring, and needs none
            return self.store.access()
        return None

    def _fresh(self, rejected: Secret | None) -> Granted:
        try:
            return self._refreshed(rejected) if self.table.needs_person else self._personless()
        except TokenRefused as refused:
            raise explain_refusal(refused, self.profile_name, self.table.title) from None

    def _refreshed(self, rejected: Secret | None) -> Granted:
        """A new token by the refresh token (RFC 6749 §6), or the one that another process got while we waited."""
        with locked(self.profile_name, self.environment):
            stored = self.store.access()
            if stored is not None and self._is_good(stored) and stored.access_token != rejected:
                return stored
            signed_in = self.store.sign_in()
            if signed_in is None or signed_in.refresh_token is None:
                raise CredentialMissing(
                    f"nobody has signed in at {self.table.title} for profile {self.profile_name}",
                    hint=f"Sign in: sendmail-cli login {self.profile_name}",
                )
            granted = request_token(
                self.table.endpoints(self.environment),
                self.client(signed_in),
                "refresh_token",
                {"refresh_token": signed_in.refresh_token.reveal()},
                self.environment,
            )
            if granted.refresh_token is not None:  # first: the old one is of no use any more
                self.store.keep_sign_in(signed_in._replace(refresh_token=granted.refresh_token))
            self.store.keep_access(granted)
            return granted

    def _personless(self) -> Granted:
        signed_in = None
        with suppress(CredentialMissing, KeyringLocked):
            signed_in = self.store.sign_in()
        client = None
        if self.table.grant == "client-credentials":
            client = self.client(signed_in)
            if client.secret is None:
                raise CredentialMissing(
                    f"there is no client secret for profile {self.profile_name}",
                    hint=f"Give it once: sendmail-cli login {self.profile_name}\n"
                    f"Where there is no keyring, set the variable {secret_variable(self.profile_name)}.",
                )
        granted = self.without_person(client)
        with suppress(CredentialMissing, KeyringLocked):
            self.store.keep_access(granted)
        return granted
