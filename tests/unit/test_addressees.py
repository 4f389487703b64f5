"""Recipients: addresses, and names for the address book."""

from __future__ import annotations

import pytest

from sendmail_cli.addressees import LocalName, OpenGroup, addressees_of, parse_addressees
from sendmail_cli.addresses import AddrSpec, Group, Mailbox
from sendmail_cli.errors import AddressError

BOB = Mailbox("Bob", AddrSpec("bob", "example.org"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("root", (LocalName("", "root"),)),
        ("Root , Bob <bob@example.org>", (LocalName("", "Root"), BOB)),
        ("Cron Daemon <root>", (LocalName("Cron Daemon", "root"),)),
        ("root (Cron)", (LocalName("Cron", "root"),)),
        ('"root"', (LocalName("", "root"),)),
        ("jürgen.b+x-1_", (LocalName("", "jürgen.b+x-1_"),)),
        ("crew: Bob <bob@example.org>;", (Group("crew", (BOB,)),)),
        ("crew: root, Bob <bob@example.org>;", (OpenGroup("crew", (LocalName("", "root"), BOB)),)),
        ("nobody:;", (Group("nobody", ()),)),
    ],
)
def test_what_is_written(text: str, expected: tuple[object, ...]) -> None:
    assert parse_addressees(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "-bob", "|cat", "/etc/passwd", ":include:x", "bob@", "@example.org", "bob smith", "<>", '"a b"', '""', "a..b",
        "a.", "`id`", "$x", "b\0b", "a" * 65, "crew: |cat;", "<-bob>", "bob <", "bob,\neve",
    ],
)  # fmt: skip
def test_what_is_neither(text: str) -> None:
    with pytest.raises(AddressError, match="is no valid address"):
        parse_addressees(text)


def test_as_text() -> None:
    text = 'root, "Cron, Daemon" <root>, crew: root, Bob <bob@example.org>;, none:;'

    assert ", ".join(map(str, parse_addressees(text))) == text


def test_everybody() -> None:
    found = parse_addressees("root, g: Bob <bob@example.org>;, h: eve, Bob <bob@example.org>;")

    assert addressees_of(found) == (LocalName("", "root"), BOB, LocalName("", "eve"), BOB)
