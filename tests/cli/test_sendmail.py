"""`sendmail` as its callers call it; in this process, without click."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.cli.sendmail import main
from sendmail_cli.tending import IN_BACKGROUND
from tests.support.command import Caller, Runner
from tests.support.local_service import ALL, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.command import Machine
    from tests.support.sink import Sink


def caller(machine: Machine) -> Caller:
    return Caller(machine, main, "sendmail", b"Subject: x\n\nhello\n")


def paths(sink: Sink, verb: bytes) -> list[bytes]:
    """What MAIL or RCPT named."""
    return [line.partition(b":")[2].split()[0] for line in sink.commands if line.startswith(verb)]


@pytest.fixture
def call(machine: Machine, sink: Sink) -> Caller:
    machine.configure(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "127.0.0.1:{sink.port}"\n')
    return caller(machine)


def test_recipients_as_arguments_and_not_a_word(call: Caller, sink: Sink) -> None:
    assert call("-i", "bob@example.org", "eve@example.org,joe@example.org") == 0
    assert call.said == ""
    assert paths(sink, b"RCPT") == [b"<bob@example.org>", b"<eve@example.org>", b"<joe@example.org>"]
    assert paths(sink, b"MAIL") == [b"<ada@example.org>"]


def test_t_adds_those_of_the_header(call: Caller, sink: Sink) -> None:
    text = b"To: bob@example.org\nBcc: eve@example.org\n\nhello\n"
    assert call("-t", "joe@example.org", stdin=text) == 0
    assert paths(sink, b"RCPT") == [b"<joe@example.org>", b"<bob@example.org>", b"<eve@example.org>"]
    assert b"eve" not in sink.received


def test_without_t_the_header_names_nobody(call: Caller, sink: Sink) -> None:
    assert call(stdin=b"To: bob@example.org\n\nhello\n") == 64
    assert "no recipients" in call.said
    assert sink.received == b""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("-fbounce@example.org",), b"<bounce@example.org>"),
        (("-r", "bounce@example.org"), b"<bounce@example.org>"),
        (("-f", ""), b"<>"),
        (("-f", "<>"), b"<>"),
        (("-f", "www-data"), b"<ada@example.org>"),
    ],
)
def test_the_sender_of_the_envelope(call: Caller, sink: Sink, flags: tuple[str, ...], expected: bytes) -> None:
    assert call(*flags, "bob@example.org") == 0
    assert paths(sink, b"MAIL") == [expected]


@pytest.mark.parametrize("sender", ["a@b@c", "bob@example.org, eve@example.org", "team: bob@example.org;"])
def test_a_sender_that_makes_no_sense_costs_no_mail(call: Caller, sink: Sink, sender: str) -> None:
    assert call("-f", sender, "bob@example.org") == 0
    assert "-f is ignored" in call.said
    assert paths(sink, b"MAIL") == [b"<ada@example.org>"]


def test_a_full_name(call: Caller, sink: Sink) -> None:
    assert call("-F", "Cron Daemon", "bob@example.org") == 0
    assert b"From: Cron Daemon <ada@example.org>" in sink.received


def test_a_full_name_on_several_lines_is_one_of_one(call: Caller, sink: Sink) -> None:
    assert call("-F", "Cron\nBcc: eve@example.org", "bob@example.org") == 0
    assert b'From: "Cron Bcc: eve@example.org" <ada@example.org>' in sink.received


def test_a_subject_as_nagios_has_it(call: Caller, sink: Sink) -> None:
    assert call("-s", "** PROBLEM:\nweb is DOWN **", "bob@example.org", stdin=b"***** Nagios *****\n\nDown\n") == 0
    assert call.said == ""
    assert b"Subject: ** PROBLEM: web is DOWN **\r\n" in sink.received


def test_a_name_of_this_machine_goes_to_the_profile(call: Caller, sink: Sink) -> None:
    assert call("root") == 0
    assert paths(sink, b"RCPT") == [b"<ada@example.org>"]


def test_a_lone_dot_is_text(call: Caller, sink: Sink) -> None:
    assert call("bob@example.org", stdin=b"Subject: x\n\none\n.\ntwo\n") == 0
    assert b"one\r\n.\r\ntwo\r\n" in sink.received


def test_v_shows_the_dialogue(call: Caller) -> None:
    assert call("-v", "bob@example.org") == 0
    assert "RCPT TO:<bob@example.org>" in call.err.getvalue()


def test_an_unknown_option_is_told_and_the_mail_sent(call: Caller, sink: Sink) -> None:
    assert call("-Z", "bob@example.org") == 0
    assert "-Z is unknown" in call.said
    assert paths(sink, b"RCPT") == [b"<bob@example.org>"]


@pytest.mark.parametrize("flags", [("-N", "sometimes"), ("-R", "half"), ("-V", "ä")])
def test_a_wish_for_reports_that_makes_no_sense_costs_no_mail(call: Caller, sink: Sink, flags: tuple[str, ...]) -> None:
    assert call(*flags, "bob@example.org") == 0
    assert f"{flags[0]} is ignored" in call.said


@pytest.mark.parametrize("has_dsn", [True, False])
def test_reports_are_asked_for_where_the_server_makes_any(call: Caller, sink: Sink, *, has_dsn: bool) -> None:
    """A program that calls sendmail can't leave the option out: where there is no DSN the mail goes without."""
    sink.offered = (b"DSN",) if has_dsn else ()
    assert call("-N", "success,failure", "-R", "hdrs", "-V", "QQ+1", "bob@example.org") == 0
    assert call.said == ""
    mail, rcpt = sink.commands
    assert (b" RET=HDRS ENVID=QQ+2B1" in mail) is has_dsn
    assert (b" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.org" in rcpt) is has_dsn


