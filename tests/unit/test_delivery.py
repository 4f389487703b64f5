"""What becomes of a submission. The dialogues with servers are in tests/dialogues."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from sendmail_cli import opening
from sendmail_cli.delivery import deliver
from sendmail_cli.errors import (
    ConfigError,
    ConnectFailed,
    HostNotFound,
    InputOutputError,
    KeyringLocked,
    MailError,
    Terminated,
)
from sendmail_cli.opening import ehlo_name, open_session
from sendmail_cli.report import Action, Report
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.session import Session
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace
from tests.support.dialogue import Clock, MemoryStream, TestEnvironment, submission_of
from tests.support.scripted_server import ScriptedServer, parse_script

TO_CONTENT = (
    "S: 220 mx\nC: EHLO client.example.org\nS: 250 mx\nC: MAIL FROM:<ada@example.org>\nS: 250 ok\n"
    "C: RCPT TO:<bob@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\n"
)
ACCEPTED = TO_CONTENT + "C: x\nC: .\nS: 250 2.0.0 queued\n"


def nobody_asks() -> Secret:
    raise AssertionError("no password is needed here")


class Rig:
    """A server in memory that plays a script, in place of whatever the client dials."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.clock = Clock()
        self.environment = TestEnvironment(self.clock)

    def play(self, script: str) -> MemoryStream:
        stream = MemoryStream(parse_script(script), lambda data: [data] if data else [], self.clock, is_local=True)
        self._patch.setattr(opening, "dial", lambda *_: stream)
        return stream

    def deliver(self, submission: Submission | None = None, server: Server | None = None) -> Report:
        return deliver(
            submission or submission_of(b"x\r\n"),
            server or Server("mx", 25, tls=TLSMode.NONE),
            nobody_asks,
            self.environment,
            Trace(self.environment.monotonic),
        )


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


@pytest.mark.parametrize(
    ("hostname", "address", "expected"),
    [
        ("mail.example.org", "192.0.2.1", "mail.example.org"),
        ("Mail.Example.ORG.", "192.0.2.1", "mail.example.org"),
        ("laptop", "192.0.2.1", "[192.0.2.1]"),
        ("localhost", "127.0.0.1", "[127.0.0.1]"),
        ("localhost.localdomain", "127.0.0.1", "[127.0.0.1]"),
        ("a.localhost", "127.0.0.1", "[127.0.0.1]"),
        ("ada.local", "192.0.2.1", "[192.0.2.1]"),
        ("ada.lan", "192.0.2.1", "[192.0.2.1]"),
        ("ada.internal", "192.0.2.1", "[192.0.2.1]"),
        ("ada.home", "192.0.2.1", "[192.0.2.1]"),
        ("ada.homestead.example", "192.0.2.1", "ada.homestead.example"),
        ("my_host.example.org", "192.0.2.1", "[192.0.2.1]"),
        ("-.example.org", "192.0.2.1", "[192.0.2.1]"),
        ("a..example.org", "192.0.2.1", "[192.0.2.1]"),
        ("x y.example.org", "192.0.2.1", "[192.0.2.1]"),
        ("x\r\ny.example.org", "192.0.2.1", "[192.0.2.1]"),
        ("größe.example.org", "192.0.2.1", "[192.0.2.1]"),
        ("192.0.2.9", "192.0.2.1", "[192.0.2.1]"),
        ("", "2001:db8::1", "[IPv6:2001:db8::1]"),
        ("", "", "[127.0.0.1]"),
    ],
)
def test_trap07_what_we_call_ourselves(hostname: str, address: str, expected: str) -> None:
    assert ehlo_name(hostname, address) == expected


def test_our_name_is_what_the_profile_says(rig: Rig) -> None:
    stream = rig.play(ACCEPTED.replace("client.example.org", "ours.example.com") + "C: QUIT\nS! close\n")
    report = rig.deliver(server=Server("mx", 25, tls=TLSMode.NONE, ehlo_name="ours.example.com"))
    assert report.exit_code == 0
    assert stream.verdict() == ""


