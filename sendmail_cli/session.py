"""One SMTP session over a stream: greeting, EHLO, STARTTLS, AUTH, transactions, QUIT, in that order and no other.

`Connection` knows the protocol, `Stream` the bytes; this is the order of a dialogue and its deadlines. What to
do about a refusal is `delivery`'s.
"""

from __future__ import annotations

from sendmail_cli.errors import (
    AuthenticationFailed,
    CommandRefused,
    ConnectionLost,
    DeadlineExceeded,
    MailError,
    RemoteProtocolError,
    TokenRejected,
)
from sendmail_cli.printable import printable
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.connection import GREETING, Connection
from sendmail_cli.smtp.content import dot_stuff
from sendmail_cli.smtp.transaction import goes_along
from sendmail_cli.status import ExitCode, exit_code_for_reply
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sendmail_cli.net.stream import Stream
    from sendmail_cli.net.tls_context import TLSContext
    from sendmail_cli.server import Timeouts
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.commands import Command
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.smtp.sasl import Mechanism
    from sendmail_cli.smtp.transaction import Following, Transaction
    from sendmail_cli.submission import Content
    from sendmail_cli.trace import Trace

MAX_CHALLENGES = 20  # no mechanism needs more rounds than three or four; a server that goes on is broken or hostile
SILENT_GREETING_HINT = (
    "A server that expects TLS from the first byte waits in silence: try --tls implicit, usually with port 465. "
    "A firewall that swallows the connection looks the same."
)
NO_LMTP_HINT = "An SMTP server is written smtp://HOST, or as its host alone."
LMTP_HINT = "If it is an LMTP server, write lmtp://HOST:PORT, or lmtp:/path for a socket."
STUCK = "the server would not let go of the transaction before"
CHALLENGE = 334  # RFC 4954 §4
NO_SUCH_COMMAND = (500, 502)  # to EHLO: a server older than extensions (RFC 5321 §3.2)
_TIMEOUTS_BY_VERB = {"DATA": "data", "BDAT": "content"}  # the phase that a reply belongs to; else "command"


