"""Whatever is typed arrives as it is, or is refused before anything is written."""

from __future__ import annotations

import email
import email.policy
import io
import re
from email.header import decode_header
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import AddrSpec, Group, Mailbox, mailboxes_of, parse_address_list
from sendmail_cli.environment import Environment
from sendmail_cli.errors import DataError, HeaderError
from sendmail_cli.message.attachments import Attachment, attachment_from_stream
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.raw import raw_message

if TYPE_CHECKING:
    from email.message import EmailMessage

    from sendmail_cli.submission import Content

ADA = AddrSpec("ada", "example.org")
DRAFT = Draft(Mailbox("", ADA))
ENVIRONMENT = Environment()
ENCODED_RUN = re.compile(r"=\?utf-8\?[bq]\?[^?]*\?=(?: +=\?utf-8\?[bq]\?[^?]*\?=)*")

CONTROLS = [*range(32), *range(127, 160)]
plain_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
# Short pieces that matter to a mail, so that they meet more often than chance would have it.
pieces = st.sampled_from(
    [" ", "  ", "\t", "=?", "?=", "=?utf-8?q?x?=", '"', "\\", ",", "<", ">", "(", ";", ":", "ü", "日本", "🎉",
     "e\u0301", "\u2028", "\ufeff", "\u200f", "word", "x" * 60, "ü" * 40, "x" * 950]
)  # fmt: skip
line_text = st.one_of(plain_text, st.lists(pieces, max_size=20).map("".join))
name_text = line_text.map(lambda text: text.replace("\t", "")).filter(lambda text: text != "")
bodies = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(
        st.sampled_from(
            ["\n", "\r\n", "\r", ".", "From ", " ", "\t", "=", "\0", "ü", "日本", "word ", "x" * 75, "x" * 999, "--=_"]
        ),
        max_size=30,
    ).map("".join),
)  # fmt: skip


def octets_of(content: Content) -> bytes:
    octets = b"".join(content.chunks())
    assert len(octets) == content.size
    assert octets.endswith(b"\r\n")
    assert not set(b"\r\n") & set(octets.replace(b"\r\n", b""))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    return octets


def parsed(content: Content) -> EmailMessage:
    octets = octets_of(content)
    assert octets.isascii()
    message: EmailMessage = email.message_from_bytes(octets, policy=email.policy.default)
    assert not any(part.defects for part in message.walk())
    return message


def payload(part: EmailMessage) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.replace(b"\r\n", b"\n").decode()


@given(text=bodies, html=st.none() | bodies, file=st.none() | st.binary(max_size=300))
def test_any_body_arrives(text: str, html: str | None, file: bytes | None) -> None:
    attachments: tuple[Attachment, ...] = ()
    if file is not None:
        stream = io.BytesIO(file)
        attachments = (attachment_from_stream(stream, name="f", media_type="application/x-f", note=print),)
    message = parsed(compose(DRAFT._replace(text=text, html=html, attachments=attachments), ENVIRONMENT))
    expected = [given.replace("\r\n", "\n") for given in (text, html) if given is not None]
    assert [payload(part) for part in message.walk() if part.get_content_maintype() == "text"] == expected
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == ([] if file is None else [file])


@given(subject=line_text)
def test_any_subject_arrives(subject: str) -> None:
    assert parsed(compose(DRAFT._replace(subject=subject), ENVIRONMENT))["subject"] == subject


@given(names=st.lists(name_text, min_size=1, max_size=4), group=name_text)
def test_any_display_name_arrives(names: list[str], group: str) -> None:
    boxes = tuple(Mailbox(name, ADA) for name in names)
    message = compose(
        DRAFT._replace(to=(*boxes, Group(group, boxes)), reply_to=(Group(group, ()), *boxes)), ENVIRONMENT
    )
    to, reply_to = (
        re.search(rb"(?ms)^" + name + rb": .*?\r\n(?! )", octets_of(message)) for name in (b"To", b"Reply-To")
    )
    assert to is not None
    assert reply_to is not None
    assert names_in(to[0]) == [*names, *names, group]
    assert names_in(reply_to[0]) == [*names, group]


local_parts = st.one_of(
    st.from_regex(r"\A[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[a-z0-9]{1,9}){0,3}\Z"),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
)
domains = st.sampled_from(
    ["example.org", "xn--bcher-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a.b.c.example"]
)
people = st.builds(Mailbox, st.just("") | name_text, st.builds(AddrSpec, local_parts, domains))


