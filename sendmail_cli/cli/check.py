"""`sendmail-cli check`: each step on the way to a server, with its verdict; or speak one command."""

from __future__ import annotations

import click

from sendmail_cli import service
from sendmail_cli.addresses import mailboxes_of
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import (
    Talk,
    json_option,
    output_options,
    server_flags,
    server_options,
    talk,
    trace_option,
    traced,
)
from sendmail_cli.cli.params import ADDRESSES, REVERSE_PATH, text_of
from sendmail_cli.cli.step_view import closing_line, inspection_fields, server_line, show_step
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import resolve_settings
from sendmail_cli.errors import CommandRefused, ConfigError, LocalProtocolError, UsageError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.status import ExitCode, exit_code_for_reply
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.output import Output
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.smtp.commands import Command
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.smtp.replies import Reply

# What one can ask without leaving the dialogue in another state than it was.
UNKNOWN = (500, 501, 502, 504)  # to a command that is no more than its name and an argument
SPEAKABLE = ("VRFY", "EXPN", "HELP", "NOOP", "RSET", "ETRN")


@click.command(
    "check",
    cls=SectionedCommand,
    short_help="Try each step on the way to a server.",
    examples=(
        "sendmail-cli check -p work",
        "sendmail-cli check -p work --to bob@example.org",
        "sendmail-cli check -v -S smtp.example.org:587",
        "sendmail-cli check -p work --command 'VRFY ada'",
    ),
    exit_codes=(0, 64, 65, 67, 68, 69, 70, 71, 73, 75, 76, 77, 78, 80, 130, 143),
)
@server_options
@option(
    "-f",
    "--from",
    "from_",
    once=True,
    type=REVERSE_PATH,
    section="Who",
    help="Ask whether mail from this address is taken (MAIL, then RSET). With --to the default is the profile's.",
)
@option(
    "-t",
    "--to",
    multiple=True,
    type=ADDRESSES,
    section="Who",
    help="Ask whether mail to this address is taken (MAIL, RCPT, then RSET). May be repeated. No content is ever sent.",
)
@option(
    "--command",
    metavar="LINE",
    section="How",
    help=f"Speak this command and print the answer: {', '.join(SPEAKABLE)}.",
)
@trace_option
@output_options
@json_option
@click.pass_context
def check(context: click.Context, /, **values: Any) -> ExitCode:
    """Go the way to the server that a send would take, and give a verdict on each step.

    Of the servers of a profile that has several it is the first; --server names another.

    Name, connection, greeting, TLS, EHLO, sign-in; with --from or --to MAIL and RCPT, taken back with RSET. Nothing is
    sent. The exit code is that of the first step that failed.
    """
    name = values.pop("trace")
    if values["command"] is not None and (values["from_"] is not None or values["to"]):
        raise UsageError("--command speaks one command, and --from and --to others; give either")
    with traced(name, talk(context, values)) as talking:
        return _check(values, talking)


def _check(values: dict[str, Any], talking: Talk) -> ExitCode:
    command = None if values["command"] is None else _speakable(values["command"])
    sender = None if values["from_"] is None else values["from_"].address
    settings = resolve_settings(server_flags(values), load_profiles(talking.environment), talking.environment, sender)
    talking.settled(settings)
    service.tell_settings(settings, talking.output.note)
    if command is None:
        return _inspected(settings, _envelope(values, settings), talking)
    with service.connect(settings, talking.environment, on_event=talking.on_event, may_ask=talking.may_ask) as session:
        reply = session.command(command)
    return _answered(reply, command, talking.output)


def _envelope(values: dict[str, Any], settings: Settings) -> Envelope | None:
    recipients = tuple(box.address for box in mailboxes_of(sum(values["to"], ())))
    reverse_path = values["from_"]
    if reverse_path is None and settings.from_ is not None:
        reverse_path = ReversePath(settings.from_.address)
    if values["from_"] is None and not recipients:
        return None
    if reverse_path is None:
        raise ConfigError(
            "no sender: --to needs one, and neither --from nor a profile names it", hint="Add --from you@example.org."
        )
    return envelope_of(reverse_path, recipients)


def _inspected(settings: Settings, envelope: Envelope | None, talking: Talk) -> ExitCode:
    """The steps as they end, or all of them as one object; where --quiet wants neither, what failed."""
    output = talking.output
    is_shown = not (output.is_json or output.is_quiet)
    if is_shown:
        output.answer(f"{server_line(settings)}\n")
    inspection = service.inspect(
        settings,
        talking.environment,
        envelope=envelope,
        on_step=(lambda step: show_step(step, output)) if is_shown else (lambda _: None),
        on_event=talking.on_event,
        may_ask=talking.may_ask,
    )
    if talking.tracing is not None:
        talking.tracing.error = inspection.error
    if is_shown:
        output.answer_prose("", closing_line(inspection))
    elif output.is_json:
        output.answer_json(inspection_fields(inspection, settings))
    if inspection.error is not None and not is_shown:
        output.explain(inspection.error)
    return inspection.exit_code


def _speakable(line: str) -> Command:
    try:
        command = commands.verbatim(text_of(line))
    except LocalProtocolError as error:
        raise UsageError(f"--command: {error.sentence}") from None
    if command.verb not in SPEAKABLE:
        raise UsageError(
            f"--command speaks {', '.join(SPEAKABLE)}, not “{command.verb}”",
            hint="EHLO, STARTTLS and AUTH are said by check itself; send says the rest.",
        )
    return command


def _answered(reply: Reply, command: Command, output: Output) -> ExitCode:
    if not output.is_json:
        output.answer("\n".join(f"{reply.code} {line}" for line in reply.lines))
    elif reply.is_positive:  # a refusal is the one object that the error is
        output.answer_json({"code": reply.code, "lines": list(reply.lines)})
    if reply.is_positive:
        return ExitCode.OK
    raise CommandRefused(
        f"the server refused {command.verb}",
        exit_code_for_reply(reply.code, reply.enhanced, command.verb),
        hint=f"It does not know {command.verb}, or not in this form." if reply.code in UNKNOWN else "",
        server_reply=str(reply),
    )
