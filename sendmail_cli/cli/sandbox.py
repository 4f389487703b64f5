"""`sendmail-cli sandbox`: a local SMTP server that keeps what it receives in a Maildir."""

from __future__ import annotations

import click

from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, talk
from sendmail_cli.cli.params import FOLDER
from sendmail_cli.sandbox import Sandbox, default_folder
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.sandbox import Received


@click.command(
    "sandbox",
    cls=SectionedCommand,
    short_help="Run a local SMTP server that keeps what it gets.",
    examples=(
        "sendmail-cli sandbox --port 2525 --dir /tmp/mail",
        "sendmail-cli send -S localhost:2525 -f you@example.org -m hi ada@example.org",
    ),
    exit_codes=(0, 64, 71, 73),
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    section="Where",
    help="Listen on this port. Default: one that is free.",
)
@option(
    "--dir",
    "folder",
    type=FOLDER,
    section="Where",
    help="Keep messages in this Maildir. Default: that of the profile sandbox.",
)
@output_options
@click.pass_context
def sandbox(context: click.Context, /, port: int, folder: str | None, **values: Any) -> ExitCode:
    """Take mail on 127.0.0.1 and keep it in a Maildir, for tests of your own. It delivers nothing. Ctrl-C ends it.

    It offers STARTTLS with a certificate that it makes at each start; its authority's file is shown.
    """
    talking = talk(context, values)

    def tell(received: Received) -> None:
        talking.inform(f"from <{received.envelope_from}> to {', '.join(received.recipients)}: {received.path}")

    folder = folder or default_folder(talking.environment)
    try:
        with Sandbox(folder, port=port, on_message=tell, environment=talking.environment) as server:
            talking.output.answer(f"listening on {server.host}:{server.port}")
            talking.inform(f"messages go to {server.folder}; --ca-file {server.ca_file} verifies it")
            server.wait()
    except KeyboardInterrupt:
        talking.inform("stopped")
    return ExitCode.OK
