"""`send`: what is asked of the server for the whole message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.small_servers import GREETING, QUIT, server

if TYPE_CHECKING:
    from tests.support.command import Runner
    from tests.support.scripted_server import ScriptedServer
    from tests.support.sink import Sink

WHOM = ("bob@example.org", "-f", "ada@example.org", "-m", "hi")


def offering(*extensions: str, rcpt: str = "250 2.1.5 Ok", said: str = "") -> str:
    """A server that offers these, and takes a message after this RCPT."""
    lines = "S: 250-mx\n" + "".join(f"S: 250-{extension}\n" for extension in extensions)
    hello = f"{GREETING}C? EHLO\n{lines}S: 250 HELP\n"
    if not said:
        return f"{hello}{QUIT}"
    mail, to = said.split("|")
    return f"{hello}C: {mail}\nS: 250 ok\nC: {to}\nS: {rcpt}\nC? DATA\nS: 354 go on\nC.\nS: 250 2.0.0 queued\n{QUIT}"


def at(script: ScriptedServer) -> tuple[str, str]:
    return ("-S", f"127.0.0.1:{script.port}")


def test_reports_are_asked_for(run: Runner) -> None:
    mail = "MAIL FROM:<ada@example.org> RET=HDRS ENVID=job+2042"
    to = "RCPT TO:<bob@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.org"
    with server(offering("DSN", said=f"{mail}|{to}")) as script:
        done = run("send", *WHOM, *at(script), "--notify", "failure,delay", "--ret", "headers", "--envid", "job 42")
    assert (done.code, script.faults) == (0, [])


def test_parameters_of_ones_own(run: Runner) -> None:
    mail = "MAIL FROM:<ada@example.org> BY=120;R MT-PRIORITY=4"
    to = "RCPT TO:<bob@example.org> RRVS=2014-04-03T23:01:00Z"
    with server(offering("DELIVERBY", "MT-PRIORITY", "RRVS", said=f"{mail}|{to}")) as script:
        done = run(
            *("send", *WHOM, *at(script), "--mail-param", "BY=120;R", "--mail-param", "MT-PRIORITY=4"),
            *("--rcpt-param", "RRVS=2014-04-03T23:01:00Z"),
        )
    assert (done.code, script.faults) == (0, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--notify", "never"], "reports of delivery (--notify): there is no DSN"),
        (["--ret", "full"], "reports of delivery (--ret, --envid): there is no DSN"),
        (["--requiretls"], "every server on the way uses TLS (--requiretls): there is no REQUIRETLS"),
        (["--mail-param", "HOLDFOR=60"], "the server doesn't offer FUTURERELEASE"),
        (["--rcpt-param", "XFOO=1"], "the server doesn't offer XFOO"),
    ],
)
def test_what_is_demanded_and_not_offered_is_69(run: Runner, options: list[str], words: str) -> None:
    with server(offering()) as script:
        done = run("send", *WHOM, *at(script), *options)
    assert done.code == 69
    assert words in done.err
    assert "Nothing was sent." in done.err
    assert script.faults == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--notify", "always"], "--notify: “always” is none of never, success, failure, delay"),
        (["--notify", "never,delay"], "--notify: “never” stands alone"),
        (["--ret", "half"], "--ret: “half” is neither full nor headers"),
        (["--envid", "x" * 101], "--envid: an envelope id has at most 100 octets"),
        (["--mail-param", "A B"], "--mail-param: “A B” is no parameter"),
        (["--mail-param", "SIZE=1"], "--mail-param: SIZE is set by this program itself"),
        (["--rcpt-param", "NOTIFY=NEVER"], "--rcpt-param: NOTIFY is set by --notify"),
        (["--requiretls", "--tls-optional"], "ask for the opposite"),
    ],
)
def test_what_makes_no_sense_is_64_and_nothing_is_dialled(run: Runner, options: list[str], words: str) -> None:
    done = run("send", *WHOM, "-S", "127.0.0.1:1", *options)
    assert done.code == 64
    assert words in done.err


def test_all_or_none_spares_those_who_would_have_got_it(run: Runner) -> None:
    refuses = f"{GREETING}C? EHLO\nS: 250 mx\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? RCPT\nS: 550 5.1.1 no\n{QUIT}"
    with server(refuses) as script:
        done = run("send", *WHOM, "eve@example.org", *at(script), "--all-or-none", "--json")
    assert script.faults == []
    assert done.code == 67
    assert [(one["address"], one["action"], one["code"]) for one in done.json["recipients"]] == [
        ("bob@example.org", "failed", None),
        ("eve@example.org", "failed", 550),
    ]
    assert "not sent, since others were refused (--all-or-none)" in done.err


def test_tls_optional_is_a_header_field(here: Runner, sink: Sink) -> None:
    assert here("send", "bob@example.org", "-m", "hi", "--tls-optional").code == 0
    assert b"\r\nTLS-Required: No\r\n" in sink.received


def test_tls_optional_is_not_for_a_ready_message(here: Runner, sink: Sink) -> None:
    done = here("send", "--raw", "-", "--tls-optional", stdin=b"From: a@example.org\nTo: b@example.org\n\nhi\n")
    assert done.code == 64
    assert "TLS-Required: No" in done.err
    assert sink.commands == []


def test_a_ready_message_asks_as_well(run: Runner) -> None:
    mail = "MAIL FROM:<a@example.org>"
    to = "RCPT TO:<b@example.org> NOTIFY=NEVER ORCPT=rfc822;b@example.org"
    with server(offering("DSN", said=f"{mail}|{to}")) as script:
        done = run(
            *("send", "--raw", "-", "--notify", "never", *at(script)),
            stdin=b"From: a@example.org\nTo: b@example.org\n\nhi\n",
        )
    assert (done.code, script.faults) == (0, [])
