"""`sendmail-cli setup`: from an address to a profile that works."""

from __future__ import annotations

import os
import shlex
from functools import partial

import click

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.cli.asking import Asker
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import TLS_MODES, json_option, output_options, password_fd_option, talk
from sendmail_cli.cli.params import FILE, MAILBOX, TEXT
from sendmail_cli.cli.setup_course import Course
from sendmail_cli.cli.setup_search import given_server
from sendmail_cli.cli.setup_sign_in import parse_user
from sendmail_cli.cli.setup_wishes import Wishes
from sendmail_cli.config.profile_keys import parse_tls_pin
from sendmail_cli.config.providers import BY_NAME
from sendmail_cli.errors import MailError, UsageError
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.server_url import ServerURL
    from sendmail_cli.status import ExitCode

    Value = TypeVar("Value")


@click.command(
    "setup",
    cls=SectionedCommand,
    short_help="Find the server of an address, sign in, and make a profile of it.",
    examples=(
        "sendmail-cli setup you@example.org",
        "sendmail-cli setup --show you@example.org",
        "sendmail-cli setup you@example.org --provider sendgrid",
        "pass show mail | sendmail-cli setup you@example.org --no-input",
    ),
    exit_codes=(0, 64, 65, 68, 69, 70, 71, 73, 75, 76, 77, 78, 130, 143),
)
@click.argument("address", required=False, type=MAILBOX)
@option(
    "--provider",
    type=click.Choice(tuple(BY_NAME)),
    metavar="NAME",
    section="Where",
    help=f"The provider, where the address doesn't tell: {', '.join(BY_NAME)}.",
)
@option(
    "-S", "--server", once=True, metavar="SERVER", section="Where", help="The server, [smtps://|smtp://]host[:port]."
)
@option("--region", metavar="NAME", section="Where", help="The region, with a provider that has several (ses).")
@option("--tls", type=click.Choice(TLS_MODES), section="Where", help="How the connection to --server comes to TLS.")
@option("--ca-file", type=FILE, section="Where", help="Trust the authorities in this PEM file, not the system's.")
@option("--tls-pin", metavar="sha256:HEX", section="Where", help="Take the certificate with this SHA-256 and no other.")
@option(
    "--accept-server",
    is_flag=True,
    section="Where",
    help="With --no-input: take a server in another domain from DNS that nobody signed.",
)
@option("--offline", is_flag=True, section="Where", help="Ask nobody: go by what is known of providers, try nothing.")
@option("--show", is_flag=True, section="Where", help="Find the server, print it, and stop. Nothing is written.")
@option("--from", "name_shown", type=TEXT, metavar="NAME", section="Who", help="The name that readers see.")
@option("--user", section="Who", help="The name to sign in with, where it isn't the one that is found.")
@option(
    "--password-command",
    metavar="COMMAND",
    section="Who",
    help="A command that prints the password each time, run without a shell; nothing is put into the keyring.",
)
@option(
    "--password-file",
    type=FILE,
    section="Who",
    help="A file that holds the password and that only you can read; nothing is put into the keyring.",
)
@password_fd_option("Who")
@option(
    "--oauth",
    metavar="PROVIDER",
    section="Who",
    help="Sign in with a browser, where a password would do. Who gives the token: google, microsoft, fastmail, yandex, "
    "or an issuer's https:// address.",
)
@option("--client-id", metavar="ID", section="Who", help="The client id for that sign-in.")
@option("--device", is_flag=True, section="Who", help="Show a code for that sign-in, to type in on any device.")
@option("--no-browser", is_flag=True, section="Who", help="Open no browser for it: show the address.")
@option("--no-store", is_flag=True, section="Who", help="Don't keep the password: it will come from elsewhere.")
@option("--name", metavar="PROFILE", section="The profile", help="What to call the profile. Default: by the provider.")
@option("--replace", is_flag=True, section="The profile", help="Replace a profile of that name as a whole.")
@option("--default", "is_default", is_flag=True, section="The profile", help="Make it the default. The first one is.")
@option(
    "--send-test/--no-send-test",
    "send_test",
    default=None,
    section="The profile",
    help="Send a mail to yourself in the end, or don't. Without a word: asked, and not sent where nobody can be.",
)
@output_options
@json_option
@click.pass_context
def setup(context: click.Context, /, address: Mailbox | None, **values: Any) -> ExitCode:
    """Find the server that takes mail from ADDRESS, sign in there, keep the password, and write a profile.

    Asks before each step, and writes nothing before the server took the password. Every question has an option that
    answers it; with --no-input nobody is asked, and the password is the first line of standard input.

    Looks at a table of providers, then at the DNS of the domain (SRV), its autoconfig by https, its mail exchangers,
    and tries smtp. and mail. on ports 465 and 587. Nothing secret is sent meanwhile.
    """
    talking = talk(context, values)
    asker = Asker(talking)
    if address is None:
        address = _asked_address(asker, talking)
    return Course(address, _wishes(values), talking, asker).run()


