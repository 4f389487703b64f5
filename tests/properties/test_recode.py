"""Whatever tree of parts is encoded anew, its reader finds the same tree and the same bodies."""

from __future__ import annotations

import email
import hashlib
import io
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.environment import Environment
from sendmail_cli.errors import DataError
from sendmail_cli.message.raw import RawMessage, raw_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

ENVIRONMENT = Environment()
TOP = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <m@example.org>\nMIME-Version: 1.0\n"
# Fields that say nothing which forbids an encoding.
TYPES = st.sampled_from(
    [b"", b"Content-Type: text/plain\n", b"Content-Type: text/html;\n charset=utf-8\n", b"content-type:text/x ; a=b\n",
     b"Content-Type: application/octet-stream\n", b'Content-Type: image/png; name="a;b"\n', b"X-Any: y\n"]
)  # fmt: skip
ENCODINGS = st.sampled_from(
    [b"", b"Content-Transfer-Encoding: 8bit\n", b"CONTENT-TRANSFER-ENCODING:\n binary\n",
     b"Content-Transfer-Encoding: 7bit (or so)\n"]
)  # fmt: skip
BODIES = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b".", b"\n.\n", b"--", b"\n--", b"\n--b", b"\n--b0x\n", b"\nFrom x", b" \n", b"=",
         b"=3D", b"\0", b"\xff", b"\xc3", "ü".encode(), "日本語".encode() * 9, b"word ", b"x" * 75, b"x" * 998,
         b"y" * 1999]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip
OUTSIDE = st.sampled_from([b"", b"\n", b"words for nobody\n", b"\n\n--\n--b\n"])


class Leaf(NamedTuple):
    fields: bytes
    body: bytes


class Multipart(NamedTuple):
    fields: bytes
    subtype: bytes
    before: bytes
    parts: list[Entity]
    after: bytes


class Within(NamedTuple):
    fields: bytes
    entity: Entity


Entity = Leaf | Multipart | Within

leaves = st.builds(Leaf, st.tuples(TYPES, ENCODINGS).map(b"".join), BODIES)
entities: st.SearchStrategy[Entity] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            Multipart,
            ENCODINGS,
            st.sampled_from([b"mixed", b"alternative", b"x-any"]),
            OUTSIDE,
            st.lists(inner, min_size=1, max_size=3),
            OUTSIDE,
        ),
        st.builds(Within, ENCODINGS, inner),
    ),
    max_leaves=8,
)


def rendered(entity: Entity, numbers: Iterator[int]) -> bytes:
    """As it stands in a message, header first, lines of the structure in LF."""
    if isinstance(entity, Leaf):
        return entity.fields + b"\n" + entity.body
    if isinstance(entity, Within):
        return entity.fields + b"Content-Type: message/rfc822\n\nSubject: within\n" + rendered(entity.entity, numbers)
    boundary = b"b%d" % next(numbers)
    parts = b"".join(b"\n--%s\n%s" % (boundary, rendered(part, numbers)) for part in entity.parts)
    close = b"\n--%s--\n%s" % (boundary, entity.after)
    head = b'%sContent-Type: multipart/%s; boundary="%s"\n\n' % (entity.fields, entity.subtype, boundary)
    return head + entity.before + parts + close


def octets_of(message: RawMessage) -> bytes:
    octets = b"".join(message.chunks())
    assert len(octets) == message.size
    assert b"".join(message.chunks()) == octets
    return octets


def payload(part: Message) -> bytes:
    octets = part.get_payload(decode=True)
    return octets if isinstance(octets, bytes) else b""


def bodies(message: Message) -> list[tuple[str, bool, str]]:
    """Of each part in its place: type, whether it holds parts, and the digest of what a reader gets, as lines."""
    return [
        (part.get_content_type(), part.is_multipart(), hashlib.sha256(as_lines(payload(part))).hexdigest())
        for part in message.walk()
    ]


