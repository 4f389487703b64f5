"""What was asked for becomes what is sent: a request and the settings make a submission."""

from __future__ import annotations

from sendmail_cli.addresses import AddrSpec, Mailbox, parse_addr_spec, parse_mailbox
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.errors import ConfigError, DataError, MailError, UsageError
from sendmail_cli.message.draft import AS_FITS, Draft, decode_body, mailboxes_in
from sendmail_cli.people import People, recipients_named, recipients_of, resolver_for
from sendmail_cli.queue.choice import Queueing
from sendmail_cli.smtp.envelope import NO_DEMANDS, Demands, ReversePath, envelope_for
from sendmail_cli.submission import Submission
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addressees import Addressee, LocalName
    from sendmail_cli.addresses import Address
    from sendmail_cli.config.profiles import Profiles
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.calendar import Calendar
    from sendmail_cli.message.compose import ComposedMessage
    from sendmail_cli.message.draft import TextForm
    from sendmail_cli.message.inline_images import Page
    from sendmail_cli.message.local_mail import LocalRules
    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source
    from sendmail_cli.people import Resolve
    from sendmail_cli.smtp.envelope import Notify, Reporting


class AttachmentRequest(NamedTuple):
    """A file to attach, as it was asked for."""

    path: str  # "-" is standard input
    name: str | None = None  # shown to the recipients; None: the file's own
    media_type: str | None = None  # None: found out from the content
    charset: str | None = None  # the same
    disposition: str | None = None  # "attachment" or "inline"; None: attachment


class LocalMail(NamedTuple):
    """How a message is to be taken that a program hands over as to sendmail(1) or mail(1); see `message.local_mail`."""

    full_name: str = ""  # of its author, where it doesn't say
    # Who is told of failures, where that is a name of this machine; of a text: its author.
    sender: LocalName | None = None
    is_header_read: bool = False  # To, Cc and Bcc are recipients besides those that are named
    subject: str = ""  # where it has none
    trace: bytes = b""  # a field that says where we have it from, to go on top (RFC 5321 §4.4)


class Request(NamedTuple):
    """A message to send, as it was asked for; what is None or empty comes from the profile."""

    flags: ServerFlags = ServerFlags()
    to: tuple[Addressee, ...] = ()  # names without a domain go through the address book
    cc: tuple[Addressee, ...] = ()
    bcc: tuple[Addressee, ...] = ()
    reply_to: tuple[Address, ...] = ()
    envelope_from: ReversePath | None = None  # None: as the header says
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    markdown: str | None = None  # what `text` and `html` are made of
    is_html_alone: bool = False  # no text is made of the HTML
    form: TextForm = AS_FITS
    page: Page | None = None  # where the pictures that the HTML shows are taken from; None: they aren't
    signature: str | None = None  # "": none, whatever the profile says
    calendar: Calendar | None = None  # one more form of the text
    attachments: tuple[AttachmentRequest | Attachment, ...] = ()  # in this order
    headers: tuple[tuple[str, str], ...] = ()
    in_reply_to: str | None = None
    demands: Demands = NO_DEMANDS  # what is asked of the server for the whole message
    notify: tuple[Notify, ...] = ()  # when reports are wanted, for each recipient
    reporting: tuple[Reporting, ...] = ()  # the same for each of `to`, in its place; (): `notify` goes for all
    fcc: str | None = None  # where a copy is kept: a Maildir or an mbox; "none" is nowhere
    raw: Source | None = None  # a ready message; then `to` is the envelope, or the message's own header is
    is_exact: bool = False  # the ready message goes without any change, or not at all
    is_resent: bool = False  # the ready message is sent on: all above says who does that, and to whom
    local: LocalMail | None = None  # it is what a program of this machine wrote
    queueing: Queueing = Queueing()


def sender_of(request: Request, profiles: Profiles) -> AddrSpec | None:
    """Whom it is from: From, else the reverse-path; None where that chooses no profile. Raises `DataError`."""
    if not profiles.are_matched or request.flags.profile is not None:
        return None
    given = _given_authors(request)
    if not given and request.raw is not None and not request.is_resent:
        from sendmail_cli.message.raw import authors_in

        try:
            given = authors_in(request.raw)
        except DataError:
            if request.local is None:
                raise  # else it has no header, or names of this machine in it, which is made good later
    if given:
        return given[0].address
    return None if request.envelope_from is None else request.envelope_from.address


def _given_authors(request: Request) -> tuple[Mailbox, ...]:
    given = request.flags.from_
    if given is None:
        return mailboxes_in(request.headers, "from")
    return (parse_mailbox(given) if isinstance(given, str) else given,)


