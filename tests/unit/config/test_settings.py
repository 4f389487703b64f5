from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sendmail_cli.config
from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config.credential_settings import password_variable
from sendmail_cli.config.origins import Origin, origin_in_file
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import (
    ServerFlags,
    Settings,
    choose_profile,
    describe_settings,
    own_mailboxes,
    resolve_settings,
)
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.errors import AddressError, ConfigError, UsageError
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from tests.unit.config.conftest import Machine

WORK = """\
[profile.work]
from = "Ada <ada@example.org>"
server = "smtps://smtp.example.org:2465"
user = "ada@example.org"
auth = "login"
ehlo = "client.example.org"
ca_file = "/etc/work.pem"
timeout = "5m"
password_command = ["pass", "work"]
[profile.work.headers]
Organization = "Engines"
"""
FILE = "~/.config/sendmail-cli/profiles.toml"


def resolve(machine: Machine, **flags: object) -> Settings:
    return resolve_settings(ServerFlags(**flags), load_profiles(machine), machine)  # type: ignore[arg-type]


def test_a_profile_gives_everything_and_each_value_has_its_place(machine: Machine) -> None:
    machine.write(WORK)
    settings = resolve(machine)
    assert settings.profile_name == "work"
    assert settings.from_ == parse_mailbox("Ada <ada@example.org>")
    assert settings.server == Server(
        "smtp.example.org",
        2465,
        tls=TLSMode.IMPLICIT,
        user="ada@example.org",
        auth="login",
        ehlo_name="client.example.org",
        ca_file="/etc/work.pem",
        timeout=300.0,
    )
    assert settings.headers == (("Organization", "Engines"),)
    assert settings.credential.password_command == ("pass", "work")
    assert settings.credential.profile == "work"
    assert {name: str(origin) for name, origin in settings.origins.items()} == {
        "profile": "the only profile",
        "from": f"{FILE}, line 2",
        "server": f"{FILE}, line 3",
        "port": f"{FILE}, line 3",
        "tls": f"{FILE}, line 3",
        "user": f"{FILE}, line 4",
        "auth": f"{FILE}, line 5",
        "ehlo": f"{FILE}, line 6",
        "ca_file": f"{FILE}, line 7",
        "timeout": f"{FILE}, line 8",
        "password": f"{FILE}, line 9",
        "headers.Organization": f"{FILE}, line 11",
    }


def test_a_flag_wins_over_the_profile(machine: Machine) -> None:
    machine.write(WORK)
    settings = resolve(
        machine, ehlo="other.example", ca_file="x.pem", timeout="7", insecure=True, from_="eve@example.org"
    )
    assert settings.server.ehlo_name == "other.example"
    assert settings.server.ca_file == "x.pem"
    assert settings.server.timeout == 7.0
    assert settings.server.is_verified is False
    assert settings.from_ == parse_mailbox("eve@example.org")
    origins = {name: str(settings.origins[name]) for name in ("ehlo", "ca_file", "timeout", "insecure", "from")}
    assert origins == {
        "ehlo": "--ehlo",
        "ca_file": "--ca-file",
        "timeout": "--timeout",
        "insecure": "--insecure",
        "from": "--from",
    }


def test_values_of_an_api_caller_need_no_parsing(machine: Machine) -> None:
    mailbox = parse_mailbox("Ada <ada@example.org>")
    settings = resolve(machine, server="h", from_=mailbox, tls=TLSMode.STARTTLS, timeout=3)
    assert (settings.from_, settings.server.tls, settings.server.timeout) == (mailbox, TLSMode.STARTTLS, 3.0)


def test_a_server_alone_is_enough(machine: Machine) -> None:
    settings = resolve(machine, server="smtp.example.org")
    assert settings == Settings(
        None,
        None,
        Server("smtp.example.org", 465, tls=TLSMode.IMPLICIT),
        (),
        {
            "server": Origin("flag", "--server"),
            "port": Origin("default", "default"),
            "tls": Origin("default", "default"),
            "auth": Origin("default", "default"),
        },
    )
    assert not settings.is_sandbox


TWO = '[profile.work]\nserver = "w.example"\n[profile.home]\nserver = "h.example"\n'


def test_which_profile_is_chosen(machine: Machine) -> None:
    machine.write(TWO)
    with pytest.raises(ConfigError, match=r"^there are several profiles and none is chosen: work, home") as caught:
        resolve(machine)
    assert "sendmail-cli profile default NAME" in caught.value.hint
    machine.write('default = "work"\n' + TWO)
    assert resolve(machine).profile_name == "work"
    assert str(resolve(machine).origins["profile"]) == f"{FILE}, line 1"
    machine.variables["SENDMAIL_CLI_PROFILE"] = "home"
    assert resolve(machine).profile_name == "home"
    assert resolve(machine).origins["profile"] == Origin("environment", "SENDMAIL_CLI_PROFILE")
    assert resolve(machine, profile="work").profile_name == "work"
    assert resolve(machine, profile="work").origins["profile"] == Origin("flag", "--profile")
    machine.variables["SENDMAIL_CLI_PROFILE"] = ""
    assert resolve(machine).profile_name == "work"


