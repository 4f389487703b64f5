"""`alias`, and names without a domain among the recipients of `send`."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.command import Runner
    from tests.support.sink import Sink

ALIASES = """ops = "Ops <ops@example.net>"
team = ["Bob <bob@example.org>", "ops"]
"""


@pytest.fixture
def book(here: Runner) -> Path:
    path = Path(here.machine.user_config_folder) / "aliases.toml"
    path.write_text(ALIASES, encoding="utf-8")
    path.chmod(0o600)
    return path


def recipients(sink: Sink) -> list[str]:
    return [line.decode().strip().removeprefix("RCPT TO:") for line in sink.commands if line.startswith(b"RCPT")]


@pytest.mark.usefixtures("book")
def test_aliases_are_expanded_in_envelope_and_header(here: Runner, sink: Sink) -> None:
    done = here("send", "-m", "hi", "Team, eve@example.org", "-c", "ops", "-b", "crew: ops;")

    assert (done.code, done.err) == (0, "")
    assert recipients(sink) == ["<bob@example.org>", "<ops@example.net>", "<eve@example.org>"]
    message = message_from_bytes(sink.received, policy=policy.default)
    assert message["To"] == "Bob <bob@example.org>, Ops <ops@example.net>, eve@example.org"
    assert message["Cc"] == "Ops <ops@example.net>"
    assert message["Bcc"] is None


def test_root_is_the_profiles_own_address(here: Runner, sink: Sink) -> None:
    done = here("send", "-m", "hi", "root", "-f", "cron@example.org")

    assert (done.code, done.err) == (0, "")
    assert recipients(sink) == ["<ada@example.org>"]
    assert message_from_bytes(sink.received)["To"] == "root <ada@example.org>"


def test_a_slip_is_told(here: Runner, sink: Sink) -> None:
    done = here("send", "-m", "hi", "bbo")

    assert done.code == 0
    assert done.lines == [
        "sendmail-cli: warning: “bbo” has no alias, so it goes to the profile's own address, ada@example.org"
    ]
    assert recipients(sink) == ["<ada@example.org>"]


def test_qualify(here: Runner, sink: Sink) -> None:
    here("profile", "set", "here", "--qualify", "@bücher.example")

    done = here("send", "-m", "hi", "bob")

    assert (done.code, done.err) == (0, "")
    assert recipients(sink) == ["<bob@xn--bcher-kva.example>"]
    assert b"qualify" in here("profile", "show").out


def test_qualify_is_a_domain(here: Runner) -> None:
    done = here("profile", "set", "here", "--qualify", "a b")

    assert (done.code, "is no domain name" in done.err) == (64, True)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    "given", [b"To: root, team\nBcc: ops\n\nhi\n", b"Resent-To: root, team\nTo: x@y.example\n\nhi\n"]
)
def test_names_in_a_ready_message_go_the_same_way(here: Runner, sink: Sink, given: bytes) -> None:
    done = here("send", "--raw", "-", stdin=given)

    assert (done.code, done.err) == (0, "")
    assert recipients(sink) == ["<ada@example.org>", "<bob@example.org>", "<ops@example.net>"]
    assert b"To: root, team\r\n" in sink.received


@pytest.mark.usefixtures("book")
def test_names_as_envelope_of_a_ready_message(here: Runner, sink: Sink) -> None:
    here("send", "--raw", "-", "team", stdin=b"To: x@y.example\n\nhi\n")

    assert recipients(sink) == ["<bob@example.org>", "<ops@example.net>"]


def test_a_circle_sends_nothing(here: Runner, sink: Sink, book: Path) -> None:
    book.write_text('a = "b"\nb = "a"\n', encoding="utf-8")

    done = here("send", "-m", "hi", "eve@example.org", "a")

    assert done.code == 78
    assert done.lines == [f"sendmail-cli: {book}, line 1: the alias goes round in a circle: a → b → a"]
    assert recipients(sink) == []


def test_list(here: Runner, book: Path) -> None:
    done = here("alias")

    assert done.out.decode() == (
        f"ops   Ops <ops@example.net>  ({book}, line 1)\nteam  Bob <bob@example.org>, ops  ({book}, line 2)\n"
    )


def test_list_by_that_word_unless_it_is_an_alias(here: Runner, book: Path) -> None:
    assert here("alias", "list").out == here("alias").out

    book.write_text('list = "list@example.org"', encoding="utf-8")
    assert here("alias", "list").out.startswith(b"list  list@example.org  (")


def test_without_a_profile_a_name_is_nobody(run: Runner, sink: Sink) -> None:
    """Whom it is from says nothing about whom it is for."""
    done = run("send", "-S", f"localhost:{sink.port}", "-f", "boss@example.org", "-m", "hi", "bob")

    assert (done.code, "there is no alias of that name" in done.err) == (65, True)
    assert recipients(sink) == []


def test_list_as_json(here: Runner, book: Path) -> None:
    Path(here.machine.system_aliases_file).parent.mkdir()
    Path(here.machine.system_aliases_file).write_text("x: |cat\n", encoding="utf-8")

    aliases = here("alias", "--json").json["aliases"]

    assert aliases[1:] == [
        {
            "name": "team",
            "targets": ["Bob <bob@example.org>", "ops"],
            "fault": None,
            "file": str(book),
            "line": 2,
        },
        {
            "name": "x",
            "targets": [],
            "fault": "|cat is a program, and none is run: mail goes to addresses only",
            "file": here.machine.system_aliases_file,
            "line": 1,
        },
    ]
    assert b"x     can't be used: |cat is a program" in here("alias").out


def test_without_any_it_says_where_they_would_stand(run: Runner) -> None:
    done = run("alias")

    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith(f"there is no alias in {run.machine.user_config_folder}/aliases.toml, ")


def test_whom_names_mean(here: Runner, book: Path) -> None:
    done = here("alias", "team", "root")

    assert (done.code, done.err) == (0, "")
    assert done.out.decode() == (
        f"team  Bob <bob@example.org>, Ops <ops@example.net>  ({book}, line 2)\n"
        "root  root <ada@example.org>  (no alias; the profile's own address)\n"
    )
    assert here("alias", "--json", "root").json == {
        "schema": 1, "name": "root", "addresses": ["root <ada@example.org>"], "file": None, "line": None,
    }  # fmt: skip


def test_a_name_that_means_nobody(run: Runner) -> None:
    assert run("alias", "bob").code == 65
    assert run("alias", "a@b.example").code == 64
    assert run("alias", "|x").code == 64


@pytest.mark.usefixtures("book")
def test_the_shell_completes_them(here: Runner) -> None:
    from sendmail_cli.cli.alias import alias
    from sendmail_cli.cli.params import ADDRESSEES

    context = alias.make_context("alias", [], obj=here.machine)

    assert [item.value for item in ADDRESSEES.shell_complete(context, alias.params[0], "t")] == ["team"]


def test_a_broken_book_completes_nothing(here: Runner, book: Path) -> None:
    from sendmail_cli.cli.alias import alias

    book.write_text("x =", encoding="utf-8")
    context = alias.make_context("alias", [], obj=here.machine)

    assert alias.params[0].type.shell_complete(context, alias.params[0], "t") == []
