"""`sendmail-cli sendmail` and `mailx` as the root group knows them, for their help. `__main__` runs them past click."""

from __future__ import annotations

import click

from sendmail_cli.cli import mailx as mailx_program
from sendmail_cli.cli import sendmail as sendmail_program
from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.environment import Environment

_CODES = (0, 64, 65, 66, 67, 68, 69, 70, 71, 74, 75, 76, 77, 78, 80, 81, 130, 143)


@click.command(
    "sendmail",
    cls=SectionedCommand,
    short_help="Be sendmail(1) for other programs.",
    examples=(
        "sendmail-cli sendmail -t < message.eml",
        "ln -s $(command -v sendmail-cli) /usr/local/bin/sendmail",
    ),
    exit_codes=_CODES,
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
    return sendmail_program.main("sendmail", list(arguments), context.find_object(Environment))


@click.command(
    "mailx",
    cls=SectionedCommand,
    short_help="Be mail(1) for other programs.",
    examples=(
        "df -h | sendmail-cli mailx -s 'Disks' root",
        "ln -s $(command -v sendmail-cli) /usr/local/bin/mail",
    ),
    exit_codes=_CODES,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...", type=click.UNPROCESSED)
@click.pass_context
def mailx(context: click.Context, /, arguments: tuple[str, ...]) -> int:
    """Send standard input as a text, as mail(1) and mailx(1) do. They read mail too; this does not.

    -s is the subject, -c and -b are copies, -r is the sender; -a 'Name: value' adds a header field, -a FILE and
    -A FILE attach a file, -E sends nothing when the text is empty; after the recipients and “--” stand options of
    sendmail(1), -f and -F for example. Under the name mail or mailx, by a symlink, the
    program is the same.
    """
    return mailx_program.main(list(arguments), context.find_object(Environment))
