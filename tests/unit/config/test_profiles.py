from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config import profiles as module
from sendmail_cli.config.profiles import (
    NO_PROFILE,
    SANDBOX_PROFILE,
    Profile,
    config_paths,
    load_profiles,
    parse_profiles,
)
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.config.trusted_file import read_trusted_text
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.server import TLSMode
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.config.conftest import Machine

WHOLE = """\
default = "work"
allow_insecure_keyring = false

[profile.work]
from = "Ada Lovelace <ada@example.org>"
server = "smtps://smtp.example.org"
user = "ada@example.org"
tls = "implicit"
auth = "plain"
ehlo = "client.example.org"
ca_file = "/etc/ca.pem"
tls_min = "1.3"
tls_cert = "~/client.pem"
tls_key = "client.key"
tls_pin = "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB"
timeout = "30s"
password_command = ["pass", "show", "mail/work"]
allow_insecure_keyring = true

[profile.work.headers]
Organization = "Analytical Engines"

[profile."my.home"]
from = "ada@home.example"
"""


def test_a_whole_file_is_read_with_the_place_of_each_value(machine: Machine) -> None:
    machine.write(WHOLE)
    profiles = load_profiles(machine)
    file = str(machine.user_file)
    assert profiles.names == ("work", "my.home")
    assert (profiles.default, profiles.default_place) == ("work", Place(file, 1))
    work = profiles.get("work")
    assert work._replace(places={}) == Profile(
        "work",
        Place(file, 4),
        {},
        parse_mailbox("Ada Lovelace <ada@example.org>"),
        (ServerURL("smtp.example.org", scheme="smtps"),),
        "ada@example.org",
        TLSMode.IMPLICIT,
        "plain",
        "client.example.org",
        "/etc/ca.pem",
        "1.3",
        "~/client.pem",
        "client.key",
        "sha256:" + 32 * "ab",
        30.0,
        ("pass", "show", "mail/work"),
        True,
        (("Organization", "Analytical Engines"),),
    )
    assert work.place_of("from") == Place(file, 5)
    assert work.place_of("password_command") == Place(file, 17)
    assert work.place_of("headers.Organization") == Place(file, 21)
    assert profiles.get("my.home").place_of("server") == Place(file, 23)


@pytest.mark.parametrize(
    "text",
    ['credential.source = "file"', 'credential = { source = "file" }', '[profile.work.credential]\nsource = "file"'],
)
def test_the_pinned_source_of_a_password(machine: Machine, text: str) -> None:
    machine.write(f"[profile.work]\n{text}\n")
    assert load_profiles(machine).get("work").credential_source == "file"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('credential = "keyring"', 'profile.work.credential: expected credential.source = "…", not a text'),
        ('credential.sauce = "keyring"', "there is no key “sauce”, only credential.source"),
        ('credential.source = "keyrnig"', "did you mean “keyring”?"),
        ("credential.source = 1", "expected a text in quotes"),
    ],
)
def test_a_source_that_is_none(machine: Machine, text: str, words: str) -> None:
    machine.write(f"[profile.work]\n{text}\n")
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        load_profiles(machine)
    assert "line 2" in caught.value.sentence


def test_nothing_at_all_is_no_error(machine: Machine) -> None:
    profiles = load_profiles(machine)
    assert profiles.names == ()
    assert profiles.default is None
    assert profiles.get("sandbox") is SANDBOX_PROFILE
    assert str(SANDBOX_PROFILE.from_) == "sandbox@sandbox.invalid"


def test_the_only_sentence_of_a_beginner_says_what_to_type(machine: Machine) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profiles(machine).get("work")
    assert caught.value.sentence == (
        f"there is no profile “work”: no profile is set up in {machine.user_file} or {machine.system_file}"
    )
    assert "sendmail-cli setup you@example.org" in caught.value.hint
    assert "--profile sandbox" in caught.value.hint


def test_a_user_s_profile_replaces_the_machine_s_as_a_whole(machine: Machine) -> None:
    machine.write_system(
        'default = "shop"\n[profile.work]\nserver = "a.example"\nuser = "x"\n[profile.shop]\nserver = "b.example"\n'
    )
    machine.write('[profile.home]\n[profile.work]\nserver = "c.example"\n')
    profiles = load_profiles(machine)
    assert profiles.names == ("home", "work", "shop")
    assert profiles.get("work").servers == (ServerURL("c.example"),)
    assert profiles.get("work").user is None
    assert (profiles.default, profiles.default_place) == ("shop", Place(str(machine.system_file), 1))


def test_the_user_s_default_wins_and_may_name_a_machine_s_profile(machine: Machine) -> None:
    machine.write_system('default = "a"\n[profile.a]\n[profile.b]\n')
    machine.write('default = "b"\n')
    assert load_profiles(machine).default == "b"


def test_the_user_s_word_on_insecure_keyrings_wins(machine: Machine) -> None:
    machine.write_system("allow_insecure_keyring = true\n")
    assert load_profiles(machine).allow_insecure_keyring is True
    machine.write("allow_insecure_keyring = false\n")
    assert load_profiles(machine).allow_insecure_keyring is False


