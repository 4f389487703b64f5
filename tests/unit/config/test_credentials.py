from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config import credential_sources as credential_sources_module
from sendmail_cli.config import os_keyring
from sendmail_cli.config.credential_settings import CredentialSettings
from sendmail_cli.config.credential_sources import DescriptorSource
from sendmail_cli.config.credentials import credential_sources, resolve_credential
from sendmail_cli.config.os_keyring import KeyringEntry
from sendmail_cli.config.profile_keys import CREDENTIAL_SOURCES
from sendmail_cli.config.settings import Settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, CredentialMissing, InternalError, KeyringLocked, TemporaryError, UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "SENDMAIL_CLI_PASSWORD__WORK"
COMMAND = (sys.executable, "-c", "print('from the command')")
WORK = Settings(
    "work", None, Server("smtp.example.org", 465, user="ada"), (), {},
    credential=CredentialSettings("work", VARIABLE),
)  # fmt: skip


class World(Environment):
    """One whose memory needs no guard; what a person types, and what they were asked."""

    def __init__(self, **variables: str) -> None:
        super().__init__({"PATH": os.environ["PATH"], **variables})
        self.typed: str | None = None
        self.prompts: list[str] = []
        self.is_guarded = False

    def ask_secret(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self.typed

    def guard_memory(self) -> None:
        self.is_guarded = True


def environment(**variables: str) -> World:
    return World(**variables)


def work(**fields: Any) -> Settings:
    """The profile with something in it that leads to its password."""
    return WORK._replace(credential=WORK.credential._replace(**fields))


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the keyring gives; what it was asked."""
    answers: dict[str, object] = {"password": Secret("from the keyring")}

    def get(entry: KeyringEntry, _: Environment, *, may_ask: bool) -> Secret | None:
        answers["asked"] = (entry, may_ask)
        password = answers["password"]
        if isinstance(password, Exception):
            raise password
        assert password is None or isinstance(password, Secret)
        return password

    monkeypatch.setattr(os_keyring, "get_password", get)
    return answers


def test_the_variable_comes_first_and_is_gone_afterwards(keyring: dict[str, object]) -> None:
    world = environment(**{VARIABLE: "from the variable"})
    settings = work(password_command=COMMAND)
    assert resolve_credential(settings, world) == (Secret("from the variable"), VARIABLE)
    assert VARIABLE not in world.variables
    assert "asked" not in keyring


def test_the_command_comes_second(keyring: dict[str, object]) -> None:
    settings = work(password_command=COMMAND)
    secret, source = resolve_credential(settings, environment())
    assert (secret.reveal(), source) == ("from the command", f"password_command “{sys.executable}”")
    assert "asked" not in keyring


def test_the_keyring_comes_before_a_person(keyring: dict[str, object]) -> None:
    settings = work(is_insecure_keyring_allowed=True)
    secret, source = resolve_credential(settings, environment(), may_ask=True)
    assert (secret.reveal(), source) == ("from the keyring", "the keyring, “ada” under “sendmail-cli/work”")
    assert keyring["asked"] == (KeyringEntry("work", "ada", is_insecure_allowed=True), True)


def test_an_empty_variable_has_nothing(keyring: dict[str, object]) -> None:
    assert resolve_credential(WORK, environment(**{VARIABLE: ""}))[0] == Secret("from the keyring")
    assert keyring["asked"] == (KeyringEntry("work", "ada"), False)


def test_a_variable_that_two_profiles_share_is_refused(keyring: dict[str, object]) -> None:
    world = environment(SENDMAIL_CLI_PASSWORD__A_B="hunter2")
    settings = work(profile="a-b", variable="SENDMAIL_CLI_PASSWORD__A_B", rivals=("a_b", "A.B"))
    with pytest.raises(ConfigError, match=r"SENDMAIL_CLI_PASSWORD__A_B .* profiles a-b, a_b, A.B: rename") as caught:
        resolve_credential(settings, world)
    assert "hunter2" not in caught.value.sentence
    del world.variables["SENDMAIL_CLI_PASSWORD__A_B"]
    assert resolve_credential(settings, world)[0] == Secret("from the keyring")
    assert "asked" in keyring


def test_nothing_anywhere_lists_each_source_and_what_to_type(keyring: dict[str, object]) -> None:
    keyring["password"] = None
    with pytest.raises(CredentialMissing) as caught:
        resolve_credential(WORK, environment())
    assert caught.value.sentence == (
        "there is no password for “ada” at smtp.example.org:465: SENDMAIL_CLI_PASSWORD__WORK is not set; "
        "systemd gives no credentials (CREDENTIALS_DIRECTORY is not set); the profile has no password_file; "
        "the profile has no password_command; the keyring has no entry for “ada” under “sendmail-cli/work”; "
        "nobody may be asked for it here"
    )
    assert caught.value.hint == "Store it with: sendmail-cli login work"
    assert caught.value.exit_code is ExitCode.CONFIG
    with pytest.raises(CredentialMissing, match="SENDMAIL_CLI_PASSWORD__WORK is empty; "):
        resolve_credential(WORK, environment(**{VARIABLE: ""}))


def test_a_machine_without_keyring_is_in_the_list(keyring: dict[str, object]) -> None:
    keyring["password"] = CredentialMissing("there is no session bus")
    with pytest.raises(CredentialMissing, match=r"no password_command; there is no session bus; nobody") as caught:
        resolve_credential(WORK, environment())
    assert caught.value.hint == (
        "Store it with: sendmail-cli login work\n"
        "Where there is no keyring, let a program give it: "
        "sendmail-cli profile set work --password-command COMMAND"
    )


def test_without_a_profile_the_variables_are_named() -> None:
    with pytest.raises(CredentialMissing) as caught:
        resolve_credential(work(profile=None, variable="SENDMAIL_CLI_PASSWORD"), environment())
    assert caught.value.hint == (
        "Put it into the variable SENDMAIL_CLI_PASSWORD, or the name of a file with it into SENDMAIL_CLI_PASSWORD_FILE."
    )


def test_a_locked_keyring_is_no_absent_password(keyring: dict[str, object]) -> None:
    keyring["password"] = KeyringLocked("locked")
    with pytest.raises(KeyringLocked) as caught:
        resolve_credential(WORK, environment())
    assert caught.value.exit_code is ExitCode.TEMPFAIL


def test_a_command_that_fails_is_no_absent_password(keyring: dict[str, object]) -> None:
    settings = work(password_command=("/nonexistent/pass",))
    with pytest.raises(CredentialMissing, match=r"^password_command “/nonexistent/pass” can't be run"):
        resolve_credential(settings, environment())
    assert "asked" not in keyring


def test_another_server_gets_no_password(keyring: dict[str, object]) -> None:
    world = environment(**{VARIABLE: "hunter2"})
    with pytest.raises(CredentialMissing, match="that of the profile “work” is for its own server and user only"):
        resolve_credential(WORK._replace(credential=CredentialSettings()), world)
    with pytest.raises(CredentialMissing, match="passwords are kept for profiles, and none was chosen"):
        resolve_credential(WORK._replace(credential=CredentialSettings(), profile_name=None), world)
    assert "asked" not in keyring
    assert world.variables[VARIABLE] == "hunter2"


def test_nobody_who_signs_in_needs_no_password() -> None:
    with pytest.raises(InternalError):
        resolve_credential(WORK._replace(server=Server("h", 25)), environment())


@pytest.mark.parametrize("text", ["hunter2\n", "a\rhunter2", "hunter2\0", "hunter2\udcff"])
def test_what_no_sign_in_can_carry_is_refused_unseen(text: str) -> None:
    with pytest.raises(ConfigError, match=f"the password from {VARIABLE} ") as caught:
        resolve_credential(WORK, environment(**{VARIABLE: text}))
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_no_child_gets_a_password(keyring: dict[str, object]) -> None:
    world = environment(
        SENDMAIL_CLI_PASSWORD__HOME="hunter2", SENDMAIL_CLI_PROXY="http://ada:hunter2@h:1", SENDMAIL_CLI_PROFILE="work"
    )
    assert world.child_variables() == {"PATH": os.environ["PATH"], "SENDMAIL_CLI_PROFILE": "work"}
    command = (sys.executable, "-c", "import os; print('PASSWORD' in ''.join(os.environ))")
    assert resolve_credential(work(password_command=command), world)[0] == Secret("False")
    assert "asked" not in keyring


def test_sources_have_names_that_show_no_secret(keyring: dict[str, object]) -> None:
    sources = credential_sources(work(password_command=("pass", "hunter2")), environment(), may_ask=False)
    assert [source.name for source in sources] == [
        VARIABLE,
        "the credential “sendmail-cli.work” of systemd",
        "password_file",
        "password_command “pass”",
        "the keyring, “ada” under “sendmail-cli/work”",
        "the terminal",
    ]
    assert "asked" not in keyring


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("from the file\n")
    path.chmod(0o600)
    return path


class TestOrder:
    def test_each_goes_before_the_next(self, keyring: dict[str, object], tmp_path: Path, secret_file: Path) -> None:
        """Taken away one after the other, from the most particular on."""
        credential = tmp_path / "sendmail-cli.work"
        credential.write_text("from systemd")
        world = environment(**{VARIABLE: "from the variable"}, CREDENTIALS_DIRECTORY=str(tmp_path))
        world.typed = "typed"
        settings = work(password_file=str(secret_file), password_command=COMMAND, descriptor=piped(b"from the pipe\n"))
        found = []
        changes: tuple[dict[str, Any], ...] = (
            {},
            {"descriptor": None},
            {},
            {},
            {"password_file": None},
            {"password_command": None},
            {},
        )
        for change in changes:
            settings = settings._replace(credential=settings.credential._replace(**change))
            found.append(resolve_credential(settings, world, may_ask=True)[0].reveal())
            if found[-1] == "from systemd":
                credential.unlink()
            if found[-1] == "from the keyring":
                keyring["password"] = None
        assert found == [
            "from the pipe", "from the variable", "from systemd", "from the file", "from the command",
            "from the keyring", "typed",
        ]  # fmt: skip
        assert world.prompts == ["Password of “ada” at smtp.example.org:465: "]

    def test_memory_is_guarded_first(self, keyring: dict[str, object]) -> None:
        world = environment()
        keyring["password"] = None
        with pytest.raises(CredentialMissing):
            resolve_credential(WORK, world)
        assert world.is_guarded


class TestPin:
    @pytest.mark.parametrize("kind", CREDENTIAL_SOURCES)
    def test_nobody_else_is_asked(self, keyring: dict[str, object], kind: str) -> None:
        keyring["password"] = None
        (source,) = credential_sources(work(source=kind), environment(), may_ask=False)
        assert source.kind == kind
        with pytest.raises(CredentialMissing, match=f"asks nobody else: credential.source = “{kind}”") as caught:
            resolve_credential(work(source=kind), environment())
        assert caught.value.sentence.count(";") == 0

    def test_the_flag_goes_before_it(self) -> None:
        settings = work(source="keyring", descriptor=piped(b"x"))
        assert resolve_credential(settings, environment())[0] == Secret("x")


class TestPerson:
    def test_is_asked_where_the_keyring_stays_locked(self, keyring: dict[str, object]) -> None:
        keyring["password"] = KeyringLocked("locked")
        world = environment()
        world.typed = "typed"
        assert resolve_credential(WORK, world, may_ask=True) == (Secret("typed"), "the terminal")

    def test_who_is_not_there_leaves_it_locked(self, keyring: dict[str, object]) -> None:
        keyring["password"] = KeyringLocked("locked")
        with pytest.raises(KeyringLocked):
            resolve_credential(WORK, environment(), may_ask=True)

    @pytest.mark.parametrize(("typed", "words"), [(None, "there is no terminal to ask at"), ("", "nothing was typed")])
    def test_who_says_nothing(self, keyring: dict[str, object], typed: str | None, words: str) -> None:
        keyring["password"] = None
        world = environment()
        world.typed = typed
        with pytest.raises(CredentialMissing, match=words):
            resolve_credential(WORK, world, may_ask=True)

    def test_may_give_one_for_any_server(self) -> None:
        world = environment()
        world.typed = "typed"
        settings = WORK._replace(credential=CredentialSettings(), profile_name=None)
        assert resolve_credential(settings, world, may_ask=True)[0] == Secret("typed")


class TestVariableFile:
    def test_gives_what_is_in_it(self, secret_file: Path) -> None:
        secret_file.chmod(0o644)  # as containers lay theirs down
        world = environment(**{f"{VARIABLE}_FILE": str(secret_file)})
        assert resolve_credential(WORK, world) == (Secret("from the file"), f"{VARIABLE}_FILE")

    def test_beside_the_variable_is_one_too_many(self, secret_file: Path) -> None:
        world = environment(**{f"{VARIABLE}_FILE": str(secret_file), VARIABLE: "hunter2"})
        with pytest.raises(ConfigError, match="are both set") as caught:
            resolve_credential(WORK, world)
        assert "hunter2" not in str(caught.value)

    def test_that_is_missing(self, tmp_path: Path) -> None:
        world = environment(**{f"{VARIABLE}_FILE": str(tmp_path / "none")})
        with pytest.raises(CredentialMissing, match=f"^{VARIABLE}_FILE: .*none can't be read: No such file"):
            resolve_credential(WORK, world)


class TestDescriptor:
    @pytest.mark.parametrize("octets", [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"hunter2\nand more\n"])
    def test_gives_its_first_line(self, octets: bytes) -> None:
        assert DescriptorSource(piped(octets), environment()).find() == Secret("hunter2")

    def test_leaves_what_follows(self) -> None:
        descriptor = piped(b"hunter2\nthe message\n")
        DescriptorSource(descriptor, environment()).find()
        assert os.read(descriptor, 99) == b"the message\n"

    @pytest.mark.parametrize(
        ("octets", "words"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\n", "UTF-8"), (b"x" * 70000, "64 KiB")]
    )
    def test_without_a_password(self, octets: bytes, words: str) -> None:
        with pytest.raises(CredentialMissing, match=words):
            DescriptorSource(piped(octets), environment()).find()

    def test_that_is_not_open(self) -> None:
        with pytest.raises(UsageError, match="--password-fd 999 can't be read: bad file descriptor"):
            DescriptorSource(999, environment()).find()

    def test_on_which_nothing_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(credential_sources_module, "DESCRIPTOR_TIMEOUT", 0.0)
        reading, writing = os.pipe()
        with pytest.raises(TemporaryError, match="gave nothing"):
            DescriptorSource(reading, environment()).find()
        os.close(writing)
        os.close(reading)

    def test_that_is_a_terminal(self) -> None:
        ours, theirs = os.openpty()
        with pytest.raises(UsageError, match="is a terminal"):
            DescriptorSource(theirs, environment()).find()
        os.close(ours)
        os.close(theirs)


def piped(octets: bytes) -> int:
    """A descriptor with `octets` to be read; a file, since a pipe holds less than some of them."""
    with tempfile.TemporaryFile() as file:
        file.write(octets)
        file.seek(0)
        return os.dup(file.fileno())
