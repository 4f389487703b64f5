"""mail(1) and mailx(1), as far as they send: what monitoring, cron jobs and people at a prompt call. Without click."""

from __future__ import annotations

import os

from sendmail_cli import service
from sendmail_cli.addressees import parse_addressees
from sendmail_cli.addresses import mailboxes_of, parse_address_list, parse_mailbox
from sendmail_cli.cli import interrupts
from sendmail_cli.cli.endings import tell_ending, tell_report
from sendmail_cli.cli.mailx_grammar import MailxCall, parse_mailx
from sendmail_cli.cli.output import Output
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.environment import Environment
from sendmail_cli.errors import AddressError, InputError, MailError, UsageError
from sendmail_cli.message.draft import decode_body, parse_header
from sendmail_cli.message.source import open_file, read_stream
from sendmail_cli.printable import one_line
from sendmail_cli.queue.choice import TAKEN_OVER
from sendmail_cli.request import AttachmentRequest, LocalMail, Request
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Mailbox

_HTML = "text/html"


def main(arguments: list[str], environment: Environment | None = None) -> int:
    """Run as mail(1); gives the exit code. It is said on standard error why that isn't 0."""
    environment = environment or Environment()
    output = Output(environment, is_quiet=True)
    try:
        interrupts.listen()
        call = parse_mailx(arguments, os.path.isfile)
        for warning in call.warnings:
            output.warn(warning)
        output = Output(environment, is_verbose=call.is_verbose, is_quiet=not call.is_verbose)
        return _run(call, environment, output)
    except (Exception, KeyboardInterrupt) as error:
        return tell_ending(error, output, is_debugging="--debug" in arguments)


def _run(call: MailxCall, environment: Environment, output: Output) -> ExitCode:
    to = _addressees(call.recipients)
    if not (to or call.cc or call.bcc or call.is_header_read):
        raise UsageError("no recipients", hint="Name them as arguments. Reading mail is not what sendmail-cli does.")
    request = _ready(call, to, environment) if call.is_header_read else _composed(call, to, environment, output)
    if request is None:
        output.note("the text is empty, so nothing was sent (-E)")
        return ExitCode.OK
    report = service.send(
        request._replace(queueing=TAKEN_OVER),
        environment,
        note=output.note,
        warn=output.warn,
        on_event=output.event if call.is_verbose else None,
    )
    interrupts.settle()
    return tell_report(report, output)


def _ready(call: MailxCall, to: tuple[Addressee, ...], environment: Environment) -> Request:
    """-t: the message as sendmail -t takes it."""
    if environment.stdin is None:
        raise InputError("standard input is closed, and the message was to come from it")
    flags = ServerFlags(profile=call.profile)
    return Request(flags=flags, to=to, raw=read_stream(environment.stdin), local=LocalMail(is_header_read=True))


def _composed(call: MailxCall, to: tuple[Addressee, ...], environment: Environment, output: Output) -> Request | None:
    """The message; None where it is empty and nobody wants an empty one."""
    subject = _asked_subject(environment, output) if call.subject is None else call.subject
    text = _text(call, environment, output)
    if call.skips_empty and not text.strip() and not call.attachments:
        return None
    media_type = (call.content_type or "").partition(";")[0].strip().lower()
    if media_type not in {"", "text/plain", _HTML}:
        output.warn(f"Content-Type: {call.content_type} is ignored: the text is plain")
    return Request(
        flags=ServerFlags(profile=call.profile, from_=_author(call, output)),
        to=to,
        cc=_addressees(call.cc),
        bcc=_addressees(call.bcc),
        reply_to=tuple(mailbox for text in call.reply_to for mailbox in mailboxes_of(parse_address_list(text))),
        subject=None if subject is None else one_line(subject),
        text=None if media_type == _HTML else text,
        html=text if media_type == _HTML else None,
        attachments=tuple(AttachmentRequest(path) for path in call.attachments),
        headers=tuple(parse_header(one_line(text)) for text in call.headers),
    )


def _addressees(texts: tuple[str, ...]) -> tuple[Addressee, ...]:
    """As in a header; and, as mail(1) has it, names with spaces between."""
    found: list[Addressee] = []
    for text in texts:
        try:
            found += parse_addressees(text)
        except AddressError:
            words = text.split()
            if len(words) < 2 or "<" in text:
                raise
            found += _addressees(tuple(words))
    return tuple(found)


def _author(call: MailxCall, output: Output) -> Mailbox | None:
    if call.from_ is None:
        return None
    try:
        return parse_mailbox(call.from_)
    except MailError as error:
        output.warn(f"-r is ignored, the profile says whom it is from: {error.sentence}")
        return None


def _asked_subject(environment: Environment, output: Output) -> str | None:
    """What a person at a terminal types for it; None elsewhere."""
    if not environment.is_terminal(environment.stdin) or environment.stdin is None:
        return None
    output.ask("Subject: ")
    return decode_body(environment.stdin.readline(), environment.locale_charset())[0].strip() or None


def _text(call: MailxCall, environment: Environment, output: Output) -> str:
    if call.body_file is not None and call.body_file != "-":
        source = open_file(call.body_file)
    elif environment.stdin is None:
        raise InputError("standard input is closed, and the text was to come from it")
    else:
        source = read_stream(environment.stdin)
    text, charset = decode_body(b"".join(source.chunks()), environment.locale_charset())
    if charset.lower() not in {"utf-8", "us-ascii"}:
        output.note(f"the text is not UTF-8; it was read as {charset}")
    return text
