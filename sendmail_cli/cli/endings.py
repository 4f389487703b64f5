"""How a command ends that didn't end well: any exception as a sentence and an exit code."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from sendmail_cli.cli import interrupts
from sendmail_cli.errors import InputOutputError, InternalError, MailError, ResourceError, Terminated
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from sendmail_cli.cli.output import Output

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
