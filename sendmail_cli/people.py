"""Whom a message goes to: addresses, and names that an address book makes addresses of."""

from __future__ import annotations

from sendmail_cli.addresses import Address, AddrSpec, Group, Mailbox, mailboxes_of
from sendmail_cli.smtp.envelope import ForwardPath, Recipient
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.config.address_book import Resolver
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.smtp.envelope import Notify, Reporting

    Resolve = Callable[[tuple[Addressee, ...]], tuple[Address, ...]]


class People(NamedTuple):
    """Whom a message goes to, every name made an address."""

    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()

    @property
    def addresses(self) -> tuple[AddrSpec, ...]:
        """Each address, in order."""
        return tuple(box.address for box in mailboxes_of(self.to + self.cc + self.bcc))


def resolver_for(
    settings: Settings, environment: Environment, note: Callable[[str], None], warn: Callable[[str], None]
) -> Resolve:
    """What makes addresses of names. Where there are only addresses, no address book is loaded."""
    resolvers: list[Resolver] = []

    def resolve(addressees: tuple[Addressee, ...]) -> tuple[Address, ...]:
        addresses = tuple(each for each in addressees if isinstance(each, Mailbox | Group))
        if len(addresses) == len(addressees):
            return addresses
        if not resolvers:
            from sendmail_cli.config.address_book import Resolver

            resolvers.append(Resolver(settings.home, environment, note=note, warn=warn))
        return resolvers[0].resolve(addressees)

    return resolve


def recipients_of(people: People, notify: tuple[Notify, ...]) -> tuple[Recipient, ...]:
    """All of them, with reports as `notify` says."""
    return tuple(Recipient(ForwardPath(address), notify) for address in people.addresses)


def recipients_named(
    addressees: tuple[Addressee, ...], reporting: tuple[Reporting, ...], notify: tuple[Notify, ...], resolve: Resolve
) -> tuple[Recipient, ...]:
    """Whom `addressees` mean, each with its own reports where `reporting` has them, else as `notify` says.

    All whom a name means have the reports that were asked for about the name (RFC 3461 §5.2.7).
    """
    if not reporting:
        return recipients_of(People(resolve(addressees)), notify)
    return tuple(
        Recipient(ForwardPath(address), *wanted)
        for each, wanted in zip(addressees, reporting, strict=True)
        for address in People(resolve((each,))).addresses
    )
