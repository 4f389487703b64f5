"""What the shell is told when it completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.shell_completion import BashComplete

from sendmail_cli.cli.app import app

if TYPE_CHECKING:
    from tests.support.command import Machine


def completions(words: str) -> list[tuple[str, str]]:
    args = words.split(" ")
    shell = BashComplete(app, {}, "sendmail-cli", "_SENDMAIL_CLI_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions(args[:-1], args[-1])]


@pytest.fixture
def home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", machine.home)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SENDMAIL_CLI_CONFIG", raising=False)
    return machine


@pytest.mark.parametrize("words", ["send -p ", "send --profile ", "login ", "profile show ", "check -p "])
def test_profiles(home: Machine, words: str) -> None:
    home.configure(
        '[profile.work]\nfrom = "a@example.org"\nserver = "x.example"\n'
        '[profile.home]\nfrom = "a@example.org"\nserver = "x.example"\n'
    )

    assert completions(words) == [("plain", "work"), ("plain", "home")]
    assert completions(f"{words}w") == [("plain", "work")]


@pytest.mark.parametrize("profiles", ["no TOML at all", "profile = 3"])
def test_a_mistake_in_the_file_is_no_matter_here(home: Machine, profiles: str) -> None:
    home.configure(profiles)

    assert completions("send -p ") == []


@pytest.mark.parametrize("option", ["--attach", "--body-file", "--html-file", "--raw", "--ca-file"])
def test_files(home: Machine, option: str) -> None:
    assert completions(f"send {option} re") == [("file", "re")]


def test_folders(home: Machine) -> None:
    assert completions("sandbox --dir ma") == [("dir", "ma")]
