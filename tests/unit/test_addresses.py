"""Addresses: what is one, what SMTP can't carry, and how they are written again."""

import pytest

from sendmail_cli import addresses
from sendmail_cli.addresses import (
    AddrSpec,
    Group,
    Mailbox,
    encode_domain,
    mailboxes_of,
    parse_addr_spec,
    parse_address_list,
    parse_mailbox,
    quote_phrase,
)
from sendmail_cli.errors import AddressError

ADA = AddrSpec("ada", "example.org")
BOB = AddrSpec("bob", "example.net")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.org", ADA),
        (" ada@example.org\t", ADA),
        ("a.b+c@example.org", AddrSpec("a.b+c", "example.org")),
        ("!#$%&'*+/=?^_`{|}~-@example.org", AddrSpec("!#$%&'*+/=?^_`{|}~-", "example.org")),
        ('"a b"@example.org', AddrSpec("a b", "example.org")),
        (r'"a\"\\b"@example.org', AddrSpec('a"\\b', "example.org")),
        ('""@example.org', AddrSpec("", "example.org")),
        ('"ada"@example.org', ADA),
        ("ada(comment)@(another)example.org", ADA),
        ("ada@[192.0.2.1]", AddrSpec("ada", "[192.0.2.1]")),
        ("ada@[IPv6:2001:db8::1]", AddrSpec("ada", "[IPv6:2001:db8::1]")),
        ("ada@exämple.org", AddrSpec("ada", "xn--exmple-cua.org")),
        ("ada@EXÄMPLE.org", AddrSpec("ada", "xn--exmple-cua.org")),
        ("ada@例え。jp", AddrSpec("ada", "xn--r8jz45g.jp")),
        ("ädä@example.org", AddrSpec("ädä", "example.org")),
        ("ada@localhost", AddrSpec("ada", "localhost")),
        ("ada@a_b.example", AddrSpec("ada", "a_b.example")),
        ("x" * 64 + "@example.org", AddrSpec("x" * 64, "example.org")),
        (
            "@".join(["x" * 64, ".".join(["a" * 63] * 2 + ["b" * 61])]),
            AddrSpec("x" * 64, ".".join(["a" * 63] * 2 + ["b" * 61])),
        ),
    ],
)
def test_an_address_alone(text: str, expected: AddrSpec) -> None:
    assert parse_addr_spec(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected an address"),
        ("ada", "needs “@” and a domain"),
        ("ada@", "expected a domain after"),
        ("@example.org", "expected an address"),
        ("ada@@example.org", "expected a domain"),
        ("ada@example.org@example.net", "one address alone"),
        ("ada@example.org, bob@example.net", "one address alone"),
        ("ada@example.org (Ada)", "one address alone"),
        ("(Ada) ada@example.org", "expected an address"),
        ("Ada <ada@example.org>", "without a name or angle brackets"),
        ("<ada@example.org>", "without a name or angle brackets"),
        ('""<ada@example.org>', "without a name or angle brackets"),
        (".ada@example.org", "expected an address"),
        ("ada.@example.org", "a dot must stand between"),
        ("a..b@example.org", "a dot must stand between"),
        ("ada@example..org", "a dot must stand between"),
        ("ada@example.org.", "a dot must stand between"),
        ("ada@-example.org", "look at “-example”"),
        ("ada@example-.org", "look at “example-”"),
        ("ada@exa!mple.org", "look at “exa!mple”"),
        ("ada@[]", "expected an IP address"),
        ("ada@[192.0.2.256]", "expected an IP address"),
        ("ada@[192.0.2.1", "expected a domain"),
        ("ada@[IPv6:fe80::1%eth0]", "expected an IP address"),
        ("ada@[2001:db8::1]", "expected an IP address"),
        ("ada@[>RCPT]", "expected an IP address"),
        ('"ada@example.org', "never closed"),
        ('"ada" b@example.org', "needs “@”"),
        ('"a\tb"@example.org', "tab"),
        ("x" * 65 + "@example.org", "longer than 64 octets"),
        ("ä" * 33 + "@example.org", "longer than 64 octets"),
        ('"' + "x y" * 21 + '"@example.org', "longer than 64 octets"),  # 63 without the quotes
        ("ada@" + "a" * 64 + ".org", "no domain name"),
        ("ada@" + ".".join(["a" * 60] * 5), "longer than 255"),
        ("ada@" + "ä" * 300, "longer than 255"),
        ("x" * 64 + "@" + ".".join(["a" * 63] * 2 + ["b" * 62]), "longer than 254 octets"),
        ("ada@ä\u200d.example", "no domain name"),
        ("ada@xn--ä.example", "no domain name"),
    ],
)
def test_duty04_duty51_what_is_no_address_alone(text: str, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        parse_addr_spec(text)


@pytest.mark.parametrize("control", ["\r", "\n", "\r\n", "\x00", "\x1b", "\x7f", "\x85", "\x0b", "\udc80"])
@pytest.mark.parametrize(
    "text",
    ["a{}b@example.org", '"a{}b"@example.org', "ada@exam{}ple.org", "A{}da <ada@example.org>", "ada@example.org{}"],
)
def test_trap07_no_control_character_anywhere(text: str, control: str) -> None:
    with pytest.raises(AddressError, match=r"control character|not valid UTF-8"):
        parse_address_list(text.format(control))


def test_trap07_the_injection_of_duty_51() -> None:
    with pytest.raises(AddressError):
        parse_addr_spec('"a\r\nRCPT TO:<evil@x>"@y')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada <ada@example.org>", Mailbox("Ada", ADA)),
        ("Ada Lovelace<ada@example.org>", Mailbox("Ada Lovelace", ADA)),
        ('"Lovelace, Ada" <ada@example.org>', Mailbox("Lovelace, Ada", ADA)),
        (r'"A \"B\" \\" <ada@example.org>', Mailbox('A "B" \\', ADA)),
        ("Ada J. Lovelace <ada@example.org>", Mailbox("Ada J. Lovelace", ADA)),
        ("Ünal Ö <ada@example.org>", Mailbox("Ünal Ö", ADA)),
        ('"" <ada@example.org>', Mailbox("", ADA)),
        ("<ada@example.org>", Mailbox("", ADA)),
        ("< ada@example.org >", Mailbox("", ADA)),
        ('<"ada"@example.org>', Mailbox("", ADA)),
        ("ada@example.org", Mailbox("", ADA)),
        ("ada@example.org (Ada)", Mailbox("Ada", ADA)),
        (r"ada@example.org (A \) (nested) b)", Mailbox("A ) (nested) b", ADA)),
        ("(before) Ada (between) <ada@example.org> (after)", Mailbox("Ada", ADA)),
        ("=?utf-8?q?a=40b?= <ada@example.org>", Mailbox("=?utf-8?q?a=40b?=", ADA)),
    ],
)
def test_a_mailbox(text: str, expected: Mailbox) -> None:
    assert parse_mailbox(text) == expected


