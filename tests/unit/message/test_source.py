"""What was measured is what is read, whatever happens to the file in between; or nothing is."""

from __future__ import annotations

import errno
import gc
import io
import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import InputError, InputOutputError
from sendmail_cli.message.source import MAX_IN_MEMORY, FileSource, MemorySource, open_file, read_stream

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

LONG = os.urandom(MAX_IN_MEMORY + 12345)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    return path


def test_a_file_is_read_in_pieces_again_and_from_anywhere(file: Path) -> None:
    opened = open_file(str(file))
    assert opened.size == 10
    assert list(opened.chunks(4)) == [b"0123", b"4567", b"89"]
    assert list(opened.chunks(4, 7)) == [b"789"]
    first, second = opened.chunks(4), opened.chunks(4)
    assert [next(first), next(second), next(first)] == [b"0123", b"0123", b"4567"]


def test_a_file_renamed_or_removed_is_still_the_measured_one(file: Path) -> None:
    opened = open_file(str(file))
    file.rename(file.with_name("b"))
    file.write_bytes(b"another")
    assert b"".join(opened.chunks()) == b"0123456789"


@pytest.mark.parametrize("change", [b"0123456789+", b"01234", b"0123456780"])
def test_a_changed_file_is_not_sent(file: Path, change: bytes) -> None:
    opened = open_file(str(file))
    file.write_bytes(change)
    os.utime(file, ns=(1, 1))
    with pytest.raises(InputOutputError, match=r"a\.bin” was changed") as caught:
        list(opened.chunks())
    assert caught.value.exit_code == 74


def test_a_change_while_sending_is_noticed_before_the_last_piece(file: Path) -> None:
    pieces = open_file(str(file)).chunks(5)
    assert next(pieces) == b"01234"
    with file.open("ab") as out:
        out.write(b"more")
    with pytest.raises(InputOutputError, match="changed"):
        next(pieces)


def test_a_file_cut_short_while_sending_is_noticed(file: Path) -> None:
    pieces = open_file(str(file)).chunks(5)
    next(pieces)
    os.truncate(file, 5)
    with pytest.raises(InputOutputError, match="changed"):
        next(pieces)


def test_trap23_a_missing_file_and_a_folder_are_errors_that_name_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt”: No such file or directory") as caught:
        open_file(str(tmp_path / "gone.txt"))
    assert caught.value.exit_code == 66
    with pytest.raises(InputError, match="is a folder") as caught:
        open_file(str(tmp_path))
    assert "tar" in caught.value.hint
    with pytest.raises(InputError, match="can't be the name"):
        open_file("a\0b")


def test_an_unreadable_file_is_an_error(file: Path, mocker: MockerFixture) -> None:
    mocker.patch("os.open", side_effect=PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(InputError, match="Permission denied"):
        open_file(str(file))


def test_a_file_that_comes_in_drops_is_read_all_the_same(file: Path, mocker: MockerFixture) -> None:
    opened = open_file(str(file))
    read = os.read
    mocker.patch("os.read", side_effect=lambda descriptor, count: read(descriptor, min(count, 3)))
    assert list(opened.chunks(7)) == [b"0123456", b"789"]


def test_a_file_that_fails_half_way_is_an_error(file: Path, mocker: MockerFixture) -> None:
    opened = open_file(str(file))
    mocker.patch("os.read", side_effect=OSError(errno.EIO, "Input/output error"))
    with pytest.raises(InputOutputError, match=r"a\.bin”: Input/output error"):
        list(opened.chunks())


@pytest.mark.parametrize("content", [b"", b"short", LONG])
def test_a_pipe_is_read_to_its_end(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    opened = open_file(str(path))
    writer.join()
    assert opened.size == len(content)
    assert b"".join(opened.chunks(1000)) == content


def test_a_file_that_claims_to_be_empty_is_read() -> None:
    opened = open_file("/proc/self/status")
    assert opened.size > 100
    assert b"".join(opened.chunks()).startswith(b"Name:")


def test_a_short_stream_stays_in_memory_and_a_long_one_goes_to_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    short = read_stream(io.BytesIO(LONG[:MAX_IN_MEMORY]))
    assert isinstance(short, MemorySource)
    assert list(short.chunks(MAX_IN_MEMORY - 1, 1)) == [LONG[1:MAX_IN_MEMORY]]
    long = read_stream(io.BytesIO(LONG))
    assert isinstance(long, FileSource)
    assert (long.size, b"".join(long.chunks())) == (len(LONG), LONG)
    assert b"".join(long.chunks()) == LONG
    assert list(tmp_path.iterdir()) == []


def test_a_stream_without_a_place_on_disk_is_an_error_and_leaves_nothing(mocker: MockerFixture) -> None:
    gc.collect()  # what other tests left behind
    before = len(os.listdir("/proc/self/fd"))
    mocker.patch("os.write", side_effect=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(InputOutputError, match="standard input in a temporary file: No space left") as caught:
        read_stream(io.BytesIO(LONG))
    assert (caught.value.exit_code, "TMPDIR" in caught.value.hint) == (74, True)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_stream_that_fails_is_an_error(mocker: MockerFixture) -> None:
    stream = mocker.Mock(**{"isatty.return_value": False})
    stream.read.side_effect = OSError(errno.EIO, "Input/output error")
    with pytest.raises(InputOutputError, match="can't read standard input: Input/output error"):
        read_stream(stream)
    stream.read.side_effect = IsADirectoryError(errno.EISDIR, "Is a directory")
    with pytest.raises(InputError, match="is a folder"):
        read_stream(stream)
    stream.read.side_effect = [LONG, KeyboardInterrupt]
    with pytest.raises(KeyboardInterrupt):
        read_stream(stream)


def test_a_stream_that_has_nothing_just_now_has_not_ended() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        with pytest.raises(InputOutputError, match="non-blocking"), os.fdopen(os.dup(ours.fileno()), "rb") as stream:
            read_stream(stream)


def test_descriptors_are_closed_with_their_source(file: Path) -> None:
    gc.collect()  # what other tests left behind
    before = len(os.listdir("/proc/self/fd"))
    opened = open_file(str(file))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del opened
    assert len(os.listdir("/proc/self/fd")) == before
