"""The command lines that real callers write, and what each asks for."""

from __future__ import annotations

from shlex import split

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.cli import sendmail_grammar as grammar
from sendmail_cli.cli.sendmail_grammar import SendmailCall, parse_sendmail
from sendmail_cli.errors import UsageError


def parse(line: str) -> SendmailCall:
    return parse_sendmail(split(line))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-FCronDaemon -i -B8BITMIME -oem root",
         SendmailCall(recipients=("root",), full_name="CronDaemon", body_type="8BITMIME")),
        ("-FCronDaemon -i -odi -oem -oi -t -f ada@example.org",
         SendmailCall(full_name="CronDaemon", is_header_read=True, envelope_from="ada@example.org")),
        ("-FAnacron -odi root", SendmailCall(recipients=("root",), full_name="Anacron")),
        ("-i a@x.example b@x.example", SendmailCall(recipients=("a@x.example", "b@x.example"))),
        ("-t -i -fbounce@x.example", SendmailCall(is_header_read=True, envelope_from="bounce@x.example")),
        ("-bs", SendmailCall(mode=grammar.SMTP)),
        ("-bs -i", SendmailCall(mode=grammar.SMTP)),
        ("-bs -odb -oem -om", SendmailCall(mode=grammar.SMTP)),
        ("-i -f from@x.example -- to@x.example",
         SendmailCall(envelope_from="from@x.example", recipients=("to@x.example",))),
        ("-f from@x.example to@x.example",
         SendmailCall(envelope_from="from@x.example", recipients=("to@x.example",))),
        ("-oem -oi -B8BITMIME -f a@x.example -N failure,delay -R hdrs -- b@x.example",
         SendmailCall(body_type="8BITMIME", envelope_from="a@x.example", notify="failure,delay", ret="hdrs",
                      recipients=("b@x.example",))),
        ("-i -m -v -f a@x.example -F 'Ada L.' -- b@x.example",
         SendmailCall(is_verbose=True, envelope_from="a@x.example", full_name="Ada L.", recipients=("b@x.example",))),
        ("-oi -f user@host -t", SendmailCall(envelope_from="user@host", is_header_read=True)),
        ("-oi -f a@x.example -oem -odb -t", SendmailCall(envelope_from="a@x.example", is_header_read=True)),
        ("-ti", SendmailCall(is_header_read=True)),
        ("-it", SendmailCall(is_header_read=True)),
        ("-oiem -t", SendmailCall(is_header_read=True)),
        ("-odq root", SendmailCall(is_queued=True, recipients=("root",))),
        ("-odq -odi root", SendmailCall(recipients=("root",))),
        ("-O DeliveryMode=q root", SendmailCall(is_queued=True, recipients=("root",))),
        ("-f '' root", SendmailCall(envelope_from="", recipients=("root",))),
        ("-f '<>' root", SendmailCall(envelope_from="<>", recipients=("root",))),
        ("-r a@x.example root", SendmailCall(envelope_from="a@x.example", recipients=("root",))),
        ("root -f a@x.example", SendmailCall(envelope_from="a@x.example", recipients=("root",))),
        ("-bp", SendmailCall(mode=grammar.LIST_QUEUE)),
        ("-q", SendmailCall(mode=grammar.RUN_QUEUE)),
        ("-q30m", SendmailCall(mode=grammar.RUN_QUEUE)),
        ("-bi", SendmailCall(mode=grammar.NEW_ALIASES)),
        ("-I", SendmailCall(mode=grammar.NEW_ALIASES)),
        ("-V id42 root", SendmailCall(envid="id42", recipients=("root",))),
        ("-O requiretls=yes root", SendmailCall(requires_tls=True, recipients=("root",))),
        ("-h 5 -p ESMTP -L tag -U -G -n -x -c -em -Am -d7 root", SendmailCall(recipients=("root",))),
        ("--profile work --debug root", SendmailCall(profile="work", is_debugging=True, recipients=("root",))),
        ("--profile=work --help", SendmailCall(profile="work", mode=grammar.HELP)),
        ("-h", SendmailCall(mode=grammar.HELP)),
        ("--version", SendmailCall(mode=grammar.VERSION)),
    ],
)  # fmt: skip
def test_what_real_callers_write(line: str, expected: SendmailCall) -> None:
    assert parse(line) == expected


def test_addresses_after_the_end_of_options_may_begin_with_a_dash() -> None:
    """CVE-2020-28247: an address must not become an option; nor may it be lost."""
    assert parse("-i -- -f@x.example -X/tmp/x").recipients == ("-f@x.example", "-X/tmp/x")


@pytest.mark.parametrize("line", ["-X /tmp/log root", "-X/tmp/log root", "-C /etc/x root", "-D /tmp/x root"])
def test_no_file_that_a_caller_names_is_used(line: str) -> None:
    call = parse(line)
    assert call.recipients == ("root",)
    assert "ignored" in call.warnings[0]
    assert "/" not in call.warnings[0]


def test_options_about_places_are_passed_over_with_their_values() -> None:
    assert parse("-OQueueDirectory=/tmp -oQ/tmp -oA/tmp/a root") == SendmailCall(recipients=("root",))


@pytest.mark.parametrize(
    ("line", "word"), [("-Z root", "-Z"), ("--never root", "--never"), ("root -f", "-f"), ("-B9BIT root", "9BIT")]
)
def test_what_is_unknown_is_told_and_not_fatal(line: str, word: str) -> None:
    call = parse(line)
    assert call.recipients == ("root",)
    assert word in " ".join(call.warnings)


@pytest.mark.parametrize("mode", ["-bd", "-bt", "-bv", "-b ''"])
def test_a_mode_that_we_lack_is_wrong_usage(mode: str) -> None:
    with pytest.raises(UsageError, match="mode"):
        parse(f"{mode} root")


@given(st.lists(st.text(), max_size=8))
def test_any_arguments_are_understood_or_refused_in_words(arguments: list[str]) -> None:
    try:
        call = parse_sendmail(arguments)
    except UsageError:
        return
    assert all(recipient in arguments for recipient in call.recipients)
    assert all(warning.isprintable() for warning in call.warnings)