@pytest.mark.parametrize(
    ("error", "exit_code", "action"),
    [
        (HostNotFound("there is no host named mx"), 68, Action.FAILED),
        (ConnectFailed("no connection"), 75, Action.DELAYED),
    ],
)
def test_duty29_no_connection_is_an_outcome_for_each_recipient(
    error: MailError, exit_code: int, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dial(*_: object, **__: object) -> socket.socket:
        raise error

    monkeypatch.setattr(opening, "dial", dial)
    report = Rig(monkeypatch).deliver(submission_of(b"x\r\n", "bob@example.net", "eve@example.net"))
    assert report.exit_code == exit_code
    assert report.error is error
    assert [(outcome.action, outcome.text) for outcome in report.outcomes] == [(action, error.sentence)] * 2


class Failing:
    """A content that fails half-way."""

    size = 3
    is_7bit = True
    has_utf8_header = False

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def as_7bit(self) -> Self:
        return self

    def chunks(self) -> Iterator[bytes]:
        yield b"x\r\n"
        raise self.error


def failing(error: BaseException) -> Submission:
    return submission_of(b"")._replace(content=Failing(error))


def test_a_content_that_changed_meanwhile_is_not_delivered(rig: Rig) -> None:
    stream = rig.play(TO_CONTENT + "C: x\nC: .\n")
    report = rig.deliver(failing(InputOutputError("the file has changed")))
    assert report.exit_code == 74
    assert report.outcomes[0].action is Action.FAILED
    assert "the client left before" in stream.verdict()  # and without the dot


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Terminated(), RuntimeError("a bug")])
def test_an_interrupt_before_the_dot_comes_through_and_closes(rig: Rig, error: BaseException) -> None:
    stream = rig.play(TO_CONTENT + "C: x\n")
    with pytest.raises(type(error)):
        rig.deliver(failing(error))
    assert stream.verdict() != "the client did not close the connection"


