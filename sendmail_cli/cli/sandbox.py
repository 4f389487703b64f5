"""`sendmail-cli sandbox`: a local SMTP server that keeps what it receives in a Maildir."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, talk
from sendmail_cli.sandbox import Sandbox, default_folder
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from sendmail_cli.sandbox import Received


@click.command(
    "sandbox",
    cls=SectionedCommand,
    short_help="Run a local SMTP server that keeps what it gets.",
    examples=(
        "sendmail-cli sandbox --port 2525 --dir /tmp/mail",
        "sendmail-cli send -S localhost:2525 --tls none -f you@example.org -m hello ada@example.org",
    ),
    exit_codes=(0, 64, 71, 73),
)
@option("--port", type=click.IntRange(0, 65535), default=0, help="Listen here. Default: a free port.")
@option("--dir", "folder", type=click.Path(path_type=str), help="Keep messages in this Maildir.")
@output_options
@click.pass_context
def sandbox(context: click.Context, /, port: int, folder: str | None, **values: Any) -> ExitCode:
    """Take mail on 127.0.0.1 and keep it in a Maildir, for tests of your own. It delivers nothing. Ctrl-C ends it.

    It offers STARTTLS with a certificate that it makes at each start; its authority's file is shown.
    """
    talking = talk(context, values)
    output = talking.output

    def tell(received: Received) -> None:
        if not output.is_quiet:
            output.say(f"from <{received.envelope_from}> to {', '.join(received.recipients)}: {received.path}")

    with Sandbox(
        folder or default_folder(talking.environment), port=port, on_message=tell, environment=talking.environment
    ) as server:
        output.answer(f"listening on {server.host}:{server.port}")
        output.say(f"messages go to {server.folder}; --ca-file {server.ca_file} verifies it")
        try:
            server.wait()
        except KeyboardInterrupt:
            output.say("stopped")
    return ExitCode.OK