def submission_for(
    request: Request,
    settings: Settings,
    environment: Environment,
    note: Callable[[str], None],
    warn: Callable[[str], None] = lambda _: None,
) -> Submission:
    """The envelope and the content that `request` asks for; files are opened and measured. Raises `MailError`.

    `note` gets what is worth knowing of choices that were made, `warn` what is probably a slip.
    """
    resolve = resolver_for(settings, environment, note, warn)
    request = _with_rules(request, settings)
    if request.raw is not None and not request.is_resent:
        return _submission_of_raw(request, request.raw, resolve, settings, environment)
    people = People(resolve(request.to), resolve(request.cc), resolve(request.bcc))
    return _compose(request, people, settings, environment, note)


def _with_rules(request: Request, settings: Settings) -> Request:
    """`request` from nobody but whom the profile forces; those of whom it should be are answered in its place."""
    forced = settings.rules.forced
    if forced is None:
        return request
    given = tuple(author for author in _given_authors(request) if author.address != forced.address)
    headers = tuple(field for field in request.headers if field[0].lower() not in {"from", "sender"})
    is_answered = request.reply_to or any(name.lower() == "reply-to" for name, _ in settings.headers + headers)
    path = request.envelope_from
    return request._replace(
        flags=request.flags._replace(from_=forced),
        headers=headers,
        reply_to=request.reply_to if is_answered else given,
        # The null path stays: it says that nobody is to be told of a failure.
        envelope_from=path if path is None or path.address is None else ReversePath(forced.address),
    )


def _compose(
    request: Request, people: People, settings: Settings, environment: Environment, note: Callable[[str], None]
) -> Submission:
    if not people.addresses:
        raise UsageError(
            "no recipients", hint="Name them as arguments or with --to, --cc, --bcc: sendmail-cli send ada@example.org"
        )
    if not request.is_resent:  # that goes to those who are named, and to nobody else
        people = people._replace(bcc=people.bcc + settings.bcc)
    draft = Draft(
        from_=_sender(request, settings),
        to=people.to,
        cc=people.cc,
        reply_to=request.reply_to,
        subject=request.subject,
        calendar=request.calendar,
        attachments=_open_attachments(request, environment, note),
        headers=_headers(request, settings),
        in_reply_to=request.in_reply_to,
        form=request.form,
    )
    if request.raw is None:
        draft = _with_body(draft, request, settings, environment, note)
    message: ComposedMessage | RawMessage
    if request.raw is None:
        from sendmail_cli.message.compose import compose

        message = compose(draft, environment)
    else:
        from sendmail_cli.message.resend import resend

        message = resend(request.raw, draft, environment)
    reverse_path = ReversePath(draft.sender.address) if request.envelope_from is None else request.envelope_from
    settings.rules.check((*draft.authors, reverse_path))
    envelope = envelope_for(reverse_path, recipients_of(people, request.notify), request.demands)
    return Submission(envelope, message, message.message_id, _blind(request, people))


def _blind(request: Request, people: People) -> bytes:
    """The field that names the blind copies."""
    if not people.bcc:
        return b""
    from sendmail_cli.message.headers import address_field

    return address_field("Resent-Bcc" if request.is_resent else "Bcc", people.bcc)


def _with_body(
    draft: Draft, request: Request, settings: Settings, environment: Environment, note: Callable[[str], None]
) -> Draft:
    """`draft` with what it says, in each form, signed."""
    text, html = request.text, request.html
    if request.markdown is not None:
        from sendmail_cli.message.markdown import html_of_markdown

        text, html = request.markdown, html_of_markdown(request.markdown)
    elif text and html is not None and not html.strip():
        html = None  # nobody wants to be shown nothing where there is a text
    if html is not None and not (text or "").strip():
        text = None if request.is_html_alone else _text_beside(html, note)
    images: tuple[Attachment, ...] = ()
    if html is not None and request.page is not None:
        from sendmail_cli.message.inline_images import inline_images

        identity = f"{environment.random_bytes(8).hex()}@{draft.sender.address.domain.strip('[]')}"
        html, images = inline_images(html, request.page, identity, note, request.markdown)
    signature = _signature(request, settings, environment)
    if signature:
        from sendmail_cli.message.signature import sign_html, sign_text

        text = sign_text(text or "", signature) if text is not None or html is None else None
        html = None if html is None else sign_html(html, signature)
    return draft._replace(text=text, html=html, images=images)


def _signature(request: Request, settings: Settings, environment: Environment) -> str | None:
    """What stands below the text: as the request says, else as the profile does."""
    if request.signature is not None or settings.signature_file is None:
        return settings.signature if request.signature is None else request.signature
    from sendmail_cli.message.source import open_file

    try:
        octets = b"".join(open_file(settings.signature_file).chunks())
    except MailError as error:
        error.sentence += f" (signature_file, {settings.origins['signature_file']})"
        error.hint = error.hint or "--no-signature sends without one."
        raise
    return decode_body(octets, environment.locale_charset())[0]


