"""A person signs in at the provider of a profile's mailbox: in a browser, by pasting an address, or at another device.

`login` and `setup` do it alike: `sign_in`, try what came of it at the server, and only then `keep` it.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from enum import Enum

import click

from sendmail_cli.config.oauth.authorization import begin_authorization
from sendmail_cli.config.oauth.client_secret import MAX_SECRET, secret_variable, usable_secret
from sendmail_cli.config.oauth.device import begin_device
from sendmail_cli.config.oauth.lock import locked
from sendmail_cli.config.oauth.providers import ClientSecret
from sendmail_cli.config.oauth.store import SignedIn
from sendmail_cli.config.oauth.token_requests import Client, TokenRefused, explain_refusal, revoke
from sendmail_cli.config.oauth.tokens import Tokens
from sendmail_cli.errors import CredentialMissing, KeyringLocked, MailError, UsageError
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import IO

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.oauth.authorization import Authorization
    from sendmail_cli.config.oauth.endpoints import Endpoints
    from sendmail_cli.config.oauth.token_requests import Granted
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # where one of them is set, a browser can be opened


class Way(Enum):
    """How the person comes to the provider's page."""

    BROWSER = "a browser that is opened here"
    PASTE = "a browser that the person opens, here or elsewhere"
    DEVICE = "a code typed into a browser anywhere"


class Given(NamedTuple):
    """What came of a sign-in. Nothing of it is kept until `keep`."""

    token: Secret  # for the server, to try
    tokens: Tokens
    granted: Granted
    signed_in: SignedIn

    def keep(self) -> None:
        """Put it into the keyring. Raises what `os_keyring.set_password` does."""
        tokens = self.tokens
        with locked(tokens.profile_name, tokens.environment):
            if tokens.table.needs_person or self.signed_in.client_secret is not None:
                tokens.store.keep_sign_in(self.signed_in)
            tokens.store.keep_access(self.granted)


def sign_in(settings: Settings, talking: Talk, way: Way) -> Given:
    """A token for the user of `settings`, whose profile has a table `oauth`.

    Where no person is needed (client credentials, a service account) `way` says nothing. Raises `MailError`, with the
    step that is missing where no client is registered.
    """
    tokens = Tokens(settings, talking.environment, may_ask=talking.may_ask)
    try:
        if tokens.table.needs_person:
            return _by_person(tokens, talking, way)
        client = None if tokens.table.secret is ClientSecret.NONE else _client(tokens, talking)
        granted = tokens.without_person(client)
    except TokenRefused as refused:
        raise explain_refusal(refused, tokens.profile_name, tokens.table.title) from None
    return Given(granted.access_token, tokens, granted, SignedIn(None, client.secret if client is not None else None))


def sign_out(settings: Settings, talking: Talk) -> None:
    """Take the tokens of the profile out of the keyring, and have the provider forget them if it can.

    Raises `CredentialMissing` where there are none, and what `os_keyring.get_password` does.
    """
    tokens = Tokens(settings, talking.environment, may_ask=talking.may_ask)
    title, name = tokens.table.title, tokens.profile_name
    with locked(name, talking.environment):
        signed_in, access = tokens.store.sign_in(), tokens.store.access()
        if not tokens.store.forget():
            raise CredentialMissing(f"the keyring has no tokens of profile {name}")
    token = next(
        (each for each in (signed_in and signed_in.refresh_token, access and access.access_token) if each), None
    )
    talking.inform(f"the tokens of profile {name} are out of the keyring")
    if token is None or tokens.table.client_id is None:
        return
    try:
        endpoints = tokens.table.endpoints(talking.environment)
        if endpoints.revocation is None:
            talking.inform(
                f"{title} can't be told: end the access of the program in your account there, if you want to"
            )
            return
        revoke(endpoints, tokens.client(signed_in), token, talking.environment)
        talking.inform(f"{title} takes them no more")
    except MailError as error:
        talking.output.warn(f"{title} was not told that they are of no more use: {error.sentence}")


def way_for(environment: Environment) -> Way:
    """The way that works here without being asked for."""
    has_display = sys.platform in {"darwin", "win32"} or any(environment.variables.get(name) for name in DISPLAYS)
    return Way.BROWSER if has_display else Way.PASTE


