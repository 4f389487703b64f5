from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.origins import Origin
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, Settings, resolve_settings
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from sendmail_cli.errors import MailError
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
    ("unix:/run/smtp", None, 0, NONE),
    ("lmtp://h.example", None, 24, STARTTLS),
    ("lmtp://h.example:2003", None, 2003, STARTTLS),
    ("lmtp://h.example", "implicit", 24, IMPLICIT),
    ("lmtp://localhost", None, 24, NONE),
    ("lmtp://u@localhost", None, 24, STARTTLS),
    ("lmtp:/run/lmtp", None, 0, NONE),
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
    assert settings.credential.profile == "a"
    assert settings.credential.password_command == ("secret",)
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
    assert (settings.server.user, settings.credential.profile) == ("ada", "a")


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
    assert (settings.credential.profile, settings.credential.password_command) == (None, None)
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
    assert (settings.credential.profile, settings.credential.password_command) == (None, None)


def test_another_user_of_the_same_server_has_no_password_of_ours(machine: Machine) -> None:
    machine.write(OWN)
    assert resolve(machine, server="eve@h.example").credential.profile is None
    assert resolve(machine, server="ada@h.example").credential.profile == "a"


def test_a_user_from_the_flag_signs_in_with_the_password_of_a_profile_that_names_none(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\n')
    settings = resolve(machine, server="ada@h.example")
    assert (settings.server.user, settings.credential.profile) == ("ada", "a")


def test_the_user_may_stand_in_the_profile_s_server(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "ada@example.org@h.example"\n')
    settings = resolve(machine)
    assert (settings.server.user, settings.credential.profile) == ("ada@example.org", "a")
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
    assert (settings.server.user, settings.credential.profile) == ("ada", None)
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


def test_lmtp_is_spoken_where_the_scheme_says_so(machine: Machine) -> None:
    assert resolve(machine, server="lmtp://h.example").server.is_lmtp
    assert resolve(machine, server="lmtp:/run/lmtp").server.is_lmtp
    assert not resolve(machine, server="unix:/run/lmtp").server.is_lmtp
    machine.write('[profile.a]\nserver = "lmtp://h.example:2003"\n')
    again = resolve(machine, server="h.example").server
    assert (again.is_lmtp, again.port) == (True, 2003)
    assert not resolve(machine, server="h.example:25").server.is_lmtp


PROXY = "socks5h://127.0.0.1:9050"
SECRET_PROXY = "socks5h://ada:hunter2@proxy.example:1080"


def test_a_way_out_is_flag_before_variable_before_profile(machine: Machine) -> None:
    machine.write(f'[profile.a]\nserver = "h.example"\nproxy = "{PROXY}"\nbind = "192.0.2.1"\n')
    settings = resolve(machine)
    assert (settings.server.proxy, settings.server.bind) == (Secret(PROXY), "192.0.2.1")
    assert str(settings.origins["proxy"]).endswith("line 3")
    assert str(settings.origins["bind"]).endswith("line 4")
    machine.variables["SENDMAIL_CLI_PROXY"] = SECRET_PROXY
    assert resolve(machine).server.proxy == Secret(SECRET_PROXY)
    assert resolve(machine).origins["proxy"] == Origin("environment", "SENDMAIL_CLI_PROXY")
    settings = resolve(machine, proxy="http://p:3128", bind="[::1]")
    assert (settings.server.proxy, settings.server.bind) == (Secret("http://p:3128"), "::1")
    assert (str(settings.origins["proxy"]), str(settings.origins["bind"])) == ("--proxy", "--bind")
    assert resolve(machine, proxy="none").server.proxy is None
    assert str(resolve(machine, proxy="none").origins["proxy"]) == "--proxy"
    machine.variables["SENDMAIL_CLI_PROXY"] = ""
    assert resolve(machine).server.proxy == Secret(PROXY)


def test_a_way_out_is_the_senders_and_holds_for_every_server(machine: Machine) -> None:
    machine.write(f'[profile.a]\nserver = "h.example"\nproxy = "{PROXY}"\nbind = "192.0.2.1"\n')
    server = resolve(machine, server="other.example").server
    assert (server.proxy, server.bind) == (Secret(PROXY), "192.0.2.1")
    for direct in ({"server": "unix:/run/smtp"}, {"pipe": "sendmail -bs"}):
        settings = resolve(machine, **direct)
        assert (settings.server.proxy, settings.server.bind) == (None, None)
        assert not {"proxy", "bind"} & set(settings.origins)


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "http_proxy"])
def test_variables_of_other_programs_are_not_followed(machine: Machine, name: str) -> None:
    machine.variables[name] = SECRET_PROXY
    assert resolve(machine, server="h.example").server.proxy is None


