"""Which fields a header has: ours in their order, the user's in place of ours or after them, none twice, never Bcc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import parse_address_list, parse_mailbox
from sendmail_cli.errors import AddressError, HeaderError
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.fields import compose_header, user_field

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

ADA = parse_mailbox("Ada <ada@example.org>")
PLAIN = Draft(ADA, to=parse_address_list("bob@example.org"))


def lines(draft: Draft, environment: Environment) -> list[str]:
    return compose_header(draft, environment).octets.decode().replace("\r\n ", " ").split("\r\n")[:-1]


def test_the_fields_stand_in_their_order(environment: Environment) -> None:
    draft = PLAIN._replace(
        cc=parse_address_list("carl@example.org"),
        reply_to=parse_address_list("list@example.org"),
        subject="Hi",
        in_reply_to="old@example.org",
        headers=(("X-Foo", "1"), ("X-Bar", "2"), ("X-Foo", "3")),
    )
    assert lines(draft, environment) == [
        "Date: Tue, 07 Jul 2026 14:00:00 +0200",
        "From: Ada <ada@example.org>",
        "To: bob@example.org",
        "Cc: carl@example.org",
        "Reply-To: list@example.org",
        "Subject: Hi",
        "Message-ID: <abababababababababab.1783425600@example.org>",
        "In-Reply-To: <old@example.org>",
        "References: <old@example.org>",
        "X-Foo: 1",
        "X-Bar: 2",
        "X-Foo: 3",
    ]


def test_without_to_and_cc_nobody_is_disclosed(environment: Environment) -> None:
    assert "To: undisclosed-recipients:;" in lines(Draft(ADA), environment)
    for draft in (Draft(ADA, cc=PLAIN.to), Draft(ADA, headers=(("Cc", "x@example.org"),)), PLAIN):
        assert "undisclosed" not in "".join(lines(draft, environment))


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("subject", "S =?utf-8?q?x?=", 3),
        ("DATE", "Mon, 1 Jan 2024 00:00:00 +0000", 0),
        ("Message-ID", "<mine@example.org>", 3),
        ("Cc", "Carl (my friend) <carl@example.org>", 3),
        ("Reply-To", '"a  b" <x@example.org>', 3),
    ],
)
def test_a_users_field_takes_the_place_of_ours(environment: Environment, name: str, value: str, at: int) -> None:
    draft = PLAIN if name != "subject" else PLAIN._replace(subject=None)
    written = lines(draft._replace(headers=((name, value),)), environment)
    assert written[at] == f"{name}: {value}"
    assert sum(line.lower().startswith(name.lower() + ":") for line in written) == 1


def test_a_users_message_id_is_the_one_that_is_reported(environment: Environment) -> None:
    assert compose_header(PLAIN._replace(headers=(("message-id", "m@x"),)), environment).message_id == "<m@x>"


def test_a_users_from_gives_the_message_id_its_domain(environment: Environment) -> None:
    header = compose_header(Draft(None, headers=(("From", "Bob <bob@bücher.example>"),)), environment)
    assert header.message_id.endswith("@xn--bcher-kva.example>")
    assert b"\r\nFrom: Bob <bob@xn--bcher-kva.example>\r\n" in header.octets


def test_own_references_stay_beside_a_reply(environment: Environment) -> None:
    draft = PLAIN._replace(in_reply_to="<b@x>", headers=(("References", "<a@x> <b@x>"),))
    assert lines(draft, environment)[-2:] == ["In-Reply-To: <b@x>", "References: <a@x> <b@x>"]


@pytest.mark.parametrize(
    ("headers", "match"),
    [
        ((("Subject", "x"),), "Subject is set twice: by --subject"),
        ((("from", "x@example.org"),), "from is set twice: by --from"),
        ((("To", "x@example.org"),), "To is set twice"),
        ((("Date", "x"), ("date", "y")), "date is given twice"),
        ((("Sender", "a@b.c"), ("Sender", "a@b.c")), "Sender is given twice"),
        ((("Bcc", "x@example.org"),), "Bcc can't be set"),
        ((("RESENT-BCC", "x@example.org"),), "can't be set"),
        ((("Content-Type", "text/html"),), "can't be set"),
        ((("Content-Transfer-Encoding", "8bit"),), "can't be set"),
        ((("mime-version", "1.0"),), "can't be set"),
        ((("Cc", ""),), "names no address"),
        ((("Sender", "a@b.c, d@e.f"),), "one mailbox"),
        ((("X Y", "a"),), "no name of a header"),
        ((("X-A", "a\r\nBcc: b@c.d"),), "line break"),
        ((("Cc", "a@b.c\r\nBcc: b@c.d"),), "line break"),
        ((("Message-ID", "a b"),), "no Message-ID"),
        ((("List-Post", "ü"),), "ASCII"),
    ],
)
def test_what_would_be_twice_or_is_ours_to_write_is_refused(
    environment: Environment, headers: tuple[tuple[str, str], ...], match: str
) -> None:
    with pytest.raises(HeaderError, match=match):
        compose_header(PLAIN._replace(subject="s", headers=headers), environment)


def test_a_refused_bcc_says_what_to_use(environment: Environment) -> None:
    with pytest.raises(HeaderError) as caught:
        compose_header(PLAIN._replace(headers=(("Bcc", "x@example.org"),)), environment)
    assert "--bcc" in caught.value.hint


def test_a_users_addresses_are_checked_and_encoded(environment: Environment) -> None:
    with pytest.raises(AddressError):
        compose_header(Draft(ADA, headers=(("To", "not an address"),)), environment)
    long = ",".join(f"user{number}@example.org" for number in range(100))  # no place to fold it
    written = compose_header(Draft(ADA, headers=(("To", long), ("Resent-To", "Jürgen <j@example.org>"))), environment)
    assert b"Resent-To: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n" in written.octets
    assert max(map(len, written.octets.split(b"\r\n"))) <= 78


def test_a_reply_to_no_message_id_is_refused(environment: Environment) -> None:
    with pytest.raises(HeaderError, match="replied to"):
        compose_header(PLAIN._replace(in_reply_to="a b"), environment)


def test_several_authors_have_a_sender(environment: Environment) -> None:
    several = ("From", "Ada <ada@example.org>, Jürgen <j@bücher.example>")
    written = lines(Draft(None, to=PLAIN.to, headers=(several,)), environment)
    assert written[1:3] == [
        "From: Ada <ada@example.org>, =?utf-8?q?J=C3=BCrgen?= <j@xn--bcher-kva.example>",
        "Sender: Ada <ada@example.org>",
    ]
    given = lines(Draft(None, headers=(several, ("Sender", "eve@sender.example"))), environment)
    assert given[2] == "Sender: eve@sender.example"
    assert "@sender.example>" in next(line for line in given if line.startswith("Message-ID"))
    assert not [line for line in lines(PLAIN, environment) if line.startswith("Sender")]
    with pytest.raises(HeaderError, match="From must name a mailbox"):
        compose_header(PLAIN._replace(from_=None, headers=(("From", "nobody:;"),)), environment)


@pytest.mark.parametrize("name", ["Date", "resent-date"])
def test_a_date_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(HeaderError, match=f"^the value of {name} is no date: “next week”$"):
        user_field(name, "next week")
    given = "Mon, 1 Jan 2024 12:00:00 +0000"
    assert user_field(name, given) == f"{name}: {given}\r\n".encode()
