"""What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1)."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.smtp.replies import Reply

MAX_SIZE_DIGITS = 20  # RFC 1870 §4
MAX_LIMIT_DIGITS = 6  # RFC 9422 §4
# Who hears nothing in the flight of the end of the content: Courier and chasquid (1.11) lose it, and answer no QUIT.
DEAF = ("chasquid",)
# Who hears the next envelope there: seen with Postfix 3.7, Exim 4.96, sendmail 8.17. Haraka 3.3 refuses it, and
# Dovecot 2.3 crashes at it, which leaves a message in doubt that it has taken.
SOUND = ("esmtp postfix", "esmtp exim", "esmtp sendmail", "smtp-sink")


class AfterContent(Enum):
    """What a server can be trusted to hear in the flight of the end of the content."""

    NOTHING = "nothing"
    QUIT = "QUIT"
    ENVELOPE = "the next envelope, or QUIT"


class Limits(NamedTuple):
    """What the server takes in one transaction, and in one session (RFC 9422); None: it doesn't say."""

    rcpt_max: int | None = None  # recipients of one transaction
    rcpt_domain_max: int | None = None  # different domains among them
    mail_max: int | None = None  # transactions of one session


class Capabilities(NamedTuple):
    """The server's name for itself and its extensions: (keyword in capitals, parameters) in the order offered."""

    domain: str = ""
    extensions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def offers(self, keyword: str) -> bool:
        """True when the extension is there. `keyword` in capitals."""
        return keyword in [name for name, _ in self.extensions]

    def parameters(self, keyword: str) -> tuple[str, ...]:
        """The parameters of an extension, those of repeated lines together."""
        return tuple(value for name, values in self.extensions if name == keyword for value in values)

    @property
    def size_limit(self) -> int | None:
        """The largest message taken, in octets; None for no limit, or none that can be understood (RFC 1870 §4)."""
        value = next(iter(self.parameters("SIZE")), "")
        if not (value.isascii() and value.isdigit() and len(value) <= MAX_SIZE_DIGITS):
            return None
        return int(value) or None

    def after_content(self, greeting: str) -> AfterContent:
        """What may share the flight of the end of the content. RFC 2920 §3.2 allows it all; servers don't.

        They are known by what they offer and by the names in their greetings.
        """
        said = greeting.lower()
        if not self.offers("PIPELINING") or self.offers("XVERP=COURIER") or any(name in said for name in DEAF):
            return AfterContent.NOTHING
        return AfterContent.ENVELOPE if any(name in said for name in SOUND) else AfterContent.QUIT

    @property
    def limits(self) -> Limits:
        """What `LIMITS` says (RFC 9422 §3). A limit that can't be understood is none."""
        found: dict[str, int] = {}
        for parameter in self.parameters("LIMITS"):
            name, _, value = parameter.partition("=")
            if value.isascii() and value.isdigit() and len(value) <= MAX_LIMIT_DIGITS and int(value) > 0:
                found[name.upper()] = int(value)
        return Limits(found.get("RCPTMAX"), found.get("RCPTDOMAINMAX"), found.get("MAILMAX"))

    @property
    def auth_mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms in capitals, without repeats; `AUTH=LOGIN` of old servers counts."""
        named = [value.upper() for value in self.parameters("AUTH")]
        for keyword, values in self.extensions:
            if keyword.startswith("AUTH="):
                named += [keyword.removeprefix("AUTH="), *(value.upper() for value in values)]
        return tuple(dict.fromkeys(filter(None, named)))


def parse_capabilities(reply: Reply) -> Capabilities:
    """What a positive answer to EHLO offers. A line that is no extension is passed over."""
    first, *rest = reply.lines or ("",)
    extensions = []
    for line in rest:
        words = line.split()
        if words and words[0][0].isalnum() and words[0].isascii():
            extensions.append((words[0].upper(), tuple(words[1:])))
    return Capabilities(first.partition(" ")[0], tuple(extensions))
