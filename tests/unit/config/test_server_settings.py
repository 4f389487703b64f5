from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, Settings, resolve_settings
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from tests.unit.config.conftest import Machine

IMPLICIT, STARTTLS, OPPORTUNISTIC, NONE = TLSMode


def resolve(machine: Machine, **flags: object) -> Settings:
    return resolve_settings(ServerFlags(**flags), load_profiles(machine), machine)  # type: ignore[arg-type]


TRANSPORTS = [
    # server, tls, port, TLS mode
    ("h.example", None, 465, IMPLICIT),
    ("h.example:465", None, 465, IMPLICIT),
    ("h.example:587", None, 587, STARTTLS),
    ("h.example:25", None, 25, STARTTLS),
    ("h.example:2525", None, 2525, STARTTLS),
    ("smtps://h.example", None, 465, IMPLICIT),
    ("smtps://h.example:2465", None, 2465, IMPLICIT),
    ("smtps://h.example", "implicit", 465, IMPLICIT),
    ("smtp://h.example", None, 587, STARTTLS),
    ("smtp://h.example:465", None, 465, IMPLICIT),
    ("smtp://h.example", "none", 25, NONE),
    ("h.example", "implicit", 465, IMPLICIT),
    ("h.example", "starttls", 587, STARTTLS),
    ("h.example", "opportunistic", 25, OPPORTUNISTIC),
    ("h.example", "none", 25, NONE),
    ("h.example:465", "none", 465, NONE),
    ("h.example:2525", "implicit", 2525, IMPLICIT),
    ("u@h.example", None, 465, IMPLICIT),
    ("localhost", None, 25, NONE),
    ("127.0.0.1", None, 25, NONE),
    ("[::1]", None, 25, NONE),
    ("mail.localhost", None, 25, NONE),
    ("localhost:1025", None, 1025, NONE),
    ("localhost:465", None, 465, IMPLICIT),
    ("smtp://localhost", None, 25, NONE),
    ("smtps://localhost", None, 465, IMPLICIT),
    ("localhost", "starttls", 587, STARTTLS),
    ("localhost", "implicit", 465, IMPLICIT),
    ("localhost:1025", "starttls", 1025, STARTTLS),
    ("u@localhost", None, 25, STARTTLS),
    ("u@localhost", "none", 25, NONE),
    ("u@localhost:1025", "opportunistic", 1025, OPPORTUNISTIC),
    ("unix:/run/smtp", None, 25, NONE),
    ("unix:/run/smtp", "starttls", 587, STARTTLS),
]


@pytest.mark.parametrize(("server", "tls", "port", "mode"), TRANSPORTS)
def test_port_and_tls_from_flags(machine: Machine, server: str, tls: str | None, port: int, mode: TLSMode) -> None:
    got = resolve(machine, server=server, tls=tls).server
    assert (got.port, got.tls) == (port, mode)


@pytest.mark.parametrize(("server", "tls", "port", "mode"), TRANSPORTS)
def test_port_and_tls_from_a_profile_are_the_same(
    machine: Machine, server: str, tls: str | None, port: int, mode: TLSMode
) -> None:
    machine.write(f'[profile.a]\nserver = "{server}"\n' + (f'tls = "{tls}"\n' if tls else ""))
    got = resolve(machine).server
    assert (got.port, got.tls) == (port, mode)