@pytest.mark.parametrize("text", ["", "ada@example.org, bob@example.net", "Team: ada@example.org;", ","])
def test_not_one_mailbox(text: str) -> None:
    with pytest.raises(AddressError, match="must be one address"):
        parse_mailbox(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada <ada@example.org", "expected “>”"),
        ("Ada <>", "expected an address"),
        ("Ada <@relay,@other:ada@example.org>", "source routes"),
        ("Ada <ada@example.org> Bob", "expected a comma"),
        ("ada@example.org bob@example.net", "expected a comma"),
        ("Ada (never closed <ada@example.org>", "a comment is never closed"),
        ("ada@example.org (\\", "a comment is never closed"),
        ("(" * 30 + ")" * 30, "a comment is never closed"),
        ("Team: ada@example.org", "a group must end|expected a comma or the semicolon"),
        ("Team:", "a group must end with a semicolon"),
        ("Team: a: b@c.example;;", "needs “@”|expected"),
        ("Team: ada@example.org bob@example.net;", "expected a comma or the semicolon"),
        (": ada@example.org;", "expected an address"),
        ("Ada", "needs “@”"),
        ('"Ada"', "needs “@”"),
    ],
)
def test_what_is_no_list(text: str, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        parse_address_list(text)


def test_a_list_of_mailboxes_and_groups() -> None:
    parsed = parse_address_list("Ada <ada@example.org>,, Team: bob@example.net, , Ada <ada@example.org>; , nobody:;,")
    team = Group("Team", (Mailbox("", BOB), Mailbox("Ada", ADA)))
    assert parsed == (Mailbox("Ada", ADA), team, Group("nobody", ()))
    assert mailboxes_of(parsed) == (Mailbox("Ada", ADA), Mailbox("", BOB), Mailbox("Ada", ADA))
    assert parse_address_list("") == parse_address_list(" , ") == ()


def test_an_error_names_the_place() -> None:
    with pytest.raises(AddressError, match=r"“ada@example\.org bob” is no valid address: .*, at character 17"):
        parse_address_list("ada@example.org bob")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ADA, "ada@example.org"),
        (AddrSpec("a b", "example.org"), '"a b"@example.org'),
        (AddrSpec('a"\\', "example.org"), r'"a\"\\"@example.org'),
        (AddrSpec("", "example.org"), '""@example.org'),
        (Mailbox("", ADA), "ada@example.org"),
        (Mailbox("Ada Lovelace", ADA), "Ada Lovelace <ada@example.org>"),
        (Mailbox("Lovelace, Ada", ADA), '"Lovelace, Ada" <ada@example.org>'),
        (Mailbox("Ünal, Ada", ADA), '"Ünal, Ada" <ada@example.org>'),
        (Mailbox("Ünal Ö", ADA), "Ünal Ö <ada@example.org>"),
        (Mailbox("two  spaces", ADA), '"two  spaces" <ada@example.org>'),
        (Group("Team", (Mailbox("", BOB), Mailbox("Ada", ADA))), "Team: bob@example.net, Ada <ada@example.org>;"),
        (Group("undisclosed-recipients", ()), "undisclosed-recipients:;"),
    ],
)
def test_written_as_it_is_read(value: AddrSpec | Mailbox | Group, expected: str) -> None:
    assert str(value) == expected