def test_of_an_arrival_that_the_server_does_not_report_we_do(call: Caller, sink: Sink, machine: Machine) -> None:
    """Without a word on standard error: it is no failure."""
    for notify in ("success", "failure", "never"):
        assert call("-N", notify, "-V", "QQ1", "bob@example.org", stdin=b"Subject: x\n\nsecret\n") == 0
    assert call.said == ""
    report = Path(machine.spool_folder, "relayed.mbox").read_text()
    assert report.count("\nFrom MAILER-DAEMON") == 0
    assert "\nOriginal-Envelope-Id: QQ1\n" in report
    assert "\nFinal-Recipient: rfc822; bob@example.org\nAction: relayed\n" in report
    assert "\nSubject: x\n" in report
    assert "secret" not in report
    assert sink.received.count(b"secret") == 3


def test_a_report_that_can_not_be_kept_is_told(call: Caller, sink: Sink, machine: Machine) -> None:
    Path(machine.spool_folder).write_text("in the way")
    assert call("-N", "success", "bob@example.org") == 0
    assert "spool" in call.said
    assert sink.received


def test_tls_on_every_hop_is_a_demand(call: Caller, sink: Sink) -> None:
    call("-O", "requiretls=yes", "bob@example.org")
    assert sink.commands == []


def test_empty_standard_input_is_no_message(call: Caller) -> None:
    assert call("bob@example.org", stdin=b"") == 65
    assert "empty" in call.said


def test_no_profile_names_what_to_do(machine: Machine) -> None:
    call = caller(machine)
    assert call("bob@example.org") == 78
    assert "sendmail-cli setup" in call.said
    assert "add --profile sandbox" in call.said, "-p is another program's"
    machine.configure('[profile.a]\nserver = "a.example"\n[profile.b]\nserver = "b.example"\n')
    assert call("bob@example.org") == 78
    assert "Name one with --profile" in call.said


def test_what_is_advised_works(machine: Machine) -> None:
    assert caller(machine)("--profile", "sandbox", "-f", "ada@example.org", "bob@example.org") == 0


@pytest.fixture
def local_service(machine: Machine) -> Iterator[Service]:
    service = Service(machine.service_socket)
    yield service
    service.end()


