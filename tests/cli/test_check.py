"""`check` and `explain`: each step on the way to a server, and what replies and exit codes mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.support.certificates import Kind, server_context, write_ca_file
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import EHLO, QUIT, refusing, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Done, Machine, Runner

Signing: TypeAlias = Callable[[str], AbstractContextManager[ScriptedServer]]


TLS = (
    "S: 220 mx ESMTP\nC? EHLO\nS: 250-mx\nS: 250-SIZE 1000\nS: 250-VRFY\nS: 250 STARTTLS\n"
    "C: STARTTLS\nS: 220 go\nS! starttls\nC? EHLO\nS: 250-mx\nS: 250-SIZE 2000\nS: 250 AUTH PLAIN LOGIN\n"
)
SIGNED_IN = TLS + "C? AUTH PLAIN\nS: 235 2.7.0 ok\n"
ASKED = "C: MAIL FROM:<ada@example.org> SIZE=1024\nS: 250 2.1.0 Ok\n"
BOB = "C: RCPT TO:<bob@example.org>\n"
EVE = "C: RCPT TO:<eve@example.org>\n"
TAKEN_BACK = "C: RSET\nS: 250 2.0.0 Ok\n" + QUIT
ASK = ("--from", "ada@example.org", "--to", "bob@example.org")
TIME = re.compile(r" +\d+\.\d ms  ")


def check(runner: Runner, port: int, *words: str | Path) -> list[str]:
    """What it says of a server where all is well; in place of each time there is "…"."""
    done = runner("check", "-S", f"localhost:{port}", *words)
    assert (done.code, done.err) == (0, "")
    return untimed(done)


def untimed(done: Done) -> list[str]:
    return [TIME.sub(" … ", line) for line in done.out.decode().splitlines()]


def verdicts(done: Done) -> dict[str, str]:
    """By the steps' names, the last of those with the same name."""
    return {step["name"]: step["verdict"] for step in done.json["steps"]}


def step(done: Done, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [step for step in done.json["steps"] if step["name"] == name]
    return found[-1]


@pytest.fixture
def signing(run: Runner, tmp_path: Path) -> Signing:
    """The only profile signs in as Ada, by STARTTLS, at a server that plays this script."""

    @contextmanager
    def playing(script: str) -> Iterator[ScriptedServer]:
        with server(script) as mx:
            run.machine.configure(
                f'[profile.work]\nfrom = "Ada <ada@example.org>"\nserver = "ada@localhost:{mx.port}"\n'
                f'tls = "starttls"\nca_file = "{write_ca_file(tmp_path)}"\n'
            )
            run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "hunter2"
            yield mx

    return playing


def test_each_step_has_a_verdict_a_time_and_what_was_found(run: Runner) -> None:
    with server(EHLO + QUIT) as mx:
        lines = check(run, mx.port)

    assert [line for line in lines if "::1" not in line] == [
        f"localhost:{mx.port}, TLS none",
        "",
        "ok       DNS … 127.0.0.1",
        f"ok       connect … 127.0.0.1 port {mx.port}",
        "ok       greeting … 220 mx.example.org ESMTP",
        "ok       EHLO … mx.example.org offers SIZE 1000000, 8BITMIME",
        "-        TLS                     not asked for: everything goes in the clear",
        "-        AUTH                    not asked for: no user is set",
        "",
        "all is well",
    ]


def test_what_starttls_changed_and_how_we_signed_in(run: Runner, signing: Signing) -> None:
    with signing(SIGNED_IN + QUIT) as mx:
        done = run("check")

    assert (done.code, done.err, mx.faults) == (0, "", [])
    lines = untimed(done)
    assert lines[0] == f"localhost:{mx.port}, profile work, TLS starttls, user ada"
    assert "ok       EHLO … mx offers SIZE 1000, VRFY, STARTTLS" in lines
    assert any(line.startswith("ok       TLS … by STARTTLS, TLSv1.") for line in lines)
    assert f"{'':33}for localhost, 127.0.0.1" in lines
    assert any(re.fullmatch(r" {33}valid until \d{4}-\d\d-\d\d, \d+ days left", line) for line in lines)
    again = lines.index("ok       EHLO again … mx offers SIZE 2000, AUTH PLAIN LOGIN")
    assert [line.strip() for line in lines[again + 1 : again + 4]] == [
        "new: AUTH PLAIN LOGIN",
        "changed: SIZE 1000 → SIZE 2000",
        "gone: VRFY",
    ]
    assert "ok       AUTH … ada by PLAIN" in lines


def test_json_is_one_object_with_all_steps(run: Runner, signing: Signing) -> None:
    with signing(SIGNED_IN + ASKED + BOB + "S: 250 2.1.5 Ok\n" + TAKEN_BACK) as mx:
        done = run("check", "--json", "--to", "bob@example.org")

    assert (done.code, done.err, mx.faults) == (0, "", [])
    found = done.json
    assert found | {"tls": None, "steps": None} == {
        "schema": 1,
        "server": f"localhost:{mx.port}",
        "profile": "work",
        "name": "mx",
        "tls": None,
        "extensions": ["SIZE 2000", "AUTH PLAIN LOGIN"],
        "user": "ada",
        "exit_code": 0,
        "error": None,
        "steps": None,
    }
    names = ["dns", "connect", "greeting", "ehlo", "tls", "ehlo_after_tls", "auth", "mail", "rcpt", "rset"]
    assert [step["name"] for step in found["steps"]] == names
    assert set(verdicts(done).values()) == {"ok"}
    assert all(step["seconds"] >= 0 for step in found["steps"])
    assert found["tls"] == step(done, "tls")["details"]
    assert found["tls"]["names"] == ["localhost", "127.0.0.1"]
    assert (found["tls"]["by"], found["tls"]["is_verified"]) == ("starttls", True)
    assert found["tls"]["days_left"] > 14
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["tls"]["not_after"])
    assert step(done, "connect")["details"]["address"] == "127.0.0.1"
    assert step(done, "ehlo_after_tls")["details"] == {
        "name": "mx",
        "extensions": ["SIZE 2000", "AUTH PLAIN LOGIN"],
        "new": ["AUTH PLAIN LOGIN"],
        "changed": [{"before": "SIZE 1000", "now": "SIZE 2000"}],
        "gone": ["VRFY"],
    }
    assert step(done, "auth")["details"] == {"user": "ada", "mechanism": "PLAIN", "refused": []}
    assert step(done, "rcpt") | {"seconds": 0} == {
        "name": "rcpt",
        "verdict": "ok",
        "seconds": 0,
        "details": {"path": "<bob@example.org>"},
        "message": None,
        "server_reply": "250 2.1.5 Ok",
        "hint": None,
        "exit_code": None,
    }


