"""The small servers of the matrix do what it takes for granted, as seen by clients that are not ours."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import wait_until
from tests.support.required import skip_if
from tests.support.servers import dovecot_lmtp
from tests.support.servers.kind import Way
from tests.support.servers.registry import server_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers.dovecot_lmtp import DovecotLmtp
    from tests.support.servers.kind import RealServer

pytestmark = pytest.mark.real_server

USUAL = {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}
OFFERS = {  # to whoever has come by the best of its ways
    "aiosmtpd": {"8BITMIME", "SMTPUTF8", "SIZE 200000000", "AUTH LOGIN PLAIN", "HELP"},
    "chasquid": {*USUAL, "SMTPUTF8", "SIZE 52428800", "AUTH PLAIN", "HELP"},
    "dovecot": {*USUAL, "CHUNKING", "BURL imap", "SIZE", "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"},
    "haraka": {"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 26214400", "AUTH PLAIN LOGIN CRAM-MD5"},
    "smtp_server": {*USUAL, "SMTPUTF8", "DSN", "REQUIRETLS", "SIZE 200000000", "AUTH PLAIN LOGIN XOAUTH2 CRAM-MD5"},
    "smtp_sink": {*USUAL, "DSN", "AUTH PLAIN LOGIN", "XCLIENT NAME HELO", "XFORWARD NAME ADDR PROTO HELO", ""},
}
WITHOUT_ACCOUNT = {"chasquid": {Way.STARTTLS, Way.PLAIN}, "dovecot": set[Way]()}  # the others: by every way
SENDER = "bob@example.org"
HEADER = b"Subject: the servers stand\r\n\r\n"
BODY = b".a dot\r\n..\r\nGruesse\r\n"


@pytest.fixture(scope="module", params=OFFERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    module = server_module(request.param)
    skip_if(module.missing())
    with module.start(tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def lmtp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DovecotLmtp]:
    skip_if(dovecot_lmtp.missing())
    with dovecot_lmtp.start(tmp_path_factory.mktemp("lmtp")) as running:
        yield running


class TestServer:
    def test_offers_what_it_is_known_for(self, server: RealServer) -> None:
        with client_of(server, next(iter(server.ports))) as client:
            assert set(offered(client)) == OFFERS[server.name]

    def test_offers_starttls_where_it_can(self, server: RealServer) -> None:
        for way in server.ports.keys() & {Way.STARTTLS}:
            with smtplib.SMTP(server.host, server.ports[way]) as client:
                client.ehlo()
                assert "STARTTLS" in offered(client)

    def test_takes_one_message_by_each_way_and_keeps_it(self, server: RealServer) -> None:
        for way in server.ports:
            recipient = f"by-{way.value}@{server.local_domain}"
            with client_of(server, way) as client:
                if way not in WITHOUT_ACCOUNT.get(server.name, server.ports):
                    sign_in(client, server, server.password)
                client.sendmail(SENDER, [recipient], HEADER + BODY)
            [kept] = [each for each in server.delivered() if recipient in each.rcpt_to]
            assert kept.mail_from == SENDER
            assert kept.octets.replace(b"\r\n", b"\n").endswith((HEADER + BODY).replace(b"\r\n", b"\n"))

    def test_takes_nothing_without_an_account_where_it_wants_one(self, server: RealServer) -> None:
        for way in server.ports.keys() - WITHOUT_ACCOUNT.get(server.name, server.ports.keys()):
            with client_of(server, way) as client:
                assert client.mail(SENDER)[0] in {530, 550}

    def test_refuses_one_recipient(self, server: RealServer) -> None:
        for way in server.ports.keys() & {Way.STARTTLS}:  # smtp-sink refuses nobody
            with client_of(server, way) as client:
                sign_in(client, server, server.password)
                client.mail(SENDER)
                assert client.rcpt(server.refused)[0] == 550
                assert client.rcpt(f"another@{server.local_domain}")[0] == 250

    def test_takes_the_right_password_by_each_mechanism(self, server: RealServer) -> None:
        for way, mechanisms in server.mechanisms.items():
            for mechanism in {*mechanisms} & {"PLAIN", "LOGIN", "CRAM-MD5"}:  # smtplib's
                with client_of(server, way) as client:
                    sign_in(client, server, server.password, mechanism)

    def test_takes_no_wrong_password(self, server: RealServer) -> None:
        for way, mechanisms in server.mechanisms.items():
            for mechanism in {*mechanisms} & {"LOGIN" if way is Way.IMPLICIT else "PLAIN", "CRAM-MD5"}:
                with client_of(server, way) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
                    sign_in(client, server, f"not {server.password}", mechanism)
                assert refusal.value.smtp_code == 535


class TestDovecotLmtp:
    @pytest.fixture(params=["port", "socket"])
    def client(self, lmtp: DovecotLmtp, request: pytest.FixtureRequest) -> Iterator[smtplib.LMTP]:
        place = (lmtp.host, lmtp.port) if request.param == "port" else (str(lmtp.socket),)
        with smtplib.LMTP(*place) as client:
            client.ehlo()  # LHLO
            yield client

    def test_offers_what_it_is_known_for(self, client: smtplib.LMTP) -> None:
        assert set(offered(client)) == {*USUAL, "CHUNKING", "STARTTLS"}

    def test_replies_for_each_recipient_that_it_took(self, lmtp: DovecotLmtp, client: smtplib.LMTP) -> None:
        one, other = (f"{name}-{id(client)}@{lmtp.local_domain}" for name in ("one", "other"))
        client.mail(SENDER)
        assert [client.rcpt(address)[0] for address in (one, lmtp.refused, lmtp.full, other)] == [250, 550, 250, 250]
        assert client.docmd("DATA")[0] == 354
        client.send(HEADER + BODY.replace(b"\r\n.", b"\r\n..").replace(b".a", b"..a") + b".\r\n")
        replies = [client.getreply() for _ in range(3)]
        assert [code for code, _ in replies] == [250, 552, 250]
        assert replies[1][1].startswith(f"5.2.2 <{lmtp.full}>".encode())
        kept = [each for each in lmtp.delivered() if {*each.rcpt_to} & {one, other, lmtp.full}]
        assert {each.rcpt_to for each in kept} == {(one,), (other,)}
        for each in kept:
            assert each.mail_from == SENDER
            assert each.octets.endswith((HEADER + BODY).replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("name", [*OFFERS, "dovecot_lmtp"])
def test_ends_when_the_test_run_is_killed(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    skip_if(dovecot_lmtp.missing() if name == "dovecot_lmtp" else server_module(name).missing())
    program = f"""
