"""`sendmail-cli send`: compose one message from flags, files and standard input, and send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendmail_cli import service
from sendmail_cli.cli import standard_input
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import Talk, json_option, output_options, server_flags, server_options, talk
from sendmail_cli.cli.params import ADDRESSES, FILE, HEADER, MAILBOX, REVERSE_PATH, TEXT, text_of
from sendmail_cli.errors import InputError, MailError, UsageError
from sendmail_cli.message.draft import decode_body
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from sendmail_cli.addresses import Address

EXAMPLES = (
    'echo "disk full" | sendmail-cli send -s "$(hostname)" root@example.org',
    "sendmail-cli send --to ada@example.org -s Report --attach report.pdf < body.txt",
    'pg_dump shop | gzip | sendmail-cli send -p work -s Backup -m "see attached" \\',
    "    --attach-as shop.sql.gz - ops@example.org",
    "sendmail-cli send --raw - < message.eml",
)

# What says something about a message that is composed here, and nothing about one that is ready.
_MESSAGE_OPTIONS = (
    "to", "cc", "bcc", "from_", "reply_to", "subject", "body", "html", "body_file", "html_file", "header",
    "in_reply_to", "attach", "attach_as", "attach_type", "skip_empty", "no_stdin",
)  # fmt: skip


@click.command(
    "send",
    cls=SectionedCommand,
    short_help="Compose and send one message.",
    examples=EXAMPLES,
    exit_codes=(0, 64, 65, 66, 67, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 80, 81, 130, 143),
)
@click.argument("recipients", nargs=-1, type=ADDRESSES, metavar="[RECIPIENT]...")
@option("-t", "--to", multiple=True, type=ADDRESSES, section="Who", help="Send to this address. May be repeated.")
@option("-c", "--cc", multiple=True, type=ADDRESSES, section="Who", help="Send a copy to this address.")
@option("-b", "--bcc", multiple=True, type=ADDRESSES, section="Who", help="Send a copy that nobody else sees.")
@option("-f", "--from", "from_", type=MAILBOX, section="Who", help="Send as this address. Default: the profile's.")
@option(
    "--envelope-from",
    type=REVERSE_PATH,
    section="Who",
    help="Have failures reported to this address; '' or '<>': to nobody. Default: that of --from.",
)
@option("--reply-to", multiple=True, type=ADDRESSES, section="Who", help="Have answers sent to this address.")
@option("-s", "--subject", type=TEXT, section="What", help="The subject.")
@option("-m", "--body", type=TEXT, section="What", help="The text. Standard input is not read then.")
@option("--html", type=TEXT, section="What", help="The text as HTML; with -m it is the other way to show it.")
@option("--body-file", type=FILE, section="What", help="Read the text from this file; - is standard input.")
@option("--html-file", type=FILE, section="What", help="Read the HTML from this file; - is standard input.")
@option("-H", "--header", multiple=True, type=HEADER, section="What", help="Add this header field.")
@option("--in-reply-to", metavar="ID", type=TEXT, section="What", help="Answer the message with this Message-ID.")
@option("-a", "--attach", multiple=True, type=FILE, section="What", help="Attach this file; - is standard input.")
@option(
    "--attach-as",
    multiple=True,
    type=(str, FILE),
    metavar="NAME FILE",
    section="What",
    help="Attach the file under this name.",
)
@option(
    "--attach-type",
    multiple=True,
    type=(str, FILE),
    metavar="TYPE FILE",
    section="What",
    help="Attach the file as this media type, text/csv for one. With --attach-as for the same file both apply.",
)
@option("--no-stdin", is_flag=True, section="What", help="Never read standard input, for loops over ssh or read.")
@option("--skip-empty", is_flag=True, section="What", help="Send nothing, and exit 0, when the text is empty.")
@option(
    "--raw",
    type=FILE,
    section="What",
    help="Send this ready message (RFC 5322); - is standard input. Arguments are the envelope's recipients then, "
    "and without any the message's own To, Cc and Bcc.",
)
@server_options
@option("-n", "--dry-run", is_flag=True, section="How", help="Send nothing; print what would go over the wire.")
@output_options
@json_option
@click.pass_context
def send(context: click.Context, /, **values: Any) -> ExitCode:
    """Compose one message and send it.

    The text is standard input when it is not a terminal and no other text was given; on a terminal your editor
    ($VISUAL, $EDITOR) opens.
    """
    is_dry_run = values.pop("dry_run")
    talking = talk(context, values)
    request = _raw_request(values, talking) if values["raw"] is not None else _composed_request(values, talking)
    if request is None:
        talking.output.note("the text is empty, so nothing was sent (--skip-empty)")
        return ExitCode.OK
    if request.flags.insecure:
        talking.output.warn("--insecure: the server's certificate is not checked; anybody in between can read along")
    if is_dry_run:
        return _show(request, talking)
    report = service.send(
        request,
        talking.environment,
        note=talking.output.note,
        on_event=talking.on_event,
        may_ask=talking.may_ask,
    )
    return talking.output.report(report)


def _show(request: service.Request, talking: Talk) -> ExitCode:
    """The exact octets to standard output, the envelope to standard error."""
    settings, submission = service.prepare(request, talking.environment, talking.output.note)
    envelope = submission.envelope
    talking.output.say(f"MAIL FROM:{envelope.reverse_path}")
    for recipient in envelope.recipients:
        talking.output.say(f"RCPT TO:{recipient.path}")
    talking.output.note(f"to {settings.server}, {submission.content.size:,} octets")
    talking.output.octets(submission.content.chunks())
    return ExitCode.OK


def _raw_request(values: dict[str, Any], talking: Talk) -> service.Request:
    for name in _MESSAGE_OPTIONS:
        if values[name]:
            flag = "--" + name.rstrip("_").replace("_", "-")
            hint = "--envelope-from sets the sender of the envelope." if name == "from_" else ""
            raise UsageError(f"--raw sends a ready message as it is, so {flag} can't be given with it", hint=hint)
    stream = standard_input.open_input(values["raw"], talking.environment, talking.output.say)
    return service.Request(
        flags=server_flags(values),
        to=_joined(values["recipients"]),
        envelope_from=values["envelope_from"],
        raw=stream,
    )


def _composed_request(values: dict[str, Any], talking: Talk) -> service.Request | None:
    """The request; None when there is nothing to say and --skip-empty was given."""
    _check_twice(values)
    attachments = _attachments(values, talking)
    standard_input.check_claims(_claims(values))
    text, html = _texts(values, attachments, talking)
    if values["skip_empty"] and not text and not html:
        return None
    return service.Request(
        flags=server_flags(values, from_=values["from_"]),
        to=_joined(values["recipients"]) + _joined(values["to"]),
        cc=_joined(values["cc"]),
        bcc=_joined(values["bcc"]),
        reply_to=_joined(values["reply_to"]),
        envelope_from=values["envelope_from"],
        subject=values["subject"],
        text=text,
        html=html,
        attachments=attachments,
        headers=values["header"],
        in_reply_to=values["in_reply_to"],
    )


def _joined(lists: tuple[tuple[Address, ...], ...]) -> tuple[Address, ...]:
    return tuple(address for addresses in lists for address in addresses)


def _check_twice(values: dict[str, Any]) -> None:
    for text, file in (("body", "body_file"), ("html", "html_file")):
        if values[text] is not None and values[file] is not None:
            raise UsageError(f"--{text} and --{file.replace('_', '-')} both say what the text is; give one of them")


def _attachments(values: dict[str, Any], talking: Talk) -> tuple[service.AttachmentRequest, ...]:
    """What to attach. --attach-as and --attach-type for the same file describe one attachment."""
    wanted = [service.AttachmentRequest(path) for path in values["attach"]]
    types = {path: media_type for media_type, path in values["attach_type"]}
    wanted += [
        service.AttachmentRequest(path, text_of(name), types.pop(path, None)) for name, path in values["attach_as"]
    ]
    wanted += [service.AttachmentRequest(path, None, media_type) for path, media_type in types.items()]
    for path in values["attach"]:
        _check_not_a_profile(path, talking)
    return tuple(wanted)


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
    claims += ["--attach -" for path in values["attach"] if path == "-"]
    renamed = {path for _, path in values["attach_as"]}
    claims += ["--attach-as NAME -" for _, path in values["attach_as"] if path == "-"]
    claims += ["--attach-type TYPE -" for _, path in values["attach_type"] if path == "-" and "-" not in renamed]
    return claims


def _texts(
    values: dict[str, Any], attachments: tuple[service.AttachmentRequest, ...], talking: Talk
) -> tuple[str | None, str | None]:
    """Text and HTML, from wherever they come."""
    text, html = values["body"], values["html"]
    if values["body_file"] is not None:
        text = _decoded(values["body_file"], talking)
    if values["html_file"] is not None:
        html = _decoded(values["html_file"], talking)
    if text is not None or html is not None:
        return text, html
    is_claimed = any(attachment.path == "-" for attachment in attachments)
    if is_claimed or values["no_stdin"] or talking.environment.stdin is None:
        return "", None
    if standard_input.is_typed(talking.environment):
        return _edited(talking), None
    return _decoded("-", talking), None


def _decoded(path: str, talking: Talk) -> str:
    octets = standard_input.read_input(path, talking.environment, talking.output.say)
    text, charset = decode_body(octets, talking.environment.locale_charset())
    if charset.lower() not in {"utf-8", "us-ascii"}:
        name = "standard input" if path == "-" else path
        talking.output.note(f"{name} is not UTF-8; it was read as {charset}")
    return text


def _edited(talking: Talk) -> str:
    """What the user writes in the editor."""
    if not talking.may_ask:
        raise UsageError("no text was given", hint="Use -m TEXT ('' for none), --body-file FILE, or a pipe.")
    text = click.edit("", extension=".txt", require_save=True)
    if text is None:
        raise UsageError("nothing was written, so nothing was sent")
    return text
