"""Line endings and dots, for any octets in any chunks."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.smtp.content import dot_stuff, normalise_line_endings

OCTETS = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n"])).map(b"".join))
CHUNKS = st.lists(OCTETS, max_size=8)
LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def normalised(data: bytes) -> bytes:
    """The plain way to say it, for the whole in one piece."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


@given(CHUNKS)
@settings(max_examples=300)
def test_duty01_line_endings_do_not_depend_on_the_chunks(chunks: list[bytes]) -> None:
    ended = b"".join(normalise_line_endings(chunks))
    assert ended == normalised(b"".join(chunks))
    assert not LONE.search(ended)


@given(CHUNKS)
@settings(max_examples=300)
def test_trap01_trap02_duty02_a_server_gets_back_what_was_meant(chunks: list[bytes]) -> None:
    wire = b"".join(dot_stuff(normalise_line_endings(chunks)))
    meant = normalised(b"".join(chunks))
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