def test_a_named_authority_asks_for_tls_on_this_machine_too(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "localhost:1025"\nca_file = "ca.pem"\n')
    assert resolve(machine).server.tls is STARTTLS
    assert resolve(machine, server="127.0.0.1:2525", ca_file="ca.pem").server.tls is STARTTLS
    assert resolve(machine, server="127.0.0.1:2525", ca_file="ca.pem", tls="none").server.tls is NONE


def test_a_flag_changes_the_tls_of_the_profile_s_server(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\ntls = "implicit"\n')
    settings = resolve(machine, tls="starttls")
    assert (settings.server.port, settings.server.tls) == (587, STARTTLS)
    assert str(settings.origins["tls"]) == "--tls"


OWN = """\
[profile.a]
from = "a@example.org"
server = "smtps://h.example:2465"
user = "ada"
auth = "plain"
ca_file = "/ca.pem"
tls_min = "1.3"
tls_cert = "/client.pem"
tls_key = "/client.key"
tls_pin = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
ehlo = "client.example.org"
timeout = 9
password_command = ["secret"]
[profile.a.headers]
X = "y"
"""


@pytest.mark.parametrize("server", ["h.example", "H.EXAMPLE.", "h.example:2465"])
def test_the_same_server_again_keeps_what_is_the_profile_s(machine: Machine, server: str) -> None:
    machine.write(OWN)
    settings = resolve(machine, server=server)
    assert settings.server == resolve(machine).server
    assert settings.credential_profile == "a"
    assert settings.password_command == ("secret",)
    assert str(settings.origins["server"]) == "--server"
    assert str(settings.origins["port"]).endswith("profiles.toml, line 3")


@pytest.mark.parametrize(
    ("server", "tls", "port", "mode"),
    [
        ("h.example:587", None, 587, STARTTLS),
        ("smtp://h.example", None, 587, STARTTLS),
        ("smtps://h.example", None, 465, IMPLICIT),
        ("h.example", "starttls", 587, STARTTLS),
    ],
)
def test_another_port_of_the_same_host_speaks_for_itself(
    machine: Machine, server: str, tls: str | None, port: int, mode: TLSMode
) -> None:
    machine.write(OWN)
    settings = resolve(machine, server=server, tls=tls)
    assert (settings.server.port, settings.server.tls) == (port, mode)
    assert (settings.server.user, settings.credential_profile) == ("ada", "a")


def test_clear_text_that_a_profile_asks_for_stays_on_its_port(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example:25"\ntls = "none"\n')
    assert resolve(machine, server="h.example").server.tls is NONE
    assert resolve(machine, server="h.example:25").server.tls is NONE
    assert resolve(machine, server="h.example:2525").server.tls is STARTTLS


@pytest.mark.parametrize("server", ["evil.example", "h.example.evil.example", "example", "unix:/h.example"])
def test_another_server_gets_nothing_that_belongs_to_the_profile_s(machine: Machine, server: str) -> None:
    machine.write(OWN)
    machine.variables["SENDMAIL_CLI_PASSWORD__A"] = "hunter2"
    settings = resolve(machine, server=server)
    assert (settings.server.user, settings.server.auth, settings.server.ca_file) == (None, "auto", None)
    assert (settings.credential_profile, settings.password_command) == (None, None)
    assert settings.server[Server._fields.index("tls_min") :][:4] == ("1.2", None, None, None)
    assert not {"user", "password", "ca_file", "tls_min", "tls_cert", "tls_key", "tls_pin"} & set(settings.origins)
    # What belongs to the sender stays.
    assert str(settings.from_) == "a@example.org"
    assert settings.headers == (("X", "y"),)
    assert (settings.server.ehlo_name, settings.server.timeout) == ("client.example.org", 9.0)


def test_another_server_with_a_user_has_no_password_of_ours(machine: Machine) -> None:
    machine.write(OWN)
    settings = resolve(machine, server="ada@evil.example")
    assert settings.server.user == "ada"
    assert (settings.credential_profile, settings.password_command) == (None, None)


def test_another_user_of_the_same_server_has_no_password_of_ours(machine: Machine) -> None:
    machine.write(OWN)
    assert resolve(machine, server="eve@h.example").credential_profile is None
    assert resolve(machine, server="ada@h.example").credential_profile == "a"


def test_a_user_from_the_flag_signs_in_with_the_password_of_a_profile_that_names_none(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\n')
    settings = resolve(machine, server="ada@h.example")
    assert (settings.server.user, settings.credential_profile) == ("ada", "a")


def test_the_user_may_stand_in_the_profile_s_server(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "ada@example.org@h.example"\n')
    settings = resolve(machine)
    assert (settings.server.user, settings.credential_profile) == ("ada@example.org", "a")
    assert str(settings.origins["user"]).endswith("line 2")


@pytest.mark.parametrize(
    ("given", "path"),
    [("/etc/ca.pem", "/etc/ca.pem"), ("~/ca.pem", "{home}/ca.pem"), ("ca.pem", "{home}/.config/sendmail-cli/ca.pem")],
)
def test_a_file_of_a_profile_is_found_from_any_folder(machine: Machine, given: str, path: str) -> None:
    names = ("ca_file", "tls_cert", "tls_key")
    machine.write('[profile.a]\nserver = "h.example"\n' + "".join(f'{name} = "{given}"\n' for name in names))
    server = resolve(machine).server
    assert {getattr(server, name) for name in names} == {path.format(home=machine.home)}


PIN = "sha256:" + 64 * "a"
TLS = f"""\
[profile.a]
server = "h.example"
tls_min = "1.3"
tls_cert = "/client.pem"
tls_key = "/client.key"
tls_pin = "{PIN}"
"""


def test_a_flag_of_tls_comes_before_the_profile(machine: Machine) -> None:
    machine.write(TLS)
    other = "SHA256:" + 64 * "B"
    settings = resolve(machine, tls_min="1.2", tls_pin=other, tls_key="my.key")
    server = settings.server
    assert (server.tls_min, server.tls_pin) == ("1.2", "sha256:" + 64 * "b")
    assert (server.tls_cert, server.tls_key) == ("/client.pem", "my.key")
    assert str(settings.origins["tls_pin"]) == "--tls-pin"
    assert str(settings.origins["tls_cert"]).endswith("line 4")


def test_a_certificate_from_the_flag_does_not_go_with_the_profile_s_key(machine: Machine) -> None:
    machine.write(TLS)
    server = resolve(machine, tls_cert="both.pem").server
    assert (server.tls_cert, server.tls_key) == ("both.pem", None)
    server = resolve(machine, tls_cert="my.pem", tls_key="my.key").server
    assert (server.tls_cert, server.tls_key) == ("my.pem", "my.key")


@pytest.mark.parametrize("key", ["tls_min", "tls_cert", "tls_pin"])
def test_what_speaks_of_tls_asks_for_it_on_this_machine_too(machine: Machine, key: str) -> None:
    value = {"tls_min": "1.2", "tls_cert": "x.pem", "tls_pin": PIN}[key]
    machine.write(f'[profile.a]\nserver = "localhost:1025"\n{key} = "{value}"\n')
    assert resolve(machine).server.tls is STARTTLS


@pytest.mark.parametrize(
    ("text", "flags", "kind", "sentence"),
    [
        ('tls_key = "k"', {}, ConfigError, "FILE, line 3: a key is of no use without its certificate"),
        ("", {"tls_key": "k"}, UsageError, "--tls-key: a key is of no use without its certificate"),
        ("", {"tls_pin": PIN, "tls": "none"}, UsageError, "--tls: tls “none” contradicts tls_pin (--tls-pin)"),
        (f'tls_pin = "{PIN}"', {"tls": "none"}, UsageError, "--tls: tls “none” contradicts tls_pin (FILE, line 3)"),
        (f'tls_pin = "{PIN}"\ntls = "none"', {}, ConfigError, "FILE, line 4: tls “none” contradicts tls_pin"),
        ('tls_cert = "c"\ntls = "none"', {}, ConfigError, "FILE, line 4: tls “none” contradicts tls_cert"),
        ('tls_min = "1.3"\ntls = "none"', {}, ConfigError, "FILE, line 4: tls “none” contradicts tls_min"),
        (f'tls_pin = "{PIN}"\ntls = "opportunistic"', {}, ConfigError, "tls “opportunistic” contradicts tls_pin"),
        ("", {"tls_pin": PIN, "insecure": True}, UsageError, "--insecure: any certificate, or only the one of tls_pin"),
        (f'tls_pin = "{PIN}"', {"insecure": True}, UsageError, "the one of tls_pin (FILE, line 3)"),
        ('auth = "external"', {}, ConfigError, "FILE, line 3: auth “external” signs in with a certificate, and there"),
        (
            'auth = "external"\ntls_cert = "c"\ntls = "opportunistic"',
            {},
            ConfigError,
            "FILE, line 5: auth “external” signs in by TLS, and tls “opportunistic” may do without",
        ),
        ("", {"tls_pin": "abc"}, UsageError, "--tls-pin: “abc” is no SHA-256 fingerprint"),
        ("", {"tls_min": "1.1"}, UsageError, "--tls-min: “1.1” is none of 1.2, 1.3"),
        ("", {"tls_cert": ""}, UsageError, "--tls-cert: a file's name is not empty"),
    ],
)
def test_tls_settings_that_contradict_each_other(
    machine: Machine, text: str, flags: dict[str, object], kind: type[ConfigError | UsageError], sentence: str
) -> None:
    machine.write(f'[profile.a]\nserver = "h.example"\n{text}\n')
    with pytest.raises(kind) as caught:
        resolve(machine, **flags)
    assert sentence.replace("FILE", "~/.config/sendmail-cli/profiles.toml") in caught.value.sentence


def test_some_tls_settings_that_go_together(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\ntls_cert = "c"\ntls = "opportunistic"\ntls_min = "1.3"\n')
    assert resolve(machine).server.tls is OPPORTUNISTIC
    assert resolve(machine, insecure=True).server.is_verified is False


def test_a_certificate_signs_in_without_user_and_password(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\nauth = "external"\ntls_cert = "c"\n')
    settings = resolve(machine)
    assert settings.server.signs_in
    assert settings.server.user is None
    settings = resolve(machine, server="ada@h.example")
    assert (settings.server.user, settings.credential_profile) == ("ada", None)
    assert "password" not in settings.origins
    assert not resolve(machine, server="other.example").server.signs_in


@pytest.mark.parametrize("tls", ["none", "opportunistic"])
@pytest.mark.parametrize("host", ["h.example", "192.0.2.1", "localhost.example.org"])
def test_a_password_never_leaves_this_machine_in_the_clear(machine: Machine, tls: str, host: str) -> None:
    machine.write(f'[profile.a]\nserver = "ada@{host}"\ntls = "{tls}"\n')
    with pytest.raises(ConfigError, match="a password never leaves this machine in the clear") as caught:
        resolve(machine)
    assert caught.value.sentence.startswith(
        f"~/.config/sendmail-cli/profiles.toml, line 3: tls “{tls}” for {host}:25 with the user “ada”"
    )
    assert caught.value.exit_code is ExitCode.CONFIG
    machine.write(f'[profile.a]\nserver = "ada@{host}"\n')
    with pytest.raises(ConfigError, match=r"^--tls: tls “none” for "):
        resolve(machine, tls="none")


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ('auth = "plain"\n', 3, "profile.a.auth: signing in needs a user"),
        ('password_command = ["x"]\n', 3, "profile.a.password_command: signing in needs a user"),
    ],
)
def test_a_way_to_sign_in_needs_a_user(machine: Machine, text: str, line: int, sentence: str) -> None:
    machine.write(f'[profile.a]\nserver = "h.example"\n{text}')
    with pytest.raises(ConfigError, match=f"^{machine.user_file}, line {line}: {sentence}"):
        resolve(machine)
    assert resolve(machine, server="eve@h.example").server.user == "eve"
    assert resolve(machine, server="evil.example").server.user is None


def test_a_user_from_the_flag_contradicts_a_profile_that_never_signs_in(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\nauth = "none"\n')
    assert resolve(machine).server.auth == "none"
    with pytest.raises(ConfigError, match=r"line 3: profile.a.auth: “none” contradicts the user “ada”"):
        resolve(machine, server="ada@h.example")


@pytest.mark.parametrize("flags", [{"tls": "none"}, {"ca_file": "ca.pem"}, {"tls_pin": "x"}])
def test_what_the_sandbox_can_not_obey_is_refused(machine: Machine, flags: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="has no place with the profile sandbox"):
        resolve(machine, profile="sandbox", **flags)
