"""From a server's settings to a session that is ready for mail: connected, secured, greeted, signed in."""

from __future__ import annotations

import os
from contextlib import contextmanager

from sendmail_cli.environment import SERVING_VARIABLE
from sendmail_cli.errors import AuthenticationFailed, ConfigError, MailError, MailLoop, NotOffered, TokenRejected
from sendmail_cli.net.dial import connect, dial_unix, parse_source, resolve
from sendmail_cli.net.stream import Stream
from sendmail_cli.printable import printable
from sendmail_cli.secret import Token
from sendmail_cli.server import Timeouts, TLSMode
from sendmail_cli.session import Session
from sendmail_cli.status import ExitCode
from sendmail_cli.trace import Stage
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendmail_cli.environment import Environment
    from sendmail_cli.net.tls_context import TLSContext
    from sendmail_cli.secret import Secret
    from sendmail_cli.server import Server
    from sendmail_cli.smtp.sasl import Choice
    from sendmail_cli.smtp.sasl_gssapi import SecurityContext
    from sendmail_cli.trace import Trace

    CredentialGiver = Callable[[], Secret]

PROTECTED = (TLSMode.IMPLICIT, TLSMode.STARTTLS)  # where nothing that matters is ever said in the clear
ANOTHER_SIGN_IN = (
    "The token has ended, or is for another user or another purpose: sign in again with sendmail-cli login PROFILE; "
    "docs/oauth.md says what it has to be for."
)
ANOTHER_MECHANISM = 504  # "not this mechanism": the one refusal of AUTH after which the next may be tried
NOT_PUBLIC = (".local", ".lan", ".internal", ".home", ".localdomain", ".localhost")  # names nobody else can look up


def open_session(server: Server, credential: CredentialGiver, environment: Environment, trace: Trace) -> Session:
    """A session that is ready for a transaction: connected, greeted, secured and signed in as `server` asks.

    Each stage is told to `trace`. Raises `MailError`; then the connection is closed.
    """
    return sign_in(begin_session(server, environment, trace), server, credential)


def begin_session(server: Server, environment: Environment, trace: Trace) -> Session:
    """The same without the sign-in: no secret is needed for it."""
    timeouts = Timeouts().capped(server.timeout)
    # Before anything is dialled: a CA file that can't be read is said.
    context = _context(server, environment) if server.tls in PROTECTED else None
    stream = dial(server, timeouts, environment, trace)
    session = Session(
        stream,
        trace,
        timeouts,
        environment.monotonic,
        is_lmtp=server.is_lmtp,
        is_pipelining_eager=server.is_pipelining_eager,
    )
    with _closing_at_errors(session):
        _open(session, server, context, environment)
    return session


def sign_in(session: Session, server: Server, credential: CredentialGiver) -> Session:
    """`session`, signed in where `server` asks for that. Raises `MailError`; then the connection is closed."""
    if server.signs_in:
        with _closing_at_errors(session), session.trace.stage(Stage.AUTH):
            _authenticate(session, server, credential)
    return session


@contextmanager
def _closing_at_errors(session: Session) -> Iterator[None]:
    try:
        yield
    except MailError:
        session.quit()
        raise
    except BaseException:
        session.close()
        raise


def dial(server: Server, timeouts: Timeouts, environment: Environment, trace: Trace) -> Stream:
    """The stream to `server`, by the way that is set up for it."""
    clock = environment.monotonic
    if server.command is not None or server.socket_path is not None or server.proxy is not None:
        with trace.stage(Stage.CONNECT):
            trace.note(f"connecting to {server}")
            stream = _dial_past_names(server, timeouts.connect, environment, trace)
            trace.note(f"connected to {server}")
            return stream
    source = None if server.bind is None else parse_source(server.bind)
    deadline = clock() + timeouts.connect
    with trace.stage(Stage.LOOKUP):
        trace.note(f"connecting to {server}")
        addresses = resolve(server.host, server.port, timeouts.connect)
        trace.found(server.host, addresses)
    with trace.stage(Stage.CONNECT):
        connected = connect(server.host, server.port, addresses, deadline, clock, source=source)
        trace.connected(connected)
        return Stream(connected.socket, clock)


def _dial_past_names(server: Server, seconds: float, environment: Environment, trace: Trace) -> Stream:
    """The stream to a server whose name is looked up elsewhere, or which has none."""
    clock = environment.monotonic
    if server.command is not None:
        from sendmail_cli.net.pipe import start_program

        _refuse_loop(server.command[0], environment)
        return start_program(server.command, environment.child_variables() | {SERVING_VARIABLE: "1"}, clock)
    if server.proxy is not None:
        from sendmail_cli.net.proxy import dial_by_proxy, parse_proxy_url

        # It may repeat its password where the server's words are expected.
        trace.redactor.add(parse_proxy_url(server.proxy).password.reveal())
        connected = dial_by_proxy(server.proxy, server.host, server.port, seconds, clock, bind=server.bind)
        return Stream(connected, clock, is_relayed=True)
    return Stream(dial_unix(server.socket_path or ""), clock)


