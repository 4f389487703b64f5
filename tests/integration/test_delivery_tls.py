"""Certificates and handshakes on loopback: the right one, and every wrong one."""

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from sendmail_cli import opening
from sendmail_cli.delivery import deliver
from sendmail_cli.report import Action, Report
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, Timeouts, TLSMode
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.certificates import Kind, server_context, write_ca_file
from tests.support.dialogue import TestEnvironment, submission_of
from tests.support.scripted_server import ScriptedServer, parse_script

EHLO = "S: 220 mx\nC: EHLO client.example.org\n"
STARTTLS = EHLO + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS! starttls\nC: EHLO client.example.org\n"
ACCEPTED = (
    "S: 250 mx\nC: MAIL FROM:<ada@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.net>\nS: 250 ok\n"
    "C: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye\n"
)
SCRIPTS = {
    TLSMode.IMPLICIT: EHLO + ACCEPTED,
    TLSMode.STARTTLS: STARTTLS + ACCEPTED,
    TLSMode.OPPORTUNISTIC: STARTTLS + ACCEPTED,
}
SAID_IN_THE_CLEAR = {TLSMode.IMPLICIT: b"", TLSMode.STARTTLS: b"EHLO client.example.org\r\nSTARTTLS\r\n"}
MODES = (TLSMode.IMPLICIT, TLSMode.STARTTLS)


@dataclass
class Result:
    """What came of it."""

    report: Report
    received: bytes
    notes: list[str]
    facts: list[bool]  # of each event: whether it was under TLS


def attempt(
    mode: TLSMode,
    context: ssl.SSLContext,
    *,
    ca_file: str | None,
    script: str | None = None,
    host: str = "localhost",
    is_verified: bool = True,
    timeout: float = 5,
) -> Result:
    """Deliver a message to a server with this context."""
    environment = TestEnvironment()
    events: list[TraceEvent] = []
    steps = parse_script(script or SCRIPTS[mode])
    with ScriptedServer(steps, tls=context if mode is TLSMode.IMPLICIT else None, starttls=context) as played:
        server = Server(host, played.port, tls=mode, ca_file=ca_file, is_verified=is_verified, timeout=timeout)
        report = deliver(
            submission_of(b"x\r\n"),
            server,
            lambda: Secret(""),
            environment,
            Trace(environment.monotonic, events.append),
        )
    notes = [event.text for event in events if event.kind == "note"]
    return Result(report, played.received, notes, [event.is_secured for event in events])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_duty30_the_right_certificate(mode: TLSMode, host: str, tmp_path: Path) -> None:
    result = attempt(mode, server_context(), ca_file=write_ca_file(tmp_path), host=host)
    assert result.report.exit_code == 0, result.report
    assert "TLSv1.3, TLS_" in result.notes[-1]
    assert "CN=localhost" in result.notes[-1]
    assert result.facts[-1]


WRONG = [
    pytest.param(Kind.EXPIRED, "localhost", "has expired", id="expired"),
    pytest.param(Kind.NOT_YET_VALID, "localhost", "is not valid yet", id="not_yet_valid"),
    pytest.param(Kind.WRONG_NAME, "localhost", "was issued for another name", id="wrong_name"),
    pytest.param(Kind.WRONG_NAME, "127.0.0.1", "was issued for another name", id="wrong_address"),
    pytest.param(Kind.COMMON_NAME_ONLY, "localhost", "was issued for another name", id="common_name_only"),
    pytest.param(Kind.SELF_SIGNED, "localhost", "is signed by itself", id="self_signed"),
    pytest.param(
        Kind.UNKNOWN_ISSUER,
        "localhost",
        "was issued by an authority that this machine does not know",
        id="unknown_issuer",
    ),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("kind", "host", "words"), WRONG)
def test_duty30_duty31_a_wrong_certificate(mode: TLSMode, kind: Kind, host: str, words: str, tmp_path: Path) -> None:
    result = attempt(mode, server_context(kind), ca_file=write_ca_file(tmp_path), host=host)
    outcome = result.report.outcomes[0]
    assert result.report.exit_code == 69
    assert outcome.action is Action.FAILED
    assert outcome.text.startswith(f"the certificate of {host} {words}")
    assert result.report.error is not None
    assert result.report.error.hint.startswith("Nothing was sent.")
    assert result.received == SAID_IN_THE_CLEAR[mode]  # and nothing of the message, nor anything after the handshake


@pytest.mark.parametrize("mode", MODES)
def test_duty30_without_a_ca_file_the_systems_authorities_decide(mode: TLSMode) -> None:
    result = attempt(mode, server_context(), ca_file=None)
    assert result.report.exit_code == 69
    assert "an authority that this machine does not know" in result.report.outcomes[0].text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", Kind)
