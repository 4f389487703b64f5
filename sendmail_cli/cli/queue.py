"""`sendmail-cli queue`: look at what waits, run it, hold it, throw it away."""

from __future__ import annotations

from contextlib import suppress

import click

from sendmail_cli.cli.groups import SectionedGroup, option
from sendmail_cli.cli.moments import shown_moment, utc_moment
from sendmail_cli.cli.options import Talk, json_option, output_options, talk
from sendmail_cli.cli.queue_run import install, run, uninstall
from sendmail_cli.cli.queue_view import lines_of, other_queue, state_of
from sendmail_cli.errors import UsageError
from sendmail_cli.queue.entry import MailState
from sendmail_cli.queue.journal import Wanted, attempts
from sendmail_cli.queue.spool import Spool
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from sendmail_cli.queue.entry import Attempt, QueueEntry


@click.group(
    "queue",
    cls=SectionedGroup,
    short_help="See, run and change what waits to be sent.",
    examples=(
        "sendmail-cli queue list",
        "sendmail-cli queue run",
        "sendmail-cli queue install",
    ),
    exit_codes=(0, 64, 69, 73, 75, 78),
)
def queue() -> None:
    """See, run and change what waits to be sent.

    Mail gets here by `send --queue`, `--queue-on-failure`, `--at`, or a profile with queue = "on-failure". A runner in
    the background tries it; what is given up goes to the file undelivered.mbox beside the queue.

    A mail whose last octets were sent and whose reply never came is in doubt: it may have been delivered. A single one
    is sent again; one of a list, with Precedence: bulk or of a mailbox is held, and `queue release` or `queue delete`
    decides. With in_doubt = "hold" or "resend" a profile does the same with all of its mails.
    """


@queue.command(
    "list",
    short_help="List what waits.",
    examples=("sendmail-cli queue list", "sendmail-cli queue list --json | jq -r .why"),
    exit_codes=(0, 64, 73, 75, 78),
)
@output_options
@option(
    "--json", "is_json", is_flag=True, section="How", help="Print a JSON object for each mail, on a line of its own."
)
@click.pass_context
def list_(context: click.Context, /, **values: Any) -> ExitCode:
    """List the mails that wait, with the recipients who are still to get them and what the last attempt brought."""
    talking = talk(context, values)
    with Spool(talking.environment) as spool:
        is_empty = True
        for entry in spool.entries():
            is_empty = False
            if talking.output.is_json:
                talking.output.answer_json(_entry_fields(entry))
            else:
                talking.output.answer(lines_of(entry, talking.environment))
        if is_empty:
            talking.output.success("nothing waits")
        if not talking.output.is_json:
            for pause in spool.pauses():
                talking.inform(f"rests until {shown_moment(pause.until, talking.environment)}: {pause.why}")
    if (remark := other_queue(talking.environment)) is not None:
        talking.inform(remark)
    return ExitCode.OK


def _entry_fields(entry: QueueEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": state_of(entry),
        "created": utc_moment(entry.created),
        "due": utc_moment(entry.due),
        "attempts": entry.attempts,
        "profile": entry.profile,
        "message_id": entry.message_id or None,
        "size": entry.size,
        "envelope_from": entry.reverse_path,
        "recipients": list(entry.recipients),
        "why": entry.why or None,
    }


@queue.command(
    "show",
    short_help="Show a mail and what each attempt brought.",
    examples=("sendmail-cli queue show 7", "sendmail-cli queue show 7 --message > mail.eml"),
    exit_codes=(0, 64, 73, 74, 75, 78),
)
@click.argument("number", type=int, metavar="ID")
@option("--message", is_flag=True, section="What", help="Print the message itself, as it will be sent.")
@output_options
@json_option
@click.pass_context
def show(context: click.Context, /, number: int, *, message: bool, **values: Any) -> ExitCode:
    """Show a mail that waits, and what each attempt brought for whom."""
    talking = talk(context, values)
    with Spool(talking.environment) as spool:
        entry = spool.entry(number)
        if message:
            talking.output.octets(spool.content(number).chunks())
            return ExitCode.OK
        tried = list(attempts(spool, Wanted(mail=number)))
        reports = spool.reports(number)
        if talking.output.is_json:
            log = [attempt_fields(each) for each in tried]
            talking.output.answer_json({**_entry_fields(entry), "reports": reports, "log": log})
            return ExitCode.OK
        talking.output.answer(lines_of(entry, talking.environment))
        talking.output.answer(f"    Message-ID {entry.message_id or 'none'}, profile {entry.profile or 'none'}")
        if reports:
            talking.output.answer(f"    reports asked for: {' '.join(reports)}")
        for each in tried:
            talking.output.answer(f"    {attempt_line(each, talking)}")
    return ExitCode.OK


