"""On a terminal the text is written in an editor, and no failure loses it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from sendmail_cli import service
from sendmail_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

    from tests.support.command import Done, Runner
    from tests.support.sink import Sink

WHOM = "bob@example.org"
UNREACHABLE = ("-S", "localhost:1")


@pytest.fixture
def typist(here: Runner) -> Runner:
    """Somebody at a terminal whose editor writes “typed” and leaves its variables in a file."""
    here.machine.terminals = {"stdin", "stdout", "stderr"}
    give_editor(here, 'env > "$HOME/variables"; printf "typed\\n" > "$1"')
    return here


def give_editor(runner: Runner, script: str, variable: str = "EDITOR") -> Path:
    path = runner.machine.folder / "an editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    runner.machine.variables[variable] = f"'{path}'"
    (runner.machine.folder / "home").mkdir(exist_ok=True)
    return path


def kept(runner: Runner) -> list[Path]:
    return sorted((runner.machine.state / "drafts").glob("*"))


def check_kept(runner: Runner, done: Done, text: str = "typed\n") -> None:
    """The text is where it is said to be, and nobody else can read it."""
    [path] = kept(runner)
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    said = " ".join(done.err.split())
    assert f"Your text is kept in {path}; --body-file sends it." in said


def test_sends_what_was_written_and_leaves_nothing(typist: Runner, sink: Sink) -> None:
    done = typist("send", WHOM)

    assert done.code == 0
    assert sink.received.endswith(b"\r\n\r\ntyped\r\n")
    assert kept(typist) == []
    assert "kept" not in done.err.partition("said")[0]


def test_visual_goes_before_editor(typist: Runner, sink: Sink) -> None:
    typist.machine.variables["EDITOR"] = "/no/such/editor"
    give_editor(typist, 'printf "visual" > "$1"', "VISUAL")

    assert typist("send", WHOM).code == 0
    assert b"visual" in sink.received


def test_an_editor_may_have_arguments(typist: Runner, sink: Sink) -> None:
    path = give_editor(typist, 'test "$1" = -f && printf "with -f" > "$2"')
    typist.machine.variables["EDITOR"] = f"'{path}' -f"

    assert typist("send", WHOM).code == 0
    assert b"with -f" in sink.received


def test_the_editor_gets_no_password(typist: Runner) -> None:
    typist.machine.variables["SENDMAIL_CLI_PASSWORD__HERE"] = "hunter2"

    assert typist("send", WHOM).code == 0
    variables = (typist.machine.folder / "home/variables").read_text()
    assert "HOME=" in variables
    assert "hunter2" not in variables


@pytest.mark.parametrize("option", [["-m", "given"], ["--html", "given"], ["--no-stdin"]])
def test_does_not_open_when_there_is_a_text(typist: Runner, option: list[str]) -> None:
    assert typist("send", WHOM, *option).code == 0
    assert not (typist.machine.folder / "home/variables").exists()


class TestKeepsTheText:
    def test_when_there_is_no_connection(self, typist: Runner) -> None:
        done = typist("send", WHOM, *UNREACHABLE)

        assert done.code == 75
        check_kept(typist, done)

    def test_and_says_so_in_json(self, typist: Runner, mocker: MockerFixture) -> None:
        mocker.patch.object(service, "send", side_effect=UsageError("no", hint="Go on."))
        typist.machine.terminals = {"stdin", "stderr"}
        give_editor(typist, 'printf "typed\\n" > "$1"')
        mocker.patch("sendmail_cli.cli.editor.Manuscript._run_editor", _type)

        done = typist("send", WHOM, "--json")

        [path] = kept(typist)
        assert done.json["error"]["hint"] == f"Go on. Your text is kept in {path}; --body-file sends it."

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), ConfigError("x")])
    def test_whatever_happens(self, typist: Runner, mocker: MockerFixture, error: BaseException) -> None:
        mocker.patch.object(service, "send", side_effect=error)

        check_kept(typist, typist("send", WHOM))

    def test_when_the_editor_fails(self, typist: Runner) -> None:
        give_editor(typist, 'printf "typed\\n" > "$1"; exit 3')

        done = typist("send", WHOM)

        assert done.code == 78
        assert "failed with exit code 3, so nothing was sent" in " ".join(done.err.split())
        check_kept(typist, done)

    def test_when_nothing_was_to_be_sent(self, typist: Runner, sink: Sink) -> None:
        done = typist("send", "--dry-run", WHOM)

        assert (done.code, sink.commands) == (0, [])
        check_kept(typist, done)

    def test_whatever_the_umask(self, typist: Runner, mocker: MockerFixture) -> None:
        import os

        before = os.umask(0)
        try:
            done = typist("send", WHOM, *UNREACHABLE)
        finally:
            os.umask(before)

        check_kept(typist, done)


class TestSendsNothing:
    @pytest.mark.parametrize("script", ["true", 'printf "\\n \\n" > "$1"', 'rm "$1"'])
    def test_when_nothing_was_written(self, typist: Runner, sink: Sink, script: str) -> None:
        give_editor(typist, script)

        done = typist("send", WHOM)

        assert done.code == (74 if script.startswith("rm") else 64)
        assert sink.commands == []
        assert kept(typist) == []

    @pytest.mark.parametrize(
        "words", [[], ["bob@"], [WHOM, "-a", "/no/such"], [WHOM, "-s", "a\nb"], [WHOM, "-p", "none"]]
    )
    def test_and_lets_nobody_write_what_could_not_be_sent(self, typist: Runner, words: list[str]) -> None:
        assert typist("send", *words).code in {64, 65, 66, 78}
        assert not (typist.machine.folder / "home/variables").exists()
        assert kept(typist) == []

    @pytest.mark.parametrize("way", ["--no-input", "no terminal"])
    def test_where_nobody_may_be_asked(self, typist: Runner, way: str) -> None:
        if way == "no terminal":
            typist.machine.terminals = {"stdin"}

        done = typist("send", WHOM, *([way] if way.startswith("--") else []))

        assert done.code == 64
        assert done.lines[0] == "sendmail-cli: no text was given"

    @pytest.mark.parametrize("editor", ["/no/such/editor", "'unended"])
    def test_with_an_editor_that_is_none(self, typist: Runner, editor: str) -> None:
        typist.machine.variables["EDITOR"] = editor

        done = typist("send", WHOM)

        assert done.code == 78
        assert "editor" in done.err.lower()
        assert kept(typist) == []

    def test_without_any_editor(self, typist: Runner, mocker: MockerFixture) -> None:
        del typist.machine.variables["EDITOR"]
        mocker.patch("shutil.which", return_value=None)

        done = typist("send", WHOM)

        assert (done.code, "$EDITOR" in done.err) == (78, True)

    def test_where_the_text_could_not_be_kept(self, typist: Runner) -> None:
        typist.machine.state.parent.mkdir(parents=True)
        typist.machine.state.write_text("a file in the folder's place")

        assert typist("send", WHOM).code == 73


def test_takes_the_first_editor_there_is(typist: Runner, sink: Sink, mocker: MockerFixture) -> None:
    path = give_editor(typist, 'printf "found" > "$1"')
    del typist.machine.variables["EDITOR"]
    mocker.patch("shutil.which", side_effect=lambda name: str(path) if name == "nano" else None)

    assert typist("send", WHOM).code == 0
    assert b"found" in sink.received


def _type(_: object, path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("typed\n")