def _refuse_loop(program: str, environment: Environment) -> None:
    """Raises `MailLoop` where the server would be ourselves, at once or by another program."""
    from shutil import which

    path = which(program, path=environment.variables.get("PATH"))
    if SERVING_VARIABLE in environment.variables or (path and os.path.realpath(path) == environment.program):
        raise MailLoop(
            "the server is a program that is sendmail-cli itself, which would start itself for ever",
            hint="Name a server that is none: --server, or server and pipe in the profile.",
        )


def _open(session: Session, server: Server, context: TLSContext | None, environment: Environment) -> None:
    stage = session.trace.stage
    if server.tls is TLSMode.IMPLICIT and context is not None:
        with stage(Stage.TLS):
            session.secure(context, server.host)
    with stage(Stage.GREETING):
        session.greet()
    with stage(Stage.EHLO):
        name = server.ehlo_name or ehlo_name(environment.hostname(), session.stream.local_address)
        session.hello(name)
    if server.tls in {TLSMode.STARTTLS, TLSMode.OPPORTUNISTIC}:
        with stage(Stage.TLS):
            _upgrade(session, server, context, environment)
        if session.stream.is_secured:
            with stage(Stage.EHLO_AFTER_TLS):
                session.hello(name)


def _upgrade(session: Session, server: Server, context: TLSContext | None, environment: Environment) -> None:
    """STARTTLS. Where it is required and not offered nothing more is said: no sign-in, no message (RFC 3207 §4.1)."""
    if session.capabilities.offers("STARTTLS"):
        session.start_tls(context or _context(server, environment), server.host)
    elif server.tls is TLSMode.STARTTLS:
        raise NotOffered(
            f"{server} does not offer STARTTLS, so nothing was sent",
            hint="Servers on port 465 take TLS from the first byte (--tls implicit); "
            "--tls none sends in the clear, for a server that you trust the way to.",
        )


def _context(server: Server, environment: Environment) -> TLSContext:
    from sendmail_cli.net.tls_context import client_context

    return client_context(
        environment.now,
        ca_file=server.ca_file,
        # Opportunistic TLS would go on in the clear: what nobody vouches for is still better (RFC 7435).
        is_verified=server.is_verified and server.tls in PROTECTED,
        minimum=server.tls_min,
        certificate=server.tls_cert,
        key=server.tls_key,
        pin=server.tls_pin,
    )


def _authenticate(session: Session, server: Server, credential: CredentialGiver) -> None:
    from sendmail_cli.smtp.sasl import MECHANISMS, Proof, select_mechanisms

    offered = session.capabilities.auth_mechanisms
    is_protected = server.tls in PROTECTED and session.stream.is_secured
    chosen = MECHANISMS.get(server.auth.upper())
    if not is_protected and not session.stream.is_local and (chosen is None or chosen.needs_tls):
        raise ConfigError(
            f"a password never goes to {server} with --tls {server.tls.value}",
            hint="Use --tls implicit or --tls starttls.",
        )
    if not offered:
        raise NotOffered(
            f"{server} offers no sign-in, and {_who_signs_in(server)}",
            hint="Another port may (465 or 587); or leave that out if this server needs none.",
        )
    mechanisms = select_mechanisms(server.auth, offered)
    if not mechanisms:
        raise NotOffered(
            f"{server} offers no way to sign in that we know and that was asked for: {', '.join(offered)}",
            hint=f"We know {', '.join(MECHANISMS)}; the setting “auth” is “{server.auth}”.",
        )
    givers: dict[Proof, Callable[[], object]] = {
        Proof.PASSWORD: credential,
        Proof.CERTIFICATE: lambda: _refuse_no_certificate(session, server),
        Proof.TICKET: lambda: _ticket(server),
    }
    proof = givers[MECHANISMS[mechanisms[0]].proof]()  # several are tried with a password alone
    for name in mechanisms:
        try:
            _prove(session, MECHANISMS[name], server.user or "", proof)
        except AuthenticationFailed as error:
            if error.exit_code is ExitCode.NOPERM:
                error.hint = ANOTHER_SIGN_IN if isinstance(error, TokenRejected) else MECHANISMS[name].advice
            if name == mechanisms[-1] or not error.server_reply.startswith(str(ANOTHER_MECHANISM)):
                raise
        else:
            return


def _prove(session: Session, choice: Choice, user: str, proof: object) -> None:
    """One sign-in. A token that has ended is renewed, once, and the sign-in goes on over the same connection."""
    try:
        session.authenticate(choice.make(user, proof))
    except TokenRejected:
        if not isinstance(proof, Token):
            raise
        session.trace.note("the server wants another token")
        session.authenticate(choice.make(user, proof.renewed()))


def _who_signs_in(server: Server) -> str:
    if server.user is None:
        return f"the profile signs in by {server.auth}"
    return f"the profile has the user {printable(server.user)}"


def _ticket(server: Server) -> SecurityContext:
    from sendmail_cli.net.kerberos import security_context

    return security_context(server.host)


def _refuse_no_certificate(session: Session, server: Server) -> None:
    """Raise `ConfigError` where TLS can't have shown the server who we are."""
    if server.tls_cert is None or not session.stream.is_secured:
        raise ConfigError(
            f"the sign-in at {server} by {server.auth} needs TLS and a certificate of ours",
            hint="Name it with tls_cert and tls_key in the profile.",
        )


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