def attempt_line(attempt: Attempt, talking: Talk) -> str:
    """What an attempt brought, on a line."""
    said = attempt.text if attempt.code is None else f"{attempt.code} {attempt.text}"
    by = f" by {attempt.server}" if attempt.server else ""
    end = f": {said}" if said else ""
    return f"{shown_moment(attempt.at, talking.environment)}  {attempt.action}  {attempt.recipient}{by}{end}"


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """The same as plain values."""
    fields = attempt._asdict() | {"at": utc_moment(attempt.at), "queue_id": attempt.mail}
    del fields["mail"], fields["id"]
    return fields


def _change(
    name: str,
    help_text: str,
    done: str,
    act: Callable[[Spool, int], None],
    states: Collection[MailState] = tuple(MailState),
) -> None:
    """A command that does something to the mails that are named, or to all that are in one of `states`."""

    @queue.command(
        name,
        short_help=help_text.partition(".")[0] + ".",
        examples=(f"sendmail-cli queue {name} 7 8", f"sendmail-cli queue {name} --all"),
        exit_codes=(0, 64, 75, 78),
        help=help_text,
    )
    @click.argument("numbers", type=int, nargs=-1, metavar="[ID]...")
    @option("--all", "is_all", is_flag=True, section="What", help="Do it to all mails that it is for.")
    @output_options
    @json_option
    @click.pass_context
    def command(context: click.Context, /, numbers: tuple[int, ...], *, is_all: bool, **values: Any) -> ExitCode:
        talking = talk(context, values)
        if bool(numbers) == is_all:
            raise UsageError("name the mails by their ids, or all with --all", hint="`queue list` shows the ids.")
        with Spool(talking.environment) as spool:
            changed = list(_each_of_all(spool, act, states) if is_all else _each(spool, act, numbers))
            _follow_up(spool, name)
        if talking.output.is_json:
            talking.output.answer_json({"exit_code": int(ExitCode.OK), "ids": changed})
        else:
            talking.output.success(f"{done} {len(changed)} mail{'s' if len(changed) != 1 else ''}")
        return ExitCode.OK


def _each(spool: Spool, act: Callable[[Spool, int], None], numbers: tuple[int, ...]) -> Iterator[int]:
    for number in numbers:
        act(spool, number)
        yield number


def _each_of_all(spool: Spool, act: Callable[[Spool, int], None], states: Collection[MailState]) -> Iterator[int]:
    """All in one of `states` but what is being sent just now."""
    for entry in spool.entries():
        if entry.state not in states:
            continue
        with suppress(UsageError):  # a runner has taken it since it was read, or has sent it
            act(spool, entry.id)
            yield entry.id


def _follow_up(spool: Spool, name: str) -> None:
    """What may go now is sent at once; where nothing may, nobody need look."""
    if name in {"release", "retry"}:
        from sendmail_cli.tending import start_runner

        start_runner(spool)
    else:
        spool.note_rest()


_change("hold", "Keep mails from being tried. They wait until they are released.", "held", Spool.hold)
_change(
    "release",
    "Let mails be tried that are held or were set aside.",
    "released",
    Spool.release,
    (MailState.HELD, MailState.DAMAGED),
)
_change(
    "retry",
    "Try mails at once. Their time, and what kept their way shut, is forgotten. With --all what is held stays.",
    "to be tried:",
    Spool.retry,
    (MailState.WAITING,),
)
_change("delete", "Throw mails away. Nobody gets a report.", "deleted", Spool.delete)


@queue.command(
    "stats",
    short_help="Count what waits.",
    examples=("sendmail-cli queue stats --json",),
    exit_codes=(0, 64, 73, 75, 78),
)
@output_options
@json_option
@click.pass_context
def stats(context: click.Context, /, **values: Any) -> ExitCode:
    """Count the mails in each state, and say what stands still."""
    talking = talk(context, values)
    environment = talking.environment
    with Spool(environment) as spool:
        counts = {state.value: 0 for state in MailState} | spool.counts()
        due, pauses, is_running = spool.oldest_due(), spool.pauses(), spool.place.has_runner
    if talking.output.is_json:
        rests = [{"until": utc_moment(each.until), "since": utc_moment(each.since), "why": each.why} for each in pauses]
        oldest = None if due is None else utc_moment(due)
        fields = {"counts": counts, "oldest_due": oldest, "is_running": is_running, "rests": rests}
        talking.output.answer_json({**fields, "folder": environment.spool_folder})
        return ExitCode.OK
    for state, count in counts.items():
        talking.output.answer(f"{count:7,} {state}")
    talking.output.answer(f"in {environment.spool_folder}; a runner is {'' if is_running else 'not '}at work")
    if due is not None:
        talking.output.answer(f"the oldest that is due has been since {shown_moment(due, environment)}")
    for pause in pauses:
        talking.output.answer(f"rests until {shown_moment(pause.until, environment)}: {pause.why}")
    return ExitCode.OK


for _command in (run, install, uninstall):
    queue.add_command(_command)