class TestFailure:
    @pytest.mark.parametrize(
        ("words", "code", "failed"),
        [
            (["-S", "nowhere.invalid", "--timeout", "5"], 68, "dns"),
            (["-S", "localhost:1"], 75, "connect"),
            (["-S", "unix:/nowhere/smtp"], 75, "connect"),
        ],
    )
    def test_before_anything_is_said(self, run: Runner, words: list[str], code: int, failed: str) -> None:
        done = run("check", "--json", *words)

        names = [step["name"] for step in done.json["steps"]]
        at = names.index(failed)
        assert (done.code, done.json["exit_code"]) == (code, code)
        assert verdicts(done)[failed] == "failed"
        assert step(done, failed)["message"] == done.json["error"]["message"]
        assert names[at + 1 :][-1] == "auth"
        assert [step["message"] for step in done.json["steps"][at + 1 :]] == ["not reached"] * (len(names) - at - 1)

    @pytest.mark.parametrize(
        ("script", "code", "failed"),
        [
            ("S: 554 5.7.1 go away\n", 77, "greeting"),
            ("S! close\n", 75, "greeting"),
            ("S: 220 mx\nC? EHLO\nS: 550 5.7.1 not you\n" + QUIT, 77, "ehlo"),
            (EHLO + QUIT, 69, "tls"),
            (TLS.partition("S: 220 go")[0] + "S: 454 4.7.0 not now\n" + QUIT, 75, "tls"),
            (TLS.partition("C? EHLO\nS: 250-mx\nS: 250-SIZE 2000")[0] + "C? EHLO\nS! close\n", 75, "ehlo_after_tls"),
            (TLS.partition("S: 250-SIZE 2000")[0] + "S: 250 HELP\n" + QUIT, 69, "auth"),
            (TLS + "C? AUTH PLAIN\nS: 535 5.7.8 no\n" + QUIT, 77, "auth"),
            (TLS + "C? AUTH PLAIN\nS: 454 4.7.0 later\n" + QUIT, 75, "auth"),
            (SIGNED_IN + "C? MAIL\nS: 553 5.7.1 not yours\n" + QUIT, 77, "mail"),
            (SIGNED_IN + "C? MAIL\nS: 550 5.1.8 no such sender\n" + QUIT, 65, "mail"),
            (SIGNED_IN + ASKED + "C? RCPT\nS: 550 5.1.1 nobody\n" + TAKEN_BACK, 67, "rcpt"),
            (SIGNED_IN + ASKED + "C? RCPT\nS: 450 4.2.1 later\n" + TAKEN_BACK, 75, "rcpt"),
            (SIGNED_IN + ASKED + "C? RCPT\nS: 421 4.3.2 bye\nS! close\n", 75, "rcpt"),
            (SIGNED_IN + ASKED + BOB + "S: 250 ok\nC: RSET\nS! close\n", 75, "rset"),
        ],
    )
    def test_of_each_step(self, run: Runner, signing: Signing, script: str, code: int, failed: str) -> None:
        with signing(script) as mx:
            done = run("check", "--json", "--to", "bob@example.org")

        assert (done.code, done.json["exit_code"], mx.faults) == (code, code, [])
        assert verdicts(done)[failed] == "failed"
        assert step(done, failed)["message"] == done.json["error"]["message"]
        assert step(done, failed)["exit_code"] == code
        names = [step["name"] for step in done.json["steps"]]
        reached = 1 if "RSET" in script and failed == "rcpt" else 0
        assert [step["verdict"] for step in done.json["steps"][: names.index(failed)]] == ["ok"] * names.index(failed)
        for later in done.json["steps"][names.index(failed) + 1 + reached :]:
            assert (later["verdict"], later["message"], later["seconds"]) == ("skipped", "not reached", None)
        assert names[-4:] == ["auth", "mail", "rcpt", "rset"]
        assert b"DATA" not in mx.received

    def test_says_what_to_do_below_the_step(self, run: Runner, signing: Signing) -> None:
        with signing(TLS + "C? AUTH PLAIN\nS: 535 5.7.8 Error: authentication failed\n" + QUIT):
            done = run("check", "--to", "bob@example.org")

        lines = untimed(done)
        at = lines.index("FAILED   AUTH … the server did not accept the sign-in by PLAIN")
        assert done.err == ""
        assert lines[at + 1] == "         the server said: 535 5.7.8 Error: authentication failed"
        assert any("sendmail-cli login" in line for line in lines[at + 2 : -5])
        assert lines[-5:] == [
            "-        MAIL                    <ada@example.org>: not reached",
            "-        RCPT                    <bob@example.org>: not reached",
            "-        RSET                    not reached",
            "",
            "AUTH failed; nothing was sent; exit code 77, in words: sendmail-cli explain 77",
        ]

    def test_quiet_says_nothing_else(self, run: Runner, signing: Signing) -> None:
        with signing(TLS + "C? AUTH PLAIN\nS: 535 5.7.8 no\n" + QUIT):
            done = run("check", "-q")
        assert (done.code, done.out) == (77, b"")
        assert done.lines[:2] == [
            "sendmail-cli: the server did not accept the sign-in by PLAIN",
            "  the server said: 535 5.7.8 no",
        ]
        with signing(SIGNED_IN + QUIT):
            done = run("check", "-q")
        assert (done.code, done.out, done.err) == (0, b"", "")

    def test_a_ca_file_that_can_not_be_read(self, run: Runner) -> None:
        done = run("check", "--json", "-S", "smtps://localhost:1", "--ca-file", "/nowhere/ca.pem")

        assert (done.code, done.json["error"]["kind"]) == (78, "ConfigError")

    def test_the_trace_tells_how_it_ended(self, run: Runner, tmp_path: Path) -> None:
        run("check", "-S", "localhost:1", "--trace", tmp_path / "trace.json")

        end = json.loads((tmp_path / "trace.json").read_text().splitlines()[-1])
        assert (end["exit_code"], end["error"]["kind"]) == (75, "ConnectFailed")


