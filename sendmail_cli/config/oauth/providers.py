"""What providers of mailboxes have written about their OAuth 2: endpoints, scopes, and what they don't do.

True in November 2026; docs/oauth.md says where each was read, and how to get a client id.
"""

from __future__ import annotations

from enum import Enum

from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.typing import NamedTuple

BY_PERSON = ("authorization-code", "device")
GRANTS = (*BY_PERSON, "client-credentials", "service-account")
EVERYBODY = "common"  # Microsoft's word for any tenant, and personal accounts


class ClientSecret(Enum):
    """Whether a client that a person registers has a secret."""

    NEEDED = "needed"
    OPTIONAL = "optional"
    NONE = "none"


class Provider(NamedTuple):
    """One provider. In an URL `{tenant}` stands for the organisation, in `redirect` `{port}` for that of the listener.

    `without` says of grants why the provider doesn't have them.
    """

    title: str
    registration: str  # where a client id is had; "" where nobody gets a new one
    endpoints: Endpoints
    scope: str
    redirect: str = "http://127.0.0.1:{port}/"
    secret: ClientSecret = ClientSecret.OPTIONAL
    extra: tuple[tuple[str, str], ...] = ()  # for the authorization request
    scope_without_person: str | None = None  # of client credentials
    without: tuple[tuple[str, str], ...] = ()

    def refusal(self, grant: str) -> str | None:
        """Why there is no such grant; None where there is."""
        return dict(self.without).get(grant)


_NO_DEVICE = ("device", "it has no sign-in by device")
_NOBODY = "it signs in for nobody but persons"
_NO_ACCOUNTS = ("service-account", "service accounts are Google's")
_PERSONS_ONLY = (("client-credentials", _NOBODY), _NO_ACCOUNTS)
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"

PROVIDERS: dict[str, Provider] = {
    "google": Provider(
        "Google",
        "https://console.cloud.google.com/auth/clients",
        Endpoints(
            token="https://oauth2.googleapis.com/token",  # noqa: S106 # an address
            authorization="https://accounts.google.com/o/oauth2/v2/auth",
            revocation="https://oauth2.googleapis.com/revoke",
            issuer="https://accounts.google.com",
        ),
        scope="https://mail.google.com/",
        redirect="http://127.0.0.1:{port}",
        secret=ClientSecret.NEEDED,
        extra=(("access_type", "offline"), ("prompt", "consent")),  # else no refresh token comes
        without=(
            ("device", "Google allows no sign-in by device for mail"),
            ("client-credentials", "Google has service accounts for that: grant = “service-account”"),
        ),
    ),
    "microsoft": Provider(
        "Microsoft",
        "https://entra.microsoft.com",
        Endpoints(
            token=f"{_MICROSOFT}/token",
            authorization=f"{_MICROSOFT}/authorize",
            device=f"{_MICROSOFT}/devicecode",
        ),
        scope="https://outlook.office.com/SMTP.Send offline_access",
        redirect="http://localhost:{port}",  # the portal takes no 127.0.0.1
        secret=ClientSecret.NONE,
        scope_without_person="https://outlook.office365.com/.default",
        without=(_NO_ACCOUNTS,),
    ),
    "yahoo": Provider(
        "Yahoo",
        "",
        Endpoints(
            token="https://api.login.yahoo.com/oauth2/get_token",  # noqa: S106 # an address
            authorization="https://api.login.yahoo.com/oauth2/request_auth",
        ),
        scope="mail-w",
        without=(_NO_DEVICE, *_PERSONS_ONLY),
    ),
    "aol": Provider(
        "AOL",
        "",
        Endpoints(
            token="https://api.login.aol.com/oauth2/get_token",  # noqa: S106 # an address
            authorization="https://api.login.aol.com/oauth2/request_auth",
        ),
        scope="mail-w",
        without=(_NO_DEVICE, *_PERSONS_ONLY),
    ),
    "fastmail": Provider(
        "Fastmail",
        "https://www.fastmail.com/dev/",
        Endpoints(
            token="https://api.fastmail.com/oauth/refresh",  # noqa: S106 # an address
            authorization="https://api.fastmail.com/oauth/authorize",
        ),
        scope="https://www.fastmail.com/dev/protocol-smtp",
        secret=ClientSecret.NONE,
        without=(_NO_DEVICE, *_PERSONS_ONLY),
    ),
    "yandex": Provider(
        "Yandex",
        "https://oauth.yandex.com",
        Endpoints(
            token="https://oauth.yandex.com/token",  # noqa: S106 # an address
            authorization="https://oauth.yandex.com/authorize",
        ),
        scope="mail:smtp",
        without=(("device", "Yandex's sign-in by device is not that of RFC 8628"), *_PERSONS_ONLY),
    ),
}
