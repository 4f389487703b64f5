"""What an answer or a forwarded message takes from the other one: thread, subject, people, and its octets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.errors import AddressError, DataError
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft
from sendmail_cli.message.source import MemorySource
from sendmail_cli.message.threads import (
    answered_subject,
    everybody_to_answer,
    fields_of,
    forwarded,
    forwarded_subject,
    people_to_answer,
    subject_of,
    thread_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from sendmail_cli.environment import Environment
    from sendmail_cli.message.raw_header import Field

ADA = parse_mailbox("Ada <ada@example.org>")


def source(text: str | bytes) -> MemorySource:
    return MemorySource(text if isinstance(text, bytes) else text.encode(), "“m.eml”")


def fields(text: str) -> tuple[Field, ...]:
    return fields_of(source(text + "\n\n"))


@pytest.mark.parametrize(
    ("header", "parent", "references"),
    [
        ("X: y", None, []),
        ("Message-ID: <3@x>", "<3@x>", ["<3@x>"]),
        ("Message-ID:\n <3@x>\nReferences: <1@x>\n\t<2@x>", "<3@x>", ["<1@x>", "<2@x>", "<3@x>"]),
        ("Message-ID: <3@x>\nIn-Reply-To: Your mail of today <2@x>", "<3@x>", ["<2@x>", "<3@x>"]),
        ("Message-ID: <3@x>\nIn-Reply-To: <1@x> <2@x>", "<3@x>", ["<3@x>"]),
        ("Message-ID: <3@x>\nReferences: \nIn-Reply-To: <2@x>", "<3@x>", ["<2@x>", "<3@x>"]),
        ("Message-ID: <3@x>\nReferences: <1@x><1@x> junk <3@x> <2@x> <ü@x> <a b@x>", "<3@x>",
         ["<1@x>", "<2@x>", "<3@x>"]),
        ("References: <1@x>", None, ["<1@x>"]),
        ("Message-ID: 3@x", None, []),
        ("Message-ID: <3@x>\nMessage-ID: <4@x>", "<3@x>", ["<3@x>"]),
        ("Message-ID: <" + "x" * 900 + ">", None, []),  # no line of ours could hold it
    ],
)  # fmt: skip
def test_the_thread_is_that_of_the_parent_and_the_parent(header: str, parent: str, references: list[str]) -> None:
    assert thread_of(fields(header)) == (parent, tuple(references))


def test_of_a_long_thread_the_first_and_the_last_are_named() -> None:
    above = "\n ".join(f"<{number}@x>" for number in range(1000))
    thread = thread_of(fields(f"Message-ID: <own@x>\nReferences: {above}"))
    assert thread.references == ("<0@x>", *(f"<{number}@x>" for number in range(981, 1000)), "<own@x>")
    assert len(thread.references) == 21


@pytest.mark.parametrize(
    ("subject", "answered", "sent_on"),
    [
        ("Hi", "Re: Hi", "Fwd: Hi"),
        ("Re: Hi", "Re: Hi", "Fwd: Re: Hi"),
        ("RE:re[2]: Re : Hi", "Re: Hi", "Fwd: RE:re[2]: Re : Hi"),
        ("AW: Re: Hi", "Re: AW: Re: Hi", "Fwd: AW: Re: Hi"),
        ("Antw: Hi", "Re: Antw: Hi", "Fwd: Antw: Hi"),
        ("Regarding: Hi", "Re: Regarding: Hi", "Fwd: Regarding: Hi"),
        ("=?iso-8859-1?Q?Re:_Gr=FC=DFe?=", "Re: Grüße", "Fwd: Re: Grüße"),
        ("fwd: Hi", "Re: fwd: Hi", "fwd: Hi"),
        ("FW: Hi", "Re: FW: Hi", "FW: Hi"),
        ("a\n  b", "Re: a  b", "Fwd: a  b"),
        ("=?utf-8?q?a=0D=0ABcc:_evil@example.org?=", "Re: a  Bcc: evil@example.org", "Fwd: a  Bcc: evil@example.org"),
        ("", "Re:", "Fwd:"),
        ("Re: ", "Re:", "Fwd: Re:"),
    ],
)
def test_a_subject_is_answered_or_forwarded_once(subject: str, answered: str, sent_on: str) -> None:
    other = fields(f"From: x@x.example\nSubject: {subject}")
    assert (answered_subject(other), forwarded_subject(other)) == (answered, sent_on)


def test_without_a_subject_there_is_nothing_to_answer() -> None:
    other = fields("From: x@x.example")
    assert (subject_of(other), answered_subject(other), forwarded_subject(other)) == (None, None, "Fwd:")


@pytest.mark.parametrize(
    ("header", "people"),
    [
        ("From: b@x.example", ["b@x.example"]),
        ("From: B <b@x.example>, c@x.example", ["B <b@x.example>", "c@x.example"]),
        ("From: b@x.example\nReply-To: l@x.example, L: m@x.example;", ["l@x.example", "m@x.example"]),
        ("From: b@x.example\nReply-To: ", ["b@x.example"]),
        ("From: b@x.example\nReply-To: nobody:;", ["b@x.example"]),
        ("From: =?utf-8?q?J=C3=BCrgen?= =?utf-8?q?=0AX?= <j@x.example>", ['"Jürgen X" <j@x.example>']),
        ("From: b@x.example, B <B@X.example>", ["b@x.example"]),
        # Who answers a mail of their own writes to those it went to.
        ("From: ADA@example.org\nReply-To: ada@example.org\nTo: b@x.example", ["b@x.example"]),
        ("From: ada@example.org", ["ada@example.org"]),
    ],
)
def test_whom_an_answer_goes_to(header: str, people: list[str]) -> None:
    found = people_to_answer(fields(header), [ADA])
    assert [str(each) for each in found] == [str(parse_mailbox(each)) for each in people]


@pytest.mark.parametrize(
    ("header", "to", "cc"),
    [
        ("From: b@x.example\nTo: ada@example.org, c@x.example\nCc: d@x.example, B@x.example, c@x.example",
         ["b@x.example"], ["c@x.example", "d@x.example"]),
        ("From: b@x.example\nReply-To: l@x.example\nTo: L <l@x.example>", ["l@x.example"], []),
        ("From: ada@example.org\nTo: b@x.example\nCc: c@x.example", ["b@x.example"], ["c@x.example"]),
        ("From: ada@example.org\nTo: Ada <ada@example.org>\nCc: c@x.example", ["c@x.example"], []),
        ("From: ada@example.org\nTo: undisclosed-recipients:;", ["ada@example.org"], []),
        ("From: b@x.example\nTo: c@x.example\nMail-Followup-To: l@x.example, ada@example.org", ["l@x.example"], []),
        ("From: b@x.example\nMail-Followup-To: ada@example.org", ["b@x.example"], []),
    ],
)  # fmt: skip
def test_an_answer_to_all_goes_to_everybody_but_us(header: str, to: list[str], cc: list[str]) -> None:
    everybody = everybody_to_answer(fields(header), [ADA])
    assert ([str(each.address) for each in everybody.to], [str(each.address) for each in everybody.cc]) == (to, cc)


def test_who_is_named_already_is_not_named_again() -> None:
    other = fields("From: b@x.example\nTo: c@x.example, d@x.example")
    named = (parse_mailbox("C@x.example"), parse_mailbox("b@x.example"))
    assert everybody_to_answer(other, [ADA], named) == ((), (parse_mailbox("d@x.example"),))


@pytest.mark.parametrize(
    ("header", "error", "match"),
    [
        ("To: ada@example.org", DataError, "names nobody in Reply-To and From"),
        ("X: y\nFrom: broken", AddressError, "line 2, from: “broken”"),
        ("From: b@x.example\nReply-To: broken", AddressError, "line 2, reply-to"),
    ],
)
def test_nobody_to_answer_is_said(header: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        people_to_answer(fields(header), [ADA])
    assert "--to" in getattr(caught.value, "hint", "")


def test_a_forwarded_message_stands_whole_in_the_new_one(
    environment: Environment, parsed: Callable[[object], EmailMessage]
) -> None:
    given = b"From: b@x.example\nBcc: secret@x.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=: a/b\n\nline\n.\nlast"
    draft = Draft(ADA, to=(parse_mailbox("c@x.example"),), text="see below\n", attachments=(forwarded(source(given)),))

    message = parsed(compose(draft, environment))

    text, part = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == "see below\n"
    assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("message/rfc822", "7bit")
    assert (part.get_content_disposition(), part.get_filename()) == ("attachment", "Grüße_ a_b.eml")
    inner = part.get_content()
    assert (inner["Subject"], inner["Bcc"], inner["Date"]) == ("Grüße: a/b", None, None)
    assert inner.get_payload() == "line\r\n.\r\nlast\r\n"


def test_eight_bits_in_it_are_encoded_where_they_stand(
    environment: Environment, parsed: Callable[[object], EmailMessage]
) -> None:
    given = (
        "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n--b\n"
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n--b--\n"
    )
    draft = Draft(ADA, text="", attachments=(forwarded(source(given)),))

    message = parsed(compose(draft, environment))

    (part,) = message.iter_attachments()
    (inner,) = part.get_content().iter_parts()
    assert inner.get_content() == "Grüße"  # the last line end is the delimiter's
    assert part.get_filename() == "message.eml"


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ("DKIM-Signature: x\n\nGrüße\n", "line 3 of the message holds 8-bit octets; .* signature of line 1"),
        ("X: y\nSubject: Grüße\n\n", "line 2, in a header, is beyond ASCII"),
        ("X: y\nSubject: Grüße\n\n" + "x" * 999, "line 2, in a header, is beyond ASCII"),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Description: ü\n\nx\n--b--\n",
            "line 4, in a header, is beyond ASCII",
        ),
        ("Content-Transfer-Encoding: quoted-printable\n\n" + "x" * 999, "labelled quoted-printable already"),
    ],
)
def test_what_can_only_be_attached_as_a_file_is_said(given: str, match: str) -> None:
    with pytest.raises(DataError, match=f"“m.eml” can't be forwarded: .*{match}") as caught:
        forwarded(source(given))
    assert "--attach FILE" in caught.value.hint
