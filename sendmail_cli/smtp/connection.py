"""The protocol's state: which command may be said when, and which reply belongs to which (RFC 5321 §4.1.4, RFC 2920).

`send` makes bytes of commands, `receive_data` and `next_reply` make replies of bytes. No socket, no clock: a text
file can play the server. Illegal commands raise `LocalProtocolError` and change nothing; what the server may not
say raises `RemoteProtocolError`, and its leaving raises `ConnectionLost`.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from sendmail_cli.errors import ConnectionLost, LocalProtocolError, RemoteProtocolError
from sendmail_cli.smtp.capabilities import AfterContent, Capabilities, parse_capabilities
from sendmail_cli.smtp.commands import END_OF_CONTENT, Command
from sendmail_cli.smtp.replies import Reply, ReplyParser
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """Where the dialogue stands."""

    CONNECTED = "the greeting has not come yet"
    GREETED = "EHLO or HELO must come next"
    READY = "between two transactions"
    TRANSACTION = "MAIL was accepted"
    CONTENT = "the content is being sent"
    CHALLENGED = "the server waits for an answer to its challenge"
    SECURING = "the TLS handshake must come next"
    CLOSING = "QUIT was answered, or the server said that it closes"


class Rule(NamedTuple):
    """When a command may be said, and what each class of reply leads to; 4yz and 5yz change nothing unless named."""

    states: tuple[State, ...]
    after: Mapping[int, State | None]  # first digit of the reply → the state; None: as it was
    may_be_followed: bool  # RFC 2920 §3.1: whether another command may share its flight


_OPEN = (State.GREETED, State.READY, State.TRANSACTION)

RULES: Mapping[str, Rule] = {
    "GREETING": Rule((), {2: State.GREETED, 4: State.CLOSING, 5: State.CLOSING}, may_be_followed=False),
    "EHLO": Rule((State.GREETED, State.READY), {2: State.READY}, may_be_followed=False),
    "HELO": Rule((State.GREETED, State.READY), {2: State.READY}, may_be_followed=False),
    "LHLO": Rule((State.GREETED, State.READY), {2: State.READY}, may_be_followed=False),
    "STARTTLS": Rule((State.READY,), {2: State.SECURING}, may_be_followed=False),
    "AUTH": Rule((State.READY,), {2: State.READY, 3: State.CHALLENGED}, may_be_followed=False),
    "RESPONSE": Rule(
        (State.CHALLENGED,),
        {2: State.READY, 3: State.CHALLENGED, 4: State.READY, 5: State.READY},
        may_be_followed=False,
    ),
    "MAIL": Rule((State.READY,), {2: State.TRANSACTION}, may_be_followed=True),
    "RCPT": Rule((State.TRANSACTION,), {2: None}, may_be_followed=True),
    "DATA": Rule((State.TRANSACTION,), {3: State.CONTENT}, may_be_followed=False),
    "CONTENT": Rule((State.CONTENT,), {2: State.READY, 4: State.READY, 5: State.READY}, may_be_followed=True),
    # After a refused chunk the transaction stands as it was, and only RSET ends it (RFC 3030 §2).
    "BDAT": Rule((State.TRANSACTION,), {2: State.READY}, may_be_followed=True),
    "RSET": Rule((State.READY, State.TRANSACTION), {2: State.READY}, may_be_followed=True),
    "NOOP": Rule(_OPEN, {2: None}, may_be_followed=False),
    "VRFY": Rule(_OPEN, {2: None}, may_be_followed=False),
    "EXPN": Rule(_OPEN, {2: None}, may_be_followed=False),
    "HELP": Rule(_OPEN, {2: None}, may_be_followed=False),
    "QUIT": Rule((*_OPEN, State.CLOSING), {2: State.CLOSING}, may_be_followed=False),
}
OTHER = Rule(_OPEN, {2: None, 3: None}, may_be_followed=False)  # a command of a person's own (`check --command`)

GREETING = Command("GREETING", b"")
HELLOS = ("EHLO", "LHLO", "HELO")
SERVICE_CLOSING = 421


class Connection:
    """One side of the dialogue: ours."""

    def __init__(self, *, is_known_sound: bool = False) -> None:
        self.state = State.CONNECTED
        self.capabilities = Capabilities()
        self.after_content = AfterContent.NOTHING  # what may share the flight of the end of the content
        self.is_closing = False  # nothing but QUIT makes sense any more
        self._expected = State.CONNECTED  # the state if every command still unanswered succeeds
        self._greeting = ""
        self._is_known_sound = is_known_sound  # somebody vouches for it: the next envelope may follow a content
        self._unanswered: deque[Command] = deque([GREETING])
        self._parser = ReplyParser()
        self._is_ended = False
        self._is_abandoned = False  # no further reply could be trusted to answer what we say

    @property
    def awaited(self) -> str:
        """What the server owes us, as words after "did not"."""
        verb = self._unanswered[0].verb if self._unanswered else ""
        special = {
            "GREETING": "greet us",
            "CONTENT": "answer to the end of the content",
            "BDAT": "answer to the content",
            "RESPONSE": "answer to the sign-in",
            "AUTH": "answer to the sign-in",
        }
        return special.get(verb, f"answer to {verb}")

    @property
    def is_pipelining(self) -> bool:
        """True when several commands may share a flight (RFC 2920)."""
        return self.capabilities.offers("PIPELINING")

    @property
    def has_input(self) -> bool:
        """True when something was received that isn't part of a reply already given."""
        return not self._parser.is_empty

    @property
    def is_greeting_awaited(self) -> bool:
        """True before the server has said anything."""
        return self.state is State.CONNECTED

    @property
    def is_in_transaction(self) -> bool:
        """True when MAIL was accepted and the transaction has not come to its end."""
        return self.state is State.TRANSACTION

    @property
    def may_go_on(self) -> bool:
        """True when another transaction can begin: nothing is unanswered, nothing half said, and nobody is leaving."""
        is_between = self.state is State.READY or self.state is State.TRANSACTION
        return is_between and not (self._unanswered or self._is_abandoned or self.is_closing)

    @property
    def may_quit(self) -> bool:
        """False where QUIT would be a line of the message, or its answer could not be told from another's."""
        return not self._unanswered and not self._is_abandoned and self.state in RULES["QUIT"].states

    @property
    def is_quitting(self) -> bool:
        """True when nothing but the answer to QUIT is still to come."""
        return len(self._unanswered) == 1 and self._unanswered[0].verb == "QUIT"

    def send(self, command: Command, replies: int = 1) -> bytes:
        """The octets of `command`, which now waits for its reply, or several. Raises `LocalProtocolError` out of order.

        Only LMTP answers more than once: to the end of the content, for each recipient (RFC 2033 §4.2).
        """
        rule = RULES.get(command.verb, OTHER)
        if self._expected not in rule.states:
            raise LocalProtocolError(f"{command.verb} makes no sense now: {self._expected.value}")
        if self._unanswered:
            if not self.is_pipelining:
                raise LocalProtocolError(f"{command.verb} must wait: the server doesn't offer PIPELINING")
            if not RULES.get(self._unanswered[-1].verb, OTHER).may_be_followed:
                raise LocalProtocolError(f"{command.verb} must wait for the reply to {self._unanswered[-1].verb}")
        self._unanswered.extend([command] * replies)
        hoped_for = rule.after.get(2)
        self._expected = self._expected if hoped_for is None else hoped_for
        return command.line + command.payload

    def receive_data(self, data: bytes | None) -> None:
        """Add what was received: b"" says that the server has closed its side; None is nothing new."""
        if data is None:
            return
        if not data:
            self._is_ended = True
        self._parser.feed(data)

    def next_reply(self) -> Reply | None:
        """The reply to the oldest command without one; None until more is received."""
        if not self._unanswered:
            raise LocalProtocolError("no command waits for a reply")
        reply = self._parser.next_reply()
        if reply is None:
            if self._is_ended:
                raise ConnectionLost(f"the server closed the connection and did not {self.awaited}")
            return None
        self._apply(self._unanswered.popleft(), reply)
        return reply

    def check_nothing_unasked(self) -> None:
        """Raise when the server said something that nothing asked for: it must not pass as the next reply.

        A 421 may come at any time (RFC 5321 §3.8): that is `ConnectionLost`, with the server's words.
        """
        if self._unanswered or not self.has_input:
            return
        reply = self._parser.next_reply()
        if reply is not None and reply.code == SERVICE_CLOSING:
            self.is_closing = True
            raise ConnectionLost("the server ended the session", server_reply=str(reply))
        said = f"“{reply}”" if reply is not None else "a line"
        self._is_abandoned = True
        raise RemoteProtocolError(f"the server said {said} though nothing was asked")

    def abandon_content(self) -> None:
        """The content won't be finished: what the server says now is its answer to it all the same."""
        self._unanswered = deque([END_OF_CONTENT])
        self._is_abandoned = self.is_closing = True

    def abandon(self) -> None:
        """Nothing that is said from here on would reach the server as SMTP, or could be trusted: not even QUIT."""
        self._is_abandoned = self.is_closing = True

    def start_tls(self) -> None:
        """Forget all that was said in the clear (RFC 3207 §4.2); EHLO must come next.

        Raises `RemoteProtocolError` when the server, or somebody in between, said more than the 220: those lines
        were not protected and would be believed (CVE-2021-38371).
        """
        if self.state is not State.SECURING:
            raise LocalProtocolError("TLS can't start here")
        if self.has_input:
            raise RemoteProtocolError(
                "the server went on talking after it agreed to STARTTLS, as an attacker in between would"
            )
        self.capabilities = Capabilities()
        self.state = self._expected = State.GREETED

    def _apply(self, command: Command, reply: Reply) -> None:
        after = RULES.get(command.verb, OTHER).after
        digit = reply.code // 100
        if reply.code == SERVICE_CLOSING:
            self._unanswered.clear()  # RFC 5321 §3.8: the server has stopped listening
            self.state = State.CLOSING
        elif digit in after:
            state = after[digit]
            self.state = self.state if state is None else state
        elif digit not in {4, 5}:
            self._is_abandoned = True
            raise RemoteProtocolError(f"the server answered {command.verb} with “{reply}”, which makes no sense there")
        if command is GREETING:
            self._greeting = reply.text
        if command.verb in HELLOS and reply.is_positive:
            self.capabilities = Capabilities() if command.verb == "HELO" else parse_capabilities(reply)
            self.after_content = self.capabilities.after_content(self._greeting)
            if self._is_known_sound and self.is_pipelining:
                self.after_content = AfterContent.ENVELOPE
        self.is_closing = self.is_closing or self.state is State.CLOSING
        if not self._unanswered:
            self._expected = self.state