@given(boxes=st.lists(people, min_size=1, max_size=4), group=name_text)
def test_any_address_arrives(boxes: list[Mailbox], group: str) -> None:
    message = compose(DRAFT._replace(to=tuple(boxes), cc=(Group(group, tuple(boxes)),), from_=boxes[0]), ENVIRONMENT)
    for name, expected in ((b"To", boxes), (b"Cc", boxes), (b"From", boxes[:1])):
        field = re.search(rb"(?ms)^" + name + rb": .*?\r\n(?! )", octets_of(message))
        assert field is not None
        line = ENCODED_RUN.sub("name", field[0].decode().replace("\r\n", "")).partition(":")[2]
        found = mailboxes_of(parse_address_list(line))
        assert [box.address for box in found] == [box.address for box in expected]


def names_in(field: bytes) -> list[str]:
    """Display names, then those of groups, by RFC 2047 §6.2: white space between encoded-words is none.

    Python's own reader up to 3.12 keeps that white space in names (not in subjects), and takes other space away.
    """
    line = field.decode("ascii").replace("\r\n", "").partition(":")[2]
    quoted = ENCODED_RUN.sub(lambda run: '"' + re.sub(r'(["\\])', r"\\\1", decoded(run[0])) + '"', line)
    found = parse_address_list(quoted)
    groups = [address.name for address in found if isinstance(address, Group)]
    return [mailbox.name for mailbox in mailboxes_of(found)] + groups


def decoded(run: str) -> str:
    return "".join(
        octets.decode("utf-8") if isinstance(octets, bytes) else octets
        for word in run.split()
        for octets, _ in decode_header(word)
    )


@given(name=name_text)
def test_any_file_name_arrives_or_is_refused(name: str) -> None:
    try:
        file = attachment_from_stream(io.BytesIO(b"x"), name=name, media_type="application/x-f", note=print)
    except HeaderError:
        assert set("/\\") & set(name) or not name.strip(" .") or len(name.encode()) > 255
        return
    (part,) = parsed(compose(DRAFT._replace(attachments=(file,)), ENVIRONMENT)).iter_attachments()
    assert part["content-disposition"].params["filename"] == name


@given(values=st.lists(line_text, max_size=3))
def test_any_header_of_the_users_is_written_within_the_limits(values: list[str]) -> None:
    message = parsed(compose(DRAFT._replace(headers=tuple(("X-Any", value) for value in values)), ENVIRONMENT))
    assert len(message.get_all("x-any", [])) == len(values)
    for value, written in zip(values, message.get_all("x-any", []), strict=True):
        if "=?" not in value:  # an encoded-word of the user's own is decoded
            assert written == value.strip(" \t")


@given(
    before=line_text,
    control=st.sampled_from([chr(code) for code in CONTROLS if code != 9] + ["\ud800", "\udcff"]),
    after=line_text,
)
def test_any_control_in_any_header_is_refused(before: str, control: str, after: str) -> None:
    text = before + control + after
    for draft in (
        DRAFT._replace(subject=text),
        DRAFT._replace(from_=Mailbox(text, ADA)),
        DRAFT._replace(to=(Mailbox("", AddrSpec(text, "example.org")),)),
        DRAFT._replace(cc=(Group(text, ()),)),
        DRAFT._replace(headers=(("X-Any", text),)),
        DRAFT._replace(headers=((text, "x"),)),
        DRAFT._replace(in_reply_to=text),
    ):
        with pytest.raises(HeaderError):
            compose(draft, ENVIRONMENT)
    with pytest.raises(HeaderError):
        attachment_from_stream(io.BytesIO(b"x"), name=text, note=print)


@given(
    octets=st.one_of(
        st.binary(max_size=500),
        st.lists(
            st.sampled_from(
                [b"\r", b"\n", b"\r\n", b"To: a@b.c", b"Bcc: z@z.z", b" ", b"\t", b"x", b".", b"\xff", b"From ", b"X:"]
            ),
            max_size=30,
        ).map(b"".join),
    )
)  # fmt: skip
def test_any_octets_are_a_message_fit_for_the_wire_or_refused(octets: bytes) -> None:
    try:
        message = raw_message(io.BytesIO(octets), ENVIRONMENT)
    except DataError:
        return
    header, _, body = octets_of(message).partition(b"\r\n\r\n")
    assert not re.search(rb"(?im)^(resent-)?bcc[ \t]*:", header)
    given = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    if body:
        assert (given if given.endswith(b"\r\n") else given + b"\r\n").endswith(body)
