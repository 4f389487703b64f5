"""Messages taken out of an mbox and of a Maildir."""

from __future__ import annotations

import tracemalloc
from time import process_time
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import InputError, InputOutputError
from sendmail_cli.message import mailboxes
from sendmail_cli.message.mailboxes import is_mbox, messages_in_maildir, messages_in_mbox
from sendmail_cli.message.source import FileSource, MemorySource, open_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FROM = b"From ada@example.org Mon Jan  1 00:00:00 2024\n"


class Torn(MemorySource):
    """A source whose pieces are as short as one likes."""

    def __init__(self, octets: bytes, length: int) -> None:
        super().__init__(octets, "box")
        self.length = length

    def chunks(self, length: int = 0, start: int = 0) -> Iterator[bytes]:
        return super().chunks(self.length or length, start)


def messages(octets: bytes, length: int = 65536) -> list[bytes]:
    return [b"".join(source.chunks()) for source in messages_in_mbox(Torn(octets, length))]


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (FROM, True),
        (b"From \n", True),
        (b"From: a@x.example\n", False),
        (b"From : a@x.example\n", False),
        (b"Subject: x\n", False),
        (b"", False),
    ],
)
def test_what_an_mbox_is(octets: bytes, *, expected: bool) -> None:
    assert is_mbox(MemorySource(octets, "box")) is expected


@pytest.mark.parametrize("length", [1, 2, 3, 1000, 65536])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_message_without_the_empty_line_after_it(length: int, end: bytes) -> None:
    first = FROM + b"A: b\n\nFrom now on\n\nFrom 10:30 to 2024 we wait\n\n\n"
    second = b"From MAILER-DAEMON Mon, 1 Jan 2024 10:30 +0000\nA: b\n\n" + b"long " * 500
    third = FROM + b"A: no body\n"
    whole = b"\n".join([first, second + b"\n", third]) + b"\n"

    found = messages(whole.replace(b"\n", end), length)

    assert found == [part.replace(b"\n", end) for part in (first, second + b"\n", third)]


@pytest.mark.parametrize("length", [1, 5, 1000, 65536])
def test_quotes_are_taken_off(length: int) -> None:
    long = b"x" * 70_000 + b">From"
    quoted = FROM + b"A: b\n\n>From a\n>>>From b\n> From c\nx >From d\n" + long + b"\n>From e\n>From"

    (found,) = messages(quoted, length)

    assert found == FROM + b"A: b\n\nFrom a\n>>From b\n> From c\nx >From d\n" + long + b"\nFrom e\n>From"


@pytest.mark.parametrize(
    "text", [b">" * 3_000_000, b"\n\n" * 300_000, b"\n\nFrom 1:11 2024 " * 100_000, b"\n\nFrom 1:11 2024\n" * 100_000]
)
def test_nasty_ones_take_linear_time(text: bytes) -> None:
    began = process_time()
    messages(FROM + text)
    assert process_time() - began < 20  # seconds; quadratic would take hours


def test_a_long_mbox_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "box"
    with open(path, "wb") as file:
        for _ in range(6):
            file.write(FROM + b"A: b\n\n")
            file.writelines(b"y" * 70 + b"\n" for _ in range(150_000))
            file.write(b"\n")

    tracemalloc.start()
    sizes = [source.size for source in messages_in_mbox(open_file(str(path)))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sizes == [len(FROM) + 6 + 71 * 150_000] * 6
    assert peak < 8 * 1024 * 1024


def test_an_mbox_that_is_written_to_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes((FROM + b"A: b\n\n" + b"z" * 70_000 + b"\n\n") * 3)
    found = messages_in_mbox(open_file(str(path)))
    assert isinstance(next(found), MemorySource)
    path.write_bytes(b"")

    with pytest.raises(InputOutputError) as caught:
        list(found)

    assert caught.value.hint.startswith("Messages before number 2 may have been sent")


def test_names_of_messages() -> None:
    found = messages_in_mbox(MemorySource(FROM + b"A: b\n\n" + FROM + b"A: c\n", "“box”"))

    assert [source.label for source in found] == ["message 1 of “box”", "message 2 of “box”"]


def test_a_maildir_in_the_order_of_arrival(tmp_path: Path) -> None:
    names = ["cur/900.x:2,S", "new/1000.b", "cur/1000.a:2,", "new/30.x", "cur/name", "new/.hidden"]
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    for name in [*names, "tmp/1.x"]:
        (tmp_path / name).write_text(name)

    found = [b"".join(source.chunks()).decode() for source in messages_in_maildir(str(tmp_path))]

    assert found == ["cur/name", "new/30.x", "cur/900.x:2,S", "cur/1000.a:2,", "new/1000.b"]


def test_a_message_that_is_gone_stops_none_of_the_others(tmp_path: Path) -> None:
    for folder in ("cur", "new"):
        (tmp_path / folder).mkdir()
    for name in "123":
        (tmp_path / "new" / name).write_text(name)
    found = messages_in_maildir(str(tmp_path))
    (tmp_path / "new" / "2").unlink()

    assert isinstance(next(found), FileSource)
    with pytest.raises(InputError, match="can't read"):
        next(found)
    assert isinstance(next(found), FileSource)


def test_a_folder_that_is_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as a Maildir: cur: No such file or directory"):
        messages_in_maildir(str(tmp_path))


def test_what_is_looked_at_again_covers_all_that_stands_between_two_messages() -> None:
    assert len(b"\n\r\nFrom \n:") + mailboxes.MAX_FROM_LINE + mailboxes.MAX_NAME < mailboxes.HELD
