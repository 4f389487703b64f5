"""Reports in the mbox: whole, safe on disk before the mail is gone, and one after the other."""

from __future__ import annotations

import fcntl
import os
from contextlib import closing
from mailbox import mbox
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import SpoolError
from sendmail_cli.message.source import MemorySource
from sendmail_cli.queue.bounce import Bounce, append_to_mbox

if TYPE_CHECKING:
    from pathlib import Path

MAIL = b"Subject: x\r\n\r\nFrom here on\r\n>From there on\r\nG\xc3\xbc\r\n"
NOW = 1_800_000_000.0


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "undelivered.mbox"


def report(number: int = 1) -> Bounce:
    head = b"Subject: report %d\r\n\r\n" % number
    return Bounce(head, MemorySource(MAIL, "x"), len(MAIL), b"\r\n--end--\r\n", "<1@x>", is_7bit=False)


def kept(box: Path) -> list[bytes]:
    with closing(mbox(box)) as messages:
        return [message.as_bytes() for message in messages]


def test_lines_that_look_like_another_message_are_quoted(box: Path) -> None:
    append_to_mbox(str(box), report(1), NOW)
    append_to_mbox(str(box), report(2), NOW)
    first, second = kept(box)
    assert first.startswith(b"Subject: report 1\n\nSubject: x\n\n>From here on\n>>From there on\nG\xc3\xbc\n")
    assert second.startswith(b"Subject: report 2\n")
    assert box.stat().st_mode & 0o777 == 0o600
    assert b"\r" not in box.read_bytes()


def test_it_is_on_the_disk_and_nobody_else_s_meanwhile(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, synced = os.fsync, []

    def syncing(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), box.stat()):
            assert box.read_bytes().endswith(b"--end--\n\n")
            with open(box, "rb") as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", syncing)
    append_to_mbox(str(box), report(), NOW)
    assert synced == [box.name, box.parent.name]


def test_one_that_does_not_fit_leaves_nothing_of_itself(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_to_mbox(str(box), report(1), NOW)
    before = box.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SpoolError, match="no space left"):
            append_to_mbox(str(box), report(2), NOW)
    assert box.read_bytes() == before
    append_to_mbox(str(box), report(3), NOW)
    assert len(kept(box)) == 2


def test_without_8_bits_it_brings_nothing_back() -> None:
    assert b"".join(report().as_7bit().chunks()) == b"Subject: report 1\r\n\r\n\r\n--end--\r\n"
    plain = report()._replace(is_7bit=True)
    assert plain.as_7bit() is plain
