"""Whatever stands in another program's configuration, an import gives profiles that hold, or says what is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendmail_cli.config.importing.formats import FORMATS, Format
from sendmail_cli.config.importing.shell_words import argv_of
from sendmail_cli.config.profile_file import toml_of
from sendmail_cli.config.profiles import merge_profiles, parse_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import MailError

SECRET = "hunter2zq9xyW"
PIECES = {
    "msmtp": (
        "account",
        "defaults",
        "account default : a",
        "account a",
        "account b : a",
        "host",
        "host a.example.org",
        "tls on",
        "tls_starttls off",
        "tls_certcheck off",
        "auth on",
        "auth plain",
        "auth external",
        "user u",
        "user",
        f"password {SECRET}",
        "passwordeval echo x",
        "passwordeval pass show x",
        "port 25",
        "port 99999",
        "port x",
        "protocol lmtp",
        "socket /run/x",
        "proxy_host p",
        "proxy_port 1",
        "source_ip 192.0.2.1",
        "from a@example.org",
        "from %U@%H",
        "timeout 5",
        "timeout off",
        "domain %H",
        "tls_fingerprint " + 64 * "a",
        "tls_trust_file /x",
        "eval x",
        "tls_cert_file /x",
        "tls_key_file /x",
        "logfile",
        '"',
        ":",
        ",",
        "\t",
        "#",
    ),
    "mutt": (
        "set ",
        "smtp_url",
        "=",
        "smtp_pass",
        "smtps://u@a.example.org",
        f"'smtp://u:{SECRET}@a.example.org'",
        "from",
        "$from",
        "a@example.org",
        "realname",
        '"',
        "'",
        "`",
        "\\",
        "$",
        "${",
        "my_x",
        ";",
        "#",
        "?",
        "=",
        " ",
        "ssl_starttls",
        "no",
        "folder-hook . ",
        "source ",
        "my_hdr ",
        "From: ",
        "X-A: b",
        "unset ",
        "ssl_force_tls",
        "smtp_authenticators",
        "smtp_oauth_refresh_command",
        "xoauth2:plain",
        "macro a b '<enter-command>source x<enter>'",
    ),
    "git": (
        "[sendemail]",
        '[sendemail "a"]',
        "[user]",
        "smtpServer = a.example.org",
        "smtpUser = u",
        f"smtpPass = {SECRET}",
        "smtpEncryption = ssl",
        "smtpEncryption",
        "=",
        '"',
        "\\",
        "#",
        ";",
        "[",
        "]",
        "from = a@example.org",
        "name = A",
        "email = b@example.org",
        "identity = a",
        "smtpServer = /usr/sbin/sendmail",
        "smtpServerPort = 25",
        "smtpAuth = none",
        "smtpSSLCertPath =",
        "smtpSSLClientKey = /x",
        "[include]",
        "path = x",
        " ",
        "\t",
    ),
    "mailmerge": (
        "[smtp_server]",
        "host = a.example.org",
        "port = 25",
        "port = x",
        "security = STARTTLS",
        "security = PLAIN",
        "security = XOAUTH",
        "security",
        "username = u",
        "username = a@example.org",
        "ratelimit = 1",
        "[",
        "]",
        "=",
        " ",
        f"password = {SECRET}",
        "[DEFAULT]",
        "#",
    ),
}


def texts(pieces: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Lines that look like a configuration, with anything between."""
    piece = st.sampled_from(pieces) | st.sampled_from(["\n", "\n", "\n", "\r\n"]) | st.text(max_size=4)
    return st.lists(piece, max_size=40).map("".join)


@pytest.mark.parametrize("format_", FORMATS, ids=[each.name for each in FORMATS])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_found_can_be_used_and_shows_no_password(format_: Format, data: st.DataObject) -> None:
    text = data.draw(texts(PIECES[format_.name]))
    environment = Environment({"HOME": "/nowhere", "USER": "ada", "HOSTNAME": "box.example.org"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        path.chmod(0o600)
        try:
            found = format_.read(str(path), environment)
        except MailError as error:
            assert SECRET not in error.sentence + error.hint  # noqa: PT017  # either way is good
            return
    if not found.profiles:
        assert found.default is None
        return
    toml = toml_of({profile.name: profile.values for profile in found.profiles}, found.default)
    profiles = merge_profiles([parse_profiles("written", toml)], ())
    for profile in found.profiles:
        resolve_settings(ServerFlags(profile=profile.name), profiles, environment)
        assert SECRET not in str(profile.password)
    spoken = " ".join(f"{remark.setting} {remark.key} {remark.text} {remark.advice}" for remark in found.remarks)
    assert SECRET not in spoken
    assert all(1 <= remark.place.line <= text.count("\n") + 1 for remark in found.remarks)


@given(st.text(max_size=60))
def test_a_command_is_plain_words_or_goes_to_a_shell_as_it_was(command: str) -> None:
    argv = argv_of(command)

    assert argv == ["sh", "-c", command.strip()] or all("$" not in word or "'" in command for word in argv)
    assert all(isinstance(word, str) for word in argv)
