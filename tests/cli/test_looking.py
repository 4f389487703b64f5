"""`send --lint`, `--preview` and `--preview-file`: what a person sees before anything is sent."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink

WHOM = "bob@example.org"
GOOD = ("-s", "hello there", "-m", "See you on Thursday.")


@pytest.fixture
def browser(machine: Machine, tmp_path: Path) -> Path:
    """A browser that writes down what it was given, and which of our variables it was told."""
    opened = tmp_path / "opened"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho noise; echo "$1" >{opened}\nenv >>{opened}\n')
    program.chmod(0o700)
    machine.variables["BROWSER"] = f"{program} %s"
    return opened


class TestLint:
    def test_nothing_is_found(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, *GOOD, "--lint")

        assert (done.code, done.out, done.err) == (0, b"", "")
        assert not sink.received

    def test_a_person_is_told_that_nothing_was_found(self, here: Runner, machine: Machine) -> None:
        machine.terminals = {"stderr"}

        assert here("send", WHOM, *GOOD, "--lint").err == "nothing was found\n"

    def test_what_is_found(self, here: Runner, sink: Sink) -> None:
        done = here("send", WHOM, "-m", "hi", "-s", "BUY THIS NOW", "--lint")

        assert done.code == 65
        assert done.out.decode() == (
            "warning  Subject: the subject is all in capitals [subject-shouts]\n         Write it as a sentence.\n"
        )
        assert not sink.received

    def test_a_note_is_no_failure(self, here: Runner) -> None:
        done = here("send", WHOM, "-m", "hi", "-s", "and so on " * 13, "--lint")

        assert done.code == 0
        assert done.out.startswith(b"note     Subject: ")

    def test_as_data(self, here: Runner) -> None:
        done = here("send", WHOM, "-m", "hi", "--lint", "--json")

        assert done.code == 65
        assert done.json == {
            "schema": 1,
            "exit_code": 65,
            "findings": [
                {
                    "code": "subject-missing",
                    "severity": "warning",
                    "sentence": "there is no subject",
                    "advice": "Say in a few words what it is about: --subject.",
                    "where": "Subject",
                    "line": None,
                }
            ],
        }

    def test_nothing_as_data(self, here: Runner) -> None:
        assert here("send", WHOM, *GOOD, "--lint", "--json").json == {"schema": 1, "exit_code": 0, "findings": []}

    def test_a_ready_message(self, run: Runner, machine: Machine) -> None:
        """No server need be set up."""
        message = b"From: ada@example.org\nTo: bob@example.org\nSubject: one\nSubject: two\n\nhello\n"
        done = run("send", "--raw", "-", "--lint", stdin=message)

        assert done.code == 65
        assert b"error    Subject, line 4: Subject stands 2 times" in done.out

    def test_a_message_that_is_sent_on(self, run: Runner) -> None:
        """Whoever sends it on need not be at the domain of its author."""
        message = b"From: eve@example.net\nTo: ada@example.org\nMessage-ID: <1@example.net>\n\nhello\n"
        done = run("send", "-f", "ada@example.org", WHOM, "--resend", "-", "--lint", stdin=message)

        assert done.code == 65
        assert set(re.findall(rb"\[([a-z-]+)\]", done.out)) == {b"date-missing", b"subject-missing"}

    def test_hostile_words_steer_no_terminal(self, here: Runner) -> None:
        message = (
            b"From: ada@example.org\nTo: bob@example.org\nSubject: hi\nMIME-Version: 1.0\n"
            b'Content-Type: text/plain; name="\x1b[2J.exe"\nContent-Disposition: attachment\n\nhello\n'
        )
        done = here("send", "--raw", "-", "--lint", stdin=message)

        assert b"\x1b" not in done.out

    def test_each_of_a_mailbox(self, here: Runner) -> None:
        message = b"From ada Thu Jan  1 00:00:00 2026\nFrom: ada@example.org\nTo: bob@example.org\n\nhello\n\n"
        done = here("send", "--raw", "-", "--lint", stdin=message * 2)

        assert done.code == 65
        assert done.out.count(b"[subject-missing]") == 2
        assert done.err == "message 1\nmessage 2\n"


class TestPreviewFile:
    def test_it_is_written_for_its_owner_and_nothing_is_sent(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        path = tmp_path / "page.html"
        done = here("send", WHOM, "-b", "eve@example.org", *GOOD, "--preview-file", path)

        assert (done.code, done.out, done.err) == (0, b"", "")
        page = path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert "<h1>hello there</h1>" in page
        assert "See you on Thursday." in page
        assert f"127.0.0.1:{sink.port}" in page
        hidden = re.search("in no header.*?</div>", page, re.DOTALL)
        assert hidden is not None
        assert "eve@example.org" in hidden[0]
        assert page.count("eve@example.org") == 1
        assert not sink.received

    def test_to_standard_output(self, here: Runner) -> None:
        done = here("send", WHOM, *GOOD, "--preview-file", "-")

        assert done.out.startswith(b"<!DOCTYPE html>")
        assert done.out.endswith(b"</html>\n")

    def test_it_says_that_no_server_is_set_up(self, run: Runner) -> None:
        done = run("send", "-f", "ada@example.org", WHOM, *GOOD, "--preview-file", "-")

        assert b"no server is set up" in done.out

    def test_a_file_that_is_to_be_sent_is_not_written_over(self, here: Runner, tmp_path: Path) -> None:
        path = tmp_path / "report.txt"
        path.write_text("precious")
        done = here("send", WHOM, *GOOD, "-a", path, "--preview-file", path)

        assert done.code == 64
        assert "--preview-file would write to" in done.err
        assert path.read_text() == "precious"

    def test_a_folder_that_is_not_there(self, here: Runner, tmp_path: Path) -> None:
        done = here("send", WHOM, *GOOD, "--preview-file", tmp_path / "nowhere" / "page.html")

        assert done.code == 73
        assert "can't write the preview to" in done.err

    def test_a_variable_that_is_not_set_sends_nothing(self, here: Runner, sink: Sink) -> None:
        """--preview-file "$page", where nobody set it."""
        assert here("send", WHOM, *GOOD, "--preview-file", "").code == 73
        assert not sink.received

    def test_a_message_that_is_sent_on(self, run: Runner) -> None:
        message = b"From: eve@example.net\nTo: ada@example.org\nSubject: lunch\n\nhello\n"
        words = ("send", "-f", "ada@example.org", WHOM, "--resend", "-", "--preview-file", "-")
        page = run(*words, stdin=message).out.decode()

        assert "<h1>lunch</h1>" in page
        assert "<dd>eve@example.net</dd>" in page
        assert "Resent-To: bob@example.org" in page
        assert "in no header" not in page

    def test_a_device_is_no_file(self, here: Runner) -> None:
        assert here("send", WHOM, *GOOD, "--preview-file", "/dev/null").code == 73

    def test_a_large_attachment_is_not_in_it(self, here: Runner, tmp_path: Path) -> None:
        (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(3_000_000))
        done = here("send", WHOM, *GOOD, "-a", tmp_path / "large.png", "--preview-file", "-")

        assert b"large.png" in done.out
        assert b"3 MB" in done.out
        assert len(done.out) < 20_000


class TestPreview:
    def test_the_browser_shows_it(self, here: Runner, browser: Path, machine: Machine, sink: Sink) -> None:
        machine.variables["SENDMAIL_CLI_PASSWORD__HERE"] = "hunter2"
        done = here("send", WHOM, *GOOD, "--preview")

        assert (done.code, done.out) == (0, b"")
        assert not sink.received
        [page] = (machine.state / "preview").iterdir()
        assert browser.read_text().startswith(page.as_uri())
        assert "hunter2" not in browser.read_text()
        assert str(page) in done.err
        assert "noise" not in done.err
        assert page.stat().st_mode & 0o777 == 0o600
        assert page.parent.stat().st_mode & 0o777 == 0o700
        assert "See you on Thursday." in page.read_text()

    def test_without_a_display_it_says_where_the_page_is(self, here: Runner, machine: Machine) -> None:
        done = here("send", WHOM, *GOOD, "--preview")

        [page] = (machine.state / "preview").iterdir()
        assert done.code == 0
        assert done.err == f"no browser could be opened here; the page is in {page}\n"

    def test_a_browser_that_fails(self, here: Runner, machine: Machine) -> None:
        machine.variables["BROWSER"], machine.variables["PATH"] = "false", "/nowhere"

        assert "no browser could be opened here" in here("send", WHOM, *GOOD, "--preview").err

    def test_it_shows_one_message_alone(self, here: Runner) -> None:
        message = b"From ada Thu Jan  1 00:00:00 2026\nFrom: ada@example.org\nTo: bob@example.org\n\nhello\n\n"
        done = here("send", "--raw", "-", "--preview", stdin=message * 2)

        assert done.code == 64
        assert "--lint looks at each of a mailbox" in done.err

    def test_old_pages_go(self, here: Runner, machine: Machine) -> None:
        folder = machine.state / "preview"
        folder.mkdir(parents=True)
        for name, age in (("old.html", 100_000), ("new.html", 1000)):
            (folder / name).write_text("looked at")
            os.utime(folder / name, (machine.now() - age,) * 2)
        here("send", WHOM, *GOOD, "--preview")

        names = {path.name for path in folder.iterdir()}
        assert "new.html" in names
        assert "old.html" not in names
        assert len(names) == 2

    def test_nowhere_to_write(self, here: Runner, machine: Machine) -> None:
        machine.state.parent.mkdir(parents=True, exist_ok=True)
        machine.state.write_text("in the way")
        done = here("send", WHOM, *GOOD, "--preview")

        assert done.code == 73
        assert "--preview-file" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lint", "--preview"), "--preview and --lint are two ways to look at a message"),
        (("--dry-run", "--lint"), "--dry-run and --lint are two ways"),
        (("--preview", "--json"), "--preview and --json both print to standard output"),
        (("--preview-file", "x.html", "--json"), "--preview-file and --json both print"),
        (("--lint", "--trace", "x.html"), "--lint speaks to no server"),
    ],
)
def test_options_that_do_not_go_together(here: Runner, options: tuple[str, ...], said: str) -> None:
    done = here("send", WHOM, *GOOD, *options)

    assert done.code == 64
    assert said in done.err
