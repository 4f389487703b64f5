"""The server's side of RFC 5321: octets of a client into what it asks for, and the answers into octets.

It knows framing, the order of commands and their syntax. What to answer where that is a decision (a sender, a
recipient, a message, a sign-in) the caller is asked, one thing at a time:

    reception.feed(octets)
    while (asked := reception.next()) is not None:
        reception.answer(…)                    # but for Content, Forgotten and Left
    write(reception.output())                  # the answers to a pipelined group in one write
"""

from __future__ import annotations

from sendmail_cli.printable import find_control
from sendmail_cli.smtp.answers import OK, Answer, Offer
from sendmail_cli.smtp.asked import (
    Content,
    ContentEnded,
    Forgotten,
    Hello,
    Left,
    RecipientNamed,
    SenderNamed,
    TLSAsked,
)
from sendmail_cli.smtp.commands import MAX_AUTH_LINE
from sendmail_cli.smtp.received_content import CRLF, ReceivedContent
from sendmail_cli.smtp.received_parameters import SYNTAX, received_demands, received_reporting
from sendmail_cli.smtp.received_paths import parse_path
from sendmail_cli.smtp.sign_in import SignIn
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.smtp.asked import Asked
    from sendmail_cli.smtp.envelope import Demands

MAX_LINE = MAX_AUTH_LINE  # octets; RFC 5321 §4.5.3.1.4 says 512; parameters and sign-ins come on top
MAX_FAULTS = 20  # refused commands; a person may err that often
MAX_RECIPIENTS = 1000  # of one message; RFC 5321 §4.5.3.1.8 wants a hundred at the least

# What a browser says to a port that a page told it to write to: it must not get as far as MAIL.
_OF_WEB = frozenset(("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE"))
_ORDER = Answer(503, "5.5.1", "Bad sequence of commands")
_TOO_MANY = Answer(452, "4.5.3", "Too many recipients for one message")  # RFC 5321 §4.5.3.1.10