def _text_beside(html: str, note: Callable[[str], None]) -> str | None:
    from sendmail_cli.message.html_text import text_of_html

    text = text_of_html(html)
    if not text:
        note("no text could be made of the HTML: it has no words, or is nested too deep; it goes alone")
    return text or None


def _sender(request: Request, settings: Settings) -> Mailbox | None:
    """Whom it is from; None where a header of the request says it, which the profile gives way to."""
    if request.flags.from_ is None and mailboxes_in(request.headers, "from"):
        return None
    if request.flags.from_ is None and request.local is not None and request.local.sender is not None:
        return _outside(request.local.sender, settings)
    if settings.from_ is None:
        raise ConfigError(
            "no sender: neither --from nor a profile says whom the message is from",
            hint="Add --from you@example.org, or set it for good: sendmail-cli setup you@example.org",
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
    return tuple(
        each if not isinstance(each, AttachmentRequest) else _open_attachment(each, environment, note)
        for each in request.attachments
    )


def _open_attachment(wanted: AttachmentRequest, environment: Environment, note: Callable[[str], None]) -> Attachment:
    from sendmail_cli.message.attachments import attachment_from_file, attachment_from_stream

    if wanted.path != "-":
        opened = attachment_from_file(
            wanted.path, name=wanted.name, media_type=wanted.media_type, charset=wanted.charset, note=note
        )
    elif environment.stdin is None:
        raise UsageError("standard input is closed, and an attachment was to come from it")
    else:
        opened = attachment_from_stream(
            environment.stdin,
            name=wanted.name or "stdin",
            media_type=wanted.media_type,
            charset=wanted.charset,
            note=note,
        )
    return opened if wanted.disposition is None else opened._replace(disposition=wanted.disposition)


def _submission_of_raw(
    request: Request, octets: Source, resolve: Resolve, settings: Settings, environment: Environment
) -> Submission:
    message = _ready_message(request, octets, resolve, settings, environment)
    recipients = recipients_named(request.to, request.reporting, request.notify, resolve)
    if request.local.is_header_read if request.local is not None else not recipients:
        recipients += recipients_of(People(resolve(message.recipients)), request.notify)
    if not recipients:
        raise UsageError(
            "no recipients: the message names none in To, Cc or Bcc", hint="Name them as arguments after the options."
        )
    if request.envelope_from is not None:
        reverse_path = request.envelope_from
    elif settings.rules.forced is not None:
        reverse_path = ReversePath(settings.rules.forced.address)
    elif request.local is not None and request.local.sender is not None:
        reverse_path = ReversePath(_outside(request.local.sender, settings).address)
    elif message.sender is not None:
        reverse_path = ReversePath(message.sender)
    elif settings.from_ is not None:
        reverse_path = ReversePath(settings.from_.address)
    else:
        raise ConfigError(
            "no sender: neither the message's From, nor --envelope-from, nor a profile says whom it is from",
            hint="Add --envelope-from you@example.org.",
        )
    settings.rules.check((*message.authors, reverse_path))
    recipients += recipients_of(People(bcc=settings.bcc), request.notify)
    blind = b"".join(field.octets for field in message.head.fields if field.is_blind)
    return Submission(envelope_for(reverse_path, recipients, request.demands), message, message.message_id, blind)


def _ready_message(
    request: Request, octets: Source, resolve: Resolve, settings: Settings, environment: Environment
) -> RawMessage:
    from sendmail_cli.message.raw import authored, exact_message, raw_message

    if request.local is not None:
        from sendmail_cli.message.local_mail import local_message

        rules = _local_rules(request.local, resolve, settings)
        message = local_message(octets, rules, environment, request.local.trace)
    else:
        message = exact_message(octets) if request.is_exact else raw_message(octets, environment)
    forced = settings.rules.forced
    return message if forced is None else authored(message, forced)


def _local_rules(local: LocalMail, resolve: Resolve, settings: Settings) -> LocalRules:
    from sendmail_cli.message.local_mail import LocalRules

    own = _own(settings)
    author = Mailbox(local.full_name or own.name, own.address)
    return LocalRules(author, lambda name: _outside(name, settings), resolve, local.subject, local.is_header_read)


def _outside(name: LocalName, settings: Settings) -> Mailbox:
    """A name of this machine outside of it: NAME@`qualify`, else the profile's own address."""
    own, qualify = _own(settings), settings.home.qualify
    if qualify is not None:
        return Mailbox(name.name, parse_addr_spec(str(AddrSpec(name.local_part, qualify))))
    return Mailbox(name.name or name.local_part, own.address)


def _own(settings: Settings) -> Mailbox:
    if settings.from_ is None:
        raise ConfigError(
            "no sender: no profile says whom the mail of this machine is from",
            hint="Set one up: sendmail-cli profile add NAME --from you@example.org --server smtp.example.org",
        )
    return settings.from_
