"""Autoconfig: the servers of a sound document, and what becomes of one that isn't."""

from __future__ import annotations

import pytest

from sendmail_cli.addresses import parse_addr_spec
from sendmail_cli.config.discovery.autoconfig import MAX_OCTETS, Autoconfig, autoconfig_urls, parse_autoconfig
from sendmail_cli.config.providers import BY_NAME, Credential
from sendmail_cli.errors import DataError
from sendmail_cli.server import TLSMode

ADDRESS = parse_addr_spec("ada@example.org")
SOUND = {
    "hostname": "smtp.%EMAILDOMAIN%",
    "port": "465",
    "socketType": "SSL",
    "username": "%EMAILADDRESS%",
    "authentication": "password-cleartext",
}


def server(kind: str = "smtp", **values: str) -> str:
    fields = "".join(f"<{tag}>{text}</{tag}>" for tag, text in {**SOUND, **values}.items())
    return f'<outgoingServer type="{kind}">{fields}</outgoingServer>'


def document(*servers: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    provider = f'<emailProvider id="x">{"".join(servers)}</emailProvider>'
    return f'{head}<clientConfig version="1.1">{provider}</clientConfig>'.encode()


def parse(*servers: str) -> Autoconfig:
    return parse_autoconfig(document(*servers), ADDRESS)


def test_a_server() -> None:
    [found] = parse(server()).candidates

    assert (str(found), found.tls, found.user) == ("smtp.example.org:465", TLSMode.IMPLICIT, "ada@example.org")


def test_servers_stay_in_their_order_and_incoming_ones_are_passed_over() -> None:
    incoming = '<incomingServer type="imap"><hostname>imap.example.org</hostname></incomingServer>'
    found = parse(incoming, server(port="587", socketType="STARTTLS"), server(), server("exchange")).candidates

    assert [(each.port, each.tls) for each in found] == [(587, TLSMode.STARTTLS), (465, TLSMode.IMPLICIT)]


@pytest.mark.parametrize(
    ("username", "user"),
    [
        ("%EMAILLOCALPART%", "ada"),
        ("%EMAILLOCALPART%@x.%EMAILDOMAIN%", "ada@x.example.org"),
        ("ada17", "ada17"),
        ("", "ada@example.org"),
        ("a" * 400, "ada@example.org"),
        ("a&#x9;b", "ada@example.org"),
    ],
)
def test_users(username: str, user: str) -> None:
    assert parse(server(username=username)).candidates[0].user == user


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"socketType": "plain"}, "smtp.example.org:465: without TLS, so it is not used"),
        ({"socketType": ""}, "smtp.example.org:465: without TLS, so it is not used"),
        ({"port": "0"}, "smtp.example.org: no port"),
        ({"port": "99999"}, "smtp.example.org: no port"),
        ({"port": "٤٦٥"}, "smtp.example.org: no port"),
        ({"hostname": "localhost"}, "localhost: no host name"),
        ({"hostname": "evil.example/%EMAILDOMAIN%"}, "evil.example/example.org: no host name"),
        ({"hostname": ""}, "a server without a name: no host name"),
    ],
)
def test_what_cannot_be_used_is_said(values: dict[str, str], why: str) -> None:
    found = parse(server(**values))

    assert (found.candidates, found.refusals) == ((), (why,))


def test_only_tokens() -> None:
    [found] = parse(server(authentication="OAuth2")).candidates
    assert found.credential is Credential.OAUTH

    both = server() + ""
    [found] = parse(both.replace("</outgoing", "<authentication>OAuth2</authentication></outgoing")).candidates
    assert found.credential is Credential.PASSWORD


def test_a_known_host_is_known() -> None:
    [found] = parse(server(hostname="smtp.fastmail.com", username="%EMAILLOCALPART%")).candidates

    assert (found.provider, found.user) == (BY_NAME["fastmail"], "{address}")


BOMB = (
    "<!DOCTYPE b [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
)

FOREIGN = '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (document(server(hostname="&a9;"), head=BOMB), "document type"),
        (document(server(hostname="&x;"), head=FOREIGN), "document type"),
        (document(server(), head='<!DOCTYPE c SYSTEM "https://evil.example/x.dtd">'), "document type"),
        (b"", "no XML"),
        (b"<html><body>Not found</body></html>", "another kind of document"),
        (b"<clientConfig>", "no XML: line 1"),
        (b"\xff\xfe\x00garbage", "no XML"),
        (b'<?xml version="1.0" encoding="no-such"?><clientConfig/>', "no XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><clientConfig/>', "no XML"),
        (b"<clientConfig/>" + b" " * MAX_OCTETS, "longer than 256 kB"),
    ],
)  # fmt: skip
def test_what_is_no_such_document(octets: bytes, why: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_autoconfig(octets, ADDRESS)
    assert why in caught.value.sentence


def test_nesting_is_no_harm() -> None:
    depth = 30000
    sound = b"<clientConfig>" + b"<a>" * depth + b"</a>" * depth + b"</clientConfig>"

    assert parse_autoconfig(sound, ADDRESS).candidates == ()
    with pytest.raises(DataError):
        parse_autoconfig(b"<clientConfig>" + b"<a>" * depth, ADDRESS)


def test_an_endless_row_of_servers_is_cut() -> None:
    assert len(parse(*[server(port=str(port)) for port in range(1, 50)]).candidates) == 10


def test_where_it_is_looked_for_is_never_http() -> None:
    urls = autoconfig_urls(parse_addr_spec("a+b&c@example.org"))

    assert urls == (
        "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=a%2Bb%26c@example.org",
        "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
    )