def test_an_api_caller_may_give_a_proxy_with_a_password(machine: Machine) -> None:
    assert resolve(machine, server="h", proxy=Secret(SECRET_PROXY)).server.proxy == Secret(SECRET_PROXY)


def test_the_sandbox_goes_by_no_proxy(machine: Machine) -> None:
    machine.variables["SENDMAIL_CLI_PROXY"] = SECRET_PROXY
    settings = resolve(machine, profile="sandbox")
    assert settings.is_sandbox
    assert settings.server.proxy is None
    assert not resolve(machine, profile="sandbox", pipe="true").is_sandbox
    for flags in ({"proxy": PROXY}, {"bind": "127.0.0.1"}):
        with pytest.raises(UsageError, match="has no place with the profile sandbox"):
            resolve(machine, profile="sandbox", **flags)


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_by_a_proxy_is_the_proxys_machine(machine: Machine, server: str) -> None:
    got = resolve(machine, server=server, proxy=PROXY).server
    assert (got.port, got.tls) == (465, IMPLICIT)
    assert resolve(machine, server=f"{server}:25", proxy=PROXY).server.tls is STARTTLS
    machine.write(f'[profile.a]\nserver = "{server}"\nuser = "ada"\ntls = "none"\n')
    assert resolve(machine).server.tls is NONE
    with pytest.raises(ConfigError, match="a password never leaves this machine in the clear"):
        resolve(machine, proxy=PROXY)
    machine.variables["SENDMAIL_CLI_PROXY"] = SECRET_PROXY
    with pytest.raises(ConfigError, match="a password never leaves this machine in the clear"):
        resolve(machine)


@pytest.mark.parametrize(
    ("flags", "kind", "sentence"),
    [
        ({"proxy": SECRET_PROXY}, UsageError, "--proxy: a password never stands in a proxy's URL"),
        ({"proxy": "proxy.example"}, UsageError, "--proxy: the proxy's URL begins with nothing that we know"),
        ({"bind": "eth0"}, UsageError, "--bind: “eth0” is no IP address"),
        ({"bind": "::1", "server": "unix:/run/smtp"}, UsageError, "--bind is for connections over a network, and"),
        ({"proxy": PROXY, "server": "lmtp:/run/lmtp"}, UsageError, "--proxy is for .* the server is a unix socket"),
        ({"proxy": PROXY, "server": None, "pipe": "x"}, UsageError, "--proxy is for .* the server is a program"),
        ({"pipe": "x"}, UsageError, "--pipe and --server both say which server it is; give one of them"),
        ({"server": None, "pipe": "'x"}, UsageError, "--pipe: no closing quotation"),
        ({"server": None, "pipe": " "}, UsageError, "--pipe: no program is named"),
        ({"server": None, "pipe": ("x", "\0")}, UsageError, "--pipe: no argument can have a NUL"),
    ],
)
def test_a_way_that_can_not_be(
    machine: Machine, flags: dict[str, object], kind: type[MailError], sentence: str
) -> None:
    with pytest.raises(kind, match=f"^{sentence}") as caught:
        resolve(machine, **{"server": "h.example", **flags})
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_a_variable_that_is_no_proxy(machine: Machine) -> None:
    machine.variables["SENDMAIL_CLI_PROXY"] = "socks5h://ada:hunter2"
    with pytest.raises(ConfigError, match=r"^SENDMAIL_CLI_PROXY: the proxy's URL can't be understood") as caught:
        resolve(machine, server="h.example")
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_a_program_is_a_server_of_its_own(machine: Machine) -> None:
    settings = resolve(machine, pipe="ssh h '/usr/sbin/sendmail -bs'")
    assert settings.server == Server("", 0, command=("ssh", "h", "/usr/sbin/sendmail -bs"), tls=NONE)
    assert {name: str(origin) for name, origin in settings.origins.items()} == {
        "pipe": "--pipe", "tls": "default", "auth": "default",
    }  # fmt: skip
    machine.write('[profile.a]\npipe = ["sendmail", "-bs"]\n')
    settings = resolve(machine)
    assert settings.server == Server("", 0, command=("sendmail", "-bs"), tls=NONE)
    assert str(settings.origins["pipe"]).endswith("line 2")
    assert resolve(machine, server="h.example").server == Server("h.example", 465, tls=IMPLICIT)
    assert resolve(machine, pipe="exim -bs").server.command == ("exim", "-bs")


