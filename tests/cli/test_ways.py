"""The ways to a server: `--proxy`, `--bind`, `--pipe`, and the keys of a profile that say the same."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.pipe_program import Program
from tests.support.proxy_servers import ProxyServer
from tests.support.small_servers import QUIT, SENT, SIGN_IN, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Done, Runner
    from tests.support.sink import Sink

FROM, WHOM = "ada@example.org", "bob@example.org"
SEND = ("send", "-f", FROM, WHOM, "-m", "hello")
USER, PASSWORD = "ada", "hunter2-pr0xy"
MX = "mx.example.com"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def check_hidden(done: Done) -> None:
    assert PASSWORD not in done.out.decode() + done.err
    assert "Traceback" not in done.err


class TestProxy:
    @pytest.mark.parametrize(("scheme", "protocol"), [("socks5h", "socks5"), ("socks4a", "socks4"), ("http", "http")])
    def test_leads_to_a_server_whose_name_only_it_knows(
        self, run: Runner, sink: Sink, scheme: str, protocol: str
    ) -> None:
        with ProxyServer(protocol, names={MX: ("127.0.0.1", sink.port)}) as proxy:
            done = run(
                *SEND, "-v", "-S", f"{MX}:25", "--tls", "opportunistic",
                "--proxy", f"{scheme}://127.0.0.1:{proxy.port}",
            )  # fmt: skip

        assert done.code == 0, done.err
        assert proxy.asked == [(MX, 25)]
        assert b"hello" in sink.received
        assert f"{scheme}://127.0.0.1:{proxy.port}  (--proxy)" in done.err

    def test_its_password_stands_in_the_variable_and_shows_nowhere(self, run: Runner, sink: Sink) -> None:
        with ProxyServer("socks5", names={MX: ("127.0.0.1", sink.port)}, sign_in=(USER, PASSWORD)) as proxy:
            run.machine.variables["SENDMAIL_CLI_PROXY"] = f"socks5h://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
            done = run(*SEND, "-v", "--json", "--debug", "-S", f"{MX}:25", "--tls", "opportunistic")

        assert done.code == 0, done.err
        assert proxy.signed_in == [(USER, PASSWORD)]
        assert f"socks5h://127.0.0.1:{proxy.port}  (SENDMAIL_CLI_PROXY)" in done.err
        check_hidden(done)

    def test_that_does_not_take_the_password(self, run: Runner) -> None:
        with ProxyServer("socks5", sign_in=(USER, "another")) as proxy:
            run.machine.variables["SENDMAIL_CLI_PROXY"] = f"socks5h://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
            done = run(*SEND, "-v", "--debug", "-S", f"{MX}:25")

        assert done.code == 75
        assert "did not take the user and the password" in done.err
        check_hidden(done)

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["send", "-f", FROM, WHOM, "-m", "x", "-S", MX, "--proxy"], 64),
            (["check", "-S", MX, "--proxy"], 64),
            (["profile", "add", "work", "--from", FROM, "--server", MX, "--proxy"], 64),
        ],
    )
    def test_with_a_password_in_an_argument_is_refused(self, run: Runner, words: list[str], code: int) -> None:
        done = run(*words, f"socks5h://{USER}:{PASSWORD}@127.0.0.1:1080")

        assert done.code == code
        assert "a password never stands in a proxy's URL" in done.lines[0]
        assert "SENDMAIL_CLI_PROXY" in done.err
        check_hidden(done)

    def test_on_this_machine_makes_no_server_local(self, run: Runner) -> None:
        """A password would go in the clear to wherever the proxy leads."""
        run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = PASSWORD
        with server(SIGN_IN + "C? AUTH\nS: 235 ok\n" + QUIT) as mx, ProxyServer("socks5") as proxy:
            run.machine.configure(
                f'[profile.work]\nfrom = "{FROM}"\nserver = "127.0.0.1:{mx.port}"\nuser = "ada"\ntls = "none"\n'
            )
            way = ("--proxy", f"socks5://127.0.0.1:{proxy.port}")
            done = run("send", WHOM, "-m", "x", *way)
            straight = run("check")

        assert done.code == 78
        assert "a password never leaves this machine in the clear" in done.lines[0]
        assert proxy.asked == []
        assert straight.code == 0, straight.err

    def test_leads_to_servers_that_do_not_see_our_address(self, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run.machine, "hostname", lambda: "box")
        with server(SENT) as mx, ProxyServer("socks5") as proxy:
            done = run(*SEND, "-S", f"127.0.0.1:{mx.port}", "--tls", "opportunistic", "--bind", "127.0.0.7",
                       "--proxy", f"socks5://127.0.0.1:{proxy.port}")  # fmt: skip

        assert done.code == 0, done.err
        assert mx.received.startswith(b"EHLO [127.0.0.1]\r\n")

    def test_none_goes_straight_whatever_is_set_up(self, here: Runner, sink: Sink) -> None:
        here.machine.variables["SENDMAIL_CLI_PROXY"] = "socks5h://127.0.0.1:1"
        assert here("send", WHOM, "-m", "hello").code == 75
        assert here("send", WHOM, "-m", "hello", "--proxy", "none").code == 0
        assert b"hello" in sink.received

    def test_of_others_is_not_followed(self, here: Runner, sink: Sink) -> None:
        here.machine.variables["ALL_PROXY"] = "socks5h://127.0.0.1:1"
        assert here("send", WHOM, "-m", "hello").code == 0
        assert b"hello" in sink.received


class TestBind:
    def test_is_where_the_connection_comes_from(self, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run.machine, "hostname", lambda: "box")
        with server(SENT) as mx:
            done = run(*SEND, "-S", f"127.0.0.1:{mx.port}", "--bind", "127.0.0.7")

        assert done.code == 0, done.err
        assert mx.received.startswith(b"EHLO [127.0.0.7]\r\n")

    def test_an_address_that_is_not_ours(self, here: Runner) -> None:
        done = here("send", WHOM, "-m", "x", "--bind", "192.0.2.1")

        assert done.code == 75
        assert "no connection can come from 192.0.2.1" in done.err

    def test_holds_for_the_connection_to_a_proxy(self, run: Runner) -> None:
        with ProxyServer("socks5") as proxy:
            way = ("--proxy", f"socks5h://127.0.0.1:{proxy.port}", "--bind", "192.0.2.1")
            done = run(*SEND, "-S", MX, *way)

        assert done.code == 75
        assert "the proxy can't be reached: no connection can come from 192.0.2.1" in done.err
        assert proxy.asked == []

    def test_what_is_none(self, here: Runner) -> None:
        done = here("send", WHOM, "-m", "x", "--bind", "eth0")

        assert done.code == 64
        assert "--bind: “eth0” is no IP address" in done.lines[0]


class TestPipe:
    def test_leads_to_a_server(self, run: Runner, sink: Sink, program: Program) -> None:
        done = run(*SEND, "-v", "--pipe", program.line(sink.port))

        assert done.code == 0, done.err
        assert b"hello" in sink.received
        assert program.is_gone()
        assert "(--pipe)" in done.err
        assert "port" not in [line.split()[0] for line in done.lines if line.split()]

    def test_of_a_profile(self, run: Runner, sink: Sink, program: Program) -> None:
        assert run("profile", "add", "work", "--from", FROM, "--pipe", program.line(sink.port)).code == 0
        done = run("send", WHOM, "-m", "hello")

        assert done.code == 0, done.err
        assert b"hello" in sink.received
        assert program.is_gone()

    def test_check(self, run: Runner, sink: Sink, program: Program) -> None:
        done = run("check", "--pipe", program.line(sink.port))

        assert done.code == 0, done.err
        assert b"PIPELINING" in done.out
        assert program.is_gone()

    def test_gets_no_secret(self, run: Runner, sink: Sink, program: Program) -> None:
        secret = {"SENDMAIL_CLI_PASSWORD__WORK": PASSWORD, "SENDMAIL_CLI_PROXY": f"http://{USER}:{PASSWORD}@p:1"}
        run.machine.variables.update(secret, KEPT="1")
        done = run(*SEND, "--pipe", program.line(sink.port))

        assert done.code == 0, done.err
        assert "KEPT=1" in program.variables
        assert PASSWORD not in " ".join(program.variables)
        assert not [text for text in program.variables if text.startswith(tuple(secret))]

    def test_that_is_not_there(self, run: Runner) -> None:
        done = run(*SEND, "--pipe", "no-such-program -bs")

        assert done.code == 78
        assert "the program “no-such-program” can't be started: no such file or directory" in done.err

    def test_that_dies_says_how_and_why(self, run: Runner) -> None:
        program = f"{sys.executable} -c \"import sys; sys.exit('ssh: connect to host h port 22: Connection refused')\""
        done = run(*SEND, "--json", "--pipe", program)

        assert done.code == done.json["exit_code"] == 75
        said = done.json["error"]["message"]
        assert said.endswith("exit code 1 and never greeted us: ssh: connect to host h port 22: Connection refused")

    def test_that_speaks_no_smtp(self, run: Runner) -> None:
        assert run(*SEND, "--pipe", "echo usage: nc host port").code == 76

    def test_no_password_goes_there_in_the_clear(self, run: Runner, program: Program) -> None:
        run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = PASSWORD
        words = ("--from", FROM, "--pipe", program.line(0), "--user", "ada", "--tls", "none")
        assert run("profile", "add", "work", *words).code == 0
        done = run("check")

        assert done.code == 78
        assert "a password never leaves this machine in the clear" in done.lines[0]
        assert not (program.folder / "pid").exists()

    @pytest.mark.parametrize("more", [["-S", MX], ["--proxy", "socks5h://p"], ["--bind", "127.0.0.1"]])
    def test_what_contradicts_it(self, run: Runner, more: list[str]) -> None:
        done = run(*SEND, "--pipe", "true", *more)

        assert done.code == 64
        assert more[0].replace("-S", "--server") in done.lines[0]

    @pytest.mark.parametrize("flag", ["--pipe", "--proxy", "--bind"])
    def test_given_twice(self, run: Runner, flag: str) -> None:
        assert run(*SEND, flag, "x", flag, "y").code == 64

    def test_a_dry_run_starts_nothing(self, run: Runner, sink: Sink, program: Program) -> None:
        done = run(*SEND, "-n", "--pipe", program.line(sink.port))

        assert done.code == 0, done.err
        assert not (program.folder / "pid").exists()


def test_lmtp_is_spoken_where_the_scheme_says_so(run: Runner) -> None:
    script = (
        "S: 220 mx LMTP\nC? LHLO\nS: 250 mx\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? RCPT\nS: 250 ok\n"
        "C? DATA\nS: 354 go\nC.\nS: 250 kept\nS: 452 4.2.2 full\n"
    )
    with server(script + QUIT) as mx:
        done = run(*SEND, "eve@example.org", "--json", "-S", f"lmtp://127.0.0.1:{mx.port}")

    assert done.code == 80, done.err
    assert [recipient["code"] for recipient in done.json["recipients"]] == [250, 452]


def test_a_unix_socket_and_a_network_contradict_each_other(run: Runner, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "smtp"))
        done = run(*SEND, "-S", f"unix:{tmp_path}/smtp", "--bind", "127.0.0.1")

    assert done.code == 64
    assert "--bind is for connections over a network, and the server is a unix socket" in done.lines[0]
