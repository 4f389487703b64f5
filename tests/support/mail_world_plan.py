"""The domains of the tests' small internet: one for each way to be found, and for each way to be hostile."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import trustme

from tests.support.mail_world import Plan, Talker, Web, World, running_world, to_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.support.postfix import Postfix

SMTPS, SUBMISSION, HTTPS = 465, 587, 443
MANY = 10_000_000  # octets

SERVER = """<outgoingServer type="smtp"><hostname>{host}</hostname><port>{port}</port><socketType>{tls}</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></outgoingServer>"""
BOMB = (
    "<!DOCTYPE b [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
)


@dataclass(frozen=True)
class MailWorld:
    """The running world, what its web servers were asked, and the authorities that its certificates need."""

    world: World
    web: Web
    postfix: Postfix
    variables: dict[str, str]  # that a command in there needs


@contextmanager
def running_mail_world(postfix: Postfix) -> Iterator[MailWorld]:
    """All of it; the mail servers are all the same Postfix, whose certificate is for *.example.org and *.example."""
    authority = trustme.CA()
    web = Web(authority)
    with TemporaryDirectory() as folder:
        authorities = Path(folder) / "authorities.pem"
        authorities.write_bytes(postfix.ca_file.read_bytes() + authority.cert_pem.bytes())
        with running_world(_plan(postfix, web)) as world:
            yield MailWorld(world, web, postfix, {"SSL_CERT_FILE": str(authorities)})


def _plan(postfix: Postfix, web: Web) -> Plan:
    plan = Plan()
    implicit, starttls = to_port(postfix.submissions_port), to_port(postfix.submission_port)
    plan.serve("smtp.example.org", SMTPS, implicit)
    plan.serve("smtp.example.org", SUBMISSION, starttls)
    _plan_names(plan, implicit, starttls)
    _plan_bridge(plan, starttls)
    _plan_autoconfig(plan, web)
    return plan


def _plan_names(plan: Plan, implicit: Talker, starttls: Talker) -> None:
    """Domains that are found by the DNS alone, and such that are not."""
    for domain in ("srv.example.org", "starttls.example.org", "two.example.org"):  # their certificate is *.example.org
        plan.serve(domain, SMTPS, implicit)
        plan.serve(domain, SUBMISSION, starttls)
    plan.service("srv.example.org", "srv.example.org")
    plan.serve("smtp.strange.example", SMTPS, implicit)  # their certificate is for others
    plan.serve("smtp.strange.example", SUBMISSION, starttls)
    plan.service("foreign.example", "smtp.example.org")
    plan.service("both.example", "smtp.example.org")
    plan.service("starttls.example.org", "starttls.example.org", port=SUBMISSION, service="submission")
    plan.service("refused.example.org", "")  # the root: decidedly not there
    plan.service("dead.example.org", "dead.example.org")
    plan.host("dead.example.org")
    for port, service in ((SMTPS, "submissions"), (SUBMISSION, "submission")):
        plan.service("two.example.org", "two.example.org", port=port, service=service)
    plan.records += ["mx.example. MX 10 in1-smtp.messagingengine.com."]


def _plan_bridge(plan: Plan, starttls: Talker) -> None:
    plan.addresses["bridge"] = "127.0.0.1"
    plan.talkers["127.0.0.1", 1025] = starttls


def _plan_autoconfig(plan: Plan, web: Web) -> None:
    """A domain for each document, and for each way to hand it out."""
    for domain, answer in {
        "auto.example": sound("smtp.example.org"),
        "both.example": sound("smtp.example.org"),
        "plain.example": answer_of(document(SERVER.format(host="smtp.example.org", port=25, tls="plain"))),
        "bomb.example": answer_of(document(SERVER.format(host="&a9;", port=465, tls="SSL"), head=BOMB)),
        "huge.example": huge,
        "garbage.example": answer_of(b"\x00\xff\xfe not XML at all"),
        "downgrade.example": redirect("http://autoconfig.downgrade.example/mail/config-v1.1.xml"),
        "loop.example": redirect("https://autoconfig.loop.example/mail/config-v1.1.xml"),
        "moved.example": redirect("https://autoconfig.auto.example/mail/config-v1.1.xml"),
        "drip.example": drip,
        "wrongcert.example": sound("smtp.example.org"),
        "nothttp.example": nothing,
        "missing.example": answer_of(b"", status="404 Not Found"),
    }.items():
        plan.serve(f"autoconfig.{domain}", HTTPS, web.talk)
        web.answers[f"autoconfig.{domain}"] = answer
    web.wrong_certificates.add("autoconfig.wrongcert.example")
    plan.serve("wellknown.example", HTTPS, web.talk)
    web.answers["wellknown.example"] = sound("smtp.example.org")


def document(*servers: str, head: str = "") -> bytes:
    """An autoconfig with these servers."""
    return f"{head}<clientConfig><emailProvider>{''.join(servers)}</emailProvider></clientConfig>".encode()


def sound(host: str) -> Callable[[str, ssl.SSLSocket], None]:
    """What a provider hands out."""
    return answer_of(document(SERVER.format(host=host, port=SMTPS, tls="SSL")))


def answer_of(body: bytes, status: str = "200 OK") -> Callable[[str, ssl.SSLSocket], None]:
    """An ordinary answer."""
    return lambda _, client: client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def redirect(location: str) -> Callable[[str, ssl.SSLSocket], None]:
    """An answer that leads on."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return lambda _, client: client.sendall(head.encode())


def huge(_: str, client: ssl.SSLSocket) -> None:
    """Ten million octets, without a word of how many."""
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n<clientConfig>")
    for _number in range(MANY // 10000):
        client.sendall(b" " * 10000)


def drip(_: str, client: ssl.SSLSocket) -> None:
    """An octet now and then, without end."""
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        client.sendall(b" ")
        time.sleep(0.5)


def nothing(_: str, client: ssl.SSLSocket) -> None:
    """What is not HTTP."""
    client.sendall(b"220 mx ESMTP\r\n")
