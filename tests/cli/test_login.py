"""`login` and `logout`: what is asked, and what is kept; the keyring itself is tested in tests/integration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.cli import login
from sendmail_cli.errors import CredentialMissing, KeyringLocked
from tests.support.small_servers import PASSWORD, QUIT, REFUSED_SIGN_IN, SIGN_IN, forms_of, server

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.support.command import Runner

ACCEPTED = SIGN_IN + "C? AUTH PLAIN\nS: 235 2.7.0 ok\n" + QUIT


class Keyring:
    """Takes the place of the operating system's."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}


@pytest.fixture
def keyring(mocker: MockerFixture) -> Keyring:
    keyring = Keyring()
    mocker.patch.object(
        login,
        "set_password",
        side_effect=lambda entry, secret, *_, **__: keyring.kept.update({entry.service: secret.reveal()}),
    )
    mocker.patch.object(login, "delete_password", side_effect=lambda entry, *_, **__: keyring.kept.pop(entry.service))
    return keyring


def configure(runner: Runner, port: int = 1, more: str = "") -> None:
    runner.machine.configure(
        f'[profile.work]\nfrom = "ada@example.org"\nserver = "localhost:{port}"\nuser = "ada@example.org"\n'
        f'tls = "none"\n{more}'
    )


@pytest.mark.parametrize("line", [PASSWORD, PASSWORD + "\n", PASSWORD + "\r\n", PASSWORD + "\nnot this\n"])
def test_keeps_the_first_line_once_the_server_took_it(run: Runner, keyring: Keyring, line: str) -> None:
    with server(ACCEPTED) as mx:
        configure(run, mx.port)
        done = run("login", "work", stdin=line.encode())

    assert (done.code, done.out) == (0, b"")
    assert done.lines == [f"localhost:{mx.port} accepted it; stored in the keyring for profile work"]
    assert keyring.kept == {"sendmail-cli/work": PASSWORD}
    assert mx.faults == []


def test_keeps_nothing_that_the_server_refused(run: Runner, keyring: Keyring) -> None:
    with server(REFUSED_SIGN_IN) as mx:
        configure(run, mx.port)
        done = run("login", "-v", stdin=PASSWORD.encode())

    assert (done.code, keyring.kept) == (77, {})
    assert not any(form in done.err.encode() for form in forms_of(PASSWORD))


def test_without_a_check_nothing_is_dialled(run: Runner, keyring: Keyring) -> None:
    configure(run)

    done = run("login", "work", "--no-check", stdin=PASSWORD.encode())

    assert done.lines == ["stored without a check in the keyring for profile work"]
    assert keyring.kept == {"sendmail-cli/work": PASSWORD}


def test_asks_on_a_terminal(run: Runner, keyring: Keyring, mocker: MockerFixture) -> None:
    configure(run)
    run.machine.terminals = {"stdin", "stderr"}
    prompt = mocker.patch("click.prompt", return_value=PASSWORD)

    assert run("login", "--no-check").code == 0
    prompt.assert_called_once_with("Password of ada@example.org at localhost:1", hide_input=True, err=True)
    assert keyring.kept == {"sendmail-cli/work": PASSWORD}


@pytest.mark.parametrize("option", [["--no-input"], []])
def test_asks_nobody_where_nobody_may_be_asked(run: Runner, keyring: Keyring, option: list[str]) -> None:
    configure(run)
    run.machine.terminals = {"stdin", "stderr"} if option else {"stdin"}

    done = run("login", *option)

    assert (done.code, done.lines[0]) == (64, "sendmail-cli: nobody may be asked for the password")


@pytest.mark.parametrize(
    ("stdin", "code", "words"),
    [
        (b"", 64, "no password on standard input"),
        (b"\n", 64, "no password on standard input"),
        (b"\xff\n", 65, "the password is not UTF-8 text"),
        (b"a\0b\n", 65, "the password is not UTF-8 text"),
    ],
)
def test_what_is_no_password(run: Runner, keyring: Keyring, stdin: bytes, code: int, words: str) -> None:
    configure(run)

    done = run("login", stdin=stdin)

    assert (done.code, words in done.lines[0], keyring.kept) == (code, True, {})


def test_a_closed_standard_input_has_none(run: Runner, keyring: Keyring) -> None:
    configure(run)
    run.machine.is_stdin_closed = True

    assert run("login").code == 64


def test_says_when_another_source_goes_before_it(run: Runner, keyring: Keyring) -> None:
    configure(run, more='password_command = ["pass", "show", "work"]\n')

    done = run("login", "--no-check", stdin=PASSWORD.encode())

    assert done.code == 0
    assert "comes before the keyring: its password is used, and not the one just stored" in done.lines[1]


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        ("", "no profile is set up"),
        ('[profile.work]\nfrom = "a@example.org"\nserver = "localhost"\n', "the profile work signs in nowhere"),
    ],
)
def test_without_a_user_there_is_nothing_to_keep(run: Runner, keyring: Keyring, profiles: str, words: str) -> None:
    if profiles:
        run.machine.configure(profiles)

    for command in ("login", "logout"):
        done = run(command, stdin=b"secret")
        assert (done.code, words in done.lines[0]) == (78, True)


@pytest.mark.parametrize(("error", "code"), [(KeyringLocked("locked"), 75), (CredentialMissing("none"), 78)])
def test_a_keyring_that_takes_nothing(run: Runner, mocker: MockerFixture, error: Exception, code: int) -> None:
    configure(run)
    mocker.patch.object(login, "set_password", side_effect=error)

    assert run("login", "--no-check", stdin=PASSWORD.encode()).code == code


class TestLogout:
    def test_takes_it_out(self, run: Runner, keyring: Keyring) -> None:
        configure(run)
        keyring.kept["sendmail-cli/work"] = PASSWORD

        done = run("logout", "work")

        assert done.lines == ["the password of profile work is out of the keyring"]
        assert keyring.kept == {}

    def test_quietly(self, run: Runner, keyring: Keyring) -> None:
        configure(run)
        keyring.kept["sendmail-cli/work"] = PASSWORD

        assert run("logout", "-q").err == ""

    def test_one_that_is_not_there(self, run: Runner, mocker: MockerFixture) -> None:
        configure(run)
        mocker.patch.object(login, "delete_password", side_effect=CredentialMissing("the keyring has no password"))

        assert run("logout").code == 78


@pytest.mark.parametrize("command", ["login", "logout"])
def test_a_certificate_has_no_password_to_keep(run: Runner, keyring: Keyring, command: str) -> None:
    run.machine.configure(
        '[profile.work]\nfrom = "ada@example.org"\nserver = "ada@mx.example.org"\nauth = "external"\n'
        'tls_cert = "my.pem"\n'
    )
    done = run(command, "work", stdin=b"hunter2\n")

    assert (done.code, keyring.kept) == (78, {})
    assert "the profile work signs in by external, without a password" in done.err


def test_a_line_without_end_is_no_password(run: Runner, keyring: Keyring) -> None:
    configure(run)

    done = run("login", "work", "--no-check", stdin=b"x" * 9000)

    assert (done.code, keyring.kept) == (65, {})
    assert "longer than 8192 octets" in done.lines[0]