class TestRecipients:
    @pytest.mark.parametrize(
        ("replies", "code", "sentence"),
        [
            (("250 ok", "250 ok"), 0, None),
            (("250 ok", "550 5.1.1 nobody"), 80, "the server refused 1 of 2 recipients"),
            (("550 5.1.1 nobody", "550 5.1.1 nobody"), 67, "the server refused 2 of 2 recipients"),
            (("550 5.1.1 nobody", "450 4.2.1 later"), 75, "the server refused 2 of 2 recipients"),
            (("550 5.1.1 nobody", "554 5.7.1 relay access denied"), 69, "the server refused 2 of 2 recipients"),
        ],
    )
    def test_the_exit_code_is_that_of_a_send(
        self, run: Runner, replies: tuple[str, str], code: int, sentence: str | None
    ) -> None:
        bob, eve = replies
        script = f"{EHLO}{ASKED}{BOB}S: {bob}\n{EVE}S: {eve}\n{TAKEN_BACK}"
        with server(script) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", *ASK, "--to", "eve@example.org", "--json")

        assert (done.code, mx.faults) == (code, [])
        assert (done.json["error"] or {"message": None})["message"] == sentence
        said = [step["server_reply"] for step in done.json["steps"] if step["name"] == "rcpt"]
        assert said == [bob, eve]
        assert verdicts(done)["rset"] == "ok"

    def test_partly_means_that_a_send_would_be(self, run: Runner) -> None:
        with server(f"{EHLO}{ASKED}{BOB}S: 250 ok\n{EVE}S: 550 5.1.1 nobody\n{TAKEN_BACK}") as mx:
            done = run("check", "-S", f"localhost:{mx.port}", *ASK, "--to", "eve@example.org")

        assert done.code == 80
        assert untimed(done)[-1].endswith("exit code 80: a send would reach some recipients and not others")

    @pytest.mark.parametrize("end", ["S! close\n", "S: 421 4.3.2 bye\nS! close\n"])
    def test_nobody_is_reached_where_the_connection_ends(self, run: Runner, end: str) -> None:
        with server(EHLO + ASKED + BOB + "S: 550 5.1.1 nobody\n" + EVE + end) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", *ASK, "--to", "eve@example.org", "--json")

        assert done.code == 75
        assert verdicts(done)["rset"] == "skipped"

    def test_a_sender_alone(self, run: Runner) -> None:
        with server(EHLO + "C: MAIL FROM:<> SIZE=1024\nS: 250 ok\n" + TAKEN_BACK) as mx:
            lines = check(run, mx.port, "--from", "<>")

        assert mx.faults == []
        assert lines[-4:] == [
            "ok       MAIL … <>: 250 ok",
            "ok       RSET … 250 2.0.0 Ok",
            "",
            "all is well; nothing was sent",
        ]

    def test_a_recipient_needs_a_sender(self, run: Runner) -> None:
        done = run("check", "-S", "localhost:1", "--to", "bob@example.org")

        assert (done.code, done.lines[-1]) == (78, "  Add --from you@example.org.")

    def test_a_refused_rset_is_a_warning(self, run: Runner) -> None:
        with server(EHLO + ASKED + BOB + "S: 250 ok\nC: RSET\nS: 502 5.5.1 no\n" + QUIT) as mx:
            lines = check(run, mx.port, *ASK)

        assert [line for line in lines if line.startswith("warning  RSET … 502 5.5.1 no")]
        assert lines[-1] == "all is well, with 1 warning; nothing was sent"

    def test_beyond_ascii(self, run: Runner) -> None:
        words = ("--from", "zoë@example.org", "--json")
        script = EHLO.replace("8BITMIME", "SMTPUTF8") + "C: MAIL FROM:<zo\\xc3\\xab@example.org> SIZE=1024 SMTPUTF8\n"
        with server(script + "S: 250 ok\n" + TAKEN_BACK) as mx:
            assert run("check", "-S", f"localhost:{mx.port}", *words).code == 0
        assert mx.faults == []
        with server(EHLO + QUIT) as mx:
            done = run("check", "-S", f"localhost:{mx.port}", *words)
        assert (done.code, verdicts(done)["mail"], mx.faults) == (65, "failed", [])

    def test_with_a_command_it_makes_no_sense(self, run: Runner) -> None:
        assert run("check", "-S", "localhost:1", "--command", "NOOP", "--from", "<>").code == 64