def interrupting(
    monkeypatch: pytest.MonkeyPatch, stream: MemoryStream, error: BaseException, at: Callable[[], bool]
) -> None:
    """Raise `error` instead of reading as soon as `at` is true."""
    read = stream.read

    def interrupted(deadline: float) -> bytes:
        if at():
            raise error
        return read(deadline)

    monkeypatch.setattr(stream, "read", interrupted)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyboardInterrupt(), "we were interrupted"),
        (Terminated(), "interrupted"),
        (RuntimeError("a bug"), "RuntimeError"),
    ],
)
def test_trap20_duty27_an_interrupt_after_the_dot_is_in_doubt(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    stream = rig.play(TO_CONTENT + "C: x\nC: .\nS! stall\n")
    interrupting(monkeypatch, stream, error, lambda: stream._is_stalled)
    report = rig.deliver()
    assert report.exit_code == 81
    assert words in report.outcomes[0].text
    assert "may have been delivered" in report.outcomes[0].text
    assert stream.verdict() == ""


def test_duty16_an_interrupt_at_quit_leaves_the_success(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = rig.play(ACCEPTED + "C: QUIT\nS! stall\n")
    interrupting(monkeypatch, stream, KeyboardInterrupt(), lambda: stream._is_stalled)
    report = rig.deliver()
    assert (report.exit_code, report.error) == (0, None)
    assert report.outcomes[0].text == "2.0.0 queued"


def test_an_interrupt_while_the_session_opens_closes_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = rig.play("S! stall\n")
    interrupting(monkeypatch, stream, KeyboardInterrupt(), lambda: True)
    with pytest.raises(KeyboardInterrupt):
        rig.deliver()
    assert stream.verdict() == ""


def test_duty27_no_verdict_at_all_is_our_fault(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.play("S: 220 mx\nC: EHLO client.example.org\nS: 250 mx\nC: QUIT\nS: 221 bye\n")
    monkeypatch.setattr(Session, "transact", lambda *_: None)
    report = rig.deliver()
    assert report.exit_code == 70
    assert "without a verdict" in report.outcomes[0].text


def test_a_password_is_asked_for_only_when_it_is_needed(rig: Rig) -> None:
    asked: list[str] = []

    def credential() -> Secret:
        asked.append("asked")
        raise KeyringLocked("the keyring is locked")

    def attempt(server: Server, script: str) -> Report:
        stream = rig.play(script)
        report = deliver(submission_of(b"x\r\n"), server, credential, rig.environment, Trace(lambda: 0.0))
        assert stream.verdict() == ""
        return report

    user = Server("mx", 25, tls=TLSMode.NONE, user="ada")
    assert attempt(user, "S: 220 mx\nC: EHLO client.example.org\nS: 250 mx\nC: QUIT\nS! close\n").exit_code == 69
    assert attempt(user._replace(auth="none"), ACCEPTED + "C: QUIT\nS! close\n").exit_code == 0
    assert asked == []
    offered = "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT\nS! close\n"
    assert attempt(user, offered).exit_code == 75
    assert asked == ["asked"]


@pytest.mark.parametrize("mode", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
def test_a_ca_file_that_can_not_be_read_is_said_before_anything_is_dialled(
    mode: TLSMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: list[object] = []
    monkeypatch.setattr(opening, "dial", lambda *arguments, **_: dialled.append(arguments))
    report = Rig(monkeypatch).deliver(server=Server("mx", 465, tls=mode, ca_file="/nowhere/ca.pem"))
    assert report.exit_code == 78
    assert "/nowhere/ca.pem" in report.outcomes[0].text
    assert dialled == []


def test_a_wrong_user_name_is_a_mistake_in_the_configuration(rig: Rig) -> None:
    stream = rig.play("S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT\nS! close\n")
    server = Server("mx", 25, tls=TLSMode.NONE, user="a\udc80")
    with pytest.raises(ConfigError, match="UTF-8"):
        open_session(server, lambda: Secret("x"), rig.environment, Trace(lambda: 0.0))
    assert stream.verdict() == ""


def test_over_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "smtp")
    environment = TestEnvironment()
    said = bytearray()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                for reply in (b"220 mx\r\n", b"250 mx\r\n", b"250 ok\r\n", b"550 no\r\n", b"221 bye\r\n"):
                    client.sendall(reply)
                    said.extend(client.recv(1000))

        thread = threading.Thread(target=serve)
        thread.start()
        server = Server("", 0, socket_path=path, tls=TLSMode.NONE)
        report = deliver(submission_of(b"x\r\n"), server, nobody_asks, environment, Trace(environment.monotonic))
        thread.join(10)
    assert (report.exit_code, report.server) == (67, path)
    assert said.splitlines()[-1] == b"QUIT"


def test_a_large_message_is_written_while_the_server_reads_it() -> None:
    environment = TestEnvironment()
    data = b"Subject: x\r\n\r\n" + b".line\r\n" * 300_000
    with ScriptedServer(parse_script(TO_CONTENT + "C.\nS: 250 ok\nC: QUIT\nS: 221 bye\n")) as script:
        server = Server(script.host, script.port, tls=TLSMode.NONE)
        report = deliver(submission_of(data), server, nobody_asks, environment, Trace(environment.monotonic))
    assert (report.exit_code, script.faults) == (0, [])
    content = script.received.partition(b"DATA\r\n")[2].partition(b"\r\n.\r\n")[0] + b"\r\n"
    assert content == data.replace(b"\r\n.", b"\r\n..")


def test_bind_is_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = TestEnvironment()
    monkeypatch.setattr(environment, "hostname", lambda: "laptop")  # so that the address is our name
    with ScriptedServer(parse_script("S: 220 mx\nC: EHLO [127.0.0.7]\nS: 554 no\nC: QUIT\nS: 221 bye\n")) as script:
        server = Server(script.host, script.port, bind="127.0.0.7", tls=TLSMode.NONE)
        report = deliver(submission_of(b"x\r\n"), server, nobody_asks, environment, Trace(environment.monotonic))
    assert (report.exit_code, script.faults) == (69, [])
