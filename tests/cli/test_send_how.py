"""`send`: where a message goes, how much is said of it, and what scripts are told."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.small_servers import (
    CONTENT,
    EHLO,
    IN_DOUBT,
    MAIL,
    PARTLY,
    QUIT,
    RCPT,
    REFUSED_SIGN_IN,
    SENT,
    refusing,
    server,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink

WHOM = "bob@example.org"
OBJECT = ["schema", "message_id", "profile", "server", "exit_code", "error", "recipients"]
ERROR = ["kind", "message", "hint", "server_reply"]
RECIPIENT = ["address", "action", "code", "enhanced", "text", "in_doubt"]


def check_schema(found: dict[str, Any]) -> None:
    """Every object has the same fields in the same order, whatever happened."""
    assert list(found) == OBJECT
    assert found["schema"] == 1
    if found["error"] is not None:
        assert list(found["error"]) == ERROR
        assert isinstance(found["error"]["message"], str)
    for recipient in found["recipients"]:
        assert list(recipient) == RECIPIENT
        assert recipient["action"] in {"relayed", "delayed", "failed"}


class TestDryRun:
    @pytest.mark.parametrize("option", ["-n", "--dry-run"])
    def test_prints_the_octets_and_the_envelope_and_sends_nothing(self, here: Runner, sink: Sink, option: str) -> None:
        done = here("send", option, WHOM, "-b", "eve@example.org", "-m", ".dot\nGrüße", "-s", "Über")

        assert done.code == 0
        assert done.lines == [
            "MAIL FROM:<ada@example.org>",
            "RCPT TO:<bob@example.org>",
            "RCPT TO:<eve@example.org>",
        ]
        assert sink.commands == []
        assert done.out.startswith(b"Date: ")
        assert b"eve@" not in done.out
        assert not re.search(rb"[^\r]\n|\r[^\n]", done.out)

    def test_prints_what_would_be_sent(self, here: Runner, sink: Sink, tmp_path: Path) -> None:
        mail = tmp_path / "mail.eml"
        mail.write_bytes(b"From: a@example.org\nTo: b@example.org\nDate: x\nMessage-ID: <1@x>\n\n.\n.dot\nend")

        printed = here("send", "-n", "--raw", mail).out
        here("send", "--raw", mail)

        assert printed == sink.received

    def test_shows_the_null_path(self, here: Runner) -> None:
        assert here("send", "-n", WHOM, "-m", "hi", "--envelope-from", "").lines[0] == "MAIL FROM:<>"

    def test_needs_a_setting_as_sending_does(self, run: Runner) -> None:
        assert run("send", "-n", WHOM, "-m", "hi").code == 78

    def test_says_more_when_asked(self, here: Runner, sink: Sink) -> None:
        done = here("send", "-nv", WHOM, "-m", "hi")

        assert any(f"{len(done.out)} octets" in line for line in done.lines)

    def test_needs_no_server(self, run: Runner) -> None:
        done = run("send", "-n", WHOM, "-m", "hi", "--from", "ada@example.org")

        assert done.code == 0
        assert b"\r\n\r\nhi\r\n" in done.out

    def test_and_json_want_the_same_place(self, here: Runner) -> None:
        done = here("send", "-n", "--json", WHOM, "-m", "hi")

        assert (done.code, done.json["error"]["kind"]) == (64, "UsageError")


class TestWords:
    def test_without_a_terminal_success_says_nothing(self, here: Runner) -> None:
        done = here("send", WHOM, "-m", "hi")

        assert (done.code, done.out, done.err) == (0, b"", "")

    def test_on_a_terminal_it_is_one_line(self, here: Runner, machine: Machine, sink: Sink) -> None:
        machine.terminals = {"stderr"}

        done = here("send", WHOM, "-m", "hi")

        assert done.out == b""
        assert done.lines == [f"sent to bob@example.org: 127.0.0.1:{sink.port} said 250 2.0.0 kept"]

    def test_several_recipients_are_counted(self, here: Runner, machine: Machine) -> None:
        machine.terminals = {"stderr"}

        assert here("send", WHOM, "eve@example.org", "-m", "hi").err.startswith("sent to 2 recipients: ")

    @pytest.mark.parametrize("option", ["-q", "--quiet"])
    def test_quiet_says_nothing_but_errors(self, here: Runner, machine: Machine, option: str) -> None:
        machine.terminals = {"stderr"}

        assert here("send", option, WHOM, "-m", "hi").err == ""
        assert here("send", option, "-p", "sandbox", WHOM, "-m", "hi").err == ""
        assert here("send", option, "-m", "hi").lines[0] == "sendmail-cli: no recipients"

    @pytest.mark.parametrize("option", ["-v", "--verbose"])
    def test_verbose_tells_each_setting_and_where_it_came_from_then_the_dialogue(
        self, here: Runner, sink: Sink, option: str
    ) -> None:
        done = here("send", option, WHOM, "-m", "hi", "--ehlo", "client.example.org")

        said = [line.split(maxsplit=1)[1] if " ms " not in line else line[12:] for line in done.lines[:-1]]
        place = "~/.config/sendmail-cli/profiles.toml, line"
        assert said[:6] == [
            "profile  here  (the only profile)",
            f"from     Ada <ada@example.org>  ({place} 2)",
            f"server   127.0.0.1  ({place} 3)",
            f"port     {sink.port}  ({place} 3)",
            "tls      none  (default)",
            "auth     auto  (default)",
        ]
        assert said[6] == "ehlo     client.example.org  (--ehlo)"
        assert "-> EHLO client.example.org" in said
        assert "<- 250 2.0.0 kept" in said
        assert done.lines[-1].startswith("sent to ")

    def test_the_sandbox_says_where_it_keeps_the_message(self, run: Runner, machine: Machine) -> None:
        done = run("send", "-p", "sandbox", WHOM, "-m", "hi")

        path = done.err.removeprefix("kept in ").rstrip("\n")
        assert done.code == 0
        assert path.startswith(f"{machine.state}/sandbox/new/")
        with open(path, "rb") as file:
            assert file.read().endswith(b"\r\n\r\nhi\r\n")


class TestWhere:
    @pytest.fixture
    def two(self, here: Runner, sink: Sink) -> Runner:
        here.machine.configure(
            f'default = "there"\n[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n'
            '[profile.there]\nfrom = "ida@example.org"\nserver = "127.0.0.1:1"\n'
        )
        return here

    @pytest.mark.parametrize("option", ["-p", "--profile"])
    def test_profile(self, two: Runner, sink: Sink, option: str) -> None:
        assert two("send", WHOM, "-m", "hi").code == 75
        assert two("send", option, "here", WHOM, "-m", "hi").code == 0
        assert sink.commands[0].startswith(b"MAIL FROM:<ada@example.org>")

    def test_profile_by_variable(self, two: Runner, sink: Sink) -> None:
        two.machine.variables["SENDMAIL_CLI_PROFILE"] = "here"

        assert two("send", WHOM, "-m", "hi").code == 0
        assert sink.received != b""

    @pytest.mark.parametrize("option", ["-S", "--server"])
    def test_server(self, run: Runner, sink: Sink, option: str) -> None:
        done = run("send", option, f"smtp://localhost:{sink.port}", "-f", "a@example.org", WHOM, "-m", "hi")

        assert (done.code, done.err) == (0, "")
        assert sink.received != b""

    def test_tls_that_is_required_and_not_offered(self, here: Runner, sink: Sink) -> None:
        done = here("send", "--tls", "starttls", WHOM, "-m", "hi")

        assert done.code == 69
        assert "does not offer STARTTLS, so nothing was sent" in done.lines[0]
        assert sink.commands == []

    def test_opportunistic_tls_does_without(self, here: Runner, sink: Sink) -> None:
        assert here("send", "--tls", "opportunistic", WHOM, "-m", "hi").code == 0

    def test_a_mode_that_is_none(self, here: Runner) -> None:
        done = here("send", "--tls", "ssl", WHOM, "-m", "hi")

        assert done.code == 64
        assert "'ssl' is not one of 'implicit', 'starttls', 'opportunistic', 'none'" in done.lines[0]

    def test_a_ca_file_that_is_none(self, here: Runner) -> None:
        done = here("send", "--tls", "implicit", "--ca-file", "/no/such.pem", WHOM, "-m", "hi")

        assert (done.code, "/no/such.pem" in done.err) == (78, True)

    @pytest.mark.parametrize(
        ("options", "code", "words"),
        [
            (["--tls", "implicit", "--tls-cert", "/no/such.pem"], 78, "/no/such.pem"),
            (["--tls-key", "/no/such.key"], 64, "--tls-key: a key is of no use without its certificate"),
            (["--tls-pin", "abc"], 64, "--tls-pin: “abc” is no SHA-256 fingerprint"),
            (["--tls-pin", 64 * "a", "--tls", "none"], 64, "tls “none” contradicts tls_pin (--tls-pin)"),
            (["--tls-pin", 64 * "a", "--insecure"], 64, "--insecure: any certificate, or only the one of tls_pin"),
            (["--tls-min", "1.1"], 64, "'1.1' is not one of '1.2', '1.3'"),
            (["--tls-min", "1.3"], 69, "does not offer STARTTLS"),  # who speaks of TLS wants it
        ],
    )
    def test_what_is_said_of_tls(self, here: Runner, options: list[str], code: int, words: str) -> None:
        done = here("send", *options, WHOM, "-m", "hi")

        assert (done.code, words in done.err) == (code, True), done.err

    def test_insecure_never_goes_without_a_word(self, here: Runner, sink: Sink) -> None:
        done = here("send", "-q", "--insecure", "--tls", "opportunistic", WHOM, "-m", "hi")

        assert done.code == 0
        assert done.err == (
            f"sendmail-cli: warning: --insecure: the certificate of 127.0.0.1:{sink.port} is not checked; "
            "anybody on the way there can read along, a password too\n"
        )

    def test_insecure_means_nothing_without_tls(self, here: Runner) -> None:
        assert here("send", "--insecure", WHOM, "-m", "hi").err == ""

    def test_ehlo(self, here: Runner) -> None:
        with server("S: 220 mx\nC: EHLO client.example.org\nS: 550 no\n" + QUIT) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", "--ehlo", "client.example.org", WHOM, "-m", "hi")

        assert "the server refused our name client.example.org" in done.err
        assert mx.faults == []

    @pytest.mark.parametrize("value", ["0.2", "0.2s"])
    def test_timeout(self, here: Runner, value: str) -> None:
        with server("S! stall") as mx:
            done = here("send", "-S", f"localhost:{mx.port}", "--timeout", value, WHOM, "-m", "hi")

        assert done.code == 75
        assert "within 0.2 seconds" in done.lines[0]

    @pytest.mark.parametrize("value", ["", "soon", "-1", "0", "5 days", "2h"])
    def test_a_timeout_that_is_none(self, here: Runner, value: str) -> None:
        done = here("send", "--timeout", value, WHOM, "-m", "hi")

        assert done.code == 64
        assert done.lines[0].startswith("sendmail-cli: --timeout: a time")

    def test_no_profile_at_all_says_what_to_type(self, run: Runner) -> None:
        done = run("send", WHOM, "-m", "hi")

        assert done.code == 78
        assert done.lines[0].startswith("sendmail-cli: no profile is set up in ")
        assert done.lines[1:] == [
            "  Set one up: sendmail-cli setup you@example.org",
            "  Or try it without a server first: add --profile sandbox",
        ]


class TestJSON:
    def test_success(self, here: Runner, sink: Sink) -> None:
        done = here("send", "--json", WHOM, "-m", "hi")

        check_schema(done.json)
        assert done.err == ""
        message_id = re.search(rb"^Message-ID: (.*)\r$", sink.received, re.MULTILINE)
        assert message_id
        assert done.json == {
            "schema": 1,
            "message_id": message_id[1].decode(),
            "profile": "here",
            "server": f"127.0.0.1:{sink.port}",
            "exit_code": 0,
            "error": None,
            "recipients": [
                {
                    "address": WHOM,
                    "action": "relayed",
                    "code": 250,
                    "enhanced": "2.0.0",
                    "text": "2.0.0 kept",
                    "in_doubt": False,
                }
            ],
        }

    def test_the_sandbox_adds_where_the_message_is(self, run: Runner) -> None:
        found = run("send", "-p", "sandbox", "--json", WHOM, "-m", "hi").json

        assert found.pop("kept_at").startswith("/")
        check_schema(found)

    def test_partly_delivered(self, here: Runner) -> None:
        with server(PARTLY) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", "--json", WHOM, "eve@example.org", "-m", "hi")

        check_schema(done.json)
        assert done.code == done.json["exit_code"] == 80
        assert [each["action"] for each in done.json["recipients"]] == ["relayed", "failed"]
        assert done.json["recipients"][1] == {
            "address": "eve@example.org",
            "action": "failed",
            "code": 550,
            "enhanced": "5.1.1",
            "text": "5.1.1 <eve@example.org>: no such user",
            "in_doubt": False,
        }
        assert done.json["error"]["kind"] == "Refused"
        assert done.json["error"]["message"].startswith("partly delivered: ")
        assert done.lines[1].strip() == "accepted  bob@example.org: 250 2.0.0 Ok: queued as 4F2A"
        assert done.lines[2].strip() == "refused   eve@example.org: 550 5.1.1 <eve@example.org>: no such user"
        assert "There is no mailbox with this address." in done.lines[3]

    def test_in_doubt(self, here: Runner) -> None:
        with server(IN_DOUBT) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", "--json", WHOM, "-m", "hi")

        check_schema(done.json)
        assert done.code == done.json["exit_code"] == 81
        assert done.json["error"]["kind"] == "ConnectionLost"
        [outcome] = done.json["recipients"]
        assert (outcome["action"], outcome["code"], outcome["in_doubt"]) == ("delayed", None, True)
        assert "in doubt  bob@example.org: it may have been delivered; look before you send it again" in done.err

    @pytest.mark.parametrize(
        ("script", "code", "action"),
        [
            (refusing(RCPT, "DATA", "451 4.3.0 later"), 75, "delayed"),
            (refusing(MAIL, "RCPT", "450 4.2.1 busy"), 75, "delayed"),
            (refusing(MAIL, "RCPT", "550 5.1.1 nobody"), 67, "failed"),
            (refusing(MAIL, "RCPT", "550 5.7.1 policy"), 77, "failed"),
            (refusing(EHLO, "MAIL", "550 5.1.8 your domain"), 65, "failed"),
            (refusing(EHLO, "MAIL", "552 5.3.4 too big"), 65, "failed"),
            (refusing(EHLO, "MAIL", "530 5.7.0 sign in first"), 77, "failed"),
            (CONTENT + "S: 554 5.6.0 broken\n" + QUIT, 65, "failed"),
            (CONTENT + "S: 554 no\n" + QUIT, 69, "failed"),
            (CONTENT + "S: 451 4.7.1 grey\n" + QUIT, 75, "delayed"),
        ],
    )
    def test_refusals(self, here: Runner, script: str, code: int, action: str) -> None:
        with server(script) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", "--json", WHOM, "-m", "hi")

        check_schema(done.json)
        assert (done.code, done.json["exit_code"]) == (code, code)
        assert [each["action"] for each in done.json["recipients"]] == [action]
        assert done.json["error"]["message"] == "not delivered"

    def test_error_before_the_dial(self, here: Runner) -> None:
        done = here("send", "--json", "-m", "hi")

        check_schema(done.json)
        assert done.json["message_id"] is done.json["profile"] is done.json["server"] is None
        assert done.json["exit_code"] == done.code == 64
        assert done.json["error"]["kind"] == "UsageError"
        assert done.json["error"]["hint"].startswith("Name them as arguments")
        assert done.lines[0] == "sendmail-cli: no recipients"

    @pytest.mark.parametrize("words", [["--no-such"], ["--tls", "x"], ["--subject"]])
    def test_usage_that_click_complains_of(self, here: Runner, words: list[str]) -> None:
        done = here("send", "--json", *words)

        check_schema(done.json)
        assert done.json["exit_code"] == done.code == 64

    def test_configuration(self, here: Runner) -> None:
        here.machine.configure("profile = 3")

        done = here("send", "--json", WHOM, "-m", "hi")

        check_schema(done.json)
        assert (done.code, done.json["error"]["kind"]) == (78, "ConfigError")

    def test_no_connection_names_every_recipient(self, here: Runner) -> None:
        done = here("send", "--json", "-S", "localhost:1", WHOM, "eve@example.org", "-m", "hi")

        check_schema(done.json)
        assert done.json["error"]["kind"] == "ConnectFailed"
        assert [each["action"] for each in done.json["recipients"]] == ["delayed", "delayed"]

    def test_the_servers_words_stand_by_themselves(self, here: Runner) -> None:
        with server("S: 554 5.7.1 go \\x1b[2Jaway\n" + QUIT) as mx:
            done = here("send", "--json", "-S", f"localhost:{mx.port}", WHOM, "-m", "hi")

        assert done.json["error"]["server_reply"] == "554 5.7.1 go \\x1b[2Jaway"
        assert "\x1b" not in done.err

    def test_is_ascii_whatever_is_in_it(self, here: Runner) -> None:
        done = here("send", "--json", "-m", "hi", "Bö\u202eb")

        assert done.out.isascii()
        assert "\x1b" not in done.out.decode()
        assert json.loads(done.out)["error"]["message"].startswith("recipient: “Bö")


class TestWhatIsSaidOfAFailure:
    def test_several_refused_are_named_each(self, here: Runner) -> None:
        with server(MAIL + "C? RCPT\nS: 550 5.1.1 nobody\nC? RCPT\nS: 451 4.2.0 busy\n" + QUIT) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", WHOM, "eve@example.org", "-m", "hi")

        assert done.code == 75
        assert done.lines[0] == (f"sendmail-cli: not delivered: localhost:{mx.port} accepted none of the recipients")
        assert [line for line in done.lines if "@example.org:" in line] == [
            "  refused   bob@example.org: 550 5.1.1 nobody",
            "  not now   eve@example.org: 451 4.2.0 busy",
        ]

    def test_on_a_terminal_words_are_never_cut(self, here: Runner, machine: Machine) -> None:
        machine.terminals = {"stderr"}
        with server(refusing(MAIL, "RCPT", "550 5.1.1 " + "word " * 40)) as mx:
            done = here("send", "-S", f"localhost:{mx.port}", WHOM, "-m", "hi")

        assert max(map(len, done.lines)) <= 80
        assert done.err.count("word") == 40
        assert all(line.startswith(" " * 12) for line in done.lines[2:])

    def test_on_a_terminal_a_command_to_type_stays_whole(self, run: Runner, machine: Machine) -> None:
        machine.terminals = {"stderr"}

        done = run("send", WHOM, "-m", "hi")

        assert "  Set one up: sendmail-cli setup you@example.org" in done.lines
        assert "\\n" not in done.err

    def test_a_refused_sign_in_says_what_it_means(self, here: Runner) -> None:
        here.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = "secret"
        with server(REFUSED_SIGN_IN) as mx:
            here.machine.configure(
                f'[profile.work]\nfrom = "ada@example.org"\nserver = "ada@localhost:{mx.port}"\ntls = "none"\n'
            )
            done = here("send", WHOM, "-m", "hi")

        assert done.code == 77
        assert done.lines[0] == "sendmail-cli: the server did not accept the sign-in by PLAIN"
        assert done.lines[1] == "  the server said: 535 5.7.8 Error: authentication failed"
        assert len(done.lines) > 2

    def test_unanswered_quit_changes_nothing(self, here: Runner) -> None:
        with server(CONTENT + "S: 250 2.0.0 Ok\nS! close\n") as mx:
            assert here("send", "-S", f"localhost:{mx.port}", WHOM, "-m", "hi").code == 0

    def test_a_whole_dialogue_as_it_should_be(self, here: Runner) -> None:
        with server(SENT) as mx:
            assert here("send", "-S", f"localhost:{mx.port}", WHOM, "-m", "hi").code == 0

        assert mx.faults == []


def test_the_log_of_the_system_hears_of_each_recipient(
    here: Runner, machine: Machine, sink: Sink, tmp_path: Path
) -> None:
    machine.configure(f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\nsyslog = true\n')
    machine.log_socket = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(machine.log_socket)
        listening.settimeout(10)
        assert here("send", "-m", "hi", "bob@example.org").code == 0
        line = listening.recv(4096).decode()
    assert "from=<ada@example.org>, to=<bob@example.org>" in line
    assert "status=relayed (250" in line