def _by_person(tokens: Tokens, talking: Talk, way: Way) -> Given:
    table, environment = tokens.table, talking.environment
    is_device = way is Way.DEVICE or table.grant == "device"
    refusal = table.known.refusal("device") if is_device and table.known is not None else None
    if refusal is not None:
        raise UsageError(refusal, hint="Sign in with a browser; --no-browser does without one on this machine.")
    client = _client(tokens, talking)
    endpoints = table.endpoints(environment)
    if is_device:
        granted = _by_device(tokens, endpoints, client, talking)
    else:
        granted = _by_code(tokens, endpoints, client, talking, way)
    if granted.refresh_token is None:
        talking.output.warn(f"{table.title} gave no refresh token: the sign-in ends with this access token")
    return Given(granted.access_token, tokens, granted, SignedIn(granted.refresh_token, client.secret))


def _by_device(tokens: Tokens, endpoints: Endpoints, client: Client, talking: Talk) -> Granted:
    device = begin_device(tokens.table, endpoints, client, talking.environment)
    talking.output.say(f"Open {device.page} on any device and type the code {device.user_code}")
    if device.whole_page is not None:
        talking.output.say(f"or open {device.whole_page}")
    talking.inform("waiting until you have signed in …")
    return device.wait(client, talking.environment)


def _by_code(tokens: Tokens, endpoints: Endpoints, client: Client, talking: Talk, way: Way) -> Granted:
    from sendmail_cli.config.oauth.loopback import listening

    environment = talking.environment
    with listening() as listener:
        begun = begin_authorization(tokens.table, endpoints, client, environment, user=tokens.user, port=listener.port)
        typed = None
        if way is Way.PASTE:
            typed = _typed(environment)
            talking.output.lines(
                f"Open this address in a browser and sign in as {tokens.user}:\n\n{begun.url}\n\n"
                "If that browser is on another machine, it ends at a page that it can't open: copy that page's address "
                "and paste it here:"
            )
        else:
            talking.output.lines(f"Sign in as {tokens.user} in the browser. If none opens, go to:\n\n{begun.url}\n")
            _open_browser(begun, environment)

        def warn() -> None:
            talking.output.warn("something came to our port that is not the answer to this sign-in; still waiting")

        code = listener.wait(begun, environment, typed, warn)
    return begun.exchange(code, client, environment)


def _typed(environment: Environment) -> IO[bytes] | None:
    """Standard input, where a line may come from; None where it is closed or nothing that can be waited for."""
    with suppress(OSError, ValueError, AttributeError):
        if environment.stdin is not None:
            environment.stdin.fileno()
            return environment.stdin
    return None


def _open_browser(begun: Authorization, environment: Environment) -> None:
    """Open one, in a process of its own: it inherits no secret of ours and says nothing on our terminal."""
    with suppress(OSError):
        subprocess.Popen(
            [sys.executable, "-m", "webbrowser", begun.url],
            env=environment.child_variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _client(tokens: Tokens, talking: Talk) -> Client:
    """Who we are, with the secret: from the variable, the keyring, standard input or the person."""
    client = tokens.client(_last_sign_in(tokens))
    if client.secret is not None or tokens.table.secret is ClientSecret.NONE:
        return client
    secret = _asked_secret(tokens, talking)
    return client._replace(secret=secret)


def _last_sign_in(tokens: Tokens) -> SignedIn | None:
    """What is kept of the last; nobody is sent to a browser for what then can't be kept."""
    if tokens.table.needs_person:
        return tokens.store.sign_in()
    with suppress(CredentialMissing, KeyringLocked):
        return tokens.store.sign_in()
    return None


def _asked_secret(tokens: Tokens, talking: Talk) -> Secret | None:
    """The client's secret, typed or piped in; None where there is none. Raises `UsageError` where it is needed."""
    is_needed = tokens.table.secret is ClientSecret.NEEDED
    prompt = f"Client secret of {tokens.profile_name} at {tokens.table.title}"
    stdin = talking.environment.stdin
    if talking.environment.is_terminal(stdin):
        if talking.may_ask:
            more = "" if is_needed else " (Enter for none)"
            default = None if is_needed else ""
            typed = click.prompt(f"{prompt}{more}", default=default, show_default=False, hide_input=True, err=True)
            return usable_secret(typed, "the terminal") if typed else None
    elif is_needed and (line := _first_line(stdin)):
        return usable_secret(line, "standard input")
    if not is_needed:
        return None
    raise UsageError(
        f"nobody gives the client secret of profile {tokens.profile_name}",
        hint=f"Run it on a terminal, pipe it in on one line, or set {secret_variable(tokens.profile_name)}.",
    )


def _first_line(stdin: IO[bytes] | None) -> str:
    """The first line, and not an octet more: the next may be an address that is waited for."""
    if stdin is None:
        return ""
    raw = getattr(stdin, "raw", stdin)
    line = b""
    while len(line) <= MAX_SECRET and not line.endswith(b"\n"):
        octet = raw.read(1)
        if not octet:
            break
        line += octet
    return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
