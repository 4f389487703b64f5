"""From chooses the profile, and the profile may say what From is: in every way into a message."""

from __future__ import annotations

from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.command import Done, Runner
    from tests.support.sink import Sink

TO = "bob@example.org"
READY = b"From: %s\nTo: bob@example.org\nSubject: hi\n\nhello\n"
ADA = 'from = "Ada <ada@work.example>"\n'


def configure(run: Runner, sink: Sink, *, top: str = "", **profiles: str) -> None:
    server = f'server = "127.0.0.1:{sink.port}"\n'
    run.machine.configure(top + "".join(f"[profile.{name}]\n{server}{text}" for name, text in profiles.items()))


def two(run: Runner, sink: Sink) -> None:
    configure(
        run, sink, top='default = "home"\n',
        home='from = "ada@home.example"\nheaders = { X-Profile = "home" }\n',
        work=ADA + 'match = ["*@work.example", "ada@*"]\n',
    )  # fmt: skip


def profile_of(done: Done) -> str:
    assert done.code == 0, done.err
    (words,) = [line.split() for line in done.lines if line.split()[1:2] == ["profile"]]
    return words[2]


class TestChoice:
    @pytest.mark.parametrize(
        ("words", "stdin", "profile"),
        [
            (["-m", "hi"], b"", "home"),
            (["-m", "hi", "-f", "eve@work.example"], b"", "work"),
            (["-m", "hi", "-f", "Ada <ada@elsewhere.example>"], b"", "work"),
            (["-m", "hi", "-f", "eve@elsewhere.example"], b"", "home"),
            (["-m", "hi", "-f", "eve@work.example", "-p", "home"], b"", "home"),
            (["-m", "hi", "-H", "From: eve@work.example"], b"", "work"),
            (["--raw", "-"], READY % b"eve@work.example", "work"),
            (["--raw", "-"], READY % b"eve@elsewhere.example", "home"),
            (["--raw", "-", "--no-fixup"], READY.replace(b"\n", b"\r\n") % b"eve@work.example", "work"),
            (["--resend", "-", "-f", "eve@work.example"], READY % b"x@elsewhere.example", "work"),
            (["--resend", "-"], READY % b"x@work.example", "home"),
            (["--reply-to-message", "-", "-m", "hi", "-f", "eve@work.example"], READY % b"x@home.example", "work"),
        ],
    )
    def test_by_the_sender(self, run: Runner, sink: Sink, words: list[str], stdin: bytes, profile: str) -> None:
        two(run, sink)
        assert profile_of(run("send", "-v", *words, TO, stdin=stdin)) == profile

    def test_by_the_variable_before_the_sender(self, run: Runner, sink: Sink) -> None:
        two(run, sink)
        run.machine.variables["SENDMAIL_CLI_PROFILE"] = "home"
        assert profile_of(run("send", "-v", "-m", "hi", "-f", "eve@work.example", TO)) == "home"

    def test_is_told_with_its_pattern(self, run: Runner, sink: Sink) -> None:
        two(run, sink)
        done = run("send", "-v", "-m", "hi", "-f", "ada@work.example", TO)
        assert "match “*@work.example” in ~/.config/sendmail-cli/profiles.toml, line 9" in done.err

    def test_of_two_the_more_exact_pattern(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, a='match = "*@work.example"\n', b='match = "ada@work.example"\n', c='match = "*@*"\n')
        for sender, profile in (("ada@work.example", "b"), ("eve@work.example", "a"), ("eve@x.example", "c")):
            assert profile_of(run("send", "-v", "-m", "hi", "-f", sender, TO)) == profile

    def test_of_two_that_match_alike_neither(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, a='match = "*@work.example"\n', b='match = ["*@WORK.example"]\n')
        done = run("send", "-m", "hi", "-f", "ada@work.example", TO)
        assert done.code == 78
        assert "ada@work.example is matched by the profile a (“*@work.example”" in done.err
        assert "as exactly as by b (“*@WORK.example”" in done.err
        assert sink.received == b""

    def test_goes_without_a_default(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, a='match = "*@work.example"\n', b="")
        assert run("send", "-m", "hi", "-f", "eve@work.example", TO).code == 0
        assert run("send", "-m", "hi", "-f", "eve@x.example", TO).code == 78
        assert run("send", "-n", "-m", "hi", "-f", "eve@work.example", TO).code == 0

    def test_for_check_too(self, run: Runner, sink: Sink) -> None:
        two(run, sink)
        assert "profile work" in run("check", "--from", "eve@work.example").out.decode()


def delivered(sink: Sink) -> dict[str, str | None]:
    message = message_from_bytes(sink.received)
    path = sink.commands[0].split(b":")[1].split()[0].decode()
    return {"from": message["From"], "reply-to": message["Reply-To"], "sender": message["Sender"], "path": path}


FORCED = {
    "from": "Ada <ada@work.example>",
    "reply-to": "eve@x.example",
    "sender": None,
    "path": "<ada@work.example>",
}


