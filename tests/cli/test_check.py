"""`check` and `explain`: what a server offers, and what replies and exit codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import write_ca_file
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import EHLO, QUIT, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Runner


def check(runner: Runner, port: int, *words: str | Path) -> list[str]:
    done = runner("check", "-S", f"localhost:{port}", *words)
    assert done.code == 0, done.err
    return done.out.decode().splitlines()


def test_prints_what_a_server_offers(run: Runner) -> None:
    with server(EHLO + QUIT) as mx:
        lines = check(run, mx.port)

    assert lines == [
        f"server     localhost:{mx.port}, which calls itself mx.example.org",
        "TLS        none",
        "signed in  no (no user is set)",
        "offers     SIZE 1000000",
        "           8BITMIME",
    ]


def test_a_server_that_offers_nothing(run: Runner) -> None:
    with server("S: 220 mx\nC? EHLO\nS: 250 mx.example.org\n" + QUIT) as mx:
        assert check(run, mx.port)[-1] == "offers     nothing"


def test_under_tls_and_signed_in(run: Runner, tmp_path: Path) -> None:
    script = (
        "S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS! starttls\n"
        "C? EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC? AUTH PLAIN\nS: 235 2.7.0 ok\n" + QUIT
    )
    with ScriptedServer(parse_script(script)) as mx:
        run.machine.configure(
            f'[profile.work]\nfrom = "a@example.org"\nserver = "ada@localhost:{mx.port}"\n'
            f'ca_file = "{write_ca_file(tmp_path)}"\n'
        )
        run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "hunter2"
        done = run("check", "--json")

    assert (done.code, done.err, mx.faults) == (0, "", [])
    assert done.json["tls"].keys() == {"by", "version", "cipher", "certificate", "is_verified"}
    assert done.json["tls"]["version"].startswith("TLSv1.")
    assert done.json | {"tls": None} == {
        "schema": 1,
        "server": f"localhost:{mx.port}",
        "profile": "work",
        "name": "mx",
        "tls": None,
        "extensions": ["AUTH PLAIN"],
        "user": "ada",
    }


def test_verbose_tells_settings_and_dialogue(run: Runner) -> None:
    with server(EHLO + QUIT) as mx:
        done = run("check", "-v", "-S", f"localhost:{mx.port}")

    assert done.lines[0].split() == ["*", "server", "localhost", "(--server)"]
    assert any("<- 250 8BITMIME" in line for line in done.lines)


def test_insecure_is_said(run: Runner) -> None:
    with server(EHLO + QUIT) as mx:
        done = run("check", "--insecure", "--tls", "opportunistic", "-S", f"localhost:{mx.port}")

    assert "is not checked" in done.err


def test_no_connection(run: Runner) -> None:
    done = run("check", "-S", "localhost:1", "--json")

    assert (done.code, done.json["error"]["kind"]) == (75, "ConnectFailed")


def test_without_a_profile_says_what_to_type(run: Runner) -> None:
    assert run("check").code == 78


class TestCommand:
    @pytest.mark.parametrize("typed", ["VRFY ada", "vrfy ada"])
    def test_prints_the_answer(self, run: Runner, typed: str) -> None:
        with server(EHLO + "C: VRFY ada\nS: 250-Ada <ada@example.org>\nS: 250 and more\n" + QUIT) as mx:
            lines = check(run, mx.port, "--command", typed)

        assert lines == ["250 Ada <ada@example.org>", "250 and more"]
        assert mx.faults == []

    def test_in_json(self, run: Runner) -> None:
        with server(EHLO + "C: NOOP\nS: 250 2.0.0 Ok\n" + QUIT) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", "--command", "NOOP", "--json")

        assert done.json == {"schema": 1, "code": 250, "lines": ["2.0.0 Ok"]}

    @pytest.mark.parametrize(("reply", "code"), [("550 5.1.1 nobody", 67), ("502 5.5.1 no", 76), ("450 4.2.0 x", 75)])
    def test_a_refusal_is_one_too(self, run: Runner, reply: str, code: int) -> None:
        with server(EHLO + f"C: VRFY ada\nS: {reply}\n" + QUIT) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", "--command", "VRFY ada")

        assert (done.code, done.out.decode()) == (code, f"{reply}\n")
        assert done.lines[0] == "sendmail-cli: the server refused VRFY"

    def test_a_refusal_in_json_is_one_object(self, run: Runner) -> None:
        with server(EHLO + "C: VRFY ada\nS: 550 5.1.1 nobody\n" + QUIT) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", "--command", "VRFY ada", "--json")

        assert done.json["error"]["server_reply"] == "550 5.1.1 nobody"

    @pytest.mark.parametrize("typed", ["MAIL FROM:<>", "DATA", "QUIT", "AUTH PLAIN x", "STARTTLS", "EHLO x"])
    def test_speaks_only_what_changes_nothing(self, run: Runner, typed: str) -> None:
        done = run("check", "-S", "localhost:1", "--command", typed)

        assert done.code == 64
        assert done.lines[0].startswith("sendmail-cli: --command speaks VRFY, EXPN, HELP, NOOP, RSET, ETRN, not “")

    @pytest.mark.parametrize("typed", ["VRFY a\r\nMAIL FROM:<>", "NOOP\n", "", " ", "VRFY \x01", "VRFY " + "x" * 600])
    def test_speaks_one_line(self, run: Runner, typed: str) -> None:
        done = run("check", "-S", "localhost:1", "--command", typed)

        assert (done.code, len(done.lines)) == ((75, 2) if typed == "NOOP\n" else (64, 1))

    def test_what_a_server_says_steers_no_terminal(self, run: Runner) -> None:
        with server(EHLO + "C: HELP\nS: 214 \\x1b[2J\n" + QUIT) as mx:
            assert check(run, mx.port, "--command", "HELP") == ["214 \\x1b[2J"]


class TestExplain:
    @pytest.mark.parametrize(
        ("what", "words"),
        [
            (["550"], "mailbox"),
            (["5.1.1"], "There is no mailbox with this address."),
            (["535", "5.7.8", "Username", "and", "Password", "not", "accepted"], "password"),
            (["550-5.1.1 nobody"], "There is no mailbox with this address."),
            (["75"], "again"),
            (["exit", "80"], "some"),
            (["130"], "Ctrl-C"),
        ],
    )
    def test_says_what_it_means(self, run: Runner, what: list[str], words: str) -> None:
        done = run("explain", *what)

        assert (done.code, done.err) == (0, "")
        assert words in done.out.decode()

    def test_in_json(self, run: Runner) -> None:
        assert run("explain", "550", "--json").json.keys() == {"schema", "meaning", "advice", "source"}

    @pytest.mark.parametrize("what", [["hello"], ["999"], ["12"], ["exit", "5"], []])
    def test_what_means_nothing(self, run: Runner, what: list[str]) -> None:
        assert run("explain", *what).code == 64

    def test_on_a_terminal_words_are_never_cut(self, run: Runner) -> None:
        run.machine.terminals = {"stdout"}

        lines = run("explain", "550", "5.1.1").out.decode().splitlines()

        assert max(map(len, lines)) <= 80
        assert not any(line.endswith(" ") for line in lines)
