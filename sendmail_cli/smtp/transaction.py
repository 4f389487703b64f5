"""One mail transaction (RFC 5321 §3.3): MAIL, RCPT for each recipient, then the content, and which reply is whose."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.errors import RemoteProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.capabilities import AfterContent
from sendmail_cli.smtp.connection import SERVICE_CLOSING
from sendmail_cli.smtp.parameters import mail_parameters, rcpt_parameters
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.commands import Command
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.smtp.replies import Reply

TOO_MANY = (452, 552)  # to RCPT: "too many recipients"; 552 is what RFC 821 said for it (RFC 5321 §4.5.3.1.10)
TOO_MANY_DETAIL = (5, 3)  # X.5.3, the enhanced code for it (RFC 3463 §3.6)
BDAT_UNKNOWN = (500, 502, 503)


class Quit(Enum):
    """What may follow the last message."""

    QUIT = "QUIT"


QUIT = Quit.QUIT


class Transaction:
    """Give its groups of commands to the server, its replies to `receive`; then see who was accepted.

    With a `chunk`, the whole content, it is sent along by BDAT (RFC 3030), before any reply; that takes a server with
    PIPELINING and CHUNKING. Raises `DataError` when the server can't carry this message at all: too large, 8-bit,
    or addresses beyond ASCII; `NotOffered` when it can't do what the envelope demands.
    """

    def __init__(
        self,
        envelope: Envelope,
        capabilities: Capabilities,
        *,
        size: int,
        is_7bit: bool,
        has_utf8_header: bool,
        is_lmtp: bool = False,
        is_secured: bool = False,
        chunk: bytes | None = None,
    ) -> None:
        self.mail_reply: Reply | None = None
        self.rcpt_replies: list[Reply] = []
        self.data_reply: Reply | None = None
        self.content_replies: list[Reply] = []  # one; by LMTP one for each accepted recipient, in their order
        self.closing_reply: Reply | None = None  # a 421: nobody gets anything in this transaction
        self.is_end_sent = False  # the last octet of the content is on its way
        self.is_lmtp = is_lmtp
        self.has_chunk = chunk is not None
        mail = mail_parameters(
            envelope,
            capabilities,
            size=size,
            is_7bit=is_7bit,
            has_utf8_header=has_utf8_header,
            is_secured=is_secured,
        )
        demands = envelope.demands
        self.makes_reports = capabilities.offers("DSN")
        self.is_pipelined = capabilities.offers("PIPELINING")
        self._is_all_or_none = demands.all_or_none
        self._recipients = len(envelope.recipients)
        self._commands = [
            commands.mail(envelope.reverse_path, mail),
            *[commands.rcpt(it.path, rcpt_parameters(it, capabilities, demands)) for it in envelope.recipients],
            commands.DATA if chunk is None else commands.last_chunk(chunk),
        ]
        self._sent = 0
        self._received = 0

    @property
    def awaited(self) -> Command | None:
        """The oldest command that was sent and has no reply; None where there is none."""
        return self._commands[self._received] if self._received < self._sent else None

    @property
    def content_reply(self) -> Reply | None:
        """The answer to the content, by LMTP the first; None while there is none."""
        return self.content_replies[0] if self.content_replies else None

    @property
    def is_anyone_accepted(self) -> bool:
        """True when MAIL and at least one RCPT were."""
        mail = self.mail_reply
        return mail is not None and mail.is_positive and any(reply.is_positive for reply in self.rcpt_replies)

    @property
    def is_everyone_accepted(self) -> bool:
        """True when every RCPT so far was, and not by BDAT, whose answers come together."""
        return not self.has_chunk and all(reply.is_positive for reply in self.rcpt_replies)

    @property
    def is_content_expected(self) -> bool:
        """True when the server said 354 and waits for content."""
        return self.data_reply is not None and self.data_reply.is_intermediate and not self.content_replies

    @property
    def wants_content(self) -> bool:
        """True when the content is to be sent: it is expected, and somebody gets it."""
        return self.is_content_expected and self.is_anyone_accepted

    @property
    def wants_lone_dot(self) -> bool:
        """True when 354 came though every RCPT was refused: RFC 2920 §3.1 wants an empty content then.

        Not where only MAIL was refused: somebody might get the empty message.
        """
        return self.is_content_expected and not any(reply.is_positive for reply in self.rcpt_replies)

    @property
    def content_replies_due(self) -> int:
        """How many replies the end of the content gets: one, by LMTP one for each accepted recipient (RFC 2033)."""
        return sum(reply.is_positive for reply in self.rcpt_replies) if self.is_lmtp else 1

    @property
    def is_in_doubt(self) -> bool:
        """True when the server may have taken the message for somebody and we don't know (RFC 1047)."""
        return self.is_end_sent and len(self.content_replies) < self.content_replies_due

    @property
    def is_decided(self) -> bool:
        """True when the content has its answer, or was sent whole and will never be known to have one."""
        return bool(self.content_replies) or self.is_end_sent

    @property
    def is_chunk_unknown(self) -> bool:
        """True when the server offers BDAT and refuses the command itself: DATA may do."""
        replies = self.content_replies
        return self.has_chunk and self.is_anyone_accepted and bool(replies) and replies[0].code in BDAT_UNKNOWN

    @property
    def is_broken_off(self) -> bool:
        """True when nobody may get it because somebody can't (`all_or_none`)."""
        mail = self.mail_reply
        return (
            self._is_all_or_none
            and mail is not None
            and mail.is_positive
            and any(not reply.is_positive for reply in self.rcpt_replies)
        )

    def is_left_over(self, index: int) -> bool:
        """True when another transaction may take this recipient: it was too many for this one, or BDAT was.

        Too many are left over only where somebody was taken; else the server never would (RFC 5321 §4.5.3.1.10).
        """
        reply = self.rcpt_replies[index] if index < len(self.rcpt_replies) else None
        if reply is not None and reply.is_positive:
            return self.is_chunk_unknown
        if reply is None or reply.code not in TOO_MANY or self._is_all_or_none or not self.is_anyone_accepted:
            return False
        return reply.enhanced is None or reply.enhanced[1:] == TOO_MANY_DETAIL

    def verdict(self, index: int) -> tuple[Reply, str] | None:
        """The reply that decides on this recipient, and the verb that it answered; None where none came to that."""
        rcpt = self.rcpt_replies[index] if index < len(self.rcpt_replies) else None
        mail = self.mail_reply
        if mail is not None and not mail.is_positive:
            return mail, "MAIL"  # what RCPT got then (503, say) follows from it
        if rcpt is not None and not rcpt.is_positive:
            return rcpt, "RCPT"
        if (content := self._reply_to_content(index)) is not None:
            return content, "CONTENT"
        if self.is_end_sent:
            return None
        if self.closing_reply is not None:
            return self.closing_reply, "CONTENT"
        data = self.data_reply
        return None if data is None or data.is_positive or data.is_intermediate else (data, "DATA")

    def _reply_to_content(self, index: int) -> Reply | None:
        if self.is_lmtp and self.is_end_sent:
            index = sum(reply.is_positive for reply in self.rcpt_replies[:index])
            return self.content_replies[index] if index < len(self.content_replies) else None
        return self.content_reply

    def next_group(self) -> tuple[Command, ...]:
        """The commands to send next in one flight: all of them with PIPELINING, else one; () when there is no more.

        Where nobody gets it unless everybody does, the content is not asked for before all are known.
        """
        if self._sent == len(self._commands) or self._is_pointless:
            return ()
        start = self._sent
        if not self.is_pipelined:
            self._sent += 1
        elif self._is_all_or_none and start == 0:
            self._sent = len(self._commands) - 1
        else:
            self._sent = len(self._commands)
        return tuple(self._commands[start : self._sent])

    @property
    def _is_pointless(self) -> bool:
        """True when no content will be sent, so nothing that leads there need be said."""
        if self.mail_reply is None:
            return False
        if not self.mail_reply.is_positive or self.is_broken_off:
            return True
        return len(self.rcpt_replies) == self._recipients and not self.is_anyone_accepted

    def receive(self, reply: Reply) -> None:
        """The reply to the oldest command without one."""
        index = self._received
        self._received += 1
        if index == 0:
            self.mail_reply = reply
        elif index <= self._recipients:
            self.rcpt_replies.append(reply)
        elif self.has_chunk or self.data_reply is not None:
            self.content_replies.append(reply)
        else:
            self.data_reply = reply
        self._note_closing(reply)

    def receive_early(self, reply: Reply) -> None:
        """A reply to content that isn't whole yet. A refusal counts; a promise can't be believed."""
        if reply.is_positive or reply.is_intermediate:
            raise RemoteProtocolError(f"the server said “{reply}” before it had the whole message")
        self.is_end_sent = False
        self.content_replies.append(reply)
        self._note_closing(reply)

    def _note_closing(self, reply: Reply) -> None:
        if reply.code == SERVICE_CLOSING:
            self.closing_reply = reply


Following = Transaction | Quit | None  # what may share the flight of a content's end


def goes_along(following: Callable[[], Following], trusted: AfterContent) -> tuple[Command, ...]:
    """The commands of `following` that do share it: one message at most is unanswered."""
    if trusted is AfterContent.NOTHING:
        return ()
    it = following()
    if isinstance(it, Quit):
        return (commands.QUIT,)
    if it is None or it.has_chunk or trusted is not AfterContent.ENVELOPE:
        return ()
    return it.next_group()
