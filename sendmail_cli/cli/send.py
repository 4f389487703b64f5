"""`sendmail-cli send`: compose one message from flags, files and standard input, and send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendmail_cli import service
from sendmail_cli.cli import interrupts, progress, standard_input
from sendmail_cli.cli.delivery_options import delivery_options, demands
from sendmail_cli.cli.editor import Manuscript
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.header_options import (
    header_claims,
    header_files,
    header_options,
    resend_request,
    settle_headers,
)
from sendmail_cli.cli.message_options import MESSAGE_OPTIONS, refuse_beside, what_options, who_options
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
from sendmail_cli.cli.params import ADDRESSES, text_of
from sendmail_cli.errors import InputError, MailError, UsageError
from sendmail_cli.message.draft import decode_body
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addresses import Address

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
    type=ADDRESSES,
    metavar="[RECIPIENT]...",
    help="Send to this address. Names, commas and groups stand as in a header: 'Ada <ada@example.org>'.",
)
@who_options
@what_options
@header_options
@server_options
@delivery_options
@option("-n", "--dry-run", is_flag=True, section="How", help="Send nothing; print what would go over the wire.")
@trace_option
@output_options
@json_option
@click.pass_context
def send(context: click.Context, /, **values: Any) -> ExitCode:
    """Compose one message and send it.

    The text is standard input when that is not a terminal and no other text was given; on a terminal your editor
    ($VISUAL, $EDITOR) opens.
    """
    is_dry_run, trace = values.pop("dry_run"), values.pop("trace")
    talking = talk(context, values)
    if is_dry_run and talking.output.is_json:
        raise UsageError("--dry-run and --json both print to standard output; give one of them")
    if is_dry_run and trace is not None:
        raise UsageError("--dry-run speaks to no server, so there is nothing for --trace to write")
    _check_not_read(trace, values)
    with traced(trace, talking) as talking:
        return _do(values, talking, is_dry_run=is_dry_run)


def _check_not_read(trace: str | None, values: dict[str, Any]) -> None:
    """A file that is to be sent is never written over."""
    import os.path

    if trace is None or not os.path.isfile(trace):
        return
    pairs = (*values["attach_as"], *values["attach_type"])
    paths = {values["raw"], values["body_file"], values["html_file"], *values["attach"], *(path for _, path in pairs)}
    paths |= header_files(values)
    for path in paths - {None, "-"}:
        if os.path.exists(path) and os.path.samefile(path, trace):
            raise UsageError(f"--trace would write over {path}, which is to be sent")


def _do(values: dict[str, Any], talking: Talk, *, is_dry_run: bool) -> ExitCode:
    manuscript = Manuscript(talking.environment)
    try:
        asked, notify = demands(values)
        request = _maker(values)(values, talking, manuscript, service.Request(demands=asked, notify=notify))
        if request is None:
            talking.output.nothing_sent("the text is empty, so nothing was sent (--skip-empty)")
            exit_code = ExitCode.OK
        elif is_dry_run:
            exit_code = _show(request, talking)
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


def _send(request: service.Request, talking: Talk) -> ExitCode:
    with progress.shown(talking) as on_progress:
        report = service.send(
            request,
            talking.environment,
            note=talking.output.note,
            on_settings=talking.settled,
            on_event=talking.on_event,
            on_progress=on_progress,
            may_ask=talking.may_ask,
        )
        interrupts.settle()
    if talking.tracing is not None:
        talking.tracing.report = report
    return talking.output.report(report)


def _show(request: service.Request, talking: Talk) -> ExitCode:
    """The exact octets to standard output, the envelope to standard error."""
    submission = service.preview(request, talking.environment, talking.output.note)
    envelope = submission.envelope
    talking.output.say(f"MAIL FROM:{envelope.reverse_path}")
    for recipient in envelope.recipients:
        talking.output.say(f"RCPT TO:{recipient.path}")
    talking.output.note(f"{submission.content.size:,} octets")
    talking.output.octets(submission.content.chunks())
    return ExitCode.OK


def _tell(manuscript: Manuscript, talking: Talk) -> None:
    if manuscript.whereabouts:
        talking.output.say(f"  {manuscript.whereabouts}")


def _maker(values: dict[str, Any]) -> Callable[..., service.Request | None]:
    if values["raw"] is not None:
        return _raw_request
    return _composed_request if values["resend"] is None else resend_request


def _raw_request(values: dict[str, Any], talking: Talk, _: Manuscript, blank: service.Request) -> service.Request:
    refuse_beside("raw", values, MESSAGE_OPTIONS)
    return blank._replace(
        flags=server_flags(values),
        to=_joined(values["recipients"]),
        envelope_from=values["envelope_from"],
        raw=standard_input.open_input(values["raw"], talking.environment, talking.inform),
        is_exact=values["no_fixup"],
    )


def _composed_request(
    values: dict[str, Any], talking: Talk, manuscript: Manuscript, blank: service.Request
) -> service.Request | None:
    """The request; None when there is nothing to say and --skip-empty was given."""
    _check_twice(values)
    if values["no_fixup"]:
        raise UsageError("--no-fixup is for a ready message; give it with --raw")
    attachments = _attachments(values, talking)
    claims = _claims(values) + header_claims(values)
    standard_input.check_claims(claims, is_forbidden=values["no_stdin"])
    forwarded = settle_headers(values, talking)
    request = blank._replace(
        flags=server_flags(values, from_=values["from_"]),
        to=_joined(values["recipients"]) + _joined(values["to"]),
        cc=_joined(values["cc"]),
        bcc=_joined(values["bcc"]),
        reply_to=_joined(values["reply_to"]),
        envelope_from=values["envelope_from"],
        subject=values["subject"],
        attachments=attachments,
        headers=values["header"],
        in_reply_to=values["in_reply_to"],
        forwarded=forwarded,
    )
    if _is_to_be_written(values, claims, talking):
        service.prepare(request, talking.environment, lambda _: None)  # nobody writes a text that can't be sent
        text: str | None = _edited(talking, manuscript)
        html = None
    else:
        text, html = _texts(values, claims, talking)
    if values["skip_empty"] and not text and not html:
        return None
    if any(attachment.path == "-" for attachment in attachments):
        standard_input.open_stdin(talking.environment, talking.inform)
    return request._replace(text=text, html=html)


def _joined(lists: tuple[tuple[Address, ...], ...]) -> tuple[Address, ...]:
    return tuple(address for addresses in lists for address in addresses)


def _check_twice(values: dict[str, Any]) -> None:
    for text, file in (("body", "body_file"), ("html", "html_file")):
        if values[text] is not None and values[file] is not None:
            raise UsageError(f"--{text} and --{file.replace('_', '-')} both say what the text is; give one of them")


def _attachments(values: dict[str, Any], talking: Talk) -> tuple[service.AttachmentRequest, ...]:
    """What to attach. --attach-type attaches its file, unless another option does: then it says of what type it is."""
    types = {path: media_type for media_type, path in values["attach_type"]}
    named = [(path, None) for path in values["attach"]] + [(path, text_of(name)) for name, path in values["attach_as"]]
    paths = {path for path, _ in named}
    named += [(path, None) for path in types if path not in paths]
    for path in values["attach"]:
        _check_not_a_profile(path, talking)
    return tuple(service.AttachmentRequest(path, name, types.get(path)) for path, name in named)


def _check_not_a_profile(path: str, talking: Talk) -> None:
    """msmtp's -a names an account; whoever types it means -p."""
    import os.path

    if path == "-" or os.path.exists(path) or "/" in path:
        return
    from sendmail_cli.config.profiles import load_profiles

    try:
        is_profile = path in load_profiles(talking.environment).names
    except MailError:
        return
    if is_profile:
        raise InputError(f"there is no file {path} to attach", hint=f"There is a profile of that name: -p {path}.")


