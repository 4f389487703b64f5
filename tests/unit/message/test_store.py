"""Copies of sent messages in a Maildir and in an mbox."""

from __future__ import annotations

import fcntl
import mailbox
import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import Environment
from sendmail_cli.errors import MailError, OutputError, TemporaryError
from sendmail_cli.message.store import STALE, Copy, keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1893456000.25  # 2030-01-01 00:00:00.25 UTC
HEADER = b"From: ada@example.org\r\nSubject: x\r\n\r\n"
DEAD = 2**22 - 1  # no process has it


class Still(Environment):
    """Time stands, but while somebody sleeps."""

    def __init__(self) -> None:
        super().__init__({})
        self.moment = 0.0

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds

    def hostname(self) -> str:
        return "od/d:name"


def copy(body: bytes = b"hi\r\n", *, sender: str = "ada@example.org", blind: bytes = b"") -> Copy:
    return Copy(sender, blind, [HEADER[:7], HEADER[7:] + body])


def failing() -> Iterator[bytes]:
    yield HEADER
    yield b"half\r\n"
    raise OSError(28, "No space left on device")


def interrupted() -> Iterator[bytes]:
    yield HEADER
    raise KeyboardInterrupt


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestMaildir:
    def test_it_is_made_where_the_name_ends_in_a_slash(self, tmp_path: Path) -> None:
        folder = tmp_path / "deep" / "sent"

        keep(copy(blind=b"Bcc: eve@example.org\r\n"), f"{folder}/", Still())

        (kept,) = (folder / "cur").iterdir()
        assert kept.name.startswith("1893456000.M250000R")
        assert kept.name.endswith(r".od\057d\072name:2,S")
        assert kept.read_bytes() == b"Bcc: eve@example.org\nFrom: ada@example.org\nSubject: x\n\nhi\n"
        assert [mode(path) for path in (folder, folder / "cur", folder / "new", folder / "tmp", kept)] == [
            0o700, 0o700, 0o700, 0o700, 0o600,
        ]  # fmt: skip

    def test_the_standard_library_reads_it(self, tmp_path: Path) -> None:
        for _ in range(3):
            keep(copy(b"From me\r\n"), f"{tmp_path}/", Still())

        found = mailbox.Maildir(str(tmp_path), create=False)

        assert [message.get_payload() for message in found] == ["From me\n"] * 3
        assert {message.get_flags() for message in found} == {"S"}

    def test_a_folder_that_is_empty_or_one_already(self, tmp_path: Path) -> None:
        keep(copy(), str(tmp_path), Still())
        keep(copy(), str(tmp_path), Still())

        assert len(names(tmp_path)) == 2

    def test_a_folder_with_other_things_in_it_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").touch()

        with pytest.raises(OutputError, match="is a folder and no Maildir") as caught:
            keep(copy(), str(tmp_path), Still())

        assert caught.value.hint == "With a “/” at its end it is made one."
        assert names(tmp_path) == ["letter.txt"]

    def test_a_copy_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="No space left on device"):
            keep(Copy("", b"", failing()), f"{tmp_path}/", Still())
        with pytest.raises(KeyboardInterrupt):
            keep(Copy("", b"", interrupted()), f"{tmp_path}/", Still())

        assert names(tmp_path) == []


