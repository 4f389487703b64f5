"""`mail` as its callers call it; in this process, without click."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.cli.mailx import main
from tests.support.command import Caller

if TYPE_CHECKING:
    from tests.support.command import Machine
    from tests.support.sink import Sink


@pytest.fixture
def call(machine: Machine, sink: Sink) -> Caller:
    machine.configure(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "127.0.0.1:{sink.port}"\n')
    return caller(machine)


def caller(machine: Machine) -> Caller:
    return Caller(machine, lambda _, arguments, environment: main(arguments, environment), "mail", b"hello\n")


def paths(sink: Sink) -> list[bytes]:
    return [line.partition(b":")[2].split()[0] for line in sink.commands if line.startswith(b"RCPT")]


def test_a_text_with_a_subject_and_not_a_word(call: Caller, sink: Sink) -> None:
    assert call("-s", "Grüße", "-c", "eve@example.org", "-b", "joe@example.org", "root") == 0
    assert call.said == ""
    assert paths(sink) == [b"<ada@example.org>", b"<eve@example.org>", b"<joe@example.org>"]
    assert b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" in sink.received
    assert b"\r\n\r\nhello\r\n" in sink.received
    assert b"joe" not in sink.received


def test_names_with_spaces_between(call: Caller, sink: Sink) -> None:
    assert call("-s", "x", "bob@example.org eve@example.org") == 0
    assert paths(sink) == [b"<bob@example.org>", b"<eve@example.org>"]


def test_a_header_a_file_and_a_sender(call: Caller, sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("a,b\n")
    report = str(tmp_path / "report.csv")
    assert call("-a", "X-Job: nightly", "-A", report, "-r", "Bob <bob@example.org>", "eve@example.org") == 0
    assert b"X-Job: nightly\r\n" in sink.received
    assert b'filename="report.csv"' in sink.received
    assert b"From: Bob <bob@example.org>" in sink.received


@pytest.mark.parametrize(
    ("words", "author"),
    [
        (("root", "--", "-f", "bob@example.org", "-F", "Backup"), b"Backup <bob@example.org>"),
        (("root", "--", "-F", "Backup"), b"Backup <%s@here.example>"),
        (("-r", "root", "root"), b"root@here.example"),
        (("-r", "Cron <root>", "root"), b"Cron <root@here.example>"),
    ],
)
def test_an_author_as_sendmail_has_it(call: Caller, sink: Sink, words: tuple[str, ...], author: bytes) -> None:
    with (Path(call.machine.user_config_folder) / "profiles.toml").open("a") as file:
        file.write('qualify = "here.example"\n')
    assert call("-s", "x", *words) == 0
    assert call.said == ""
    name = call.machine.account_name(os.geteuid()).encode()
    assert b"From: " + author.replace(b"%s", name) + b"\r\n" in sink.received


def test_a_name_of_this_machine_writes_from_the_profiles_address(call: Caller, sink: Sink) -> None:
    assert call("-s", "x", "-r", "root", "bob@example.org") == 0
    assert b"From: root <ada@example.org>\r\n" in sink.received


def test_a_ready_message_and_what_is_said_besides(call: Caller, sink: Sink) -> None:
    words = (
        "-t",
        "-s",
        "Disks",
        "-c",
        "eve@example.org",
        "-b",
        "joe@example.org",
        "-r",
        "ops@example.org",
        "-a",
        "X-A: b",
    )
    assert call(*words, stdin=b"To: bob@example.org\n\nhi\n") == 0
    assert "-a and -A are ignored" in call.said
    assert sorted(paths(sink)) == [b"<bob@example.org>", b"<eve@example.org>", b"<joe@example.org>"]
    assert b"Subject: Disks\r\n" in sink.received
    assert any(line.startswith(b"MAIL FROM:<ops@example.org>") for line in sink.commands)


def test_its_help(call: Caller) -> None:
    assert call("--help") == 0
    assert "-s SUBJECT" in call.out.getvalue()


def test_html_by_a_header_as_many_scripts_have_it(call: Caller, sink: Sink) -> None:
    assert call("-a", "Content-Type: text/html; charset=UTF-8", "bob@example.org", stdin=b"<p>hello</p>\n") == 0
    assert b"Content-Type: text/html; charset=us-ascii" in sink.received


def test_another_content_type_is_told(call: Caller) -> None:
    assert call("-a", "Content-Type: application/pdf", "bob@example.org") == 0
    assert "application/pdf is ignored" in call.said


def test_a_subject_over_several_lines_is_one(call: Caller, sink: Sink) -> None:
    assert call("-s", "disk\nfull", "-a", "X-A: b\nBcc: evil@example.org", "bob@example.org") == 0
    assert b"Subject: disk full\r\n" in sink.received
    assert b"X-A: b Bcc: evil@example.org\r\n" in sink.received


def test_a_sender_that_makes_no_sense_costs_no_mail(call: Caller, sink: Sink) -> None:
    assert call("-r", "no@@address", "bob@example.org") == 0
    assert "-r is ignored" in call.said
    assert b"From: Ada <ada@example.org>" in sink.received


@pytest.mark.parametrize("text", [b"", b" \n"])
def test_an_empty_text_is_sent_unless_it_is_not_wanted(call: Caller, sink: Sink, text: bytes) -> None:
    assert call("-E", "bob@example.org", stdin=text) == 0
    assert paths(sink) == []
    assert call("bob@example.org", stdin=text) == 0
    assert paths(sink) == [b"<bob@example.org>"]


def test_a_tilde_is_text(call: Caller, sink: Sink) -> None:
    assert call("bob@example.org", stdin=b"~!touch /tmp/owned\n") == 0
    assert b"~!touch /tmp/owned" in sink.received


def test_t_reads_a_whole_message(call: Caller, sink: Sink) -> None:
    assert call("-t", stdin=b"To: eve@example.org\nSubject: x\n\nhello\n") == 0
    assert paths(sink) == [b"<eve@example.org>"]


def test_a_person_at_a_terminal_is_asked_for_the_subject(call: Caller, sink: Sink) -> None:
    call.machine.terminals.add("stdin")
    assert call("bob@example.org", stdin=b"Lunch?\nAt noon.\n") == 0
    assert call.err.getvalue() == "Subject: "
    assert b"Subject: Lunch?\r\n" in sink.received
    assert b"\r\n\r\nAt noon.\r\n" in sink.received


def test_a_file_as_the_text(call: Caller, sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"gr\xfc\xdfe\n")
    assert call("-v", "-q", str(tmp_path / "text"), "bob@example.org") == 0
    assert "not UTF-8" in call.said
    assert b"charset=utf-8" in sink.received


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 64), (("-f",), 64), (("a@b@c",), 65), (("a b <c",), 65), (("-A", "/nowhere", "bob@example.org"), 66)],
)
def test_what_can_not_be_sent(call: Caller, arguments: tuple[str, ...], code: int) -> None:
    assert call(*arguments) == code
    assert call.said.startswith("sendmail-cli: ")


def test_an_unknown_option_is_told_and_the_mail_sent(call: Caller, sink: Sink) -> None:
    assert call("-Z", "bob@example.org") == 0
    assert "-Z is unknown" in call.said
    assert paths(sink) == [b"<bob@example.org>"]


@pytest.mark.parametrize("arguments", [("bob@example.org",), ("-t",)])
def test_standard_input_that_is_closed(call: Caller, arguments: tuple[str, ...]) -> None:
    call.machine.is_stdin_closed = True
    assert call(*arguments) == 66
