"""`sendmail-cli profile`: add, import, list, show, set, remove, default."""

from __future__ import annotations

import shlex
from contextlib import suppress

import click

from sendmail_cli import service
from sendmail_cli.cli.groups import SectionedGroup, option
from sendmail_cli.cli.options import json_option, output_options, talk
from sendmail_cli.cli.params import PROFILE
from sendmail_cli.cli.profile_import import import_
from sendmail_cli.cli.profile_options import fields_of, value_options
from sendmail_cli.config import profile_file
from sendmail_cli.config.profile_keys import (
    NEEDS_NO_PASSWORD,
)
from sendmail_cli.config.profiles import SANDBOX, load_profiles
from sendmail_cli.config.settings import ServerFlags, choose_profile, resolve_settings
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.profiles import Profile, Profiles


@click.group(
    "profile",
    cls=SectionedGroup,
    short_help="Add, list, show, set and remove profiles.",
    examples=(
        "sendmail-cli profile add work --from you@example.org \\",
        "    --server smtp.example.org --user you@example.org",
        "sendmail-cli profile list",
        "sendmail-cli profile show work",
    ),
    exit_codes=(0, 64, 73, 78),
)
def profile() -> None:
    """A profile says whom mail is from, which server takes it, and how to sign in there.

    Profiles are kept in profiles.toml; edit it by hand if you like, comments stay. The password goes to the keyring:
    sendmail-cli login NAME.
    """


@profile.command(
    "add",
    short_help="Add a profile.",
    examples=(
        "sendmail-cli profile add work --from 'Ada <ada@example.org>' \\",
        "    --server smtps://smtp.example.org --user ada@example.org",
        "sendmail-cli profile add local --from cron@example.org --server localhost",
    ),
    exit_codes=(0, 64, 65, 73, 78),
)
@click.argument("name")
@value_options
@output_options
@click.pass_context
def add(context: click.Context, /, name: str, **values: Any) -> ExitCode:
    """Add the profile NAME. The first one becomes the default."""
    talking = talk(context, values)
    fields = fields_of(values)
    missing = [key for key in ("from", "server") if key not in fields and not (key == "server" and "pipe" in fields)]
    if missing:
        raise UsageError(f"a profile needs {' and '.join(f'--{key}' for key in missing)}")
    is_first = not load_profiles(talking.environment).names
    path = profile_file.save_profile(talking.environment, name, fields)
    if is_first:
        profile_file.set_default(talking.environment, name)
    talking.inform(f"added {name} to {path}")
    has_user = "user" in fields or "@" in str(fields.get("server"))
    if (
        has_user
        and not {"password_command", "password_file"} & set(fields)
        and fields.get("auth") not in NEEDS_NO_PASSWORD
    ):
        talking.inform(f"next: sendmail-cli login {name}")
    return ExitCode.OK


profile.add_command(import_)


@profile.command(
    "list", short_help="List the profiles.", examples=("sendmail-cli profile list",), exit_codes=(0, 64, 78)
)
@output_options
@json_option
@click.pass_context
def list_profiles(context: click.Context, /, **values: Any) -> ExitCode:
    """List the profiles, the default one with a star. The built-in profile sandbox is always there."""
    talking = talk(context, values)
    profiles = load_profiles(talking.environment)
    default = _name_of_default(profiles, talking)
    rows = [
        {
            "name": each.name,
            "from": None if each.from_ is None else str(each.from_),
            "server": _server_of(each),
            "is_default": each.name == default,
        }
        for each in (profiles.get(name) for name in (*profiles.names, SANDBOX))
    ]
    if talking.output.is_json:
        talking.output.answer_json({"profiles": rows})
        return ExitCode.OK
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        star = "*" if row["is_default"] else " "
        talking.output.answer(f"{star} {row['name']!s:{width}}  {row['from'] or '-'}  {row['server'] or '-'}")
    return ExitCode.OK


