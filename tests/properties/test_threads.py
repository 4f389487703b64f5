"""Whatever the other message says: no line of a header that we did not mean, the thread and the subject arrive."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import Mailbox, parse_mailbox
from sendmail_cli.environment import Environment
from sendmail_cli.errors import MailError
from sendmail_cli.message import threads
from sendmail_cli.message.compose import compose
from sendmail_cli.message.decoded_words import decode_words
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.encoded_words import encoded_words
from sendmail_cli.message.resend import resend
from sendmail_cli.message.source import MemorySource
from sendmail_cli.printable import one_line

ADA = parse_mailbox("Ada <ada@example.org>")
ENVIRONMENT = Environment()
ALLOWED = {"date", "from", "to", "cc", "subject", "message-id", "in-reply-to", "references", "mime-version",
           "content-type", "content-transfer-encoding"}  # fmt: skip

nasty = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [b"=?utf-8?q?=0D=0ABcc:_evil@x?=", b"=?utf-8?b?DQpCY2M6IGV2aWxAeA==?=", b"=?utf-7?q?+2AA-?=", b"Re: ", b"<",
             b">", b"<1@x>", b"<1@x\t2>", b"\r", b"\r\n ", b"\n\t", b"\xfc", b"\xe2\x80\xa8", b"\0", b"\x1b[2J", b" ",
             b"=?", b"?=", b"a@x.example", b",", b'"', b"(", b";", b"G:", b"x" * 300, b"=?utf-8?q?x?= "]
        ),
        max_size=20,
    ).map(b"".join),
)  # fmt: skip


def answer(other: bytes) -> bytes:
    """All that an answer to all takes from `other`, as a message."""
    fields = threads.fields_of(MemorySource(other, "other"))
    thread = threads.thread_of(fields)
    headers = (("References", " ".join(thread.references)),) if thread.references else ()
    try:
        everybody = threads.everybody_to_answer(fields, [ADA])
    except MailError:
        everybody = threads.Everybody((Mailbox("", ADA.address),), ())
    draft = Draft(
        ADA,
        to=everybody.to,
        cc=everybody.cc,
        subject=threads.answered_subject(fields),
        text="body\n",
        headers=headers,
        in_reply_to=thread.in_reply_to,
    )
    return b"".join(compose(draft, ENVIRONMENT).chunks())


@given(subject=nasty, references=nasty, message_id=nasty, author=nasty)
def test_no_field_of_the_other_message_becomes_one_of_ours(
    subject: bytes, references: bytes, message_id: bytes, author: bytes
) -> None:
    other = b"Subject: %b\r\nReferences: %b\r\nMessage-ID: %b\r\nFrom: %b\r\nTo: %b\r\n\r\n"
    try:
        octets = answer(other % (subject, references, message_id, author, author))
    except MailError:
        return  # the other is no message, and nothing was written
    assert not set(b"\r\n") & set(octets.replace(b"\r\n", b""))
    assert not set(range(32)) & set(octets.replace(b"\r\n", b""))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert {name.lower() for name in message} <= ALLOWED
    assert message.get_content() == "body\r\n"
    assert len((message["References"] or "").split()) <= threads.MAX_REFERENCES


@given(text=st.text(st.characters(exclude_categories=["Cs"])), room=st.integers(10, 75))
def test_what_we_encode_we_decode(text: str, room: int) -> None:
    assert decode_words(" ".join(encoded_words(text, room))) == text


@given(text=st.text(max_size=300))
def test_any_text_is_decoded_to_some_text(text: str) -> None:
    shown = one_line(decode_words(text))
    assert shown.isprintable() or not set(shown) & {"\r", "\n", "\0", "\t", "\x1b"}


@given(head=nasty, body=st.binary(max_size=200))
def test_a_message_that_is_sent_on_stays_as_it_is(head: bytes, body: bytes) -> None:
    given_octets = b"X: %b\r\n\r\n%b\r\n" % (head.replace(b"\r", b"").replace(b"\n", b""), body)
    try:
        sent = b"".join(resend(MemorySource(given_octets, "m"), Draft(ADA, to=(ADA,)), ENVIRONMENT).chunks())
    except MailError:
        return
    block, _, rest = sent.partition(b"\r\nX: ")
    assert all(line.startswith((b"Resent-", b" ")) for line in block.split(b"\r\n"))
    if b"\0" not in body:
        assert b"X: " + rest == given_octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "piece",
    [
        b"<",
        b"<a@b> ",
        b"=?a?q?",
        b"=?utf-8?q?x?= ",
        b"Re: ",
        b"re[",
        b'"',
        b"a@b.example, ",
        b"((",
        b"=?utf-8?b?/w==?=",
    ],
)
def test_a_header_of_200_kb_takes_linear_time(piece: bytes) -> None:
    """Quadratic, it would take hours."""
    folded = b"\r\n ".join([piece * (900 // len(piece))] * 222)
    other = b"Subject: %b\r\nReferences: %b\r\nMessage-ID: %b\r\nFrom: %b\r\n\r\n"
    answer(other % (folded, folded, folded, folded))
