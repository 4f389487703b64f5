"""What is kept in an mbox comes back: to us, whatever the pieces, and to the standard library."""

from __future__ import annotations

import mailbox
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.environment import Environment
from sendmail_cli.message.mailboxes import messages_in_mbox
from sendmail_cli.message.source import MemorySource, open_file
from sendmail_cli.message.store import Copy, keep

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"Subject: x\r\n\r\n"
words = st.sampled_from(
    [b"From ", b">", b"\r\n", b"\r\n\r\n", b"X: y", b" 10:30 2024", b"From a 10:30 2024\r\nX: y", b"."]
)
bodies = st.lists(words, max_size=12).map(b"".join)


def pieces(octets: bytes, length: int) -> Iterator[bytes]:
    return (octets[at : at + length] for at in range(0, len(octets), length))


@given(st.lists(bodies, min_size=1, max_size=4), st.integers(1, 40))
def test_mbox(given_bodies: list[bytes], length: int) -> None:
    sent = [HEADER + body + b"\r\n" for body in given_bodies]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sent"
        for octets in sent:
            keep(Copy("ada@example.org", b"", pieces(octets, length)), str(path), Environment({}))
        found = [b"".join(source.chunks()).partition(b"\n")[2] for source in messages_in_mbox(open_file(str(path)))]
        with closing(mailbox.mbox(str(path))) as read:
            count = len(read)

    assert found == [octets.replace(b"\r\n", b"\n") for octets in sent]
    assert count == len(sent)


@given(st.lists(st.one_of(words, st.binary(max_size=3))).map(b"".join))
def test_nothing_is_lost_of_what_is_no_mbox(octets: bytes) -> None:
    found = b"".join(
        b"".join(source.chunks()) for source in messages_in_mbox(MemorySource(b"From x\n" + octets, "box"))
    )

    assert sorted(found.replace(b">", b"").split()) == sorted((b"From x\n" + octets).replace(b">", b"").split())
