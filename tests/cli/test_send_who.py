"""`send`: whom a message is from and whom it goes to."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.command import Runner
    from tests.support.sink import Sink


def envelope(sink: Sink) -> list[str]:
    """What MAIL and RCPT said, without the parameters of MAIL."""
    return [line.decode().rstrip().partition(" SIZE=")[0] for line in sink.commands]


def header(sink: Sink, name: str) -> str | None:
    value = message_from_bytes(sink.received, policy=policy.default)[name]
    return None if value is None else str(value)


@pytest.mark.parametrize("option", ["", "-t", "--to", "-c", "--cc", "-b", "--bcc"])
def test_recipients_may_carry_names_commas_and_groups(here: Runner, sink: Sink, option: str) -> None:
    who = "Bob <bob@example.org>, crew: carol@example.org, Dan <dan@example.org>;, eve@example.org"

    done = here("send", "-m", "hi", *filter(None, [option]), who)

    assert (done.code, done.out, done.err) == (0, b"", "")
    assert envelope(sink) == [
        "MAIL FROM:<ada@example.org>",
        "RCPT TO:<bob@example.org>",
        "RCPT TO:<carol@example.org>",
        "RCPT TO:<dan@example.org>",
        "RCPT TO:<eve@example.org>",
    ]


def test_each_option_may_be_repeated_and_mixed_with_arguments(here: Runner, sink: Sink) -> None:
    done = here(
        "send", "a@x.example", "-t", "b@x.example", "--to", "c@x.example", "-c", "d@x.example", "--cc", "e@x.example",
        "-b", "f@x.example", "--bcc", "g@x.example", "h@x.example", "-m", "hi",
    )  # fmt: skip

    assert done.code == 0
    assert envelope(sink)[1:] == [f"RCPT TO:<{letter}@x.example>" for letter in "ahbcdefg"]
    assert header(sink, "To") == "a@x.example, h@x.example, b@x.example, c@x.example"
    assert header(sink, "Cc") == "d@x.example, e@x.example"
    assert header(sink, "Bcc") is None
    assert b"f@x.example" not in sink.received


def test_somebody_named_twice_gets_one_copy(here: Runner, sink: Sink) -> None:
    here("send", "bob@example.org", "-c", "bob@EXAMPLE.org", "-m", "hi")

    assert len(envelope(sink)) == 2


def test_only_blind_recipients_leave_a_message_that_names_nobody(here: Runner, sink: Sink) -> None:
    here("send", "-b", "bob@example.org", "-m", "hi")

    assert envelope(sink)[1:] == ["RCPT TO:<bob@example.org>"]
    assert header(sink, "To") == "undisclosed-recipients:;"


@pytest.mark.parametrize("option", ["-f", "--from"])
def test_from_sets_header_and_envelope(here: Runner, sink: Sink, option: str) -> None:
    here("send", option, "Grace Hopper <grace@example.org>", "bob@example.org", "-m", "hi")

    assert envelope(sink)[0] == "MAIL FROM:<grace@example.org>"
    assert header(sink, "From") == "Grace Hopper <grace@example.org>"


def test_without_it_the_profiles_from_is_taken(here: Runner, sink: Sink) -> None:
    here("send", "bob@example.org", "-m", "hi")

    assert envelope(sink)[0] == "MAIL FROM:<ada@example.org>"
    assert header(sink, "From") == "Ada <ada@example.org>"


def test_without_any_it_is_a_matter_of_configuration(run: Runner, sink: Sink) -> None:
    done = run("send", "-S", f"localhost:{sink.port}", "bob@example.org", "-m", "hi")

    assert done.code == 78
    assert done.lines[0] == ("sendmail-cli: no sender: neither --from nor a profile says whom the message is from")
    assert "--from you@example.org" in done.err


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("", "<>"),
        ("<>", "<>"),
        (" <> ", "<>"),
        ("bounces@example.org", "<bounces@example.org>"),
        ("<bounces@example.org>", "<bounces@example.org>"),
    ],
)
def test_envelope_from_sets_the_envelope_alone(here: Runner, sink: Sink, given: str, path: str) -> None:
    here("send", "--envelope-from", given, "bob@example.org", "-m", "hi")

    assert envelope(sink)[0] == f"MAIL FROM:{path}"
    assert header(sink, "From") == "Ada <ada@example.org>"


def test_reply_to(here: Runner, sink: Sink) -> None:
    here("send", "--reply-to", "Desk <desk@example.org>, b@example.org", "bob@example.org", "-m", "hi")

    assert header(sink, "Reply-To") == "Desk <desk@example.org>, b@example.org"


@pytest.mark.parametrize("nobody", [[], [""], ["-t", ""], ["--", ""], ["-t", "crew:;"]])
def test_no_recipients(here: Runner, sink: Sink, nobody: list[str]) -> None:
    done = here("send", "-m", "hi", *nobody)

    assert done.code == 64
    assert done.lines == [
        "sendmail-cli: no recipients",
        "  Name them as arguments or with --to, --cc, --bcc: sendmail-cli send ada@example.org",
    ]
    assert envelope(sink) == []


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (["bob@"], "recipient"),
        (["-t", "bob@"], "--to"),
        (["-c", "|bob"], "--cc"),
        (["-b", "/bob"], "--bcc"),
        (["b@example.org", "-f", "bob"], "--from"),
        (["b@example.org", "--reply-to", "bob"], "--reply-to"),
        (["b@example.org", "--envelope-from", "bob"], "--envelope-from"),
        (["--", "-bob"], "recipient"),
    ],
)
def test_what_is_no_address_is_named_with_its_option(here: Runner, arguments: list[str], label: str) -> None:
    done = here("send", "-m", "hi", *arguments)

    assert done.code == 65
    assert done.lines[0].startswith(f"sendmail-cli: {label}: “")
    assert "is no valid address" in done.lines[0]


@pytest.mark.parametrize("control", ["\r\n", "\n", "\r", "\x1b"])
@pytest.mark.parametrize("option", ["-t", "-f", "--reply-to", "--envelope-from"])
def test_an_address_can_inject_nothing(here: Runner, sink: Sink, option: str, control: str) -> None:
    done = here("send", "-m", "hi", "b@example.org", option, f"a@example.org{control}RCPT TO:<evil@example.org>")

    assert done.code == 65
    assert control not in done.err.replace("\n", "", len(done.lines))
    assert envelope(sink) == []


def test_after_two_dashes_nothing_is_an_option(here: Runner, sink: Sink) -> None:
    done = here("send", "-m", "hi", "--", "-dash@example.org", "--json@example.org")

    assert (done.code, done.out) == (0, b"")
    assert envelope(sink)[1:] == ["RCPT TO:<-dash@example.org>", "RCPT TO:<--json@example.org>"]


def test_bytes_that_are_not_utf_8_are_read_as_iso_8859_1(here: Runner, sink: Sink) -> None:
    done = here("send", "-m", "hi", "-f", b"J\xfcrgen <ada@example.org>", b"B\xf6b <bob@example.org>")

    assert done.code == 0
    assert header(sink, "From") == "Jürgen <ada@example.org>"
    assert header(sink, "To") == "Böb <bob@example.org>"
