"""The way of a mail that waits: kept as it was asked for, found again from anywhere, and never with a secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.server import TLSMode
from sendmail_cli.tending import flags_of, lane_of
from tests.support.command import Machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.configure('[profile.work]\nfrom = "ada@example.org"\nserver = "smtp.example.org"\n')
    return machine


def again(machine: Machine, flags: ServerFlags) -> ServerFlags:
    """The flags as whoever runs the queue has them, in another folder and at another time."""
    return flags_of(lane_of(flags, resolve_settings(flags, load_profiles(machine), machine)))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({}, {}),
        ({"server": "localhost:25", "tls": TLSMode.NONE}, {"server": "localhost:25", "tls": "none"}),
        (
            {"tls": "starttls", "timeout": 9, "ehlo": "x.example.org"},
            {"tls": "starttls", "timeout": 9, "ehlo": "x.example.org"},
        ),
        ({"pipe": "sub/prog -bs 'a b'"}, {"pipe": ("{here}/sub/prog", "-bs", "a b")}),
        ({"pipe": ("ssh", "host")}, {"pipe": ("ssh", "host")}),
        ({"server": "h", "insecure": True}, {"server": "h", "insecure": True}),
    ],
    ids=str,
)
def test_it_is_found_again(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], kept: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    if "pipe" in kept:
        kept = {"pipe": tuple(word.format(here=tmp_path) for word in kept["pipe"])}
    found = again(machine, ServerFlags(**said, from_="bob@example.org"))
    assert found == ServerFlags(profile=found.profile, **kept)
    assert found.profile == "work"


def test_files_are_found_from_anywhere(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from tests.support.certificates import write_ca_file, write_client_certificate

    ca = write_ca_file(tmp_path)
    cert, key = write_client_certificate(tmp_path)
    flags = ServerFlags(
        ca_file=ca.rpartition("/")[2], tls_cert=str(cert).rpartition("/")[2], tls_key=str(key).rpartition("/")[2]
    )
    found = again(machine, flags)
    assert (found.ca_file, found.tls_cert, found.tls_key) == (ca, str(cert), str(key))


def test_two_that_ask_for_the_same_share_a_connection(machine: Machine) -> None:
    settings = resolve_settings(ServerFlags(), load_profiles(machine), machine)
    assert lane_of(ServerFlags(timeout=9, ehlo="x"), settings) == lane_of(ServerFlags(ehlo="x", timeout=9), settings)
    assert lane_of(ServerFlags(timeout=9), settings) != lane_of(ServerFlags(timeout=8), settings)


def test_a_password_is_never_kept(machine: Machine) -> None:
    settings = resolve_settings(ServerFlags(), load_profiles(machine), machine)
    with pytest.raises(UsageError, match="SENDMAIL_CLI_PROXY"):
        lane_of(ServerFlags(proxy=Secret("socks5h://ada:hunter2@localhost")), settings)
    assert "7" not in lane_of(ServerFlags(password_fd=7), settings).way