def test_one_file_can_be_named_instead_of_both(machine: Machine, tmp_path: Path) -> None:
    machine.write("[profile.a]\n")
    machine.write_system("[profile.b]\n")
    machine.put(tmp_path / "other.toml", "[profile.c]\n")
    machine.variables["SENDMAIL_CLI_CONFIG"] = str(tmp_path / "other.toml")
    assert load_profiles(machine).names == ("c",)
    machine.variables["SENDMAIL_CLI_CONFIG"] = str(tmp_path / "none.toml")
    assert load_profiles(machine).nothing() == f"no profile is set up in {tmp_path}/none.toml"
    machine.variables["SENDMAIL_CLI_CONFIG"] = os.devnull
    assert load_profiles(machine).names == ()
    machine.variables["SENDMAIL_CLI_CONFIG"] = ""
    assert load_profiles(machine).names == ("a", "b")


def test_the_system_s_place_is_the_second() -> None:
    paths = config_paths(Environment({"HOME": "/home/ada"}))
    assert paths == ("/home/ada/.config/sendmail-cli/profiles.toml", "/etc/sendmail-cli/profiles.toml")


def test_the_default_may_be_the_sandbox(machine: Machine) -> None:
    machine.write('default = "sandbox"\n')
    assert load_profiles(machine).default == "sandbox"


MISTAKES = [
    ('[profile.work]\nsever = "x"\n', 2, "profile.work.sever: a profile has no key “sever”; did you mean “server”?"),
    ("[profile.work]\n\nfrom = 1\n", 3, "profile.work.from: expected a text in quotes, not a number"),
    ('[profile.work]\ntls = "startls"\n', 2, "profile.work.tls: “startls” is none of implicit, starttls, "),
    ('[profile.work]\nserver = "https://x"\n', 2, "profile.work.server: “https://” is not how mail is sent"),
    ('[profile.work]\nserver = "a:hunter2@x"\n', 2, "profile.work.server: a password never stands in a server's"),
    ('[profile.work]\npassword = "hunter2"\n', 2, "profile.work.password: a password never stands in this file"),
    ('[profile.work]\n[profile.work.headers]\nX = "y"\nBcc = "z"\n', 4, "profile.work.headers.Bcc: the header “Bcc”"),
    ('[profile.work]\nheaders = "X"\n', 2, "profile.work.headers: expected a table"),
    ('[profile.my.work]\nfrom = "a@b"\n', 1, "profile.my.work: a profile has no table “work”"),
    ('[profile."a b"]\n', 1, "profile.a b: “a b” is no name for a profile"),
    ('[profile.""]\n', 1, "profile.: a profile's name is not empty"),
    ("[profile.sandbox]\n", 1, "profile.sandbox: the profile “sandbox” is built in"),
    ("[profile]\nwork = 1\n", 2, "profile.work: expected a table, [profile.work]"),
    ("\nprofile = 1\n", 2, "profile: expected tables, [profile.NAME]"),
    ("default = 1\n", 1, "default: expected the name of a profile in quotes"),
    ('default = "wrok"\n[profile.work]\n', 1, "default: there is no profile “wrok”; did you mean “work”?"),
    ('default = "work"\n', 1, "default: there is no profile “work”. There is sandbox"),
    ('defualt = "work"\n', 1, "defualt: there is no such key; did you mean “default”?"),
    ("[profiles.work]\n", 1, "profiles: there is no such key; did you mean “profile”?"),
    ('[work]\nfrom = "a@b"\n', 1, "work: there is no such table; a profile is written [profile.work]"),
    ('from = "a@b"\n', 1, "from: this key belongs in a profile, below a line such as [profile.work]"),
    ('password = "hunter2"\n', 1, "password: a password never stands in this file"),
    ("zzz = 1\n", 1, "zzz: a profile has no key “zzz”"),
    ('allow_insecure_keyring = "yes"\n', 1, "allow_insecure_keyring: expected true or false"),
    ('[profile.work]\nserver = "eve@x"\nuser = "ada"\n', 3, "profile.work.user: the server names another user, “eve”"),
    ('[profile.work]\nserver = "eve@x"\nauth = "none"\n', 3, "profile.work.auth: “none” contradicts the user “eve”"),
    ('[profile.work]\nuser = "ada"\nauth = "none"\n', 3, "profile.work.auth: “none” contradicts the user “ada”"),
    ('[profile.work]\nserver = "smtps://x"\ntls = "none"\n', 3, "profile.work.tls: “none” contradicts smtps://"),
    ('[profile.work]\nserver = ["x", "smtps://y"]\ntls = "none"\n', 3, "profile.work.tls: “none” contradicts smtps://"),
    ('[profile.work]\nserver = ["a@x", "b@y"]\n', 2, "profile.work.server: the servers name different users, “b”"),
    ('[profile.work]\nserver = ["x", "b@y"]\nuser = "a"\n', 3, "profile.work.user: the server names another user, “b”"),
    (
        '[profile.work]\nserver = ["x", "ada:hunter2@y"]\n',
        2,
        "profile.work.server: a password never stands in",
    ),
    ('[profile.work]\nserver = "x"\npipe = ["y"]\n', 3, "profile.work.pipe: the program is the server, and “server”"),
    ('[profile.work]\npipe = ["y"]\nproxy = "socks5h://p"\n', 3, "profile.work.proxy: it is for connections over a"),
    (
        '[profile.work]\nserver = "unix:/s"\nbind = "::1"\n',
        3,
        "profile.work.bind: it is for connections over a",
    ),
    (
        '[profile.work]\nproxy = "socks5h://a:hunter2@p"\n',
        2,
        "profile.work.proxy: a password never stands in a",
    ),
    ('[profile.work]\nfrom = "a@b\n', 2, "column 12: not TOML: Illegal character '\\n'"),
    ("a = 1\na = 2\n", 2, "column 6: not TOML: Cannot overwrite a value"),
    ("[profile.a]\n[profile.a]\n", 2, "column 11: not TOML: Cannot declare ('profile', 'a') twice"),
    ("\nfrom = ", 2, "not TOML: Invalid value"),
    ('\nfrom = """\n\n', 2, "at the end: not TOML: "),
]


