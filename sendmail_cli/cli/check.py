"""`sendmail-cli check`: connect, sign in, and say what the server offers; or speak one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendmail_cli import service
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
from sendmail_cli.cli.params import text_of
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import resolve_settings
from sendmail_cli.errors import CommandRefused, LocalProtocolError, UsageError
from sendmail_cli.server import TLSMode
from sendmail_cli.smtp import commands
from sendmail_cli.status import ExitCode, exit_code_for_reply

if TYPE_CHECKING:
    from sendmail_cli.cli.output import Output
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.commands import Command
    from sendmail_cli.smtp.replies import Reply

# What one can ask without leaving the dialogue in another state than it was.
UNKNOWN = (500, 501, 502, 504)  # to a command that is no more than its name and an argument
SPEAKABLE = ("VRFY", "EXPN", "HELP", "NOOP", "RSET", "ETRN")


@click.command(
    "check",
    cls=SectionedCommand,
    short_help="Connect, sign in and say what the server offers.",
    examples=(
        "sendmail-cli check -p work",
        "sendmail-cli check -v -S smtp.example.org:587",
        "sendmail-cli check -p work --command 'VRFY ada'",
    ),
    exit_codes=(0, 64, 65, 67, 68, 69, 70, 71, 73, 75, 76, 77, 78, 130, 143),
)
@server_options
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
    """Connect, secure the connection, say EHLO, sign in, and print what the server offers. Nothing is sent."""
    name = values.pop("trace")
    with traced(name, talk(context, values)) as talking:
        return _check(values, talking)


def _check(values: dict[str, Any], talking: Talk) -> ExitCode:
    command = None if values["command"] is None else _speakable(values["command"])
    settings = resolve_settings(server_flags(values), load_profiles(talking.environment), talking.environment)
    talking.settled(settings)
    service.tell_settings(settings, talking.output.note)
    with service.connect(settings, talking.environment, on_event=talking.on_event, may_ask=talking.may_ask) as session:
        if command is None:
            facts = _facts(session, settings)
        else:
            reply = session.command(command)
    if command is not None:
        return _answered(reply, command, talking.output)
    if talking.output.is_json:
        talking.output.answer_json(facts)
    else:
        talking.output.answer(_table(facts))
    return ExitCode.OK


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


def _facts(session: Session, settings: Settings) -> dict[str, Any]:
    tls = session.stream.tls_facts()
    how = "implicit" if settings.server.tls is TLSMode.IMPLICIT else "starttls"
    capabilities = session.capabilities
    return {
        "server": "sandbox" if settings.is_sandbox else str(settings.server),
        "profile": settings.profile_name,
        "name": capabilities.domain,
        "tls": None
        if tls is None
        else {
            "by": how,
            "version": tls.version,
            "cipher": tls.cipher,
            "certificate": tls.subject,
            "is_verified": tls.is_verified,
        },
        "extensions": [" ".join((keyword, *parameters)) for keyword, parameters in capabilities.extensions],
        "user": settings.server.user,
    }


def _table(facts: dict[str, Any]) -> str:
    tls = facts["tls"]
    rows = [
        ("server", f"{facts['server']}, which calls itself {facts['name'] or 'nothing'}"),
        (
            "TLS",
            "none"
            if tls is None
            else f"{tls['by']}, {tls['version']}, {tls['cipher']}, "
            f"{'' if tls['is_verified'] else 'not verified: '}{tls['certificate']}",
        ),
        ("signed in", facts["user"] or "no (no user is set)"),
        *(("offers" if index == 0 else "", line) for index, line in enumerate(facts["extensions"] or ["nothing"])),
    ]
    return "\n".join(f"{title:10} {text}".rstrip() for title, text in rows)
