"""`setup --show` in a small internet: what is found by DNS and https, and what hostile domains gain: nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import COMMAND, Installed
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.mail_world_plan import MailWorld

pytestmark = pytest.mark.real_server


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "home")


class Here:
    """The installed command in the small internet."""

    def __init__(self, mail_world: MailWorld, installed: Installed) -> None:
        self.mail_world = mail_world
        self.installed = installed

    def __call__(self, *words: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**self.installed.variables, **self.mail_world.variables, **variables}
        return self.mail_world.world.run(
            [COMMAND, "setup", *words], env=environment, input=stdin, capture_output=True, timeout=PATIENCE
        )

    def show(self, address: str, *words: str) -> dict[str, Any]:
        done = self("--show", "--json", address, *words)
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        assert found["exit_code"] == done.returncode
        return found


@pytest.fixture
def here(mail_world: MailWorld, installed: Installed) -> Here:
    return Here(mail_world, installed)


def steps(found: dict[str, Any], name: str) -> list[str]:
    return [f"{step['verdict']}: {step['text']}" for step in found["steps"] if step["name"] == name]


@pytest.mark.parametrize(
    ("address", "source", "server", "tls"),
    [
        ("ada@srv.example.org", "srv", "srv.example.org:465", "implicit"),
        ("ada@two.example.org", "srv", "two.example.org:465", "implicit"),
        ("ada@starttls.example.org", "srv", "starttls.example.org:587", "starttls"),
        ("ada@auto.example", "autoconfig", "smtp.example.org:465", "implicit"),
        ("ada@moved.example", "autoconfig", "smtp.example.org:465", "implicit"),
        ("ada@wellknown.example", "autoconfig", "smtp.example.org:465", "implicit"),
        ("ada@example.org", "guess", "smtp.example.org:465", "implicit"),
    ],
)
def test_is_found(here: Here, address: str, source: str, server: str, tls: str) -> None:
    found = here.show(address)

    assert found["exit_code"] == 0, found
    assert (found["server"]["source"], found["server"]["tls"]) == (source, tls)
    assert f"{found['server']['host']}:{found['server']['port']}" == server
    assert found["server"]["user"] == address
    assert "PLAIN" in found["server"]["mechanisms"]
    assert found["server"]["tls_version"] in {"TLSv1.2", "TLSv1.3"}


def test_people_see_where_it_comes_from(here: Here) -> None:
    done = here("--show", "ada@srv.example.org")

    assert done.stdout.decode().splitlines() == [
        "server      srv.example.org, port 465, TLS from the first octet",
        "found by    the DNS of srv.example.org (SRV)",
        "sign-in     ada@srv.example.org, with a password",
    ]
    assert "ok       SRV         srv.example.org:465, TLSv1.3" in done.stderr.decode()


def test_what_is_not_offered_is_said_and_the_search_goes_on(here: Here) -> None:
    found = here.show("ada@refused.example.org")

    assert steps(found, "SRV") == ["skipped: _submissions._tcp: not offered"]
    assert steps(found, "usual name")


def test_a_dead_server_is_no_end(here: Here) -> None:
    found = here.show("ada@dead.example.org")

    assert [text.partition(":")[0] for text in steps(found, "SRV")] == ["failed"]
    assert "connection refused" in steps(found, "SRV")[0]


@pytest.mark.parametrize("words", [[], ["--server", "smtp.strange.example"]])
def test_a_server_whose_certificate_is_for_others_is_not_taken(here: Here, words: list[str]) -> None:
    found = here.show("ada@strange.example", *words)

    assert (found["exit_code"], found["server"]) == (69 if words else 78, None)
    refused = [text for text in steps(found, "server" if words else "usual name") if "certificate" in text]
    assert [text.split(": ")[1] for text in refused] == ["smtp.strange.example:465", "smtp.strange.example:587"]


class TestForeignServers:
    def test_are_passed_over_where_nobody_can_agree(self, here: Here) -> None:
        found = here.show("ada@foreign.example")

        assert (found["exit_code"], found["server"]) == (78, None)
        assert "nobody signed that" in found["error"]["message"]
        assert "--server smtps://smtp.example.org" in found["error"]["hint"]

    def test_are_taken_for_a_flag(self, here: Here) -> None:
        found = here.show("ada@foreign.example", "--accept-server")

        assert (found["exit_code"], found["server"]["is_foreign"]) == (0, True)

    def test_are_not_foreign_where_the_domain_vouches_by_https(self, here: Here) -> None:
        found = here.show("ada@both.example")

        assert (found["server"]["source"], found["server"]["is_foreign"]) == ("srv", False)


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("bomb.example", "it has a document type"),
        ("huge.example", "it is longer than 256 kB"),
        ("garbage.example", "it is no XML"),
        ("downgrade.example", "it leads to what is not https"),
        ("loop.example", "without end"),
        ("drip.example", "no answer in time"),
        ("wrongcert.example", "its certificate is refused"),
        ("nothttp.example", "no answer that HTTP knows"),
        ("missing.example", "the server said 404"),
        ("plain.example", "without TLS, so it is not used"),
    ],
)
def test_a_hostile_or_broken_autoconfig_gains_nothing(here: Here, domain: str, why: str) -> None:
    found = here.show(f"ada@{domain}")

    assert (found["exit_code"], found["server"]) == (78, None)
    assert why in "\n".join(steps(found, "autoconfig"))


def test_the_exchanger_leads_to_a_provider_that_is_known(here: Here) -> None:
    found = here.show("ada@mx.example")

    assert "smtp.fastmail.com: no such host" in steps(found, "MX")[0]  # which this world doesn't have


def test_a_provider_that_cannot_be_reached_is_the_end(here: Here) -> None:
    found = here.show("ada@gmail.com")

    assert (found["exit_code"], steps(found, "SRV")) == (68, [])


def test_the_local_part_is_told_to_the_domain_s_own_web_server_alone(here: Here, mail_world: MailWorld) -> None:
    here.show("somebody-special@auto.example")

    asked = [(host, path) for host, path in mail_world.web.requests if "somebody-special" in path]
    assert asked == [("autoconfig.auto.example", "/mail/config-v1.1.xml?emailaddress=somebody-special@auto.example")]


def test_without_a_name_server_it_is_said_that_trying_again_may_help(here: Here) -> None:
    done = here("--show", "ada@example.org", "--offline")
    assert done.returncode == 78
    assert b"nobody is asked (--offline)" in done.stderr


def test_an_address_without_a_domain_out_there_needs_a_server(here: Here) -> None:
    for address in ("root@localhost", "ada@[192.0.2.1]"):
        found = here.show(address)
        assert (found["exit_code"], found["steps"]) == (78, [])
        assert "--server" in found["error"]["hint"]


def test_a_bridge_on_this_machine_is_pinned(here: Here) -> None:
    found = here.show("ada@proton.me")

    assert (found["server"]["host"], found["server"]["port"]) == ("127.0.0.1", 1025)
    assert found["server"]["tls_pin"].startswith("sha256:")


class TestScripts:
    def test_sets_up_and_sends(self, here: Here, mail_world: MailWorld, installed: Installed) -> None:
        postfix = mail_world.postfix
        done = here(
            postfix.user, "--no-input", "--no-store", "--send-test", "--json", "--from", "Alice Ä", "--name", "work",
            stdin=f"{postfix.password}\n".encode(),
        )  # fmt: skip

        found = json.loads(done.stdout)
        assert done.returncode == 0, done
        assert (found["profile"], found["is_default"], found["password"]) == ("work", True, None)
        assert (installed.home / ".config/sendmail-cli/profiles.toml").read_text() == (
            'default = "work"\n\n[profile.work]\nfrom = "Alice Ä <alice@example.org>"\n'
            'server = "smtps://smtp.example.org"\nuser = "alice@example.org"\n'
        )
        assert postfix.password.encode() not in done.stdout + done.stderr
        assert any(b"Subject: It works" in message for message in postfix.delivered(postfix.user))

    def test_a_wrong_password_writes_nothing(self, here: Here, mail_world: MailWorld, installed: Installed) -> None:
        done = here(mail_world.postfix.user, "--no-input", stdin=b"wrong\n")

        assert done.returncode == 77
        assert b"535" in done.stderr
        assert b"nothing was written" in done.stderr
        assert not (installed.home / ".config").exists()

    def test_without_a_keyring_nothing_is_written_unless_that_is_wanted(
        self, here: Here, mail_world: MailWorld, installed: Installed
    ) -> None:
        postfix = mail_world.postfix
        done = here(postfix.user, "--no-input", "--json", stdin=postfix.password.encode())

        found = json.loads(done.stdout)
        assert done.returncode == 78
        assert "--no-store" in found["error"]["hint"]
        assert (found["profile"], found["path"]) == (None, None)
        assert not (installed.home / ".config").exists()

    def test_a_program_gives_the_password(self, here: Here, mail_world: MailWorld, tmp_path: Path) -> None:
        postfix = mail_world.postfix
        secret = tmp_path / "secret"
        secret.write_text(postfix.password)
        done = here(postfix.user, "--no-input", "--json", "--password-command", f"cat {secret}", "--send-test")

        found = json.loads(done.stdout)
        assert (done.returncode, found["password"]) == (0, "command")
        assert {step["name"]: step["verdict"] for step in found["steps"]}["test mail"] == "ok"
