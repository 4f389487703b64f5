"""What a server says: the reply to a command, and what it offers (RFC 5321 §4.2, §4.1.1.1)."""

from __future__ import annotations

from sendmail_cli.printable import printable
from sendmail_cli.typing import NamedTuple


class Answer(NamedTuple):
    """A reply code, an enhanced code (RFC 3463; "" for none) and a line of text."""

    code: int
    enhanced: str
    text: str

    @property
    def is_positive(self) -> bool:
        """2yz."""
        return 200 <= self.code < 300

    def __bytes__(self) -> bytes:
        return f"{self.code} {printable(f'{self.enhanced} {self.text}'.strip())}\r\n".encode()


OK = Answer(250, "2.0.0", "Ok")


class Offer(NamedTuple):
    """What EHLO is answered with."""

    name: str  # of this host
    keywords: tuple[str, ...] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    max_size: int | None = None  # octets of a message; announced with SIZE

    def offers(self, keyword: str) -> bool:
        """Whether that extension is on offer."""
        return keyword in self.keywords or (keyword == "SIZE" and self.max_size is not None)

    def lines(self, mechanisms: tuple[str, ...]) -> tuple[str, ...]:
        """The lines of the answer to EHLO, with AUTH's `mechanisms`."""
        size = () if self.max_size is None else (f"SIZE {self.max_size}",)
        auth = (f"AUTH {' '.join(mechanisms)}",) if mechanisms else ()
        return (self.name, *self.keywords, *size, *auth)
