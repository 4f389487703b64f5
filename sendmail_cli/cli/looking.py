"""The options of `send` that look at a message and send nothing: --dry-run, --preview, --preview-file, --lint."""

from __future__ import annotations

from sendmail_cli import service
from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import FILE
from sendmail_cli.cli.queue_options import what_waits
from sendmail_cli.cli.several import Series, show_series
from sendmail_cli.errors import UsageError
from sendmail_cli.queue.choice import check_series
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.message.linting.finding import Finding
    from sendmail_cli.request import Request

    Show = Callable[[Request, Talk], ExitCode]

TONES = {"error": "bad", "warning": "unsure", "note": "soft"}
FLAGS = ("dry_run", "preview", "preview_file", "lint")
STANDARD_OUTPUT = "-"
FOR_SEVERAL = ("--dry-run", "--lint")


class Look(NamedTuple):
    """A way to look at a message."""

    flag: str
    show: Show

    def at(self, request: Request | Series, talking: Talk) -> ExitCode:
        """Show the message, or each of a mailbox. Raises `MailError`."""
        if not isinstance(request, Series):
            return self.show(request, talking)
        if self.flag not in FOR_SEVERAL:
            raise UsageError(
                f"{self.flag} shows one message, and --raw names a mailbox", hint="--lint looks at each of a mailbox."
            )
        check_series(request.request.queueing)
        return show_series(request, talking, lambda each: self.show(each, talking))


looking_options = stack(
    option("-n", "--dry-run", is_flag=True, section="Looking first", help="Print what would go over the wire."),
    option(
        "--preview",
        is_flag=True,
        section="Looking first",
        help="Show the message in your browser as its readers will see it, with the findings of --lint.",
    ),
    option(
        "--preview-file",
        type=FILE,
        section="Looking first",
        help="Write that page to this file and open nothing; - is standard output.",
    ),
    option(
        "--lint",
        is_flag=True,
        section="Looking first",
        help="Print what receivers would punish, and what to do. Exit 65 when there is something worse than a note.",
    ),
)


def chosen_look(values: dict[str, Any], talking: Talk, trace: str | None) -> Look | None:
    """How to look, by the options in `values`, which are taken out; None to send.

    Raises `UsageError` for options that don't go together.
    """
    given = {name: value for name in FLAGS if (value := values.pop(name)) not in (None, False)}
    if not given:
        return None
    first, *more = ["--" + name.replace("_", "-") for name in given]
    if more:
        raise UsageError(f"{first} and {more[0]} are two ways to look at a message; give one of them")
    if talking.output.is_json and first != "--lint":
        hint = "--lint --json prints what is found in the message as data." if "preview" in first else ""
        raise UsageError(f"{first} and --json both print to standard output; give one of them", hint=hint)
    if trace is not None:
        raise UsageError(f"{first} speaks to no server, so there is nothing for --trace to write")
    ways: dict[str, Show] = {"--dry-run": _show, "--lint": _lint, "--preview": _preview}
    return Look(first, ways.get(first) or _preview_into(given["preview_file"]))


def _show(request: Request, talking: Talk) -> ExitCode:
    """The exact octets to standard output, the envelope to standard error."""
    settings, submission = service.preview(request, talking.environment, talking.output.note, talking.output.warn)
    waits = what_waits(request, settings, talking.environment)
    envelope = submission.envelope
    talking.output.say(f"MAIL FROM:{envelope.reverse_path}")
    for recipient in envelope.recipients:
        talking.output.say(f"RCPT TO:{recipient.path}")
    if waits:
        talking.output.say(waits)
    talking.output.note(f"{submission.content.size:,} octets")
    talking.output.octets(submission.content.chunks())
    return ExitCode.OK


def _lint(request: Request, talking: Talk) -> ExitCode:
    """The findings to standard output."""
    from sendmail_cli.cli.looked import looked_at

    findings = looked_at(request, talking).findings
    is_punished = any(finding.severity.value != "note" for finding in findings)
    exit_code = ExitCode.DATAERR if is_punished else ExitCode.OK
    if talking.output.is_json:
        talking.output.answer_json({"exit_code": int(exit_code), "findings": [_fields(each) for each in findings]})
        return exit_code
    for finding in findings:
        _answer(finding, talking)
    if not findings:
        talking.output.success("nothing was found")
    return exit_code


def _fields(finding: Finding) -> dict[str, Any]:
    return finding._asdict() | {"severity": finding.severity.value, "where": finding.where or None}


def _answer(finding: Finding, talking: Talk) -> None:
    """A line for what it is, and one for what to do."""
    word = finding.severity.value
    where = finding.where if finding.line is None else f"{finding.where}, line {finding.line}"
    talking.output.answer_row(
        word, TONES[word], f"{'':{9 - len(word)}}{where}{': ' if where else ''}{finding.sentence} [{finding.code}]", 9
    )
    talking.output.answer_row("", "", f"{'':9}{finding.advice}", 9)


def _preview(request: Request, talking: Talk) -> ExitCode:
    """The page in the user's browser."""
    from sendmail_cli.cli import preview

    preview.show(_page(request, talking), talking)
    return ExitCode.OK


def _preview_into(name: str) -> Show:
    """The page into a file, or to standard output."""

    def write(request: Request, talking: Talk) -> ExitCode:
        from sendmail_cli.cli import preview

        page = _page(request, talking)
        if name == STANDARD_OUTPUT:
            talking.output.octets([page])
        else:
            preview.write(name, page, talking.environment)
        return ExitCode.OK

    return write


def _page(request: Request, talking: Talk) -> bytes:
    from sendmail_cli.cli.looked import looked_at
    from sendmail_cli.cli.preview_page import page

    return page(looked_at(request, talking))
