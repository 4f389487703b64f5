"""One submission to one server, and an outcome for each recipient. All policy on failure is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.errors import (
    AuthenticationFailed,
    ConfigError,
    InternalError,
    MailError,
    NotOffered,
)
from sendmail_cli.net.dial import dial, dial_unix
from sendmail_cli.net.stream import Stream
from sendmail_cli.printable import printable
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.session import Session, Timeouts, TLSMode
from sendmail_cli.smtp.transaction import Transaction
from sendmail_cli.status import ExitCode, exit_code_for_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment
    from sendmail_cli.net.tls import TLSContext
    from sendmail_cli.secret import Secret
    from sendmail_cli.session import Server
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.submission import Submission
    from sendmail_cli.trace import Trace

    CredentialGiver = Callable[[], Secret]

PROTECTED = (TLSMode.IMPLICIT, TLSMode.STARTTLS)  # where nothing that matters is ever said in the clear
ANOTHER_MECHANISM = 504  # "not this mechanism": the one refusal of AUTH after which the next may be tried
NOT_PUBLIC = (".local", ".lan", ".internal", ".home", ".localdomain", ".localhost")  # names nobody else can look up


def deliver(
    submission: Submission, server: Server, credential: CredentialGiver, environment: Environment, trace: Trace
) -> Report:
    """Submit one message; what became of it stands in the report, whatever happened.

    `credential` is asked only when the server wants a sign-in. Only `KeyboardInterrupt` before the final dot comes
    through; after it, the report says that the outcome is in doubt.
    """
    transaction: Transaction | None = None
    error: MailError | None = None
    session: Session | None = None
    try:
        session = open_session(server, credential, environment, trace)
        content = submission.content
        transaction = Transaction(
            submission.envelope,
            session.capabilities,
            size=content.size,
            is_7bit=content.is_7bit,
            has_utf8_header=content.has_utf8_header,
        )
        session.transact(transaction, content)
        session.quit()
    except MailError as caught:
        error = caught
        _leave(session)
    except BaseException as caught:
        if session is not None:
            session.close()
        if transaction is None or not transaction.is_decided:
            raise
        if not isinstance(caught, KeyboardInterrupt):
            error = InternalError(f"something went wrong on our side: {type(caught).__name__}")
            error.__cause__ = caught
    return Report(submission.message_id, str(server), _outcomes(submission, transaction, error), error)


def open_session(server: Server, credential: CredentialGiver, environment: Environment, trace: Trace) -> Session:
    """A session that is ready for a transaction: connected, greeted, secured and signed in as `server` asks.

    Raises `MailError`; then the connection is closed.
    """
    clock = environment.monotonic
    timeouts = Timeouts().capped(server.timeout)
    context = _context(server) if server.tls in PROTECTED else None  # a CA file that can't be read: say so before
    trace.note(f"connecting to {server}")
    if server.socket_path is not None:
        connected = dial_unix(server.socket_path)
    else:
        connected = dial(server.host, server.port, timeouts.connect, clock)
    session = Session(Stream(connected, clock), trace, timeouts, clock)
    try:
        trace.note(f"connected to {server}")
        _open(session, server, context, environment)
        if server.user is not None and server.auth != "none":
            _authenticate(session, server, server.user, credential)
    except MailError:
        _leave(session)
        raise
    except BaseException:
        session.close()
        raise
    return session


def _open(session: Session, server: Server, context: TLSContext | None, environment: Environment) -> None:
    if server.tls is TLSMode.IMPLICIT and context is not None:
        session.secure(context, server.host)
    session.greet()
    name = server.ehlo_name or ehlo_name(environment.hostname(), session.stream.local_address)
    session.hello(name)
    if server.tls in {TLSMode.STARTTLS, TLSMode.OPPORTUNISTIC}:
        _upgrade(session, server, context, name)


def _upgrade(session: Session, server: Server, context: TLSContext | None, name: str) -> None:
    """STARTTLS. Where it is required and not offered nothing more is said: no sign-in, no message (RFC 3207 §4.1)."""
    if session.capabilities.offers("STARTTLS"):
        session.start_tls(context or _context(server), server.host, name)
    elif server.tls is TLSMode.STARTTLS:
        raise NotOffered(
            f"{server} does not offer STARTTLS, so nothing was sent",
            hint="Servers on port 465 take TLS from the first byte (--tls implicit); "
            "--tls none sends in the clear, for a server that you trust the way to.",
        )


def _context(server: Server) -> TLSContext:
    from sendmail_cli.net.tls import client_context

    # Opportunistic TLS would go on in the clear: what nobody vouches for is still better (RFC 7435).
    return client_context(server.ca_file, is_verified=server.is_verified and server.tls in PROTECTED)


def _authenticate(session: Session, server: Server, user: str, credential: CredentialGiver) -> None:
    from sendmail_cli.smtp.sasl import MECHANISMS, select_mechanisms

    offered = session.capabilities.auth_mechanisms
    is_protected = server.tls in PROTECTED and session.stream.tls_facts() is not None
    chosen = MECHANISMS.get(server.auth.upper())
    if not is_protected and not session.stream.is_local and (chosen is None or chosen.needs_tls):
        raise ConfigError(
            f"a password never goes to {server} with --tls {server.tls.value}",
            hint="Use --tls implicit or --tls starttls.",
        )
    if not offered:
        raise NotOffered(
            f"{server} offers no sign-in, and the profile has the user {printable(user)}",
            hint="Another port may (465 or 587); or leave the user out if this server needs none.",
        )
    mechanisms = select_mechanisms(server.auth, offered)
    if not mechanisms:
        raise NotOffered(
            f"{server} offers no way to sign in that we know and that was asked for: {', '.join(offered)}",
            hint=f"We know {', '.join(MECHANISMS)}; the setting “auth” is “{server.auth}”.",
        )
    password = credential()
    for name in mechanisms:
        try:
            session.authenticate(MECHANISMS[name].make(user, password))
        except AuthenticationFailed as error:
            if name == mechanisms[-1] or not error.server_reply.startswith(str(ANOTHER_MECHANISM)):
                raise
        else:
            return


def ehlo_name(hostname: str, local_address: str) -> str:
    """What we call ourselves (RFC 5321 §4.1.4): the host name where it is a public one, else our address."""
    name = hostname.rstrip(".").lower()
    if "." in name and not name.endswith(NOT_PUBLIC) and _is_host_name(name):
        return name
    if ":" in local_address:
        return f"[IPv6:{local_address}]"
    return f"[{local_address or '127.0.0.1'}]"


def _is_host_name(name: str) -> bool:
    from sendmail_cli.addresses import encode_domain

    try:
        is_name = name.isascii() and "_" not in name and not name.replace(".", "").isdigit()
        return is_name and encode_domain(name) == name
    except MailError:
        return False


def _leave(session: Session | None) -> None:
    if session is not None:
        session.quit()


def _outcomes(
    submission: Submission, transaction: Transaction | None, error: MailError | None
) -> tuple[RecipientOutcome, ...]:
    addresses = [str(recipient.path.address) for recipient in submission.envelope.recipients]
    if transaction is None:
        return tuple(_by_error(address, error) for address in addresses)
    refusals = {index: reply for index, reply in enumerate(transaction.rcpt_replies) if not reply.is_positive}
    if transaction.mail_reply is not None and not transaction.mail_reply.is_positive:
        refusals = {}  # 503 and the like, said only because MAIL was refused
    return tuple(
        _by_reply(address, refusals[index], "RCPT") if index in refusals else _for_the_rest(address, transaction, error)
        for index, address in enumerate(addresses)
    )


def _for_the_rest(address: str, transaction: Transaction, error: MailError | None) -> RecipientOutcome:
    """The outcome of a recipient that RCPT did not refuse: what came after decides."""
    if transaction.is_in_doubt:
        return _in_doubt(address, error)
    decisive = (
        (transaction.mail_reply, "MAIL"),
        (transaction.content_reply, "CONTENT"),
        (transaction.closing_reply, "CONTENT"),
        (transaction.data_reply, "DATA"),
    )
    for reply, verb in decisive:
        if reply is not None and (verb == "CONTENT" or not (reply.is_positive or reply.is_intermediate)):
            return _by_reply(address, reply, verb)
    return _by_error(address, error)


def _by_reply(address: str, reply: Reply, verb: str) -> RecipientOutcome:
    if reply.is_positive:
        action, exit_code = Action.RELAYED, ExitCode.OK
    else:
        action = Action.DELAYED if reply.is_transient else Action.FAILED
        exit_code = exit_code_for_reply(reply.code, reply.enhanced, verb)
    return RecipientOutcome(address, action, exit_code, reply.code, reply.enhanced, reply.text)


def _by_error(address: str, error: MailError | None) -> RecipientOutcome:
    if error is None:
        error = InternalError("the session ended without a verdict")
    action = Action.DELAYED if error.exit_code is ExitCode.TEMPFAIL else Action.FAILED
    return RecipientOutcome(address, action, error.exit_code, text=error.sentence)


def _in_doubt(address: str, error: MailError | None) -> RecipientOutcome:
    why = error.sentence if error is not None else "we were interrupted"
    text = f"{why}; the message was sent whole and may have been delivered"
    return RecipientOutcome(address, Action.DELAYED, ExitCode.IN_DOUBT, text=text, is_in_doubt=True)