def test_who_we_are_is_the_from_of_all_profiles_the_chosen_one_first(machine: Machine) -> None:
    machine.write(
        '[profile.a]\nfrom = "a@x.example"\n[profile.b]\nserver = "b"\n[profile.c]\nfrom = "c@x.example"\n'
        '[profile.d]\nfrom = "a@x.example"\n'
    )

    def own(name: str | None) -> list[str]:
        return [str(each) for each in own_mailboxes(ServerFlags(profile=name), load_profiles(machine), machine)]

    assert own("c") == ["c@x.example", "a@x.example"]
    assert own("b") == own(None) == ["a@x.example", "c@x.example"]


def test_an_unknown_profile_is_a_mistake_of_the_configuration(machine: Machine) -> None:
    machine.write(TWO)
    sentence = "there is no profile “wrok”; did you mean “work”\\? There is work, home, sandbox"
    with pytest.raises(ConfigError, match=sentence) as caught:
        resolve(machine, profile="wrok")
    assert caught.value.exit_code is ExitCode.CONFIG
    machine.variables["SENDMAIL_CLI_PROFILE"] = "wrok"
    with pytest.raises(ConfigError, match=sentence):
        resolve(machine)


def test_no_profile_says_what_to_type(machine: Machine) -> None:
    with pytest.raises(ConfigError, match=r"^no profile is set up in ") as caught:
        resolve(machine)
    assert "sendmail-cli setup you@example.org" in caught.value.hint
    assert "--profile sandbox" in caught.value.hint
    assert choose_profile(ServerFlags(), load_profiles(machine), machine) is None


def test_a_profile_without_server_names_its_line(machine: Machine) -> None:
    machine.write('\n[profile.work]\nfrom = "a@b"\n')
    with pytest.raises(ConfigError, match=f"^{machine.user_file}, line 2: the profile “work” has no server"):
        resolve(machine)
    assert resolve(machine, server="h").from_ == parse_mailbox("a@b")


def test_the_sandbox_needs_nothing(machine: Machine) -> None:
    settings = resolve(machine, profile="sandbox")
    assert settings.is_sandbox
    assert str(settings.from_) == "sandbox@sandbox.invalid"
    assert settings.server.user is None
    assert str(settings.origins["from"]) == "built in"
    assert not resolve(machine, profile="sandbox", server="h").is_sandbox


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"server": "https://x"}, "--server: “https://” is not how mail is sent"),
        ({"server": "a:hunter2@x"}, "--server: a password never stands in a server's address"),
        ({"server": ""}, "--server: no host is named"),
        ({"server": "h", "tls": "startls"}, "--tls: “startls” is none of .*; did you mean “starttls”"),
        ({"server": "h", "timeout": "soon"}, "--timeout: a time is a number of seconds"),
        ({"server": "h", "ehlo": "a b"}, "--ehlo: “a b” is no domain name"),
        ({"server": "h", "ca_file": ""}, "--ca-file: a file's name is not empty"),
        ({"server": "smtps://h", "tls": "starttls"}, "--tls starttls contradicts smtps://"),
        ({"server": "smtps://h", "tls": "none"}, "--tls none contradicts smtps://"),
    ],
)
def test_a_bad_flag_is_named(machine: Machine, flags: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}") as caught:
        resolve(machine, **flags)
    assert "hunter2" not in caught.value.sentence


def test_a_bad_from_is_a_bad_address(machine: Machine) -> None:
    with pytest.raises(AddressError, match="“ada”"):
        resolve(machine, server="h", from_="ada")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("work", "SENDMAIL_CLI_PASSWORD__WORK"),
        ("My.home-2_x", "SENDMAIL_CLI_PASSWORD__MY_HOME_2_X"),
    ],
)
def test_the_variable_of_a_profile(name: str, variable: str) -> None:
    assert password_variable(name) == variable


def test_profiles_that_share_a_variable_are_rivals(machine: Machine) -> None:
    machine.write('[profile.a-b]\nserver = "u@h.example"\n[profile.A_B]\n[profile.ab]\n')
    assert resolve(machine, profile="a-b").credential.rivals == ("A_B",)


@pytest.mark.parametrize(("name", "rival"), [("work", "work.file"), ("work_file", "work")])
def test_the_variable_of_a_file_may_be_that_of_another_profile(machine: Machine, name: str, rival: str) -> None:
    machine.write(f'[profile."{name}"]\nserver = "u@h.example"\n[profile."{rival}"]\n')
    assert resolve(machine, profile=name).credential.rivals == (rival,)


def test_a_pinned_source_is_the_only_one_that_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.write('[profile.work]\nserver = "u@h.example"\npassword_file = "~/secret"\ncredential.source = "keyring"\n')
    settings = resolve(machine)
    assert settings.credential.source == "keyring"
    assert settings.credential.password_file == f"{machine.home}/secret"
    assert settings.origins["password"].kind == "keyring"
    assert str(settings.origins["credential.source"]) == f"{FILE}, line 4"
    machine.write('[profile.work]\nserver = "u@h.example"\n[profile.work.credential]\nsource = "prompt"\n')
    assert str(resolve(machine).origins["password"]) == "credential.source = “prompt”"
    assert resolve(machine, password_fd=3).origins["password"] == Origin("flag", "--password-fd")


