"""`send --raw` with an mbox or a Maildir: each message is a send of its own, and all are told of."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli import service
from sendmail_cli.message import store
from sendmail_cli.request import submission_for
from tests.support.scripted_server import ScriptedServer, parse_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Done, Runner
    from tests.support.sink import Sink

FROM = "From ada@example.org Mon Jan  1 00:00:00 2024\n"
DATED = "Date: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@example.org>\n"


def mbox(*recipients: str) -> bytes:
    """A message to each."""
    return "".join(f"{FROM}{DATED}To: {who}\n\nto {who}\n>From me\n\n" for who in recipients).encode()


def envelopes(sink: Sink) -> list[str]:
    return [line.decode().strip().removeprefix("RCPT TO:") for line in sink.commands if line.startswith(b"RCPT")]


def objects(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_each_message_of_an_mbox_goes_over_one_connection(here: Runner, sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(mbox("a@x.example", "b@x.example", "c@x.example"))

    done = here("send", "-v", "--raw", tmp_path / "box")

    assert (done.code, done.out, done.err.count("-> EHLO")) == (0, b"", 1)
    assert envelopes(sink) == ["<a@x.example>", "<b@x.example>", "<c@x.example>"]
    assert sink.received.endswith(b"To: c@x.example\r\n\r\nto c@x.example\r\nFrom me\r\n")


def test_from_standard_input_to_those_who_are_named(here: Runner, sink: Sink) -> None:
    done = here("send", "--raw", "-", "eve@example.org", stdin=mbox("a@x.example", "b@x.example"))

    assert (done.code, done.err) == (0, "")
    assert envelopes(sink) == ["<eve@example.org>", "<eve@example.org>"]


def test_an_mbox_of_one_message_is_as_a_message(here: Runner, sink: Sink) -> None:
    done = here("send", "--raw", "-", "--json", stdin=mbox("a@x.example"))

    assert "number" not in done.json
    assert sink.received == (
        DATED.replace("\n", "\r\n").encode() + b"To: a@x.example\r\n\r\nto a@x.example\r\nFrom me\r\n"
    )


def test_a_maildir(here: Runner, sink: Sink, tmp_path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    for name, who in (("new/2.x", "b"), ("cur/1.x:2,S", "a"), ("tmp/0.x", "no"), ("new/3.x", "c")):
        (tmp_path / name).write_text(f"{DATED}To: {who}@x.example\n\n>From me\n")

    done = here("send", "--raw", tmp_path, "--json")

    assert done.code == 0
    assert [(each["number"], each["recipients"][0]["address"]) for each in objects(done)] == [
        (1, "a@x.example"), (2, "b@x.example"), (3, "c@x.example"),
    ]  # fmt: skip
    assert objects(done)[0]["source"] == f"“{tmp_path}/cur/1.x:2,S”"
    assert sink.received.endswith(b"\r\n>From me\r\n")


def test_a_maildir_that_is_empty(here: Runner, tmp_path: Path) -> None:
    for part in ("cur", "new"):
        (tmp_path / part).mkdir()

    done = here("send", "--raw", tmp_path, "--json")

    assert (done.code, done.json["recipients"]) == (0, [])


def test_a_folder_that_is_none(here: Runner, tmp_path: Path) -> None:
    done = here("send", "--raw", tmp_path)

    assert (done.code, "as a Maildir" in done.err) == (66, True)


def test_a_message_that_is_none_keeps_no_other_from_being_sent(here: Runner, sink: Sink) -> None:
    given = mbox("a@x.example", "broken@") + f"{FROM}Subject: for nobody\n\n\n".encode() + mbox("b@x.example")

    done = here("send", "--raw", "-", "--json", stdin=given)

    assert done.code == 80
    assert [each["exit_code"] for each in objects(done)] == [0, 65, 64, 0]
    assert envelopes(sink) == ["<a@x.example>", "<b@x.example>"]
    assert done.lines[0] == "sendmail-cli: message 2 of standard input:"
    assert done.lines[-1] == "sendmail-cli: 2 of 4 messages were sent; not so, or not to everybody: 2, 3"


def test_where_nobody_gets_any_the_code_is_theirs(here: Runner, sink: Sink) -> None:
    assert here("send", "--raw", "-", stdin=mbox("a@", "b@")).code == 65
    assert here("send", "--raw", "-", stdin=mbox("a@") + f"{FROM}X: y\n\n".encode()).code == 69
    assert envelopes(sink) == []


@pytest.fixture
def first_only() -> Iterator[int]:
    """The port of a server that takes one message and is gone for good."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection, connection.makefile("rb") as lines:
            for reply in (b"220 mx", b"250 mx", b"250 ok", b"250 ok", b"354 go"):
                connection.sendall(reply + b"\r\n")
                lines.readline()
            while lines.readline() != b".\r\n":
                pass
            connection.sendall(b"250 ok\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()


def test_when_the_server_is_gone_the_rest_is_not_tried(run: Runner, first_only: int) -> None:
    given = mbox("a@x.example", "b@x.example", "c@x.example", "d@x.example")

    done = run("send", "-S", f"localhost:{first_only}", "--envelope-from", "a@x.example", "--raw", "-", stdin=given)

    assert done.code == 80
    assert "message 2 of standard input:" in done.err
    assert done.lines[-1] == (
        "sendmail-cli: 1 of 2 messages were sent; not so, or not to everybody: 2; none after these was tried"
    )


def test_without_a_server_nothing_is_tried_twice(run: Runner) -> None:
    given = mbox("a@x.example", "b@x.example")

    done = run("send", "-S", "localhost:1", "--envelope-from", "a@x.example", "--raw", "-", "--json", stdin=given)

    assert (done.code, len(objects(done))) == (75, 1)


@pytest.fixture
def visits() -> Iterator[tuple[int, list[object]]]:
    """The port of a server that turns everybody away, and who came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                connection, who = listener.accept()
                with connection:
                    if came and came[-1] is None:
                        return
                    came.append(who)
                    connection.sendall(b"421 not now\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], came
        came.append(None)
        socket.create_connection(listener.getsockname()).close()
        thread.join()


def test_without_a_server_the_queue_takes_all_and_nobody_is_asked_again(
    here: Runner, sink: Sink, visits: tuple[int, list[object]]
) -> None:
    port, came = visits
    given = mbox("a@x.example", "b@x.example", "broken@", "c@x.example", "d@x.example")
    where = ("-S", f"127.0.0.1:{port}", "--envelope-from", "a@x.example", "--fcc", here.machine.folder / "copies")

    done = here("send", *where, "--queue-on-failure", "--raw", "-", "--json", stdin=given)

    assert [each["exit_code"] for each in objects(done)] == [0, 0, 65, 0, 0]
    assert [each.get("queue_id") for each in objects(done)] == [1, 2, None, 3, 4]
    assert done.code == 80
    assert len(came) == 1
    assert (here.machine.folder / "copies").read_bytes().count(b">From me") == 4
    listed = [json.loads(line) for line in here("queue", "list", "--json").out.splitlines()]
    assert [mail["attempts"] for mail in listed] == [0] * 4
    assert all("421" in mail["why"] or "turned us away" in mail["why"] for mail in listed)


def test_a_server_that_is_lost_halfway_leaves_the_rest_to_the_queue(run: Runner, first_only: int) -> None:
    given = mbox("a@x.example", "b@x.example", "c@x.example", "d@x.example")
    where = ("-S", f"localhost:{first_only}", "--envelope-from", "a@x.example", "--queue-on-failure")

    done = run("send", *where, "--raw", "-", "--json", stdin=given)

    assert (done.code, [each.get("queue_id") for each in objects(done)]) == (0, [None, 1, 2, 3])
    assert done.lines == ["1 of 4 messages were sent; 3 wait in the queue"]


def test_a_message_that_some_refused_and_others_wait_for_is_counted_once(run: Runner) -> None:
    given = mbox("a@x.example, b@x.example", "c@x.example")
    script = (
        "S: 220 hi\nC? EHLO\nS: 250 hi\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 550 5.1.1 nobody\nC? RCPT\nS: 450 later\n"
        "C? RSET\nS: 250 ok\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\n"
        "S: 250 ok\nC~"
    )
    with ScriptedServer(parse_script(script)) as server:
        where = ("-S", f"127.0.0.1:{server.port}", "--envelope-from", "a@x.example", "--queue-on-failure")
        done = run("send", *where, "--raw", "-", stdin=given)

    assert done.lines[-1].endswith("1 of 2 messages were sent; 1 waits in the queue; not so, or not to everybody: 1")


def test_where_the_queue_cannot_be_had_either_nothing_more_is_tried(run: Runner) -> None:
    run.machine.folder.joinpath("spool").write_text("in the way")
    where = ("-S", "localhost:1", "--envelope-from", "a@x.example", "--queue-on-failure")

    done = run("send", *where, "--raw", "-", "--json", stdin=mbox("a@x.example", "b@x.example"))

    assert (done.code, len(objects(done))) == (75, 1)


def test_ctrl_c_between_two_messages(here: Runner, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    really = submission_for

    def interrupted(*words: Any) -> Any:
        if b"to d@" in b"".join(words[0].raw.chunks()):
            raise KeyboardInterrupt
        return really(*words)

    monkeypatch.setattr(service, "submission_for", interrupted)
    done = here("send", "--raw", "-", stdin=mbox(*(f"{letter}@x.example" for letter in "abcd")))

    # The message was made ahead, while the server thought about the one two before it.
    assert done.code == 81
    assert "message 2 of standard input:" in done.err
    assert done.lines[-1] == (
        "sendmail-cli: 1 of 2 messages were sent; not so, or not to everybody: 2; interrupted, so none after these was "
        "sent"
    )
    assert "<d@x.example>" not in envelopes(sink)


def test_ctrl_c_before_the_first(here: Runner, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "submission_for", interrupted)
    done = here("send", "--raw", "-", stdin=mbox("a@x.example", "b@x.example"))

    assert (done.code, done.lines) == (130, ["sendmail-cli: interrupted; nothing was sent"])
    assert envelopes(sink) == []


def test_ctrl_c_while_a_copy_is_kept(here: Runner, sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "keep", interrupted)
    given = mbox("a@x.example", "b@x.example")
    done = here("send", "--raw", "-", "--fcc", tmp_path / "sent", "--json", stdin=given)

    assert (done.code, objects(done)[0]["exit_code"], len(objects(done))) == (80, 0, 1)


def test_each_has_its_copy(here: Runner, tmp_path: Path) -> None:
    given = mbox("a@x.example", "b@x.example")
    (tmp_path / "box").write_bytes(given)

    here("send", "--raw", tmp_path / "box", "--fcc", tmp_path / "sent")
    here("send", "--raw", tmp_path / "sent", "--fcc", tmp_path / "again")

    kept = [(tmp_path / name).read_bytes().splitlines() for name in ("box", "sent", "again")]
    bare = [[line for line in lines if not line.startswith(b"From ")] for lines in kept]
    assert bare[0] == bare[1] == bare[2]


def test_dry_run(here: Runner, sink: Sink) -> None:
    done = here("send", "-n", "--raw", "-", stdin=mbox("a@x.example", "b@", "c@x.example"))

    assert done.code == 65
    assert done.out.count(b"\r\nFrom me\r\n") == 2
    assert [line for line in done.lines if line.startswith(("message", "RCPT"))] == [
        "message 1", "RCPT TO:<a@x.example>", "message 2", "message 3", "RCPT TO:<c@x.example>",
    ]  # fmt: skip
    assert sink.commands == []


def test_on_a_terminal_one_line_sums_up(here: Runner) -> None:
    here.machine.terminals = {"stderr"}

    done = here("send", "--raw", "-", stdin=mbox("a@x.example", "b@x.example"))

    assert done.lines == ["2 of 2 messages were sent"]


def test_many_failures_are_not_all_numbered(here: Runner) -> None:
    done = here("send", "--raw", "-", stdin=mbox(*["a@"] * 30))

    assert done.lines[-1].endswith(
        "everybody: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, …"
    )


def test_without_fixup_an_mbox_is_refused(here: Runner) -> None:
    done = here("send", "--no-fixup", "--raw", "-", stdin=mbox("a@x.example", "b@x.example").replace(b"\n", b"\r\n"))

    assert (done.code, "line 1 of the message is the first line of an mbox" in done.err) == (65, True)


def test_the_sandbox_keeps_each(run: Runner) -> None:
    done = run("send", "-p", "sandbox", "--raw", "-", "--json", stdin=mbox("a@x.example", "b@", "c@x.example"))

    first, broken, third = objects(done)
    assert "kept_at" not in broken
    for each, who in ((first, b"a@x.example"), (third, b"c@x.example")):
        with open(each["kept_at"], "rb") as file:
            assert b"To: " + who in file.read()


def test_a_mailbox_that_is_sent_is_not_written_to(here: Runner, sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(mbox("a@x.example", "b@x.example"))

    done = here("send", "--raw", tmp_path / "box", "--fcc", f"{tmp_path}/./box")

    assert (done.code, done.lines) == (
        64,
        [f"sendmail-cli: --fcc would write to {tmp_path}/box, which is to be sent"],
    )
    assert envelopes(sink) == []