@pytest.mark.parametrize(("text", "line", "sentence"), MISTAKES, ids=[sentence for _, _, sentence in MISTAKES])
def test_a_mistake_names_file_line_and_key(machine: Machine, text: str, line: int, sentence: str) -> None:
    machine.write(text)
    with pytest.raises(ConfigError) as caught:
        load_profiles(machine)
    assert caught.value.sentence.startswith(f"{machine.user_file}, line {line}")
    assert sentence in caught.value.sentence
    assert caught.value.exit_code is ExitCode.CONFIG
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_a_mistake_in_the_machine_s_file_names_it(machine: Machine) -> None:
    machine.write_system('[profile.work]\nuesr = "x"\n')
    with pytest.raises(ConfigError, match=f"^{machine.system_file}, line 2: profile.work.uesr: .*did you mean “user”"):
        load_profiles(machine)


def test_an_unknown_profile_gets_the_nearest_and_the_list(machine: Machine) -> None:
    machine.write("[profile.work]\n[profile.home]\n")
    with pytest.raises(ConfigError) as caught:
        load_profiles(machine).get("wrok")
    assert caught.value.sentence == ("there is no profile “wrok”; did you mean “work”? There is work, home, sandbox")
    with pytest.raises(ConfigError, match=r"there is no profile “zzz”\. There is work, home, sandbox"):
        load_profiles(machine).get("zzz")


def test_an_untrusted_file_is_refused(machine: Machine) -> None:
    machine.write("[profile.work]\n")
    machine.user_file.chmod(0o666)
    with pytest.raises(ConfigError, match=f"^{machine.user_file} can be changed by every user"):
        load_profiles(machine)


def test_a_number_without_end_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^f: not a configuration: a number in it has thousands of digits"):
        parse_profiles("f", f"[profile.a]\ntimeout = {'9' * 5000}\n")


def test_a_file_nested_without_end_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^f: not a configuration: nested too deep"):
        parse_profiles("f", "a = " + "[" * 100_000)


def refuse(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """As the system does for a user who is not root."""

    def refusing(name: str) -> str | None:
        if name == str(path):
            raise PermissionError(13, "Permission denied")
        return read_trusted_text(name)

    monkeypatch.setattr(module, "read_trusted_text", refusing)


def test_a_machine_s_file_that_we_may_not_read_is_told_when_it_matters(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write("[profile.work]\n")
    machine.write_system("[profile.root]\n")
    refuse(monkeypatch, machine.system_file)
    profiles = load_profiles(machine)
    assert profiles.names == ("work",)
    with pytest.raises(ConfigError, match=f"\\({machine.system_file} may not be read by this user\\)"):
        profiles.get("root")


def test_our_own_file_that_we_may_not_read_is_an_error(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, machine.user_file)
    with pytest.raises(ConfigError, match=f"^{machine.user_file} can't be read: Permission denied"):
        load_profiles(machine)


def test_who_signs_in_is_the_user_or_stands_in_the_server() -> None:
    assert NO_PROFILE.login is None
    assert Profile("a", servers=(ServerURL("h"), ServerURL("i", user="eve"))).login == "eve"
    assert Profile("a", servers=(ServerURL("h"),), user="ada").login == "ada"


@given(st.text() | st.lists(st.sampled_from([*"[]{}=.\"'\\\n #a1,", "profile", "from", '"""', "'''"])).map("".join))
def test_no_text_raises_anything_but_our_errors(text: str) -> None:
    sentence = "f"
    try:
        parse_profiles("f", text)
    except ConfigError as error:
        sentence = error.sentence
    assert sentence.startswith("f")
    assert printable(sentence, 10_000) == sentence
