"""What every entry point calls: settings → draft → submission → delivery, and the report of what became of it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli.addresses import mailboxes_of
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.config.settings import ServerFlags, choose_profile, describe_settings, resolve_settings
from sendmail_cli.delivery import deliver
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.message.draft import Draft, mailboxes_in
from sendmail_cli.opening import open_session
from sendmail_cli.server import TLSMode
from sendmail_cli.smtp.envelope import NO_DEMANDS, Demands, ReversePath, envelope_of
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.addresses import Address, AddrSpec, Mailbox
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.early import EarlySession
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.compose import ComposedMessage
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source
    from sendmail_cli.report import Report
    from sendmail_cli.sandbox import Received
    from sendmail_cli.secret import Secret
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.envelope import Envelope, Notify
    from sendmail_cli.steps import Inspection, Step
    from sendmail_cli.trace import TraceEvent


class AttachmentRequest(NamedTuple):
    """A file to attach, as it was asked for."""

    path: str  # "-" is standard input
    name: str | None = None  # shown to the recipients; None: the file's own
    media_type: str | None = None  # None: found out from the content


class Request(NamedTuple):
    """A message to send, as it was asked for; what is None or empty comes from the profile."""

    flags: ServerFlags = ServerFlags()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    envelope_from: ReversePath | None = None  # None: as the header says
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    attachments: tuple[AttachmentRequest, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    in_reply_to: str | None = None
    demands: Demands = NO_DEMANDS  # what is asked of the server for the whole message
    notify: tuple[Notify, ...] = ()  # when reports are wanted, for each recipient
    raw: Source | None = None  # a ready message; then `to` is the envelope, or the message's own header is
    is_exact: bool = False  # the ready message goes without any change, or not at all
    is_resent: bool = False  # the ready message is sent on: all above says who does that, and to whom
    forwarded: tuple[Attachment, ...] = ()  # messages to attach; see `message.threads`


class Prepared(NamedTuple):
    """A request made ready: where it goes and what goes there."""

    settings: Settings
    submission: Submission


def prepare(request: Request, environment: Environment, note: Callable[[str], None]) -> Prepared:
    """Settings and submission for `request`; nothing is sent, files are opened and measured.

    `note` gets what is worth knowing of choices that were made. Raises `MailError`.
    """
    settings = resolve_settings(request.flags, load_profiles(environment), environment)
    tell_settings(settings, note)
    return Prepared(settings, _submission(request, settings, environment, note))


def preview(request: Request, environment: Environment, note: Callable[[str], None]) -> Submission:
    """What `send` would send, for looking at it: no server need be set up for that. Raises `MailError`."""
    flags = request.flags
    is_named = flags.server is not None or flags.pipe is not None
    if not is_named and choose_profile(flags, load_profiles(environment), environment) is None:
        flags = flags._replace(server="localhost")  # never spoken to
    return prepare(request._replace(flags=flags), environment, note).submission


def rows_of(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and origin of each setting, to be shown. The sandbox's server is found out when it runs."""
    rows = [(name, value, str(origin)) for name, value, origin in describe_settings(settings)]
    if not settings.is_sandbox:
        return rows
    shown = [row for row in rows if row[0] not in {"server", "port", "tls", "auth"}]
    return [*shown, ("server", "started for one message", "built in")]


def tell_settings(settings: Settings, note: Callable[[str], None]) -> None:
    """Give `note` a line for each setting: its name, its value, and where that came from."""
    rows = rows_of(settings)
    names = max(len(name) for name, _, _ in rows)
    for name, value, origin in rows:
        note(f"{name:{names}}  {value}  ({origin})")