def test_what_belongs_to_a_program_belongs_to_that_command_alone(machine: Machine) -> None:
    machine.write('[profile.a]\npipe = ["sendmail", "-bs"]\nuser = "ada"\nauth = "scram-sha-256"\ntls = "none"\n')
    settings = resolve(machine)
    assert (settings.server.user, settings.credential.profile) == ("ada", "a")
    assert resolve(machine, pipe="sendmail -bs").server == settings.server
    for other in ({"pipe": "sendmail -bs -v"}, {"pipe": "nc h 25"}, {"server": "h.example"}, {"server": "sendmail"}):
        settings = resolve(machine, **other)
        assert (settings.server.user, settings.server.auth, settings.credential.profile) == (None, "auto", None)


def test_no_password_goes_to_a_program_in_the_clear(machine: Machine) -> None:
    machine.write('[profile.a]\npipe = ["sendmail", "-bs"]\nuser = "ada"\ntls = "none"\n')
    with pytest.raises(ConfigError, match="a password never leaves this machine in the clear") as caught:
        resolve(machine)
    assert "scram-sha-256" in caught.value.hint
    machine.write('[profile.a]\npipe = ["sendmail", "-bs"]\nuser = "ada"\n')
    with pytest.raises(ConfigError, match="a password never leaves this machine in the clear"):
        resolve(machine)
    machine.write('[profile.a]\npipe = ["sendmail", "-bs"]\nuser = "ada"\nauth = "scram-sha-1"\n')
    assert resolve(machine).server.tls is NONE


