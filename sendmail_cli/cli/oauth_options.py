"""The options of `profile add` and `profile set` that make the table `oauth`."""

from __future__ import annotations

import os

import click

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import FILE, text_of
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

GRANTS = ("authorization-code", "device", "client-credentials", "service-account")
SECTION = "OAuth, in place of a password"

oauth_options = stack(
    option(
        "--oauth",
        metavar="PROVIDER",
        section=SECTION,
        help="Who gives the token: google, microsoft, yahoo, aol, fastmail, yandex, or an issuer's https:// address.",
    ),
    option("--client-id", metavar="ID", section=SECTION, help="Who we are to the provider: docs/oauth.md."),
    option(
        "--grant",
        type=click.Choice(GRANTS),
        metavar="GRANT",
        section=SECTION,
        help=f"How we come to it: {', '.join(GRANTS)}. Default: the first, you in a browser; the last two need nobody.",
    ),
    option("--tenant", metavar="TENANT", section=SECTION, help="The organisation at Microsoft. Default: common."),
    option("--scope", metavar="WORDS", section=SECTION, help="What it is to be good for. Default: sending mail."),
    option("--key-file", type=FILE, section=SECTION, help="The key of a service account of Google's (JSON)."),
)


def take_oauth(values: dict[str, Any]) -> dict[str, str]:
    """The table that the options say, taken out of a command's `values`; empty where they say nothing."""
    names = ("client_id", "grant", "tenant", "scope", "key_file")
    table = {name: text_of(value) for name in names if (value := values.pop(name)) is not None}
    who = values.pop("oauth")
    if who is not None:
        table["issuer" if ":" in who else "provider"] = who
    if "key_file" in table and not table["key_file"].startswith("~/"):
        table["key_file"] = os.path.abspath(table["key_file"])
    return table
