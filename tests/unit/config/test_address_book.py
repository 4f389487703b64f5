"""Whom a name without a domain means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addressees import parse_addressees
from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config import address_book
from sendmail_cli.config.address_book import MAX_DEPTH, Resolver, load_address_book
from sendmail_cli.config.settings import Home
from sendmail_cli.errors import AddressError, ConfigError
from tests.support.command import Machine

if TYPE_CHECKING:
    from pathlib import Path

OWN = Home(None, parse_mailbox("Ada <ada@example.org>"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def write(machine: Machine, name: str, text: str) -> None:
    """`name`: "user" or "machine" (aliases.toml), "etc" (/etc/aliases), or a file in the home folder."""
    places = {
        "user": f"{machine.user_config_folder}/aliases.toml",
        "machine": f"{machine.system_config_folder}/aliases.toml",
        "etc": machine.system_aliases_file,
    }
    path = places.get(name, f"{machine.home}/{name}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o600)


def resolved(machine: Machine, text: str, home: Home = OWN) -> str:
    return ", ".join(map(str, Resolver(home, machine).resolve(parse_addressees(text))))


def test_the_nearer_file_wins(machine: Machine) -> None:
    write(machine, "user", 'alias_files = ["~/m"]\na = "user@x.example"\n')
    write(machine, "m", "alias a mutt@x.example\nalias b mutt@x.example\n")
    write(machine, "machine", 'a = "machine@x.example"\nb = "machine@x.example"\nc = "machine@x.example"\n')
    write(machine, "etc", "a: etc@x.example\nb: etc@x.example\nc: etc@x.example\nd: etc@x.example\n")

    assert resolved(machine, "a, b, c, d, e") == (
        "user@x.example, mutt@x.example, machine@x.example, etc@x.example, e <ada@example.org>"
    )


def test_aliases_within_aliases_and_groups(machine: Machine) -> None:
    write(machine, "user", 'team = ["Bob <bob@x.example>", "crew: OPS, dan;"]\nops = "o@x.example, eve"\n')
    write(machine, "etc", "eve: eve@x.example\n")

    assert resolved(machine, "x@y.example, TEAM, g: ops;, Boss <eve>") == (
        "x@y.example, Bob <bob@x.example>, crew: o@x.example, eve@x.example, dan <ada@example.org>;, "
        "g: o@x.example, eve@x.example;, Boss <eve@x.example>"
    )


def test_a_circle_is_named_with_its_place(machine: Machine) -> None:
    write(machine, "user", 'a = "b"\nb = ["x@y.example", "c"]\nc = "A"\nself = "self"\nfine = "a@x.example"\n')

    with pytest.raises(ConfigError, match=r"aliases.toml, line 1: the alias goes round in a circle: a → b → c → a$"):
        resolved(machine, "a")
    with pytest.raises(ConfigError, match="line 4: the alias goes round in a circle: self → self"):
        resolved(machine, "self")
    assert resolved(machine, "fine") == "a@x.example"


def test_in_etc_aliases_a_name_may_keep_a_copy_for_itself(machine: Machine) -> None:
    write(machine, "etc", "root: \\root, ops@x.example\n")

    assert resolved(machine, "root") == "root <ada@example.org>, ops@x.example"


def test_aliases_that_double_at_each_step_cost_nothing(machine: Machine) -> None:
    lines = [f'a{n} = ["a{n + 1}", "a{n + 1}"]' for n in range(MAX_DEPTH - 1)] + [f'a{MAX_DEPTH - 1} = "x@y.example"']
    write(machine, "user", "\n".join(lines))

    assert resolved(machine, "a0") == "x@y.example"


def test_aliases_too_deep(machine: Machine) -> None:
    lines = [f'a{n} = "a{n + 1}"' for n in range(5000)]
    write(machine, "user", "\n".join(lines))

    with pytest.raises(ConfigError, match=f"line {MAX_DEPTH + 1}: more than {MAX_DEPTH} aliases"):
        resolved(machine, "a0")


def test_what_no_mail_goes_to_is_said_when_it_is_used(machine: Machine) -> None:
    write(machine, "etc", "a: b@x.example\nevil: a, |/bin/touch /tmp/evil\n")

    assert resolved(machine, "a") == "b@x.example"
    with pytest.raises(ConfigError, match=r"aliases, line 2: evil: \|/bin/touch /tmp/evil is a program, and none is"):
        resolved(machine, "evil")


def test_a_name_without_alias_gets_the_domain_of_qualify_or_is_ours(machine: Machine) -> None:
    warned: list[str] = []
    noted: list[str] = []

    def told(text: str, home: Home) -> str:
        resolver = Resolver(home, machine, note=noted.append, warn=warned.append)
        return ", ".join(map(str, resolver.resolve(parse_addressees(text))))

    assert told("Bob B <bob>", Home("example.net", OWN.own)) == "Bob B <bob@example.net>"
    assert (warned, noted.pop()) == ([], "bob is bob@example.net (qualify)")
    assert told("root, daemon, Postmaster", OWN).count("ada@example.org") == 3
    assert warned == []
    assert told("bbo", OWN) == "bbo <ada@example.org>"
    assert warned == ["“bbo” has no alias, so it goes to the profile's own address, ada@example.org"]


def test_a_name_that_leads_nowhere(machine: Machine) -> None:
    with pytest.raises(AddressError, match="“bob” is no valid address: it has no “@” and a domain") as caught:
        resolved(machine, "bob", Home())

    assert caught.value.hint.endswith('/aliases.toml: bob = "ada@example.org"')


def test_a_qualified_name_may_be_too_long(machine: Machine) -> None:
    with pytest.raises(AddressError, match="longer than"):
        resolved(machine, "b" * 60, Home(".".join(["d" * 60] * 4), None))


def test_a_file_of_mutt_that_is_missing(machine: Machine) -> None:
    write(machine, "user", 'x = "a@x.example"\nalias_files = ["m"]\n')

    with pytest.raises(ConfigError, match=r"aliases.toml, line 2: alias_files: there is no file .*/sendmail-cli/m$"):
        load_address_book(machine)


@pytest.mark.parametrize("name", ["user", "etc"])
def test_a_file_that_others_may_write_is_not_trusted(machine: Machine, name: str) -> None:
    write(machine, name, "")
    path = machine.system_aliases_file if name == "etc" else f"{machine.user_config_folder}/aliases.toml"
    os.chmod(path, 0o666)  # noqa: S103 - that is the mistake

    with pytest.raises(ConfigError, match="can be changed by every user"):
        load_address_book(machine)


def test_an_address_reads_no_file(machine: Machine) -> None:
    write(machine, "user", "no toml")

    assert resolved(machine, "a@x.example, g: b@x.example;") == "a@x.example, g: b@x.example;"


def test_a_file_that_may_not_be_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's are passed over, as its profiles are."""
    forbidden: list[str] = [machine.system_aliases_file, f"{machine.system_config_folder}/aliases.toml"]

    def read(path: str) -> str | None:
        if path in forbidden:
            raise PermissionError(13, "Permission denied")
        return None

    monkeypatch.setattr(address_book, "read_trusted_text", read)
    assert load_address_book(machine).aliases == ()
    forbidden.append(f"{machine.user_config_folder}/aliases.toml")
    with pytest.raises(ConfigError, match=r"sendmail-cli/aliases.toml can't be read: Permission denied"):
        load_address_book(machine)
