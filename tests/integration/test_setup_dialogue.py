"""The dialogue of `setup`, typed on a terminal in a small internet, with a real keyring: to its end, or left."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from click import unstyle

from tests.support.command import COMMAND, Installed
from tests.system.test_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.mail_world_plan import MailWorld
    from tests.support.secret_service import LockedSecretService, SecretService

pytestmark = pytest.mark.real_server

BUS = "DBUS_SESSION_BUS_ADDRESS"
SERVICE = "sendmail-cli/example"
AGREE, NAME, PASSWORD, TEST = "Use this server?", "Your name", "Password of", "Send a mail to"


class Person:
    """Somebody with the installed command, in the small internet."""

    def __init__(self, mail_world: MailWorld, home: Path) -> None:
        self.mail_world = mail_world
        self.postfix = mail_world.postfix
        self.installed = Installed(home)
        self.installed.variables |= mail_world.variables

    @contextmanager
    def runs(self, *words: str, columns: int = 80) -> Iterator[Terminal]:
        through = tuple(self.mail_world.world.command([]))
        with Terminal.running(self.installed, "setup", *words, through=through, columns=columns) as terminal:
            yield terminal

    @property
    def profiles(self) -> Path:
        return self.installed.home / ".config/sendmail-cli/profiles.toml"


@pytest.fixture
def person(mail_world: MailWorld, secret_service: SecretService, tmp_path: Path) -> Person:
    person = Person(mail_world, tmp_path / "home")
    person.installed.variables[BUS] = secret_service.address
    return person


@pytest.fixture
def without_keyring(mail_world: MailWorld, tmp_path: Path) -> Person:
    return Person(mail_world, tmp_path / "home")


def answer(terminal: Terminal, question: str, keys: str) -> None:
    """Waits for the question, and types."""
    terminal.wait_for(question)
    terminal.shown = terminal.shown.replace(question, question.upper())  # asked again it is another
    terminal.type(keys.encode())


def leave(terminal: Terminal, question: str, key: str) -> None:
    """Waits for the question, and leaves."""
    end(terminal, question, lambda: terminal.type(key.encode()))


def end(terminal: Terminal, question: str, act: Callable[[], object]) -> None:
    """Waits for the question, and ends the command. What comes before an answer is waited for may be needed twice."""
    terminal.wait_for(question)
    for _ in range(10):
        act()
        with suppress(subprocess.TimeoutExpired):
            terminal.process.wait(2.0)
            return


def test_from_the_address_to_a_mail_that_arrives(person: Person, secret_service: SecretService) -> None:
    postfix = person.postfix
    before = len(postfix.delivered(postfix.user, at_least=0))
    with person.runs(postfix.user) as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, NAME, "Alice Äpfel\n")
        answer(terminal, PASSWORD, f"{postfix.password}\n")
        answer(terminal, TEST, "y\n")
        assert terminal.finish() == 0

    assert secret_service.get(SERVICE, postfix.user) == postfix.password
    assert 'from = "Alice Äpfel <alice@example.org>"' in person.profiles.read_text()
    assert "It works" in postfix.delivered(postfix.user, at_least=before + 1)[-1].decode()
    assert postfix.password not in terminal.shown
    assert 'sendmail-cli send -s Hello -m "How are you?" friend@example.org' in terminal.shown
    sent = person.mail_world.world.run(
        [COMMAND, "send", "-m", "hi", postfix.fresh_recipient()],
        env=person.installed.variables,
        capture_output=True,
    )
    assert sent.returncode == 0, sent  # with the profile and the password that were kept


def test_a_wrong_password_then_the_right_one(person: Person, secret_service: SecretService) -> None:
    postfix = person.postfix
    with person.runs(postfix.user, "--no-send-test") as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, NAME, "\n")
        answer(terminal, PASSWORD, "wrong\n")
        answer(terminal, "User name", "\n")
        answer(terminal, PASSWORD, f"{postfix.password}\n")
        assert terminal.finish() == 0

    assert "535 5.7.8" in terminal.shown
    assert "Once more (2 of 3)" in terminal.shown
    assert secret_service.get(SERVICE, postfix.user) == postfix.password


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("question", [AGREE, NAME, PASSWORD])
def test_left_at_a_question_it_writes_nothing(
    person: Person, secret_service: SecretService, question: str, key: str
) -> None:
    with person.runs(person.postfix.user) as terminal:
        for each, keys in ((AGREE, "\n"), (NAME, "\n"), (PASSWORD, "wrong\n")):
            if each == question:
                leave(terminal, each, key)
                break
            answer(terminal, each, keys)
        assert terminal.finish() == 130

    assert terminal.lines[-2:] == ["sendmail-cli: interrupted; nothing was written", ""]
    assert not person.profiles.exists()
    assert secret_service.get(SERVICE, person.postfix.user) is None


def test_left_at_the_last_question_it_says_what_is_set_up(person: Person) -> None:
    with person.runs(person.postfix.user) as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, NAME, "\n")
        answer(terminal, PASSWORD, f"{person.postfix.password}\n")
        leave(terminal, TEST, "\x03")
        assert terminal.finish() == 130

    assert "interrupted; the profile “example” is set up" in terminal.shown
    assert person.profiles.exists()


def test_ctrl_c_ends_a_search_that_drips(without_keyring: Person) -> None:
    with without_keyring.runs("ada@drip.example") as terminal:
        leave(terminal, "SRV", "\x03")
        assert terminal.finish() == 130

    assert "interrupted; nothing was written" in terminal.shown


def test_terminated_it_says_so(without_keyring: Person) -> None:
    with without_keyring.runs(without_keyring.postfix.user) as terminal:
        end(terminal, AGREE, lambda: os.kill(terminal.process.pid, signal.SIGTERM))
        assert terminal.finish() == 143

    assert "terminated; nothing was written" in terminal.shown


def test_a_profile_that_is_there_is_replaced_on_a_word(person: Person) -> None:
    person.installed.configure('[profile.example]\nfrom = "bob@example.org"\nserver = "localhost"\n')
    with person.runs(person.postfix.user, "--no-send-test", "--from", "") as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, "There is a profile “example” already, of bob@example.org. Replace it?", "y\n")
        answer(terminal, PASSWORD, f"{person.postfix.password}\n")
        assert terminal.finish() == 0

    assert "bob" not in person.profiles.read_text()


def test_a_foreign_server_is_explained_and_not_taken_by_a_mere_return(without_keyring: Person) -> None:
    with without_keyring.runs("ada@foreign.example") as terminal:
        answer(terminal, AGREE, "\n")
        leave(terminal, "Your mail server", "\x03")
        assert terminal.finish() == 130

    assert "smtp.example.org is not in foreign.example" in " ".join(terminal.shown.split())
    assert "[y/N]" in terminal.shown


@pytest.mark.parametrize(("keys", "code"), [("n\n", 78), ("y\n", 0)], ids=["no", "yes"])
def test_without_a_keyring_the_person_decides(without_keyring: Person, keys: str, code: int) -> None:
    postfix = without_keyring.postfix
    with without_keyring.runs(postfix.user, "--no-send-test", "--from", "") as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, PASSWORD, f"{postfix.password}\n")
        answer(terminal, "Write the profile without keeping it?", keys)
        assert terminal.finish() == code

    assert without_keyring.profiles.exists() is (code == 0)
    assert "SENDMAIL_CLI_PASSWORD__EXAMPLE" in terminal.shown


def test_a_locked_keyring_that_nobody_opens(
    without_keyring: Person, locked_secret_service: LockedSecretService
) -> None:
    postfix = without_keyring.postfix
    without_keyring.installed.variables[BUS] = locked_secret_service.address
    done = without_keyring.mail_world.world.run(
        [COMMAND, "setup", postfix.user, "--no-input"],
        env=without_keyring.installed.variables,
        input=postfix.password.encode(),
        capture_output=True,
    )

    assert done.returncode == 75, done
    assert b"nothing was written" in done.stderr
    assert not without_keyring.profiles.exists()
    assert not locked_secret_service.was_asked_to_prompt


@pytest.mark.parametrize("columns", [80, 60])
def test_nothing_is_wider_than_the_terminal_nor_coloured_elsewhere(person: Person, columns: int) -> None:
    with person.runs(person.postfix.user, "--no-send-test", "--from", "", columns=columns) as terminal:
        answer(terminal, AGREE, "\n")
        answer(terminal, PASSWORD, "wrong\n")
        answer(terminal, "User name", "\n")
        answer(terminal, PASSWORD, f"{person.postfix.password}\n")
        assert terminal.finish() == 0

    assert [line for line in map(unstyle, terminal.lines) if len(line) > columns] == []
    assert "\x1b[32mok" in terminal.shown
