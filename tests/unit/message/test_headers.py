"""One header field: what a reader sees is what was typed, and nothing smuggles a field in."""

from __future__ import annotations

import email
import email.policy
import re
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import AddrSpec, Group, Mailbox, parse_address_list
from sendmail_cli.errors import HeaderError
from sendmail_cli.message.headers import (
    address_field,
    check_line,
    check_text,
    fold,
    message_id_field,
    new_date,
    new_message_id,
    parse_message_id,
    structured_field,
    text_field,
    verbatim_text_field,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment

ADA = AddrSpec("ada", "example.org")


def shown(field: bytes) -> str:
    """What a reader shows, after the limits have been checked."""
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line[:1] in b" \t" and line.strip() for line in lines[1:])  # no line of white space alone
    assert all(len(line) <= 76 for line in lines if b"=?" in line)
    message = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)
    assert len(message.items()) == 1
    return str(message.values()[0])


@pytest.mark.parametrize(
    "text",
    [
        "plain", "", "two  spaces and a\ttab", " leading", "trailing ", " ", "Grüße", "日本語" * 30, "x" * 950,
        "x" * 2000, "a" + " " * 1200 + "b", "=?utf-8?q?not_decoded?=", "=?", "a =?x", "🎉" * 40, "word " * 100,
        "\u2028", "e\u0301", 'a: b; c, <d> "e" (f) \\g',
    ],
)  # fmt: skip
def test_a_reader_sees_the_subject_that_was_typed(text: str) -> None:
    assert shown(text_field("Subject", text)) == text
    assert shown(text_field("X-" + "n" * 50, text)) == text


def test_a_plain_subject_stays_plain_and_is_folded_at_a_space() -> None:
    assert text_field("Subject", "disk full") == b"Subject: disk full\r\n"
    assert text_field("Subject", "") == b"Subject:\r\n"
    folded = text_field("Subject", "word " * 40 + "end")
    assert all(len(line) <= 78 for line in folded.split(b"\r\n"))
    assert folded.replace(b"\r\n", b"") == b"Subject: " + b"word " * 40 + b"end"


CONTROLS = [*map(chr, [*range(9), *range(10, 32), *range(127, 160), 0xD800, 0xDC80, 0xDFFF])]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: f"U+{ord(c):04X}")
def test_duty50_a_control_character_is_refused_everywhere(control: str) -> None:
    text = f"ab{control}cd"
    for attempt in (
        lambda: text_field("Subject", text),
        lambda: verbatim_text_field("X-A", text),
        lambda: structured_field("References", text),
        lambda: text_field(text, "x"),
        lambda: address_field("To", (Mailbox(text, ADA),)),
        lambda: address_field("To", (Group(text, ()),)),
        lambda: address_field("To", (Group("g", (Mailbox("", AddrSpec(text, "b.c")),)),)),
        lambda: address_field("To", (Mailbox("", AddrSpec("a", text)),)),
        lambda: parse_message_id(text, "the Message-ID"),
    ):
        with pytest.raises(HeaderError):
            attempt()


def test_the_refusal_names_the_place_and_the_character() -> None:
    with pytest.raises(
        HeaderError, match=re.escape("the subject must not hold a line break (at character 3)")
    ) as caught:
        check_line("the subject", "ab\nBcc: evil@example.org")
    assert caught.value.exit_code == 65
    with pytest.raises(HeaderError, match=r"U\+0085"):
        check_line("x", "\x85")
    with pytest.raises(HeaderError, match="not valid UTF-8"):
        check_line("x", "\udcff")
    check_line("x", "a\tb")
    with pytest.raises(HeaderError, match="a tab"):
        check_text("x", "a\tb")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nightly", "nightly"),
        ("=?utf-8?q?gr=C3=BCn?= and =?utf-8?q?x?=", "grün and x"),  # an encoded-word of the user's passes
        ("größe", "größe"),
        ("a größe b größe größe  c", "a größe b größe größe  c"),
        ("größe =?utf-8?q?x?= größe", "größe x größe"),
        ("=?utf-8?q?x?= größe", "x größe"),
        ("größe =?utf-8?q?x?=", "größe x"),
        ("a " + "x" * 2000 + " b", "a " + "x" * 2000 + " b"),
        ("ü" + " " * 1000 + "b", "ü" + " " * 1000 + "b"),
        ("", ""),
    ],
)
def test_a_users_header_is_shown_as_it_was_meant(value: str, expected: str) -> None:
    assert shown(verbatim_text_field("X-Job", value)) == expected


def test_a_users_ascii_header_is_left_as_it_is() -> None:
    value = 'a  b\tc =?utf-8?q?x?= "q" <z>'
    assert verbatim_text_field("X-Job", value) == f"X-Job: {value}\r\n".encode()
    # of the rest only what must be
    assert (
        verbatim_text_field("List-Id", "Zürich <z.example.org>")
        == b"List-Id: =?utf-8?q?Z=C3=BCrich?= <z.example.org>\r\n"
    )


