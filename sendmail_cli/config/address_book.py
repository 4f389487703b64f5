"""Whom a name without a domain means: aliases.toml and mutt's alias files, /etc/aliases, and at the end the profile."""

from __future__ import annotations

import os

from sendmail_cli.addressees import LocalName, OpenGroup, addressees_of
from sendmail_cli.addresses import AddrSpec, Group, Mailbox, parse_addr_spec
from sendmail_cli.config.alias_files import parse_mutt_aliases, parse_system_aliases, parse_toml_aliases
from sendmail_cli.config.profiles import config_paths
from sendmail_cli.config.trusted_file import read_trusted_text
from sendmail_cli.errors import AddressError, ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.addresses import Address
    from sendmail_cli.config.alias_files import Alias
    from sendmail_cli.config.settings import Home
    from sendmail_cli.environment import Environment

MAX_DEPTH = 50  # aliases within aliases; nobody means more
ALWAYS_THERE = ("root", "postmaster", "mailer-daemon")  # names that machines write to, account or not
FILE_NAME = "aliases.toml"


class AddressBook(NamedTuple):
    """All aliases there are."""

    by_name: Mapping[str, Alias]  # by name in lower case, in the order they are looked for
    paths: tuple[str, ...]  # that were looked for

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """Each of them, those of the user first."""
        return tuple(self.by_name.values())

    def find(self, name: str) -> Alias | None:
        """The alias `name`, whatever its case; None where there is none."""
        return self.by_name.get(name.lower())

    def expand(self, name: LocalName) -> tuple[Addressee, ...]:
        """Whom `name` stands for, aliases within aliases followed; each alias counts once.

        A `LocalName` in it, or a member of an `OpenGroup`, has no alias. Raises `ConfigError` with file and line for
        aliases that go round in a circle, and for one that no mail can go to.
        """
        return _Expansion(self).targets_of(name)


class _Expansion:
    """One walk through the aliases, whose length is theirs however they name one another."""

    def __init__(self, book: AddressBook) -> None:
        self.book = book
        self.trail: list[Alias] = []
        self.done: set[str] = set()

    def targets_of(self, name: LocalName) -> tuple[Addressee, ...]:
        alias = self.book.find(name.local_part)
        key = name.local_part.lower()
        if alias is None or (alias.is_final and self.trail and self.trail[-1] is alias):
            return (name,)
        if alias in self.trail:
            names = " → ".join(printable(each.name, 80) for each in (*self.trail[self.trail.index(alias) :], alias))
            raise ConfigError(f"{alias.place}: the alias goes round in a circle: {names}")
        if key in self.done:
            return ()
        if alias.fault:
            raise ConfigError(f"{alias.place}: {printable(alias.name, 80)}: {alias.fault}")
        if len(self.trail) == MAX_DEPTH:
            raise ConfigError(f"{alias.place}: more than {MAX_DEPTH} aliases stand within one another")
        self.trail.append(alias)
        found = [each for target in alias.targets for each in self.each(target)]
        self.trail.pop()
        self.done.add(key)
        return _with_name(tuple(found), name.name)

    def each(self, target: Addressee) -> tuple[Addressee, ...]:
        if isinstance(target, LocalName):
            return self.targets_of(target)
        if not isinstance(target, OpenGroup):
            return (target,)
        members = [each for member in target.members for each in addressees_of(self.each(member))]
        return (OpenGroup(target.name, tuple(members)),)


def _with_name(found: tuple[Addressee, ...], name: str) -> tuple[Addressee, ...]:
    """`found`, and where it is one person, as who wrote the alias called them."""
    if name and len(found) == 1 and isinstance(found[0], Mailbox | LocalName):
        return (found[0]._replace(name=name),)
    return found


def load_address_book(environment: Environment) -> AddressBook:
    """All aliases: the user's aliases.toml and the files that it names, the machine's, and /etc/aliases.

    Raises `ConfigError` for a mistake in an aliases.toml and for a file that isn't trusted.
    """
    by_name: dict[str, Alias] = {}
    paths = tuple(os.path.join(os.path.dirname(path), FILE_NAME) for path in config_paths(environment))
    for path, read in zip(paths, (_text_of, _text_if_allowed), strict=False):
        for alias in _toml_aliases(path, read(path), environment):
            by_name.setdefault(alias.name.lower(), alias)
    system = environment.system_aliases_file
    for alias in parse_system_aliases(system, _text_if_allowed(system) or ""):
        by_name.setdefault(alias.name.lower(), alias)
    return AddressBook(by_name, (*paths, system))


