"""A message of a user who has no profile, handed over to the machine's own service: `sendmail-cli relay --system`.

It goes as it was given, names without a domain and all: what they mean outside of this machine is for the service's
profile to say. So www-data and nobody need no password.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Lock

from sendmail_cli.addressees import LocalName, addressees_of
from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.errors import (
    ConnectFailed,
    ConnectionLost,
    DeadlineExceeded,
    MailError,
    NotOffered,
    UsageError,
)
from sendmail_cli.message.headers import text_field
from sendmail_cli.message.raw import repaired_message, seen_fields
from sendmail_cli.message.raw_header import Field, read_loose_header
from sendmail_cli.octets import write_all
from sendmail_cli.printable import printable
from sendmail_cli.report import Report, outcome_by_error, outcome_by_reply, outcome_in_doubt
from sendmail_cli.smtp.capabilities import parse_capabilities
from sendmail_cli.smtp.content import dot_stuff
from sendmail_cli.smtp.parameters import notify_parameter, report_parameters
from sendmail_cli.smtp.replies import Reply, ReplyParser
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.request import Request
    from sendmail_cli.smtp.capabilities import Capabilities

MAX_RECIPIENTS = 1000  # of one transaction: as many as the service takes
PATIENCE = 300.0  # seconds for each reply; it only has to write the message to its disk
READ_SIZE = 65536  # octets

_NOBODY = Mailbox("", AddrSpec("nobody", "localhost"))  # stands where a name is put in once the rest is made


def hand_over(request: Request, path: str, environment: Environment) -> Report:
    """Hand over the message of `request` to the service that listens at `path`; one that isn't ready is composed.

    Raises `MailError` where it was not handed over at all, and it may be tried again: `ConnectFailed`.
    """
    if request.raw is None:
        request, source = _composed(request, environment)
    else:
        source = request.raw
    message = _message(request, source, environment)
    recipients = list(dict.fromkeys(map(_path, addressees_of(request.to))))
    if request.local is not None and request.local.is_header_read:
        recipients = list(dict.fromkeys([*recipients, *map(_path, addressees_of(message.recipients))]))
    if not recipients:
        raise UsageError(
            "no recipients: the message names none in To, Cc or Bcc", hint="Name them as arguments after the options."
        )
    sender = _sender(request, environment)
    outcomes: list[RecipientOutcome] = []
    with _Dialogue(path) as dialogue:
        dialogue.reply()
        offered = parse_capabilities(dialogue.say("EHLO localhost"))
        is_ascii = all(map(str.isascii, (sender, *recipients)))
        mail = f"MAIL FROM:<{sender}>{_mail_parameters(request, message, offered, is_ascii=is_ascii)}"
        notify = f" {notify_parameter(request.notify)}" if request.notify and offered.offers("DSN") else ""
        for start in range(0, len(recipients), MAX_RECIPIENTS):
            batch = recipients[start : start + MAX_RECIPIENTS]
            try:
                outcomes += _transaction(dialogue, mail, batch, notify, message)
            except MailError as error:
                if not outcomes:
                    raise
                outcomes += [outcome_by_error(each, error) for each in batch]
    return Report(message.message_id, path, tuple(outcomes), was_heard=True)


def _mail_parameters(request: Request, message: RawMessage, offered: Capabilities, *, is_ascii: bool) -> str:
    """What follows MAIL: as much as the service takes, which may be of an earlier version."""
    demands = request.demands
    if demands.require_tls and not offered.offers("REQUIRETLS"):
        raise NotOffered("-O requiretls=yes is nothing that the mail service of this machine takes")
    said = [
        ("SIZE", f"SIZE={message.size}"),
        ("8BITMIME", "" if message.is_7bit else "BODY=8BITMIME"),
        ("SMTPUTF8", "" if is_ascii else "SMTPUTF8"),
        ("REQUIRETLS", "REQUIRETLS" if demands.require_tls else ""),
        ("DSN", " ".join(report_parameters(demands))),
    ]
    return "".join(f" {text}" for keyword, text in said if text and offered.offers(keyword))


def _transaction(
    dialogue: _Dialogue, mail: str, recipients: list[str], notify: str, message: RawMessage
) -> Iterable[RecipientOutcome]:
    """The message for so many as one transaction takes."""
    refusal = dialogue.say(mail)
    if not refusal.is_positive:
        return [outcome_by_reply(each, refusal, "MAIL") for each in recipients]
    replies = {each: dialogue.say(f"RCPT TO:<{each}>{notify}") for each in recipients}
    accepted = [each for each, reply in replies.items() if reply.is_positive]
    outcomes = {each: outcome_by_reply(each, reply, "RCPT") for each, reply in replies.items()}
    if accepted:
        try:
            reply = dialogue.content(message)
            outcomes |= {each: outcome_by_reply(each, reply, "DATA") for each in accepted}
        except _LostAfterDot as lost:
            outcomes |= {each: outcome_in_doubt(each, lost.error) for each in accepted}
    return outcomes.values()


def pass_through(path: str, reading: int, writing: int) -> None:
    """Have the service speak with whoever is at the two descriptors, until it ends. Raises as `hand_over`.

    What comes goes on in a thread: somebody who says all at once must not wait until he is heard to hear.
    """
    with _connected(path) as service:
        speaker = _Speaker(reading, service)
        while octets := _received(service):
            write_all(writing, octets)
        speaker.check()


class _Speaker:
    """Passes on what comes at `reading`, until the service is gone, which whoever hears it notices."""

    def __init__(self, reading: int, service: socket.socket) -> None:
        self._reading = reading
        self._service = service
        self._is_saying = Lock()
        self._unheard: OSError | None = None
        BackgroundThread(self._pass_on, "what a client says").start()

    def _pass_on(self) -> None:
        with suppress(OSError):
            while octets := os.read(self._reading, READ_SIZE):
                with self._is_saying:
                    self._say(octets)
            self._service.shutdown(socket.SHUT_WR)

    def _say(self, octets: bytes) -> None:
        try:
            self._service.sendall(octets)
        except OSError as error:
            self._unheard = error
            raise

    def check(self) -> None:
        """Raises `ConnectionLost` where the service hung up on who speaks: the system tells that to one of us alone."""
        with self._is_saying:
            if self._unheard is not None:
                raise _lost(_why(self._unheard))


def _received(service: socket.socket) -> bytes:
    try:
        return service.recv(READ_SIZE)
    except TimeoutError:
        raise DeadlineExceeded("the mail service of this machine says nothing") from None
    except OSError as error:
        raise _lost(_why(error)) from None


def _connected(path: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise ConnectFailed(
            f"the mail service of this machine can't be had at {printable(path)}: {_why(error)}",
            hint="`systemctl status sendmail-cli.socket` tells more.",
        ) from None
    return connected


def _composed(request: Request, environment: Environment) -> tuple[Request, Source]:
    """The message, made by no profile: names of this machine stand in its header as they were given, as in a ready one.

    What the profile of the service is to say (From, where nothing says it, and the domain of Message-ID) is left out.
    """
    from sendmail_cli.config.profiles import merge_profiles
    from sendmail_cli.config.settings import resolve_settings
    from sendmail_cli.message.source import keep_chunks
    from sendmail_cli.request import submission_for

    given = {name.lower() for name, _ in request.headers}
    is_author_given = request.flags.from_ is not None or "from" in given
    flags = request.flags._replace(server="localhost")  # never spoken to
    if not is_author_given:
        flags = flags._replace(from_=_NOBODY)
    whole = request._replace(flags=flags, to=(_NOBODY,), cc=(), bcc=(), local=None)
    settings = resolve_settings(flags, merge_profiles((), ()), environment)
    submission = submission_for(whole, settings, environment, lambda _: None)
    if is_author_given and request.envelope_from is None:
        request = request._replace(envelope_from=submission.envelope.reverse_path)
    source = keep_chunks(submission.content.chunks(), "the message")
    head = read_loose_header(source)
    left_out = {"to"} | ({"message-id"} - given) | (set() if is_author_given else {"from"})
    fields = [field for field in head.fields if field.name not in left_out]
    sender = None if request.local is None else request.local.sender
    named = (("From", () if sender is None else (sender,)), ("To", request.to), ("Cc", request.cc))
    fields[:0] = [_field(name, addressees) for name, addressees in named if addressees]
    ready = repaired_message(source, head, tuple(fields))
    everybody = request._replace(to=(*request.to, *request.cc, *request.bcc))
    return everybody, keep_chunks(ready.chunks(), "the message")


def _field(name: str, addressees: tuple[Addressee, ...]) -> Field:
    return Field(name.lower(), (f"{name}: " + ",\r\n ".join(map(str, addressees)) + "\r\n").encode(), 0)


def _message(request: Request, source: Source, environment: Environment) -> RawMessage:
    """Lines that end as they must, without Bcc, and all else as it is."""
    head = read_loose_header(source)
    fields = seen_fields(head)
    full_name = request.local.full_name if request.local is not None else ""
    if full_name and not any(field.name == "from" for field in fields):
        author = LocalName(full_name, environment.account_name(os.geteuid()))
        fields = (Field("from", f"From: {author}\r\n".encode(), 0), *fields)
    subject = request.local.subject if request.local is not None else ""
    if subject and not any(field.name == "subject" for field in fields):
        fields += (Field("subject", text_field("Subject", subject), 0),)
    return repaired_message(source, head, fields)


def _sender(request: Request, environment: Environment) -> str:
    if request.envelope_from is not None:
        return str(request.envelope_from.address or "")
    if request.local is not None and request.local.sender is not None:
        return request.local.sender.local_part
    return environment.account_name(os.geteuid())


def _path(addressee: Mailbox | LocalName) -> str:
    return addressee.local_part if isinstance(addressee, LocalName) else str(addressee.address)


class _LostAfterDot(Exception):
    def __init__(self, error: MailError) -> None:
        super().__init__()
        self.error = error


class _Dialogue:
    """SMTP with the service, a command at a time."""

    def __init__(self, path: str) -> None:
        """Raises `ConnectFailed`."""
        self._parser = ReplyParser()
        self._socket = _connected(path)
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, command: str) -> Reply:
        self._write([f"{command}\r\n".encode()])
        return self.reply()

    def content(self, message: RawMessage) -> Reply:
        reply = self.say("DATA")
        if not reply.is_intermediate:
            return reply
        self._write(dot_stuff(message.chunks()))
        try:
            self._write([b".\r\n"])
            return self.reply()
        except MailError as error:
            raise _LostAfterDot(error) from None

    def reply(self) -> Reply:
        """The next one. Raises `ConnectionLost`, `DeadlineExceeded`, `RemoteProtocolError`."""
        while (reply := self._parser.next_reply()) is None:
            octets = _received(self._socket)
            if not octets:
                raise _lost("it ended")
            self._parser.feed(octets)
        if reply.code == 421:
            raise _lost(str(reply))
        return reply

    def _write(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            try:
                self._socket.sendall(chunk)
            except OSError as error:
                raise _lost(_why(error)) from None


def _lost(why: str) -> MailError:
    return ConnectionLost(f"the mail service of this machine is gone: {why}")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
