"""`--trace FILE`: text, JSON lines, a page; private, whole whatever happens, and no reason for another outcome."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import signal
import stat
import threading
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from sendmail_cli.cli import trace_file, trace_page
from sendmail_cli.cli.output import Output
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.certificates import write_ca_file
from tests.support.command import Installed, finish, wait_for_line
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import (
    CONTENT,
    EHLO,
    IN_DOUBT,
    MAIL,
    PARTLY,
    PASSWORD,
    QUIT,
    RCPT,
    SENT,
    SIGN_IN,
    USER,
    forms_of,
    refusing,
    server,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Done, Runner
    from tests.support.sink import Sink

WHOM = "bob@example.org"
TEXT = (WHOM, "-f", "ada@example.org", "-m", "hi")
KINDS = ("trace.txt", "trace", "trace.json", "trace.jsonl", "trace.JSON", "trace.html", "trace.HTML")
EVENT = ["schema", "event", "time", "at", "seconds", "tls", "text", "code", "enhanced", "stage"]
END = [
    "schema",
    "event",
    "time",
    "at",
    "seconds",
    "message_id",
    "profile",
    "server",
    "exit_code",
    "error",
    "recipients",
]
TIME = re.compile(r"^ *[\d.]+ ms ")
each_kind = pytest.mark.parametrize("kind", ["trace.txt", "trace.jsonl", "trace.html"])


WHOLE = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
ENCODED = base64.b64encode(PASSWORD.encode()).decode()
ECHOES = {
    "refused": SIGN_IN + f"C? AUTH\nS: 535-5.7.8 no: {PASSWORD}\nS: 535 5.7.8 {ENCODED} {WHOLE}\n" + QUIT,
    "sent": SIGN_IN
    + f"C? AUTH\nS: 235 hello {PASSWORD}\nC? MAIL\nS: 250 {WHOLE}\nC? RCPT\nS: 250 {PASSWORD.upper()}\n"
    + f"C? DATA\nS: 354 {ENCODED}\nC.\nS: 250 {PASSWORD} {WHOLE}\n"
    + QUIT,
    "no reply": SIGN_IN + f"C? AUTH\nS: {PASSWORD} {WHOLE}\nC~\n",
}


def sent_to(run: Runner, script: str, *words: str | Path, code: int = 0) -> Done:
    """What `send` said to a server that plays `script`."""
    with server(script) as mx:
        done = run("send", *TEXT, "-S", f"localhost:{mx.port}", *words)
    assert done.code == code, done
    return done


def untimed(lines: list[str]) -> list[str]:
    """The lines of a trace among `lines`, without their times."""
    return [TIME.sub("", line) for line in lines if TIME.match(line)]


def objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class Page(HTMLParser):
    """What a reader sees, and what a browser is told."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text("utf-8")
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []  # of which tag, name, value
        self.pieces: list[str] = []
        self._open: list[str] = []
        self.feed(self.html)
        self.close()
        assert self._open == [], "a tag was left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    @property
    def structure(self) -> list[str]:
        """The tags, but for those of the axis: how many there are depends on the time it took."""
        return [tag for tag in self.tags if tag not in {"line", "text"}]

    def values(self, name: str) -> list[str]:
        return [value for _, each, value in self.attributes if each == name]


