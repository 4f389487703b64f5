"""Which addresses a profile is for: patterns such as `*@work.example`, and the rules of servers about From.

`match` chooses the profile by the sender; `force_from` and `allow_from` are for servers that take mail from nobody
but those whom they know.
"""

from __future__ import annotations

import re

from sendmail_cli.addresses import encode_domain, parse_address_list
from sendmail_cli.errors import AddressError, ConfigError, DataError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendmail_cli.addresses import Address, AddrSpec, Mailbox


class AddressPattern(NamedTuple):
    """An address in which “*” stands for any characters, none too. Letter case makes no difference."""

    text: str  # as it was written
    folded: str  # as it is compared: in lower case, the domain in A-labels

    @property
    def exactness(self) -> tuple[bool, int]:
        """The greater, the fewer addresses are meant: one without a star first, then by what is written out."""
        return "*" not in self.folded, len(self.folded.replace("*", ""))

    def matches(self, address: AddrSpec) -> bool:
        """True when `address` is one of those that are meant."""
        expression = ".*".join(map(re.escape, self.folded.split("*")))
        return re.fullmatch(expression, f"{address.local_part}@{address.domain}".lower(), re.DOTALL) is not None

    def __str__(self) -> str:
        return f"“{printable(self.text, 80)}”"


class Sender(Protocol):
    """A mailbox, or a reverse-path."""

    @property
    def address(self) -> AddrSpec | None:
        """Its address; None for the null path."""
        ...


class SenderRules(NamedTuple):
    """What a profile demands of the sender of each message."""

    forced: Mailbox | None = None  # From is this, whatever was asked for
    allowed: tuple[AddressPattern, ...] = ()  # nobody else may be the sender; (): anybody may
    whence: str = ""  # who allows them, and where, for sentences

    def check(self, senders: Iterable[Sender]) -> None:
        """Raise `DataError` for one of `senders` that is not allowed. The null path always is."""
        for address in [sender.address for sender in senders] if self.allowed else ():
            if address is not None and not any(pattern.matches(address) for pattern in self.allowed):
                raise DataError(
                    f"{printable(str(address), 120)} is no sender for {self.whence} has only "
                    f"{', '.join(map(str, self.allowed))}",
                    hint="Send from one of those, or by another profile: -p NAME.",
                )


def most_exact(patterns: Iterable[AddressPattern], address: AddrSpec) -> AddressPattern | None:
    """The most exact one of `patterns` that matches `address`, or None."""
    matching = [pattern for pattern in patterns if pattern.matches(address)]
    return max(matching, key=lambda pattern: pattern.exactness, default=None)


def parse_patterns(value: object) -> tuple[AddressPattern, ...]:
    """One pattern, or a list of them, as TOML has them. Raises `ConfigError`."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) for each in values):
        raise ConfigError('expected an address or a list of them, “*” for any characters: ["*@work.example"]')
    return tuple(map(_parse_pattern, values))


def parse_copies(value: object) -> tuple[Address, ...]:
    """The addresses of a header field, in a text or a list of texts. Raises `ConfigError` and `AddressError`."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise ConfigError("expected addresses: a text, or a list of texts")
    copies = parse_address_list(", ".join(map(str, values)))
    if not copies:
        raise ConfigError("no address is named")
    return copies


def _parse_pattern(text: str) -> AddressPattern:
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or not domain or find_control(text) is not None:
        raise ConfigError(f"“{printable(text, 80)}” is no pattern of addresses: *@work.example is one, ada@* another")
    if "*" not in domain and not domain.startswith("["):
        try:
            domain = encode_domain(domain)
        except AddressError as error:
            raise ConfigError(error.sentence) from None
    return AddressPattern(text, f"{local}@{domain}".lower())
