"""Files of aliases: any text is read in linear time or is a `ConfigError`, and what is written comes back."""

from __future__ import annotations

import string
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.config.address_book import AddressBook
from sendmail_cli.config.alias_files import parse_mutt_aliases, parse_system_aliases, parse_toml_aliases
from sendmail_cli.errors import ConfigError, MailError

names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=3)
# Printable, and no quote that the grammars take apart before addresses are parsed.
# Nor what aliases(5) takes for a file or a program.
shown = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\|/:#'), max_size=10)
mailboxes = st.builds(Mailbox, shown, st.builds(AddrSpec, names, names.map(lambda name: f"{name}.example")))
people = st.lists(st.one_of(mailboxes, st.builds(LocalName, st.just(""), names)), min_size=1, max_size=4)
books = st.dictionaries(names, people, max_size=5)
pieces = [*'ab:,"\\|/#;@<>()= \t\n[]', "alias ", "unalias ", ":include:", "é"]
grammar = st.lists(st.sampled_from(pieces)).map("".join)


@given(books)
def test_mutt(book: dict[str, list[Mailbox | LocalName]]) -> None:
    lines = [f"alias -group g {name} {', '.join(map(str, found))} # {name}" for name, found in book.items()]

    found = parse_mutt_aliases("m", "\n".join(lines))

    assert {alias.name: list(alias.targets) for alias in found} == book


@given(books, st.sampled_from([", ", ",\n\t", ",\n  # more\n\n "]))
def test_system(book: dict[str, list[Mailbox | LocalName]], comma: str) -> None:
    lines = [f"{name}: {comma.join(map(str, found))}" for name, found in book.items()]

    found = parse_system_aliases("e", "\n".join(lines))

    assert {alias.name: list(alias.targets) for alias in found} == book


@given(books)
def test_any_aliases_come_to_an_end_or_are_a_circle(book: dict[str, list[Mailbox | LocalName]]) -> None:
    lines = [f"{name}: {', '.join(map(str, found))}" for name, found in book.items()]
    aliases = {alias.name: alias._replace(is_final=False) for alias in parse_system_aliases("e", "\n".join(lines))}
    for name in book:
        try:
            found = AddressBook(aliases, ()).expand(LocalName("", name))
        except ConfigError:
            continue
        assert not [each for each in found if isinstance(each, LocalName) and each.local_part in book]


@given(grammar)
def test_anything(text: str) -> None:
    parse_mutt_aliases("m", text)
    parse_system_aliases("e", text)
    with suppress(ConfigError):
        parse_toml_aliases("a", text)


@given(st.text())
def test_addressees_are_addresses_and_names(text: str) -> None:
    try:
        found = parse_addressees(text)
    except MailError:
        return
    assert parse_addressees(", ".join(map(str, found))) == found


@pytest.mark.parametrize(
    "text", ["a: " + "b, " * 100_000, 'a: "' + '\\"' * 100_000, "a" + " " * 200_000, "alias a " + '"x" ' * 50_000]
)
def test_long_ones_take_linear_time(text: str) -> None:
    began = process_time()
    parse_mutt_aliases("m", text)
    parse_system_aliases("e", text)
    assert process_time() - began < 20  # seconds; quadratic would take hours
