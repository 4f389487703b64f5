"""Copies under duress: a disk that is full, a process that is killed, and two at once."""

from __future__ import annotations

import mailbox
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from tests.support.command import finish, wait_for_line
from tests.support.sink import Sink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed

# Half of the second message is on the disk when somebody waits for it no longer.
HALF = """
from sendmail_cli.message import store
lines = store.Copy.lines
def slowly(copy):
    import os, sys, time
    for piece in lines(copy):
        yield piece[:-10]
        yield b"x" * store.BUFFER
        print("half is written", file=sys.stderr, flush=True)
        time.sleep(60)
store.Copy.lines = slowly
"""
# The file can't grow beyond this.
FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""


def words(sink: Sink, path: Path | str, text: str = "hi") -> tuple[str, ...]:
    server = ("-S", f"127.0.0.1:{sink.port}")
    return ("send", "-f", "ada@example.org", "bob@example.org", "-m", text, "--fcc", str(path), *server)


def bodies(path: Path) -> list[str]:
    with closing(mailbox.mbox(str(path))) as found:
        return [str(message.get_payload()).strip() for message in found]


def test_a_disk_that_is_full(command: Installed, tmp_path: Path) -> None:
    path = tmp_path / "sent"
    with Sink() as sink:
        assert command(*words(sink, path)).code == 0
        before = path.read_bytes()
        variables = command.inject(FULL.format(size=len(before) + 100))
        done = command(*words(sink, path, "a" * 5000), variables=variables)
        box = command(*words(sink, f"{tmp_path}/box/", "a" * 5000), variables=command.inject(FULL.format(size=100)))

    assert done.code == box.code == 0
    assert done.lines == [
        f"sendmail-cli: warning: the message is sent, but no copy was kept: can't write to {path}: File too large"
    ]
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.rglob("*") if each.is_file() and "home" not in each.parts) == ["sent"]


def test_a_process_that_is_killed_harms_no_other_message(command: Installed, tmp_path: Path) -> None:
    path = tmp_path / "sent"
    with Sink() as sink:
        command(*words(sink, path, "first"))
        with command.started(*words(sink, path, "second"), variables=command.inject(HALF)) as process:
            wait_for_line(process, b"half is written")
            process.kill()
            process.wait()
        assert (tmp_path / "sent.lock").exists()
        done = command(*words(sink, path, "third"))

    assert (done.code, done.err) == (0, "")
    first, _, third = bodies(path)
    assert (first, third) == ("first", "third")
    assert not (tmp_path / "sent.lock").exists()


def test_many_at_once(command: Installed, tmp_path: Path) -> None:
    path = tmp_path / "sent"
    long = {str(number): f"{number}\nFrom {number}\n" * 3000 for number in range(4)}
    with Sink() as sink:
        for name, text in long.items():
            (tmp_path / name).write_text(text)
        with ExitStack() as running:
            asked = [word for word in words(sink, path) if word not in {"-m", "hi"}]
            processes = [
                running.enter_context(command.started(*asked, "--body-file", str(tmp_path / name))) for name in long
            ]
            done = [finish(process) for process in processes]

    assert [(each.code, each.err) for each in done] == [(0, "")] * 4
    with closing(mailbox.mbox(str(path))) as found:
        kept = [bytes(message.get_payload(decode=True)) for message in found]
    # The standard library leaves mboxrd's quotes, and we quote no line that quoted-printable has taken care of.
    assert sorted(kept) == sorted(text.encode() for text in long.values())