def test_structured_fields_are_ascii_and_can_be_folded_or_are_refused() -> None:
    assert structured_field("Auto-Submitted", "auto-generated") == b"Auto-Submitted: auto-generated\r\n"
    with pytest.raises(HeaderError, match="must be ASCII"):
        structured_field("List-Post", "<mailto:ü@example.org>")
    with pytest.raises(HeaderError, match="998"):
        structured_field("List-Post", "<" + "x" * 999 + ">")
    ids = [f"<{number}@{'x' * 60}>" for number in range(30)]
    field = message_id_field("References", ids)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert field.split()[1:] == [text.encode() for text in ids]


@pytest.mark.parametrize(
    "name",
    [
        "Ada", "Ada Lovelace", "Lovelace, Ada", 'Ada "the first" L', "back\\slash", "Jürgen", "山田 太郎", "محمد",
        "עדה", "a  b", " a ", "=?utf-8?q?x?=", "x@y", "J. Q. Public", "é" * 200, "a" * 600, "word " * 200 + "x", "(c)",
        "ÿ, <a@b>;:",
    ],
)  # fmt: skip
def test_a_display_name_of_any_script_is_shown_as_it_is(name: str, names: Callable[[bytes], list[str]]) -> None:
    field = address_field("To", (Mailbox(name, ADA), Group(name, (Mailbox(name, ADA), Mailbox("", ADA)))))
    shown(field)
    assert names(field) == [name, name, ""]
    to = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)["to"]
    assert [a.addr_spec for a in to.addresses] == ["ada@example.org"] * 3
    assert len(to.groups) == 2
    if len(name) < 50:
        assert [g.display_name for g in to.groups] == [None, name]


def test_a_name_without_room_beside_it_begins_on_the_next_line() -> None:
    field = text_field("X-" + "n" * 70, "Bad Dürkheim")
    assert field == b"X-" + b"n" * 70 + b":\r\n =?utf-8?q?Bad_D=C3=BCrkheim?=\r\n"


def test_limits_count_octets_and_no_character_is_torn_apart() -> None:
    field = address_field("To", parse_address_list(", ".join(f"{'日' * 20}{number}@x.example" for number in range(99))))
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 78 + 1  # an address alone is longer than half of a line
    assert len(lines) == 99
    assert [line.decode() for line in lines]
    with pytest.raises(HeaderError, match="998 octets"):
        fold("X", [(" ", "日" * 333)])


def test_addresses_are_folded_between_one_another() -> None:
    addresses = parse_address_list(", ".join(f"User {number} <user{number}@example.org>" for number in range(500)))
    field = address_field("To", addresses)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert len(email.message_from_bytes(field, policy=email.policy.default)["to"].addresses) == 500
    assert address_field("To", (Group("undisclosed-recipients", ()),)) == b"To: undisclosed-recipients:;\r\n"


def test_only_a_local_part_beyond_ascii_stands_in_utf8() -> None:
    field = address_field("To", parse_address_list("Jürgen <jürgen@bücher.example>, ada@example.org"))
    assert field == "To: =?utf-8?q?J=C3=BCrgen?= <jürgen@xn--bcher-kva.example>, ada@example.org\r\n".encode()
    assert address_field("To", parse_address_list('"jü r"@x.example')) == 'To: "jü r"@x.example\r\n'.encode()
    assert address_field("To", parse_address_list("ada@bücher.example")) == b"To: ada@xn--bcher-kva.example\r\n"
    assert address_field("To", parse_address_list('"a b"@x.example')) == b'To: "a b"@x.example\r\n'


@pytest.mark.parametrize(
    ("offset", "zone"), [(0, "+0000"), (2 * 3600, "+0200"), (-(3 * 3600 + 1800), "-0330"), (20700, "+0545")]
)
def test_the_date_is_local_and_english(environment: Environment, offset: int, zone: str) -> None:
    environment.offset = offset  # type: ignore[attr-defined]
    date = new_date(environment)
    assert date.endswith(zone)
    parsed = email.message_from_string(f"Date: {date}\n\n", policy=email.policy.default)["date"].datetime
    assert parsed.timestamp() == environment.now()
    if offset == 0:
        assert date == "Tue, 07 Jul 2026 12:00:00 +0000"


def test_a_message_id_has_the_senders_domain(environment: Environment) -> None:
    assert new_message_id("example.org", environment) == f"<{'ab' * 10}.1783425600@example.org>"


def test_brackets_are_added_to_a_message_id() -> None:
    assert parse_message_id(" a@b ", "x") == "<a@b>"
    assert parse_message_id("<a@b>", "x") == "<a@b>"
    for text in ("", "a b", "<a", "<a@b> <c@d>", "<a@b>c", "ü@b"):
        with pytest.raises(HeaderError, match="the id is no Message-ID"):
            parse_message_id(text, "the id")


def test_duty03_a_line_without_a_space_is_refused_rather_than_cut() -> None:
    with pytest.raises(HeaderError, match="998"):
        fold("X", [(" ", "x" * 997)])
