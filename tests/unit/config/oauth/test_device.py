"""The device grant: what is asked and how often, until there is a token or no hope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config.oauth.device import begin_device
from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.config.oauth.table import OAuthTable
from sendmail_cli.config.oauth.token_requests import Client, TokenRefused
from sendmail_cli.errors import ConfigError, RemoteProtocolError, SignInNeeded, TemporaryError
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from sendmail_cli.config.oauth.device import Device
    from tests.unit.config.oauth.conftest import Provider, World

CODE = {
    "device_code": "d3vice",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://x/device",
    "verification_uri_complete": "https://x/device?user_code=ABCD-EFGH",
    "expires_in": 900,
    "interval": 5,
}
TABLE = OAuthTable("microsoft")
CLIENT = Client("id")


def begun(world: World, provider: Provider, client: Client = CLIENT, **changes: Any) -> Device:
    provider.says({**CODE, **changes})
    return begin_device(TABLE, TABLE.endpoints(world), client, world)


def test_asks_until_the_person_has_signed_in(world: World, provider: Provider) -> None:
    device = begun(world, provider)
    assert (device.user_code, device.page, device.whole_page) == (
        "ABCD-EFGH", "https://x/device", "https://x/device?user_code=ABCD-EFGH",
    )  # fmt: skip
    assert provider.asked[0].form == {"client_id": "id", "scope": TABLE.scope_at(device.endpoints)}
    for error in ("authorization_pending", "slow_down", "authorization_pending"):
        provider.refuses(error)
    provider.answers.append(TemporaryError("no answer"))
    provider.gives("token")
    assert device.wait(CLIENT, world).access_token == Secret("token")
    assert world.slept == [5, 5, 10, 10, 20]
    assert provider.asked[-1].form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "id", "device_code": "d3vice",
    }  # fmt: skip


def test_a_secret_goes_along(world: World, provider: Provider) -> None:
    begun(world, provider, Client("id", Secret("s3cret")))
    assert provider.asked[0].form["client_secret"] == "s3cret"


@pytest.mark.parametrize("ending", ["expired_token", "authorization_pending"])
def test_a_code_ends(world: World, provider: Provider, ending: str) -> None:
    device = begun(world, provider, expires_in=18)
    for _ in range(3):
        provider.refuses(ending)
    with pytest.raises(SignInNeeded, match="before the code expired"):
        device.wait(CLIENT, world)
    assert sum(world.slept) <= 18


def test_a_refusal_ends_it(world: World, provider: Provider) -> None:
    device = begun(world, provider)
    provider.refuses("access_denied")
    with pytest.raises(TokenRefused, match="access_denied"):
        device.wait(CLIENT, world)


@pytest.mark.parametrize(
    "changes",
    [{"device_code": None}, {"user_code": 5}, {"verification_uri": None}, {"verification_uri": "javascript:alert(1)"},
     {"verification_uri": "http://x/"}],
)  # fmt: skip
def test_what_is_no_code(world: World, provider: Provider, changes: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError, match="gives no code"):
        begun(world, provider, **changes)


def test_what_a_provider_says_steers_no_terminal_and_no_clock(world: World, provider: Provider) -> None:
    device = begun(
        world, provider, user_code="A\x1b[2J", verification_uri_complete="http://evil/", expires_in=1e300, interval=-1
    )
    assert device.user_code.isprintable()
    assert device.whole_page is None
    assert (device.lifetime, device.interval) == (1800, 5)
    assert begun(world, provider, interval=0.01, expires_in="x").interval == 1


def test_who_has_none_says_so(world: World) -> None:
    with pytest.raises(ConfigError, match="has no sign-in by device"):
        begin_device(OAuthTable(issuer="https://x"), Endpoints("https://x/token"), CLIENT, world)
