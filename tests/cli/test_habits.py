"""What people type who come from other tools gets a sentence, and what to type here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.cli.habits import _HABITS

if TYPE_CHECKING:
    from tests.support.command import Runner

WHOM = "bob@example.org"


@pytest.mark.parametrize("option", _HABITS)
def test_each_known_option_is_no_option_and_gets_a_sentence(here: Runner, option: str) -> None:
    done = here("send", WHOM, "-m", "hi", option, "value")

    assert done.code == 64
    assert done.lines == [
        f"sendmail-cli: {option}: {_HABITS[option][0]}",
        f"  {_HABITS[option][1]}",
    ]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--password", "sendmail-cli login PROFILE"),
        ("--host", "-S HOST[:PORT]"),
        ("--ssl", "--tls implicit|starttls|opportunistic|none"),
        ("-u", "-S user@host[:port]"),
        ("-oi", "Leave -oi out"),
        ("-xp", "never stands on the command line"),
    ],
)
def test_says_what_to_type_here(here: Runner, option: str, words: str) -> None:
    done = here("send", WHOM, "-m", "hi", option, "hunter2")

    assert (done.code, words in done.err) == (64, True)
    assert "hunter2" not in done.err


@pytest.mark.parametrize("words", [["-t"], ["-t", "-i"], ["-t", "-oi"], ["--to"]])
def test_the_t_of_sendmail(here: Runner, words: list[str]) -> None:
    done = here("send", *words, stdin=b"To: bob@example.org\n\nhi")

    assert done.code == 64
    assert done.lines == [
        "sendmail-cli: -t needs an address: it is --to here",
        "  To send a ready message to the recipients in its header: sendmail-cli send --raw - < mail",
    ]


def test_another_option_without_its_address(here: Runner) -> None:
    done = here("send", "-c", "-m", "hi", WHOM)

    assert done.code == 64
    assert done.lines[0] == "sendmail-cli: -c needs an address, not “-m”"


class TestAccount:
    """`-a work`: msmtp's account."""

    def test_is_a_profile_here(self, here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(here.machine.folder)

        done = here("send", WHOM, "-m", "hi", "-a", "here")

        assert done.code == 66
        assert done.lines == [
            "sendmail-cli: there is no file here to attach",
            "  There is a profile of that name: -p here.",
        ]

    def test_but_a_file_of_that_name_is_a_file(self, here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(here.machine.folder)
        (here.machine.folder / "here").write_text("a file")

        assert here("send", WHOM, "-m", "hi", "-a", "here").code == 0

    @pytest.mark.parametrize("profiles", ["[profile.here]", "no TOML at all"])
    def test_and_what_is_neither_is_not_there(
        self, here: Runner, monkeypatch: pytest.MonkeyPatch, profiles: str
    ) -> None:
        monkeypatch.chdir(here.machine.folder)
        if profiles == "no TOML at all":
            here.machine.configure(profiles)

        assert here("send", WHOM, "-m", "hi", "-a", "elsewhere").code in {66, 78}


class TestWithoutACommand:
    @pytest.mark.parametrize("option", ["-t", "-s", "--to", "-f"])
    def test_options_stand_after_it(self, run: Runner, option: str) -> None:
        done = run(option, "x")

        assert done.code == 64
        assert done.lines[1] == f"  To send a message: sendmail-cli send {option} …"

    def test_an_address_is_none(self, run: Runner) -> None:
        done = run("bob@example.org")

        assert (done.code, done.lines[1]) == (64, "  To send it a message: sendmail-cli send bob@example.org")

    def test_a_slip_gets_the_nearest(self, run: Runner) -> None:
        done = run("sned")

        assert done.code == 64
        assert done.lines[0] == "sendmail-cli: no such command 'sned'. Did you mean 'send'?"

    def test_an_option_that_is_nowhere(self, here: Runner) -> None:
        done = here("send", "--subjct", "x")

        assert done.code == 64
        assert done.lines[0].startswith("sendmail-cli: there is no option --subjct; did you mean --subject")
        assert done.lines[1:] == ["  Try sendmail-cli send --help."]