@profile.command(
    "show",
    short_help="Show a profile, and where each value came from.",
    examples=("sendmail-cli profile show", "sendmail-cli profile show work"),
    exit_codes=(0, 64, 78),
)
@click.argument("name", required=False, type=PROFILE)
@output_options
@json_option
@click.pass_context
def show(context: click.Context, /, name: str | None, **values: Any) -> ExitCode:
    """Show the values that hold with the profile NAME, or with the default one, and where each came from."""
    talking = talk(context, values)
    settings = resolve_settings(ServerFlags(profile=name), load_profiles(talking.environment), talking.environment)
    rows = service.rows_of(settings)
    if talking.output.is_json:
        talking.output.answer_json({"settings": {key: {"value": text, "origin": origin} for key, text, origin in rows}})
        return ExitCode.OK
    keys = max((len(key) for key, _, _ in rows), default=0)
    texts = max((len(text) for _, text, _ in rows), default=0)
    for key, text, origin in rows:
        talking.output.answer(f"{key:{keys}}  {text:{texts}}  ({origin})")
    return ExitCode.OK


@profile.command(
    "set",
    short_help="Change values of a profile.",
    examples=(
        "sendmail-cli profile set work --server smtp.example.org:587",
        "sendmail-cli profile set work --unset timeout",
    ),
    exit_codes=(0, 64, 65, 73, 78),
)
@click.argument("name", type=PROFILE)
@value_options
@option(
    "--unset",
    multiple=True,
    metavar="KEY",
    section="What it holds",
    help="Take this value out; headers.NAME and oauth.NAME too.",
)
@output_options
@click.pass_context
def set_(context: click.Context, /, name: str, unset: tuple[str, ...], **values: Any) -> ExitCode:
    """Change values of the profile NAME; the others stay."""
    talking = talk(context, values)
    fields = fields_of(values)
    if not fields and not unset:
        raise UsageError("nothing to change", hint="Name a value, --server for one. sendmail-cli profile set --help")
    profile_file.set_values(talking.environment, name, fields, unset=tuple(map(_key, unset)))
    return ExitCode.OK


@profile.command(
    "remove",
    short_help="Remove a profile.",
    examples=("sendmail-cli profile remove work",),
    exit_codes=(0, 64, 73, 78),
)
@click.argument("name", type=PROFILE)
@output_options
@click.pass_context
def remove(context: click.Context, /, name: str, **values: Any) -> ExitCode:
    """Remove the profile NAME. Its password stays in the keyring: sendmail-cli logout NAME takes it out, before."""
    talking = talk(context, values)
    path = profile_file.remove_profile(talking.environment, name)
    talking.inform(f"removed {name} from {path}")
    return ExitCode.OK


@profile.command(
    "default",
    short_help="Say which profile is the default, or choose it.",
    examples=("sendmail-cli profile default", "sendmail-cli profile default work"),
    exit_codes=(0, 64, 73, 78),
)
@click.argument("name", required=False, type=PROFILE)
@output_options
@click.pass_context
def default(context: click.Context, /, name: str | None, **values: Any) -> ExitCode:
    """Make NAME the profile that is used when none is named; without NAME, say which one that is."""
    talking = talk(context, values)
    if name is not None:
        profile_file.set_default(talking.environment, name)
        return ExitCode.OK
    chosen = choose_profile(ServerFlags(), load_profiles(talking.environment), talking.environment)
    if chosen is None or not chosen[0].name:
        talking.output.say("there is no default profile")
    else:
        talking.output.answer(f"{chosen[0].name}  ({chosen[1]})" if talking.output.is_verbose else chosen[0].name)
    return ExitCode.OK


def _name_of_default(profiles: Profiles, talking: Talk) -> str | None:
    """The default's name; None when there is none, or the variable names none: a list helps then more than an error."""
    with suppress(ConfigError):
        chosen = choose_profile(ServerFlags(), profiles, talking.environment)
        return None if chosen is None else chosen[0].name
    return None


def _server_of(chosen: Profile) -> str:
    if chosen.name == SANDBOX:
        return "started for one message"
    return shlex.join(chosen.pipe) if chosen.pipe is not None else ", ".join(map(str, chosen.servers))


def _key(typed: str) -> str:
    """A key as the file has it: the option ca-file is the key ca_file, but headers.X-Job stays."""
    if typed.removeprefix("--") == "credential-source":
        return "credential.source"
    return typed if "." in typed else typed.removeprefix("--").replace("-", "_")