class TestWarning:
    def test_a_server_without_extensions(self, run: Runner) -> None:
        with server("S: 220 mx\nC? EHLO\nS: 502 what?\nC? HELO\nS: 250 old.example.org hello\n" + QUIT) as mx:
            lines = check(run, mx.port)

        assert "warning  EHLO … old.example.org offers nothing" in lines
        assert lines[-1] == "all is well, with 1 warning"

    def test_opportunistic_tls_that_is_not_offered(self, run: Runner) -> None:
        with server(EHLO + QUIT) as mx:
            lines = check(run, mx.port, "--tls", "opportunistic")

        assert "warning  TLS … the server does not offer STARTTLS, so everything goes in the clear" in lines
        assert not any("EHLO again" in line for line in lines)

    def test_a_certificate_that_was_not_checked(self, run: Runner) -> None:
        script = TLS + QUIT
        with ScriptedServer(parse_script(script), starttls=server_context(Kind.EXPIRED)) as mx:
            done = run("check", "--insecure", "--tls", "starttls", "-S", f"localhost:{mx.port}")

        lines = untimed(done)
        assert done.code == 0
        assert "is not checked" in done.err
        assert any(line.startswith("warning  TLS … by STARTTLS") for line in lines)
        assert f"{'':33}the certificate was not checked: it could be anybody's" in lines
        assert f"{'':33}the certificate has expired" in lines
        assert any(re.fullmatch(" {9}sha256:[0-9a-f]{64}", line) for line in lines)


