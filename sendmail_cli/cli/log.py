"""`sendmail-cli log`: what was sent, and what became of it."""

from __future__ import annotations

import click

from sendmail_cli.cli.groups import SectionedGroup, option
from sendmail_cli.cli.moments import parse_since
from sendmail_cli.cli.options import output_options, talk
from sendmail_cli.cli.queue import attempt_fields, attempt_line
from sendmail_cli.errors import UsageError
from sendmail_cli.queue.journal import Wanted, attempts
from sendmail_cli.queue.spool import Spool
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_json_lines = option(
    "--json", "is_json", is_flag=True, section="How", help="Print a JSON object for each line of the log."
)


@click.group(
    "log",
    cls=SectionedGroup,
    short_help="See what was sent, and what became of it.",
    examples=("sendmail-cli log list --since 2d --to example.org",),
    exit_codes=(0, 64, 73, 75, 78),
)
def log() -> None:
    """See what was sent, and what became of it.

    Whatever was in the queue is written down and kept for 30 days. In a profile, log = "90d" has all that is sent
    written down, and says for how long.
    """


@log.command(
    "list",
    short_help="List what became of mails.",
    examples=("sendmail-cli log list --since 2d", "sendmail-cli log list --to ada@example.org --json"),
    exit_codes=(0, 64, 73, 75, 78),
)
@option("--since", once=True, metavar="TIME", section="What", help="From then on: 2h, 1d, '2026-12-24 18:00'.")
@option("--to", once=True, metavar="TEXT", section="What", help="To recipients whose address has this in it.")
@output_options
@_json_lines
@click.pass_context
def list_(context: click.Context, /, since: str | None, to: str | None, **values: Any) -> ExitCode:
    """List what each attempt brought for each recipient, oldest first."""
    talking = talk(context, values)
    moment = None if since is None else parse_since(since, talking.environment)
    with Spool(talking.environment) as spool:
        for each in attempts(spool, Wanted(since=moment, to=to)):
            if talking.output.is_json:
                talking.output.answer_json(attempt_fields(each))
            else:
                talking.output.answer(attempt_line(each, talking))
    return ExitCode.OK


@log.command(
    "show",
    short_help="Show what became of one mail.",
    examples=("sendmail-cli log show 7", "sendmail-cli log show '<b3c0@example.org>'"),
    exit_codes=(0, 64, 73, 75, 78),
)
@click.argument("mail", metavar="ID|MESSAGE-ID|ENVELOPE-ID")
@output_options
@_json_lines
@click.pass_context
def show(context: click.Context, /, mail: str, **values: Any) -> ExitCode:
    """Show what each attempt at one mail brought, by its id in the queue, its Message-ID, or the envelope id (--envid)
    by which a report names it.
    """
    talking = talk(context, values)
    found = False
    with Spool(talking.environment) as spool:
        for each in attempts(spool, Wanted(name=mail)):
            found = True
            if talking.output.is_json:
                talking.output.answer_json(attempt_fields(each))
            else:
                talking.output.answer(attempt_line(each, talking))
    if not found:
        raise UsageError(f"the log has nothing of {mail}", hint="`sendmail-cli log list` shows what it has.")
    return ExitCode.OK