def _claims(values: dict[str, Any]) -> list[str]:
    """The options that want standard input."""
    claims = [f"--{name.replace('_', '-')} -" for name in ("body_file", "html_file") if values[name] == "-"]
    attached = ["--attach -" for path in values["attach"] if path == "-"]
    attached += ["--attach-as NAME -" for _, path in values["attach_as"] if path == "-"]
    if not attached:
        attached = ["--attach-type TYPE -" for _, path in values["attach_type"] if path == "-"][:1]
    return claims + attached


def _has_text(values: dict[str, Any]) -> bool:
    return any(values[name] is not None for name in ("body", "html", "body_file", "html_file"))


def _is_to_be_written(values: dict[str, Any], claims: list[str], talking: Talk) -> bool:
    """True when a person sits there who said nothing about a text: then an editor opens."""
    is_decided = claims or values["no_stdin"] or _has_text(values)
    return not is_decided and standard_input.is_typed(talking.environment)


def _texts(values: dict[str, Any], claims: list[str], talking: Talk) -> tuple[str | None, str | None]:
    """Text and HTML, from wherever they come."""
    text, html = _line(values["body"]), _line(values["html"])
    if values["body_file"] is not None:
        text = _decoded(values["body_file"], talking)
    if values["html_file"] is not None:
        html = _decoded(values["html_file"], talking)
    if _has_text(values):
        return text, html
    if claims or values["no_stdin"]:
        return "", None
    if talking.environment.stdin is None:
        raise InputError(
            "standard input is closed, and the text was to come from it",
            hint="Use -m TEXT, or --no-stdin to send no text.",
        )
    return _decoded("-", talking), None


def _line(text: str | None) -> str | None:
    """An argument as lines of text: it ends one, though nobody types a line break at its end."""
    return f"{text}\n" if text and not text.endswith("\n") else text


def _decoded(path: str, talking: Talk) -> str:
    source = standard_input.open_input(path, talking.environment, talking.inform)
    return _text_in(b"".join(source.chunks()), "standard input" if path == "-" else path, talking)


def _text_in(octets: bytes, name: str, talking: Talk) -> str:
    text, charset = decode_body(octets, talking.environment.locale_charset())
    if charset.lower() not in {"utf-8", "us-ascii"}:
        talking.output.note(f"{name} is not UTF-8; it was read as {charset}")
    return text


def _edited(talking: Talk, manuscript: Manuscript) -> str:
    """What the user writes in the editor."""
    if not talking.may_ask:
        raise UsageError("no text was given", hint="Use -m TEXT ('' for none), --body-file FILE, or a pipe.")
    return _text_in(manuscript.write(), "the text", talking)