class TestTerminal:
    @pytest.fixture
    def terminal(self, run: Runner) -> Runner:
        run.machine.terminals = {"stdout"}
        return run

    def test_marks_have_a_colour(self, terminal: Runner) -> None:
        with server(refusing(EHLO, "MAIL", "550 5.7.1 \\x1b[2J")) as mx:
            done = terminal("check", "-S", f"localhost:{mx.port}", "--from", "<>")

        said = done.out.decode()
        assert done.code == 77
        assert "\n\x1b[32mok\x1b[0m       DNS  " in said
        assert "\n\x1b[31mFAILED\x1b[0m   MAIL " in said
        assert "\n\x1b[2m-\x1b[0m        AUTH " in said
        assert "\x1b[2J" not in said
        assert "\\x1b[2J" in said
        assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in said.splitlines()) <= 80

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_unless_nobody_wants_it(self, terminal: Runner, name: str, value: str) -> None:
        terminal.machine.variables[name] = value
        assert b"\x1b" not in terminal("check", "-S", "localhost:1").out
        terminal.machine.variables[name] = ""
        assert b"\x1b" in terminal("check", "-S", "localhost:1").out

    def test_a_narrow_one_has_it_below(self, terminal: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("output", "step_view"):
            monkeypatch.setattr(f"sendmail_cli.cli.{module}.width_of", lambda _: 40)
        with server("S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250-X-A-LONG-EXTENSION\nS: 250 HELP\n" + QUIT) as mx:
            lines = terminal("check", "-S", f"localhost:{mx.port}").out.decode().splitlines()

        at = next(index for index, line in enumerate(lines) if " EHLO " in line)
        assert lines[at].endswith(" ms")
        assert lines[at + 1 : at + 3] == ["         mx offers X-A-LONG-EXTENSION,", "         HELP"]
        assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in lines) <= 40

    def test_what_is_found_stands_in_one_column(self, terminal: Runner) -> None:
        offered = "".join(f"S: 250-X-EXTENSION-{number}\n" for number in range(9))
        with server("S: 220 mx\nC? EHLO\nS: 250-mx\n" + offered + "S: 250 HELP\n" + QUIT) as mx:
            lines = terminal("check", "-S", f"localhost:{mx.port}").out.decode().splitlines()

        at = next(index for index, line in enumerate(lines) if " EHLO " in line)
        assert lines[at].partition(" ms  ")[2].startswith("mx offers X-EXTENSION-0")
        assert lines[at + 1].startswith(" " * 33 + "X-EXTENSION-")


def test_an_address_is_not_looked_up(run: Runner) -> None:
    with server(EHLO + QUIT) as mx:
        done = run("check", "-S", f"127.0.0.1:{mx.port}")

    assert "-        DNS                     127.0.0.1 is an address already" in untimed(done)


def test_the_sandbox_may_be_checked(run: Runner) -> None:
    done = run("check", "-p", "sandbox", "--from", "<>", "--to", "bob@example.org")

    assert (done.code, done.err) == (0, "")
    assert done.out.decode().startswith("the sandbox, started for this\n")
    assert untimed(done)[-1] == "all is well; nothing was sent"


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


def test_of_several_servers_the_first_is_checked_and_that_is_said(run: Runner, machine: Machine) -> None:
    with server(EHLO + QUIT) as script:
        machine.configure(f'[profile.two]\nserver = ["127.0.0.1:{script.port}", "127.0.0.1:1"]\n')
        done = run("check")
    assert done.code == 0
    assert "the first of 2 servers (-S for another)" in done.out.decode().splitlines()[0]


def test_what_speaks_lmtp_is_said(run: Runner) -> None:
    done = run("check", "-S", "lmtp://localhost:1")
    assert done.out.decode().splitlines()[0] == "localhost:1, LMTP, TLS none"


def test_two_servers_by_flag_are_too_many(run: Runner) -> None:
    done = run("check", "-S", "localhost:1", "-S", "localhost:2")
    assert done.code == 64
    assert "--server is given twice" in done.err
