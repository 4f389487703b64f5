"""`profile`: add, list, show, set, remove, default."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.command import Runner

WORK = ("profile", "add", "work", "--from", "Ada <ada@example.org>", "--server", "smtp.example.org")


def in_file(runner: Runner) -> dict[str, Any]:
    with open(Path(runner.machine.user_config_folder) / "profiles.toml", "rb") as file:
        return tomllib.load(file)


@pytest.fixture
def work(run: Runner) -> Runner:
    """The command line, with the profile `work`."""
    assert run(*WORK).code == 0
    return run


class TestAdd:
    def test_writes_the_profile_and_says_where(self, run: Runner) -> None:
        done = run(*WORK)

        assert (done.code, done.out) == (0, b"")
        assert done.lines == [f"added work to {run.machine.user_config_folder}/profiles.toml"]
        assert in_file(run)["profile"] == {"work": {"from": "Ada <ada@example.org>", "server": "smtp.example.org"}}

    def test_takes_every_value(self, run: Runner) -> None:
        done = run(
            *WORK, "--user", "ada", "--tls", "starttls", "--auth", "login", "--ehlo", "client.example.org",
            "--ca-file", "~/ca.pem", "--tls-min", "1.3", "--tls-cert", "/etc/my.pem", "--tls-key", "my.key",
            "--tls-pin", 32 * "AB", "--timeout", "30s", "--password-command", "pass show 'mail/my work'",
            "-H", "X-Job: nightly", "--header", "Organization: Analytical Engines",
        )  # fmt: skip

        assert done.code == 0, done.err
        assert in_file(run)["profile"]["work"] == {
            "from": "Ada <ada@example.org>",
            "server": "smtp.example.org",
            "user": "ada",
            "tls": "starttls",
            "auth": "login",
            "ehlo": "client.example.org",
            "ca_file": "~/ca.pem",
            "tls_min": "1.3",
            "tls_cert": "/etc/my.pem",
            "tls_key": str(Path.cwd() / "my.key"),  # it is seen from here, not from the profile's file
            "tls_pin": 32 * "AB",
            "timeout": "30s",
            "password_command": ["pass", "show", "mail/my work"],
            "headers": {"X-Job": "nightly", "Organization": "Analytical Engines"},
        }

    def test_takes_every_way_to_a_server(self, run: Runner) -> None:
        done = run(
            "profile", "add", "work", "--from", "ada@example.org", "--server", "smtp1.example.org",
            "--server", "lmtp://smtp2.example.org", "--proxy", "socks5h://127.0.0.1:9050", "--bind", "192.0.2.1",
            "--chunking", "eager",
        )  # fmt: skip

        assert done.code == 0, done.err
        assert in_file(run)["profile"]["work"] == {
            "from": "ada@example.org",
            "server": ["smtp1.example.org", "lmtp://smtp2.example.org"],
            "proxy": "socks5h://127.0.0.1:9050",
            "bind": "192.0.2.1",
            "chunking": "eager",
        }

    def test_takes_a_program_for_a_server(self, run: Runner) -> None:
        done = run("profile", "add", "work", "--from", "a@example.org", "--pipe", "ssh h '/usr/sbin/sendmail -bs'")

        assert (done.code, len(done.lines)) == (0, 1), done.err
        assert in_file(run)["profile"]["work"]["pipe"] == ["ssh", "h", "/usr/sbin/sendmail -bs"]

    @pytest.mark.parametrize(
        ("options", "is_next"),
        [
            ([], False),
            (["--user", "ada"], True),
            (["--server", "ada@smtp.example.org"], True),
            (["--user", "ada", "--password-command", "pass"], False),
            (["--user", "ada", "--auth", "external", "--tls-cert", "my.pem"], False),
        ],
    )
    def test_says_what_comes_next(self, run: Runner, options: list[str], *, is_next: bool) -> None:
        assert ("next: sendmail-cli login work" in run(*WORK, *options).lines) == is_next

    def test_the_first_one_becomes_the_default_and_stays_it(self, work: Runner) -> None:
        work("profile", "add", "other", "--from", "bob@example.org", "--server", "mx.example.org")

        assert in_file(work)["default"] == "work"
        assert work("profile", "default").out == b"work\n"

    def test_quietly(self, run: Runner) -> None:
        assert run(*WORK, "-q").err == ""

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            (["work"], 64, "a profile needs --from and --server"),
            (["work", "--from", "a@example.org"], 64, "a profile needs --server"),
            (["my work", *WORK[3:]], 64, "is no name for a profile"),
            (["sandbox", *WORK[3:]], 64, "built in"),
            (["work", "--from", "ada", "--server", "x"], 64, "from: "),
            (["work", "--from", "a@example.org", "--server", "ada:pw@x"], 64, "a password never stands in"),
            ([*WORK[2:], "--timeout", "soon"], 64, "timeout: "),
            ([*WORK[2:], "--tls", "ssl"], 64, "'ssl' is not one of"),
            ([*WORK[2:], "--auth", "magic"], 64, "'magic' is not one of"),
            ([*WORK[2:], "--password-command", "'"], 64, "--password-command: no closing quotation"),
            ([*WORK[2:], "--password-command", ""], 64, "password_command: "),
            ([*WORK[2:], "--pipe", "'"], 64, "--pipe: no closing quotation"),
            ([*WORK[2:], "--bind", "eth0"], 64, "bind: "),
            ([*WORK[2:], "--chunking", "always"], 64, "'always' is not one of"),
            ([*WORK[2:], "--server", "ada:pw@x"], 64, "a password never stands in"),
            ([*WORK[2:], "-H", "no colon"], 65, "--header: "),
            ([], 64, "missing argument 'NAME'"),
        ],
    )
    def test_what_can_not_be(self, run: Runner, words: list[str], code: int, said: str) -> None:
        done = run("profile", "add", *words)

        assert done.code == code
        assert said in done.lines[0]
        assert "pw" not in done.err
        assert not Path(run.machine.user_config_folder).exists()

    def test_a_name_that_is_taken(self, work: Runner) -> None:
        done = work(*WORK)

        assert done.code == 64
        assert "there is a profile “work” already" in done.lines[0]

    def test_a_place_that_can_not_be_written(self, run: Runner) -> None:
        run.machine.variables["SENDMAIL_CLI_CONFIG"] = "/dev/null/profiles.toml"

        assert run(*WORK).code in {73, 78}


class TestList:
    def test_has_the_default_with_a_star_and_the_sandbox(self, work: Runner) -> None:
        work("profile", "add", "local", "--from", "cron@example.org", "--server", "localhost")

        assert work("profile", "list").out.decode().splitlines() == [
            "* work     Ada <ada@example.org>  smtp.example.org",
            "  local    cron@example.org  localhost",
            "  sandbox  sandbox@sandbox.invalid  started for one message",
        ]

    def test_has_every_server_and_the_program(self, work: Runner) -> None:
        work("profile", "set", "work", "--server", "a.example", "--server", "lmtp:/run/lmtp")
        work("profile", "add", "far", "--from", "a@example.org", "--pipe", "ssh h 'sendmail -bs'")

        assert work("profile", "list").out.decode().splitlines()[:2] == [
            "* work     Ada <ada@example.org>  a.example, lmtp:/run/lmtp",
            "  far      a@example.org  ssh h 'sendmail -bs'",
        ]

    def test_without_any(self, run: Runner) -> None:
        assert run("profile", "list").out == b"  sandbox  sandbox@sandbox.invalid  started for one message\n"

    def test_in_json(self, work: Runner) -> None:
        assert work("profile", "list", "--json").json == {
            "schema": 1,
            "profiles": [
                {
                    "name": "work",
                    "from": "Ada <ada@example.org>",
                    "server": "smtp.example.org",
                    "is_default": True,
                },
                {
                    "name": "sandbox",
                    "from": "sandbox@sandbox.invalid",
                    "server": "started for one message",
                    "is_default": False,
                },
            ],
        }

    def test_helps_those_whose_variable_names_none(self, work: Runner) -> None:
        work.machine.variables["SENDMAIL_CLI_PROFILE"] = "wrok"

        done = work("profile", "list")

        assert done.code == 0
        assert b"  work" in done.out

    def test_a_mistake_in_the_file(self, run: Runner) -> None:
        run.machine.configure('[profile.work]\nfrom = "a@example.org"\nserver = "x.example"\nsubjekt = "x"\n')

        done = run("profile", "list")

        assert done.code == 78
        assert "profiles.toml, line 4: profile.work.subjekt: " in done.lines[0]


class TestShow:
    def test_tells_where_each_value_came_from(self, work: Runner) -> None:
        place = "(~/.config/sendmail-cli/profiles.toml, line "

        lines = [" ".join(line.split()) for line in work("profile", "show", "work").out.decode().splitlines()]

        assert lines[0] == "profile work (--profile)"
        assert any(line.startswith(f"from Ada <ada@example.org> {place}") for line in lines)
        assert "port 465 (default)" in lines
        assert "tls implicit (default)" in lines

    def test_the_default_one(self, work: Runner) -> None:
        assert work("profile", "show").out.startswith(b"profile  work")

    def test_the_sandbox(self, run: Runner) -> None:
        assert run("profile", "show", "sandbox").out.decode().splitlines() == [
            "profile  sandbox                  (--profile)",
            "from     sandbox@sandbox.invalid  (built in)",
            "server   started for one message  (built in)",
        ]

    def test_every_way_to_a_server(self, work: Runner) -> None:
        work(
            "profile", "set", "work", "--server", "lmtp://a.example", "--server", "ada@[::1]:2525",
            "--server", "unix:/run/smtp", "--proxy", "http://ada@p.example:3128", "--bind", "192.0.2.1",
            "--chunking", "eager", "--tls", "opportunistic", "--auth", "scram-sha-256",
        )  # fmt: skip

        found = {name: row["value"] for name, row in work("profile", "show", "--json").json["settings"].items()}

        assert found["server"] == "lmtp://a.example"
        assert found["port"] == "24"
        assert found["fallbacks"] == "[::1]:2525 (opportunistic), unix:/run/smtp (opportunistic)"
        assert found["proxy"] == "http://p.example:3128"
        assert found["bind"] == "192.0.2.1"
        assert found["chunking"] == "eager"

    def test_a_program(self, work: Runner) -> None:
        assert work("profile", "set", "work", "--pipe", "ssh h 'sendmail -bs'", "--unset", "server").code == 0

        found = work("profile", "show", "--json").json["settings"]

        assert found["pipe"]["value"] == "ssh h 'sendmail -bs'"
        assert not {"server", "port", "proxy", "bind", "fallbacks", "chunking"} & set(found)

    def test_in_json(self, work: Runner) -> None:
        found = work("profile", "show", "--json").json

        assert found["settings"]["port"] == {"value": "465", "origin": "default"}

    def test_never_the_password(self, work: Runner) -> None:
        work("profile", "set", "work", "--user", "ada")
        work.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "hunter2"

        done = work("profile", "show", "-v")

        assert b"***" in done.out
        assert b"SENDMAIL_CLI_PASSWORD__WORK" in done.out
        assert b"hunter2" not in done.out + done.err.encode()

    def test_one_that_is_not_there(self, work: Runner) -> None:
        done = work("profile", "show", "wrok")

        assert done.code == 78
        assert "there is no profile “wrok”; did you mean “work”?" in done.lines[0]

    def test_without_any(self, run: Runner) -> None:
        done = run("profile", "show")

        assert done.code == 78
        assert "sendmail-cli setup" in done.err


class TestSet:
    def test_changes_values_and_leaves_the_others(self, work: Runner) -> None:
        done = work("profile", "set", "work", "--server", "mx.example.org:587", "--user", "ada", "-H", "X-A: 1")

        assert (done.code, done.err) == (0, "")
        assert in_file(work)["profile"]["work"] == {
            "from": "Ada <ada@example.org>",
            "server": "mx.example.org:587",
            "user": "ada",
            "headers": {"X-A": "1"},
        }

    @pytest.mark.parametrize("key", ["ca-file", "ca_file", "--ca-file"])
    def test_takes_values_out(self, work: Runner, key: str) -> None:
        work("profile", "set", "work", "--ca-file", "x", "-H", "X-My-Job: 1")

        assert work("profile", "set", "work", f"--unset={key}", "--unset", "headers.X-My-Job").code == 0
        assert in_file(work)["profile"]["work"] == {
            "from": "Ada <ada@example.org>",
            "server": "smtp.example.org",
            "headers": {},
        }

    def test_nothing_to_change(self, work: Runner) -> None:
        assert work("profile", "set", "work").code == 64

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["work", "--timeout", "soon"], 64),
            (["none", "--user", "ada"], 78),
            (["work", "--unset", "user"], 78),
            (["work", "--unset", "user", "--tls", "none"], 78),
            (["work", "--pipe", "sendmail -bs"], 78),
            (["sandbox", "--user", "ada"], 64),
        ],
    )
    def test_what_can_not_be(self, work: Runner, words: list[str], code: int) -> None:
        before = in_file(work)

        assert work("profile", "set", *words).code == code
        assert in_file(work) == before


def test_remove(work: Runner) -> None:
    done = work("profile", "remove", "work")

    assert (done.code, done.lines[0].startswith("removed work from /")) == (0, True)
    assert in_file(work) == {}
    assert work("profile", "remove", "work").code == 78
    assert work("profile", "remove", "sandbox").code == 64


class TestDefault:
    def test_is_chosen_and_told(self, work: Runner) -> None:
        work("profile", "add", "other", "--from", "bob@example.org", "--server", "mx.example.org")

        assert work("profile", "default", "other").code == 0
        assert work("profile", "default").out == b"other\n"
        assert b"other  (~/.config/" in work("profile", "default", "-v").out

    def test_none(self, run: Runner) -> None:
        done = run("profile", "default")

        assert (done.code, done.out, done.lines) == (0, b"", ["there is no default profile"])

    def test_one_that_is_not_there(self, work: Runner) -> None:
        assert work("profile", "default", "none").code == 78
