"""Addresses: what is printed can be parsed, any text is an address or an AddressError, and long ones take no longer."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.addresses import (
    AddrSpec,
    Group,
    Mailbox,
    encode_domain,
    mailboxes_of,
    parse_addr_spec,
    parse_address_list,
    parse_mailbox,
)
from sendmail_cli.errors import AddressError, LocalProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.envelope import ForwardPath

T = TypeVar("T")

# Everything but controls and what is no character at all; the tab is for names only.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs"])
LOCAL_PARTS = st.one_of(
    st.from_regex(r"\A[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,10}(\.[a-z0-9]{1,5}){0,3}\Z"), st.text(CHARACTERS, max_size=12)
)
DOMAINS = st.one_of(
    st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,6}){0,3}\Z"),
    st.sampled_from(["[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--exmple-cua.org"]),
)
ADDR_SPECS = st.builds(AddrSpec, LOCAL_PARTS, DOMAINS)
NAMES = st.text(st.one_of(CHARACTERS, st.just("\t"), st.sampled_from(' ",;:<>@()\\.[]')), max_size=20)
MAILBOXES = st.builds(Mailbox, NAMES, ADDR_SPECS)
GROUPS = st.builds(Group, NAMES, st.lists(MAILBOXES, max_size=3).map(tuple))
PIECES = [*' \t",;:<>@()\\.[]ab\xe4\r\n\x00', "a@b.c", "IPv6:"]
SYNTAX = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def parsed_or_fault(parse: Callable[[str], T], text: str) -> tuple[T | None, str]:
    """What `parse` makes of `text`, or the sentence of its error; any other error fails the test."""
    try:
        return parse(text), ""
    except AddressError as error:
        return None, str(error)


@given(ADDR_SPECS)
@settings(max_examples=200)
def test_an_address_that_is_printed_can_be_parsed(address: AddrSpec) -> None:
    assert parse_addr_spec(str(address)) == address
    assert parse_mailbox(f"<{address}>").address == address


@given(MAILBOXES)
@settings(max_examples=300)
def test_duty51_a_mailbox_that_is_printed_can_be_parsed_and_is_no_other(mailbox: Mailbox) -> None:
    assert parse_mailbox(str(mailbox)) == mailbox


@given(st.lists(st.one_of(MAILBOXES, GROUPS), max_size=4))
def test_a_list_that_is_printed_can_be_parsed(addresses: list[Mailbox | Group]) -> None:
    parsed = parse_address_list(", ".join(map(str, addresses)))
    assert parsed == tuple(addresses)
    assert all(isinstance(mailbox, Mailbox) for mailbox in mailboxes_of(parsed))


@given(st.one_of(st.text(max_size=60), SYNTAX))
@settings(max_examples=500)
def test_trap07_any_text_is_addresses_or_an_error(text: str) -> None:
    parsed, fault = parsed_or_fault(parse_address_list, text)
    assert fault.isprintable() or not fault.isascii()
    for mailbox in mailboxes_of(parsed or ()):
        assert parse_addr_spec(str(mailbox.address)) == mailbox.address
        command = commands.rcpt(ForwardPath(mailbox.address))  # what is an address can be put on the wire
        assert command.line.count(b"\r\n") == 1
        assert len(command.line) <= 512


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_any_text_is_a_domain_or_an_error(text: str) -> None:
    try:
        domain = encode_domain(text)
    except AddressError:
        return
    assert domain.isascii()
    assert encode_domain(domain) == domain


@given(st.text(max_size=40))
def test_trap07_any_text_is_a_command_or_an_error(text: str) -> None:
    try:
        command = commands.verbatim(text)
    except LocalProtocolError:
        return
    assert command.line.count(b"\n") == command.line.count(b"\r") == 1
    assert command.line.endswith(b"\r\n")


SIZE = 200_000


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "a@",
        "a,",
        "a@b.c,",
        "(",
        "()",
        "(\\",
        '"',
        '""',
        '"\\',
        "<",
        "a:",
        "a;",
        " ",
        "ä",
        "[",
        "a@[",
        "-",
        "a@b-",
    ],
)
def test_duty57_a_long_text_takes_linear_time(unit: str) -> None:
    """A quadratic parser would be at this for hours."""
    for text in (unit * (SIZE // len(unit)), "a@" + unit * (SIZE // len(unit)), "x <" + unit * (SIZE // len(unit))):
        parsers: tuple[Callable[[str], object], ...] = (parse_address_list, parse_addr_spec)
        for parse in parsers:
            assert len(parsed_or_fault(parse, text)[1]) < 1000
