"""The device grant (RFC 8628): a code that a person types into a browser anywhere, while we ask whether they did."""

from __future__ import annotations

from sendmail_cli.config.oauth.https import fetch, is_protected
from sendmail_cli.config.oauth.token_requests import TokenRefused, redactor_of, refuse_errors, request_token
from sendmail_cli.errors import ConfigError, RemoteProtocolError, SignInNeeded, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.oauth.endpoints import Endpoints
    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.oauth.token_requests import Client, Granted
    from sendmail_cli.environment import Environment

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
USUAL_INTERVAL = 5.0  # seconds; RFC 8628 §3.2
SLOWER = 5.0  # seconds more for each slow_down; RFC 8628 §3.5
LONGEST_WAIT = 1800.0  # seconds, whatever the provider says


class Device(NamedTuple):
    """One sign-in that was begun."""

    endpoints: Endpoints
    code: Secret  # ours
    user_code: str  # the person's
    page: str  # where they type it
    whole_page: str | None  # the same with the code in it
    lifetime: float  # seconds
    interval: float  # seconds between two questions

    def wait(self, client: Client, environment: Environment) -> Granted:
        """The tokens, once the person has signed in.

        Raises `SignInNeeded` when they didn't in time, and what `request_token` does.
        """
        deadline = environment.monotonic() + self.lifetime
        interval = self.interval
        while environment.monotonic() + interval < deadline:
            environment.sleep(interval)
            try:
                return request_token(
                    self.endpoints, client, GRANT_TYPE, {"device_code": self.code.reveal()}, environment
                )
            except TemporaryError:
                interval *= 2  # RFC 8628 §3.5
            except TokenRefused as refused:
                if refused.error == "slow_down":
                    interval += SLOWER
                elif refused.error == "expired_token":
                    break
                elif refused.error != "authorization_pending":
                    raise
        raise SignInNeeded("nobody signed in before the code expired")


def begin_device(table: OAuthTable, endpoints: Endpoints, client: Client, environment: Environment) -> Device:
    """Ask for a code to type. Raises `ConfigError` where there is none, `TokenRefused`, and what `fetch` does."""
    from oauthlib.common import urlencode

    if endpoints.device is None:
        raise ConfigError(f"{table.title} has no sign-in by device")
    scope = table.scope_at(endpoints)
    fields = [("client_id", client.id), *([("scope", scope)] if scope else [])]
    if client.secret is not None:
        fields.append(("client_secret", client.secret.reveal()))
    answer = fetch(endpoints.device, environment, form=urlencode(fields))
    answer.refuse_failing()
    found = answer.fields()
    refuse_errors(answer.host, found, redactor_of(client, {}))
    code, user_code = found.get("device_code"), found.get("user_code")
    page = found.get("verification_uri") or found.get("verification_url")
    if not (isinstance(code, str) and isinstance(user_code, str) and isinstance(page, str) and is_protected(page)):
        raise RemoteProtocolError(f"{answer.host} gives no code to type (HTTP {answer.status})")
    whole = found.get("verification_uri_complete")
    return Device(
        endpoints,
        Secret(code),
        printable(user_code, 40),
        printable(page, 300),
        printable(whole, 300) if isinstance(whole, str) and is_protected(whole) else None,
        min(_seconds(found.get("expires_in"), LONGEST_WAIT), LONGEST_WAIT),
        max(_seconds(found.get("interval"), USUAL_INTERVAL), 1.0),
    )


def _seconds(value: object, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < LONGEST_WAIT * 100 else default  # type: ignore[operator, arg-type]
