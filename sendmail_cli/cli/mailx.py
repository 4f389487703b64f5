"""mail(1) and mailx(1), as far as they send: what monitoring, cron jobs and people at a prompt call. Without click."""

from __future__ import annotations

import os

from sendmail_cli import service
from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.addresses import Mailbox, mailboxes_of, parse_address_list
from sendmail_cli.cli import interrupts
from sendmail_cli.cli.endings import hand_over, tell_ending, tell_report
from sendmail_cli.cli.mailx_grammar import MailxCall, parse_mailx
from sendmail_cli.cli.output import Output
from sendmail_cli.config.settings import ServerFlags, service_socket
from sendmail_cli.environment import Environment
from sendmail_cli.errors import AddressError, InputError, MailError, UsageError
from sendmail_cli.message.draft import decode_body, parse_header
from sendmail_cli.message.source import open_file, read_stream
from sendmail_cli.printable import one_line
from sendmail_cli.queue.choice import TAKEN_OVER
from sendmail_cli.request import AttachmentRequest, LocalMail, Request
from sendmail_cli.smtp.envelope import ReversePath
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.addressees import Addressee

USAGE = """usage: mail [-s SUBJECT] [-c ADDRESS] [-b ADDRESS] [-r FROM] [-a 'NAME: VALUE'] [-A FILE] [-E] [-v]
            [--profile NAME] [--] ADDRESS... [-- -f FROM -F NAME]
Sends standard input as a text to the addresses. It reads no mail.
  -a FILE and -A FILE attach a file; -a 'Content-Type: text/html' sends HTML; -E sends no empty text;
  -S from=ADDRESS and -S replyto=ADDRESS say what -r and -a do; -t takes a whole message with its header.
"""
_HTML = "text/html"


def main(arguments: list[str], environment: Environment | None = None) -> int:
    """Run as mail(1); gives the exit code. It is said on standard error why that isn't 0."""
    environment = environment or Environment()
    output = Output(environment, is_quiet=True)
    output.stands_in_for = "mail"
    try:
        interrupts.listen()
        call = parse_mailx(arguments, os.path.isfile)
        for warning in call.warnings:
            output.warn(warning)
        if call.wants_help:
            output.answer(USAGE.rstrip("\n"))
            return ExitCode.OK
        output.is_verbose, output.is_quiet = call.is_verbose, not call.is_verbose
        return _run(call, environment, output)
    except (Exception, KeyboardInterrupt) as error:
        return tell_ending(error, output, is_debugging="--debug" in arguments)


def _run(call: MailxCall, environment: Environment, output: Output) -> ExitCode:
    to = _addressees(call.recipients)
    if not (to or call.cc or call.bcc or call.is_header_read):
        raise UsageError("no recipients", hint="Name them as arguments. It reads no mail. --help says more.")
    make = _ready if call.is_header_read else _composed
    request = make(call, to, environment, output)
    if request is None:
        output.note("the text is empty, so nothing was sent (-E)")
        return ExitCode.OK
    socket_path = service_socket(request.flags, environment)
    if socket_path is not None:
        return hand_over(request, socket_path, output)
    report = service.send(
        request._replace(queueing=TAKEN_OVER),
        environment,
        note=output.note,
        warn=output.warn,
        on_event=output.event if call.is_verbose else None,
    )
    interrupts.settle()
    return tell_report(report, output)


def _ready(call: MailxCall, to: tuple[Addressee, ...], environment: Environment, output: Output) -> Request:
    """-t: the message as sendmail -t takes it."""
    if environment.stdin is None:
        raise InputError("standard input is closed, and the message was to come from it")
    if call.headers or call.attachments:
        output.warn("-a and -A are ignored: with -t the message is ready")
    author = _author(call, environment, output)
    return Request(
        flags=ServerFlags(profile=call.profile),
        to=to + _addressees(call.cc) + _addressees(call.bcc),
        envelope_from=ReversePath(author.address) if isinstance(author, Mailbox) else None,
        raw=read_stream(environment.stdin),
        local=LocalMail(
            full_name=author.name if author is not None else "",
            sender=author if isinstance(author, LocalName) else None,
            is_header_read=True,
            subject=one_line(call.subject or ""),
        ),
    )


def _composed(call: MailxCall, to: tuple[Addressee, ...], environment: Environment, output: Output) -> Request | None:
    """The message; None where it is empty and nobody wants an empty one."""
    subject = _asked_subject(environment, output) if call.subject is None else call.subject
    text = _text(call, environment, output)
    if call.skips_empty and not text.strip() and not call.attachments:
        return None
    author = _author(call, environment, output)
    media_type = (call.content_type or "").partition(";")[0].strip().lower()
    if media_type not in {"", "text/plain", _HTML}:
        output.warn(f"Content-Type: {call.content_type} is ignored: the text is plain")
    return Request(
        flags=ServerFlags(profile=call.profile, from_=author if isinstance(author, Mailbox) else None),
        to=to,
        cc=_addressees(call.cc),
        bcc=_addressees(call.bcc),
        reply_to=tuple(mailbox for text in call.reply_to for mailbox in mailboxes_of(parse_address_list(text))),
        subject=None if subject is None else one_line(subject),
        text=None if media_type == _HTML else text,
        html=text if media_type == _HTML else None,
        attachments=tuple(AttachmentRequest(path) for path in call.attachments),
        headers=tuple(parse_header(one_line(text)) for text in call.headers),
        local=LocalMail(sender=author) if isinstance(author, LocalName) else None,
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


def _author(call: MailxCall, environment: Environment, output: Output) -> Mailbox | LocalName | None:
    """Whom it is from; None is for the profile to say."""
    full_name = one_line(call.full_name)
    if call.from_ is None:
        return LocalName(full_name, environment.account_name(os.geteuid())) if full_name else None
    try:
        found = parse_addressees(call.from_)
        if len(found) == 1 and isinstance(found[0], Mailbox | LocalName):
            return found[0]._replace(name=found[0].name or full_name)
        why = "it must be one address"
    except MailError as error:
        why = error.sentence
    output.warn(f"-r is ignored, the profile says whom it is from: {why}")
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