class TestMbox:
    def test_a_message(self, tmp_path: Path) -> None:
        path = tmp_path / "sent"

        keep(copy(b">From a\r\n>>>From b\r\n> From c\r\nFrom d\r\nfrom e"), str(path), Still())
        keep(copy(sender=""), str(path), Still())
        keep(copy(sender='"a b"@example.org'), str(path), Still())

        date = "Tue Jan  1 00:00:00 2030"
        header = "From: ada@example.org\nSubject: x\n\n"
        assert path.read_text() == (
            f"From ada@example.org {date}\n{header}>>From a\n>>>>From b\n> From c\n>From d\nfrom e\n\n"
            f"From MAILER-DAEMON {date}\n{header}hi\n\nFrom MAILER-DAEMON {date}\n{header}hi\n\n"
        )
        assert mode(path) == 0o600
        assert names(tmp_path) == ["sent"]

    @pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
    def test_what_comes_after_a_message_that_was_cut_off_stands_alone(self, tmp_path: Path, end: bytes) -> None:
        path = tmp_path / "sent"
        path.write_bytes(b"From x\nSubject: cut off" + end)

        keep(copy(), str(path), Still())

        with closing(mailbox.mbox(str(path))) as found:
            assert [message["Subject"] for message in found] == ["cut off", "x"]

    def test_a_copy_that_fails_leaves_it_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "sent"
        keep(copy(), str(path), Still())
        before = path.read_bytes()

        with pytest.raises(OutputError, match="No space left on device"):
            keep(Copy("", b"", failing()), str(path), Still())
        with pytest.raises(KeyboardInterrupt):
            keep(Copy("", b"", interrupted()), str(path), Still())

        assert path.read_bytes() == before
        assert names(tmp_path) == ["sent"]

    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            ("link", "is a symbolic link, which is not followed"),
            ("dangling", "is a symbolic link, which is not followed"),
            ("text", "is no mbox: its first line doesn't begin with “From ”"),
            ("fifo", "is no regular file, so it can't be an mbox"),
            ("missing/sent", "No such file or directory"),
            ("n\0l", "can't be the name of a file"),
            ("", "No such file or directory"),
        ],
    )
    def test_where_none_can_be(self, tmp_path: Path, kind: str, sentence: str) -> None:
        (tmp_path / "text").write_bytes(b"Dear Ada\n")
        (tmp_path / "link").symlink_to(tmp_path / "text")
        (tmp_path / "dangling").symlink_to(tmp_path / "victim")
        os.mkfifo(tmp_path / "fifo")
        before = names(tmp_path)

        with pytest.raises(MailError, match=sentence):
            keep(copy(), f"{tmp_path}/{kind}" if kind else "", Still())

        assert names(tmp_path) == before
        assert (tmp_path / "text").read_bytes() == b"Dear Ada\n"

    def test_it_waits_for_others_but_not_forever(self, tmp_path: Path) -> None:
        path = tmp_path / "sent"
        (tmp_path / "sent.lock").write_text(f"{os.getppid()}\n")
        environment = Still()

        with pytest.raises(TemporaryError, match="sent is locked by another program, for more than 10 seconds"):
            keep(copy(), str(path), environment)

        assert 10 <= environment.moment < 11
        assert path.read_bytes() == b""
        assert (tmp_path / "sent.lock").exists()

    def test_it_goes_on_when_they_are_done(self, tmp_path: Path) -> None:
        lock = tmp_path / "sent.lock"
        lock.touch()

        class Others(Still):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                lock.unlink(missing_ok=True)

        keep(copy(), str(tmp_path / "sent"), Others())

        assert names(tmp_path) == ["sent"]

    @pytest.mark.parametrize(
        ("text", "age", "is_left_over"),
        [
            (f"{DEAD}\n", 0, True),
            (f"{DEAD} host\n", 0, True),
            ("1\n", STALE + 1, False),
            ("", STALE - 1, False),
            ("", STALE + 1, True),
            ("0", STALE + 1, True),
            ("99999999999999999999", 0, False),
            ("host:12", 0, False),
        ],
    )
    def test_a_lock_whose_owner_is_no_more(self, tmp_path: Path, text: str, age: float, *, is_left_over: bool) -> None:
        lock = tmp_path / "sent.lock"
        lock.write_text(text)
        os.utime(lock, (NOW - age, NOW - age))

        try:
            keep(copy(), str(tmp_path / "sent"), Still())
        except TemporaryError:
            assert not is_left_over
        else:
            assert is_left_over
        assert lock.exists() is not is_left_over

    def test_where_no_file_can_be_made_beside_it_the_other_lock_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        really = os.open

        def refusing(path: str, *rest: int) -> int:
            if str(path).endswith(".lock"):
                raise PermissionError(13, "Permission denied")
            return really(path, *rest)

        monkeypatch.setattr(os, "open", refusing)
        keep(copy(), str(tmp_path / "sent"), Still())

        assert names(tmp_path) == ["sent"]

    def test_a_lock_by_fcntl(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def lock(_descriptor: int, how: int) -> None:
            if how != fcntl.LOCK_UN:
                raise BlockingIOError

        monkeypatch.setattr(fcntl, "lockf", lock)

        with pytest.raises(TemporaryError, match="is locked by another program"):
            keep(copy(), str(tmp_path / "sent"), Still())
