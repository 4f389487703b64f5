"""`send`: what a message says."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink

WHOM = "bob@example.org"
# Every option that says something about a message, with a value that its parser takes.
MESSAGE_OPTIONS = {
    "--to": ["x@example.org"], "--cc": ["x@example.org"], "--bcc": ["x@example.org"], "--from": ["x@example.org"],
    "--reply-to": ["x@example.org"], "--subject": [""], "--body": [""], "--html": [""], "--body-file": ["f"],
    "--html-file": ["f"], "--header": ["X-A: 1"], "--in-reply-to": ["<1@x>"], "--attach": ["f"],
    "--attach-as": ["a", "f"], "--attach-type": ["text/csv", "f"], "--skip-empty": [], "--no-stdin": [],
    "--attach-charset": ["utf-8", "f"], "--attach-disposition": ["inline", "f"], "--markdown": [""],
    "--markdown-file": ["f"], "--no-alternative": [], "--format-flowed": [], "--signature": [""],
    "--signature-file": ["f"], "--no-signature": [], "--charset": ["utf-8"], "--encoding": ["7bit"],
    "--inline": [], "--inline-root": ["."], "--calendar": ["f"],
    "--sender": ["x@example.org"], "--reply-to-message": ["f"], "--reply-all": [], "--forward": ["f"],
    "--resend": ["f"], "--list-unsubscribe": ["mailto:x@example.org"], "--auto-submitted": ["no"],
    "--importance": ["low"], "--request-receipt": [],
}  # fmt: skip


def received(sink: Sink) -> EmailMessage:
    message = message_from_bytes(sink.received, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def content(part: MIMEPart | None) -> str:
    """The text of a part, with the line ends of this system."""
    assert part is not None
    text = part.get_content()
    return (text.decode() if isinstance(text, bytes) else str(text)).replace("\r\n", "\n")


def text_of(sink: Sink) -> str:
    return content(received(sink).get_body(("plain",)))


def html_of(sink: Sink) -> str:
    return content(received(sink).get_body(("html",)))


def attached(sink: Sink) -> list[tuple[str | None, str, str]]:
    """Name, type and text of each attachment."""
    parts = received(sink).iter_attachments()
    return [(part.get_filename(), part.get_content_type(), content(part)) for part in parts]


class TestText:
    @pytest.mark.parametrize("option", ["-m", "--body"])
    def test_an_option(self, here: Runner, sink: Sink, option: str) -> None:
        done = here("send", WHOM, option, "Grüße", stdin=b"never read")

        assert (done.code, done.out, done.err) == (0, b"", "")
        assert text_of(sink) == "Grüße\n"
        assert b"never" not in sink.received

    def test_standard_input(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, stdin="Grüße\nAda\n".encode())

        assert text_of(sink) == "Grüße\nAda\n"

    @pytest.mark.parametrize("path", ["-", "text"])
    def test_a_file(self, here: Runner, sink: Sink, tmp_path: Path, path: str) -> None:
        (tmp_path / "text").write_text("from the file")

        done = here("send", WHOM, "--body-file", path if path == "-" else tmp_path / path, stdin=b"from the file")

        assert done.code == 0
        assert text_of(sink) == "from the file"

    def test_an_argument_that_is_not_utf_8(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "-m", b"Gr\xfc\xdfe", "-s", b"Stra\xdfe")

        assert text_of(sink) == "Grüße\n"
        assert received(sink)["Subject"] == "Straße"

    def test_a_closed_standard_input_is_no_empty_text(self, here: Runner, machine: Machine, sink: Sink) -> None:
        machine.is_stdin_closed = True

        assert here("send", WHOM).code == 66
        assert sink.received == b""
        assert here("send", WHOM, "--no-stdin").code == 0
        assert text_of(sink).strip() == ""

    @pytest.mark.parametrize("option", ["--body-file", "--html-file", "--attach", "--raw"])
    def test_a_closed_standard_input_that_was_asked_for(self, here: Runner, machine: Machine, option: str) -> None:
        machine.is_stdin_closed = True
        words = ["send"] if option == "--raw" else ["send", WHOM]

        done = here(*words, option, "-")

        assert (done.code, done.lines) == (66, ["sendmail-cli: standard input is closed"])

    @pytest.mark.parametrize("name", ["body", "html"])
    def test_is_said_once(self, here: Runner, sink: Sink, name: str) -> None:
        done = here("send", WHOM, f"--{name}", "", f"--{name}-file", "-")

        assert done.code == 64
        assert done.lines == [f"sendmail-cli: --{name} and --{name}-file both say what the text is; give one of them"]
        assert sink.received == b""

    def test_a_file_that_is_not_there(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "--body-file", "/no/such/file")

        assert done.code == 66
        assert "“/no/such/file”" in done.lines[0]
        assert "o such file or directory" in done.lines[0]
        assert sink.commands == []

    @pytest.mark.parametrize("words", [["--body-file"], ["-m", "", "--attach"]])
    def test_a_folder_is_no_file(self, here: Runner, tmp_path: Path, words: list[str]) -> None:
        done = here("send", WHOM, *words, f"{tmp_path}/")

        assert done.code == 66
        assert "it is a folder" in done.lines[0]


class TestHTML:
    def test_beside_text(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "-m", "plain", "--html", "<b>bold</b>")

        assert (text_of(sink), html_of(sink)) == ("plain\n", "<b>bold</b>\n")
        assert received(sink).get_content_type() == "multipart/alternative"

    def test_alone_and_standard_input_is_not_read(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--html", "<b>bold</b>", "--no-alternative", stdin=b"never read")

        assert received(sink).get_content_type() == "text/html"
        assert b"never" not in sink.received

    def test_from_a_file_beside_text_from_standard_input(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "page.html").write_text("<i>page</i>")

        here("send", WHOM, "--html-file", tmp_path / "page.html", "--body-file", "-", stdin=b"plain")

        assert (text_of(sink), html_of(sink)) == ("plain", "<i>page</i>")

    def test_from_standard_input(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--html-file", "-", "-m", "plain", stdin=b"<i>page</i>")

        assert (text_of(sink), html_of(sink)) == ("plain\n", "<i>page</i>")


class TestCharset:
    @pytest.mark.parametrize(
        ("octets", "charset", "text_said"),
        [
            ("Grüße €".encode(), "ISO-8859-15", ("Grüße €", None)),
            (b"\xef\xbb\xbfmarked", "UTF-8", ("marked", None)),
            (b"\xa4", "ISO-8859-15", ("€", "ISO-8859-15")),
            (b"\xa4", "UTF-8", ("¤", "ISO-8859-1")),
            (b"\xa4", "no-such-charset", ("¤", "ISO-8859-1")),
            (b"\xa4", "ascii", ("¤", "ISO-8859-1")),
        ],
    )
    @pytest.mark.parametrize("path", ["-", "text"])
    def test_is_utf_8_or_the_locales_or_iso_8859_1(
        self, here: Runner, sink: Sink, *, path: str, octets: bytes, charset: str, text_said: tuple[str, str | None]
    ) -> None:
        text, said = text_said
        here.machine.charset = charset
        (here.machine.folder / "text").write_bytes(octets)
        file = path if path == "-" else str(here.machine.folder / path)

        done = here("send", WHOM, "-v", "--body-file", file, stdin=octets)

        assert text_of(sink) == text
        name = "standard input" if path == "-" else file
        notes = [line for line in done.lines if "is not UTF-8" in line]
        assert [line.strip() for line in notes] == ([f"*  {name} is not UTF-8; it was read as {said}"] if said else [])

    def test_is_said_in_the_trace_alone(self, here: Runner) -> None:
        assert here("send", WHOM, stdin=b"\xa4").err == ""


class TestAttachments:
    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        path = tmp_path / "table.csv"
        path.write_text("a,b\r\n1,2\r\n", newline="")
        return path

    @pytest.mark.parametrize("option", ["-a", "--attach"])
    def test_by_path(self, here: Runner, sink: Sink, table: Path, option: str) -> None:
        done = here("send", WHOM, "-m", "hi", option, table, option, table)

        assert done.code == 0
        assert [name for name, _, _ in attached(sink)] == ["table.csv", "table.csv"]
        assert text_of(sink).startswith("hi")

    def test_under_another_name(self, here: Runner, sink: Sink, table: Path) -> None:
        here("send", WHOM, "-m", "hi", "--attach-as", "Übersicht – 日本語.csv", table)

        assert [name for name, _, _ in attached(sink)] == ["Übersicht – 日本語.csv"]

    @pytest.mark.parametrize("option", [["-a"], ["--attach-as", "other.txt"], []])
    def test_as_another_type_whatever_option_attaches_it(
        self, here: Runner, sink: Sink, table: Path, option: list[str]
    ) -> None:
        words = [*option, str(table)] if option else []

        here("send", WHOM, "-m", "hi", "--attach-type", "application/x-table", table, *words)

        name = "other.txt" if len(option) == 2 else "table.csv"
        assert [(name, kind) for name, kind, _ in attached(sink)] == [(name, "application/x-table")]

    @pytest.mark.parametrize(
        ("option", "name", "kind"),
        [
            (["-a", "-"], "stdin", "text/plain"),
            (["--attach-as", "shop.csv", "-"], "shop.csv", "text/csv"),
            (["--attach-type", "text/x-shop", "-"], "stdin", "text/x-shop"),
            (["--attach-type", "text/x-shop", "-", "--attach-as", "shop", "-"], "shop", "text/x-shop"),
        ],
    )
    def test_standard_input(self, here: Runner, sink: Sink, option: list[str], name: str, kind: str) -> None:
        done = here("send", WHOM, "-m", "see attached", *option, stdin=b"1,2\n3,4\n")

        assert done.code == 0, done.err
        assert attached(sink) == [(name, kind, "1,2\n3,4\n")]
        assert text_of(sink).startswith("see attached")

    def test_standard_input_as_attachment_leaves_the_text_empty(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "-a", "-", stdin=b"all of it")

        assert [text for _, _, text in attached(sink)] == ["all of it"]
        assert text_of(sink).strip() == ""

    def test_one_that_is_not_there_is_an_error_before_the_dial(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "-m", "hi", "-a", "/no/such.pdf")

        assert done.code == 66
        assert "“/no/such.pdf”" in done.err
        assert sink.commands == []

    @pytest.mark.parametrize("name", ["a\r\nX: y", "a/b", "a\x00b", ".."])
    def test_a_name_that_none_can_have(self, here: Runner, sink: Sink, table: Path, name: str) -> None:
        done = here("send", WHOM, "-m", "hi", "--attach-as", name, table)

        assert done.code == 65
        assert sink.commands == []

    def test_what_is_no_media_type(self, here: Runner, table: Path) -> None:
        done = here("send", WHOM, "-m", "hi", "--attach-type", "csv", table)

        assert (done.code, done.lines[0]) == (65, "sendmail-cli: “csv” is no media type")


class TestWhoReadsStandardInput:
    @pytest.mark.parametrize(
        "claims",
        [
            ["--body-file", "-", "--html-file", "-"],
            ["--body-file", "-", "-a", "-"],
            ["-a", "-", "-a", "-"],
            ["-a", "-", "--attach-as", "name", "-"],
            ["--html-file", "-", "--attach-type", "text/csv", "-"],
        ],
    )
    def test_one_at_most(self, here: Runner, sink: Sink, claims: list[str]) -> None:
        done = here("send", WHOM, *claims, stdin=b"x")

        assert done.code == 64
        assert done.lines[0].startswith("sendmail-cli: standard input can be only one of --")
        assert sink.commands == []

    @pytest.mark.parametrize("claim", [["--body-file", "-"], ["--html-file", "-"], ["-a", "-"]])
    def test_nobody_with_no_stdin(self, here: Runner, claim: list[str]) -> None:
        done = here("send", WHOM, "--no-stdin", *claim)

        assert done.code == 64
        assert "--no-stdin forbids to read standard input" in done.err

    def test_no_stdin_leaves_the_text_empty(self, here: Runner, sink: Sink) -> None:
        assert here("send", WHOM, "--no-stdin", stdin=b"never read").code == 0
        assert b"never" not in sink.received
        assert text_of(sink).strip() == ""


class TestSkipEmpty:
    @pytest.mark.parametrize(
        "empty", [[], ["-m", ""], ["--body-file", "-"], ["--html", ""], ["--no-stdin"], ["-v", "-m", ""]]
    )
    def test_sends_nothing_and_that_is_no_failure(self, here: Runner, sink: Sink, empty: list[str]) -> None:
        done = here("send", WHOM, "--skip-empty", *empty)

        assert (done.code, done.out) == (0, b"")
        assert sink.commands == []
        said = [line.strip() for line in done.lines]
        assert said == (["*  the text is empty, so nothing was sent (--skip-empty)"] if "-v" in empty else [])

    def test_is_told_in_json(self, here: Runner) -> None:
        done = here("send", WHOM, "--skip-empty", "--json")

        assert done.json["exit_code"] == 0
        assert done.json["recipients"] == []
        assert done.json["error"] is None

    @pytest.mark.parametrize("text", [b"x", b"\n"])
    def test_anything_at_all_is_sent(self, here: Runner, sink: Sink, text: bytes) -> None:
        assert here("send", WHOM, "--skip-empty", stdin=text).code == 0
        assert sink.received != b""

    def test_html_is_a_text(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--skip-empty", "-m", "", "--html", "<hr>")

        assert sink.received != b""


class TestHeaders:
    @pytest.mark.parametrize("option", ["-s", "--subject"])
    def test_subject(self, here: Runner, sink: Sink, option: str) -> None:
        here("send", WHOM, "-m", "hi", option, "Übersicht")

        assert received(sink)["Subject"] == "Übersicht"

    @pytest.mark.parametrize("option", ["-H", "--header"])
    def test_any_field_and_more_than_one(self, here: Runner, sink: Sink, option: str) -> None:
        here("send", WHOM, "-m", "hi", option, "X-Job: nightly", option, "X-Job:  weekly ", option, "Importance: high")

        assert received(sink).get_all("X-Job") == ["nightly", "weekly"]
        assert received(sink)["Importance"] == "high"

    def test_from_in_a_header_gives_the_envelope_too(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "-m", "hi", "-H", "From: Grace <grace@example.org>")

        assert sink.commands[0].startswith(b"MAIL FROM:<grace@example.org>")

    def test_in_reply_to(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "-m", "hi", "--in-reply-to", "1@example.org")

        assert received(sink)["In-Reply-To"] == "<1@example.org>"
        assert received(sink)["References"] == "<1@example.org>"

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("-H", "no colon"),
            ("-H", ": no name"),
            ("-H", "Bad Name: x"),
            ("-H", "X-A: 1\r\nBcc: evil@example.org"),
            ("-H", "X-A\r\nBcc: evil@example.org"),
            ("-H", "Bcc: evil@example.org"),
            ("-s", "a\r\nBcc: evil@example.org"),
            ("-s", "a\nb"),
            ("-s", "a\x1b[2Jb"),
            ("--in-reply-to", "<1@x>\r\nBcc: evil@example.org"),
            ("--in-reply-to", "two words"),
        ],
    )
    def test_what_no_header_may_hold_is_refused_before_the_dial(
        self, here: Runner, sink: Sink, option: str, value: str
    ) -> None:
        done = here("send", WHOM, "-m", "hi", option, value)

        assert done.code == 65
        assert all(line.isprintable() for line in done.lines)
        assert sink.commands == []

    def test_a_header_option_is_named(self, here: Runner) -> None:
        assert here("send", WHOM, "-H", "no colon").lines[0].startswith("sendmail-cli: --header: “no colon” is no")


class TestRaw:
    MESSAGE = (
        b"From: Grace <grace@example.org>\nTo: bob@example.org\nCc: carol@example.org\nBcc: dan@example.org\n"
        b"Date: Mon, 23 Nov 2026 12:00:00 +0000\nMessage-ID: <1@example.org>\nSubject: ready\n\n.dot\nend"
    )
    SENT = (
        b"From: Grace <grace@example.org>\r\nTo: bob@example.org\r\nCc: carol@example.org\r\n"
        b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nSubject: ready\r\n\r\n.dot\r\nend\r\n"
    )

    @pytest.mark.parametrize("path", ["-", "mail.eml"])
    def test_goes_as_it_is_but_for_bcc_to_those_in_its_header(
        self, here: Runner, sink: Sink, tmp_path: Path, path: str
    ) -> None:
        (tmp_path / "mail.eml").write_bytes(self.MESSAGE)

        done = here("send", "--raw", path if path == "-" else tmp_path / path, stdin=self.MESSAGE)

        assert (done.code, done.err) == (0, "")
        assert sink.received == self.SENT
        assert [line.partition(b" SIZE")[0].strip() for line in sink.commands] == [
            b"MAIL FROM:<grace@example.org>",
            b"RCPT TO:<bob@example.org>",
            b"RCPT TO:<carol@example.org>",
            b"RCPT TO:<dan@example.org>",
        ]

    def test_arguments_are_the_envelopes_recipients(self, here: Runner, sink: Sink) -> None:
        here("send", "--raw", "-", "eve@example.org", "--envelope-from", "<>", stdin=self.MESSAGE)

        assert [line.partition(b" SIZE")[0].strip() for line in sink.commands] == [
            b"MAIL FROM:<>",
            b"RCPT TO:<eve@example.org>",
        ]
        assert sink.received == self.SENT

    def test_the_topmost_resent_block_alone_names_them(self, here: Runner, sink: Sink) -> None:
        resent = b"Resent-To: eve@example.org\nResent-From: hal@example.org\nResent-Bcc: ida@example.org\n"

        here("send", "--raw", "-", stdin=resent + self.MESSAGE)

        assert [line.partition(b" SIZE")[0].strip() for line in sink.commands] == [
            b"MAIL FROM:<hal@example.org>",
            b"RCPT TO:<eve@example.org>",
            b"RCPT TO:<ida@example.org>",
        ]
        assert b"Bcc" not in sink.received

    @pytest.mark.parametrize("option", MESSAGE_OPTIONS)
    def test_no_option_of_a_message_goes_with_it(self, here: Runner, sink: Sink, option: str) -> None:
        done = here("send", "--raw", "-", option, *MESSAGE_OPTIONS[option], stdin=self.MESSAGE)

        assert done.code == 64
        assert done.lines[0] == (
            f"sendmail-cli: --raw sends a ready message as it is, so {option} can't be given with it"
        )
        assert sink.commands == []

    def test_every_option_of_a_message_is_in_this_list(self) -> None:
        from sendmail_cli.cli.groups import SectionedOption
        from sendmail_cli.cli.send import send

        options = [option for option in send.params if isinstance(option, SectionedOption)]
        sections = {"Who", "What", "Form of the text", "Attachments", "Header", "Another message"}
        names = {max(option.opts, key=len) for option in options if option.section in sections}
        assert names - {"--envelope-from"} == set(MESSAGE_OPTIONS)

    def test_says_what_to_use_in_place_of_from(self, here: Runner) -> None:
        assert "--envelope-from" in here("send", "--raw", "-", "-f", "a@example.org").lines[1]

    @pytest.mark.parametrize(
        ("message", "code", "words"),
        [
            (b"Subject: x\nFrom: a@example.org\n\nhi", 64, "no recipients: the message names none in To, Cc or Bcc"),
            (b"hello, world\n", 65, "line 1 is no header field: “hello, world”"),
            (b"", 65, "line 1 is no header field"),
            (b"From: a@example.org\nTo: bob@\n\nhi", 65, "line 2, to: “bob@”"),
            (
                b"To: b@example.org\nDKIM-Signature: x\n\n" + b"x" * 1000,
                65,
                "line 4 of the message has more than 998 octets",
            ),
            (b"To: b@example.org\nDKIM-Signature: x\n\n\0", 65, "line 4 of the message has a NUL"),
        ],
    )
    def test_what_is_no_message(self, here: Runner, sink: Sink, message: bytes, code: int, words: str) -> None:
        done = here("send", "--raw", "-", stdin=message)

        assert done.code == code
        assert words in done.lines[0]
        assert sink.commands == []

    def test_a_long_line_and_a_nul_are_encoded(self, here: Runner, sink: Sink) -> None:
        given = b"x" * 999 + b"\na\0b\n"

        done = here("send", "--raw", "-", stdin=b"To: b@example.org\n\n" + given)

        assert (done.code, done.err) == (0, "")
        assert max(map(len, sink.received.split(b"\r\n"))) <= 998
        assert received(sink).get_payload(decode=True) == given

    def test_no_fixup_changes_nothing(self, here: Runner, sink: Sink) -> None:
        given = b"X-Odd :  a\r\nTo: b@example.org\r\n\r\ncaf\xe9\r\n.\r\n"

        done = here("send", "--raw", "-", "--no-fixup", "--json", stdin=given)

        assert done.code == 0
        assert sink.received == given
        assert done.json["message_id"] is None

    @pytest.mark.parametrize(
        ("message", "words"),
        [
            (b"To: b@example.org\n\nhi\n", "line 1 of the message ends in LF alone; nothing may be changed"),
            (b"To: b@example.org\r\n\r\nhi", "line 3 of the message is the last and has no end"),
            (b"To: b@example.org\r\nBcc: c@example.org\r\n\r\n", "line 2 of the message names blind copies"),
            (b"To: b@example.org\r\n\r\n" + b"x" * 999 + b"\r\n", "line 3 of the message has more than 998 octets"),
        ],
    )
    def test_no_fixup_refuses_what_would_have_to_change(
        self, here: Runner, sink: Sink, message: bytes, words: str
    ) -> None:
        done = here("send", "--raw", "-", "--no-fixup", stdin=message)

        assert done.code == 65
        assert words in done.lines[0]
        assert "leave out --no-fixup" in done.lines[1]
        assert sink.commands == []

    def test_no_fixup_is_for_a_ready_message(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "-m", "hi", "--no-fixup")

        assert done.code == 64
        assert "--raw" in done.lines[0]
        assert sink.commands == []

    def test_a_file_that_is_not_there(self, here: Runner) -> None:
        assert here("send", "--raw", "/no/such/file").code == 66

    def test_without_from_the_profile_sends_it(self, here: Runner, sink: Sink) -> None:
        assert here("send", "--raw", "-", stdin=b"To: b@example.org\n\nhi").code == 0
        assert sink.commands[0].startswith(b"MAIL FROM:<ada@example.org>")

    def test_without_any_sender_it_is_a_matter_of_configuration(self, run: Runner, sink: Sink) -> None:
        done = run("send", "-S", f"localhost:{sink.port}", "--raw", "-", stdin=b"To: b@example.org\n\nhi")

        assert done.code == 78
        assert "--envelope-from" in done.lines[1]
