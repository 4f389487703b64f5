"""The table of providers: every entry can be used as it stands, and the exceptions are right."""

from __future__ import annotations

import re

import pytest

from sendmail_cli.addresses import encode_domain
from sendmail_cli.config.profile_keys import check_name
from sendmail_cli.config.providers import (
    ADDRESS,
    BY_NAME,
    LOCAL_PART,
    PROVIDERS,
    REGION,
    Credential,
    Provider,
    provider_of_domain,
    provider_of_exchanger,
    provider_of_host,
)
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.server import TLSMode

every_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=[each.name for each in PROVIDERS])


@every_provider
def test_is_well_formed(provider: Provider) -> None:
    check_name(provider.name)
    host = provider.host_in(provider.regions[0] if provider.regions else None)
    assert parse_server_url(host) == ServerURL(host)
    assert (REGION in provider.host) == bool(provider.regions)
    assert provider.ports
    assert all(tls in {TLSMode.IMPLICIT, TLSMode.STARTTLS} for _, tls in provider.ports)
    assert all(tls is TLSMode.IMPLICIT for port, tls in provider.ports if port == 465)
    assert all(encode_domain(domain) == domain for domain in (*provider.domains, *provider.mx))


@every_provider
def test_says_something_a_person_can_follow(provider: Provider) -> None:
    advice = provider.advice.format(title=provider.title)
    assert "{" not in advice
    assert len(advice) <= 120
    assert not advice or advice.endswith(".")
    assert not provider.link or re.fullmatch(r"https://[a-z0-9.-]+/?[A-Za-z0-9/#_.-]*", provider.link)
    assert provider.user is None or provider.user in {ADDRESS, LOCAL_PART, "apikey", "resend"}
    if provider.credential is Credential.OAUTH:
        assert provider.oauth is not None


def test_names_and_domains_are_given_once() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    exchangers = [end for provider in PROVIDERS for end in provider.mx]
    assert len(BY_NAME) == len(PROVIDERS) >= 25
    assert len(set(domains)) == len(domains) >= 120
    assert len(set(exchangers)) == len(exchangers)


@pytest.mark.parametrize("name", ["outlook", "microsoft365", "icloud", "postmark"])
def test_who_has_no_port_465(name: str) -> None:
    assert all(tls is TLSMode.STARTTLS for _, tls in BY_NAME[name].ports)


@pytest.mark.parametrize(("name", "ports"), [("gmail", [465, 587]), ("yandex", [465]), ("proton", [1025])])
def test_ports(name: str, ports: list[int]) -> None:
    assert [port for port, _ in BY_NAME[name].ports] == ports


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("gmail.com", "gmail"),
        ("GMX.de", "gmx"),
        ("hotmail.co.uk", "outlook"),
        ("pm.me", "proton"),
        ("zoho.eu", "zoho-eu"),
    ],
)
def test_by_the_domain_of_an_address(domain: str, name: str) -> None:
    assert provider_of_domain(domain) is BY_NAME[name]


def test_a_domain_below_is_another() -> None:
    assert provider_of_domain("sub.gmail.com") is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "google"),
        ("alt1.ASPMX.L.google.com.", "google"),
        ("example-org.mail.protection.outlook.com", "microsoft365"),
        ("in1-smtp.messagingengine.com", "fastmail"),
        ("mx.zoho.eu", "zoho-eu"),
        ("mx.zoho.com.au", "zoho-au"),
    ],
)
def test_by_a_mail_exchanger(host: str, name: str) -> None:
    assert provider_of_exchanger(host) is BY_NAME[name]


@pytest.mark.parametrize("host", ["notgoogle.com", "google.com.evil.example", "mx.example.org", ""])
def test_a_name_that_only_looks_like_one_is_none(host: str) -> None:
    assert provider_of_exchanger(host) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("smtp.sendgrid.net", "sendgrid"),
        ("smtp.gmail.com", "gmail"),
        ("email-smtp.eu-west-1.amazonaws.com", "ses"),
        ("SMTP.office365.com", "microsoft365"),
    ],
)
def test_by_its_host(host: str, name: str) -> None:
    assert provider_of_host(host) is BY_NAME[name]


@pytest.mark.parametrize("host", ["127.0.0.1", "email-smtp..amazonaws.com", "smtp.example.org"])
def test_a_host_of_nobody(host: str) -> None:
    assert provider_of_host(host) is None