def test_insecure_takes_any_certificate_and_says_so(mode: TLSMode, kind: Kind) -> None:
    result = attempt(mode, server_context(kind), ca_file=None, is_verified=False)
    assert result.report.exit_code == 0, result.report
    assert "not verified: " in result.notes[-1]


@pytest.mark.parametrize("kind", [Kind.RIGHT, Kind.SELF_SIGNED])
def test_opportunistic_tls_takes_any_certificate_since_it_would_do_without(kind: Kind) -> None:
    result = attempt(TLSMode.OPPORTUNISTIC, server_context(kind), ca_file=None)
    assert result.report.exit_code == 0, result.report
    assert "not verified: " in result.notes[-1]


@pytest.mark.parametrize("mode", MODES)
def test_a_ca_file_that_is_missing_or_no_pem(mode: TLSMode, tmp_path: Path) -> None:
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing of the kind")
    for path in (str(no_pem), str(tmp_path / "missing.pem")):
        report = deliver(
            submission_of(b"x\r\n"),
            Server("localhost", 1, tls=mode, ca_file=path),
            lambda: Secret(""),
            TestEnvironment(),
            Trace(lambda: 0.0),
        )
        assert report.exit_code == 78
        assert path in report.outcomes[0].text


def test_duty30_the_name_is_indicated(tmp_path: Path) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        connection.context = server_context()

    context.sni_callback = choose
    assert attempt(TLSMode.IMPLICIT, context, ca_file=write_ca_file(tmp_path)).report.exit_code == 0
    assert asked == ["localhost"]


@pytest.mark.parametrize("mode", MODES)
def test_duty30_no_tls_older_than_1_2(mode: TLSMode, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    result = attempt(mode, context, ca_file=write_ca_file(tmp_path))
    assert result.report.exit_code == 76
    assert "older than 1.2" in result.report.outcomes[0].text


@pytest.mark.parametrize(
    ("script", "exit_code", "words"),
    [
        pytest.param("S: 220 mx.example.com ESMTP\n", 76, "is not TLS", id="plain_smtp"),
        pytest.param("S: SSH-2.0-OpenSSH_9.2\n", 76, "is not TLS", id="ssh"),
        pytest.param(
            "C~\nC= \\x16\nS: HTTP/1.1 400 Bad Request\nS: Connection: close\nS:\n", 76, "is not TLS", id="http"
        ),
        pytest.param("S! close\n", 75, "ended in the TLS handshake", id="closed"),
        pytest.param("C= \\x16\nS! reset\n", 75, "ended in the TLS handshake", id="reset"),
        pytest.param("S= \\x15\\x03\\x03\\x00\\x02\\x02\\x28\nS! stall\n", 76, "handshake failure", id="alert"),
        pytest.param("S! stall\n", 75, "finish the TLS handshake", id="silent"),
        pytest.param("S! drip 0.02\nS= \\x16\\x03\\x03\\x3f\\xff{\\x02*300}\n", 75, "TLS handshake", id="dripping"),
    ],
)
def test_duty21_duty25_a_server_on_a_tls_port_that_speaks_no_tls(
    script: str, exit_code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "Timeouts", lambda: Timeouts(handshake=0.3))
    environment = TestEnvironment()
    with ScriptedServer(parse_script(script)) as played:
        server = Server("localhost", played.port, tls=TLSMode.IMPLICIT, ca_file=write_ca_file(tmp_path))
        report = deliver(submission_of(b"x\r\n"), server, lambda: Secret(""), environment, Trace(environment.monotonic))
    if words == "is not TLS":
        assert report.error is not None
        assert "--tls starttls" in report.error.hint
    assert (report.exit_code, played.faults) == (exit_code, [])
    assert words in report.outcomes[0].text


def test_duty33_a_password_goes_out_under_verified_tls_alone(tmp_path: Path) -> None:
    environment = TestEnvironment()
    script = parse_script(
        STARTTLS
        + "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AGFkYQBodW50ZXIy\nS: 235 ok\n"
        + ACCEPTED.removeprefix("S: 250 mx\n")
    )
    asked: list[str] = []

    def credential() -> Secret:
        asked.append("asked")
        return Secret("hunter2")

    for kind, exit_code in ((Kind.RIGHT, 0), (Kind.SELF_SIGNED, 69), (Kind.EXPIRED, 69)):
        with ScriptedServer(script, starttls=server_context(kind)) as played:
            server = Server(
                "localhost", played.port, tls=TLSMode.STARTTLS, ca_file=write_ca_file(tmp_path), user="ada", timeout=5
            )
            report = deliver(submission_of(b"x\r\n"), server, credential, environment, Trace(environment.monotonic))
        assert report.exit_code == exit_code
    assert asked == ["asked"]
