"""`sendmail-cli sendmail` as the root group knows it, for its help. `__main__` runs it past click."""

from __future__ import annotations

import click

from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.cli.sendmail import main
from sendmail_cli.environment import Environment


@click.command(
    "sendmail",
    cls=SectionedCommand,
    short_help="Be sendmail(1) for other programs.",
    examples=(
        "sendmail-cli sendmail -t < message.eml",
        "ln -s $(command -v sendmail-cli) /usr/local/bin/sendmail",
    ),
    exit_codes=(0, 64, 65, 66, 67, 68, 69, 70, 71, 74, 75, 76, 77, 78, 80, 81, 130, 143),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...", type=click.UNPROCESSED)
@click.pass_context
def sendmail(context: click.Context, /, arguments: tuple[str, ...]) -> int:
    """Send the message on standard input, as sendmail(1) does.

    -t reads its recipients from the header, -f sets the envelope's sender, -F the author's name, -bs speaks SMTP; all
    other options are taken. Under the name sendmail, mailq or newaliases, by a symlink, the program is the same. It
    takes what programs write: names without a domain, a header in 8 bits, or none at all.
    """
    return main("sendmail", list(arguments), context.find_object(Environment))