@pytest.mark.parametrize(
    ("replies", "code", "said"),
    [
        (ALL, 0, ""),
        ([*ALL[:6], "452 4.3.1 full"], 75, "452 4.3.1 full"),
        ([*ALL[:3], "550 5.7.1 not you", "550 5.7.1 not you"], 77, "550 5.7.1 not you"),
        (["421 4.3.2 Shutting down"], 75, "421 4.3.2 Shutting down"),
    ],
)
def test_who_has_no_profile_hands_over_to_the_service_of_the_machine(
    machine: Machine, local_service: Service, replies: list[str], code: int, said: str
) -> None:
    local_service.says(*replies)
    call = caller(machine)
    assert call("-f", "www-data", "bob", "eve@example.org") == code
    assert said in call.said
    assert bool(call.said) == (code != 0)
    local_service.end()
    if code in {0, 75} and len(replies) > 1:
        assert b"MAIL FROM:<www-data>\r\nRCPT TO:<bob>\r\nRCPT TO:<eve@example.org>\r\nDATA\r\n" in local_service.heard
        assert local_service.heard.endswith(b"Subject: x\r\n\r\nhello\r\n.\r\n")


DEAD = '[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n'


def test_where_the_server_cannot_be_had_the_mail_waits_and_not_a_word(machine: Machine) -> None:
    machine.configure(DEAD)
    call = caller(machine)
    assert call("bob@example.org") == 0
    assert call.said == ""
    assert machine.started == [IN_BACKGROUND]
    assert call(name="mailq") == 0
    assert "<ada@example.org> to bob@example.org" in call.said
    assert "no connection to 127.0.0.1 port 1" in call.said


def test_a_person_hears_that_it_waits(machine: Machine) -> None:
    machine.configure(DEAD)
    machine.terminals.add("stderr")
    call = caller(machine)
    assert call("bob@example.org") == 0
    assert call.said.startswith("the mail waits in the queue as 1 (no connection to 127.0.0.1 port 1")


def test_a_profile_may_forbid_that(machine: Machine) -> None:
    machine.configure(f'{DEAD}queue = "never"\n')
    assert caller(machine)("bob@example.org") == 75
    assert not Path(machine.spool_folder).exists()


def test_a_spool_that_takes_nothing_leaves_the_failure_as_it_is(machine: Machine) -> None:
    machine.configure(DEAD)
    Path(machine.spool_folder).write_text("in the way")
    call = caller(machine)
    assert call("bob@example.org") == 75
    assert "spool" in call.said


def test_a_refusal_for_good_is_an_error(call: Caller, sink: Sink) -> None:
    sink.refused = b"RCPT"
    assert call("bob@example.org") == 67
    assert not Path(call.machine.spool_folder).exists()


@pytest.mark.parametrize("flag", ["-odq", "-Odeliverymode=queue"])
def test_queued_at_once_and_run_later(call: Caller, sink: Sink, flag: str) -> None:
    assert call(flag, "bob@example.org") == 0
    assert sink.received == b""
    assert call("-bp") == 0
    assert "to bob@example.org" in call.said
    assert call("-q") == 0
    assert b"hello" in sink.received
    assert call("-bp") == 0
    assert call.said.endswith("Mail queue is empty\n")


def test_a_mail_that_goes_round_is_refused(call: Caller, sink: Sink) -> None:
    assert call("bob@example.org", stdin=b"Received: by mx\n" * 50 + b"\nhello\n") == 0
    assert call("bob@example.org", stdin=b"Received: by mx\n" * 51 + b"\nhello\n") == 78
    assert "loop" in call.said


def test_newaliases_and_mailq(call: Caller) -> None:
    assert call(name="newaliases") == 0
    assert call.said == ""
    assert call(name="mailq") == 0
    assert call.said == "Mail queue is empty\n"


@pytest.mark.parametrize(("flag", "word"), [("--help", "usage: sendmail"), ("--version", "sendmail-cli")])
def test_help_and_version(call: Caller, flag: str, word: str) -> None:
    assert call(flag) == 0
    assert word in call.out.getvalue()


def test_a_mode_that_we_lack(call: Caller) -> None:
    assert call("-bd") == 64


def test_a_fault_of_our_own_shows_where_only_with_debug(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr("sendmail_cli.service.send", broken)
    assert call("bob@example.org") == 70
    assert "Traceback" not in call.said
    assert call("--debug", "bob@example.org") == 70
    assert "Traceback" in call.said


def test_standard_input_that_is_closed(call: Caller) -> None:
    call.machine.is_stdin_closed = True
    assert call("bob@example.org") == 66


def test_its_help_by_the_root_command(machine: Machine) -> None:
    assert b"sendmail(1)" in Runner(machine)("sendmail", "--help").out
