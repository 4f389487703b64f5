"""Bodies are read in the right charset; headers are taken apart; the sender is found."""

from __future__ import annotations

import pytest

from sendmail_cli.addresses import AddrSpec, Mailbox, parse_mailbox
from sendmail_cli.errors import HeaderError
from sendmail_cli.message.draft import Draft, decode_body, mailboxes_in, parse_header

AB = AddrSpec("a", "b.example")
CD = AddrSpec("c", "d.example")


@pytest.mark.parametrize(
    ("octets", "locale", "text", "charset"),
    [
        (b"", "UTF-8", "", "UTF-8"),
        ("grün\n".encode(), "ISO-8859-15", "grün\n", "UTF-8"),
        (b"\xef\xbb\xbfa", "UTF-8", "a", "UTF-8"),
        (b"5 \xa4", "ISO-8859-15", "5 €", "ISO-8859-15"),
        (b"5 \xa4", "UTF-8", "5 ¤", "ISO-8859-1"),
        (b"5 \xa4", "ANSI_X3.4-1968", "5 ¤", "ISO-8859-1"),
        (b"5 \xa4", "no-such-charset", "5 ¤", "ISO-8859-1"),
        (b"\xa4", "hex", "¤", "ISO-8859-1"),
        (b"\xa4", "a\0b", "¤", "ISO-8859-1"),
        (b"\xa4", "", "¤", "ISO-8859-1"),
    ],
)
def test_a_body_is_utf8_or_the_locales_or_latin1(octets: bytes, locale: str, text: str, charset: str) -> None:
    assert decode_body(octets, locale) == (text, charset)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("X-Job: nightly", "X-Job", "nightly"),
        ("X-Job:nightly", "X-Job", "nightly"),
        ("X-Url: http://a:1/ ", "X-Url", "http://a:1/"),
        ("X-Empty:", "X-Empty", ""),
    ],
)
def test_a_header_is_a_name_and_a_value(text: str, name: str, value: str) -> None:
    assert parse_header(text) == (name, value)


@pytest.mark.parametrize(
    "text", ["", "no colon", ": value", "X Job: a", "X-Jöb: a", "X\r\nBcc: a", "X\0: a", "x" * 77 + ":"]
)
def test_what_has_no_proper_name_is_no_header(text: str) -> None:
    with pytest.raises(HeaderError, match="header"):
        parse_header(text)


def test_the_sender_is_the_given_one_or_that_of_the_headers() -> None:
    ada = parse_mailbox("Ada <ada@example.org>")
    assert Draft(ada).sender == ada
    assert Draft(None, headers=(("X", "1"), ("FROM", "Ada <ada@example.org>"))).sender == ada
    assert mailboxes_in((("To", "a@b.example"),), "from") == ()
    assert mailboxes_in((("To", "A <a@b.example>, G: c@d.example;"),), "to") == (Mailbox("A", AB), Mailbox("", CD))
    assert mailboxes_in((("To", "nobody:;"), ("To", "a@b.example")), "to") == ()
    secretary = Mailbox("", CD)
    draft = Draft(ada, headers=(("Sender", "c@d.example"),))
    assert (draft.authors, draft.sender) == ((ada,), secretary)
    draft = Draft(None, headers=(("From", "a@b.example, c@d.example"),))
    assert (draft.authors, draft.sender) == ((Mailbox("", AB), secretary), Mailbox("", AB))
    with pytest.raises(HeaderError, match="no From"):
        _ = Draft(None).sender
