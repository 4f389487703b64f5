"""`send`: the forms of a text, and files in their places."""

from __future__ import annotations

import os
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Machine, Runner

if TYPE_CHECKING:
    from tests.support.sink import Sink

WHOM = "bob@example.org"


def received(sink: Sink) -> EmailMessage:
    message = message_from_bytes(sink.received, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def text_of(part: MIMEPart | None) -> str:
    assert part is not None
    text = part.get_content()
    return (text.decode() if isinstance(text, bytes) else str(text)).replace("\r\n", "\n")


def body(sink: Sink, form: str = "plain") -> str:
    return text_of(received(sink).get_body((form,)))


class TestAlternative:
    def test_is_made_of_html(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "--html", "<h1>Grüße</h1><p>See <a href='https://x.example/'>this</a></p>")

        assert (done.code, done.err) == (0, "")
        assert received(sink).get_content_type() == "multipart/alternative"
        assert body(sink) == "Grüße\n\nSee this <https://x.example/>\n"

    @pytest.mark.parametrize("text", [["-m", "own"], ["--body-file", "-"]])
    def test_gives_way_to_a_text_that_is_given(self, here: Runner, sink: Sink, text: list[str]) -> None:
        here("send", WHOM, "--html", "<p>HTML</p>", *text, stdin=b"own\n")

        assert (body(sink), body(sink, "html")) == ("own\n", "<p>HTML</p>\n")

    def test_is_made_where_the_given_text_is_empty(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--html", "<p>HTML</p>", "-m", "")

        assert body(sink) == "HTML\n"

    @pytest.mark.parametrize("given", [["<p>HTML</p>", "--no-alternative"], ["<img src='https://x.example/a.png'>"]])
    def test_is_none_where_nobody_wants_it_or_there_are_no_words(
        self, here: Runner, sink: Sink, given: list[str]
    ) -> None:
        assert here("send", WHOM, "--html", *given).code == 0
        assert received(sink).get_content_type() == "text/html"

    def test_empty_html_is_not_shown_in_place_of_a_text(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--html", " \n", "-m", "text")

        assert received(sink).get_content_type() == "text/plain"


class TestMarkdown:
    @pytest.mark.parametrize("option", [["--markdown", "# Hi\n\n*you*"], ["--markdown-file", "-"]])
    def test_goes_as_typed_and_as_html(self, here: Runner, sink: Sink, option: list[str]) -> None:
        assert here("send", WHOM, *option, stdin=b"# Hi\n\n*you*\n").code == 0
        assert body(sink) == "# Hi\n\n*you*\n"
        assert "<h1>Hi</h1>\n<p><em>you</em></p>\n" in body(sink, "html")

    @pytest.mark.parametrize("beside", [["--body", "x"], ["--html", "x"], ["--markdown", "x"], ["--body-file", "x"]])
    def test_says_all_there_is(self, here: Runner, sink: Sink, beside: list[str]) -> None:
        done = here("send", WHOM, "--markdown-file", "x", *beside)

        assert (done.code, sink.commands) == (64, [])
        assert f"{beside[0]} and --markdown-file both say what the text is" in done.lines[0]

    def test_is_a_text_to_skip_empty(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--skip-empty", "--markdown", "x")

        assert body(sink) == "x\n"


class TestForm:
    def test_flowed(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--format-flowed", "-m", "word " * 30)

        part = received(sink).get_body(("plain",))
        assert part is not None
        assert part["Content-Type"].params["format"] == "flowed"
        assert text_of(part) == "word " * 14 + "\n" + "word " * 14 + "\n" + "word word\n"

    def test_charset_and_encoding(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "--charset", "latin1", "--encoding", "base64", "-m", "Grüße")

        part = received(sink)
        assert (done.code, part["Content-Type"].params["charset"]) == (0, "iso-8859-1")
        assert (part["Content-Transfer-Encoding"], text_of(part)) == ("base64", "Grüße\n")

    @pytest.mark.parametrize(
        ("options", "code", "words"),
        [
            (["--charset", "latin1", "-m", "ab\n10 €"], 65, "iso-8859-1 has no “€” (U+20AC), which stands in the text"),
            (["--charset", "latin1", "-m", "ab\n10 €"], 65, "(line 2, column 4)"),
            (["--charset", "klingon", "-m", "x"], 65, "--charset: “klingon” is no charset"),
            (["--charset", "utf-16", "-m", "x"], 65, "--charset: “utf-16” is no charset"),
            (["--encoding", "7bit", "-m", "a\nü"], 65, "line 2 of the text has characters beyond ASCII"),
            (["--encoding", "7bit", "-m", "x" * 999], 65, "line 1 of the text has more than 998 octets"),
            (["--encoding", "8bit", "-m", "x"], 64, "--encoding"),
        ],
    )
    def test_what_cannot_be_said_so_is_refused_before_the_dial(
        self, here: Runner, sink: Sink, options: list[str], code: int, words: str
    ) -> None:
        done = here("send", WHOM, *options)

        assert (done.code, sink.commands) == (code, [])
        assert words in done.lines[0]


class TestSignature:
    def test_stands_below_text_and_html(self, here: Runner, sink: Sink) -> None:
        here("send", WHOM, "--html", "<p>Hi</p>", "--signature", "Ada <x>\nEngines")

        assert body(sink) == "Hi\n-- \nAda <x>\nEngines\n"
        assert body(sink, "html").endswith(
            '<p>Hi</p>\n<div class="signature">-- <br>\nAda &lt;x&gt;<br>\nEngines</div>\n'
        )

    def test_from_a_file_that_has_the_line_above_it_already(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "sig").write_text("-- \nAda\n")

        here("send", WHOM, "-m", "Hi", "--signature-file", tmp_path / "sig")

        assert body(sink) == "Hi\n-- \nAda\n"

    @pytest.mark.parametrize("beside", [["--signature-file", "f"], ["--no-signature"]])
    def test_is_said_once(self, here: Runner, sink: Sink, beside: list[str]) -> None:
        assert here("send", WHOM, "-m", "x", "--signature", "y", *beside).code == 64
        assert sink.commands == []


class TestAttachments:
    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str, str]:
        for name in "abcd":
            (tmp_path / f"{name}.txt").write_text(f"file {name}\n")
        return {name: str(tmp_path / f"{name}.txt") for name in "abcd"}

    def test_stand_in_the_order_of_the_command_line(self, here: Runner, sink: Sink, files: dict[str, str]) -> None:
        a, b, c, d = files.values()
        here(
            "send", WHOM, "-m", "x", "-a", a, "--attach-type", "text/csv", b, "--attach-as", "C", b,
            "--attach-type", "text/x-c", c, "-a", d, "--attach-charset", "utf-8", d,
        )  # fmt: skip

        assert [(part.get_filename(), part.get_content_type()) for part in received(sink).iter_attachments()] == [
            ("a.txt", "text/plain"), ("C", "text/csv"), ("c.txt", "text/x-c"), ("d.txt", "text/plain"),
        ]  # fmt: skip

    def test_forwarded_messages_too(self, here: Runner, sink: Sink, files: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "m.eml").write_bytes(b"From: a@example.org\r\nSubject: s\r\n\r\nx\r\n")
        here("send", WHOM, "-m", "x", "-a", files["a"], "--forward", tmp_path / "m.eml", "-a", files["b"])

        assert [part.get_filename() for part in received(sink).iter_attachments()] == ["a.txt", "s.eml", "b.txt"]

    def test_disposition(self, here: Runner, sink: Sink, files: dict[str, str]) -> None:
        here("send", WHOM, "-m", "x", "--attach-disposition", "inline", files["a"], "-a", files["b"])

        assert [part.get_content_disposition() for part in list(received(sink).iter_parts())[1:]] == [
            "inline", "attachment",
        ]  # fmt: skip

    def test_charset(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "u.csv").write_bytes("ü;1\n".encode("utf-16le"))
        here("send", WHOM, "-m", "x", "--attach-charset", "utf-16le", tmp_path / "u.csv")

        (part,) = received(sink).iter_attachments()
        assert part["Content-Type"].params["charset"] == "utf-16le"
        assert (part.get_content_type(), text_of(part)) == ("text/csv", "ü;1\n")

    def test_a_charset_that_is_not_true(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "u.csv").write_bytes(b"\xfc")
        done = here("send", WHOM, "-m", "x", "--attach-charset", "utf-8", tmp_path / "u.csv")

        assert (done.code, sink.commands) == (65, [])
        assert "u.csv” is no text in utf-8: " in done.lines[0]

    def test_a_charset_of_what_is_no_text(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = here("send", WHOM, "-m", "x", "--attach-charset", "latin1", tmp_path / "a.png")

        assert (done.code, sink.commands) == (65, [])
        assert "a.png” is image/png, which is no text" in done.lines[0]

    def test_a_message_as_a_message(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        (tmp_path / "m.eml").write_bytes(b"From: a@example.org\r\nSubject: s\r\n\r\nx\r\n")
        here("send", WHOM, "-m", "x", "--attach-type", "message/rfc822", tmp_path / "m.eml", "-a", tmp_path / "m.eml")
        (part,) = received(sink).iter_attachments()

        assert part.get_content_type() == "message/rfc822"
        assert part.get_content()["Subject"] == "s"

    def test_two_things_said_of_a_file(self, here: Runner, sink: Sink, files: dict[str, str]) -> None:
        a = files["a"]
        done = here("send", WHOM, "-m", "x", "--attach-type", "text/csv", a, "--attach-type", "text/html", a)

        assert (done.code, sink.commands) == (64, [])
        assert f"--attach-type says both text/csv and text/html of {a}" in done.lines[0]


class TestInline:
    @pytest.fixture
    def page(self, tmp_path: Path) -> Path:
        folder = tmp_path / "page"
        (folder / "img").mkdir(parents=True)
        (folder / "img" / "a b.png").write_bytes(b"\x89PNG\r\n\x1a\nA")
        (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nB")
        (tmp_path / "out.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
        return folder / "index.html"

    def test_a_picture_is_a_part_beside_the_html(self, here: Runner, sink: Sink, page: Path) -> None:
        page.write_text(
            "<p>Hi <img src='img/a%20b.png'><img src=https://x.example/a.png></p><img src=./img/../b.png>"
            '<p style="background: url(b.png)"><img src="data:image/png;base64,AA==">'
        )
        assert here("send", WHOM, "--html-file", page, "--inline", "-a", page).code == 0

        message = received(sink)
        assert [part.get_content_type() for part in message.walk()] == [
            "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
            "image/png", "text/html",
        ]  # fmt: skip
        html, *images = [*message.walk()][4:7]
        first, second = (part["Content-ID"].strip("<>") for part in images)
        assert [part.get_content()[-1:] for part in images] == [b"A", b"B"]
        assert [part.get_content_disposition() for part in images] == ["inline", "inline"]
        assert [part.get_filename() for part in images] == ["a b.png", "b.png"]
        assert [*message.walk()][3]["Content-Type"].params["type"] == "text/html"
        assert text_of(html) == (
            f"<p>Hi <img src='cid:{first}'><img src=https://x.example/a.png></p><img src=cid:{second}>"
            f'<p style="background: url(cid:{second})"><img src="data:image/png;base64,AA==">'
        )

    def test_of_markdown_too(self, here: Runner, sink: Sink, page: Path) -> None:
        page.write_text("![A](b.png)\n")

        assert here("send", WHOM, "--markdown-file", page, "--inline").code == 0
        assert (body(sink), 'src="cid:1.' in body(sink, "html")) == ("![A](b.png)\n", True)

    def test_without_it_nothing_is_taken(self, here: Runner, sink: Sink, page: Path) -> None:
        page.write_text("<p>x<img src=b.png>")
        here("send", WHOM, "--html-file", page)

        assert body(sink, "html") == "<p>x<img src=b.png>"

    @pytest.mark.parametrize("root", [["--inline-root", "."], ["--inline-root", ".", "--inline"]])
    def test_another_root(
        self, here: Runner, sink: Sink, page: Path, root: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(page.parent.parent)
        page.write_text("<img src=../out.png>")

        assert here("send", WHOM, "--html-file", page, *root).code == 0
        assert b"cid:1." in sink.received

    @pytest.mark.parametrize("option", ["--html", "--html-file"])
    def test_html_without_a_folder_is_in_that_of_the_root(
        self, here: Runner, sink: Sink, page: Path, option: str
    ) -> None:
        html = "<img src=b.png>"
        value = "-" if option == "--html-file" else html

        assert here("send", WHOM, option, value, "--inline-root", page.parent, stdin=html.encode()).code == 0
        assert b"cid:1." in sink.received

    @pytest.mark.parametrize("source", ["../out.png", "link.png", "%2e%2e/out.png", "/etc/passwd", "folder/out.png"])
    def test_nothing_leads_out(self, here: Runner, sink: Sink, page: Path, source: str) -> None:
        (page.parent / "link.png").symlink_to("../out.png")
        (page.parent / "folder").symlink_to("..")
        page.write_text(f"<html>\n<img src='{source}'>")
        done = here("send", WHOM, "--html-file", page, "--inline")

        assert (done.code, sink.commands) == (65, [])
        assert f"{page}, line 2: “" in done.lines[0]
        assert "leads out of" in done.lines[0]

    @pytest.mark.parametrize("source", ["none.png", "img", "pipe", "a%00b", "b.png/x"])
    def test_what_is_no_file(self, here: Runner, sink: Sink, page: Path, source: str) -> None:
        os.mkfifo(page.parent / "pipe")
        page.write_text(f"<html>\n\n<img src='{source}'>")
        done = here("send", WHOM, "--html-file", page, "--inline")

        assert (done.code, sink.commands) == (66, [])
        assert f"{page}, line 3: can't read “" in done.lines[0]

    def test_the_line_is_that_of_the_markdown(self, here: Runner, page: Path) -> None:
        page.write_text("a\n\n> ![A](none.png)\n")

        assert f"{page}, line 3: " in here("send", WHOM, "--markdown-file", page, "--inline").lines[0]

    @pytest.mark.parametrize("options", [["--inline", "-m", "x"], ["--inline-root", ".", "-m", "x"]])
    def test_is_for_html(self, here: Runner, sink: Sink, options: list[str]) -> None:
        assert (here("send", WHOM, *options).code, sink.commands) == (64, [])

    def test_a_root_that_is_not_there(self, here: Runner, sink: Sink, page: Path) -> None:
        done = here("send", WHOM, "--html", "x", "--inline-root", page)

        assert (done.code, sink.commands) == (66, [])


INVITATION = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@x\nDTSTAMP:20260101T000000Z\n"
    "SUMMARY:Grüße\n und mehr\nEND:VEVENT\nEND:VCALENDAR\n"
)


class TestCalendar:
    @pytest.mark.parametrize("path", ["-", "in.ics", "in.txt"])
    def test_is_a_form_of_the_text_and_a_file(self, here: Runner, sink: Sink, tmp_path: Path, path: str) -> None:
        (tmp_path / path).write_text(INVITATION)
        given = path if path == "-" else tmp_path / path
        done = here("send", WHOM, "-m", "Come", "-a", __file__, "--calendar", given, stdin=INVITATION.encode())

        assert (done.code, done.err) == (0, "")
        *_, plain, calendar, source, file = received(sink).walk()
        assert [part.get_content_type() for part in received(sink).walk()] == [
            "multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", source.get_content_type(),
            "application/ics",
        ]  # fmt: skip
        assert (text_of(plain), text_of(calendar)) == ("Come\n", INVITATION)
        assert dict(calendar["Content-Type"].params) == {"charset": "utf-8", "method": "REQUEST"}
        assert file.get_filename() == ("in.ics" if path == "in.ics" else "invite.ics")
        assert file.get_content() == INVITATION.replace("\n", "\r\n").encode()

    @pytest.mark.parametrize(
        ("calendar", "words"),
        [
            (b"", "line 1: this is no calendar"),
            (b"hello\n", "line 1: “hello” is no line of a calendar"),
            (b"X:1\n", "line 1: a calendar begins with BEGIN:VCALENDAR"),
            (INVITATION.encode("latin-1"), "line 8: a calendar is UTF-8"),
            (INVITATION.replace("METHOD:REQUEST\n", "").encode(), "line 10: the calendar that ends here has no METHOD"),
            (INVITATION.replace("REQUEST", "DANCE").encode(), "line 4: METHOD:DANCE is none of PUBLISH"),
            (INVITATION.replace("END:VEVENT", "END:VTODO").encode(), "line 10: END:VTODO ends what was not begun"),
            (INVITATION.replace("END:VCALENDAR\n", "").encode(), "line 10: the calendar has no end"),
            (INVITATION.encode() * 2, "line 12: something stands after the end"),
            (INVITATION.replace("UID:1", "UID:\0").encode(), "line 6: a control character"),
            (INVITATION.replace("METHOD:", "METHOD:REQUEST\nMETHOD:").encode(), "line 5: METHOD is there twice"),
            (
                b"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:REQUEST\nEND:VCALENDAR",
                "line 5: the calendar that ends",
            ),
        ],
    )
    def test_what_is_no_calendar(self, here: Runner, sink: Sink, calendar: bytes, words: str) -> None:
        done = here("send", WHOM, "-m", "x", "--calendar", "-", stdin=calendar)

        assert (done.code, sink.commands) == (65, [])
        assert f"standard input, {words}" in done.lines[0]


class TestSignatureOfTheProfile:
    @pytest.fixture
    def signed(self, machine: Machine, sink: Sink) -> Runner:
        machine.configure(
            f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n'
            'signature = """Ada\nEngines"""\n'
            f'[profile.there]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\nsignature_file = "sig"\n'
        )
        return Runner(machine)

    @pytest.mark.parametrize(
        ("options", "signature"),
        [
            ([], "-- \nAda\nEngines\n"),
            (["--no-signature"], ""),
            (["--signature", "A."], "-- \nA.\n"),
            (["--signature", ""], ""),
        ],
    )
    def test_stands_there_unless_another_is_given(
        self, signed: Runner, sink: Sink, options: list[str], signature: str
    ) -> None:
        assert signed("send", "-p", "here", WHOM, "-m", "x", *options).code == 0
        assert body(sink) == f"x\n{signature}"

    def test_in_a_file_beside_the_profiles(self, signed: Runner, machine: Machine, sink: Sink) -> None:
        missing = signed("send", "-p", "there", WHOM, "-m", "x")
        assert missing.code == 66
        assert "sig” (signature_file, " in missing.lines[0].replace(": No such file or directory", "")

        (Path(machine.user_config_folder) / "sig").write_text("Ada\n")
        assert signed("send", "-p", "there", WHOM, "-m", "x").code == 0
        assert body(sink) == "x\n-- \nAda\n"

    def test_a_ready_message_gets_none(self, signed: Runner, sink: Sink) -> None:
        signed("send", "-p", "here", WHOM, "--raw", "-", stdin=b"Subject: x\n\nx\n")
        assert b"Engines" not in sink.received