import os
from pathlib import Path
from tests.integration.test_more_servers_stand import descendants
from tests.support.servers.{name} import start
with start(Path({str(tmp_path)!r})):
    print(*descendants(os.getpid()), flush=True)
    os.kill(os.getpid(), 9)
"""
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, cwd=request.config.rootpath, stdout=subprocess.PIPE, text=True) as killed:
        out, _ = killed.communicate()
    processes = out.split()
    with suppress(AssertionError):  # what is left is named below
        wait_until(lambda: not any(map(is_alive, processes)))
    for home in Path("/tmp").glob(f"dovecot-{killed.pid}-*"):
        shutil.rmtree(home)
    assert killed.returncode == -9
    assert bool(processes) == (name != "aiosmtpd")  # which is a thread
    assert not [process for process in processes if is_alive(process)]


@contextmanager
def client_of(server: RealServer, way: Way) -> Iterator[smtplib.SMTP]:
    """Connected by `way`, as far as the reply to EHLO."""
    trust = ssl.create_default_context(cafile=server.ca_file) if server.ca_file is not None else None
    port = server.ports[way]
    client = (
        smtplib.SMTP_SSL(server.host, port, context=trust) if way is Way.IMPLICIT else smtplib.SMTP(server.host, port)
    )
    with client:
        if way is Way.STARTTLS:
            client.starttls(context=trust)
        client.ehlo()
        yield client


def offered(client: smtplib.SMTP) -> list[str]:
    """The lines of the reply to EHLO but for the first."""
    assert client.ehlo_resp is not None
    return client.ehlo_resp.decode().split("\n")[1:]


def sign_in(client: smtplib.SMTP, server: RealServer, password: str, mechanism: str = "PLAIN") -> None:
    client.user, client.password = server.user, password
    client.auth(mechanism, getattr(client, f"auth_{mechanism.lower().replace('-', '_')}"))


def descendants(process: int) -> list[int]:
    """All processes that it started, and those that these started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        number, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(number)
    found = list(children.get(process, []))
    for each in found:
        found += children.get(each, [])
    return found


def is_alive(process: str) -> bool:
    """Whether it runs; what has ended and waits to be asked for its exit code doesn't."""
    try:
        return bool(Path("/proc", process, "cmdline").read_bytes())
    except OSError:
        return False
