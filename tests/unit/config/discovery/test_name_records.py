"""SRV records: their order, what is not offered, and what leads away."""

from __future__ import annotations

import pytest

from sendmail_cli.config.discovery.name_records import ServiceAnswer, ServiceRecord, candidates_in, refusals_in
from sendmail_cli.config.providers import BY_NAME
from sendmail_cli.server import TLSMode

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
