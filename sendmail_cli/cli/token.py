"""`sendmail-cli token`: the access token of a profile, for programs that speak to the same provider."""

from __future__ import annotations

import click

from sendmail_cli import service
from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.cli.options import json_option, output_options, talk
from sendmail_cli.cli.params import PROFILE
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import ConfigError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


@click.command(
    "token",
    cls=SectionedCommand,
    short_help="Print a fresh access token, for another program.",
    examples=(
        "sendmail-cli token work",
        "sendmail-cli token --json work",
    ),
    exit_codes=(0, 64, 75, 76, 77, 78),
)
@click.argument("name", required=False, type=PROFILE)
@output_options
@json_option
@click.pass_context
def token(context: click.Context, /, name: str | None, **values: Any) -> ExitCode:
    """Print an access token of the profile NAME that is good for a minute at least.

    For programs that take a token from a command: mutt's imap_oauth_refresh_command, isync's PassCmd, a credential
    helper of git. Whoever gets the token can send as you until it ends.
    """
    talking = talk(context, values)
    settings = resolve_settings(ServerFlags(profile=name), load_profiles(talking.environment), talking.environment)
    service.tell_settings(settings, talking.output.note)
    if settings.oauth is None:
        raise ConfigError(
            f"the profile {settings.profile_name} has no tokens: it signs in with a password, or not at all"
            if settings.profile_name is not None
            else "no profile is chosen, and tokens belong to one",
            hint="docs/oauth.md says how a profile comes to tokens.",
        )
    from sendmail_cli.config.oauth.tokens import Tokens

    talking.environment.guard_memory()

    granted = Tokens(settings, talking.environment, may_ask=talking.may_ask).granted()
    text = granted.access_token.reveal()
    if talking.output.is_json:
        talking.output.answer_json({
            "access_token": text,
            "token_type": "Bearer",
            "expires_at": int(granted.expires_at),
            "expires_in": int(granted.expires_at - talking.environment.now()),
        })  # fmt: skip
    else:
        talking.output.answer(text)
    return ExitCode.OK