def _asked_address(asker: Asker, talking: Talk) -> Mailbox:
    if not asker.may_ask:
        raise UsageError("an address is missing", hint="sendmail-cli setup you@example.org")
    talking.inform("This finds your mail server, signs in there, and keeps it as a profile.")
    return asker.text("Your mail address", parse_mailbox)


def _wishes(values: dict[str, Any]) -> Wishes:
    """What the options say. Raises `UsageError` for those that can't be meant together."""
    if values["server"] is not None and values["provider"] is not None:
        raise UsageError("--server and --provider both say which server it is; give one of them")
    given = [name for name in ("password_fd", "password_file", "password_command", "oauth") if values[name] is not None]
    if len(given) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{flags} each say how to sign in; give one of them")
    if values["server"] is None and values["tls"] is not None:
        raise UsageError("--tls says how to reach a server: name it with --server")
    command, ca_file = values["password_command"], values["ca_file"]
    server = None if values["server"] is None else _checked("--server", given_server, values["server"])
    return Wishes(
        provider=None if values["provider"] is None else BY_NAME[values["provider"]],
        server=server,
        region=values["region"],
        tls=None if values["tls"] is None else TLSMode(values["tls"]),
        ca_file=None if ca_file is None else os.path.abspath(ca_file),
        tls_pin=None if values["tls_pin"] is None else _checked("--tls-pin", parse_tls_pin, values["tls_pin"]),
        is_foreign_taken=values["accept_server"],
        is_offline=values["offline"],
        is_show=values["show"],
        name_shown=values["name_shown"],
        user=_user(values["user"], server),
        password_fd=values["password_fd"],
        password_file=None if values["password_file"] is None else os.path.abspath(values["password_file"]),
        password_command=None if command is None else _words(command),
        oauth=None if values["oauth"] is None else _oauth(values["oauth"]),
        client_id=values["client_id"],
        is_device=values["device"],
        is_without_browser=values["no_browser"],
        is_kept=not values["no_store"],
        name=values["name"],
        is_replacing=values["replace"],
        is_default=values["is_default"],
        is_test_sent=values["send_test"],
    )


def _checked(flag: str, parse: Callable[[str], Value], text: str) -> Value:
    """What `parse` makes of an option's text. Raises `UsageError` that names the option."""
    try:
        return parse(text)
    except MailError as error:
        raise UsageError(f"{flag}: {error.sentence}", hint=error.hint) from None


def _user(given: str | None, server: ServerURL | None) -> str | None:
    if given is not None:
        return _checked("--user", parse_user, given)
    return None if server is None else server.user


def _oauth(who: str) -> tuple[str, str]:
    from sendmail_cli.config.oauth.table import check_oauth_value

    key = "issuer" if ":" in who else "provider"
    return key, _checked("--oauth", partial(check_oauth_value, key), who)


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--password-command: {str(error).lower()}") from None
