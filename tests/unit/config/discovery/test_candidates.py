"""Candidates: what a person's word means, what is a host out there, and how a profile writes it."""

from __future__ import annotations

import pytest

from sendmail_cli.addresses import AddrSpec, parse_addr_spec
from sendmail_cli.config.discovery.candidates import (
    Candidate,
    Source,
    candidates_at,
    candidates_of,
    domain_of,
    is_within,
    known,
    public_host,
    user_for,
)
from sendmail_cli.config.providers import BY_NAME, Credential
from sendmail_cli.config.server_url import parse_server_url
from sendmail_cli.server import TLSMode

IMPLICIT, STARTTLS, NONE = TLSMode.IMPLICIT, TLSMode.STARTTLS, TLSMode.NONE


@pytest.mark.parametrize(
    ("text", "tls", "expected"),
    [
        ("smtp.example.org", None, [(465, IMPLICIT), (587, STARTTLS)]),
        ("smtps://smtp.example.org", None, [(465, IMPLICIT)]),
        ("smtp://smtp.example.org", None, [(587, STARTTLS)]),
        ("smtp.example.org:2525", None, [(2525, STARTTLS)]),
        ("smtp.example.org:465", None, [(465, IMPLICIT)]),
        ("smtps://smtp.example.org:1465", None, [(1465, IMPLICIT)]),
        ("smtp.example.org", STARTTLS, [(587, STARTTLS)]),
        ("smtp.example.org", IMPLICIT, [(465, IMPLICIT)]),
        ("smtp.example.org:587", NONE, [(587, NONE)]),
        ("localhost", None, [(25, NONE)]),
        ("localhost:2525", None, [(2525, NONE)]),
        ("smtp.postmarkapp.com", None, [(587, STARTTLS), (2525, STARTTLS)]),
        ("smtp.postmarkapp.com:465", None, [(465, IMPLICIT)]),
    ],
)
def test_what_a_person_means(text: str, tls: TLSMode | None, expected: list[tuple[int, TLSMode]]) -> None:
    found = candidates_at(parse_server_url(text), tls)

    assert [(each.port, each.tls) for each in found] == expected
    assert {each.source for each in found} == {Source.GIVEN}


def test_a_known_host_brings_what_is_known_of_its_provider() -> None:
    [found] = candidates_at(parse_server_url("smtps://smtp.sendgrid.net"), None)

    assert (found.provider, found.user) == (BY_NAME["sendgrid"], "apikey")


def test_a_region_is_part_of_the_host() -> None:
    found = candidates_of(BY_NAME["ses"], Source.PROVIDER, "eu-west-1")

    assert str(found[0]) == "email-smtp.eu-west-1.amazonaws.com:465"


def test_what_only_takes_tokens_says_so() -> None:
    found = known(Candidate("smtp.office365.com", 587, STARTTLS, Source.SRV))

    assert found.credential is Credential.OAUTH


@pytest.mark.parametrize(
    ("candidate", "url"),
    [
        (Candidate("smtp.example.org", 465, IMPLICIT, Source.SRV), "smtps://smtp.example.org"),
        (Candidate("smtp.example.org", 1465, IMPLICIT, Source.SRV), "smtps://smtp.example.org:1465"),
        (Candidate("smtp.example.org", 587, STARTTLS, Source.SRV), "smtp.example.org:587"),
    ],
)
def test_as_a_profile_has_it(candidate: Candidate, url: str) -> None:
    assert str(candidate.url) == url


@pytest.mark.parametrize("text", ["smtp.example.org", "SMTP.Example.org", "smtp.bücher.example"])
def test_hosts_out_there(text: str) -> None:
    assert public_host(text) is not None


@pytest.mark.parametrize(
    "text",
    ["", ".", "localhost", "a.localhost", "127.0.0.1", "192.0.2.1", "::1", "[::1]", "mail", "a.example:25",
     "u@a.example", "smtps://a.example", "a b.example", "a\n.example",
     "unix:/run/x", "a.example/x", "x" * 300 + ".example", "0x7f.1"],
)  # fmt: skip
def test_what_is_no_host_out_there(text: str) -> None:
    assert public_host(text) is None


def test_domains() -> None:
    assert domain_of(parse_addr_spec("ada@bücher.example")) == "xn--bcher-kva.example"
    assert domain_of(AddrSpec("ada", "[192.0.2.1]")) is None
    assert domain_of(AddrSpec("root", "localhost")) is None
    assert is_within("smtp.example.org", "example.org")
    assert not is_within("smtp.notexample.org", "example.org")


def test_users() -> None:
    address = parse_addr_spec("ada@example.org")
    assert [user_for(each, address) for each in ("{address}", "{local_part}", "apikey")] == [
        "ada@example.org",
        "ada",
        "apikey",
    ]
