"""What is wrong with a certificate, in words. Those that a server shows are in tests/integration."""

from datetime import UTC, datetime

import pytest

from sendmail_cli.net.certificate import CertificateFacts
from sendmail_cli.net.certificate_faults import Rejected, not_the_pinned, rejection

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
FACTS = CertificateFacts(
    "CN=mx",
    "CN=Authority",
    ("mx.example.com", "www.example.com"),
    datetime(2026, 9, 1, tzinfo=UTC),
    datetime(2026, 12, 1, tzinfo=UTC),
)
UNTIL_MAY = FACTS._replace(not_after=datetime(2026, 5, 1, 23, 59, tzinfo=UTC))
FROM_2027 = FACTS._replace(not_before=datetime(2027, 1, 1, tzinfo=UTC))
MANY = FACTS._replace(names=tuple(f"h{number}.example.com" for number in range(7)))


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (10, UNTIL_MAY, "expired on 2026-05-01"),
        (10, FACTS, "is vouched for by one that has expired"),  # an authority's; this one holds
        (10, None, "has expired"),
        (10, CertificateFacts("unreadable"), "has expired"),
        (9, FROM_2027, "is not valid before 2027-01-01; is this machine's clock right? It says 2026-11-23"),
        (9, FACTS, "is vouched for by one that is not valid yet; is this machine's clock right?"),
        (9, None, "is not valid yet; is this machine's clock right? It says 2026-11-23"),
        (62, FACTS, "was issued for mx.example.com, www.example.com, not for mail.example.org"),
        (
            62,
            MANY,
            (
                "was issued for h0.example.com, h1.example.com, h2.example.com, h3.example.com, h4.example.com "
                "and 2 more, not for mail.example.org"
            ),
        ),
        (64, None, "was issued for another name (the reason)"),
        (
            62,
            FACTS._replace(names=()),
            (
                "names no host in its subjectAltName, so it is not for mail.example.org; its subject, CN=mx, "
                "does not count (RFC 9525)"
            ),
        ),
        (20, FACTS, "was issued by CN=Authority, an authority that this machine does not know"),
        (19, None, "was issued by an authority that this machine does not know"),
        (18, FACTS, "is signed by itself, so nobody vouches for it"),
        (23, FACTS, "is not valid: the reason"),
    ],
)
def test_a_fault_in_words(code: int, facts: CertificateFacts | None, words: str) -> None:
    error = rejection(Rejected("mail.example.org", code, "the reason", facts, "sha256:00" if facts else "", NOW))
    assert str(error) == f"the certificate of mail.example.org {words}"
    assert error.exit_code == 69
    assert error.hint.startswith("Nothing was sent. ")
    assert error.hint == error.hint.strip()


@pytest.mark.parametrize(
    ("code", "facts", "is_sane"),
    [
        (10, UNTIL_MAY, True),
        (18, FACTS, True),
        (19, FACTS, True),
        (20, FACTS, True),
        (20, None, False),  # nobody knows which
        (10, FACTS, False),  # it is the authority that has something to do
        (9, FROM_2027, False),  # the clock
        (62, FACTS, False),  # somebody else's
        (23, FACTS, False),  # revoked, say
    ],
)
def test_where_a_pin_is_sane_it_is_said_and_what_it_means(
    code: int, facts: CertificateFacts | None, is_sane: bool
) -> None:
    error = rejection(Rejected("mx", code, "", facts, "sha256:00" if facts else "", NOW))
    assert ("--tls-pin sha256:00 takes this one certificate and no other" in error.hint) == is_sane


def test_a_certificate_that_is_not_the_pinned_one() -> None:
    error = not_the_pinned("mx", "sha256:aa", "sha256:bb")
    assert str(error) == (
        "the certificate of mx is not the pinned one: its fingerprint is sha256:bb, the pin is sha256:aa"
    )
    assert "--tls-pin sha256:bb" in error.hint
    assert error.exit_code == 69
