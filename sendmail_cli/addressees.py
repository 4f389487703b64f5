"""Recipients as a person writes them: an address, or a name without a domain that the address book makes one of."""

from __future__ import annotations

import re

from sendmail_cli.addresses import Address, AddressParser, AddrSpec, Group, Mailbox, group_text, quote_phrase
from sendmail_cli.typing import NamedTuple

_LOCAL_NAME = r"\w[\w.+-]*"


class LocalName(NamedTuple):
    """A recipient without a domain, “root” for one: whom it means the address book says. No address by itself."""

    name: str  # shown, as a mailbox's
    local_part: str

    def __str__(self) -> str:
        return f"{quote_phrase(self.name)} <{self.local_part}>" if self.name else self.local_part


class OpenGroup(NamedTuple):
    """A group of which some member is a local name."""

    name: str
    members: tuple[Mailbox | LocalName, ...]

    def __str__(self) -> str:
        return group_text(self.name, self.members)


Addressee = Mailbox | Group | LocalName | OpenGroup


def parse_addressees(text: str) -> tuple[Addressee, ...]:
    """As `parse_address_list`, but a bare name such as "root" is a `LocalName`. Raises `AddressError`.

    It begins with a letter, a digit or “_”, so that no option, file or program is one.
    """
    return tuple(map(_opened, _AddresseeParser(text).address_list()))


def _opened(address: Address) -> Addressee:
    """What `_AddresseeParser` writes as an address without a domain, told apart."""
    if isinstance(address, Mailbox):
        return _named(address)
    members = tuple(map(_named, address.mailboxes))
    is_open = any(isinstance(member, LocalName) for member in members)
    return OpenGroup(address.name, members) if is_open else address


def _named(mailbox: Mailbox) -> Mailbox | LocalName:
    return mailbox if mailbox.address.domain else LocalName(mailbox.name, mailbox.address.local_part)


def addressees_of(addressees: tuple[Addressee, ...]) -> tuple[Mailbox | LocalName, ...]:
    """Every mailbox and local name in `addressees`, those inside groups included, in order."""
    found: list[Mailbox | LocalName] = []
    for each in addressees:
        if isinstance(each, Group):
            found += each.mailboxes
        elif isinstance(each, OpenGroup):
            found += each.members
        else:
            found.append(each)
    return tuple(found)


class _AddresseeParser(AddressParser):
    """Takes a name without “@”, as an address without a domain: `_named` knows it."""

    def addr_spec(self, *, is_quoted: bool) -> AddrSpec:
        start = self.at
        local_part = self.quoted_string() if is_quoted else self.dot_atom("an address")
        self.skip_space_and_comments()
        if not self.peek("@") and re.fullmatch(_LOCAL_NAME, local_part):
            return self.checked(local_part, "", start)
        self.at = start
        return super().addr_spec(is_quoted=is_quoted)
