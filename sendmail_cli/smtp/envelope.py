"""The envelope of RFC 5321 §2.3.1: whom the message is from and whom it goes to, apart from what its header says."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


class Reporting(NamedTuple):
    """What reports are asked for about a recipient."""

    notify: tuple[Notify, ...] = ()  # (): as the server likes
    original: str | None = None  # whom reports name, as ORCPT has it (RFC 3461 §4.2); None: this very address


class Recipient(NamedTuple):
    """A forward-path and what is asked of the server for it, as in `Reporting`."""

    path: ForwardPath
    notify: tuple[Notify, ...] = ()
    original: str | None = None


class Demands(NamedTuple):
    """What is asked of the server for the whole message. It is refused where the server can't do it.

    Not so reports, where a program asks for them that can do nothing about a server without DSN: the message is sent
    all the same, and the reports are ours to make, as those of every relay (RFC 3461 §5.2.3).
    """

    ret: Ret | None = None
    envid: str | None = None  # comes back in reports (RFC 3461 §4.4)
    are_reports_ours: bool = False  # those that the server doesn't offer to make
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
    return envelope_for(reverse_path, (Recipient(ForwardPath(address), notify) for address in recipients), demands)


def envelope_for(reverse_path: ReversePath, recipients: Iterable[Recipient], demands: Demands = NO_DEMANDS) -> Envelope:
    """The same from recipients; of one that is named twice what is asked first counts."""
    unique: dict[tuple[str, str], Recipient] = {}
    for recipient in recipients:
        address = recipient.path.address
        unique.setdefault((address.local_part, address.domain.lower()), recipient)
    return Envelope(reverse_path, tuple(unique.values()), demands)


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