def send(
    request: Request,
    environment: Environment,
    *,
    note: Callable[[str], None] = lambda _: None,
    on_settings: Callable[[Settings], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    may_ask: bool = False,
) -> Report:
    """Send one message. What became of it stands in the report; `MailError` comes before anything of it was sent.

    The server is dialled while the message is made. `on_settings` gets the settings before that, `on_progress` the
    octets of the content handed out so far and in all, often. `may_ask` allows one prompt to unlock a locked keyring.
    """
    settings = resolve_settings(request.flags, load_profiles(environment), environment)
    tell_settings(settings, note)
    on_settings(settings)
    credential = _credential(settings, environment, may_ask=may_ask)
    trace = Trace(environment.monotonic, on_event)
    early = _early_session(settings, environment, trace)
    try:
        submission = _submission(request, settings, environment, note)
        if on_progress is not None:
            submission = submission.watched(on_progress)
        if early is not None and settings.is_password_in_keyring:
            _load_keyring()
    except BaseException:
        if early is not None:
            early.give_up()
        raise
    report: Report | None = None
    try:
        with _running_server(settings, environment) as (server, received):
            report = deliver(
                submission,
                server,
                credential,
                environment,
                trace,
                fallbacks=settings.fallbacks,
                opened=None if early is None else partial(early.session, credential),
            )
            kept_at = received[-1].path if received else None
            report = report._replace(profile=settings.profile_name, kept_at=kept_at)
    except KeyboardInterrupt:
        if report is None:
            raise  # before the final dot; later it would take from the report what it knows
    return report


def _early_session(settings: Settings, environment: Environment, trace: Trace) -> EarlySession | None:
    """A session that is begun at once; None where there is no way to wait for: a server on this machine."""
    server = settings.server
    is_near = server.proxy is None and ServerURL(server.host, socket_path=server.socket_path).is_this_machine
    if is_near or settings.is_sandbox or server.command is not None:
        return None
    from sendmail_cli.early import EarlySession

    return EarlySession(server, environment, trace)


def _load_keyring() -> None:
    """Loading it takes longer than asking it: that goes while the server is dialled. No password is asked for yet."""
    import keyring.core  # noqa: F401


@contextmanager
def connect(
    settings: Settings,
    environment: Environment,
    *,
    password: Secret | None = None,
    on_event: Callable[[TraceEvent], None] | None = None,
    may_ask: bool = False,
) -> Iterator[Session]:
    """A session as `settings` ask for, signed in; it ends with the block. Raises `MailError`.

    A given `password` is used in place of the stored one.
    """
    credential = (lambda: password) if password is not None else _credential(settings, environment, may_ask=may_ask)
    with _running_server(settings, environment) as (server, _):
        session = open_session(server, credential, environment, Trace(environment.monotonic, on_event))
        try:
            yield session
        finally:
            session.quit()


def inspect(
    settings: Settings,
    environment: Environment,
    *,
    envelope: Envelope | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
    may_ask: bool = False,
) -> Inspection:
    """Go the way to the server that `settings` name, step by step, and ask it about `envelope`. Nothing is sent.

    `on_step` gets each step as it ends. Raises `MailError` for what is wrong before the first.
    """
    from sendmail_cli import inspection

    credential = _credential(settings, environment, may_ask=may_ask)
    with _running_server(settings, environment) as (server, _):
        return inspection.inspect(
            server, credential, environment, envelope=envelope, on_step=on_step, on_event=on_event
        )


def _credential(settings: Settings, environment: Environment, *, may_ask: bool) -> Callable[[], Secret]:
    """Gives the password, found once: a variable is gone when it was read, and nobody is asked twice."""
    found: list[Secret] = []

    def find() -> Secret:
        if not found:
            from sendmail_cli.config.credentials import resolve_credential

            found.append(resolve_credential(settings, environment, may_ask=may_ask)[0])
        return found[0]

    return find


@contextmanager
def _running_server(settings: Settings, environment: Environment) -> Iterator[tuple[Server, list[Received]]]:
    """The server of `settings`; that of the sandbox profile runs for as long as the block lasts.

    What it received is in the list by the time its reply arrives.
    """
    received: list[Received] = []
    if not settings.is_sandbox:
        yield settings.server, received
        return
    from sendmail_cli.sandbox import Sandbox, default_folder

    with Sandbox(default_folder(environment), on_message=received.append, environment=environment) as sandbox:
        server = settings.server._replace(
            host=sandbox.host, port=sandbox.port, tls=TLSMode.STARTTLS, ca_file=sandbox.ca_file
        )
        yield server, received


def _submission(
    request: Request, settings: Settings, environment: Environment, note: Callable[[str], None]
) -> Submission:
    if request.raw is not None and not request.is_resent:
        return _submission_of_raw(request, request.raw, settings, environment)
    return _compose(request, settings, environment, note)


def _compose(request: Request, settings: Settings, environment: Environment, note: Callable[[str], None]) -> Submission:
    recipients = tuple(box.address for box in mailboxes_of(request.to + request.cc + request.bcc))
    if not recipients:
        raise UsageError(
            "no recipients", hint="Name them as arguments or with --to, --cc, --bcc: sendmail-cli send ada@example.org"
        )
    draft = Draft(
        from_=_sender(request, settings),
        to=request.to,
        cc=request.cc,
        reply_to=request.reply_to,
        subject=request.subject,
        text=request.text,
        html=request.html,
        attachments=request.forwarded + _open_attachments(request, environment, note),
        headers=_headers(request, settings),
        in_reply_to=request.in_reply_to,
    )
    message: ComposedMessage | RawMessage
    if request.raw is None:
        from sendmail_cli.message.compose import compose

        message = compose(draft, environment)
    else:
        from sendmail_cli.message.resend import resend

        message = resend(request.raw, draft, environment)
    reverse_path = ReversePath(draft.sender.address) if request.envelope_from is None else request.envelope_from
    return Submission(_envelope(request, reverse_path, recipients), message, message.message_id)


def _envelope(request: Request, reverse_path: ReversePath, recipients: tuple[AddrSpec, ...]) -> Envelope:
    return envelope_of(reverse_path, recipients, notify=request.notify, demands=request.demands)


def _sender(request: Request, settings: Settings) -> Mailbox | None:
    """Whom it is from; None where a header of the request says it, which the profile gives way to."""
    if request.flags.from_ is None and mailboxes_in(request.headers, "from"):
        return None
    if settings.from_ is None:
        raise ConfigError(
            "no sender: neither --from nor a profile says whom the message is from",
            hint="Add --from you@example.org, or set it for good: "
            "sendmail-cli profile add NAME --from you@example.org --server smtp.example.org",
        )
    return settings.from_


def _headers(request: Request, settings: Settings) -> tuple[tuple[str, str], ...]:
    """The profile's fields, but for those that the request brings itself, and the request's."""
    own = {name.lower() for name, _ in request.headers}
    if request.reply_to:
        own.add("reply-to")
    return tuple(field for field in settings.headers if field[0].lower() not in own) + request.headers


def _open_attachments(
    request: Request, environment: Environment, note: Callable[[str], None]
) -> tuple[Attachment, ...]:
    if not request.attachments:
        return ()
    from sendmail_cli.message.attachments import attachment_from_file, attachment_from_stream

    opened = []
    for wanted in request.attachments:
        if wanted.path != "-":
            opened.append(attachment_from_file(wanted.path, name=wanted.name, media_type=wanted.media_type, note=note))
            continue
        if environment.stdin is None:
            raise UsageError("standard input is closed, and an attachment was to come from it")
        opened.append(
            attachment_from_stream(
                environment.stdin, name=wanted.name or "stdin", media_type=wanted.media_type, note=note
            )
        )
    return tuple(opened)


def _submission_of_raw(request: Request, octets: Source, settings: Settings, environment: Environment) -> Submission:
    from sendmail_cli.message.raw import exact_message, raw_message

    message = exact_message(octets) if request.is_exact else raw_message(octets, environment)
    recipients: tuple[AddrSpec, ...] = tuple(box.address for box in mailboxes_of(request.to)) or message.recipients
    if not recipients:
        raise UsageError(
            "no recipients: the message names none in To, Cc or Bcc", hint="Name them as arguments after the options."
        )
    if request.envelope_from is not None:
        reverse_path = request.envelope_from
    elif message.sender is not None:
        reverse_path = ReversePath(message.sender)
    elif settings.from_ is not None:
        reverse_path = ReversePath(settings.from_.address)
    else:
        raise ConfigError(
            "no sender: neither the message's From, nor --envelope-from, nor a profile says whom it is from",
            hint="Add --envelope-from you@example.org.",
        )
    return Submission(_envelope(request, reverse_path, recipients), message, message.message_id)