def are_same_octets(given: Message, arrived: Message) -> bool:
    """True when what is no text, and was encoded, is so to the octet: its line ends too."""
    pairs = zip(given.walk(), arrived.walk(), strict=True)
    return all(
        payload(before) == payload(after)
        for before, after in pairs
        if after["content-transfer-encoding"] == "base64" and after.get_content_maintype() != "text"
    )


def others(message: Message) -> list[object]:
    """All that no encoding says: fields, and what stands outside of parts."""
    labels = {"content-transfer-encoding", "mime-version", "content-type"}
    return [
        ([field for field in part.items() if field[0].lower() not in labels], part.preamble, part.epilogue)
        for part in message.walk()
    ]


def as_lines(octets: bytes) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", octets)


@settings(deadline=None)  # no test is timed
@given(entity=entities, is_crlf=st.booleans(), is_7bit=st.booleans())
def test_any_tree_of_parts_arrives_as_it_was(entity: Entity, is_crlf: bool, is_7bit: bool) -> None:
    octets = TOP + rendered(entity, itertools.count())
    octets += b"" if octets.endswith((b"\n", b"\r")) else b"\n"
    if is_crlf:
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if is_7bit:
        octets = octets.translate(bytes(code & 127 for code in range(256)))
    message = raw_message(io.BytesIO(octets), ENVIRONMENT).as_7bit()
    sent = octets_of(message)
    assert message.is_7bit
    assert sent.isascii()
    assert b"\0" not in sent
    assert not set(b"\r\n") & set(sent.replace(b"\r\n", b""))
    assert max(map(len, sent.split(b"\r\n"))) <= 998
    given, arrived = email.message_from_bytes(octets), email.message_from_bytes(sent)
    assert bodies(arrived) == bodies(given)
    assert are_same_octets(given, arrived)
    assert others(arrived) == others(email.message_from_bytes(as_lines(octets)))


@settings(deadline=None)
@given(
    octets=st.lists(
        st.sampled_from(
            [b"\n", b"\r", b"\r\n", b"--a", b"--b", b"--", b" ", b"x", b"\xff", b"\0", b"y" * 999, b"X: y", b"--a--",
             b"Content-Type: multipart/mixed; boundary=a\n", b'Content-Type: multipart/digest; boundary="b"\n',
             b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n", b"Content-Type: ;\n",
             b"Content-Transfer-Encoding: quoted-printable\n", b"DKIM-Signature: x\n", b"Content-Type: text/plain\n"]
        ),
        max_size=40,
    ).map(b"".join)
)  # fmt: skip
def test_any_octets_are_fit_for_every_server_or_refused(octets: bytes) -> None:
    try:
        message = raw_message(io.BytesIO(TOP + octets), ENVIRONMENT).as_7bit()
    except DataError as error:
        assert error.hint  # noqa: PT017
        return
    sent = octets_of(message)
    assert sent.isascii()
    assert b"\0" not in sent
    assert max(map(len, sent.split(b"\r\n"))) <= 998
    if octets.isascii() and b"\0" not in octets and max(map(len, re.split(rb"[\r\n]", octets))) <= 998:
        assert sent == as_lines(TOP + octets).removesuffix(b"\r\n") + b"\r\n"


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
@settings(deadline=None, max_examples=30)
@given(entity=entities, is_crlf=st.booleans())
def test_it_is_the_same_wherever_the_pieces_end_in_which_it_is_read(length: int, entity: Entity, is_crlf: bool) -> None:
    octets = TOP + rendered(entity, itertools.count())
    if is_crlf:
        octets = as_lines(octets)
    whole = octets_of(raw_message(io.BytesIO(octets), ENVIRONMENT).as_7bit())
    with pytest.MonkeyPatch.context() as patch:
        for module in ("raw", "spans", "mime_scanner"):
            patch.setattr(f"sendmail_cli.message.{module}.CHUNK", length)
        assert octets_of(raw_message(io.BytesIO(octets), ENVIRONMENT).as_7bit()) == whole
