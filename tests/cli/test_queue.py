"""What is queued, by which option; and what a user sees of it and can do to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.queue.claims import Claims
from sendmail_cli.queue.spool import Spool
from sendmail_cli.tending import IN_BACKGROUND
from tests.support.command import Done
from tests.support.scripted_server import ScriptedServer, parse_script

if TYPE_CHECKING:
    from typing import Any

    from tests.support.command import Machine, Runner
    from tests.support.sink import Sink

NOBODY = ("-S", "127.0.0.1:1")  # no server listens there


def listed(run: Runner) -> list[dict[str, Any]]:
    """The mails in the queue."""
    return [json.loads(line) for line in run("queue", "list", "--json").out.splitlines()]


def logged(run: Runner, *arguments: str) -> list[dict[str, Any]]:
    """The lines of the log."""
    return [json.loads(line) for line in run("log", "list", "--json", *arguments).out.splitlines()]


@pytest.fixture
def queued(here: Runner) -> Runner:
    """The command line, with mail 1 in the queue."""
    assert here("send", "--queue", "-s", "one", "-m", "first", "bob@example.org").code == 0
    return here


class TestSend:
    def test_queue_takes_it_over_and_has_somebody_run_it(self, here: Runner, sink: Sink, machine: Machine) -> None:
        done = here("send", "--queue", "-m", "hello", "bob@example.org")

        assert (done.code, done.out) == (0, b"")
        assert done.lines == ["queued for bob@example.org: waits in the queue as 1"]
        assert machine.started == [IN_BACKGROUND]
        assert sink.received == b""

        assert here("queue", "run").code == 0
        assert b"hello" in sink.received
        assert b"RCPT TO:<bob@example.org>\r\n" in sink.commands
        assert listed(here) == []
        assert [(line["recipient"], line["action"], line["code"]) for line in logged(here)] == [
            ("bob@example.org", "sent", 250)
        ]

    def test_json_names_the_id(self, here: Runner) -> None:
        answer = here("send", "--queue", "--json", "-m", "hello", "bob@example.org").json

        assert (answer["exit_code"], answer["queue_id"], answer["error"]) == (0, 1, None)
        assert answer["recipients"][0]["action"] == "queued"

    def test_quiet_says_nothing(self, here: Runner) -> None:
        done = here("send", "--queue", "-q", "-m", "hello", "bob@example.org")

        assert (done.code, done.err) == (0, "")

    def test_on_failure_sends_at_once_where_that_goes_well(self, here: Runner, sink: Sink) -> None:
        assert here("send", "--queue-on-failure", "-m", "hello", "bob@example.org").err == ""
        assert b"hello" in sink.received
        assert listed(here) == []

    def test_on_failure_takes_over_what_no_server_took(self, here: Runner, machine: Machine) -> None:
        done = here("send", *NOBODY, "--queue-on-failure", "-m", "hello", "bob@example.org")

        assert done.code == 0
        assert "queued for bob@example.org: waits in the queue as 1 (" in done.err
        assert machine.started == [IN_BACKGROUND]
        assert "refused" in listed(here)[0]["why"]

    def test_a_profile_asks_for_it(self, machine: Machine, run: Runner) -> None:
        machine.configure('[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\nqueue = "on-failure"\n')

        assert run("send", "-m", "hello", "bob@example.org").code == 0
        assert listed(run)[0]["profile"] == "p"
        assert run("send", "--no-queue", "-m", "hello", "bob@example.org").code == 75
        assert len(listed(run)) == 1

    def test_what_is_refused_for_good_is_not_queued(self, here: Runner) -> None:
        script = "S: 220 hi\nC? EHLO\nS: 250 hi\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 550 5.1.1 nobody\nC~"
        with ScriptedServer(parse_script(script)) as server:
            done = here("send", "-S", f"127.0.0.1:{server.port}", "--queue-on-failure", "-m", "x", "bob@example.org")

        assert done.code == 67
        assert listed(here) == []

    def test_only_those_wait_who_did_not_get_it(self, here: Runner) -> None:
        script = (
            "S: 220 hi\nC? EHLO\nS: 250 hi\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? RCPT\nS: 450 4.2.0 later\n"
            "C? DATA\nS: 354 go\nC.\nS: 250 2.0.0 kept\nC~"
        )
        with ScriptedServer(parse_script(script)) as server:
            where = ("-S", f"127.0.0.1:{server.port}")
            done = here("send", *where, "--queue-on-failure", "-m", "x", "bob@example.org,eve@example.org")

        assert done.code == 0
        assert listed(here)[0]["recipients"] == ["eve@example.org"]
        assert [(line["recipient"], line["action"]) for line in logged(here)] == [
            ("bob@example.org", "sent"),
            ("eve@example.org", "delayed"),
        ]

    @pytest.mark.parametrize(
        "options",
        [
            ("--queue", "--no-queue"),
            ("--queue", "--queue-on-failure"),
            ("--at", "18:00", "--in", "2h"),
            ("--no-queue", "--in", "2h"),
            ("--in", "soon"),
            ("--at", "yesterday"),
            ("--at", "2001-01-01 10:00"),
            ("--idempotency-key", ""),
            ("--queue", "-p", "sandbox"),
            ("--queue", "--password-fd", "0"),
            ("--queue", "--proxy", "socks5://user:secret@127.0.0.1:1"),
        ],
        ids=" ".join,
    )
    def test_contradictions_are_refused(self, here: Runner, options: tuple[str, ...]) -> None:
        assert here("send", *options, "--no-stdin", "-m", "x", "bob@example.org").code == 64
        assert listed(here) == []

    def test_every_option_about_the_way_is_kept(self, here: Runner, sink: Sink) -> None:
        where = ("-S", f"127.0.0.1:{sink.port}", "--tls", "none", "--ehlo", "x.example.org", "--timeout", "9")
        assert here("send", "--queue", *where, "-m", "hello", "bob@example.org").code == 0
        here.machine.configure('[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\n')
        assert here("queue", "run").code == 0
        assert b"hello" in sink.received

    def test_what_the_server_is_asked_is_kept(self, here: Runner, sink: Sink) -> None:
        here("send", "--queue", "--mail-param", "BODY=8BITMIME", "-m", "x", "bob@example.org")
        asked = ("--notify", "failure,delay", "--ret", "headers", "--envid", "7", "--requiretls")
        assert here("send", "--queue", *asked, "-m", "x", "bob@example.org").code == 0

        with Spool(here.machine) as spool:
            assert sum(1 for _ in spool.entries()) == 1

    def test_a_spool_that_cannot_be_written_is_75_and_nothing_is_there(self, here: Runner, machine: Machine) -> None:
        machine.folder.joinpath("spool").write_text("in the way")

        done = here("send", "--queue", "-m", "x", "bob@example.org")

        assert done.code in {75, 78}
        assert "spool" in done.err


class TestDryRun:
    """It says what the queue would have to do with it, and nothing is stored."""

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ((), ""),
            (("--no-queue",), ""),
            (("--queue",), "it would go into the queue, and from there"),
            (("--queue-on-failure",), "where it can't be sent now, it would go into the queue"),
            (
                ("--at", "2030-06-01 12:30"),
                "by the server if it offers that, else from the queue, not before 2030-06-01 12:30",
            ),
            (("--queue", "--at", "2030-06-01 12:30"), "it would go from the queue, not before 2030-06-01 12:30"),
        ],
    )
    def test_says_it(self, here: Runner, sink: Sink, options: tuple[str, ...], said: str) -> None:
        done = here("send", "--dry-run", *options, "-m", "hello", "bob@example.org")

        assert (done.code, b"hello" in done.out) == (0, True)
        assert said in done.err
        assert ("queue" in done.err) == bool(said)
        assert (here.machine.started, sink.commands) == ([], [])
        assert not (here.machine.folder / "spool").exists()

    def test_so_does_what_the_profile_says(self, here: Runner) -> None:
        here.machine.configure('[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:1"\nqueue = "always"\n')
        assert "into the queue" in here("send", "--dry-run", "-m", "hello", "bob@example.org").err

    @pytest.mark.parametrize(
        "options",
        [
            ("--queue", "-p", "sandbox"),
            ("--in", "2h", "-p", "sandbox"),
            ("--queue", "--password-fd", "0"),
            ("--queue-on-failure", "--password-fd", "0"),
            ("--in", "soon"),
            ("--at", "2001-01-01 10:00"),
        ],
        ids=" ".join,
    )
    def test_refuses_what_would_be_refused(self, here: Runner, options: tuple[str, ...]) -> None:
        done = here("send", "--dry-run", *options, "--no-stdin", "-m", "x", "bob@example.org")

        assert (done.code, done.out) == (64, b"")

    def test_one_key_is_for_one_message(self, here: Runner) -> None:
        given = b"".join(
            b"From x@y Thu Jan  1 00:00:00 2026\nTo: b%d@example.org\n\nhi\n\n" % number for number in (1, 2)
        )
        for look in ((), ("--dry-run",)):
            assert here("send", *look, "--idempotency-key", "k", "--raw", "-", stdin=given).code == 64


class TestInDoubt:
    """The connection is lost after the final dot."""

    SCRIPT = "S: 220 hi\nC? EHLO\nS: 250 hi\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\nS! close\n"
    BULK = ("--header", "Precedence: bulk")
    MAILBOX = b"".join(
        b"From x@y Thu Jan  1 00:00:00 2026\nTo: b%d@example.org\n\nhi\n\n" % number for number in (1, 2)
    )

    def lose(self, run: Runner, *words: str, profile: str = "", stdin: bytes = b"") -> list[dict[str, Any]]:
        with ScriptedServer(parse_script(self.SCRIPT)) as server:
            where = f'from = "ada@example.org"\nserver = "127.0.0.1:{server.port}"\n'
            run.machine.configure(f"[profile.p]\n{where}{profile}")
            assert run("send", *words, stdin=stdin).code == 0
            if "--queue" in words:
                run("queue", "run")
        return listed(run)

    @pytest.mark.parametrize("when", ["--queue", "--queue-on-failure"])
    @pytest.mark.parametrize(
        ("words", "profile", "state"),
        [
            ((), "", "waiting"),
            ((), 'in_doubt = "hold"\n', "held"),
            (BULK, "", "held"),
            (("--list-unsubscribe", "https://example.org/u"), "", "held"),
            (BULK, 'in_doubt = "resend"\n', "waiting"),
        ],
        ids=["single", "single to be held", "bulk", "of a list", "bulk to be sent again"],
    )
    def test_what_is_one_of_many_is_held(
        self, run: Runner, when: str, words: tuple[str, ...], profile: str, state: str
    ) -> None:
        (mail,) = self.lose(run, when, *words, "-m", "x", "bob@example.org", profile=profile)

        assert (mail["state"], mail["attempts"]) == (state, 1)
        assert mail["why"].startswith("in doubt: ")
        assert [line["action"] for line in logged(run)] == ["in doubt"]
        assert ("is held" in run("send", *NOBODY, "-m", "y", "eve@example.org").err) == (state == "held")

    @pytest.mark.parametrize("when", ["--queue", "--queue-on-failure"])
    def test_a_mailbox_is_many(self, run: Runner, when: str) -> None:
        first, _ = self.lose(run, when, "--raw", "-", stdin=self.MAILBOX)

        assert first["state"] == "held"
        assert run("queue", "release", "--all").code == 0
        assert "is held" not in run("send", *NOBODY, "-m", "y", "eve@example.org").err

    def test_it_says_what_it_did(self, run: Runner) -> None:
        with ScriptedServer(parse_script(self.SCRIPT)) as server:
            run.machine.configure(f'[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{server.port}"\n')
            done = run("send", "--queue-on-failure", *self.BULK, "-m", "x", "bob@example.org")

        assert done.code == 0
        assert "queued for bob@example.org: is held in the queue as 1 (" in done.err


def test_a_person_hears_that_nothing_waits(here: Runner, machine: Machine) -> None:
    machine.terminals = {"stderr"}
    done = here("queue", "list")
    assert (done.out, done.err) == (b"", "nothing waits\n")


class TestLater:
    def test_waits_until_its_time(self, here: Runner, sink: Sink, machine: Machine) -> None:
        done = here("send", "--in", "2h", "-m", "hello", "bob@example.org")
        assert (done.code, "sendmail-cli queue install" in done.err) == (0, True)
        assert here("queue", "run").code == 0
        assert sink.received == b""
        assert machine.started == []
        assert listed(here)[0]["state"] == "scheduled"

        assert here("queue", "retry", "1").code == 0
        assert here("queue", "run").code == 0
        assert b"hello" in sink.received

    def test_within_the_hour_a_runner_waits_for_it(self, here: Runner, machine: Machine) -> None:
        done = here("send", "--in", "59m", "-m", "hello", "bob@example.org")
        assert (done.code, done.lines) == (0, ["queued for bob@example.org: waits in the queue as 1"])
        assert machine.started == [IN_BACKGROUND]

    def test_where_a_timer_runs_the_queue_nobody_is_reminded(self, here: Runner, machine: Machine) -> None:
        units = Path(machine.home) / ".config/systemd/user"
        units.mkdir(parents=True)
        (units / "sendmail-cli-queue.timer").touch()
        assert "queue install" not in here("send", "--in", "2h", "-m", "hello", "bob@example.org").err

    def test_a_server_that_offers_it_keeps_the_message(self, here: Runner) -> None:
        script = (
            "S: 220 hi\nC? EHLO\nS: 250-hi\nS: 250 FUTURERELEASE 86400 2036-01-01T00:00:00Z\nC? MAIL\nS: 250 ok\n"
            "C? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\nS: 250 2.0.0 kept\nC~"
        )
        with ScriptedServer(parse_script(script)) as server:
            done = here("send", "-S", f"127.0.0.1:{server.port}", "--in", "2h", "-m", "x", "bob@example.org")
            said = bytes(server.received)

        assert (done.code, listed(here)) == (0, [])
        assert b" HOLDFOR=7200\r\n" in said

    def test_not_for_longer_than_it_offers(self, here: Runner) -> None:
        script = "S: 220 hi\nC? EHLO\nS: 250-hi\nS: 250 FUTURERELEASE 3600 2036-01-01T00:00:00Z\nC~"
        with ScriptedServer(parse_script(script)) as server:
            done = here("send", "-S", f"127.0.0.1:{server.port}", "--in", "2h", "-m", "x", "bob@example.org")

        assert (done.code, len(listed(here))) == (0, 1)


class TestIdempotency:
    @pytest.mark.parametrize("how", [("--queue",), ("--in", "30m")])
    def test_what_was_sent_at_once_is_not_queued_under_the_same_key(
        self, here: Runner, sink: Sink, how: tuple[str, ...]
    ) -> None:
        assert here("send", "--idempotency-key", "job 7", "-m", "hello", "bob@example.org").code == 0
        done = here("send", *how, "--idempotency-key", "job 7", "-m", "hello", "bob@example.org")
        assert (done.code, "nothing was sent: this key was used on " in done.err) == (0, True)
        assert listed(here) == []
        assert sink.received.count(b"hello") == 1

    @pytest.mark.parametrize("how", [(), ("--queue",), ("--queue-on-failure",)], ids=["now", "queued", "either"])
    def test_a_repeated_command_sends_nothing_and_says_so(self, here: Runner, sink: Sink, how: tuple[str, ...]) -> None:
        for _ in range(3):
            done = here("send", *how, "--idempotency-key", "job 7", "-m", "hello", "bob@example.org")
            assert done.code == 0
        assert "nothing was sent: this key was used on " in done.err
        here("queue", "run")

        assert sink.received.count(b"hello") == 1
        again = here("send", *how, "--idempotency-key", "job 7", "--json", "-m", "hello", "bob@example.org").json
        assert again["is_earlier"] is True
        assert [each["action"] for each in again["recipients"]] == ["relayed"]

    def test_another_key_is_another_message(self, here: Runner, sink: Sink) -> None:
        for key in ("a", "b"):
            here("send", "--idempotency-key", key, "-m", "hello", "bob@example.org")

        assert sink.received.count(b"hello") == 2

    def test_a_key_under_which_nobody_got_anything_is_free(self, here: Runner, sink: Sink) -> None:
        key = ("--idempotency-key", "k", "-m", "hello", "bob@example.org")

        assert here("send", *NOBODY, *key).code == 75
        assert here("send", *key).code == 0
        assert sink.received.count(b"hello") == 1


class TestCommands:
    def test_list_shows_whom_and_why(self, queued: Runner) -> None:
        out = queued("queue", "list").out.decode()

        assert out.startswith("1  ")
        assert "waiting" in out
        assert "<ada@example.org> to bob@example.org" in out

    def test_an_empty_queue_lists_nothing(self, run: Runner) -> None:
        assert (run("queue", "list").out, run("queue", "list").code) == (b"", 0)

    def test_show_gives_the_message(self, queued: Runner) -> None:
        assert b"Subject: one\r\n" in queued("queue", "show", "1", "--message").out
        assert queued("queue", "show", "1", "--json").json["recipients"] == ["bob@example.org"]
        assert b"profile here" in queued("queue", "show", "1").out

    def test_hold_and_release(self, queued: Runner, sink: Sink) -> None:
        assert queued("queue", "hold", "1").code == 0
        queued("queue", "run")
        assert (listed(queued)[0]["state"], sink.received) == ("held", b"")

        assert queued("queue", "release", "--all").code == 0
        queued("queue", "run")
        assert b"first" in sink.received

    def test_where_nothing_waits_any_more_nobody_need_look(self, here: Runner, machine: Machine) -> None:
        here("send", *NOBODY, "--queue", "-m", "x", "bob@example.org")
        here("queue", "run")  # now its way rests, and nobody has been told
        waiting = machine.folder / "spool/waiting"
        for command, is_there in (("hold", False), ("release", True), ("delete", False)):
            assert here("queue", command, "--all").code == 0
            assert waiting.exists() == is_there, command

    def test_what_was_given_up_last_is_told_all_the_same(self, queued: Runner, sink: Sink, machine: Machine) -> None:
        sink.refused = b"bob@"
        queued("queue", "run")
        done = queued("send", "-m", "x", "eve@example.org")

        assert "undelivered.mbox" in done.err
        assert not (machine.folder / "spool/waiting").exists()
        assert queued("send", "-m", "x", "eve@example.org").err == ""

    def test_a_run_that_leaves_nothing_says_so_to_those_who_look(self, queued: Runner, machine: Machine) -> None:
        queued("queue", "run")
        assert not (machine.folder / "spool/waiting").exists()

    def test_nobody_else_starts_a_runner_in_the_background(self, queued: Runner) -> None:
        assert queued("queue", "run", "--in-background", "0").code == 64
        assert len(listed(queued)) == 1

    def test_delete(self, queued: Runner, sink: Sink) -> None:
        assert queued("queue", "delete", "1").code == 0
        queued("queue", "run")

        assert (listed(queued), sink.received) == ([], b"")
        assert [line["action"] for line in logged(queued)] == ["deleted"]

    @pytest.mark.parametrize("command", ["hold", "release", "retry", "delete"])
    @pytest.mark.parametrize("arguments", [(), ("99",), ("1", "--all")], ids=["none", "unknown", "both"])
    def test_what_is_not_there_is_said(self, queued: Runner, command: str, arguments: tuple[str, ...]) -> None:
        assert queued("queue", command, *arguments).code == 64
        assert len(listed(queued)) == 1

    def test_stats(self, queued: Runner) -> None:
        found = queued("queue", "stats", "--json").json

        assert found["counts"] == {"waiting": 1, "held": 0, "damaged": 0}
        assert b"1 waiting" in queued("queue", "stats").out

    def test_a_server_that_cannot_be_had_is_no_failure_of_run(self, here: Runner) -> None:
        here("send", *NOBODY, "--queue", "-m", "x", "bob@example.org")

        assert here("queue", "run") == Done(0, b"", ""), "cron would mail it"
        assert listed(here)[0]["attempts"] == 0, "it was no verdict on the mail"
        assert b"rests until" in here("queue", "stats").out
        assert "127.0.0.1:1: " in here("send", "-m", "y", "eve@example.org").err, "the next who comes is told"
        assert here("send", "-m", "y", "eve@example.org").err == "", "once"

    @pytest.mark.parametrize("command", [("queue", "run"), ("queue", "run", "--json")], ids=" ".join)
    def test_a_person_at_a_terminal_hears_of_it_at_once(self, here: Runner, command: tuple[str, ...]) -> None:
        here("send", *NOBODY, "--queue", "-m", "x", "bob@example.org")
        here.machine.terminals = {"stderr"}

        assert "127.0.0.1:1: " in here(*command).err
        assert here(*command).err == ""
        assert here("send", "-m", "y", "eve@example.org").lines[1:] == [], "and not once more"

    def test_all_are_those_that_it_is_for(self, queued: Runner, sink: Sink) -> None:
        queued("send", "--in", "2h", "-m", "second", "eve@example.org")
        assert queued("queue", "hold", "1").code == 0
        assert queued("queue", "retry", "--all", "--json").json["ids"] == [2], "what is held waits for somebody to look"
        queued("queue", "run")
        assert (b"second" in sink.received, b"first" in sink.received) == (True, False)

        assert queued("queue", "retry", "1").code == 0, "but where it is named"
        queued("queue", "run")
        assert b"first" in sink.received

    def test_json_says_what_was_done(self, queued: Runner, sink: Sink) -> None:
        queued("send", "--queue", "-m", "x", "eve@example.org")
        assert queued("queue", "hold", "2", "--json").json == {"schema": 1, "exit_code": 0, "ids": [2]}
        assert queued("queue", "release", "--all", "--json").json["ids"] == [2]
        assert queued("queue", "retry", "9", "--json").json["error"]["kind"] == "UsageError"
        sink.refused = b"eve@"
        ran = queued("queue", "run", "--json")
        assert (ran.code, ran.json) == (69, {"schema": 1, "exit_code": 69, "sent": 1, "given_up": 1})
        assert queued("queue", "delete", "--all", "--json").json["ids"] == []

    def test_all_is_all_that_nobody_is_sending(self, queued: Runner) -> None:
        queued("send", "--queue", "-m", "x", "eve@example.org")
        with Spool(queued.machine) as spool, Claims(spool) as claims:
            (lane,) = claims.look()
            one, other = claims.claim(lane, (), None)
            claims.release([other])

            assert queued("queue", "delete", "--all", "--json").json["ids"] == [other.id]
            assert [mail["id"] for mail in listed(queued)] == [one.id]


class TestLog:
    def test_to_and_since(self, here: Runner) -> None:
        for name in ("bob@example.org", "eve@example.com"):
            here("send", "--queue", "-m", "x", name)
        here("queue", "run")

        assert [line["recipient"] for line in logged(here, "--to", "EXAMPLE.com")] == ["eve@example.com"]
        assert len(logged(here, "--since", "1h")) == 2
        assert logged(here, "--since", "2099-01-01") == []
        assert here("log", "list", "--since", "soon").code == 64
        assert b"eve@example.com" in here("log", "show", "2").out
        assert here("log", "show", "99").code == 64

    def test_by_the_envelope_id_that_a_report_names(self, here: Runner, sink: Sink) -> None:
        sink.offered = (b"DSN",)
        asked = ("--envid", "QQ+1", "--ret", "headers", "--notify", "success,delay")
        here("send", "--queue", *asked, "-m", "x", "bob@example.org")
        here("send", "--queue", "-m", "x", "eve@example.org")
        shown = here("queue", "show", "1").out
        assert b"reports asked for: RET=HDRS ENVID=QQ+2B1 NOTIFY=SUCCESS,DELAY\n" in shown
        assert here("queue", "show", "1", "--json").json["reports"] == [
            "RET=HDRS",
            "ENVID=QQ+2B1",
            "NOTIFY=SUCCESS,DELAY",
        ]
        assert b"reports" not in here("queue", "show", "2").out
        here("queue", "run")
        assert here("log", "show", "QQ+1").out.count(b"bob@example.org") == 1
        assert {line["envid"] for line in logged(here)} == {"QQ+1", None}

    def test_what_was_sent_at_once_is_there_where_the_profile_says_so(
        self, machine: Machine, run: Runner, sink: Sink
    ) -> None:
        profile = f'[profile.p]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n'
        machine.configure(profile)
        run("send", "-m", "x", "bob@example.org")
        assert not machine.folder.joinpath("spool").exists(), "nobody asked for a queue or a log"
        machine.configure(profile + 'log = "90d"\n')
        run("send", "-m", "x", "bob@example.org")

        assert [(line["action"], line["queue_id"]) for line in logged(run)] == [("sent", None)]


class TestCallers:
    """What later commands say and do."""

    @pytest.fixture
    def neglected(self, queued: Runner, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Runner:
        machine.started.clear()
        now = machine.now()
        monkeypatch.setattr(machine, "now", lambda: now + 2 * 3600)
        return queued

    def test_mail_that_nobody_runs_is_said_and_run(self, neglected: Runner, machine: Machine) -> None:
        done = neglected("send", "-m", "now", "eve@example.org")

        assert done.code == 0
        assert "nobody ran the queue" in done.err
        assert machine.started == [IN_BACKGROUND]


def test_a_mailbox_is_queued_message_by_message(here: Runner, sink: Sink, machine: Machine) -> None:
    mbox = machine.folder / "two.mbox"
    first = "From x@y Thu Jan  1 00:00:00 2026\nFrom: a@example.org\n"
    mbox.write_text("".join(f"{first}To: b{number}@example.org\n\nhi\n\n" for number in (1, 2)))

    done = here("send", "--queue", "--raw", mbox)
    assert (done.code, done.lines) == (0, ["0 of 2 messages were sent; 2 wait in the queue"])
    assert [mail["recipients"] for mail in listed(here)] == [["b1@example.org"], ["b2@example.org"]]
    here("queue", "run")
    assert sink.received.count(b"hi") == 2


def test_a_copy_is_kept_of_what_is_queued(here: Runner, machine: Machine) -> None:
    assert here("send", "--queue", "--fcc", machine.folder / "sent.mbox", "-m", "x", "bob@example.org").code == 0
    assert b"bob@example.org" in (machine.folder / "sent.mbox").read_bytes()


CRONTAB = """#!/bin/sh
case "$1" in
-l) [ -e "$HOME/tab" ] && exec cat "$HOME/tab"; echo "no crontab for you" >&2; exit 1;;
-) exec cat > "$HOME/tab";;
esac
"""


class TestInstall:
    @pytest.fixture
    def tab(self, machine: Machine) -> Path:
        """The user's crontab; there is no systemd."""
        home = machine.folder / "home"
        (home / "bin").mkdir(parents=True)
        (home / "bin/crontab").write_text(CRONTAB)
        (home / "bin/crontab").chmod(0o755)
        machine.variables["PATH"] = f"{home}/bin:/usr/bin:/bin"
        return home / "tab"

    def test_puts_a_line_into_the_crontab_and_takes_it_out_again(self, run: Runner, tab: Path) -> None:
        tab.write_text("0 5 * * * tidy\n")
        done = run("queue", "install", "--cron")
        assert (done.code, done.out) == (0, b"")
        assert "every 5 minutes" in done.err
        assert " queue run --quiet" in tab.read_text()

        assert run("queue", "uninstall").code == 0
        assert tab.read_text() == "0 5 * * * tidy\n"
        assert "nothing was installed" in run("queue", "uninstall").err

    def test_not_by_both(self, run: Runner, tab: Path) -> None:
        assert run("queue", "install", "--cron", "--systemd").code == 64
        assert not tab.exists()
