"""How a command ends: any exception as a sentence and an exit code, and a report where silence is success."""

from __future__ import annotations

import errno

from sendmail_cli import service
from sendmail_cli.cli import interrupts
from sendmail_cli.errors import InputOutputError, InternalError, MailError, ResourceError, Terminated
from sendmail_cli.report import Action
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.cli.output import Output
    from sendmail_cli.report import Report
    from sendmail_cli.request import Request

OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)


def tell_ending(error: BaseException, output: Output, *, is_debugging: bool) -> ExitCode:
    """Say what happened; gives its code. `is_debugging` shows where a fault of the program itself was."""
    interrupts.settle()  # a signal must not break into the telling: --json would print two objects
    if isinstance(error, KeyboardInterrupt):
        is_terminated = isinstance(error, Terminated)
        how, code = ("terminated", ExitCode.TERMINATED) if is_terminated else ("interrupted", ExitCode.INTERRUPTED)
        return output.stopped(how, code, getattr(error, "__notes__", ()))
    ours = _as_mail_error(error)
    if is_debugging and (isinstance(ours, InternalError) or ours is not error):
        output.traceback(error)
    return output.error(ours)


def hand_over(request: Request, socket_path: str, output: Output) -> ExitCode:
    """Have the machine's own service take the message over, and tell what became of it."""
    from sendmail_cli import handover

    report = handover.hand_over(request, socket_path, output.environment)
    interrupts.settle()
    return output.report(report)


def tell_report(report: Report, output: Output) -> ExitCode:
    """What became of a message of sendmail(1) or mail(1), and its code. A person at a terminal hears that it waits."""
    exit_code = output.report(report)
    environment = output.environment
    if report.queue_id is not None and environment.is_terminal(environment.stderr):
        waiting = next(outcome for outcome in report.outcomes if outcome.action is Action.QUEUED)
        output.say(f"the mail {waiting.text}")
    for remark in service.look_after_queue(environment):
        output.warn(remark)
    return exit_code


def tell_rest(output: Output, why: str) -> bool:
    """Say what stands still in the queue to a person at a terminal, and whether one is there: no program wants it."""
    is_heard = output.environment.is_terminal(output.environment.stderr)
    if is_heard:
        output.warn(why)
    return is_heard


def _as_mail_error(error: BaseException) -> MailError:
    if isinstance(error, MailError):
        return error
    if isinstance(error, MemoryError):
        return ResourceError("there is not enough memory")
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        kind = ResourceError if error.errno in OUT_OF_RESOURCES else InputOutputError
        return kind(f"{what}{(error.strerror or str(error)).lower()}")
    return InternalError(
        f"this is a fault of sendmail-cli itself: {type(error).__name__}",
        hint="Run it again with --debug to see where, and please report it.",
    )
