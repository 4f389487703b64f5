"""One mail transaction (RFC 5321 §3.3): MAIL, RCPT for each recipient, DATA, and which reply is whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.errors import AddressError, DataError, MessageTooLarge, RemoteProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.connection import SERVICE_CLOSING

if TYPE_CHECKING:
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.commands import Command
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.smtp.replies import Reply


class Transaction:
    """Give its groups of commands to the server, its replies to `receive`; then see who was accepted.

    Raises `DataError` when the server can't carry this message at all: too large, 8-bit, or addresses beyond ASCII.
    """

    def __init__(
        self, envelope: Envelope, capabilities: Capabilities, *, size: int, is_7bit: bool, has_utf8_header: bool
    ) -> None:
        self.mail_reply: Reply | None = None
        self.rcpt_replies: list[Reply] = []
        self.data_reply: Reply | None = None
        self.content_reply: Reply | None = None
        self.closing_reply: Reply | None = None  # a 421: nobody gets anything in this transaction
        self.is_end_sent = False  # the final dot is on its way, whole
        needs_smtputf8 = has_utf8_header or not envelope.is_ascii
        parameters = _mail_parameters(capabilities, size=size, is_7bit=is_7bit, needs_smtputf8=needs_smtputf8)
        self._is_pipelined = capabilities.offers("PIPELINING")
        self._recipients = len(envelope.recipients)
        self._commands = [
            commands.mail(envelope.reverse_path, parameters),
            *(commands.rcpt(recipient.path) for recipient in envelope.recipients),
            commands.DATA,
        ]
        self._sent = 0

    @property
    def is_anyone_accepted(self) -> bool:
        """True when MAIL and at least one RCPT were."""
        mail = self.mail_reply
        return mail is not None and mail.is_positive and any(reply.is_positive for reply in self.rcpt_replies)

    @property
    def is_content_expected(self) -> bool:
        """True when the server said 354 and waits for content."""
        return self.data_reply is not None and self.data_reply.is_intermediate and self.content_reply is None

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
    def is_in_doubt(self) -> bool:
        """True when the server may have taken the message and we don't know (RFC 1047)."""
        return self.is_end_sent and self.content_reply is None

    @property
    def is_decided(self) -> bool:
        """True when the content has its answer, or was sent whole and will never be known to have one."""
        return self.content_reply is not None or self.is_end_sent

    def next_group(self) -> tuple[Command, ...]:
        """The commands to send next in one flight: all of them with PIPELINING, else one; () when there is no more."""
        if self._sent == len(self._commands) or self._is_pointless:
            return ()
        start = self._sent
        self._sent = len(self._commands) if self._is_pipelined else start + 1
        return tuple(self._commands[start : self._sent])

    @property
    def _is_pointless(self) -> bool:
        """True when no content will be sent, so nothing that leads there need be said."""
        if self.mail_reply is None:
            return False
        if not self.mail_reply.is_positive:
            return True
        return len(self.rcpt_replies) == self._recipients and not self.is_anyone_accepted

    def receive(self, reply: Reply) -> None:
        """The reply to the oldest command without one."""
        if self.mail_reply is None:
            self.mail_reply = reply
        elif len(self.rcpt_replies) < self._recipients:
            self.rcpt_replies.append(reply)
        elif self.data_reply is None:
            self.data_reply = reply
        else:
            self.content_reply = reply
        if reply.code == SERVICE_CLOSING:
            self.closing_reply = reply

    def receive_early(self, reply: Reply) -> None:
        """A reply to content that isn't whole yet. A refusal counts; a promise can't be believed."""
        if reply.is_positive or reply.is_intermediate:
            raise RemoteProtocolError(f"the server said “{reply}” before it had the whole message")
        self.is_end_sent = False
        self.content_reply = reply


def _mail_parameters(capabilities: Capabilities, *, size: int, is_7bit: bool, needs_smtputf8: bool) -> tuple[str, ...]:
    """The parameters of MAIL for this message; each only where the server's last EHLO offered its extension."""
    parameters = []
    limit = capabilities.size_limit
    if limit is not None and size > limit:
        raise MessageTooLarge(
            f"the message has {size:,} octets and the server takes at most {limit:,}",
            hint="Send less, or put the file where the recipients can fetch it.",
        )
    if capabilities.offers("SIZE"):
        parameters.append(f"SIZE={size}")
    if not is_7bit:
        if not capabilities.offers("8BITMIME"):
            raise DataError("the message holds 8-bit octets and the server takes 7-bit messages only (no 8BITMIME)")
        parameters.append("BODY=8BITMIME")
    if needs_smtputf8:
        if not capabilities.offers("SMTPUTF8"):
            raise AddressError(
                "an address or header field of this message is beyond ASCII, and the server doesn't take that "
                "(no SMTPUTF8, 5.6.7)",
                hint="Use an address with ASCII letters before the “@”; domains of any script are no trouble.",
            )
        parameters.append("SMTPUTF8")
    return tuple(parameters)
