"""msmtp itself says what it understands of a configuration; an import has understood the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config.importing.msmtp import read_msmtp
from sendmail_cli.config.server_url import parse_server_url
from sendmail_cli.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_server

TLS = {"implicit": ("on", "off"), "starttls": ("on", "on"), "none": ("off", "on")}
CONFIGURATION = """\
# several accounts
defaults
tls on
port 587
timeout 10
account a
host "a.example.org"
auth on
user  ada@example.org
from %U@example.org
passwordeval "head -n1 '/etc/passwd'"
  account  b : a
\thost\tb.example.org
tls_starttls off
port 465
defaults
tls_starttls on
port 25
account c
host c.example.org
domain c.example.org
account d : b , c
proxy_host 127.0.0.1
proxy_port 9050
source_ip 127.0.0.1
account e
host e.example.org
tls off
account default : d
"""


def pretended(path: Path, account: str) -> dict[str, str]:
    """What msmtp would do with the account, by its names."""
    command = ["msmtp", "--pretend", "-C", str(path), "-a", account, "x@example.org"]
    environment = {"HOME": str(path.parent), "USER": "ada", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True, env=environment)
    return dict(line.split(" = ", 1) for line in done.stdout.splitlines() if " = " in line)


def expected_of(values: dict[str, Any]) -> dict[str, str]:
    """A profile's values by the names that msmtp has for them."""
    unset = "(not set)"
    url = parse_server_url(values["server"])
    tls, starttls = TLS["implicit" if url.is_smtps else values["tls"]]
    command = values.get("password_command")
    proxy = values.get("proxy", "").removeprefix("socks5h://").partition(":")
    return {
        "host": url.host,
        "port": str(url.port or 465),
        "tls": tls,
        "tls_starttls": starttls if tls == "on" else "on",
        "user": values.get("user", unset),
        "from": values.get("from", unset),
        "domain": values.get("ehlo", "localhost"),
        "timeout": values["timeout"].replace("s", " seconds"),
        "passwordeval": unset if command is None else f"{' '.join(command[:-1])} '{command[-1]}'",
        "proxy host": proxy[0] or unset,
        "proxy port": proxy[2] or "0",
        "source ip": values.get("bind", unset),
    }


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_import_understands_what_msmtp_does(tmp_path: Path, end: str) -> None:
    if shutil.which("msmtp") is None:
        refuse = pytest.fail if os.environ.get("SENDMAIL_CLI_REAL_SERVERS") == "required" else pytest.skip
        refuse("msmtp is not installed")
    path = tmp_path / "msmtprc"
    path.write_text(CONFIGURATION.replace("\n", end), newline="")
    path.chmod(0o600)

    found = read_msmtp(str(path), Environment({"HOME": str(tmp_path), "USER": "ada"}))

    assert [profile.name for profile in found.profiles] == ["a", "b", "c", "d", "e"]
    assert found.default == "d"
    for profile in found.profiles:
        theirs = pretended(path, profile.name)
        ours = expected_of(profile.values)
        if theirs["tls"] == "off":  # how TLS would begin is then nothing
            theirs["tls_starttls"] = "on"
        assert ours == {name: theirs[name] for name in ours}, profile.name
    assert pretended(path, "default")["host"] == pretended(path, "d")["host"]
