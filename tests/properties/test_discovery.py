"""Whatever a domain's DNS or autoconfig says: servers out there that speak TLS, or a clear error."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import parse_addr_spec
from sendmail_cli.config.discovery.autoconfig import parse_autoconfig
from sendmail_cli.config.discovery.candidates import Candidate, public_host
from sendmail_cli.config.discovery.name_records import (
    SERVICES,
    ServiceAnswer,
    ServiceRecord,
    candidates_in,
    refusals_in,
)
from sendmail_cli.config.server_url import parse_server_url
from sendmail_cli.errors import DataError
from sendmail_cli.printable import find_control
from sendmail_cli.server import TLSMode

ADDRESS = parse_addr_spec("ada@example.org")
TEXTS = st.text(st.characters(exclude_characters="<&]"), max_size=30)
FIELDS = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            "smtp.example.org",
            "%EMAILDOMAIN%",
            "%EMAILADDRESS%",
            "465",
            "587",
            "SSL",
            "STARTTLS",
            "plain",
            "OAuth2",
            "::1",
        ]
    ),
)
TAGS = st.sampled_from(["hostname", "port", "socketType", "username", "authentication", "a"])
SERVERS = st.lists(st.lists(st.tuples(TAGS, FIELDS), max_size=8), max_size=4)
RECORDS = st.builds(
    ServiceRecord,
    st.sampled_from(list(SERVICES)),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.one_of(TEXTS, st.sampled_from([".", "a.example.org.", "b.example.net.", "localhost.", "10.0.0.1."])),
)


def check(candidate: Candidate) -> None:
    assert public_host(candidate.host) == candidate.host
    assert 1 <= candidate.port <= 65535
    assert candidate.tls in {TLSMode.IMPLICIT, TLSMode.STARTTLS}
    assert parse_server_url(str(candidate.url)).host == candidate.host
    assert candidate.user
    assert find_control(candidate.user) is None


@given(st.binary(max_size=300))
def test_any_octets_are_an_autoconfig_or_an_error(octets: bytes) -> None:
    with suppress(DataError):
        for candidate in parse_autoconfig(octets, ADDRESS).candidates:
            check(candidate)


@given(SERVERS)
def test_any_autoconfig_gives_servers_that_can_be_used(servers: list[list[tuple[str, str]]]) -> None:
    texts = "".join(
        f'<outgoingServer type="smtp">{"".join(f"<{tag}>{text}</{tag}>" for tag, text in fields)}</outgoingServer>'
        for fields in servers
    )
    octets = f"<clientConfig><emailProvider>{texts}</emailProvider></clientConfig>".encode()
    with suppress(DataError):  # a character that XML doesn't have
        found = parse_autoconfig(octets, ADDRESS)
        for candidate in found.candidates:
            check(candidate)
        assert all(find_control(refusal) is None for refusal in found.refusals)


@given(st.lists(RECORDS, max_size=6), st.booleans())
def test_any_records_give_servers_that_can_be_used(records: list[ServiceRecord], is_signed: bool) -> None:
    answer = ServiceAnswer(tuple(records), is_signed)
    for candidate in candidates_in(answer, "example.org"):
        check(candidate)
        is_inside = candidate.host == "example.org" or candidate.host.endswith(".example.org")
        assert candidate.is_foreign is not (is_inside or is_signed)
    assert all(find_control(refusal) is None for refusal in refusals_in(answer))
