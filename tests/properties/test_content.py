"""Line endings and dots, for any octets in any chunks."""

import re
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.smtp.content import dot_stuff

OCTETS = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n"])).map(b"".join))
CHUNKS = st.lists(OCTETS, max_size=8)
LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def normalised(data: bytes) -> bytes:
    """The plain way to say it, for the whole in one piece."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def cut(data: bytes, lengths: list[int]) -> list[bytes]:
    """`data` in pieces of these lengths, wherever that falls in a CR LF; the rest is one more."""
    ends = list(accumulate(lengths, initial=0))
    return [data[start:end] for start, end in pairwise(ends)] + [data[ends[-1] :]]


@given(CHUNKS)
@settings(max_examples=300)
def test_trap01_trap02_duty02_a_server_gets_back_what_was_meant(chunks: list[bytes]) -> None:
    meant = normalised(b"".join(chunks))
    wire = b"".join(dot_stuff(cut(meant, [len(chunk) for chunk in chunks])))
    if meant and not meant.endswith(b"\r\n"):
        meant += b"\r\n"
    assert re.sub(rb"(?m)^\.", b"", wire) == meant
    assert wire == b"".join(dot_stuff([meant]))
    assert not LONE.search(wire)
    assert b"\r\n.\r\n" not in b"\r\n" + wire  # nothing ends the content before its end


@given(CHUNKS)
@settings(max_examples=300)
def test_duty01_what_has_a_line_ending_of_another_kind_is_never_sent_whole(chunks: list[bytes]) -> None:
    if LONE.search(b"".join(chunks)):
        with pytest.raises(LocalProtocolError):
            list(dot_stuff(chunks))
    else:
        assert not LONE.search(b"".join(dot_stuff(chunks)))
