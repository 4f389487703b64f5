"""`send --fcc`, and `fcc` in a profile: a copy of what was sent."""

from __future__ import annotations

import mailbox
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.message import store

if TYPE_CHECKING:
    from tests.support.command import Runner
    from tests.support.sink import Sink


def in_lf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


def test_the_copy_is_what_was_sent_with_its_blind_copies(here: Runner, sink: Sink, tmp_path: Path) -> None:
    done = here("send", "-m", "hi", "bob@example.org", "-b", "Eve <eve@example.org>", "--fcc", tmp_path / "sent")

    assert (done.code, done.err) == (0, "")
    first, _, rest = (tmp_path / "sent").read_bytes().partition(b"\n")
    assert first.startswith(b"From ada@example.org ")
    assert rest == b"Bcc: Eve <eve@example.org>\n" + in_lf(sink.received) + b"\n"
    assert b"eve" not in sink.received


@pytest.mark.parametrize("mode", ["--raw", "--resend"])
def test_the_copy_of_a_ready_message(here: Runner, sink: Sink, tmp_path: Path, mode: str) -> None:
    words = ["-b", "eve@example.org"] if mode == "--resend" else []
    given = b"To: bob@example.org\nBcc: dan@example.org\nDate: x\nMessage-ID: <1@x>\n\nhi"

    here("send", mode, "-", *words, "--fcc", f"{tmp_path}/sent/", stdin=given)

    (path,) = (tmp_path / "sent" / "cur").iterdir()
    blind = b"Resent-Bcc: eve@example.org\n" if words else b"Bcc: dan@example.org\n"
    assert path.read_bytes() == blind + in_lf(sink.received)
    assert b"Bcc" not in sink.received


def test_a_profile_may_ask_for_it_and_the_option_for_none(here: Runner, tmp_path: Path) -> None:
    home = Path(here.machine.home)
    here("profile", "set", "here", "--fcc", "~/sent/")

    here("send", "-m", "hi", "bob@example.org")
    here("send", "-m", "hi", "bob@example.org", "--fcc", "none")
    here("send", "-m", "hi", "bob@example.org", "--fcc", "")
    here("send", "-m", "hi", "bob@example.org", "--fcc", tmp_path / "other")
    here("send", "-m", "hi", "bob@example.org", "--dry-run")

    assert len(list((home / "sent" / "cur").iterdir())) == 1
    with closing(mailbox.mbox(str(tmp_path / "other"))) as found:
        assert len(found) == 1
    assert b"fcc      " in here("profile", "show").out


def test_a_folder_that_is_typed_is_one_seen_from_here(here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.machine.folder)

    here("profile", "set", "here", "--fcc", "sent/")

    assert f"{here.machine.folder}/sent/ ".encode() in here("profile", "show").out


def test_a_copy_that_fails_is_a_warning(here: Runner, sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()

    done = here("send", "-m", "hi", "bob@example.org", "--fcc", tmp_path / "full", "--json")

    assert (done.code, done.json["exit_code"]) == (0, 0)
    assert done.err == (
        f"sendmail-cli: warning: the message is sent, but no copy was kept: {tmp_path}/full is a folder and no "
        "Maildir. With a “/” at its end it is made one.\n"
    )
    assert sink.received


def test_ctrl_c_while_it_is_written_leaves_the_report(
    here: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "keep", interrupted)
    done = here("send", "-m", "hi", "bob@example.org", "--fcc", tmp_path / "sent", "--json")

    assert (done.code, done.json["recipients"][0]["action"]) == (0, "relayed")
    assert done.lines == ["sendmail-cli: warning: the message is sent, but no copy was kept: interrupted"]


def test_what_nobody_took_is_not_kept(run: Runner, tmp_path: Path) -> None:
    done = run(
        "send", "-f", "a@example.org", "b@example.org", "-m", "hi", "--fcc", tmp_path / "sent", "-S", "localhost:1"
    )

    assert done.code == 75
    assert not (tmp_path / "sent").exists()
