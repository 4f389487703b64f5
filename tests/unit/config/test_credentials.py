from __future__ import annotations

import os
import sys

import pytest

from sendmail_cli.config import os_keyring
from sendmail_cli.config.credentials import credential_sources, resolve_credential
from sendmail_cli.config.os_keyring import KeyringEntry
from sendmail_cli.config.settings import Settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, CredentialMissing, InternalError, KeyringLocked
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server
from sendmail_cli.status import ExitCode

VARIABLE = "SENDMAIL_CLI_PASSWORD__WORK"
COMMAND = (sys.executable, "-c", "print('from the command')")
WORK = Settings("work", None, Server("smtp.example.org", 465, user="ada"), (), {}, credential_profile="work")


def environment(**variables: str) -> Environment:
    return Environment({"PATH": os.environ["PATH"], **variables})


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
    settings = WORK._replace(password_command=COMMAND)
    assert resolve_credential(settings, world) == (Secret("from the variable"), VARIABLE)
    assert VARIABLE not in world.variables
    assert "asked" not in keyring


def test_the_command_comes_second(keyring: dict[str, object]) -> None:
    settings = WORK._replace(password_command=COMMAND)
    secret, source = resolve_credential(settings, environment())
    assert (secret.reveal(), source) == ("from the command", f"password_command “{sys.executable}”")
    assert "asked" not in keyring


def test_the_keyring_comes_last(keyring: dict[str, object]) -> None:
    settings = WORK._replace(is_insecure_keyring_allowed=True)
    secret, source = resolve_credential(settings, environment(), may_ask=True)
    assert (secret.reveal(), source) == ("from the keyring", "the keyring, “ada” under “sendmail-cli/work”")
    assert keyring["asked"] == (KeyringEntry("work", "ada", is_insecure_allowed=True), True)


def test_an_empty_variable_has_nothing(keyring: dict[str, object]) -> None:
    assert resolve_credential(WORK, environment(**{VARIABLE: ""}))[0] == Secret("from the keyring")
    assert keyring["asked"] == (KeyringEntry("work", "ada"), False)


def test_a_variable_that_two_profiles_share_is_refused(keyring: dict[str, object]) -> None:
    world = environment(SENDMAIL_CLI_PASSWORD__A_B="hunter2")
    settings = WORK._replace(credential_profile="a-b", rivals=("a_b", "A.B"))
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
        "the profile has no password_command; the keyring has no entry for “ada” under “sendmail-cli/work”"
    )
    assert caught.value.hint == "Store it with: sendmail-cli login work"
    assert caught.value.exit_code is ExitCode.CONFIG
    with pytest.raises(CredentialMissing, match="SENDMAIL_CLI_PASSWORD__WORK is empty; "):
        resolve_credential(WORK, environment(**{VARIABLE: ""}))


def test_a_machine_without_keyring_is_in_the_list(keyring: dict[str, object]) -> None:
    keyring["password"] = CredentialMissing("there is no session bus")
    with pytest.raises(CredentialMissing, match=r"no password_command; there is no session bus$") as caught:
        resolve_credential(WORK, environment())
    assert "sendmail-cli login work" in caught.value.hint


def test_a_locked_keyring_is_no_absent_password(keyring: dict[str, object]) -> None:
    keyring["password"] = KeyringLocked("locked")
    with pytest.raises(KeyringLocked) as caught:
        resolve_credential(WORK, environment())
    assert caught.value.exit_code is ExitCode.TEMPFAIL


def test_a_command_that_fails_is_no_absent_password(keyring: dict[str, object]) -> None:
    settings = WORK._replace(password_command=("/nonexistent/pass",))
    with pytest.raises(CredentialMissing, match=r"^password_command “/nonexistent/pass” can't be run"):
        resolve_credential(settings, environment())
    assert "asked" not in keyring


def test_another_server_gets_no_password(keyring: dict[str, object]) -> None:
    world = environment(**{VARIABLE: "hunter2"})
    with pytest.raises(CredentialMissing, match="that of the profile “work” is for its own server and user only"):
        resolve_credential(WORK._replace(credential_profile=None), world)
    with pytest.raises(CredentialMissing, match="passwords are kept for profiles, and none was chosen"):
        resolve_credential(WORK._replace(credential_profile=None, profile_name=None), world)
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
    assert resolve_credential(WORK._replace(password_command=command), world)[0] == Secret("False")
    assert "asked" not in keyring


def test_sources_have_names_that_show_no_secret(keyring: dict[str, object]) -> None:
    sources = credential_sources(WORK._replace(password_command=("pass", "hunter2")), environment(), may_ask=False)
    assert [source.name for source in sources] == [
        VARIABLE,
        "password_command “pass”",
        "the keyring, “ada” under “sendmail-cli/work”",
    ]
    assert "asked" not in keyring