def _toml_aliases(path: str, text: str | None, environment: Environment) -> Iterator[Alias]:
    if text is None:
        return
    found = parse_toml_aliases(path, text)
    yield from found.aliases
    for named in found.files:
        beside = os.path.join(os.path.dirname(path), named)
        file = os.path.join(environment.home, named[2:]) if named.startswith("~/") else beside
        listed = _text_of(file)
        if listed is None:
            raise ConfigError(f"{found.files_place}: alias_files: there is no file {printable(file)}")
        yield from parse_mutt_aliases(file, listed)


def _text_of(path: str) -> str | None:
    try:
        return read_trusted_text(path)
    except PermissionError as error:
        raise ConfigError(f"{printable(path)} can't be read: {error.strerror}") from None


def _text_if_allowed(path: str) -> str | None:
    """The text of a file that isn't the user's own, and may be none of their business."""
    try:
        return read_trusted_text(path)
    except PermissionError:
        return None


class Resolver:
    """Makes addresses of names. The files are read when the first name comes; no address needs them."""

    def __init__(
        self,
        home: Home,
        environment: Environment,
        *,
        note: Callable[[str], None] = lambda _: None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`note` gets what became of each name; `warn` of one that is probably a slip."""
        self._home = home
        self._environment = environment
        self._note = note
        self._warn = warn
        self._book: AddressBook | None = None

    @property
    def book(self) -> AddressBook:
        """All aliases. Raises as `load_address_book`."""
        if self._book is None:
            self._book = load_address_book(self._environment)
        return self._book

    def resolve(self, addressees: tuple[Addressee, ...]) -> tuple[Address, ...]:
        """`addressees` with addresses for names. Raises `AddressError` for a name that leads nowhere, and
        `ConfigError` as `AddressBook.expand` does.
        """
        found: list[Address] = []
        for each in addressees:
            if isinstance(each, LocalName):
                found += self._closed(self._expanded(each))
            elif isinstance(each, OpenGroup):
                members = tuple(box for member in each.members for box in self._boxes(member))
                found.append(Group(each.name, members))
            else:
                found.append(each)
        return tuple(found)

    def _boxes(self, person: Mailbox | LocalName) -> Iterator[Mailbox]:
        for address in self.resolve((person,)):
            yield from address.mailboxes if isinstance(address, Group) else (address,)

    def _expanded(self, name: LocalName) -> tuple[Addressee, ...]:
        found = self.book.expand(name)
        alias = self.book.find(name.local_part)
        if alias is not None:
            self._note(f"{name} is {', '.join(map(str, found))} ({alias.place})")
        return found

    def _closed(self, addressees: tuple[Addressee, ...]) -> Iterator[Address]:
        for each in addressees:
            if isinstance(each, OpenGroup):
                members = [self._at_home(box) if isinstance(box, LocalName) else box for box in each.members]
                yield Group(each.name, tuple(members))
            else:
                yield self._at_home(each) if isinstance(each, LocalName) else each

    def _at_home(self, name: LocalName) -> Mailbox:
        """Whom a name means that no alias has: NAME@`qualify`, else the profile's own address."""
        qualify, own = self._home
        shown = printable(name.local_part, 80)
        if qualify is not None:
            mailbox = Mailbox(name.name, parse_addr_spec(str(AddrSpec(name.local_part, qualify))))
            self._note(f"{shown} is {mailbox.address} (qualify)")
            return mailbox
        if own is None:
            raise AddressError(
                f"“{shown}” is no valid address: it has no “@” and a domain, and there is no alias of that name",
                hint=f'Aliases stand in {printable(self.book.paths[0])}: {shown} = "ada@example.org"',
            )
        is_usual = name.local_part.lower() in ALWAYS_THERE or self._environment.has_account(name.local_part)
        tell = self._note if is_usual else self._warn
        tell(f"“{shown}” has no alias, so it goes to the profile's own address, {own.address}")
        return Mailbox(name.name or name.local_part, own.address)