class TestForcedFrom:
    @pytest.mark.parametrize(
        ("words", "stdin"),
        [
            (["-m", "hi", "-f", "eve@x.example"], b""),
            (["-m", "hi", "-H", "From: eve@x.example", "--sender", "s@x.example"], b""),
            (["-m", "hi", "-f", "eve@x.example", "--envelope-from", "b@x.example"], b""),
            (["--raw", "-"], READY % b"eve@x.example\nSender: s@x.example"),
            (["--raw", "-", "--envelope-from", "b@x.example"], READY % b"eve@x.example"),
        ],
    )
    def test_who_it_should_be_is_answered(self, run: Runner, sink: Sink, words: list[str], stdin: bytes) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        assert run("send", *words, TO, stdin=stdin).code == 0
        assert delivered(sink) == FORCED

    @pytest.mark.parametrize(
        ("words", "stdin"),
        [
            (["-m", "hi", "-f", "eve@x.example", "--reply-to", "r@x.example"], b""),
            (["-m", "hi", "-f", "eve@x.example", "-H", "Reply-To: r@x.example"], b""),
            (["--raw", "-"], READY % b"eve@x.example\nReply-To: r@x.example"),
        ],
    )
    def test_but_where_others_are(self, run: Runner, sink: Sink, words: list[str], stdin: bytes) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        assert run("send", *words, TO, stdin=stdin).code == 0
        assert delivered(sink) == FORCED | {"reply-to": "r@x.example"}

    @pytest.mark.parametrize(
        ("words", "stdin"),
        [
            (["-m", "hi"], b""),
            (["-m", "hi", "-f", "ada@work.example"], b""),
            (["--raw", "-"], READY % b"ada@work.example"),
        ],
    )
    def test_who_is_the_same_is_not_answered_twice(
        self, run: Runner, sink: Sink, words: list[str], stdin: bytes
    ) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        assert run("send", *words, TO, stdin=stdin).code == 0
        assert delivered(sink)["reply-to"] is None

    def test_whoever_is_answered_is_encoded_once(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        assert run("send", "--raw", "-", TO, stdin=READY % b"=?utf-8?q?=C3=89ve?= <eve@x.example>").code == 0
        assert delivered(sink)["reply-to"] == "=?utf-8?q?=C3=89ve?= <eve@x.example>"

    def test_the_null_path_stays(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        assert run("send", "--raw", "-", "--envelope-from", "<>", TO, stdin=READY % b"eve@x.example").code == 0
        assert delivered(sink) == FORCED | {"path": "<>"}

    @pytest.mark.parametrize(
        ("words", "field", "reason"),
        [
            (["--no-fixup"], b"", "nothing may be changed"),
            ([], b"\r\nDKIM-Signature: v=1", r"is signed (line 2), so that"),
        ],
    )
    def test_what_may_not_be_changed_is_refused(
        self, run: Runner, sink: Sink, words: list[str], field: bytes, reason: str
    ) -> None:
        configure(run, sink, work=ADA + "force_from = true\n")
        ready = READY.replace(b"\n", b"\r\n") % (b"eve@x.example" + field)
        done = run("send", "--raw", "-", *words, TO, stdin=ready)
        assert (done.code, reason in done.err) == (65, True), done.err
        assert sink.received == b""

    def test_needs_a_from(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, work="force_from = true\n")
        assert run("send", "-m", "hi", TO).code == 78


class TestAllowedFrom:
    @pytest.mark.parametrize(
        ("words", "stdin", "code"),
        [
            (["-m", "hi"], b"", 0),
            (["-m", "hi", "-f", "eve@work.example"], b"", 0),
            (["-m", "hi", "-f", "eve@x.example"], b"", 65),
            (["-m", "hi", "-f", "eve@work.example, eve@x.example"], b"", 65),
            (["-m", "hi", "--envelope-from", "eve@x.example"], b"", 65),
            (["-m", "hi", "--envelope-from", "<>"], b"", 0),
            (["--raw", "-"], READY % b"eve@work.example", 0),
            (["--raw", "-"], READY % b"eve@x.example", 65),
            (["--raw", "-", "--envelope-from", "eve@work.example"], READY % b"eve@x.example", 65),
        ],
    )
    def test_nobody_else_sends(self, run: Runner, sink: Sink, words: list[str], stdin: bytes, code: int) -> None:
        configure(run, sink, work=ADA + 'allow_from = "*@work.example"\n')
        done = run("send", *words, TO, stdin=stdin)
        assert done.code == code, done.err
        if code:
            assert "eve@x.example is no sender for the profile work: allow_from (~/.config" in done.err
            assert "-p NAME" in done.err
            assert sink.received == b""


class TestCopies:
    @pytest.mark.parametrize(("words", "stdin"), [(["-m", "hi"], b""), (["--raw", "-"], READY % b"ada@work.example")])
    def test_go_along_unseen(self, run: Runner, sink: Sink, words: list[str], stdin: bytes) -> None:
        configure(run, sink, work=ADA + f'bcc = "archive@work.example, {TO}"\n')
        assert run("send", *words, TO, stdin=stdin).code == 0
        assert len(sink.commands) == 3
        assert b"RCPT TO:<archive@work.example>\r\n" in sink.commands
        assert b"archive" not in sink.received

    def test_are_no_recipients_by_themselves(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, work=ADA + 'bcc = "archive@work.example"\n')
        assert run("send", "-m", "hi").code == 64

    def test_of_what_is_sent_on_there_are_none(self, run: Runner, sink: Sink) -> None:
        configure(run, sink, work=ADA + 'bcc = "archive@work.example"\n')
        assert run("send", "--resend", "-", TO, stdin=READY % b"eve@x.example").code == 0
        assert len(sink.commands) == 2


def test_a_profile_is_set_up_with_its_rules(run: Runner) -> None:
    words = ["--match", "*@work.example", "--match", "ada@*", "--bcc", "a@x.example", "--allow-from", "*@work.example"]
    assert run("profile", "add", "work", "--from", "ada@work.example", "--server", "h.example", *words).code == 0
    shown = run("profile", "show", "work").out.decode()
    for words_shown in ("allow_from  *@work.example", "bcc         a@x.example"):
        assert words_shown in shown
    assert run("profile", "set", "work", "--force-from", "--unset", "allow_from").code == 0
    assert "force_from  true" in run("profile", "show", "work").out.decode()
