"""`setup`: what is asked, what options say instead, and that nothing is half written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli import service
from sendmail_cli.cli import setup_sign_in
from sendmail_cli.cli.setup_search import Looking
from sendmail_cli.config import profile_file
from sendmail_cli.config.discovery.candidates import Candidate, Source
from sendmail_cli.config.discovery.probe import Probed
from sendmail_cli.config.discovery.search import Finding
from sendmail_cli.errors import CredentialMissing
from sendmail_cli.secret import Secret
from sendmail_cli.server import TLSMode
from tests.support.small_servers import PASSWORD, QUIT, SIGN_IN, server

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_mock import MockerFixture

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.session import Session
    from tests.support.command import Done, Runner

PROBED = SIGN_IN + QUIT
ACCEPTED = SIGN_IN + "C? AUTH PLAIN\nS: 235 2.7.0 ok\n" + QUIT
REFUSED = SIGN_IN + "C? AUTH\nS: 535 5.7.8 Error: authentication failed\n" + QUIT


@pytest.fixture
def keyring(mocker: MockerFixture) -> dict[str, str]:
    """Takes the place of the operating system's."""
    kept: dict[str, str] = {}
    mocker.patch.object(
        setup_sign_in,
        "set_password",
        side_effect=lambda entry, secret, *_, **__: kept.update({entry.service: secret.reveal()}),
    )
    mocker.patch.object(
        setup_sign_in,
        "get_password",
        side_effect=lambda entry, *_, **__: Secret(kept[entry.service]) if entry.service in kept else None,
    )
    mocker.patch.object(setup_sign_in, "delete_password", side_effect=lambda entry, *_, **__: kept.pop(entry.service))
    return kept


def profiles(run: Runner) -> Path:
    return run.machine.folder / "home/.config/sendmail-cli/profiles.toml"


def typed(run: Runner, *words: str, answers: str = "") -> Done:
    """The command on a terminal, where somebody types these answers."""
    run.machine.terminals = {"stdin", "stderr"}
    return run("setup", *words, stdin=answers.encode())


