from __future__ import annotations

import pytest

from sendmail_cli.addresses import parse_addr_spec
from sendmail_cli.config.sender_rules import most_exact, parse_copies, parse_patterns
from sendmail_cli.errors import AddressError, ConfigError


@pytest.mark.parametrize(
    ("pattern", "address", "is_match"),
    [
        ("ada@work.example", "ada@work.example", True),
        ("ada@work.example", "Ada@WORK.example", True),
        ("ADA@Work.Example", "ada@work.example", True),
        ("ada@work.example", "xada@work.example", False),
        ("*@work.example", "ada@work.example", True),
        ("*@work.example", "ada@sub.work.example", False),
        ("*@*.work.example", "ada@sub.work.example", True),
        ("*@*work.example", "ada@network.example", True),
        ("ada@*", "ada@anywhere.example", True),
        ("ada@*", "adam@anywhere.example", False),
        ("ada+*@work.example", "ada+news@work.example", True),
        ("a.a@work.example", "aXa@work.example", False),
        ("*@bücher.example", "ada@xn--bcher-kva.example", True),
        ("*@[192.0.2.1]", "ada@[192.0.2.1]", True),
        ("*@work.example", '"a b"@work.example', True),
    ],
)
def test_a_pattern_means_these_addresses(pattern: str, address: str, *, is_match: bool) -> None:
    (parsed,) = parse_patterns(pattern)
    assert parsed.matches(parse_addr_spec(address)) is is_match


def test_the_most_exact_one_counts() -> None:
    patterns = parse_patterns(["*@*", "*@work.example", "ada@*", "ada@w*"])
    address = parse_addr_spec("ada@work.example")
    order = sorted(patterns, key=lambda pattern: pattern.exactness)
    assert [pattern.text for pattern in order] == ["*@*", "ada@*", "ada@w*", "*@work.example"]
    assert str(most_exact(patterns, address)) == "“*@work.example”"
    exact = parse_patterns(["*@a-very-long-domain.example", "a@b.c"])
    assert exact[1].exactness > exact[0].exactness
    assert most_exact(patterns[1:2], parse_addr_spec("ada@home.example")) is None


@pytest.mark.parametrize(
    "value", ["", "work.example", "*", "@work.example", "ada@", "a\nb@c", "a@b..c", [], [1], 1, {}]
)
def test_what_is_no_pattern(value: object) -> None:
    with pytest.raises(ConfigError):
        parse_patterns(value)


def test_copies_are_addresses_in_a_text_or_a_list() -> None:
    assert parse_copies("a@x.example, Bob <b@x.example>") == parse_copies(["a@x.example", "Bob <b@x.example>"])


@pytest.mark.parametrize("value", ["", [], "bob", 1, [1]])
def test_what_is_no_copy(value: object) -> None:
    with pytest.raises((ConfigError, AddressError)):
        parse_copies(value)