class Reception:
    """One connection, from the greeting on. No sockets, no clock."""

    def __init__(self, offer: Offer, *, mechanisms: tuple[str, ...] = (), is_sign_in_needed: bool = False) -> None:
        """Greets with the name in `offer`. `mechanisms` are those of AUTH; `is_sign_in_needed` lets nobody send mail
        who didn't sign in.
        """
        self._offer = offer
        self._mechanisms = mechanisms
        self._needs_sign_in = is_sign_in_needed
        self._output = [bytes(Answer(220, "", f"{offer.name} ESMTP sendmail-cli"))]
        self._buffer = b""
        self._is_skipping = False  # the rest of a line that is too long
        self._hello: Hello | None = None
        self._sender: SenderNamed | None = None
        self._is_sender_refused = False  # what came along with it in one flight is no fault of its own
        self._accepted = 0  # recipients
        self._content: ReceivedContent | None = None
        self._size = 0  # octets of it so far
        self._sign_in: SignIn | None = None  # one that has begun
        self._is_signed_in = False
        self._is_over = False
        self._faults = 0
        self._waiting: Asked | None = None  # what comes next, whatever is fed
        self._decide: Callable[[Answer], None] = self._say

    @property
    def hello(self) -> Hello | None:
        """What the client called itself; None before EHLO and HELO."""
        return self._hello

    @property
    def is_over(self) -> bool:
        """True when nothing more is heard."""
        return self._is_over

    def feed(self, octets: bytes) -> None:
        """What the client sent."""
        self._buffer += octets

    def output(self) -> bytes:
        """What is to be sent now; each octet is given once."""
        octets = b"".join(self._output)
        self._output.clear()
        return octets

    def next(self) -> Asked | None:
        """What the client asks for next; None when more octets are needed, or all is over."""
        while not self._is_over:
            if self._waiting is not None:
                waiting, self._waiting = self._waiting, None
                return waiting
            before = len(self._buffer)
            asked = self._in_line() if self._content is None else self._in_content(self._content)
            if asked is not None:
                return asked
            if len(self._buffer) == before:
                break
        return None

    def answer(self, answer: Answer | Offer) -> None:
        """What is said to what `next` gave last: an `Offer` to `Hello`, an `Answer` to all else."""
        if isinstance(answer, Offer):
            self._welcome(answer)
        else:
            self._decide(answer)

    def secured(self) -> None:
        """TLS stands. Nothing that was said before counts, and nothing that came along with it (RFC 3207 §4.2)."""
        self._buffer = b""
        self._hello = None
        self._forget()

    def turn_away(self, answer: Answer) -> Left:
        """Says `answer`, a 421, and hears nothing more: who waits too long, or when we are shut down."""
        self._say(answer)
        self._is_over = True
        return Left()

    def _in_content(self, content: ReceivedContent) -> Asked | None:
        octets = content.feed(self._buffer)
        self._buffer = content.rest
        self._size += len(octets)
        too_large = self._too_large(self._size)
        if not content.is_ended:
            return Content(octets) if octets and too_large is None else None
        self._content = None
        if too_large is not None:
            self._end_transaction(too_large)
            return Forgotten()
        self._decide = self._end_transaction
        self._waiting = ContentEnded()
        return Content(octets)

    def _too_large(self, size: int) -> Answer | None:
        limit = self._offer.max_size
        return None if limit is None or size <= limit else Answer(552, "5.3.4", f"Larger than {limit} octets")

    def _in_line(self) -> Asked | None:
        """What the next line asks for; None where there is none, or where it is answered already."""
        line = self._take_line()
        if line is None:
            return None
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            return self._refuse(Answer(500, "5.5.2", "A command is a line of UTF-8"))
        if len(line) > MAX_LINE or find_control(text.replace("\t", " ")) is not None:
            return self._refuse(Answer(500, "5.5.2", "Too long, or with control characters"))
        if self._sign_in is not None:
            return self._sign_in_step(self._sign_in, text)
        return self._command(text.strip(" \t"), CRLF if line.endswith(b"\r") else b"\n")

    def _take_line(self) -> bytes | None:
        """The next line without its LF. Of one that is too long the beginning, and the rest is passed over."""
        line, end, rest = self._buffer.partition(b"\n")
        if len(line) <= MAX_LINE and not end:
            return None
        was_skipping, self._is_skipping = self._is_skipping, not end
        self._buffer = rest
        return None if was_skipping else line

    def _command(self, text: str, line_end: bytes) -> Asked | None:
        verb, _, argument = text.partition(" ")
        verb, argument = verb.upper(), argument.strip(" \t")
        if verb in _OF_WEB:
            return self.turn_away(Answer(421, "4.7.0", "This is no web server"))
        if verb == "DATA":
            return self._data(argument, line_end)
        step = _COMMANDS.get(verb)
        return self._refuse(Answer(500, "5.5.2", "Command not recognized")) if step is None else step(self, argument)

    def _helo(self, argument: str) -> Asked | None:
        return self._greeted(Hello(argument, is_extended=False))

    def _ehlo(self, argument: str) -> Asked | None:
        return self._greeted(Hello(argument, is_extended=True))

    def _greeted(self, hello: Hello) -> Asked | None:
        if not hello.name:
            return self._refuse(SYNTAX)
        self._forget()
        self._hello = hello
        self._waiting = hello
        return Forgotten()

    def _welcome(self, offer: Offer) -> None:
        self._offer = offer
        is_extended = self._hello is not None and self._hello.is_extended
        lines = offer.lines(self._mechanisms) if is_extended else (offer.name,)
        self._output += [f"250-{line}\r\n".encode() for line in lines[:-1]] + [f"250 {lines[-1]}\r\n".encode()]

    def _mail(self, argument: str) -> Asked | None:
        if self._hello is None or self._sender is not None:
            return self._refuse(_ORDER)
        if self._needs_sign_in and not self._is_signed_in:
            return self._refuse(Answer(530, "5.7.0", "Authentication required"))
        self._is_sender_refused = True
        found = parse_path("FROM:", argument)
        if found is None:
            return self._refuse(SYNTAX)
        demands = self._demands(found[1])
        if isinstance(demands, Answer):
            return self._refuse(demands)
        sender = SenderNamed(*found, demands)

        def decide(answer: Answer) -> None:
            self._say(answer)
            if answer.is_positive:
                self._sender, self._is_sender_refused = sender, False

        self._decide = decide
        return sender

    def _demands(self, parameters: dict[str, str]) -> Demands | Answer:
        demands = received_demands(parameters, self._offer)
        return demands if isinstance(demands, Answer) else self._too_large(int(parameters.get("SIZE", "0"))) or demands

    def _rcpt(self, argument: str) -> Asked | None:
        if self._sender is None:
            return self._follow_refused_sender()
        found = parse_path("TO:", argument)
        if found is None or not found[0]:
            return self._refuse(SYNTAX)
        reporting = received_reporting(found[1], self._offer)
        if isinstance(reporting, Answer):
            return self._refuse(reporting)
        if self._accepted >= MAX_RECIPIENTS:  # no fault: the client sends to them by another transaction
            self._say(_TOO_MANY)
            return None

        def decide(answer: Answer) -> None:
            self._say(answer)
            self._accepted += answer.is_positive

        self._decide = decide
        return RecipientNamed(*found, reporting)

    def _data(self, argument: str, line_end: bytes) -> Asked | None:
        if argument:
            return self._refuse(SYNTAX)
        if self._sender is None:
            return self._follow_refused_sender()
        if not self._accepted:
            return self._refuse(Answer(554, "5.5.1", "No valid recipients"))
        self._say(Answer(354, "", "End it with a dot on a line of its own"))
        self._content = ReceivedContent(line_end)
        self._size = 0
        return None

    def _follow_refused_sender(self) -> Asked | None:
        """RCPT or DATA without MAIL. Whoever pipelines them can't know yet that it was refused."""
        if not self._is_sender_refused:
            return self._refuse(_ORDER)
        self._say(_ORDER)
        return None

    def _rset(self, argument: str) -> Asked | None:
        if argument:
            return self._refuse(SYNTAX)
        self._forget()
        self._say(OK)
        return Forgotten()

    def _noop(self, _: str) -> Asked | None:
        self._say(OK)
        return None

    def _vrfy(self, argument: str) -> Asked | None:
        if not argument:
            return self._refuse(SYNTAX)
        self._say(Answer(252, "2.5.0", "Send it and see"))
        return None

    def _help(self, _: str) -> Asked | None:
        self._say(Answer(214, "2.0.0", "EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT: RFC 5321"))
        return None

    def _quit(self, _: str) -> Asked | None:
        return self.turn_away(Answer(221, "2.0.0", "Bye"))

    def _starttls(self, argument: str) -> Asked | None:
        if argument:
            return self._refuse(SYNTAX)
        if not self._offer.offers("STARTTLS"):
            return self._refuse(Answer(502, "5.5.1", "Not offered"))
        self._decide = self._say
        return TLSAsked()

    def _auth(self, argument: str) -> Asked | None:
        mechanism, _, initial = argument.partition(" ")
        if self._hello is None or self._is_signed_in or self._sender is not None:
            return self._refuse(_ORDER)
        if mechanism.upper() not in self._mechanisms:
            return self._refuse(Answer(504, "5.5.4", "This mechanism is not offered"))
        self._sign_in = SignIn(mechanism.upper())
        return self._sign_in_step(self._sign_in, initial.strip(" ") or None)

    def _sign_in_step(self, sign_in: SignIn, line: str | None) -> Asked | None:
        step = sign_in.step(line)
        if isinstance(step, Answer) and step.code == 334:
            self._say(step)
            return None
        self._sign_in = None
        if isinstance(step, Answer):
            return self._refuse(step)

        def decide(answer: Answer) -> None:
            self._is_signed_in = answer.is_positive
            if answer.is_positive:
                self._say(answer)
            else:
                self._refuse(answer)

        self._decide = decide
        return step

    def _say(self, answer: Answer) -> None:
        self._output.append(bytes(answer))

    def _refuse(self, answer: Answer) -> Asked | None:
        """A command that can't be obeyed. Whoever sends little else is turned away."""
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            return self.turn_away(Answer(421, "4.7.0", "Too many errors"))
        self._say(answer)
        return None

    def _end_transaction(self, answer: Answer) -> None:
        self._say(answer)
        self._forget()

    def _forget(self) -> None:
        self._sender, self._is_sender_refused = None, False
        self._accepted = 0


_COMMANDS: dict[str, Callable[[Reception, str], Asked | None]] = {
    "HELO": Reception._helo,
    "EHLO": Reception._ehlo,
    "MAIL": Reception._mail,
    "RCPT": Reception._rcpt,
    "RSET": Reception._rset,
    "NOOP": Reception._noop,
    "VRFY": Reception._vrfy,
    "HELP": Reception._help,
    "QUIT": Reception._quit,
    "STARTTLS": Reception._starttls,
    "AUTH": Reception._auth,
}
