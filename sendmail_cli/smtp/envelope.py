"""The envelope of RFC 5321 §2.3.1: whom the message is from and whom it goes to, apart from what its header says."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.smtp.capabilities import Limits


class Notify(Enum):
    """When a report about a recipient is wanted (RFC 3461 §4.1)."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


class Ret(Enum):
    """What of the message a report of failure brings back (RFC 3461 §4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


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
    notify: tuple[Notify, ...] = ()  # (): as the server likes; a report then names this very address (ORCPT)


class Demands(NamedTuple):
    """What is asked of the server for the whole message. It is refused where the server can't do it."""

    ret: Ret | None = None
    envid: str | None = None  # comes back in reports (RFC 3461 §4.4)
    require_tls: bool = False  # on every hop (RFC 8689)
    mail_parameters: tuple[str, ...] = ()  # "KEY=VALUE" or "KEY", as they go after MAIL
    rcpt_parameters: tuple[str, ...] = ()  # the same after each RCPT
    all_or_none: bool = False  # nobody gets it unless everybody does


NO_DEMANDS = Demands()


class Envelope(NamedTuple):
    """Reverse-path and recipients, in the order they are sent; no recipient twice."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    demands: Demands = NO_DEMANDS

    @property
    def is_ascii(self) -> bool:
        """False when an address needs SMTPUTF8 (RFC 6531)."""
        sender = self.reverse_path.address
        return (sender is None or sender.is_ascii) and all(r.path.address.is_ascii for r in self.recipients)


def envelope_of(
    reverse_path: ReversePath,
    recipients: tuple[AddrSpec, ...],
    *,
    notify: tuple[Notify, ...] = (),
    demands: Demands = NO_DEMANDS,
) -> Envelope:
    """An envelope from bare addresses. A recipient named twice gets one copy: domains compare without case."""
    unique: dict[tuple[str, str], AddrSpec] = {}
    for address in recipients:
        unique.setdefault((address.local_part, address.domain.lower()), address)
    return Envelope(
        reverse_path, tuple(Recipient(ForwardPath(address), notify) for address in unique.values()), demands
    )


def fitting(recipients: Sequence[Recipient], limits: Limits) -> list[int]:
    """Which of `recipients`, by place and in order, fit into one transaction of a server with `limits` (RFC 9422)."""
    places: list[int] = list(range(len(recipients)))
    if limits.rcpt_domain_max is not None:
        domains: set[str] = set()
        places = []
        for place, recipient in enumerate(recipients):
            domain = recipient.path.address.domain.lower()
            if domain in domains or len(domains) < limits.rcpt_domain_max:
                domains.add(domain)
                places.append(place)
    return places[: limits.rcpt_max]
