"""`sendmail-cli run -- COMMAND`: run a program and mail how it went."""

from __future__ import annotations

import click

from sendmail_cli import service
from sendmail_cli.addressees import parse_addressees
from sendmail_cli.cli import interrupts
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, server_flags, server_options, talk
from sendmail_cli.cli.params import ADDRESSEES, MAILBOX, TEXT
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, own_mailboxes
from sendmail_cli.errors import AddressError, ConfigError, MailError, Terminated
from sendmail_cli.message.attachments import Attachment
from sendmail_cli.message.marks import auto_submitted_fields
from sendmail_cli.request import Request
from sendmail_cli.runs import mail
from sendmail_cli.runs.memory import FailureMemory
from sendmail_cli.runs.program import run_program
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.runs.program import ProgramRun

FAILURE, OUTPUT, ALWAYS = "failure", "output", "always"
INTERVAL = 3600.0  # seconds between two mails about the same failure
RECIPIENT_VARIABLE = "MAILTO"  # as in a crontab


@click.command(
    "run",
    cls=SectionedCommand,
    short_help="Run a program and mail how it went.",
    examples=(
        "sendmail-cli run -- backup.sh --all",
        "sendmail-cli run --on output -t ops@example.org -- apt-get -qq update",
        "0 3 * * * sendmail-cli run -- /usr/local/bin/backup.sh",
    ),
    exit_codes=(0, 64, 65),
    context_settings={"allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, required=True, metavar="[--] COMMAND...", type=click.UNPROCESSED)
@option(
    "--on",
    type=click.Choice((FAILURE, OUTPUT, ALWAYS)),
    default=FAILURE,
    show_default=True,
    section="When",
    help="Mail when it fails; when it fails or prints anything; or always.",
)
@option(
    "--every-failure",
    is_flag=True,
    section="When",
    help="Mail every failure. Without it the same failure is mailed once an hour, and then says how often it happened.",
)
@option(
    "-t",
    "--to",
    multiple=True,
    type=ADDRESSEES,
    section="Who",
    help=f"Mail to this address. Default: ${RECIPIENT_VARIABLE}, as in a crontab, else the profile's own.",
)
@option("-f", "--from", "from_", once=True, type=MAILBOX, section="Who", help="Send as this address.")
@option("-s", "--subject", once=True, type=TEXT, section="What", help="The subject. Default: host, command, ending.")
@server_options
@output_options
@click.pass_context
def run(context: click.Context, /, command: tuple[str, ...], **values: Any) -> int:
    """Run COMMAND, without a shell, and mail what it printed, its exit code and how long it took.

    The exit code is COMMAND's own, whatever becomes of the mail. As in a shell it is 127 or 126 where COMMAND can't be
    started, and 128 and the number of the signal that ended it. What COMMAND prints is not shown, so that cron stays
    quiet; where the mail can't be sent it goes to standard error instead.
    """
    talking = talk(context, values)
    done = run_program(command, talking.environment)
    memory = FailureMemory(done, talking.environment)
    if not _is_wanted(done, values["on"]):
        return done.exit_code
    if done.is_failure and not values["every_failure"] and not memory.is_due(INTERVAL):
        _remember(memory.note_unsaid, talking)
        talking.output.note("the same failure was mailed less than an hour ago, so this one isn't")
        return done.exit_code
    text = mail.text_of(done, memory.unsaid if done.is_failure else 0, talking.environment)
    # A backup matters more than the mail about it: what is wrong with the mail is said when the program has run.
    try:
        is_sent = _send(done, text, values, talking) is ExitCode.OK
    except (KeyboardInterrupt, Terminated):
        talking.output.lines(text)
        raise
    if not is_sent:
        talking.output.lines(text)
    elif done.is_failure:
        _remember(memory.note_mailed, talking)
    return done.exit_code


def _send(done: ProgramRun, text: str, values: dict[str, Any], talking: Talk) -> ExitCode:
    """What became of the mail; it is said where it is no success."""
    flags = server_flags(values, from_=values["from_"])
    try:
        request = Request(
            flags=flags,
            to=_recipients(values["to"], flags, talking),
            subject=values["subject"] or mail.subject_of(done, talking.environment),
            text=text,
            attachments=(Attachment(done.output, "output.txt", "text/plain"),) if mail.is_cut(done.output) else (),
            headers=auto_submitted_fields("generated"),
        )
        report = service.send(
            request,
            talking.environment,
            note=talking.output.note,
            on_settings=talking.settled,
            on_event=talking.on_event,
        )
    except MailError as error:
        return talking.output.error(error)
    interrupts.settle()
    return talking.output.report(report)


def _recipients(given: tuple[tuple[Addressee, ...], ...], flags: ServerFlags, talking: Talk) -> tuple[Addressee, ...]:
    """Whom to tell. Raises `MailError` where nobody is known."""
    named = tuple(address for addresses in given for address in addresses)
    if named:
        return named
    text = talking.environment.variables.get(RECIPIENT_VARIABLE)
    if text:
        try:
            return parse_addressees(text)
        except AddressError as error:
            raise AddressError(f"{RECIPIENT_VARIABLE}: {error.sentence}", hint="Name whom to tell with --to.") from None
    own = own_mailboxes(flags, load_profiles(talking.environment), talking.environment)
    if not own:
        raise ConfigError("nobody is there to be told: no profile has a From", hint="Name whom to tell with --to.")
    return own[:1]


def _is_wanted(done: ProgramRun, when: str) -> bool:
    if when == ALWAYS or done.is_failure:
        return True
    return when == OUTPUT and done.output.size > 0


def _remember(note: Callable[[], None], talking: Talk) -> None:
    try:
        note()
    except OSError as error:
        talking.output.warn(f"can't remember what was mailed in {error.filename}: {error.strerror}")
