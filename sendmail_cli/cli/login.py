"""`sendmail-cli login` and `logout`: a profile's password in the keyring of the operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendmail_cli import service
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import Talk, output_options, password_fd_option, talk
from sendmail_cli.cli.params import PROFILE
from sendmail_cli.config.os_keyring import KeyringEntry, delete_password, set_password
from sendmail_cli.config.profile_keys import NEEDS_NO_PASSWORD
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import ConfigError, DataError, UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from sendmail_cli.config.settings import Settings

MAX_PASSWORD = 8192  # octets; an AUTH line takes 12288 (RFC 4954 §4), in base64


@click.command(
    "login",
    cls=SectionedCommand,
    short_help="Put a profile's password in the keyring, after the server took it.",
    examples=("sendmail-cli login work", "pass show mail/work | sendmail-cli login work"),
    exit_codes=(0, 64, 65, 68, 69, 75, 76, 77, 78, 130, 143),
)
@click.argument("name", required=False, type=PROFILE)
@option("--no-check", is_flag=True, help="Store the password without trying it at the server.")
@password_fd_option
@output_options
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
    """
    talking = talk(context, values)
    settings, entry = _whose(name, talking)
    service.tell_settings(settings, talking.output.note)
    talking.environment.guard_memory()
    if password_fd is None:
        password = _password(f"Password of {entry.user} at {settings.server}", talking)
    else:
        from sendmail_cli.config.credential_sources import DescriptorSource

        password = DescriptorSource(password_fd, talking.environment).find()
    if not no_check:
        with service.connect(
            settings, talking.environment, password=password, on_event=talking.on_event, may_ask=talking.may_ask
        ):
            talking.output.note("the server accepted the password")
    set_password(entry, password, talking.environment, may_ask=talking.may_ask)
    accepted = "stored without a check" if no_check else f"{settings.server} accepted it; stored"
    talking.inform(f"{accepted} in the keyring for profile {entry.profile_name}")
    origin = settings.origins.get("password")
    if origin is not None and origin.kind != "keyring":
        talking.output.warn(f"{origin} comes before the keyring: its password is used, and not the one just stored")
    return ExitCode.OK


@click.command(
    "logout",
    cls=SectionedCommand,
    short_help="Take a profile's password out of the keyring.",
    examples=("sendmail-cli logout work",),
    exit_codes=(0, 64, 75, 78),
)
@click.argument("name", required=False, type=PROFILE)
@output_options
@click.pass_context
def logout(context: click.Context, /, name: str | None, **values: Any) -> ExitCode:
    """Take the password of the profile NAME out of the keyring."""
    talking = talk(context, values)
    _, entry = _whose(name, talking)
    delete_password(entry, talking.environment, may_ask=talking.may_ask)
    talking.inform(f"the password of profile {entry.profile_name} is out of the keyring")
    return ExitCode.OK


def _whose(name: str | None, talking: Talk) -> tuple[Settings, KeyringEntry]:
    """The settings a password is for, and where it is kept. Raises `ConfigError` when no password is needed."""
    settings = resolve_settings(ServerFlags(profile=name), load_profiles(talking.environment), talking.environment)
    if settings.profile_name is None:
        raise ConfigError(
            "no profile is set up, and a password belongs to one",
            hint="sendmail-cli profile add work --from you@example.org --server smtp.example.org "
            "--user you@example.org",
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


def _password(prompt: str, talking: Talk) -> Secret:
    stdin = talking.environment.stdin
    if talking.environment.is_terminal(stdin):
        if not talking.may_ask:
            raise UsageError("nobody may be asked for the password", hint="Pipe it in on one line.")
        return _usable(click.prompt(prompt, hide_input=True, err=True))
    line = stdin.readline(MAX_PASSWORD + 1) if stdin is not None else b""
    if len(line) > MAX_PASSWORD:
        raise DataError(f"the first line of standard input is longer than {MAX_PASSWORD} octets: no password is")
    password = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    if not password:
        raise UsageError("no password on standard input", hint="Run it on a terminal to be asked, or pipe in one line.")
    return _usable(password)


def _usable(password: str) -> Secret:
    """`password`, if a sign-in can carry it (RFC 4616 §2). Raises `DataError`."""
    try:
        is_usable = b"\0" not in password.encode()
    except UnicodeEncodeError:
        is_usable = False
    if not is_usable:
        raise DataError("the password is not UTF-8 text, and only such can be sent")
    return Secret(password)
