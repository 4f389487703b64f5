"""The envelope of RFC 5321 §2.3.1: whom the message is from and whom it goes to, apart from what its header says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec


class ReversePath(NamedTuple):
    """Where reports of failure go (RFC 5321 §4.1.1.2). `address` None is the null path `<>`, which is a real one."""

    address: AddrSpec | None

    def __str__(self) -> str:
        return f"<{'' if self.address is None else self.address}>"


class ForwardPath(NamedTuple):
    """One recipient's address (RFC 5321 §4.1.1.3)."""

    address: AddrSpec

    def __str__(self) -> str:
        return f"<{self.address}>"


class Recipient(NamedTuple):
    """A forward-path and what is asked of the server for it."""

    path: ForwardPath


class Envelope(NamedTuple):
    """Reverse-path and recipients, in the order they are sent; no recipient twice."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]

    @property
    def is_ascii(self) -> bool:
        """False when an address needs SMTPUTF8 (RFC 6531)."""
        sender = self.reverse_path.address
        return (sender is None or sender.is_ascii) and all(r.path.address.is_ascii for r in self.recipients)


def envelope_of(reverse_path: ReversePath, recipients: tuple[AddrSpec, ...]) -> Envelope:
    """An envelope from bare addresses. A recipient named twice gets one copy: domains compare without case."""
    unique: dict[tuple[str, str], AddrSpec] = {}
    for address in recipients:
        unique.setdefault((address.local_part, address.domain.lower()), address)
    return Envelope(reverse_path, tuple(Recipient(ForwardPath(address)) for address in unique.values()))
