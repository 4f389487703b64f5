"""SRV records: their order, what is not offered, and what leads away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import pytest

from sendmail_cli.config.discovery.name_records import (
    ServiceAnswer,
    ServiceRecord,
    candidates_in,
    look_up_exchangers,
    look_up_services,
    refusals_in,
)
from sendmail_cli.config.providers import BY_NAME
from sendmail_cli.errors import TemporaryError
from sendmail_cli.server import TLSMode

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

SMTPS, SUBMISSION = "_submissions._tcp", "_submission._tcp"


def record(target: str, service: str = SMTPS, priority: int = 0, weight: int = 0, port: int = 465) -> ServiceRecord:
    return ServiceRecord(service, priority, weight, port, target)


def found(*records: ServiceRecord, is_signed: bool = False) -> list[str]:
    answer = ServiceAnswer(records, is_signed)
    return [f"{each}{' foreign' if each.is_foreign else ''}" for each in candidates_in(answer, "example.org")]


def test_the_lowest_priority_goes_first_then_tls_from_the_first_octet_then_weight() -> None:
    assert found(
        record("d.example.org.", SMTPS, 1),
        record("c.example.org.", SUBMISSION, 0, 9, 587),
        record("b.example.org.", SMTPS, 0, 1),
        record("a.example.org.", SMTPS, 0, 5),
    ) == ["a.example.org:465", "b.example.org:465", "c.example.org:587", "d.example.org:465"]


def test_the_service_says_how_tls_comes() -> None:
    answer = ServiceAnswer((record("a.example.org.", SUBMISSION, port=1587), record("a.example.org.", port=1465)))

    assert {each.port: each.tls for each in candidates_in(answer, "example.org")} == {
        1465: TLSMode.IMPLICIT,
        1587: TLSMode.STARTTLS,
    }


def test_another_domain_is_foreign_unless_it_is_signed() -> None:
    elsewhere = record("smtp.example.net.")

    assert found(elsewhere) == ["smtp.example.net:465 foreign"]
    assert found(elsewhere, is_signed=True) == ["smtp.example.net:465"]
    assert found(record("example.org.")) == ["example.org:465"]
    assert found(record("smtp.badexample.org.")) == ["smtp.badexample.org:465 foreign"]


def test_a_known_host_stays_foreign_and_is_known() -> None:
    [candidate] = candidates_in(ServiceAnswer((record("smtp.fastmail.com."),)), "example.org")

    assert (candidate.is_foreign, candidate.provider) == (True, BY_NAME["fastmail"])


@pytest.mark.parametrize("target", [".", "localhost.", "127.0.0.1.", "a b.example.org.", "mail.", "\\000.example.org."])
def test_what_is_no_server_is_left_out_and_said(target: str) -> None:
    answer = ServiceAnswer((record(target), record("a.example.org.")))

    assert [str(each) for each in candidates_in(answer, "example.org")] == ["a.example.org:465"]
    assert len(refusals_in(answer)) == 1


def test_not_offered_is_said() -> None:
    assert refusals_in(ServiceAnswer((record("."),))) == ("_submissions._tcp: not offered",)


def test_port_zero_is_none() -> None:
    assert found(record("a.example.org.", port=0)) == []


@pytest.mark.parametrize(
    ("nameserver", "flags", "is_signed"),
    [
        ("127.0.0.1", "QR RD RA AD", True),
        ("::1", "QR RD RA AD", True),
        ("127.0.0.53", "QR RD RA AD", True),
        ("127.0.0.1", "QR RD RA", False),
        ("192.0.2.53", "QR RD RA AD", False),  # whoever is on the way there can set the flag
    ],
)
def test_only_a_name_server_on_this_machine_vouches(
    mocker: MockerFixture, nameserver: str, flags: str, is_signed: bool
) -> None:
    """The answers are dnspython's own, of a server that is not asked."""
    head = f"id 1\nopcode QUERY\nrcode NOERROR\nflags {flags}\n"
    text = head + ";QUESTION\n{0} IN SRV\n;ANSWER\n{0} 60 IN SRV 0 1 465 smtp.example.net.\n"

    def resolve(_: object, name: str, kind: str, **__: object) -> dns.resolver.Answer:
        message = dns.message.from_text(text.format(name))
        assert isinstance(message, dns.message.QueryMessage)
        return dns.resolver.Answer(dns.name.from_text(name), dns.rdatatype.SRV, dns.rdataclass.IN, message, nameserver)

    mocker.patch("dns.resolver.Resolver.resolve", resolve)

    answer = look_up_services("example.org")

    assert (answer.is_signed, len(answer.records)) == (is_signed, 2)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (dns.resolver.LifetimeTimeout(timeout=1, errors=[]), "no name server answered in time"),  # type: ignore[no-untyped-call]
        (dns.resolver.NoNameservers(), "the name servers gave no answer: NoNameservers"),  # type: ignore[no-untyped-call]
        (dns.resolver.NoResolverConfiguration(), "this machine knows no name server"),  # type: ignore[no-untyped-call]
        (OSError(101, "Network is unreachable"), "the name servers gave no answer: OSError"),
    ],
)
def test_silence_is_for_later(mocker: MockerFixture, error: Exception, sentence: str) -> None:
    mocker.patch("dns.resolver.Resolver.resolve", side_effect=error)

    for look_up in (look_up_services, look_up_exchangers):
        with pytest.raises(TemporaryError) as caught:
            look_up("example.org")
        assert caught.value.sentence == sentence
