"""`sendmail-cli explain`: what a reply code, a reply line or an exit code means, and what to do."""

from __future__ import annotations

from typing import Any

import click

from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.cli.options import json_option, output_options, talk
from sendmail_cli.errors import UsageError
from sendmail_cli.status import ExitCode


@click.command(
    "explain",
    cls=SectionedCommand,
    short_help="Say what a reply or an exit code means.",
    examples=(
        "sendmail-cli explain 550",
        "sendmail-cli explain 5.7.1",
        "sendmail-cli explain 535 5.7.8 Username and Password not accepted",
        "sendmail-cli explain exit 75",
    ),
    exit_codes=(0, 64, 73),
)
@click.argument("what", nargs=-1, required=True, metavar="CODE|REPLY...")
@output_options
@json_option
@click.pass_context
def explain(context: click.Context, /, **values: Any) -> ExitCode:
    """Say in plain words what a reply code, an enhanced status code, a whole reply line or an exit code of ours means.

    Numbers up to 99, and 130 and 143, are exit codes; three digits from 100 to 599 are replies.
    """
    talking = talk(context, values)
    from sendmail_cli.smtp.explanations import lookup

    try:
        explanation = lookup.explain(" ".join(values["what"]))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if talking.output.is_json:
        talking.output.answer_json(explanation._asdict())
    else:
        lines = (explanation.meaning, explanation.advice, f"({explanation.source})")
        talking.output.answer_prose(*filter(None, lines))
    return ExitCode.OK