def test_where_the_password_would_come_from(machine: Machine, tmp_path: Path) -> None:
    machine.write('[profile.work]\nserver = "u@h.example"\n')
    assert resolve(machine).origins["password"] == Origin("keyring", "the keyring")
    machine.write('[profile.work]\nserver = "u@h.example"\npassword_command = ["x"]\n')
    assert str(resolve(machine).origins["password"]) == f"{FILE}, line 3"
    machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "x"
    assert resolve(machine).origins["password"] == Origin("environment", "SENDMAIL_CLI_PASSWORD__WORK")
    machine.variables = {"HOME": machine.home, "SENDMAIL_CLI_PASSWORD__WORK_FILE": "/run/secrets/x"}
    assert resolve(machine).origins["password"] == Origin("environment", "SENDMAIL_CLI_PASSWORD__WORK_FILE")
    (tmp_path / "sendmail-cli.work").write_text("x")
    machine.variables = {"HOME": machine.home, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    machine.write('[profile.work]\nserver = "u@h.example"\npassword_file = "x"\n')
    assert resolve(machine).origins["password"] == Origin("environment", "CREDENTIALS_DIRECTORY")
    machine.variables = {"HOME": str(tmp_path / "home"), "CREDENTIALS_DIRECTORY": "/nowhere"}
    assert str(resolve(machine).origins["password"]) == f"{FILE}, line 3"
    machine.write('[profile.work]\nserver = "h.example"\n')
    assert "password" not in resolve(machine).origins


@pytest.mark.parametrize(
    ("top", "own", "is_allowed"),
    [(None, None, False), ("true", None, True), ("true", "false", False), ("false", "true", True)],
)
def test_insecure_keyrings_are_allowed_by_the_profile_or_for_all(
    machine: Machine, top: str | None, own: str | None, *, is_allowed: bool
) -> None:
    machine.write(
        (f"allow_insecure_keyring = {top}\n" if top else "")
        + '[profile.work]\nserver = "u@h.example"\n'
        + (f"allow_insecure_keyring = {own}\n" if own else "")
    )
    assert resolve(machine).credential.is_insecure_keyring_allowed is is_allowed


def test_every_setting_can_be_told_and_no_password_is(machine: Machine) -> None:
    machine.write(WORK)
    machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "hunter2"
    told = {name: (value, str(origin)) for name, value, origin in describe_settings(resolve(machine, insecure=True))}
    assert told == {
        "profile": ("work", "the only profile"),
        "from": ("Ada <ada@example.org>", f"{FILE}, line 2"),
        "server": ("smtp.example.org", f"{FILE}, line 3"),
        "port": ("2465", f"{FILE}, line 3"),
        "tls": ("implicit", f"{FILE}, line 3"),
        "user": ("ada@example.org", f"{FILE}, line 4"),
        "auth": ("login", f"{FILE}, line 5"),
        "password": ("***", "SENDMAIL_CLI_PASSWORD__WORK"),
        "ehlo": ("client.example.org", f"{FILE}, line 6"),
        "ca_file": ("/etc/work.pem", f"{FILE}, line 7"),
        "insecure": ("true", "--insecure"),
        "timeout": ("300s", f"{FILE}, line 8"),
        "headers.Organization": ("Engines", f"{FILE}, line 11"),
    }
    told = {name: (value, str(origin)) for name, value, origin in describe_settings(resolve(machine, server="unix:/s"))}
    assert told["server"] == ("unix:/s", "--server")
    assert "password" not in told


def test_a_place_outside_the_home_is_written_whole() -> None:
    place = Place("/home/adam/profiles.toml", 3)
    assert str(origin_in_file(place, "/home/ada")) == "/home/adam/profiles.toml, line 3"
    assert str(origin_in_file(place, "/home/adam/")) == "~/profiles.toml, line 3"


HEAVY = {
    "dataclasses", "tomlkit", "keyring", "ssl", "pathlib", "platformdirs", "difflib", "subprocess", "json", "idna",
    "ipaddress", "secretstorage", "tomllib", "threading", "socket", "inspect", "configparser",
}  # fmt: skip
LIGHT_MODULES = (
    "settings", "server_settings", "server_url", "origins", "profiles", "profile_keys", "toml_lines", "trusted_file",
    "credentials", "os_keyring",
)  # fmt: skip


@pytest.mark.parametrize("name", LIGHT_MODULES)
def test_the_way_of_a_plain_message_loads_nothing_heavy(name: str) -> None:
    source = Path(*sendmail_cli.config.__path__, f"{name}.py").read_text(encoding="utf-8")
    top = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = itertools.chain.from_iterable(
        [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] for node in top
    )
    assert {name.partition(".")[0] for name in names} & HEAVY == set()
