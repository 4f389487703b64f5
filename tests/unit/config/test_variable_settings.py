"""Settings by variable alone, above a profile, and what they may not do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config.credential_settings import CredentialSettings
from sendmail_cli.config.origins import Origin
from sendmail_cli.config.profile_keys import KEYS, TABLES
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, Settings, resolve_settings
from sendmail_cli.config.variable_settings import variable_of
from sendmail_cli.errors import ConfigError
from sendmail_cli.server import TLSMode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.config.conftest import Machine

SERVER = "SENDMAIL_CLI_SERVER"


def resolve(machine: Machine, **flags: Any) -> Settings:
    return resolve_settings(ServerFlags(**flags), load_profiles(machine), machine)


def test_no_file_is_needed(machine: Machine) -> None:
    machine.variables.update(
        {
            SERVER: "smtps://ada@smtp.example.org:2465",
            "SENDMAIL_CLI_FROM": "Ada <ada@example.org>",
            "SENDMAIL_CLI_TIMEOUT": "30s",
            "SENDMAIL_CLI_TLS_MIN": "1.3",
            "SENDMAIL_CLI_PASSWORD": "hunter2",
        }
    )
    settings = resolve(machine)
    server = settings.server
    assert (server.host, server.port, server.user, server.tls) == ("smtp.example.org", 2465, "ada", TLSMode.IMPLICIT)
    assert (server.timeout, server.tls_min, str(settings.from_)) == (30.0, "1.3", "Ada <ada@example.org>")
    assert settings.profile_name is None
    assert settings.credential == CredentialSettings(variable="SENDMAIL_CLI_PASSWORD")
    assert {origin.kind for origin in settings.origins.values()} == {"environment", "default"}
    assert settings.origins["user"] == Origin("environment", SERVER)
    assert settings.origins["password"] == Origin("environment", "SENDMAIL_CLI_PASSWORD")


@pytest.mark.parametrize("key", [key for key in KEYS if key not in {*TABLES, "match", "password_file"}])
def test_each_key_has_a_variable(machine: Machine, key: str) -> None:
    """A wrong value is told with the name of the variable; each key has one."""
    machine.variables.update({SERVER: "h.example", variable_of(key): "\x01"})
    with pytest.raises(Exception, match=f"^{variable_of(key)}: "):
        resolve(machine)


@pytest.mark.parametrize(
    ("key", "text", "field", "value"),
    [
        ("force_from", "true", "rules", "x@x.example"),
        ("allow_from", "*@a.example, *@b.example", "rules", "*@a.example *@b.example"),
        ("bcc", "a@x.example, b@x.example", "bcc", "a@x.example b@x.example"),
        ("password_command", "pass show 'my mail'", "credential", "pass show my mail"),
        ("credential_source", "variable", "credential", "variable"),
    ],
)
def test_values_are_written_as_flags_are(machine: Machine, key: str, text: str, field: str, value: str) -> None:
    machine.variables.update(
        {
            SERVER: "u@h.example",
            "SENDMAIL_CLI_FROM": "x@x.example",
            f"SENDMAIL_CLI_{key.upper()}": text,
        }
    )
    found = getattr(resolve(machine), field)
    words = [str(word) for word in flat(found) if word]
    assert set(value.split()) <= set(" ".join(words).replace("“", "").replace("”", "").split())


def flat(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return [value, *(each for part in value for each in flat(part))]
    return [value]


def test_several_servers(machine: Machine) -> None:
    machine.variables[SERVER] = "smtps://a.example smtps://b.example"
    settings = resolve(machine)
    assert [settings.server.host, *(each.host for each in settings.fallbacks)] == ["a.example", "b.example"]


WORK = '[profile.work]\nfrom = "ada@example.org"\nserver = "ada@smtp.example.org"\ntls_min = "1.3"\ntimeout = 5\n'


class TestAboveAProfile:
    def test_a_variable_is_in_the_place_of_the_key(self, machine: Machine) -> None:
        machine.write(WORK)
        machine.variables["SENDMAIL_CLI_TIMEOUT"] = "9"
        settings = resolve(machine)
        assert (settings.profile_name, settings.server.timeout) == ("work", 9.0)
        assert settings.origins["timeout"] == Origin("environment", "SENDMAIL_CLI_TIMEOUT")
        assert settings.credential.profile == "work"

    def test_an_empty_one_says_nothing(self, machine: Machine) -> None:
        machine.write(WORK)
        machine.variables.update({"SENDMAIL_CLI_TIMEOUT": "", SERVER: ""})
        assert resolve(machine).server.timeout == 5.0

    def test_a_flag_goes_before_it(self, machine: Machine) -> None:
        machine.variables.update({SERVER: "h.example", "SENDMAIL_CLI_TIMEOUT": "9"})
        assert resolve(machine, timeout=3).server.timeout == 3.0
        assert resolve(machine, server="other.example").server.host == "other.example"

    @pytest.mark.parametrize("server", ["evil.example", "smtp.example.org", "ada@smtp.example.org"])
    def test_a_server_of_its_own_gets_nothing_that_is_the_profiles(self, machine: Machine, server: str) -> None:
        machine.write(WORK + 'password_command = ["secret"]\n')
        machine.variables.update({SERVER: server, "SENDMAIL_CLI_PASSWORD__WORK": "hunter2"})
        settings = resolve(machine)
        assert settings.server.tls_min == "1.2"
        assert str(settings.from_) == "ada@example.org"  # that is the sender's
        user = "ada" if "@" in server else None
        assert settings.server.user == user
        assert settings.credential == CredentialSettings(variable="SENDMAIL_CLI_PASSWORD" if user else None)

    def test_the_password_is_for_no_other_server(self, machine: Machine) -> None:
        machine.write(WORK)
        machine.variables.update({"SENDMAIL_CLI_PASSWORD": "hunter2", "SENDMAIL_CLI_PASSWORD_COMMAND": "secret"})
        credential = resolve(machine).credential
        assert (credential.variable, credential.password_command) == ("SENDMAIL_CLI_PASSWORD__WORK", None)
        machine.variables[SERVER] = "ada@h.example"
        assert resolve(machine, server="ada@other.example").credential == CredentialSettings()

    @pytest.mark.parametrize("profile", ["work", "sandbox"])
    def test_a_profile_that_is_named_is_left_alone(self, machine: Machine, profile: str) -> None:
        machine.write(WORK)
        machine.variables.update({SERVER: "evil.example", "SENDMAIL_CLI_FROM": "eve@example.org"})
        settings = resolve(machine, profile=profile)
        assert settings.server.host != "evil.example"
        assert "eve" not in str(settings.from_)

    def test_the_sandbox_is_left_alone_whoever_names_it(self, machine: Machine) -> None:
        machine.variables.update({SERVER: "evil.example", "SENDMAIL_CLI_PROFILE": "sandbox"})
        assert resolve(machine).is_sandbox


class TestMistakes:
    def test_a_password_in_the_url(self, machine: Machine) -> None:
        machine.variables[SERVER] = "smtps://ada:hunter2@smtp.example.org"
        with pytest.raises(ConfigError, match=f"^{SERVER}: a password never stands") as caught:
            resolve(machine)
        assert "SENDMAIL_CLI_PASSWORD," in caught.value.hint
        assert "SENDMAIL_CLI_PASSWORD_FILE" in caught.value.hint
        assert "hunter2" not in str(caught.value) + caught.value.hint

    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ({"TLS": "starttls", "SERVER": "smtps://h.example"}, "SENDMAIL_CLI_TLS: “starttls” contradicts smtps://"),
            ({"AUTH": "plain"}, "SENDMAIL_CLI_AUTH: signing in needs a user"),
            ({"FORCE_FROM": "yes"}, "SENDMAIL_CLI_FORCE_FROM: it forces the profile's From, and the profile has none"),
            ({"FORCE_FROM": "maybe"}, "SENDMAIL_CLI_FORCE_FROM: expected true or false"),
            ({"PASSWORD_COMMAND": "'"}, "SENDMAIL_CLI_PASSWORD_COMMAND: No closing quotation"),
            ({"TLS": "none", "USER": "ada"}, "a password never leaves this machine in the clear"),
        ],
    )
    def test_name_their_variable(self, machine: Machine, variables: dict[str, str], words: str) -> None:
        machine.variables.update(
            {SERVER: "h.example", **{f"SENDMAIL_CLI_{key}": text for key, text in variables.items()}}
        )
        with pytest.raises(ConfigError, match=re.escape(words)) as caught:
            resolve(machine)
        assert "None" not in caught.value.sentence

    def test_without_a_server(self, machine: Machine) -> None:
        machine.variables["SENDMAIL_CLI_FROM"] = "ada@example.org"
        with pytest.raises(ConfigError, match="no profile is set up"):
            resolve(machine)
        assert str(resolve(machine, server="h.example").from_) == "ada@example.org"


def test_a_home_that_is_not_ours_does_no_harm(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> str | None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("sendmail_cli.config.profiles.read_trusted_text", refuse)
    with pytest.raises(ConfigError, match="can't be read"):
        load_profiles(machine)
    machine.variables[SERVER] = "h.example"
    assert resolve(machine).server.host == "h.example"


def test_a_file_is_one_from_here(machine: Machine, tmp_path: Path) -> None:
    machine.variables.update({SERVER: "h.example", "SENDMAIL_CLI_CA_FILE": "ca.pem"})
    assert resolve(machine).server.ca_file == "ca.pem"


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("SENDMAIL_CLI_SEVER", "SENDMAIL_CLI_SERVER"),
        ("SENDMAIL_CLI_TLSMIN", "SENDMAIL_CLI_TLS_MIN"),
        ("SENDMAIL_CLI_PASSWORD_FIL", "SENDMAIL_CLI_PASSWORD_FILE"),
        ("SENDMAIL_CLI_PROFIL", "SENDMAIL_CLI_PROFILE"),
        ("SENDMAIL_CLI_CREDENTIALSOURCE", "SENDMAIL_CLI_CREDENTIAL_SOURCE"),
    ],
)
def test_a_misspelt_variable_is_refused(machine: Machine, misspelt: str, meant: str) -> None:
    machine.variables[misspelt] = "1.3"
    with pytest.raises(ConfigError, match=f"^{misspelt}: there is no such variable; did you mean {meant}\\?$"):
        resolve(machine)


@pytest.mark.parametrize(
    "name", ["SENDMAIL_CLI_REAL_SERVERS", "SENDMAIL_CLI_PASSWORD__WORK", "SENDMAIL_CLI_NO_INPUT", "SENDMAIL_CLI_", "X"]
)
def test_other_variables_are_left_alone(machine: Machine, name: str) -> None:
    machine.variables.update({SERVER: "smtp.example.org", "SENDMAIL_CLI_FROM": "ada@example.org", name: "1"})
    assert resolve(machine).server.host == "smtp.example.org"
