"""`sendmail-cli login` and `logout`: a profile's password or tokens in the keyring of the operating system."""

from __future__ import annotations

from functools import partial

import click

from sendmail_cli import service
from sendmail_cli.cli.asking import piped_password, usable_password
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import Talk, json_option, output_options, password_fd_option, talk
from sendmail_cli.cli.params import PROFILE
from sendmail_cli.cli.sign_in import Way, sign_in, sign_out, way_for
from sendmail_cli.config.os_keyring import KeyringEntry, delete_password, set_password
from sendmail_cli.config.profile_keys import NEEDS_NO_PASSWORD
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.secret import Secret


@click.command(
    "login",
    cls=SectionedCommand,
    short_help="Sign in once: put a profile's password or token in the keyring.",
    examples=(
        "sendmail-cli login work",
        "pass show mail/work | sendmail-cli login work",
        "sendmail-cli login --device",
        "sendmail-cli login --status",
    ),
    exit_codes=(0, 64, 65, 68, 69, 75, 76, 77, 78, 130, 143),
)
@click.argument("name", required=False, type=PROFILE)
@option("--no-check", is_flag=True, help="Store what was given without trying it at the server.")
@option(
    "--status",
    is_flag=True,
    section="Status",
    help="Store nothing: say of NAME, or of each profile, where its password comes from, here and under cron.",
)
@option("--here", is_flag=True, section="Status", help="With --status: don't try it under cron.")
@option("--no-browser", is_flag=True, section="OAuth", help="Open no browser: show the address, and take the answer.")
@option("--device", is_flag=True, section="OAuth", help="Show a code to type into a browser on any device.")
@password_fd_option(None)
@output_options
@json_option
@click.pass_context
def login(
    context: click.Context,
    /,
    name: str | None,
    no_check: bool,  # noqa: FBT001
    password_fd: int | None,
    **values: Any,
) -> ExitCode:
    """Ask for the password of the profile NAME, sign in with it, and keep it in the keyring if the server took it.

    Without a terminal the password is the first line of standard input.

    Where the profile has a table “oauth”, no password is asked for: you sign in at the provider, in a browser, and the
    tokens that it gives are kept. A client secret, if the client has one, is asked for as a password is.

    With --status the password is really looked for, and once more by this program started as cron would start it, with
    next to nothing in its environment. The exit code is 0 when it was found each time.
    """
    way = _way(no_browser=values.pop("no_browser"), device=values.pop("device"))
    is_status, is_here = values.pop("status"), values.pop("here")
    talking = talk(context, values)
    if is_status:
        from sendmail_cli.cli.login_status import show_status

        return show_status(name, talking, with_cron=not is_here)
    _refuse_alone(talking, is_here=is_here)
    settings, entry = _whose(name, talking)
    service.tell_settings(settings, talking.output.note)
    talking.environment.guard_memory()
    if settings.oauth is not None:
        if password_fd is not None:
            raise UsageError(f"--password-fd: the profile {entry.profile_name} signs in by OAuth, without a password")
        given = sign_in(settings, talking, way or way_for(talking.environment))
        secret, keep, what = given.token, given.keep, f"the sign-in at {settings.oauth.title}"
    elif way is not None:
        raise UsageError(f"the profile {entry.profile_name} signs in with a password: it has no table “oauth”")
    else:
        secret = _password_of(entry, settings, talking, password_fd)
        keep = partial(set_password, entry, secret, talking.environment, may_ask=talking.may_ask)
        what = "the password"
    if not no_check:
        with service.connect(
            settings, talking.environment, password=secret, on_event=talking.on_event, may_ask=talking.may_ask
        ):
            talking.output.note(f"the server accepted {what}")
    keep()
    accepted = "stored without a check" if no_check else f"{settings.server} accepted it; stored"
    talking.inform(f"{accepted} in the keyring for profile {entry.profile_name}")
    origin = settings.origins.get("password")
    if settings.oauth is None and origin is not None and origin.kind != "keyring":
        talking.output.warn(f"{origin} comes before the keyring: its password is used, and not the one just stored")
    return ExitCode.OK


@click.command(
    "logout",
    cls=SectionedCommand,
    short_help="Take a profile's password or tokens out of the keyring.",
    examples=("sendmail-cli logout work",),
    exit_codes=(0, 64, 75, 78),
)
@click.argument("name", required=False, type=PROFILE)
@output_options
@click.pass_context
def logout(context: click.Context, /, name: str | None, **values: Any) -> ExitCode:
    """Take the password of the profile NAME out of the keyring.

    Tokens are taken out with the client secret, and the provider is told that they are of no more use, where it wants
    to know.
    """
    talking = talk(context, values)
    settings, entry = _whose(name, talking)
    talking.environment.guard_memory()
    if settings.oauth is None:
        delete_password(entry, talking.environment, may_ask=talking.may_ask)
        talking.inform(f"the password of profile {entry.profile_name} is out of the keyring")
    else:
        sign_out(settings, talking)
    return ExitCode.OK


def _refuse_alone(talking: Talk, *, is_here: bool) -> None:
    """Raise `UsageError` for what only --status can do."""
    if is_here:
        raise UsageError("--here is for --status")
    if talking.output.is_json:
        raise UsageError("--json is for --status")


def _way(*, no_browser: bool, device: bool) -> Way | None:
    """The way to the provider's page that was asked for."""
    if no_browser and device:
        raise UsageError("--device opens no browser anyway; give one of them")
    if device:
        return Way.DEVICE
    return Way.PASTE if no_browser else None


def _whose(name: str | None, talking: Talk) -> tuple[Settings, KeyringEntry]:
    """The settings a password is for, and where it is kept. Raises `ConfigError` when no password is needed."""
    settings = resolve_settings(ServerFlags(profile=name), load_profiles(talking.environment), talking.environment)
    if settings.profile_name is None:
        raise ConfigError(
            "no profile is set up, and a password belongs to one",
            hint="Set one up: sendmail-cli setup you@example.org",
        )
    if settings.is_sandbox:
        raise ConfigError(f"the profile {settings.profile_name} needs no password: its server is our own")
    if settings.server.auth in NEEDS_NO_PASSWORD:
        raise ConfigError(f"the profile {settings.profile_name} signs in by {settings.server.auth}, without a password")
    if settings.server.user is None:
        raise ConfigError(
            f"the profile {settings.profile_name} signs in nowhere: it has no user",
            hint=f"If its server wants one: sendmail-cli profile set {settings.profile_name} --user USER",
        )
    is_insecure_allowed = settings.credential.is_insecure_keyring_allowed
    return settings, KeyringEntry(settings.profile_name, settings.server.user, is_insecure_allowed)


def _password_of(entry: KeyringEntry, settings: Settings, talking: Talk, descriptor: int | None) -> Secret:
    """The password that is given by the descriptor, else by standard input or a person."""
    if descriptor is None:
        return _password(f"Password of {entry.user} at {settings.server}", talking)
    from sendmail_cli.config.credential_sources import DescriptorSource

    return DescriptorSource(descriptor, talking.environment).find()


def _password(prompt: str, talking: Talk) -> Secret:
    stdin = talking.environment.stdin
    if talking.environment.is_terminal(stdin):
        if not talking.may_ask:
            raise UsageError("nobody may be asked for the password", hint="Pipe it in on one line.")
        return usable_password(click.prompt(prompt, hide_input=True, err=True))
    return piped_password(talking.environment)