class Session:
    """A dialogue with one server. Every method raises `MailError`: after one, only `close` makes sense."""

    def __init__(
        self,
        stream: Stream,
        trace: Trace,
        timeouts: Timeouts,
        clock: Callable[[], float],
        *,
        is_lmtp: bool = False,
        is_pipelining_eager: bool = False,
    ) -> None:
        self.stream = stream
        self.is_lmtp = is_lmtp
        self.trace = trace
        self.timeouts = timeouts
        self.connection = Connection(is_known_sound=is_pipelining_eager)
        self.on_end: Callable[[], None] = lambda: None  # told that the last octets of a content are about to be sent
        self._clock = clock
        self._challenge: bytes | None = None  # of the last 334, as it was before secrets were masked

    @property
    def capabilities(self) -> Capabilities:
        """What the last EHLO offered."""
        return self.connection.capabilities

    def greet(self) -> Reply:
        """Wait for the greeting. Raises `CommandRefused` when the server doesn't want to talk."""
        try:
            reply = self._answer(self.timeouts.greeting)
        except ConnectionLost as error:
            error.hint = SILENT_GREETING_HINT
            raise
        return self._demand(reply, GREETING.verb, "the server turned us away")

    def hello(self, name: str) -> Reply:
        """Say EHLO, and HELO to a server that doesn't know EHLO; then no extension is used. By LMTP say LHLO."""
        if self.is_lmtp:
            reply = self.command(commands.lhlo(name))
            if reply.code in NO_SUCH_COMMAND:
                return self._demand(reply, "LHLO", "the server does not speak LMTP", NO_LMTP_HINT)
            return self._demand(reply, "LHLO", f"the server refused our name {name}")
        reply = self.command(commands.ehlo(name))
        if reply.code in NO_SUCH_COMMAND:
            reply = self.command(commands.helo(name))
        if reply.code in NO_SUCH_COMMAND:
            return self._demand(reply, "EHLO", "the server knows neither EHLO nor HELO", LMTP_HINT)
        if self.connection.is_closing:
            return self._demand(reply, "EHLO", "the server turned us away")
        return self._demand(reply, "EHLO", f"the server refused our name {name}")

    def start_tls(self, context: TLSContext, host: str) -> None:
        """STARTTLS and the handshake (RFC 3207). Nothing said before it is believed after it: EHLO must come next."""
        reply = self.command(commands.STARTTLS)
        self._demand(reply, "STARTTLS", "the server offered STARTTLS and then refused it")
        self.connection.receive_data(self.stream.read_available())
        self.connection.start_tls()
        self.secure(context, host)

    def secure(self, context: TLSContext, host: str) -> None:
        """The TLS handshake, and its result in the trace."""
        try:
            self.stream.start_tls(context, host, self._clock() + self.timeouts.handshake)
        except MailError:
            self.connection.abandon()  # a server that isn't the one we meant hears nothing from us
            raise
        if self.trace.is_on:
            self.trace.secured(self.stream.tls_facts())

    def authenticate(self, mechanism: Mechanism) -> Reply:
        """One authentication exchange (RFC 4954 §4).

        Raises `AuthenticationFailed` when the server refuses: `TokenRejected` where another token may do.
        """
        for text in mechanism.secrets():
            self.trace.redactor.add(text, printable(text))
        initial = mechanism.initial_response()
        reply = self.command(commands.auth(mechanism.name, initial))
        for _ in range(MAX_CHALLENGES):
            if reply.code != CHALLENGE:
                break
            reply = self.command(self._response_to(reply, mechanism))
        else:
            raise RemoteProtocolError("the server asks for one answer after another and never decides on the sign-in")
        if not reply.is_positive:
            exit_code = exit_code_for_reply(reply.code, reply.enhanced, "AUTH")
            is_rejected = mechanism.is_token_rejected and exit_code is ExitCode.NOPERM
            failure = TokenRejected if is_rejected else AuthenticationFailed
            raise failure(
                f"the server did not accept the sign-in by {mechanism.name}"
                + (f": {self.trace.redactor.redact(mechanism.why)}" if mechanism.why else ""),
                exit_code,
                server_reply=str(reply),
            )
        mechanism.check_end()
        return reply

    def _response_to(self, reply: Reply, mechanism: Mechanism) -> Command:
        if self._challenge is not None:
            return commands.response(mechanism.respond(self._challenge))
        self.command(commands.CANCEL)  # RFC 4954 §4: the one way out of an exchange
        raise RemoteProtocolError("the server's sign-in challenge is not base64", server_reply=str(reply))

    def transact(
        self,
        transaction: Transaction,
        content: Content,
        following: Callable[[], Following],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """One mail transaction; the replies are then in `transaction`.

        `following` is asked when the end of the content is about to be sent. What it gives goes along where the server
        can be trusted with that, and saves a round trip: QUIT, or a transaction that must be the next one given to
        this method. `meanwhile` is called when the content is on its way, since its answer takes a while.

        An error leaves in `transaction` what was answered until then; its `is_in_doubt` tells whether the server may
        have taken the message all the same.
        """
        self._collect(transaction)  # what went along with the message before
        while not self.connection.is_closing and (group := transaction.next_group()):
            self._say(group, transaction, following)
            if transaction.is_end_sent:
                meanwhile()
            self._collect(transaction)
        if self.connection.is_closing:
            return
        if transaction.wants_content:
            self._send_content(transaction, content, following, meanwhile)
        elif transaction.wants_lone_dot:
            self._send(commands.END_OF_CONTENT)
            self._answer(self.timeouts.content)

    def _say(self, group: tuple[Command, ...], transaction: Transaction, following: Callable[[], Following]) -> None:
        """One flight of `transaction`; RSET before it where the one before it was not brought to an end."""
        must_reset = group[0].verb == "MAIL" and self.connection.is_in_transaction
        if must_reset and not self.connection.is_pipelining:
            self._demand(self.command(commands.RSET), "RSET", STUCK)
        elif must_reset:
            group = (commands.RSET, *group)
        if transaction.has_chunk:
            self._send_whole(group, transaction, following)
        else:
            self._send(*group)
        if group[0] is commands.RSET:
            self._demand(self._answer(self.timeouts.command), "RSET", STUCK)

    def _collect(self, transaction: Transaction) -> None:
        """The replies to what of `transaction` was sent, until there are none due or the server leaves."""
        while (command := transaction.awaited) is not None and not self.connection.is_closing:
            timeout = _TIMEOUTS_BY_VERB.get(command.verb, "command")
            transaction.receive(self._answer(getattr(self.timeouts, timeout)))

    def _send_content(
        self,
        transaction: Transaction,
        content: Content,
        following: Callable[[], Following],
        meanwhile: Callable[[], None],
    ) -> None:
        if self.trace.is_on:
            self.trace.content(content.size)
        pending = b""
        try:
            for piece in dot_stuff(content.chunks()):
                if pending:
                    if self._is_answered_early(transaction):
                        return
                    self.stream.write(pending, self._clock() + self.timeouts.block)
                pending = piece
            if self._is_answered_early(transaction):
                return
            due = transaction.content_replies_due
            self._write_end(pending, ((commands.END_OF_CONTENT, due),), transaction, following)
        except ConnectionLost as error:
            if transaction.is_end_sent:
                raise
            transaction.receive_early(self._last_words(error))
            return
        meanwhile()
        while len(transaction.content_replies) < due and not self.connection.is_closing:
            transaction.receive(self._answer(self.timeouts.content))

    def _send_whole(
        self, group: tuple[Command, ...], transaction: Transaction, following: Callable[[], Following]
    ) -> None:
        """A transaction with its content in one flight (RFC 3030)."""
        self._hear_unasked()
        try:
            self._write_end(b"", tuple((command, 1) for command in group), transaction, following)
        except ConnectionLost:
            if not self.stream.has_input:  # what the server said before it left answers what we said before that
                raise

    def _write_end(
        self,
        pending: bytes,
        decisive: tuple[tuple[Command, int], ...],
        transaction: Transaction,
        following: Callable[[], Following],
    ) -> None:
        """The last of the content and what may follow it in one flight.

        From the last octet of the content on the outcome is the server's. `decisive` are the commands that say it,
        each with the number of its replies.
        """
        self.on_end()
        flight = pending + b"".join([self.connection.send(command, replies) for command, replies in decisive])
        said = [command for command, _ in decisive]
        group = goes_along(following, self.connection.after_content)
        after = b"".join([self.connection.send(command) for command in group])
        said += group
        deadline = self._clock() + self.timeouts.block
        self.stream.unsent = len(flight) + len(after)
        transaction.is_end_sent = True
        try:
            self.stream.write(flight + after, deadline)
        except BaseException:
            transaction.is_end_sent = self.stream.unsent <= len(after)
            raise
        self._trace_sent(said)

    def _is_answered_early(self, transaction: Transaction) -> bool:
        """True when the server answered before the content was whole (552 and gone, say): it ends the session."""
        if not (self.connection.has_input or self.stream.has_input):
            return False
        self.connection.abandon_content()
        transaction.receive_early(self._answer(self.timeouts.command))
        return True

    def _last_words(self, error: ConnectionLost) -> Reply:
        """What the server said before it cut the connection; raises `error` when it said nothing."""
        self.connection.abandon_content()
        try:
            return self._answer(0.0)
        except MailError:
            raise error from None

    def command(self, command: Command) -> Reply:
        """Send one command and give its reply, whatever it says."""
        self._send(command)
        return self._answer(self.timeouts.command)

    def quit(self) -> None:
        """Say QUIT where that still makes sense, and close. Never raises, never waits more than a moment."""
        try:
            if self.connection.may_quit:
                self._send(commands.QUIT, timeout=self.timeouts.quit)
            if self.connection.is_quitting:
                self._answer(self.timeouts.quit)
        except MailError:
            pass  # RFC 5321 §4.1.1.10: the outcome is known already
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection without a word."""
        self.stream.close()

    def _hear_unasked(self) -> None:
        """Raise where the server said something that nothing asked for."""
        self.connection.receive_data(self.stream.read_available())
        try:
            self.connection.check_nothing_unasked()
        except MailError as error:
            self._mask(error)
            raise

    def _trace_sent(self, group: Iterable[Command]) -> None:
        if self.trace.is_on:
            for command in group:
                self.trace.sent(command.shown)

    def _send(self, *group: Command, timeout: float | None = None) -> None:
        """One flight. An unasked line that arrived meanwhile must not count as the answer to it."""
        self._hear_unasked()
        flight = b"".join([self.connection.send(command) for command in group])
        self._trace_sent(group)
        try:
            self.stream.write(flight, self._clock() + (self.timeouts.command if timeout is None else timeout))
        except ConnectionLost:
            if not self.stream.has_input:  # what the server said before it left answers what we said before that
                raise

    def _answer(self, timeout: float) -> Reply:
        """The reply to the oldest command that has none. `timeout` is for the whole reply."""
        reply = self._next_reply()
        if reply is None:
            reply = self._awaited_reply(timeout)
        self._challenge = reply.challenge() if reply.code == CHALLENGE else None
        if self.trace.redactor.knows_any:
            reply = reply.redacted(self.trace.redactor.redact)
        self.trace.received(reply)
        return reply

    def _awaited_reply(self, timeout: float) -> Reply:
        deadline = self._clock() + timeout
        while True:
            waiting_for = self.connection.awaited
            try:
                self.connection.receive_data(self.stream.read(deadline))
            except DeadlineExceeded:
                raise DeadlineExceeded(
                    f"the server did not {waiting_for} within {timeout:g} second{'' if timeout == 1 else 's'}",
                    hint=SILENT_GREETING_HINT if self.connection.is_greeting_awaited else "",
                ) from None
            if (reply := self._next_reply()) is not None:
                return reply

    def _next_reply(self) -> Reply | None:
        try:
            return self.connection.next_reply()
        except MailError as error:
            self._mask(error)
            raise

    def _mask(self, error: MailError) -> None:
        """No secret in an error that repeats what the server said."""
        error.sentence = self.trace.redactor.redact(error.sentence)
        error.server_reply = self.trace.redactor.redact(error.server_reply)
        error.args = (error.sentence,)

    def _demand(self, reply: Reply, verb: str, sentence: str, hint: str = "") -> Reply:
        if reply.is_positive:
            return reply
        exit_code = exit_code_for_reply(reply.code, reply.enhanced, verb)
        raise CommandRefused(sentence, exit_code, hint=hint, server_reply=str(reply))
