"""What a trace says."""

import socket
from contextlib import suppress

import pytest

from sendmail_cli.net.dial import Connected
from sendmail_cli.net.race import Address
from sendmail_cli.net.tls import TLSFacts
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.trace import Stage, Trace, TraceEvent


class Ticks:
    """A clock that goes on by a second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def traced() -> tuple[Trace, list[TraceEvent]]:
    events: list[TraceEvent] = []
    return Trace(Ticks(), events.append), events


def test_each_line_has_its_direction_and_the_time_since_the_last() -> None:
    trace, events = traced()
    trace.note("connecting")
    trace.sent("EHLO x")
    trace.received(Reply(250, ("mx", "SIZE", "HELP")))
    trace.content(1234567)
    assert [(event.kind, event.text, event.seconds) for event in events] == [
        ("note", "connecting", 1.0),
        ("sent", "EHLO x", 1.0),
        ("received", "250-mx", 1.0),
        ("received", "250-SIZE", 1.0),
        ("received", "250 HELP", 1.0),
        ("content", "1,234,567 octets of message", 1.0),
    ]


@pytest.mark.parametrize("lines", [(), ("",)])
def test_a_reply_without_text_is_a_line_too(lines: tuple[str, ...]) -> None:
    trace, events = traced()
    trace.received(Reply(250, lines))
    assert [event.text for event in events] == ["250 "]


def test_tls_is_told_and_marks_what_follows() -> None:
    trace, events = traced()
    trace.note("before")
    trace.secured(TLSFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=mx", "sha256:00", is_verified=True))
    trace.sent("EHLO x")
    assert events[1].text == "TLSv1.3, TLS_AES_256_GCM_SHA384, CN=mx, sha256:00"
    assert [event.is_secured for event in events] == [False, True, True]


def test_a_certificate_that_was_not_verified_is_called_so() -> None:
    trace, events = traced()
    trace.secured(TLSFacts("TLSv1.3", "X", "CN=mx", "sha256:00", is_verified=False))
    assert events[0].text == "TLSv1.3, X, not verified: CN=mx, sha256:00"


def test_no_facts_are_no_tls() -> None:
    trace, events = traced()
    trace.secured(None)
    trace.note("after")
    assert [(event.text, event.is_secured) for event in events] == [("after", False)]


def test_trap21_duty37_secrets_are_masked_in_every_event() -> None:
    trace, events = traced()
    trace.redactor.add("hunter2")
    trace.note("hunter2")
    trace.sent("AUTH hunter2")
    trace.received(Reply(535, ("HUNTER2", "aHVudGVyMg==")))
    trace.secured(TLSFacts("TLSv1.3", "X", "CN=hunter2", "sha256:00", is_verified=True))
    assert len(events) == 5
    assert all("***" in event.text and "unter2" not in event.text for event in events)


def test_without_a_listener_nothing_is_made_but_secrets_are_known() -> None:
    trace = Trace(lambda: 0.0)
    assert not trace.is_on
    assert traced()[0].is_on
    trace.redactor.add("hunter2")
    trace.note("x")
    trace.received(Reply(250, ("ok",)))
    assert trace.redactor.redact("hunter2") == "***"


def test_each_event_knows_its_stage() -> None:
    trace, events = traced()
    with trace.stage(Stage.CONNECT):
        trace.note("x")
        with suppress(KeyError), trace.stage(Stage.TLS):
            trace.note("y")
            raise KeyError
        trace.note("z")
    trace.note("after")
    assert [event.stage for event in events] == [Stage.CONNECT, Stage.TLS, Stage.CONNECT, None]


def test_the_way_to_a_server_is_told() -> None:
    one, two = (Address(socket.AF_INET, (host, 25)) for host in ("192.0.2.1", "192.0.2.2"))
    trace, events = traced()
    trace.found("mx", [one, two, one])
    trace.found("192.0.2.1", [one])
    with socket.socket() as connected:
        trace.connected(Connected(connected, two, {one: "connection refused"}))
    assert [event.text for event in events] == [
        "mx is 192.0.2.1, 192.0.2.2",
        "connected to 192.0.2.2; 192.0.2.1: connection refused",
    ]
