"""`sendmail-cli send`: compose one message from flags, files and standard input, and send it."""

from __future__ import annotations

import click

from sendmail_cli import service
from sendmail_cli.cli import interrupts, progress
from sendmail_cli.cli.attach_options import attach_files, attach_options
from sendmail_cli.cli.delivery_options import delivery_options, demands
from sendmail_cli.cli.editor import Manuscript
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.header_options import header_files, header_options
from sendmail_cli.cli.looking import chosen_look, looking_options
from sendmail_cli.cli.message_options import ready_options, what_options, who_options
from sendmail_cli.cli.options import Talk, json_option, output_options, server_options, talk, trace_option, traced
from sendmail_cli.cli.params import ADDRESSEES, FILE
from sendmail_cli.cli.queue_options import queue_options, queueing
from sendmail_cli.cli.requesting import request_of
from sendmail_cli.cli.several import Series, send_series
from sendmail_cli.cli.text_options import text_files, text_options
from sendmail_cli.errors import MailError, UsageError
from sendmail_cli.request import Request
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.looking import Look

EXAMPLES = (
    'echo "disk full" | sendmail-cli send -s "$(hostname)" root@example.org',
    "sendmail-cli send --to ada@example.org -s Report -a report.pdf < body.txt",
    'pg_dump shop | gzip | sendmail-cli send -p work -s Backup -m "see attached" \\',
    "    --attach-as shop.sql.gz - ops@example.org",
    "sendmail-cli send --raw - < message.eml",
)


@click.command(
    "send",
    cls=SectionedCommand,
    short_help="Compose and send one message.",
    examples=EXAMPLES,
    exit_codes=(0, 64, 65, 66, 67, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 80, 81, 130, 143),
)
@click.argument(
    "recipients",
    nargs=-1,
    type=ADDRESSEES,
    metavar="[RECIPIENT]...",
    help="Send to this address, or to this alias. Names, commas and groups stand as in a header: "
    "'Ada <ada@example.org>'.",
)
@who_options
@what_options
@text_options
@attach_options
@header_options
@ready_options
@server_options
@delivery_options
@queue_options
@looking_options
@option(
    "--fcc",
    once=True,
    type=FILE,
    metavar="DIR|FILE",
    section="How",
    help="Keep a copy of what was sent, with its Bcc, in this Maildir (a folder, or a name that ends in /) or mbox; "
    "none: keep none, whatever the profile says. Failing is a warning, since the message is sent by then.",
)
@trace_option
@output_options
@json_option
@click.pass_context
def send(context: click.Context, /, **values: Any) -> ExitCode:
    """Compose one message and send it.

    The text is standard input when that is not a terminal and no other text was given; on a terminal your editor
    ($VISUAL, $EDITOR) opens.
    """
    trace = values.pop("trace")
    talking = talk(context, values)
    _check_not_read("--trace", trace, values)
    _check_not_read("--preview-file", values["preview_file"], values)
    _check_not_read("--fcc", values["fcc"], values)
    look = chosen_look(values, talking, trace)
    with traced(trace, talking) as talking:
        return _do(values, talking, look)


def _check_not_read(flag: str, written: str | None, values: dict[str, Any]) -> None:
    """A file or mailbox that is to be sent is never written to."""
    import os.path

    if written is None or not os.path.exists(written):
        return
    paths = {values["raw"], *text_files(values), *attach_files(values), *header_files(values)}
    for path in paths - {None, "-"}:
        if os.path.exists(path) and os.path.samefile(path, written):
            raise UsageError(f"{flag} would write to {path}, which is to be sent")


def _do(values: dict[str, Any], talking: Talk, look: Look | None) -> ExitCode:
    manuscript = Manuscript(talking.environment)
    try:
        asked, notify = demands(values)
        waits = queueing(values, talking.environment)
        blank = Request(demands=asked, notify=notify, fcc=values["fcc"], queueing=waits)
        request = request_of(values, talking, manuscript, blank)
        if request is None:
            talking.output.nothing_sent("the text is empty, so nothing was sent (--skip-empty)")
            exit_code = ExitCode.OK
        elif look is not None:
            exit_code = look.at(request, talking)
        elif isinstance(request, Series):
            exit_code = send_series(request, talking)
        else:
            exit_code = _send(request, talking)
            if exit_code is ExitCode.OK:
                manuscript.drop()
    except MailError as error:
        error.hint = "\n".join(filter(None, (error.hint, manuscript.whereabouts)))
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            error.add_note("nothing was sent")
        _tell(manuscript, talking)
        raise
    _tell(manuscript, talking)
    return exit_code


def _send(request: Request, talking: Talk) -> ExitCode:
    with progress.shown(talking) as on_progress:
        report = service.send(
            request,
            talking.environment,
            note=talking.output.note,
            warn=talking.output.warn,
            on_settings=talking.settled,
            on_event=talking.on_event,
            on_progress=on_progress,
            may_ask=talking.may_ask,
        )
        interrupts.settle()
    if talking.tracing is not None:
        talking.tracing.report = report
    exit_code = talking.output.report(report)
    if report.queue_id is None:  # else somebody has just been set to it
        for remark in service.look_after_queue(talking.environment):
            talking.output.warn(remark)
    return exit_code


def _tell(manuscript: Manuscript, talking: Talk) -> None:
    if manuscript.whereabouts:
        talking.output.say(f"  {manuscript.whereabouts}")
