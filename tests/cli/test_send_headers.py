"""`send`: other messages that are answered, forwarded and sent on; lists, machines, urgency; several authors."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink

OTHER = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\n"
    b"To: Ada <ada@example.org>, list@example.com\n"
    b"Cc: zoe@example.net\n"
    b"Bcc: secret@example.com\n"
    b"Subject: =?iso-8859-1?Q?Re:_Gr=FC=DFe?=\n"
    b"Date: Mon, 1 Jun 2026 10:00:00 +0000\n"
    b"Message-ID: <3@example.com>\n"
    b"References: <1@example.com>\n <2@example.com>\n"
    b"\nHello\n.\n"
)
THREAD = "<1@example.com> <2@example.com> <3@example.com>"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.eml"
    path.write_bytes(OTHER)
    return path


def received(sink: Sink) -> EmailMessage:
    message = message_from_bytes(sink.received, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def envelope(sink: Sink) -> list[str]:
    return [line.decode().partition(" SIZE=")[0].strip().partition(":")[2].strip("<>") for line in sink.commands]


class TestAnswers:
    @pytest.mark.parametrize("path", ["-", "other.eml"])
    def test_the_message_gives_thread_subject_and_recipient(
        self, here: Runner, sink: Sink, other: Path, path: str
    ) -> None:
        done = here("send", "-m", "yes", "--reply-to-message", other if path != "-" else path, stdin=OTHER)

        assert (done.code, done.err) == (0, "")
        assert envelope(sink) == ["ada@example.org", "j@example.com"]
        message = received(sink)
        assert (message["To"], message["Cc"]) == ("Jürgen <j@example.com>", None)
        assert message["Subject"] == "Re: Grüße"
        assert (message["In-Reply-To"], message["References"]) == ("<3@example.com>", THREAD)
        assert message.get_content() == "yes\r\n"

    def test_what_is_given_wins(self, here: Runner, sink: Sink, other: Path) -> None:
        done = here(
            *("send", "bob@example.org", "-m", "", "-s", "New", "--reply-to-message", other),
            *("-H", "References: <9@x>", "-H", "In-Reply-To: <8@x>"),
        )

        assert done.code == 0
        assert envelope(sink)[1:] == ["bob@example.org"]
        message = received(sink)
        fields = [message[name] for name in ("To", "Subject", "In-Reply-To", "References")]
        assert fields == ["bob@example.org", "New", "<8@x>", "<9@x>"]

    def test_a_subject_of_the_users_stands_alone(self, here: Runner, sink: Sink, other: Path) -> None:
        assert here("send", "-m", "", "--reply-to-message", other, "-H", "Subject: Mine").code == 0
        assert received(sink).get_all("Subject") == ["Mine"]

    def test_a_copy_alone_leaves_the_author_in_to(self, here: Runner, sink: Sink, other: Path) -> None:
        here("send", "-m", "", "--cc", "bob@example.org", "--reply-to-message", other)

        assert envelope(sink)[1:] == ["j@example.com", "bob@example.org"]

    def test_all_but_we_get_the_answer(self, here: Runner, sink: Sink, other: Path) -> None:
        here("send", "-m", "", "--reply-to-message", other, "--reply-all", "bob@example.org", "-b", "zoe@example.net")

        message = received(sink)
        assert (message["To"], message["Cc"]) == ("bob@example.org, Jürgen <j@example.com>", "list@example.com")
        assert envelope(sink)[1:] == ["bob@example.org", "j@example.com", "list@example.com", "zoe@example.net"]

    def test_we_are_whoever_the_profiles_say_and_who_it_is_from(
        self, machine: Machine, here: Runner, sink: Sink, tmp_path: Path
    ) -> None:
        machine.configure(
            f'default = "a"\n[profile.a]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n'
            '[profile.b]\nfrom = "ada@home.example"\n'
        )
        path = tmp_path / "m"
        path.write_bytes(b"From: x@x.example\nTo: Ada@home.example, ada@example.org, ada@work.example, y@x.example\n\n")

        here("send", "-m", "", "-f", "ada@work.example", "--reply-to-message", path, "--reply-all")

        assert envelope(sink) == ["ada@work.example", "x@x.example", "y@x.example"]

    def test_a_message_without_id_is_answered_with_a_word(self, here: Runner, sink: Sink) -> None:
        done = here("send", "-v", "-m", "", "--reply-to-message", "-", stdin=b"From: x@x.example\n\n")

        assert done.code == 0
        assert "no Message-ID" in done.err
        assert (received(sink)["In-Reply-To"], received(sink)["References"], received(sink)["Subject"]) == (None,) * 3

    @pytest.mark.parametrize(
        ("words", "code", "sentence"),
        [
            (["--reply-all"], 64, "--reply-all answers a message; say which with --reply-to-message FILE"),
            (["--reply-to-message", "-", "--in-reply-to", "<1@x>"], 64, "both say what is answered"),
            (["--reply-to-message", "-", "--forward", "-"], 64, "only one of --reply-to-message - and --forward -"),
            (["--reply-to-message", "-", "--no-stdin"], 64, "--no-stdin forbids"),
            (["--reply-to-message", "/no/such"], 66, "can't read “/no/such”"),
            (["--reply-to-message", "-"], 65, "standard input: line 1 is no header field"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, here: Runner, sink: Sink, words: list[str], code: int, sentence: str
    ) -> None:
        done = here("send", "-m", "", *words, stdin=b"no message")

        assert done.code == code
        assert sentence in done.lines[0]
        assert sink.commands == []


class TestForward:
    def test_the_message_stands_in_the_new_one(self, here: Runner, sink: Sink, other: Path) -> None:
        done = here("send", "bob@example.org", "-m", "see below", "--forward", other, "-a", other)

        assert (done.code, done.err) == (0, "")
        message = received(sink)
        assert message["Subject"] == "Fwd: Re: Grüße"
        assert (message["In-Reply-To"], message["References"]) == (None, THREAD)
        text, forwarded, attached = message.iter_parts()
        assert text.get_content() == "see below\r\n"
        assert forwarded.get_content_type() == "message/rfc822"
        assert forwarded.get_content()["Message-ID"] == "<3@example.com>"
        assert forwarded.get_content().get_payload() == "Hello\r\n.\r\n"
        assert attached.get_filename() == "other.eml"
        assert b"secret" not in sink.received
        assert envelope(sink)[1:] == ["bob@example.org"]

    def test_several_of_which_the_first_names_it(self, here: Runner, sink: Sink, other: Path) -> None:
        done = here(
            *("send", "bob@example.org", "-m", "", "--forward", "-", "--forward", other),
            stdin=b"Subject: One\nMessage-ID: <a@x>\n\n",
        )

        assert done.code == 0
        message = received(sink)
        assert (message["Subject"], message["References"]) == ("Fwd: One", "<a@x>")
        assert [part.get_content()["Subject"] for part in message.iter_attachments()] == ["One", "Re: Grüße"]

    def test_in_an_answer_the_answer_leads(self, here: Runner, sink: Sink, other: Path) -> None:
        here(
            "send", "-m", "", "--reply-to-message", other, "--forward", "-", stdin=b"Subject: x\nMessage-ID: <a@x>\n\n"
        )

        message = received(sink)
        assert (message["Subject"], message["References"]) == ("Re: Grüße", THREAD)

    def test_what_has_no_7bit_form_is_refused(self, here: Runner, sink: Sink) -> None:
        given = "DKIM-Signature: x\n\nGrüße\n".encode()

        done = here("send", "bob@example.org", "-m", "", "--forward", "-", stdin=given)

        assert done.code == 65
        assert "standard input can't be forwarded" in done.lines[0]
        assert "--attach FILE" in done.lines[1]
        assert sink.commands == []


class TestResend:
    BODY = OTHER.replace(b"Bcc: secret@example.com\n", b"").replace(b"\n", b"\r\n")

    def test_it_goes_as_it_is_to_those_who_are_named(self, here: Runner, sink: Sink, other: Path) -> None:
        done = here("send", "--resend", other, "bob@example.org", "--cc", "Zoë <zoe@x.example>", "-b", "dan@x.example")

        assert (done.code, done.err) == (0, "")
        assert envelope(sink) == ["ada@example.org", "bob@example.org", "zoe@x.example", "dan@x.example"]
        block, rest = sink.received[: -len(self.BODY)], sink.received[-len(self.BODY) :]
        assert rest == self.BODY
        names = [line.partition(b":")[0] for line in block.splitlines()]
        assert names == [b"Resent-Date", b"Resent-From", b"Resent-To", b"Resent-Cc", b"Resent-Message-ID"]
        message = received(sink)
        assert (message["Resent-From"], message["Resent-To"]) == ("Ada <ada@example.org>", "bob@example.org")
        assert b"dan@" not in sink.received

    def test_twice_keeps_the_first_block(self, here: Runner, sink: Sink) -> None:
        given = b"Resent-From: old@x.example\r\nResent-To: ada@example.org\r\n" + self.BODY

        here(
            "send",
            "--resend",
            "-",
            "-f",
            "Eve <eve@x.example>",
            "--sender",
            "s@x.example",
            "bob@x.example",
            stdin=given,
        )

        assert sink.received.endswith(given)
        message = received(sink)
        assert message.get_all("Resent-From") == ["Eve <eve@x.example>", "old@x.example"]
        assert message["Resent-Sender"] == "s@x.example"
        assert envelope(sink) == ["s@x.example", "bob@x.example"]

    def test_nobody_in_the_message_gets_it_unnamed(self, here: Runner, sink: Sink, other: Path) -> None:
        done = here("send", "--resend", other)

        assert done.code == 64
        assert done.lines[0] == "sendmail-cli: no recipients"
        assert sink.commands == []

    @pytest.mark.parametrize(
        ("words", "flag"),
        [
            (["-s", "x"], "--subject"),
            (["-m", ""], "--body"),
            (["-H", "X: y"], "--header"),
            (["--forward", "x"], "--forward"),
            (["--reply-all"], "--reply-all"),
            (["--importance", "low"], "--importance"),
            (["--no-fixup"], "--no-fixup"),
            (["--tls-optional"], "--tls-optional"),
        ],
    )
    def test_nothing_that_would_change_it_goes_with_it(
        self, here: Runner, sink: Sink, other: Path, words: list[str], flag: str
    ) -> None:
        done = here("send", "--resend", other, "bob@example.org", *words)

        assert done.code == 64
        assert done.lines[0] == (
            f"sendmail-cli: --resend sends a ready message as it is, so {flag} can't be given with it"
        )
        assert sink.commands == []

    def test_it_is_never_written_over(self, here: Runner, other: Path) -> None:
        for option in ("--resend", "--forward", "--reply-to-message"):
            assert "would write to" in here("send", "-t", "b@x.example", option, other, "--trace", other).lines[0]
        assert other.read_bytes() == OTHER


class TestMarks:
    def test_each_becomes_a_field(self, here: Runner, sink: Sink) -> None:
        done = here(
            *("send", "bob@example.org", "-m", "", "--auto-submitted", "generated", "--importance", "high"),
            *("--list-unsubscribe", "mailto:leave@x.example", "--list-unsubscribe", "https://x.example/u?4711"),
            *("--request-receipt", "Jürgen <r@x.example>"),
        )

        assert (done.code, done.err) == (0, "")
        message = received(sink)
        assert message["List-Unsubscribe"] == "<mailto:leave@x.example>, <https://x.example/u?4711>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Auto-Submitted"] == "auto-generated"
        assert (message["Importance"], message["X-Priority"]) == ("high", "1 (Highest)")
        assert message["Disposition-Notification-To"] == "Jürgen <r@x.example>"

    @pytest.mark.parametrize(
        ("words", "to"),
        [
            ([], "Ada <ada@example.org>"),
            (["-f", "eve@x.example"], "eve@x.example"),
            (["-f", "eve@x.example, dan@x.example"], "eve@x.example"),
            (["-H", "From: Jürgen <j@x.example>"], "Jürgen <j@x.example>"),
        ],
    )
    def test_a_receipt_goes_to_the_author(self, here: Runner, sink: Sink, words: list[str], to: str) -> None:
        done = here("send", "bob@example.org", "-m", "", *words, "--request-receipt")

        assert done.code == 0
        assert received(sink)["Disposition-Notification-To"] == to

    def test_a_receipt_that_took_the_recipient_says_so(self, here: Runner, sink: Sink) -> None:
        done = here("send", "-m", "", "--request-receipt", "bob@example.org")

        assert done.code == 64
        assert "--request-receipt took bob@example.org" in done.lines[0]
        assert sink.commands == []

    def test_without_any_author_it_is_a_matter_of_configuration(self, run: Runner) -> None:
        assert run("send", "-S", "localhost:1", "bob@example.org", "-m", "", "--request-receipt").code == 78

    @pytest.mark.parametrize(
        ("words", "field", "flag"),
        [
            (["--importance", "low"], "Importance", "--importance"),
            (["--importance", "low"], "X-Priority", "--importance"),
            (["--auto-submitted", "no"], "Auto-Submitted", "--auto-submitted"),
            (["--list-unsubscribe", "mailto:a@b"], "List-Unsubscribe", "--list-unsubscribe"),
            (["--request-receipt"], "Disposition-Notification-To", "--request-receipt"),
            (["--sender", "a@b.example"], "Sender", "--sender"),
            (["-f", "a@b.example, c@d.example"], "From", "--from"),
        ],
    )
    def test_a_field_is_said_once(self, here: Runner, sink: Sink, words: list[str], field: str, flag: str) -> None:
        done = here("send", "-t", "bob@example.org", "-m", "", *words, "-H", f"{field.lower()}: x@x.example")

        assert done.code == 65
        assert done.lines[0] == f"sendmail-cli: {field} is set twice: by {flag} and as a header"
        assert sink.commands == []

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["--list-unsubscribe", "leave@x.example"], 65),
            (["--list-unsubscribe", "https://x.example/\r\nBcc: y"], 65),
            (["--list-unsubscribe", "https://a.example", "--list-unsubscribe", "http://b.example"], 65),
            (["--importance", "urgent"], 64),
            (["--auto-submitted", "auto-generated"], 64),
            (["--request-receipt", "bob"], 65),
            (["--sender", "a@b.example, c@d.example"], 65),
            (["-f", "crew: a@b.example;"], 65),
            (["-f", ""], 65),
        ],
    )
    def test_what_is_none_of_them_is_refused(self, here: Runner, sink: Sink, words: list[str], code: int) -> None:
        done = here("send", "-t", "bob@example.org", "-m", "", *words)

        assert done.code == code
        assert sink.commands == []


class TestAuthors:
    def test_several_stand_together_and_the_first_sends(self, here: Runner, sink: Sink) -> None:
        done = here("send", "bob@example.org", "-m", "", "-f", "Grace <g@x.example>, 日本 <n@bücher.example>")

        assert (done.code, done.err) == (0, "")
        message = received(sink)
        assert message["From"] == "Grace <g@x.example>, 日本 <n@xn--bcher-kva.example>"
        assert message["Sender"] == "Grace <g@x.example>"
        assert envelope(sink)[0] == "g@x.example"

    def test_who_sends_for_them_gets_the_failures(self, here: Runner, sink: Sink) -> None:
        here("send", "bob@example.org", "-m", "", "-f", "g@x.example, h@x.example", "--sender", "Zoë <z@x.example>")

        assert received(sink)["Sender"] == "Zoë <z@x.example>"
        assert envelope(sink)[0] == "z@x.example"

    def test_a_sender_may_send_for_the_profiles_author(self, here: Runner, sink: Sink) -> None:
        here("send", "bob@example.org", "-m", "", "--sender", "z@x.example")

        assert (received(sink)["From"], received(sink)["Sender"]) == ("Ada <ada@example.org>", "z@x.example")
        assert envelope(sink)[0] == "z@x.example"

    def test_a_sender_who_is_the_author_is_not_said_twice(self, here: Runner, sink: Sink) -> None:
        here("send", "bob@example.org", "-m", "", "-f", "z@x.example", "--sender", "z@x.example")

        assert received(sink)["Sender"] is None

    def test_the_envelope_may_say_otherwise(self, here: Runner, sink: Sink) -> None:
        here("send", "bob@x.example", "-m", "", "-f", "g@x.example, h@x.example", "--envelope-from", "e@x.example")

        assert envelope(sink)[0] == "e@x.example"


@pytest.mark.parametrize(
    ("given", "shown", "reached"),
    [
        ("undisclosed-recipients:;, bob@x.example", "undisclosed-recipients:;, bob@x.example", ["bob@x.example"]),
        ("Команда: Ада <a@x.example>, b@x.example;", "Команда: Ада <a@x.example>, b@x.example;",
         ["a@x.example", "b@x.example"]),
        ("أحمد <a@bücher.example>", "أحمد <a@xn--bcher-kva.example>", ["a@xn--bcher-kva.example"]),
    ],
)  # fmt: skip
def test_groups_and_names_of_any_script_arrive(
    here: Runner, sink: Sink, given: str, shown: str, reached: list[str]
) -> None:
    assert here("send", given, "-m", "").code == 0
    assert received(sink)["To"] == shown
    assert envelope(sink)[1:] == reached
