"""`sendmail-cli queue run`, and `install` and `uninstall`, which see to it that somebody runs it."""

from __future__ import annotations

from functools import partial

import click

from sendmail_cli import service
from sendmail_cli.cli.endings import tell_rest
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import json_option, output_options, talk
from sendmail_cli.errors import UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.output import Output


@click.command(
    "run",
    cls=SectionedCommand,
    short_help="Try what is due.",
    examples=("sendmail-cli queue run", "sendmail-cli queue run --watch"),
    exit_codes=(0, 64, 69, 71, 75, 78, 130, 143),
)
@option("--watch", is_flag=True, section="How", help="Go on, and try what is queued or comes due, until Ctrl-C.")
@option("--in-background", type=int, hidden=True, section="How", help="Go on until nothing waits, for an hour.")
@output_options
@json_option
@click.pass_context
def run(context: click.Context, /, *, watch: bool, in_background: int | None, **values: Any) -> ExitCode:
    """Try what is due. Several may run at the same time and share the work.

    A server that can't be had is no failure of this command: the mail waits, the exit code is 0, and only a person at
    a terminal hears of it. It is 69 when mail was given up; that is in the file undelivered.mbox beside the queue.
    """
    from sendmail_cli import tending

    talking = talk(context, values)
    if tending.leave_to_owner(talking.environment):
        talking.inform("the mail service of this machine sends what is due")
        return ExitCode.OK
    output = talking.output
    say = output.warn if in_background is None else output.note
    rest = partial(_log_rest if watch else tell_rest, output)
    callers = service.queue_callers(talking.environment, say, rest, talking.on_event)
    if in_background is not None:
        ran = tending.run_in_background(talking.environment, callers, in_background)
    elif watch:
        ran = tending.run_on(talking.environment, callers)
    else:
        ran = tending.run_once(talking.environment, callers)
    exit_code = ExitCode.UNAVAILABLE if ran.given_up else ExitCode.OK
    if output.is_json:
        output.answer_json({"exit_code": int(exit_code), **ran._asdict()})
    elif ran.sent:
        output.success(f"sent to {ran.sent} recipient{'s' if ran.sent != 1 else ''}")
    return exit_code


def _log_rest(output: Output, why: str) -> bool:
    """Who goes on for days has a log, and perhaps no reader."""
    output.warn(why)
    return output.environment.is_terminal(output.environment.stderr)


def _checked(*, systemd: bool, cron: bool) -> str | None:
    if systemd and cron:
        raise UsageError("--systemd and --cron contradict each other; give one of them")
    return "systemd" if systemd else "cron" if cron else None


@click.command(
    "install",
    cls=SectionedCommand,
    short_help="Have the queue run every few minutes.",
    examples=("sendmail-cli queue install", "sendmail-cli queue install --cron"),
    exit_codes=(0, 64, 69, 71, 73),
)
@option("--systemd", is_flag=True, section="How", help="By a timer of the user's systemd; the default where it runs.")
@option("--cron", is_flag=True, section="How", help="By a line in the user's crontab.")
@output_options
@click.pass_context
def install(context: click.Context, /, *, systemd: bool, cron: bool, **values: Any) -> ExitCode:
    """Have the queue run every five minutes, from now on and after each start of the machine.

    Without it a runner starts with each mail that is queued, and ends after an hour.
    """
    from sendmail_cli.queue import timer

    talking = talk(context, values)
    done = timer.install(talking.environment, _checked(systemd=systemd, cron=cron))
    talking.inform(done)
    return ExitCode.OK


@click.command(
    "uninstall",
    cls=SectionedCommand,
    short_help="Undo queue install.",
    examples=("sendmail-cli queue uninstall",),
    exit_codes=(0, 64, 71, 73),
)
@output_options
@click.pass_context
def uninstall(context: click.Context, /, **values: Any) -> ExitCode:
    """Take away the timer and the line in the crontab that `queue install` has made."""
    from sendmail_cli.queue import timer

    talking = talk(context, values)
    for done in timer.uninstall(talking.environment) or ["nothing was installed"]:
        talking.inform(done)
    return ExitCode.OK