def test_duty51_a_name_can_not_become_another_address() -> None:
    assert parse_address_list(str(Mailbox("É <evil@example.com>,", ADA))) == (Mailbox("É <evil@example.com>,", ADA),)


def test_quote_phrase() -> None:
    assert quote_phrase("Ada") == "Ada"
    assert quote_phrase("A.") == '"A."'
    assert quote_phrase("") == '""'


def test_smtputf8_is_needed_for_the_local_part_alone() -> None:
    assert parse_addr_spec("ada@exämple.org").is_ascii
    assert not parse_addr_spec("ädä@example.org").is_ascii


@pytest.mark.parametrize("text", ["", "a..b", ".", "a b", "-a", "a-", "ä b", "\u3002", "a\u3002", "é" * 70])
def test_no_domain(text: str) -> None:
    with pytest.raises(AddressError):
        encode_domain(text)


def test_limits_are_those_of_the_rfc() -> None:
    limits = (addresses.MAX_LOCAL_PART, addresses.MAX_DOMAIN, addresses.MAX_PATH, addresses.MAX_LABEL)
    assert limits == (64, 255, 256, 63)


def test_a_group_within_a_group_within_a_group_is_refused_without_recursion() -> None:
    with pytest.raises(AddressError):
        parse_address_list("g:" * 100_000)
