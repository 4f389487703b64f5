"""What an answer to EHLO offers."""

import pytest

from sendmail_cli.smtp.capabilities import AfterContent, Capabilities, parse_capabilities
from sendmail_cli.smtp.replies import Reply


def offered(*lines: str) -> Capabilities:
    return parse_capabilities(Reply(250, ("mx.example.com at your service", *lines)))


def test_domain_and_extensions_in_order() -> None:
    assert offered("PIPELINING", "size 1000", "X-Foo a b", "", "  ", "=no", "ünlaut 1") == Capabilities(
        "mx.example.com", (("PIPELINING", ()), ("SIZE", ("1000",)), ("X-FOO", ("a", "b")))
    )


def test_no_extension_at_all() -> None:
    assert parse_capabilities(Reply(250, ())) == Capabilities("", ())
    assert not offered().offers("SIZE")


def test_offers_looks_at_the_keyword_alone() -> None:
    assert offered("Pipelining").offers("PIPELINING")
    assert not offered("X PIPELINING").offers("PIPELINING")
    assert not offered("PIPELINING\\x00").offers("PIPELINING")


def test_parameters_of_repeated_lines_are_one_list() -> None:
    assert offered("AUTH PLAIN", "AUTH LOGIN").parameters("AUTH") == ("PLAIN", "LOGIN")


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("SIZE 1000", 1000),
        ("SIZE 0", None),
        ("SIZE 000", None),
        ("SIZE", None),
        ("SIZE lots", None),
        ("SIZE -1", None),
        ("SIZE 1e6", None),
        ("SIZE ١", None),
        ("SIZE " + "9" * 20, 10**20 - 1),
        ("SIZE " + "9" * 21, None),
        ("HELP", None),
    ],
)
def test_duty13_size_limit(line: str, limit: int | None) -> None:
    assert offered(line).size_limit == limit


@pytest.mark.parametrize(
    ("lines", "mechanisms"),
    [
        (("AUTH PLAIN login",), ("PLAIN", "LOGIN")),
        (("AUTH=LOGIN PLAIN",), ("LOGIN", "PLAIN")),
        (("AUTH PLAIN", "AUTH=PLAIN LOGIN"), ("PLAIN", "LOGIN")),
        (("AUTH",), ()),
        (("AUTH=",), ()),
        (("HELP",), ()),
    ],
)
def test_trap06_auth_mechanisms(lines: tuple[str, ...], mechanisms: tuple[str, ...]) -> None:
    assert offered(*lines).auth_mechanisms == mechanisms


@pytest.mark.parametrize(
    ("greeting", "extensions", "expected"),
    [
        ("mx.example.org ESMTP Postfix (Debian/GNU)", ("PIPELINING",), AfterContent.ENVELOPE),
        ("mx.example.org ESMTP Exim 4.96 Mon, 23 Nov 2026", ("PIPELINING",), AfterContent.ENVELOPE),
        ("mx.example.org ESMTP Sendmail 8.17.1/8.17.1", ("PIPELINING",), AfterContent.ENVELOPE),
        ("mx.example.org ESMTP Postfix", (), AfterContent.NOTHING),
        ("a greeting that tells nothing", ("PIPELINING",), AfterContent.QUIT),
        ("postfix.example.org ESMTP", ("PIPELINING",), AfterContent.QUIT),
        ("mx.example.org Dovecot (Debian) ready.", ("PIPELINING",), AfterContent.QUIT),
        ("mx.example.org ESMTP Haraka/3.3.4 ready (CDE782)", ("PIPELINING",), AfterContent.QUIT),
        ("mx.example.org ESMTP chasquid", ("PIPELINING",), AfterContent.NOTHING),
        ("mx.example.org ESMTP", ("XVERP=Courier", "PIPELINING"), AfterContent.NOTHING),
    ],
)
def test_what_a_server_is_trusted_to_hear_with_the_end_of_the_content(
    greeting: str, extensions: tuple[str, ...], expected: AfterContent
) -> None:
    assert offered(*extensions).after_content(greeting) is expected
