"""`sendmail-cli explain`: what a reply, an exit code or a report of delivery means, and what to do."""

from __future__ import annotations

import click

from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.cli.options import Talk, json_option, output_options, talk
from sendmail_cli.errors import UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.message.delivery_report import DeliveryReport, RecipientReport
    from sendmail_cli.smtp.explanations.explanation import Explanation


@click.command(
    "explain",
    cls=SectionedCommand,
    short_help="Say what a reply or an exit code means.",
    examples=(
        "sendmail-cli explain 550",
        "sendmail-cli explain 5.7.1",
        "sendmail-cli explain 535 5.7.8 Username and Password not accepted",
        "sendmail-cli explain exit 75",
        "sendmail-cli explain < undelivered.eml",
    ),
    exit_codes=(0, 64, 65, 73),
)
@click.argument("what", nargs=-1, metavar="[CODE|REPLY]...")
@output_options
@json_option
@click.pass_context
def explain(context: click.Context, /, **values: Any) -> ExitCode:
    """Say in plain words what a reply code, an enhanced status code, a whole reply line or an exit code of ours means.

    Numbers up to 99, and 130 and 143, are exit codes; three digits from 100 to 599 are replies. Without arguments a
    report of delivery is read from standard input, such as a server sends for a message that it gave up.
    """
    talking = talk(context, values)
    if not values["what"]:
        return _explain_report(talking)
    from sendmail_cli.smtp.explanations import lookup

    try:
        explanation = lookup.explain(" ".join(values["what"]))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if talking.output.is_json:
        talking.output.answer_json(explanation._asdict())
    else:
        talking.output.answer_prose(*_lines(explanation))
    return ExitCode.OK


def _lines(explanation: Explanation) -> list[str]:
    return [line for line in (explanation.meaning, explanation.advice, f"({explanation.source})") if line]


def _explain_report(talking: Talk) -> ExitCode:
    from sendmail_cli.message.delivery_report import MAX_REPORT, parse_delivery_report

    stdin = talking.environment.stdin
    octets = b"" if stdin is None or talking.environment.is_terminal(stdin) else stdin.read(MAX_REPORT)
    if not octets:
        raise UsageError("nothing to explain: name a code, or have a report of delivery come from standard input")
    report = parse_delivery_report(octets)
    if talking.output.is_json:
        talking.output.answer_json(_fields(report))
        return ExitCode.OK
    about = f" about “{report.subject}”" if report.subject else ""
    about += f", sent with the envelope id {report.envelope_id}" if report.envelope_id else ""
    talking.output.answer_prose(f"a report by {report.reporter or 'a server that does not name itself'}{about}")
    for each in report.recipients:
        by = f" by {each.server}" if each.server else ""
        talking.output.answer_prose(f"{each.recipient}: {each.action}{by}: {each.reply or each.status}")
        explanation = _explanation(each)
        if each.action in _GOOD_NEWS:
            talking.output.answer_prose(f"  {_GOOD_NEWS[each.action]}")
        elif explanation is not None:
            talking.output.answer_prose(*(f"  {line}" for line in _lines(explanation)))
    return ExitCode.OK


# What a report says that was asked for with --notify success (RFC 3464 §2.3.3).
_GOOD_NEWS = {
    "delivered": "It is in the mailbox.",
    "relayed": "A server has taken it that makes no such reports: of its arrival no more will be heard.",
    "expanded": "It was taken for a list, and sent on to those on it: of their mailboxes no more will be heard.",
}


def _explanation(each: RecipientReport) -> Explanation | None:
    """Of the server's own words, else of the status."""
    from sendmail_cli.smtp.explanations import lookup

    for text in (each.reply, each.status):
        if text:
            try:
                return lookup.explain(text)
            except ValueError:
                continue
    return None


def _fields(report: DeliveryReport) -> dict[str, Any]:
    recipients = []
    for each in report.recipients:
        explanation = _explanation(each)
        meaning = None if explanation is None else explanation._asdict()
        recipients.append({**each._asdict(), "explanation": meaning})
    return {
        "reporter": report.reporter,
        "subject": report.subject,
        "envelope_id": report.envelope_id,
        "recipients": recipients,
    }
