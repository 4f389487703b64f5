"""Large contents are files: whole or not there, nobody else's, and gone with their mail."""

from __future__ import annotations

import os
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import DataError, InputOutputError, SpoolError
from sendmail_cli.message.source import MemorySource
from sendmail_cli.queue import contents
from sendmail_cli.queue.contents import MAX_INLINE, StoredContent, Written, stored, sweep, written
from sendmail_cli.queue.place import CONTENTS, Place, lock_file
from tests.support.spool import Octets

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = Octets(b"x" * (MAX_INLINE + 1))
SMALL = Octets(b"x" * MAX_INLINE)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(str(tmp_path / "spool"))
    yield place
    place.close()


def files(place: Place) -> list[str]:
    return sorted(os.listdir(place.path(CONTENTS)))


def read(place: Place, kept: Written, size: int) -> bytes:
    return b"".join(stored(place, kept, size, 1).chunks())


def test_a_small_one_is_no_file(place: Place) -> None:
    with written(place, SMALL, "a") as kept:
        pass
    assert files(place) == []
    assert read(place, kept, SMALL.size) == SMALL.octets


def test_a_large_one_is_a_file_for_its_owner_alone(place: Place) -> None:
    with written(place, LARGE, "a") as kept:
        pass
    assert files(place) == ["a"]
    assert Path(place.path(CONTENTS, "a")).stat().st_mode & 0o777 == 0o600
    assert read(place, kept, LARGE.size) == LARGE.octets


def test_it_is_on_disk_with_its_name_before_anybody_hears_of_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash of the machine right after finds a file that has its name, all its octets, and an entry in the folder."""
    done = []
    sync, rename = os.fsync, os.rename

    def syncing(descriptor: int) -> None:
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def renaming(old: str, new: str) -> None:
        assert Path(old).read_bytes() == LARGE.octets
        done.append("named")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    with written(place, LARGE, "a"):
        assert done == ["a.new", "named", CONTENTS]


class Broken(Octets):
    """Half of it can be read."""

    def chunks(self) -> Iterator[bytes]:
        yield b"half"
        raise InputOutputError("can't read the rest")


def test_one_that_can_not_be_read_leaves_nothing(place: Place) -> None:
    with pytest.raises(InputOutputError, match="the rest"), written(place, Broken(LARGE.octets), "a"):
        pytest.fail("it is not whole")
    assert files(place) == []


def test_a_mail_that_is_not_taken_over_leaves_nothing(place: Place) -> None:
    with pytest.raises(RuntimeError), written(place, LARGE, "a"):
        raise RuntimeError("no room in the database")
    assert files(place) == []


def test_a_name_that_somebody_writes_under_is_his(place: Place) -> None:
    taken = lock_file(place.path(CONTENTS, "a.new"))
    assert taken is not None
    with pytest.raises(SpoolError, match="is being written"), written(place, LARGE, "a"):
        pytest.fail("it is another's")
    os.close(taken)


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_is_not(place: Place) -> None:
    for name in ("killed", "killed-too.new", "known"):
        Path(place.path(CONTENTS, name)).write_bytes(b"x")
    with written(place, LARGE, "just-now"):  # its mail is not in the database yet
        sweep(place, {"known"})
        assert files(place) == ["just-now", "known"]


def test_what_is_gone_or_has_been_changed_is_said(place: Place) -> None:
    with written(place, LARGE, "a") as kept:
        pass
    with pytest.raises(InputOutputError, match=r"mail 1 has 65537 octets in place of 9"):
        stored(place, kept, 9, 1)
    contents.forget(place, ["a", "never-there"])
    with pytest.raises(InputOutputError, match="mail 1: no such file"):
        stored(place, kept, LARGE.size, 1)


HEAD = b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
EIGHT = HEAD + b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"


def test_for_a_server_of_7_bits_it_is_encoded_anew(place: Place) -> None:
    content = StoredContent(MemorySource(EIGHT, "x"), False, False, "")
    octets = b"".join(content.as_7bit().chunks())
    assert octets.isascii()
    assert message_from_bytes(octets, policy=default).get_content() == "Grüße\r\n"
    plain = content._replace(is_7bit=True)
    assert plain.as_7bit() is plain


def test_unless_it_is_sealed(place: Place) -> None:
    content = StoredContent(MemorySource(EIGHT, "x"), False, False, "it is signed")
    with pytest.raises(DataError, match="it is signed"):
        content.as_7bit()