class TestOffline:
    def test_goes_by_the_table(self, run: Runner) -> None:
        done = run("setup", "ada@gmail.com", "--offline")

        assert done.code == 0
        assert profiles(run).read_text() == (
            'default = "gmail"\n\n[profile.gmail]\nfrom = "ada@gmail.com"\nserver = "smtps://smtp.gmail.com"\n'
            'user = "ada@gmail.com"\n'
        )
        assert done.lines[-2:] == ["Ready. Next:", "  sendmail-cli login gmail"]

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--provider", "sendgrid"], ['server = "smtps://smtp.sendgrid.net"', 'user = "apikey"']),
            (["--provider", "resend"], ['server = "smtps://smtp.resend.com"', 'user = "resend"']),
            (["--provider", "postmark", "--user", "key"], ['server = "smtp.postmarkapp.com:587"', 'user = "key"']),
            (
                ["--provider", "ses", "--region", "eu-west-1", "--user", "AKIA"],
                ['server = "smtps://email-smtp.eu-west-1.amazonaws.com"', 'user = "AKIA"'],
            ),
            (["--server", "smtp://smtp.example.org"], ['server = "smtp.example.org:587"', 'user = "ada@own.example"']),
            (["--server", "bob@smtp.example.org"], ['server = "smtps://smtp.example.org"', 'user = "bob"']),
            (["--server", "smtp.sendgrid.net:2525"], ['server = "smtp.sendgrid.net:2525"', 'user = "apikey"']),
        ],
    )
    def test_what_is_named_by_flags(self, run: Runner, words: list[str], expected: list[str]) -> None:
        done = run("setup", "ada@own.example", "--offline", *words)

        assert done.code == 0, done
        assert profiles(run).read_text().splitlines()[4:] == expected

    def test_who_takes_tokens_alone(self, run: Runner) -> None:
        assert run("setup", "ada@outlook.com", "--offline").code == 0
        assert profiles(run).read_text().endswith('[profile.outlook.oauth]\nprovider = "microsoft"\n')

    def test_a_token_where_a_password_would_do(self, run: Runner) -> None:
        assert run("setup", "ada@gmail.com", "--offline", "--oauth", "google", "--client-id", "me").code == 0
        assert profiles(run).read_text().endswith('[profile.gmail.oauth]\nprovider = "google"\nclient_id = "me"\n')

    def test_the_name_that_readers_see(self, run: Runner) -> None:
        assert run("setup", "ada@gmail.com", "--offline", "--from", "Lovelace, Ada").code == 0
        assert r'from = "\"Lovelace, Ada\" <ada@gmail.com>"' in profiles(run).read_text()

        assert run("setup", "Ada <ada@icloud.com>", "--offline").code == 0
        assert 'from = "Ada <ada@icloud.com>"' in profiles(run).read_text()

    def test_the_first_is_the_default_and_others_on_demand(self, run: Runner) -> None:
        run("setup", "ada@gmail.com", "--offline")
        second = run("setup", "ada@icloud.com", "--offline", "--json")
        assert profiles(run).read_text().startswith('default = "gmail"')
        assert (second.json["is_default"], second.json["next"]) == (False, "sendmail-cli login icloud")

        third = run("setup", "ada@gmx.net", "--offline", "--default", "--json")
        assert profiles(run).read_text().startswith('default = "gmx"')
        assert third.json["is_default"] is True

    def test_an_unknown_domain_needs_a_server(self, run: Runner) -> None:
        done = run("setup", "ada@own.example", "--offline")

        assert (done.code, profiles(run).exists()) == (78, False)
        assert "--server" in done.err

    def test_shows(self, run: Runner) -> None:
        done = run("setup", "ada@web.de", "--offline", "--show")

        assert done.out.decode().splitlines() == [
            "server      smtp.web.de, port 465, TLS from the first octet",
            "found by    what is known of WEB.DE (November 2026)",
            "sign-in     ada, with a password",
        ]
        assert not profiles(run).exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 64, "an address is missing"),
        (["ada"], 65, "ada"),
        (["ada@gmail.com", "--server", "a.example", "--provider", "gmail"], 64, "give one of them"),
        (["ada@gmail.com", "--tls", "starttls"], 64, "name it with --server"),
        (["ada@gmail.com", "--server", "lmtp:/run/x"], 64, "--server: setup is for mail servers on a network"),
        (["ada@gmail.com", "--server", "u:hunter2@a.example"], 64, "a password never stands"),
        (["ada@gmail.com", "--offline", "--name", "sandbox"], 64, "built in"),
        (["ada@gmail.com", "--offline", "--name", "a b"], 64, "no name for a profile"),
        (["ada@gmail.com", "--offline", "--provider", "ses", "--user", "x"], 64, "a server in each region"),
        (["ada@gmail.com", "--offline", "--provider", "ses", "--region", "a/b"], 64, "a region is a name"),
        (["ada@gmail.com", "--offline", "--provider", "mailgun"], 64, "nobody may be asked for the SMTP user name"),
        (["ada@gmail.com", "--offline", "--provider", "nobody"], 64, "nobody"),
        (["ada@gmail.com", "--tls-pin", "x"], 64, "--tls-pin: “x”"),
        (["ada@gmail.com", "--user", "a\tb"], 64, "--user: a user's name is one line of text"),
        (["ada@gmail.com", "--from", "a\x01b"], 65, "control character"),
        (["a@b@c"], 65, "address: “a@b@c”"),
        (["ada@gmail.com", "--oauth", "nobody"], 64, "--oauth: “nobody”"),
        (
            ["ada@outlook.com", "--offline", "--password-file", "secret"],
            64,
            "--password-file: smtp-mail.outlook.com is signed in to in the browser",
        ),
        (["ada@gmail.com", "--oauth", "google", "--password-fd", "3"], 64, "--password-fd and --oauth each say how"),
        (["ada@gmail.com", "--password-command", "'"], 64, "--password-command: no closing quotation"),
    ],
)
def test_what_cannot_be_meant(run: Runner, words: list[str], code: int, sentence: str) -> None:
    done = run("setup", *words)

    assert (done.code, profiles(run).exists()) == (code, False)
    assert sentence in done.err
    assert "hunter2" not in done.err


def test_a_broken_configuration_is_said_before_anything_else(run: Runner) -> None:
    run.machine.configure("nonsense = 1\n")

    done = typed(run, "ada@gmail.com")

    assert (done.code, done.lines[0].startswith("sendmail-cli:")) == (78, True)
    assert "nonsense" in done.err


