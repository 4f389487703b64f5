"""Certificates and handshakes on loopback: the right one, and every wrong one."""

import re
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from sendmail_cli import opening
from sendmail_cli.delivery import deliver
from sendmail_cli.report import Action, Report
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, Timeouts, TLSMode
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.certificates import (
    Kind,
    demanding_context,
    server_context,
    write_ca_file,
    write_client_certificate,
)
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
    pin: str | None = None,
    minimum: str = "1.2",
    certificate: str | None = None,
    key: str | None = None,
) -> Result:
    """Deliver a message to a server with this context."""
    environment = TestEnvironment()
    events: list[TraceEvent] = []
    steps = parse_script(script or SCRIPTS[mode])
    with ScriptedServer(steps, tls=context if mode is TLSMode.IMPLICIT else None, starttls=context) as played:
        server = Server(
            host,
            played.port,
            tls=mode,
            ca_file=ca_file,
            is_verified=is_verified,
            timeout=timeout,
            tls_pin=pin,
            tls_min=minimum,
            tls_cert=certificate,
            tls_key=key,
        )
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


YESTERDAY, TOMORROW = ((datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (-1, 1))
MAIL = "was issued for mail.example.org, not for "
NO_NAME = "names no host in its subjectAltName, so it is not for localhost; its subject, CN=localhost,"
UNKNOWN = re.compile("was issued by OU=Testing CA #[^,]+,O=trustme[^,]+, an authority that this machine does not know$")
WRONG = [
    # kind of certificate, host, what is said, whether to pin it may be right
    pytest.param((Kind.EXPIRED, "localhost", f"expired on {YESTERDAY}", True), id="expired"),
    pytest.param(
        (Kind.NOT_YET_VALID, "localhost", f"is not valid before {TOMORROW}; is this", False), id="not_yet_valid"
    ),
    pytest.param((Kind.WRONG_NAME, "localhost", MAIL + "localhost", False), id="wrong_name"),
    pytest.param((Kind.WRONG_NAME, "127.0.0.1", MAIL + "127.0.0.1", False), id="wrong_address"),
    pytest.param((Kind.COMMON_NAME_ONLY, "localhost", NO_NAME, False), id="common_name_only"),
    pytest.param((Kind.SELF_SIGNED, "localhost", "is signed by itself, so nobody vouches", True), id="self_signed"),
    pytest.param((Kind.UNKNOWN_ISSUER, "localhost", UNKNOWN, True), id="unknown_issuer"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("wrong", WRONG)
def test_duty30_duty31_a_wrong_certificate(
    mode: TLSMode, version: ssl.TLSVersion, wrong: tuple[Kind, str, str | re.Pattern[str], bool], tmp_path: Path
) -> None:
    kind, host, words, is_pin_advised = wrong
    context = server_context(kind)
    context.maximum_version = version
    try:
        result = attempt(mode, context, ca_file=write_ca_file(tmp_path), host=host)
    finally:
        context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    outcome = result.report.outcomes[0]
    assert result.report.exit_code == 69
    assert outcome.action is Action.FAILED
    said = outcome.text.removeprefix(f"the certificate of {host} ")
    assert words.match(said) if isinstance(words, re.Pattern) else said.startswith(words), said
    assert result.report.error is not None
    hint = result.report.error.hint
    assert hint.startswith("Nothing was sent.")
    assert result.received == SAID_IN_THE_CLEAR[mode]  # and nothing of the message, nor anything after the handshake
    pin = re.search("--tls-pin (sha256:[0-9a-f]{64}) takes this one certificate", hint)
    assert (pin is not None) == is_pin_advised
    if pin is not None:  # and it is the right one
        assert attempt(mode, context, ca_file=None, host=host, pin=pin[1]).report.exit_code == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", Kind)
def test_duty30_a_server_that_is_not_the_pinned_one_hears_nothing(mode: TLSMode, kind: Kind, tmp_path: Path) -> None:
    result = attempt(mode, server_context(kind), ca_file=write_ca_file(tmp_path), pin="sha256:" + 64 * "0")
    assert result.report.exit_code == 69
    assert "is not the pinned one: its fingerprint is sha256:" in result.report.outcomes[0].text
    assert result.received == SAID_IN_THE_CLEAR[mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_demands_a_certificate_gets_ours(mode: TLSMode, version: ssl.TLSVersion, tmp_path: Path) -> None:
    certificate, key = map(str, write_client_certificate(tmp_path))
    context = demanding_context(tmp_path, version)
    result = attempt(mode, context, ca_file=write_ca_file(tmp_path), certificate=certificate, key=key)
    assert result.report.exit_code == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_demands_a_certificate_and_gets_none(mode: TLSMode, tmp_path: Path) -> None:
    ca_file = write_ca_file(tmp_path)
    result = attempt(mode, demanding_context(tmp_path), ca_file=ca_file)
    assert result.report.exit_code == 76
    assert result.report.outcomes[0].text == "the server wants to see a certificate of ours"
    assert result.report.error is not None
    assert "--tls-cert" in result.report.error.hint
    result = attempt(mode, demanding_context(tmp_path, ssl.TLSVersion.TLSv1_2), ca_file=ca_file)
    assert result.report.exit_code == 76
    assert "handshake failure" in result.report.outcomes[0].text  # that is all a server says in TLS 1.2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_does_not_accept_our_certificate(mode: TLSMode, version: ssl.TLSVersion, tmp_path: Path) -> None:
    ca_file = write_ca_file(tmp_path)
    context = demanding_context(tmp_path, version)
    certificate, key = map(str, write_client_certificate(tmp_path, authority=trustme.CA()))
    result = attempt(mode, context, ca_file=ca_file, certificate=certificate, key=key)
    assert result.report.exit_code == 76
    assert result.report.outcomes[0].text == "the server did not accept our certificate: tlsv1 alert unknown ca"


@pytest.mark.parametrize("mode", MODES)
def test_a_server_without_tls_1_3_where_that_is_asked_for(mode: TLSMode, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    result = attempt(mode, context, ca_file=write_ca_file(tmp_path), minimum="1.3")
    assert result.report.exit_code == 76
    assert "the server does not speak TLS 1.3" in result.report.outcomes[0].text
    assert attempt(mode, server_context(), ca_file=write_ca_file(tmp_path), minimum="1.3").report.exit_code == 0


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
