"""What the service may say or not say to who hands over, and what he is told."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli import handover
from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config.settings import ServerFlags, service_socket
from sendmail_cli.errors import (
    ConnectFailed,
    ConnectionLost,
    NotOffered,
    RemoteProtocolError,
    UsageError,
)
from sendmail_cli.handover import hand_over
from sendmail_cli.message.source import MemorySource
from sendmail_cli.request import LocalMail, Request
from sendmail_cli.smtp.envelope import Demands, Notify, Ret, ReversePath
from tests.support.command import Machine
from tests.support.local_service import ALL, Echo, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = b"To: Root <root>, team: ada@example.org, bob;\nBcc: eve@example.org\nSubject: x\n\n.dot\n"
NOTIFY = (Notify.SUCCESS, Notify.FAILURE)


class Web(Machine):
    def account_name(self, uid: int) -> str:
        assert uid == os.geteuid()
        return "www-data"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(str(tmp_path / "submit"))
    yield service
    service.end()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Web(tmp_path)


def request(to: str = "root, ada@example.org", *, text: bytes = TEXT, local: LocalMail = LocalMail()) -> Request:  # noqa: B008
    return Request(to=parse_addressees(to) if to else (), raw=MemorySource(text, "x"), local=local)


def test_all_goes_as_it_was_given(service: Service, machine: Machine) -> None:
    service.says(*ALL)
    report = hand_over(request(), service.path, machine)
    assert report.exit_code == 0
    service.end()
    assert service.heard == (
        b"EHLO localhost\r\nMAIL FROM:<www-data>\r\nRCPT TO:<root>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n"
        b"To: Root <root>, team: ada@example.org, bob;\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"
    )


def test_whom_the_header_names(service: Service, machine: Machine) -> None:
    service.says(*ALL[:4], *ALL[3:4] * 3, *ALL[5:])
    assert hand_over(request("", local=LocalMail(is_header_read=True)), service.path, machine).exit_code == 0
    service.end()
    for path in ("root", "ada@example.org", "bob", "eve@example.org"):
        assert service.heard.count(f"RCPT TO:<{path}>\r\n".encode()) == 1


DEMANDS = Demands(Ret.HEADERS, "a b", are_reports_ours=True, require_tls=True)
OFFERED = "250-here\r\n250-SIZE 9\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 REQUIRETLS"


def test_what_is_asked_for_goes_along(service: Service, machine: Machine) -> None:
    service.says(ALL[0], OFFERED, *ALL[2:])
    wanted = request("root, b\u00fcro@example.org", text="Subject: x\n\n\u00fc\n".encode())
    assert hand_over(wanted._replace(demands=DEMANDS, notify=NOTIFY), service.path, machine).exit_code == 0
    service.end()
    heard = service.heard.decode().split("\r\n")
    assert heard[1] == "MAIL FROM:<www-data> SIZE=18 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+20b"
    assert heard[2:4] == [
        "RCPT TO:<root> NOTIFY=SUCCESS,FAILURE", "RCPT TO:<b\u00fcro@example.org> NOTIFY=SUCCESS,FAILURE",
    ]  # fmt: skip


def test_a_service_that_knows_nothing_of_that_gets_the_mail(service: Service, machine: Machine) -> None:
    service.says(ALL[0], "250 here", *ALL[2:])
    wanted = request()._replace(demands=DEMANDS._replace(require_tls=False), notify=NOTIFY)
    assert hand_over(wanted, service.path, machine).exit_code == 0
    service.end()
    assert b"MAIL FROM:<www-data>\r\nRCPT TO:<root>\r\n" in service.heard


def test_tls_on_every_hop_is_no_wish(service: Service, machine: Machine) -> None:
    service.says(*ALL[:2])
    with pytest.raises(NotOffered, match="requiretls"):
        hand_over(request()._replace(demands=DEMANDS), service.path, machine)
    service.end()
    assert service.heard == b"EHLO localhost\r\n"


def many(monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.setattr(handover, "MAX_RECIPIENTS", 2)
    return request("a@x, b@x, c@x")


def test_more_recipients_than_the_service_takes_at_once(
    service: Service, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.says(*ALL, *ALL[2:4], *ALL[5:])
    report = hand_over(many(monkeypatch), service.path, machine)
    assert report.exit_code == 0
    assert [each.address for each in report.outcomes] == ["a@x", "b@x", "c@x"]
    service.end()
    assert service.heard.count(b"\r\n..dot\r\n.\r\n") == 2
    assert service.heard.count(b"\r\n.\r\nMAIL FROM:<www-data>\r\nRCPT TO:<c@x>\r\nDATA\r\n") == 1


def test_what_the_first_of_them_got_is_told_whatever_befalls_the_others(
    service: Service, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.says(*ALL)
    report = hand_over(many(monkeypatch), service.path, machine)
    assert report.exit_code == 80
    assert [each.exit_code for each in report.outcomes] == [0, 0, 75]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (request()._replace(envelope_from=ReversePath(None)), b"<>"),
        (request(local=LocalMail(sender=LocalName("", "daemon"))), b"<daemon>"),
    ],
)
def test_the_sender_that_is_named(service: Service, machine: Machine, wanted: Request, path: bytes) -> None:
    service.says(*ALL)
    hand_over(wanted, service.path, machine)
    service.end()
    assert b"MAIL FROM:" + path + b"\r\n" in service.heard


def composed(to: str = "Root <root>, ada@example.org", **what: Any) -> Request:
    return Request(to=parse_addressees(to), text="text\n", subject="x", **what)


def test_a_message_that_is_composed_here(service: Service, machine: Machine) -> None:
    """Names stay names, and who it is from is for the service to say."""
    service.says(*ALL[:4], *ALL[3:4] * 4, *ALL[5:])
    wanted = composed(cc=parse_addressees("team: bob, carl@example.org;"), bcc=parse_addressees("eve"))
    report = hand_over(wanted, service.path, machine)
    assert [each.address for each in report.outcomes] == ["root", "ada@example.org", "bob", "carl@example.org", "eve"]
    service.end()
    envelope, _, content = service.heard.partition(b"DATA\r\n")
    assert b"MAIL FROM:<www-data>" in envelope
    assert content.startswith(b"To: Root <root>,\r\n ada@example.org\r\nCc: team: bob, carl@example.org;\r\n")
    header, _, body = content.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in header.splitlines() if not line.startswith(b" ")]
    assert names.count(b"To") == 1
    assert not {b"From", b"Message-ID", b"Bcc"} & set(names)
    assert (b"Subject: x" in header, b"eve" in content, b"localhost" in content) == (True, False, False)
    assert body == b"text\r\n.\r\n"


ADA = ServerFlags(from_=parse_mailbox("Ada <ada@example.org>"))


@pytest.mark.parametrize(
    ("what", "path", "field"),
    [
        ({"flags": ADA}, b"<ada@example.org>", b"Ada <ada@example.org>"),
        ({"headers": (("From", "ada@example.org"),)}, b"<ada@example.org>", b"ada@example.org"),
        ({"local": LocalMail(sender=LocalName("Monitor", "daemon"))}, b"<daemon>", b"Monitor <daemon>"),
    ],
)
def test_whom_a_composed_message_is_from(
    service: Service, machine: Machine, what: dict[str, Any], path: bytes, field: bytes
) -> None:
    service.says(*ALL)
    hand_over(composed(**what), service.path, machine)
    service.end()
    assert b"MAIL FROM:" + path in service.heard
    assert service.heard.count(b"\r\nFrom: ") == 1
    assert b"\r\nFrom: " + field + b"\r\n" in service.heard


def test_the_name_of_an_author_who_is_not_named(service: Service, machine: Machine) -> None:
    service.says(*ALL)
    hand_over(request(local=LocalMail("Cron Daemon")), service.path, machine)
    service.end()
    assert b"DATA\r\nFrom: Cron Daemon <www-data>\r\n" in service.heard


def test_a_subject_for_a_message_that_has_none(service: Service, machine: Machine) -> None:
    service.says(*ALL)
    hand_over(request(text=b"hi\n", local=LocalMail(subject="Disk full")), service.path, machine)
    service.end()
    assert b"DATA\r\nSubject: Disk full\r\n\r\nhi\r\n" in service.heard


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ([*ALL[:2], "452 4.3.1 full"], 75),
        ([*ALL[:2], "550 5.7.1 not you"], 77),
        ([*ALL[:3], "553 5.1.3 no", *ALL[4:]], 80),
        ([*ALL[:3], "553 5.1.3 no", "553 5.1.3 no"], 67),
        ([*ALL[:5], "451 4.3.0 later"], 75),
        ([*ALL[:6], "452 4.3.1 full"], 75),
        ([*ALL[:6], "554 5.4.6 loop"], 69),
        ([*ALL[:6]], 81),
    ],
)
def test_what_the_caller_is_told(service: Service, machine: Machine, replies: list[str], code: int) -> None:
    service.says(*replies)
    assert hand_over(request(), service.path, machine).exit_code == code


@pytest.mark.parametrize("replies", [["421 4.3.2 full"], ALL[:1], ALL[:3], [*ALL[:3], "421 4.3.2 bye"]])
def test_a_service_that_goes_away(service: Service, machine: Machine, replies: list[str]) -> None:
    service.says(*replies)
    with pytest.raises(ConnectionLost, match="is gone"):
        hand_over(request(), service.path, machine)


def test_what_speaks_no_smtp(service: Service, machine: Machine) -> None:
    service.says("HTTP/1.1 400 Bad Request")
    with pytest.raises(RemoteProtocolError):
        hand_over(request(), service.path, machine)


def test_nobody_listens(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(ConnectFailed, match="can't be had"):
        hand_over(request(), str(tmp_path / "none"), machine)


def test_what_can_not_be_handed_over(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipients"):
        hand_over(request("", text=b"Subject: x\n\nx\n"), str(tmp_path / "none"), machine)
    with pytest.raises(UsageError, match="no recipients"):
        hand_over(Request(text="x"), str(tmp_path / "none"), machine)


def test_who_hands_over(service: Service, machine: Machine) -> None:
    assert service_socket(ServerFlags(), machine) == service.path
    assert service_socket(ServerFlags(profile="work"), machine) is None
    for variable in ("SENDMAIL_CLI_PROFILE", "SENDMAIL_CLI_CONFIG", "SENDMAIL_CLI_SERVER"):
        machine.variables[variable] = "x"
        assert service_socket(ServerFlags(), machine) is None
        del machine.variables[variable]
    machine.configure("")
    assert service_socket(ServerFlags(), machine) is None


def test_nobody_hands_over_where_no_service_is(machine: Machine) -> None:
    assert service_socket(ServerFlags(), machine) is None


SAID = b"".join(b"line %d of a long dialogue\r\n" % number for number in range(20_000))


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "echo")
    echo = Echo(path)
    yield path
    echo.end()


def heard_by(path: str, reading: int) -> bytes:
    """What whoever is at `reading` hears of the service."""
    ours, theirs = os.pipe()
    heard = bytearray()

    def hear() -> None:
        while octets := os.read(ours, 65536):
            heard.extend(octets)

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        handover.pass_through(path, reading, theirs)
    finally:
        os.close(theirs)
        thread.join()
        os.close(ours)
    return bytes(heard)


def test_whoever_speaks_smtp_speaks_with_the_service(echo: str) -> None:
    reading, writing = os.pipe()

    def say() -> None:
        left = SAID
        while left:
            left = left[os.write(writing, left) :]
        os.close(writing)

    thread = threading.Thread(target=say)
    thread.start()
    assert heard_by(echo, reading) == b"220 here\r\n" + SAID
    thread.join()
    os.close(reading)


def test_a_file_does_as_well(echo: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(SAID)
    with open(tmp_path / "said", "rb") as file:
        assert heard_by(echo, file.fileno()) == b"220 here\r\n" + SAID


def test_a_service_that_hangs_up_on_who_speaks_is_said(tmp_path: Path) -> None:
    echo = Echo(str(tmp_path / "echo"), resets=True)
    (tmp_path / "said").write_bytes(SAID)
    with open(tmp_path / "said", "rb") as file, pytest.raises(ConnectionLost, match="is gone"):
        heard_by(str(tmp_path / "echo"), file.fileno())
    echo.end()