def test_a_socket_is_this_machines_for_a_password_too(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["h.example", "unix:/run/smtp"]\nuser = "ada"\n')
    settings = resolve(machine)
    assert [server.tls for server in (settings.server, *settings.fallbacks)] == [IMPLICIT, NONE]
    assert resolve(machine, server="unix:/run/smtp").credential.profile == "a"


@pytest.mark.parametrize("flags", [{"server": "unix:/run/smtp"}, {"pipe": "sendmail -bs"}])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_needs_a_name(machine: Machine, flags: dict[str, str], tls: str) -> None:
    with pytest.raises(ConfigError, match=rf"^--tls: tls “{tls}” for .*: a certificate is for a host's name"):
        resolve(machine, tls=tls, **flags)
    assert resolve(machine, tls=tls, insecure=True, **flags).server.tls is TLSMode(tls)
    assert resolve(machine, tls="opportunistic", **flags).server.tls is OPPORTUNISTIC
    with pytest.raises(ConfigError, match=r"^default: tls “starttls” for .*: a certificate is for a host's name"):
        resolve(machine, ca_file="ca.pem", **flags)  # whoever names an authority wants TLS


def test_several_servers_have_all_but_the_place_in_common(machine: Machine) -> None:
    machine.write(
        '[profile.a]\nserver = ["smtp1.example", "ada@smtp2.example:587", "smtps://smtp3.example:2465"]\n'
        'auth = "plain"\nca_file = "/ca.pem"\ntimeout = 9\nchunking = "eager"\n'
        'proxy = "socks5h://p"\nbind = "192.0.2.1"\n'
    )
    settings = resolve(machine)
    first = Server(
        "smtp1.example", 465, proxy=Secret("socks5h://p"), bind="192.0.2.1", tls=IMPLICIT, ca_file="/ca.pem",
        user="ada", auth="plain", timeout=9.0, is_chunking_eager=True,
    )  # fmt: skip
    assert settings.server == first
    assert settings.fallbacks == (
        first._replace(host="smtp2.example", port=587, tls=STARTTLS),
        first._replace(host="smtp3.example", port=2465),
    )
    assert settings.credential.profile == "a"
    assert str(settings.origins["fallbacks"]).endswith("line 2")


def test_a_server_that_is_named_has_no_fall_back(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["smtp1.example:2465", "smtps://smtp2.example"]\nuser = "ada"\n')
    for name, port in (("smtp1.example", 2465), ("smtp2.example", 465)):
        settings = resolve(machine, server=name)
        assert (settings.server.host, settings.server.port, settings.fallbacks) == (name, port, ())
        assert (settings.server.user, settings.credential.profile) == ("ada", "a")
        assert "fallbacks" not in settings.origins
    assert resolve(machine, server="smtp3.example").credential.profile is None
    assert resolve(machine, pipe="x").fallbacks == ()


def test_the_profiles_port_is_found_among_several_of_one_host(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["h.example:2465", "h.example:2587"]\ntls = "implicit"\n')
    assert resolve(machine, server="h.example:2587").server.tls is IMPLICIT
    assert resolve(machine, server="h.example").server.port == 2465
    assert resolve(machine, server="h.example:587").server.tls is STARTTLS


def test_a_password_never_goes_to_a_fall_back_in_the_clear(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["localhost", "far.example"]\nuser = "ada"\ntls = "none"\n')
    with pytest.raises(ConfigError, match=r"tls “none” for far.example:25 with the user “ada”"):
        resolve(machine)


def test_a_socket_among_several_is_reached_straight(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["unix:/run/smtp", "localhost"]\n')
    settings = resolve(machine, proxy=PROXY, bind="192.0.2.1")
    [fallback] = settings.fallbacks
    assert (settings.server.proxy, settings.server.bind, settings.server.tls) == (None, None, NONE)
    assert (fallback.proxy, fallback.bind, fallback.tls) == (Secret(PROXY), "192.0.2.1", IMPLICIT)


@pytest.mark.parametrize("way", ['pipe = ["sendmail", "-bs"]', 'server = "unix:/run/smtp"'])
def test_a_ticket_needs_a_name(machine: Machine, way: str) -> None:
    machine.write(f'[profile.a]\n{way}\nauth = "gssapi"\n')
    with pytest.raises(ConfigError, match=r"line 3: auth “gssapi” for .*: a ticket is for a host's name"):
        resolve(machine)


def test_a_pin_needs_no_name(machine: Machine) -> None:
    machine.write(f'[profile.a]\npipe = ["nc", "h", "587"]\nuser = "ada"\ntls_pin = "{"ab" * 32}"\n')
    server = resolve(machine).server
    assert (server.tls, server.tls_pin) == (STARTTLS, "sha256:" + "ab" * 32)


def test_several_servers_have_their_tls_in_common(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = ["localhost", "h.example"]\ntls_min = "1.3"\ntls_cert = "/c.pem"\n')
    settings = resolve(machine)
    servers = (settings.server, *settings.fallbacks)
    assert [(each.tls, each.tls_min, each.tls_cert) for each in servers] == [
        (STARTTLS, "1.3", "/c.pem"),
        (IMPLICIT, "1.3", "/c.pem"),
    ]


def test_chunking_belongs_to_the_server(machine: Machine) -> None:
    machine.write('[profile.a]\nserver = "h.example"\nchunking = "eager"\n')
    assert resolve(machine).server.is_chunking_eager
    assert not resolve(machine, server="other.example").server.is_chunking_eager
    machine.write('[profile.a]\nserver = "h.example"\nchunking = "never"\n')
    assert not resolve(machine).server.is_chunking_eager