class TestText:
    def test_has_the_lines_of_verbose_and_what_came_of_it(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.txt"
        done = sent_to(run, SENT, "-v", "--trace", path)

        lines = path.read_text().splitlines()
        assert untimed(lines) == untimed(done.lines) != []
        assert lines[-3].endswith(" said 250 2.0.0 Ok: queued as 4F2A")
        assert lines[-2] == "            *    accepted  bob@example.org: 250 2.0.0 Ok: queued as 4F2A"
        assert re.fullmatch(r" {12}\*  exit code 0 after [\d.]+ ms", lines[-1])

    def test_alone_it_changes_nothing_of_what_is_said(self, run: Runner, tmp_path: Path) -> None:
        assert sent_to(run, SENT, "--trace", tmp_path / "trace").err == ""
        assert sent_to(run, SENT, "--trace", tmp_path / "t.json", "--json").json["exit_code"] == 0

    def test_explains_refusals(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace"
        sent_to(run, PARTLY, "eve@example.org", "--trace", path, code=80)

        text = path.read_text()
        assert "  refused   eve@example.org: 550 5.1.1 <eve@example.org>: no such user\n" in text
        assert "There is no mailbox with this address." in text

    def test_what_a_server_says_steers_no_terminal(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace"
        sent_to(run, refusing(EHLO, "MAIL", "550 \\x1b[2J \\xe2\\x80\\xae"), "--trace", path, code=69)

        assert "550 \\x1b[2J \\u202e" in path.read_text()
        assert path.read_text().replace("\n", "").isprintable()

    def test_a_device_is_written_to_as_it_is(self, run: Runner) -> None:
        before = os.stat("/dev/null").st_mode
        sent_to(run, SENT, "--trace", "/dev/null")
        assert os.stat("/dev/null").st_mode == before


class TestStandardError:
    def test_has_the_dialogue_and_nothing_else_of_verbose(self, run: Runner) -> None:
        done = sent_to(run, SENT, "--trace", "-", "-q")
        verbose = sent_to(run, SENT, "-v")

        def comparable(lines: list[str]) -> list[str]:
            return [re.sub(r":\d+$", "", line) for line in untimed(lines)]

        assert len(done.lines) == len(untimed(done.lines))
        assert comparable(done.lines) == comparable(verbose.lines)

    def test_with_verbose_each_line_comes_once(self, run: Runner) -> None:
        assert len(untimed(sent_to(run, SENT, "--trace", "-", "-v").lines)) == len(
            untimed(sent_to(run, SENT, "-v").lines)
        )


class TestJSON:
    def test_each_event_is_an_object_and_the_end_is_the_one_of_json(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.json"
        done = sent_to(run, PARTLY, "eve@example.org", "--json", "--trace", path, code=80)

        *events, end = objects(path)
        assert [list(event) for event in events] == [EVENT] * len(events)
        assert list(end) == END
        assert (end["event"], end | done.json) == ("end", end)
        assert {event["event"] for event in events} == {"note", "sent", "received", "content"}
        replies = [(event["code"], event["enhanced"]) for event in events if event["code"] is not None]
        assert replies[:2] == [(220, None), (250, None)]
        assert (550, "5.1.1") in replies
        assert [event["code"] for event in events if event["text"].startswith("250-")] == [None, None]

    def test_times_fit_together(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.jsonl"
        sent_to(run, SENT, "--trace", path)

        lines = objects(path)
        assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
        assert sum(line["seconds"] for line in lines) == pytest.approx(lines[-1]["at"], abs=0.01)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)

    def test_tells_tls(self, run: Runner, tmp_path: Path) -> None:
        script = (
            "S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS! starttls\n"
            "C? EHLO\nS: 250 mx\n" + QUIT
        )
        path, ca_file = tmp_path / "trace.json", write_ca_file(tmp_path)
        with ScriptedServer(parse_script(script)) as mx:
            words = ("--tls", "starttls", "--ca-file", ca_file, "-S", f"localhost:{mx.port}")
            assert run("check", *words, "--trace", path).code == 0

        said = [(event["text"], event["tls"]) for event in objects(path)[:-1]]
        assert said.index(("STARTTLS", False)) < next(at for at, (_, is_secured) in enumerate(said) if is_secured)
        assert said[-1] == ("221 2.0.0 Bye", True)

    def test_tells_the_stage(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.json"
        sent_to(run, SENT, "--trace", path)

        stages = {line["text"].partition(" ")[0]: line["stage"] for line in objects(path)[:-1]}
        assert (stages["connecting"], stages["connected"], stages["220"]) == ("dns", "connect", "greeting")
        assert (stages["EHLO"], stages["DATA"]) == ("ehlo", None)

    def test_an_error_before_there_is_a_dialogue(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.json"
        done = run("send", *TEXT, "--json", "--trace", path)

        [end] = objects(path)
        assert done.code == end["exit_code"] == 78
        assert (end["error"], end["at"]) == (done.json["error"], 0)

    def test_nothing_to_send(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.json"
        assert run("send", *TEXT[:3], "--skip-empty", "--trace", path).code == 0
        assert [(line["event"], line["exit_code"], line["error"]) for line in objects(path)] == [("end", 0, None)]


class TestPage:
    def test_shows_all_of_it(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, PARTLY, "eve@example.org", "--trace", path, code=80)

        page = Page(path)
        for words in (
            "Partly delivered", "accepted 1 of 2 recipients", "80 – partly delivered", "total time", "bob@example.org",
            "none, all of it in the clear", "550 5.1.1 <eve@example.org>: no such user", "MAIL FROM:<ada@example.org>",
            "There is no mailbox with this address.", "We name a recipient.", "354 go on", "221 2.0.0 Bye",
        ):  # fmt: skip
            assert words in page.text, words
        assert any(title.startswith("There is no mailbox") and "(RFC" in title for title in page.values("title"))
        rows = [value for tag, name, value in page.attributes if (tag, name) == ("li", "class")][2:]
        assert [row.split()[0] for row in rows].count("server") == 8
        assert page.tags.count("rect") == len(rows) == 19

    def test_bars_stand_on_one_axis_in_order(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, SENT, "--trace", path)

        bars = [
            (float(x), float(width))
            for x, width in re.findall(r'class="bar" x="([\d.]+)%" width="([\d.]+)%"', path.read_text())
        ]
        assert len(bars) > 10
        assert [x for x, _ in bars] == sorted(x for x, _ in bars)
        assert min(width for _, width in bars) > 0
        for (x, width), (after, _) in pairwise(bars):
            assert x + width == pytest.approx(after, abs=0.012)
        assert 50 < sum(bars[-1]) <= 100.001

    def test_asks_for_nothing_from_anywhere(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, SENT, "--trace", path)

        page = Page(path)
        assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(page.tags)
        assert not {"src", "style", "srcset", "action"} & {name for _, name, _ in page.attributes}
        assert set(page.values("href")) == {"#grid"}
        assert not re.search(r"https?:|url\(|@import|\bon\w+=", page.html)
        assert not any(name.startswith("on") for _, name, _ in page.attributes)

    def test_its_policy_names_its_style_and_allows_nothing_else(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, SENT, "--trace", path)

        [style] = re.findall(r"<style>(.*?)</style>", path.read_text(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        assert policy in Page(path).values("content")
        assert path.read_text().index("Content-Security-Policy") < path.read_text().index("<title>")

    @pytest.mark.parametrize(
        "said",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</pre></li></ol><h1>All is well</h1>",
            "' onmouseover='alert(1)",
            "&lt;script&gt; &#60;",
            "--></style><style>body{display:none}</style>",
        ],
    )
    @pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
    def test_what_a_hostile_server_says_is_text(self, run: Runner, tmp_path: Path, said: str, verb: str) -> None:
        path, plain = tmp_path / "trace.html", tmp_path / "plain.html"
        so_far = EHLO if verb == "MAIL" else MAIL
        escaped = "".join(f"\\x{ord(each):02x}" for each in said)
        sent_to(run, refusing(so_far, verb, f"550 {escaped}"), "--trace", path, code=69 if verb == "MAIL" else 67)
        sent_to(run, refusing(so_far, verb, "550 x"), "--trace", plain, code=69 if verb == "MAIL" else 67)

        assert f"550 {said}" in Page(path).text
        assert Page(path).structure == Page(plain).structure

    def test_what_a_user_says_is_text_too(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, PARTLY, '"<script>alert(1)</script>"@example.org', "--trace", path, code=80)

        assert '<"<script>alert(1)</script>"@example.org>' in Page(path).text

    @pytest.mark.parametrize(
        ("script", "code", "words"),
        [
            (SENT, 0, ["Sent", "none, all of it in the clear"]),
            (refusing(EHLO, "MAIL", "451 4.3.0 later"), 75, ["Not now", "451 4.3.0 later"]),
            (refusing(MAIL, "RCPT", "550 5.1.1 who"), 67, ["Not delivered", "refused", "There is no mailbox"]),
            (IN_DOUBT, 81, ["In doubt", "may have been delivered", "it ends"]),
            (RCPT + "C? DATA\nS! close\n", 75, ["Not now", "it ends"]),
            ("S: 554 5.7.1 go away\n" + QUIT, 77, ["Not delivered", "not sent", "554 5.7.1 go away"]),
            ("S: HTTP/1.1 400 no\nC~\n", 76, ["this is a web server, not an SMTP server", "it ends"]),
        ],
    )
    def test_says_how_it_ended(self, run: Runner, tmp_path: Path, script: str, code: int, words: list[str]) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, script, "--trace", path, code=code)

        page = Page(path)
        assert f"{code} – " in page.text
        for each in words:
            assert each in page.text, (each, page.text)

    def test_a_wait_that_ended_it_has_its_bar(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        sent_to(run, EHLO + "C? MAIL\nS! stall\n", "--timeout", "0.5", "--trace", path, code=75)

        *_, (x, width) = re.findall(r'class="bar" x="([\d.]+)%" width="([\d.]+)%"', path.read_text())
        assert float(x) < 50 < float(width)
        assert "the server did not answer to MAIL within 0.5 seconds" in Page(path).text

    def test_of_check(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        with server(EHLO + "C: VRFY ada\nS: 550 5.1.1 nobody\n" + QUIT) as mx:
            words = ("-S", f"localhost:{mx.port}", "--trace", path)
            assert run("check", *words, "--command", "VRFY ada").code == 67
            refused = Page(path)
        with server(EHLO + QUIT) as mx:
            assert run("check", "-S", f"localhost:{mx.port}", "--trace", path).code == 0

        assert "the server refused VRFY" in refused.text
        assert "All is well" in Page(path).text
        assert Page(path).text.startswith(f"All is well: localhost:{mx.port}, exit code 0 ")

    def test_of_a_server_that_is_not_there(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        assert run("check", "-S", "localhost:1", "--trace", path).code == 75
        assert "connecting to localhost:1" in Page(path).text
        assert "no connection to localhost" in Page(path).text

    def test_of_the_sandbox(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace.html"
        assert run("send", "-p", "sandbox", WHOM, "-m", "hi", "--trace", path).code == 0
        assert "encryptionTLSv1." in Page(path).text
        assert "encrypted (TLS)" in Page(path).text

    def test_a_link_to_a_page_stays_a_link(self, run: Runner, tmp_path: Path) -> None:
        (tmp_path / "there").mkdir()
        link = tmp_path / "link.html"
        link.symlink_to("there/trace.html")
        sent_to(run, SENT, "--trace", link)

        assert link.is_symlink()
        assert "Sent" in Page(tmp_path / "there/trace.html").text

    def test_nothing_is_left_beside_it(self, run: Runner, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        sent_to(run, SENT, "--trace", folder / "trace.html")
        assert [path.name for path in folder.iterdir()] == ["trace.html"]

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [
            (0, "0 ms"), (0.000001, "< 0.01 ms"), (0.00012, "0.12 ms"), (0.0123, "12.3 ms"), (0.1, "100 ms"),
            (0.9994, "999 ms"), (0.9996, "0.9996 s"), (1.0034, "1.003 s"), (300.04, "300 s"),
        ],
    )  # fmt: skip
    def test_durations_are_short(self, seconds: float, shown: str) -> None:
        assert trace_page._duration(seconds) == shown

    @pytest.mark.parametrize(
        ("seconds", "count"), [(1e-6, 6), (0.0037, 4), (0.99, 5), (1.02, 6), (30.2, 4), (601.0, 4), (7200.0, 4)]
    )
    def test_ticks_are_few_and_within(self, seconds: float, count: int) -> None:
        ticks = trace_page._ticks(seconds)
        assert ticks[0] == 0
        assert ticks[-1] <= seconds * 1.0001
        assert len(ticks) == count


class TestSecrets:
    """A server that says them back, on the lines of replies and in what becomes of the message."""

    @each_kind
    @pytest.mark.parametrize("echo", ECHOES)
    def test_are_in_no_file(self, run: Runner, tmp_path: Path, kind: str, echo: str) -> None:
        path = tmp_path / kind
        with server(ECHOES[echo]) as mx:
            run.machine.configure(
                f'[profile.work]\nfrom = "{USER}"\nserver = "localhost:{mx.port}"\nuser = "{USER}"\ntls = "none"\n'
            )
            run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = PASSWORD
            run("send", WHOM, "-m", "hi", "--trace", path)
            assert any(form in mx.received for form in forms_of(PASSWORD)), "it was not even sent"

        written = path.read_bytes()
        text = written.decode()
        if kind == "trace.jsonl":
            text += json.dumps(objects(path), ensure_ascii=False)
        for form in forms_of(PASSWORD):
            assert form.lower() not in written.lower()
            assert form.decode().casefold() not in text.casefold()
        assert "hunter2" not in text.casefold()
        assert "AUTH PLAIN ***" in text


class TestTheFile:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("is_there", [False, True])
    def test_is_for_its_owner_alone_and_new(self, run: Runner, tmp_path: Path, kind: str, *, is_there: bool) -> None:
        path = tmp_path / kind
        if is_there:
            path.write_text("what was here before\n" * 9999)
            path.chmod(0o644)
        umask = os.umask(0)
        try:
            sent_to(run, SENT, "--trace", path)
        finally:
            os.umask(umask)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "MAIL FROM" in path.read_text()
        assert "what was here" not in path.read_text()

    @pytest.mark.parametrize(
        "name", ["there/is/none.txt", "there/is/none.json", "there/is/none.html", "d", "d.html", ""]
    )
    @pytest.mark.parametrize("words", [("send", *TEXT), ("check",)])
    def test_that_cannot_be_written_ends_it_before_the_dial(
        self, run: Runner, tmp_path: Path, name: str, words: tuple[str, ...]
    ) -> None:
        for folder in ("d", "d.html"):
            (tmp_path / folder).mkdir()
        with server(SENT) as mx:
            done = run(*words, "-S", f"localhost:{mx.port}", "--trace", tmp_path / name if name else "", "--json")
            assert mx.connections == []

        assert (done.code, done.json["error"]["kind"]) == (73, "OutputError")
        assert done.lines[0].startswith("sendmail-cli: can't write the trace to ")
        assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"d", "d.html"}

    def test_a_full_disk_is_a_warning(self, run: Runner) -> None:
        done = sent_to(run, SENT, "--trace", "/dev/full")
        assert done.lines == ["sendmail-cli: warning: the trace in /dev/full is not whole: no space left on device"]

    def test_a_full_disk_leaves_a_failure_as_it_is(self, run: Runner) -> None:
        done = sent_to(run, refusing(MAIL, "RCPT", "550 5.1.1 who"), "--trace", "/dev/full", "--json", code=67)
        assert done.json["exit_code"] == 67

    @pytest.mark.parametrize("call", ["replace", "fsync"])
    def test_a_page_that_cannot_be_written_in_the_end_is_a_warning(
        self, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        path = tmp_path / "trace.html"
        path.write_text("the one before")
        monkeypatch.setattr(f"sendmail_cli.cli.trace_file.os.{call}", fail)
        done = sent_to(run, SENT, "--trace", path)

        assert done.lines == [f"sendmail-cli: warning: the trace in {path} is not whole: no space left on device"]
        assert path.read_text() == "the one before"
        assert {each.name for each in tmp_path.iterdir()} - {"home"} == {"trace.html"}

    def test_a_fault_of_ours_in_it_changes_no_outcome(
        self, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trace_page, "_header", None)
        done = sent_to(run, SENT, "--trace", tmp_path / "trace.html")
        assert "is not whole: a fault of sendmail-cli itself, TypeError" in done.err

    def test_a_reader_that_has_seen_enough_is_no_reason_to_complain(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)

        def read_a_line() -> None:
            with path.open() as pipe:
                pipe.readline()

        reader = threading.Thread(target=read_a_line)
        reader.start()
        with server("S! drip 0.01\n" + SENT) as mx:
            done = run("send", *TEXT, "-S", f"localhost:{mx.port}", "--trace", path)
        reader.join()
        assert (done.code, done.err) == (0, "")

    @pytest.mark.parametrize(
        "option", [("-a",), ("--attach-as", "x"), ("--attach-type", "text/plain"), ("--body-file",)]
    )
    def test_is_none_that_is_to_be_sent(self, run: Runner, tmp_path: Path, option: tuple[str, ...]) -> None:
        path, other = tmp_path / "report.txt", tmp_path / "link.txt"
        path.write_text("precious")
        other.symlink_to(path)
        done = run("send", *TEXT[:3], *option, path, "--trace", other, "-S", "localhost:1")

        assert (done.code, path.read_text()) == (64, "precious")
        assert done.lines[0] == f"sendmail-cli: --trace would write to {path}, which is to be sent"

    def test_goes_with_no_dry_run(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "trace"
        assert run("send", *TEXT, "-n", "--trace", path).code == 64
        assert not path.exists()


class TestTheEndComesEarly:
    """The installed command, stopped in the middle."""

    SEND = ("send", "-v", *TEXT)

    @pytest.fixture
    def command(self, tmp_path: Path) -> Installed:
        return Installed(tmp_path / "home")

    @pytest.mark.parametrize("kind", ["trace.txt", "trace.jsonl"])
    def test_a_crash_leaves_what_was_said(self, command: Installed, tmp_path: Path, kind: str) -> None:
        path = tmp_path / kind
        with (
            server(RCPT + "C? DATA\nS! stall\n") as mx,
            command.started(*self.SEND, "-S", f"localhost:{mx.port}", "--trace", path) as process,
        ):
            wait_for_line(process, b"-> DATA")
            while "DATA" not in path.read_text():  # it is said first and written then
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            finish(process)

        lines = path.read_text().splitlines()
        assert "DATA" in lines[-1]
        assert sum("RCPT TO" in line for line in lines) == 1
        if kind.endswith("jsonl"):
            assert [list(line) for line in objects(path)] == [EVENT] * len(lines)

    @pytest.mark.parametrize(
        "how", [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")], ids=["INT", "TERM"]
    )
    @each_kind
    def test_a_signal_is_told(
        self, command: Installed, tmp_path: Path, kind: str, how: tuple[signal.Signals, int, str]
    ) -> None:
        number, code, word = how
        path = tmp_path / kind
        with (
            server(RCPT + "C? DATA\nS! stall\n") as mx,
            command.started(*self.SEND, "-S", f"localhost:{mx.port}", "--trace", path) as process,
        ):
            wait_for_line(process, b"-> DATA")
            process.send_signal(number)
            assert finish(process).code == code

        text = path.read_text()
        assert f"{word}; nothing was sent" in text
        assert str(code) in text.splitlines()[-1] or kind == "trace.html"
        if kind == "trace.html":
            assert f"{word.capitalize()}" in Page(path).text

    @each_kind
    def test_after_the_final_dot_it_is_in_doubt(self, command: Installed, tmp_path: Path, kind: str) -> None:
        path = tmp_path / kind
        with (
            server(CONTENT + "S! stall\n") as mx,
            command.started(*self.SEND, "-S", f"localhost:{mx.port}", "--trace", path) as process,
        ):
            wait_for_line(process, b"-> .\n")
            process.send_signal(signal.SIGINT)
            assert finish(process).code == 81

        assert "it may have been delivered" in path.read_text()


def test_an_ending_by_an_unknown_fault_has_no_exit_code_yet(tmp_path: Path, run: Runner) -> None:
    for kind in ("trace.txt", "trace.json", "trace.html"):
        writer = trace_file._writer_for(str(tmp_path / kind), Output(run.machine))
        tracing = trace_file.Tracing(writer, run.machine, lambda error: pytest.fail(str(error)))
        tracing.event(TraceEvent("received", "250-a", 0.1, is_secured=False, at=0.1))
        tracing.end(ValueError("x"))

    assert "no exit code yet" in (tmp_path / "trace.txt").read_text()
    assert objects(tmp_path / "trace.json")[-1]["exit_code"] is None
    assert "ended by ValueError" in Page(tmp_path / "trace.html").text


def test_it_began_with_the_dial_however_long_the_text_took_to_write(run: Runner) -> None:
    class Writer:
        endings: ClassVar[list[trace_file.Ending]] = []

        def event(self, event: TraceEvent, now: float) -> None:
            pass

        def end(self, ending: trace_file.Ending) -> None:
            self.endings.append(ending)

        def close(self) -> None:
            pass

    now = run.machine.now()
    tracing = trace_file.Tracing(Writer(), run.machine, lambda error: pytest.fail(str(error)))
    tracing.event(TraceEvent("note", "connecting", 0.0, is_secured=False, at=-60.0))
    tracing.end()

    [ending] = Writer.endings
    assert ending.began == pytest.approx(now + 60, abs=5)


def test_an_event_knows_when_it_was_and_the_whole_reply() -> None:
    events: list[TraceEvent] = []
    ticks = iter(range(100))
    trace = Trace(lambda: float(next(ticks)), events.append)
    trace.redactor.add("hunter2")
    trace.sent("EHLO x")
    trace.received(Reply(535, ("5.7.8 no", "5.7.8 hunter2")))

    assert [(event.at, event.reply) for event in events] == [
        (1.0, None),
        (2.0, None),
        (3.0, Reply(535, ("5.7.8 no", "5.7.8 ***"))),
    ]


def test_a_sent_message_has_a_trace_of_every_kind(here: Runner, sink: Sink, tmp_path: Path) -> None:
    for kind in KINDS:
        assert here("send", WHOM, "-m", "hi", "--trace", tmp_path / kind).code == 0
        assert "RCPT TO:" in (tmp_path / kind).read_text()
    assert sink.received.count(b"Message-ID") == len(KINDS)
