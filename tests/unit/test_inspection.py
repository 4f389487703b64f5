"""What becomes of a stage: its verdict, its facts, and the one error that speaks for all."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sendmail_cli import inspection
from sendmail_cli.errors import ConnectionLost, InternalError
from sendmail_cli.net.dial import Connected
from sendmail_cli.net.race import Address
from sendmail_cli.net.tls import TLSFacts
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.steps import Found, Inspection, Reached, Secured, SignIn, Step, Verdict
from sendmail_cli.trace import Stage
from tests.support.dialogue import TestEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.session import Session
    from sendmail_cli.trace import Trace

NOW = datetime.fromtimestamp(TestEnvironment().now(), UTC)
SERVER = Server("mx", 465, tls=TLSMode.IMPLICIT, user="ada")


def inspected(
    tell: Callable[[Trace], None], monkeypatch: pytest.MonkeyPatch, server: Server = SERVER
) -> dict[Stage, Step]:
    """The steps that come of what `tell` tells on the way, which ends there."""

    def open_session(_: Server, __: object, ___: object, trace: Trace) -> Session:
        tell(trace)
        with trace.stage(Stage.AUTH):
            raise ConnectionLost("enough")

    monkeypatch.setattr(inspection, "open_session", open_session)
    done = inspection.inspect(server, lambda: Secret("x"), TestEnvironment())
    return {step.stage: step for step in done.steps}


def certificate(left: timedelta, lifetime: timedelta = timedelta(days=90)) -> TLSFacts:
    until = NOW + left
    return TLSFacts("TLSv1.3", "X", "CN=mx", "sha256:00", True, "CN=CA", ("mx",), until - lifetime, until)


@pytest.mark.parametrize(
    ("left", "days", "remarks"),
    [
        (timedelta(days=15, hours=1), 15, ()),
        (timedelta(days=14, hours=1), 14, ()),
        (timedelta(days=13, hours=23), 13, ("the certificate is due for renewal",)),
        (timedelta(hours=1), 0, ("the certificate is due for renewal",)),
        (timedelta(hours=-1), -1, ("the certificate has expired",)),
    ],
)
def test_a_certificate_that_ends_soon_is_a_warning(
    left: timedelta, days: int, remarks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = certificate(left)

    def tell(trace: Trace) -> None:
        with trace.stage(Stage.TLS):
            trace.secured(facts)

    step = inspected(tell, monkeypatch)[Stage.TLS]
    assert step.facts == Secured(TLSMode.IMPLICIT, facts, days)
    assert step.remarks == remarks
    assert step.verdict is (Verdict.WARNING if remarks else Verdict.OK)


@pytest.mark.parametrize(("days", "verdict"), [(3, Verdict.OK), (1, Verdict.WARNING)])
def test_some_certificates_are_made_for_a_week(days: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(trace: Trace) -> None:
        with trace.stage(Stage.TLS):
            trace.secured(certificate(timedelta(days=days, hours=1), timedelta(days=7)))

    assert inspected(tell, monkeypatch)[Stage.TLS].verdict is verdict


def test_a_certificate_that_can_not_be_read_has_no_days(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(trace: Trace) -> None:
        with trace.stage(Stage.TLS):
            trace.secured(TLSFacts("TLSv1.3", "X", "unreadable", "sha256:00", is_verified=True))

    step = inspected(tell, monkeypatch)[Stage.TLS]
    assert isinstance(step.facts, Secured)
    assert (step.verdict, step.facts.days_left) == (Verdict.OK, None)


def test_who_won_and_why_the_others_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (Address(socket.AF_INET, (host, 465)) for host in ("192.0.2.1", "192.0.2.2"))

    def tell(trace: Trace) -> None:
        with trace.stage(Stage.LOOKUP):
            trace.found("mx", [one, two, one])
        with trace.stage(Stage.CONNECT), socket.socket() as connected:
            trace.connected(Connected(connected, two, {one: "connection refused"}))

    steps = inspected(tell, monkeypatch)
    assert steps[Stage.LOOKUP].facts == Found("mx", ("192.0.2.1", "192.0.2.2"))
    assert steps[Stage.CONNECT].facts == Reached("192.0.2.2", 465, (("192.0.2.1", "connection refused"),))


def test_mechanisms_that_were_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(trace: Trace) -> None:
        with trace.stage(Stage.AUTH):
            for said, reply in (("AUTH SCRAM-SHA-256 ***", 504), ("AUTH PLAIN", 334), ("***", 235)):
                trace.sent(said)
                trace.received(Reply(reply, ("x",)))
        raise over

    over = InternalError("over")
    seen: list[Step] = []

    def open_session(_: Server, __: object, ___: object, trace: Trace) -> Session:
        tell(trace)
        raise AssertionError

    monkeypatch.setattr(inspection, "open_session", open_session)
    with suppress(InternalError):
        inspection.inspect(SERVER, lambda: Secret("x"), TestEnvironment(), on_step=seen.append)
    assert seen[-1].facts == SignIn("ada", ("SCRAM-SHA-256", "PLAIN"))


def test_what_is_wrong_before_the_first_step_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_session(*_: object) -> Session:
        raise ConnectionLost("before")

    monkeypatch.setattr(inspection, "open_session", open_session)
    with pytest.raises(ConnectionLost, match="before"):
        inspection.inspect(SERVER, lambda: Secret("x"), TestEnvironment())


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Server("", 0, socket_path="/run/smtp", tls=TLSMode.NONE), "there is no name to look up"),
        (Server("mx", 25, proxy=Secret("socks5h://p"), tls=TLSMode.NONE), "there is a proxy in between"),
    ],
)
def test_why_no_name_was_looked_up(server: Server, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(trace: Trace) -> None:
        with trace.stage(Stage.CONNECT):
            trace.note("connected")

    steps = inspected(tell, monkeypatch, server)
    assert (steps[Stage.LOOKUP].verdict, steps[Stage.LOOKUP].remarks) == (Verdict.SKIPPED, (why,))
    assert steps[Stage.CONNECT].facts == Reached(str(server))


def test_no_error_is_no_failure() -> None:
    assert Inspection((), None).exit_code == 0
