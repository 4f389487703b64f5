"""What a client asks of us as its server, as `reception` understands it."""

from __future__ import annotations

from sendmail_cli.smtp.envelope import NO_DEMANDS, Demands, Reporting
from sendmail_cli.typing import NamedTuple


class Hello(NamedTuple):
    """EHLO or HELO. An `Offer` answers it."""

    name: str
    is_extended: bool


class SenderNamed(NamedTuple):
    """MAIL."""

    path: str  # what stands between the angle brackets; "" is the null path
    parameters: dict[str, str]  # by name in capitals; "" where there is no value
    demands: Demands = NO_DEMANDS  # what they ask for


class RecipientNamed(NamedTuple):
    """RCPT."""

    path: str  # what stands between the angle brackets: an address, or a bare local name
    parameters: dict[str, str]
    reporting: Reporting = Reporting()  # what they ask for


class Content(NamedTuple):
    """A piece of the message. It needs no answer."""

    octets: bytes


class ContentEnded(NamedTuple):
    """The dot. The answer says whether the message is taken over."""


class SignInAsked(NamedTuple):
    """A user and the password that was given for it."""

    user: str
    password: bytes

    def __repr__(self) -> str:
        return f"SignInAsked({self.user!r}, ***)"


class TLSAsked(NamedTuple):
    """STARTTLS. After a positive answer the output is sent, hands are shaken, and then comes `secured`."""


class Forgotten(NamedTuple):
    """The transaction is void: RSET, EHLO, a message that is too large. It needs no answer."""


class Left(NamedTuple):
    """QUIT, or who is turned away: the output is the last. It needs no answer."""


Asked = Hello | SenderNamed | RecipientNamed | Content | ContentEnded | SignInAsked | TLSAsked | Forgotten | Left