class TestAtAServer:
    """One that is named by its port on this machine, where nothing secret needs TLS."""

    def words(self, port: int, *more: str) -> list[str]:
        return ["ada@example.org", "--server", f"localhost:{port}", "--tls", "none", *more]

    def test_by_a_script(self, run: Runner, keyring: dict[str, str]) -> None:
        with server(PROBED) as probed:
            done = run("setup", *self.words(probed.port), "--show", "--json")
        assert (done.code, done.json["server"]["mechanisms"]) == (0, ["PLAIN", "LOGIN"])
        assert (keyring, profiles(run).exists()) == ({}, False)

    def test_the_whole_dialogue(self, run: Runner, keyring: dict[str, str], mocker: MockerFixture) -> None:
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            sent = mocker.spy(service, "send")
            done = typed(run, *self.words(mx.port), answers=f"Ada Lovelace\n{PASSWORD}\nn\n")

        assert (done.code, sent.call_count) == (0, 0), done
        assert keyring == {"sendmail-cli/example": PASSWORD}
        assert 'from = "Ada Lovelace <ada@example.org>"' in profiles(run).read_text()
        assert PASSWORD not in done.err
        assert done.lines[-1] == '  sendmail-cli send -s Hello -m "How are you?" friend@example.org'

    def test_a_wrong_password_is_asked_for_again(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture
    ) -> None:
        with server(REFUSED) as first, server(ACCEPTED) as second:
            self.found(mocker, "localhost", first.port, then=second.port)
            done = typed(run, *self.words(first.port), "--no-send-test", answers=f"\nwrong\n\n{PASSWORD}\n")

        assert done.code == 0, done
        assert "535 5.7.8 Error: authentication failed" in done.err
        assert "Once more (2 of 3)" in done.err
        assert keyring == {"sendmail-cli/example": PASSWORD}

    def test_after_three_wrong_ones_nothing_is_written(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture
    ) -> None:
        with server(REFUSED) as one, server(REFUSED) as two, server(REFUSED) as three:
            self.found(mocker, "localhost", one.port, then=two.port, at_last=three.port)
            done = typed(run, *self.words(one.port), answers="\nwrong\n\nwrong\nbob\nwrong\n")

        assert (done.code, keyring, profiles(run).exists()) == (77, {}, False)
        assert "nothing was written" in done.err

    @pytest.mark.parametrize(("answer", "code"), [("n", 78), ("y", 0)])
    def test_without_a_keyring_the_person_decides(
        self, run: Runner, mocker: MockerFixture, answer: str, code: int
    ) -> None:
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            mocker.patch.object(setup_sign_in, "set_password", side_effect=CredentialMissing("there is no keyring"))
            done = typed(run, *self.words(mx.port), "--no-send-test", answers=f"\n{PASSWORD}\n{answer}\n")

        assert (done.code, profiles(run).exists()) == (code, code == 0), done
        assert "SENDMAIL_CLI_PASSWORD__EXAMPLE" in done.err

    def test_what_was_kept_is_taken_back_where_the_profile_cannot_be_written(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture
    ) -> None:
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            mocker.patch.object(profile_file, "_write", side_effect=OSError(28, "No space left on device"))
            done = run("setup", *self.words(mx.port), stdin=PASSWORD.encode())

        assert (done.code, keyring, profiles(run).exists()) == (73, {}, False)
        assert "nothing was written" in done.err

    def test_what_was_kept_before_comes_back_where_the_profile_cannot_be_replaced(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture
    ) -> None:
        keyring["sendmail-cli/example"] = "the password of before"
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            mocker.patch.object(profile_file, "_write", side_effect=OSError(28, "No space left on device"))
            done = run("setup", *self.words(mx.port), "--replace", stdin=PASSWORD.encode())

        assert (done.code, keyring) == (73, {"sendmail-cli/example": "the password of before"})

    def test_the_password_by_a_descriptor(self, run: Runner, keyring: dict[str, str], mocker: MockerFixture) -> None:
        reading, writing = os.pipe()
        os.write(writing, f"{PASSWORD}\n".encode())
        os.close(writing)
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            done = run("setup", *self.words(mx.port), "--password-fd", str(reading))
        os.close(reading)

        assert (done.code, keyring) == (0, {"sendmail-cli/example": PASSWORD}), done

    def test_the_password_from_a_file_stays_there(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            done = run("setup", *self.words(mx.port), "--password-file", secret, "--json")

        assert (done.code, keyring, done.json["password"]) == (0, {}, "file"), done
        assert f'password_file = "{secret}"' in profiles(run).read_text()

    def test_without_a_sign_in_there_is_no_user(self, run: Runner, mocker: MockerFixture) -> None:
        with server(PROBED) as mx:
            self.found(mocker, "localhost", mx.port, mechanisms=())
            done = run("setup", *self.words(mx.port))

        assert done.code == 0, done
        assert "the server offers no way to" in done.err
        assert "user" not in profiles(run).read_text()

    def test_a_password_that_none_can_be_is_asked_for_again(
        self, run: Runner, keyring: dict[str, str], mocker: MockerFixture
    ) -> None:
        with server(ACCEPTED) as mx:
            self.found(mocker, "localhost", mx.port)
            answers = f"\na\0b\n{PASSWORD}\n"
            done = typed(run, *self.words(mx.port), "--no-send-test", answers=answers)

        assert (done.code, keyring) == (0, {"sendmail-cli/example": PASSWORD}), done
        assert "the password is not UTF-8 text" in done.err

    @pytest.mark.parametrize("terminals", [set(), {"stdin", "stderr"}])
    def test_nobody_is_asked_who_said_so(self, run: Runner, mocker: MockerFixture, terminals: set[str]) -> None:
        self.found(mocker, "localhost", 1)
        run.machine.terminals = terminals
        done = run("setup", *self.words(1), "--no-input")

        assert (done.code, profiles(run).exists()) == (64, False)
        assert ("nobody may be asked" if terminals else "no password on standard input") in done.err

    def found(
        self, mocker: MockerFixture, host: str, *ports: int, mechanisms: tuple[str, ...] = ("PLAIN",), **more: int
    ) -> None:
        """The server was tried before; from now on each sign-in goes to the next of these ports."""
        finding = Finding(Candidate(host, ports[0], TLSMode.NONE, Source.GIVEN), Probed(mechanisms))
        mocker.patch.object(Looking, "found", return_value=finding)
        all_ports = iter([*ports, *more.values()])
        connect = service.connect

        def to_next_port(settings: Settings, *arguments: Any, **options: Any) -> AbstractContextManager[Session]:
            server = settings.server._replace(port=next(all_ports))
            return connect(settings._replace(server=server), *arguments, **options)

        mocker.patch.object(service, "connect", to_next_port)


class TestTakenNames:
    @pytest.fixture
    def taken(self, run: Runner) -> Runner:
        run.machine.configure('[profile.gmail]\nfrom = "bob@gmail.com"\nserver = "smtp.gmail.com"\n')
        return run

    @pytest.mark.parametrize("words", [[], ["--name", "gmail"]])
    def test_are_refused_where_nobody_can_be_asked(self, taken: Runner, words: list[str]) -> None:
        done = taken("setup", "ada@gmail.com", "--offline", *words)

        assert (done.code, "bob@gmail.com" in profiles(taken).read_text()) == (64, True)
        assert "--replace replaces it" in done.err

    def test_are_replaced_for_a_flag(self, taken: Runner) -> None:
        assert taken("setup", "ada@gmail.com", "--offline", "--replace").code == 0
        assert "bob" not in profiles(taken).read_text()

    @pytest.mark.parametrize("words", [[], ["--name", "gmail"]])
    def test_a_person_replaces_it(self, taken: Runner, words: list[str]) -> None:
        done = typed(taken, "ada@gmail.com", "--offline", *words, answers="y\n\ny\n")

        assert done.code == 0, done
        assert "There is a profile “gmail” already, of bob@gmail.com. Replace it?" in done.err
        assert "bob" not in profiles(taken).read_text()

    def test_a_person_takes_another(self, taken: Runner) -> None:
        done = typed(taken, "ada@gmail.com", "--offline", answers="y\n\nn\nbad name\nmine\n")

        assert done.code == 0, done
        assert "no name for a profile" in done.err
        assert "[profile.mine]" in profiles(taken).read_text()
        assert "bob" in profiles(taken).read_text()


class TestQuestions:
    def test_the_address(self, run: Runner) -> None:
        done = typed(run, "--offline", answers="nonsense\nada@gmail.com\ny\n\n")

        assert done.code == 0, done
        assert 'from = "ada@gmail.com"' in profiles(run).read_text()

    def test_another_server_in_place_of_what_was_found(self, run: Runner) -> None:
        done = typed(run, "ada@gmail.com", "--offline", answers="n\nsmtp.example.org:587\n\n")

        assert done.code == 0, done
        assert 'server = "smtp.example.org:587"' in profiles(run).read_text()

    def test_another_server_where_nothing_was_found(self, run: Runner) -> None:
        done = typed(run, "ada@own.example", "--offline", answers="unix:/run/x\nsendgrid\ny\n\n")

        assert done.code == 0, done
        assert 'user = "apikey"' in profiles(run).read_text()

    def test_region_and_user(self, run: Runner) -> None:
        done = typed(run, "ada@own.example", "--offline", "--provider", "ses", answers="eu-west-1\ny\n\nAKIA\n")

        assert done.code == 0, done
        assert "email-smtp.eu-west-1" in profiles(run).read_text()
        assert 'user = "AKIA"' in profiles(run).read_text()

    @pytest.mark.parametrize("answers", ["", "y\n", "y\n\n"])
    def test_the_end_of_input_is_an_interrupt_that_writes_nothing(self, run: Runner, answers: str) -> None:
        run.machine.configure('[profile.gmail]\nfrom = "bob@gmail.com"\nserver = "smtp.gmail.com"\n')

        done = typed(run, "ada@gmail.com", "--offline", answers=answers)

        assert (done.code, "bob" in profiles(run).read_text()) == (130, True)
        assert done.lines[-1] == "sendmail-cli: interrupted; nothing was written"
