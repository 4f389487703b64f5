"""A ready message that a server could not take as it is gets transfer encodings, or is refused for a reason."""

from __future__ import annotations

import email
import io
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import DataError
from sendmail_cli.message.raw import RawMessage, raw_message
from sendmail_cli.message.recode import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment
    from sendmail_cli.submission import Content

    Octets = Callable[[Content], bytes]
    Raw = Callable[[bytes], RawMessage]

DATED = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <m@example.org>\r\n"
TOP = DATED + b"MIME-Version: 1.0\r\n"
LONG = b"x" * 999
PLAIN_8BIT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


@pytest.fixture
def raw(environment: Environment) -> Raw:
    return lambda given: raw_message(io.BytesIO(given), environment)


def multipart(subtype: str, *parts: bytes, boundary: bytes = b"=b", fields: bytes = b"") -> bytes:
    head = fields + b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode(), boundary)
    return head + b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary


def test_duty14_an_8bit_text_goes_quoted_printable_and_all_else_as_it_was(raw: Raw, octets: Octets) -> None:
    before = DATED + b"X-Odd :  a \r\n\t\r\nMIME-Version: 1.0\r\n"
    after = b"X-Last: z\r\n\r\n"
    text = "Viele liebe Grüße aus dem Norden\r\n.\r\nund bis bald = morgen \r\n".encode()
    message = raw(before + PLAIN_8BIT + after + text)
    assert not message.is_7bit
    assert octets(message) == before + PLAIN_8BIT + after + text
    assert octets(message.as_7bit()) == (
        before + PLAIN_8BIT.replace(b"8bit", b"quoted-printable") + after
        + b"Viele liebe Gr=C3=BC=C3=9Fe aus dem Norden\r\n.\r\nund bis bald =3D morgen=20\r\n"
    )  # fmt: skip


def test_what_is_7bit_stays_itself(raw: Raw) -> None:
    message = raw(TOP + PLAIN_8BIT + b"\r\nhello\r\n")
    assert message.as_7bit() is message


def test_each_part_gets_what_suits_it_and_labels_follow(raw: Raw, octets: Octets) -> None:
    label = b"Content-Transfer-Encoding: 8BIT\r\n"
    clean = PLAIN_8BIT + b"\r\nclean\r\n"
    japanese = "日本語の本文".encode()
    within = multipart("alternative", PLAIN_8BIT + b"\r\n" + japanese, boundary=b"=c", fields=b"Subject: w\r\n" + label)
    untouched = multipart("related", clean, boundary=b"=d", fields=label)
    image = b"Content-Type: image/x\r\n" + label + b"\r\n\xff\n\xfe"
    forwarded = b"Content-Type: message/rfc822\r\n" + label + b"\r\n" + within
    given = TOP + multipart("mixed", image, clean, forwarded, untouched, fields=label)
    seven = b"Content-Transfer-Encoding: 7bit\r\n"
    expected_within = multipart(
        "alternative",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys6Kqe44Gu5pys5paH",
        boundary=b"=c",
        fields=b"Subject: w\r\n" + seven,
    ).replace(b"\r\n\r\n--=c", b"MIME-Version: 1.0\r\n\r\n--=c", 1)
    expected_within = expected_within.replace(b'boundary="=c"MIME', b'boundary="=c"\r\nMIME')
    expected = TOP + multipart(
        "mixed",
        b"Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n/wr+",
        clean,
        b"Content-Type: message/rfc822\r\n" + seven + b"\r\n" + expected_within,
        untouched,
        fields=seven,
    )
    assert octets(raw(given).as_7bit()) == expected


@pytest.mark.parametrize(
    ("body", "charset", "encoding"),
    [
        ("viele Grüße an alle, die das hier lesen\r\n".encode(), "utf-8", "quoted-printable"),
        ("日本語\r\n".encode(), "utf-8", "base64"),
        ("viele Grüße an alle, die das hier lesen\r\n".encode("latin-1"), "unknown-8bit", "quoted-printable"),
        ("日本語\r\n".encode("euc-jp"), "unknown-8bit", "quoted-printable"),
        ("ab €".encode()[:-1], "unknown-8bit", "quoted-printable"),
    ],
)
def test_a_text_without_mime_gets_a_charset(raw: Raw, octets: Octets, body: bytes, charset: str, encoding: str) -> None:
    read = email.message_from_bytes(octets(raw(DATED + b"\r\n" + body).as_7bit()))
    assert read["mime-version"] == "1.0"
    assert read.get_content_type() == "text/plain"
    assert (read.get_content_charset(), read["content-transfer-encoding"]) == (charset, encoding)
    assert read.get_payload(decode=True) == body


def test_the_charset_that_a_part_does_not_name_is_not_guessed_where_it_has_a_type(raw: Raw, octets: Octets) -> None:
    sent = octets(raw(TOP + b"Content-Type: text/plain\r\n\r\n" + "viele Grüße, viele\r\n".encode()).as_7bit())
    assert b"charset" not in sent


@pytest.mark.parametrize(
    ("fields", "body", "sent"),
    [
        (b"", LONG, b"x" * 75 + b"=\r\n"),
        (b"", b"a\0b\r\n", b"YQBiDQo="),
        (b"", b"a\0b\n", b"YQBiCg=="),  # where a NUL is, an LF may be no end of a line
        (b"Content-Type: text/html\r\n", LONG + b"\r\n", b"x" * 75 + b"=\r\n"),
        (b"Content-Type: application/x\r\n", LONG, b"eHh4"),
        (b"Content-Transfer-Encoding: BASE64\r\n", b"eHh4" * 300, b"eHh4" * 19 + b"\r\n" + b"eHh4" * 19 + b"\r\n"),
    ],
)
def test_duty03_what_no_server_must_take_is_encoded(
    raw: Raw, octets: Octets, fields: bytes, body: bytes, sent: bytes
) -> None:
    message = raw(TOP + fields + b"\r\n" + body)
    assert message.is_7bit
    assert sent in octets(message)
    given = email.message_from_bytes(TOP + fields + b"\r\n" + body)
    assert email.message_from_bytes(octets(message)).get_payload(decode=True) == given.get_payload(decode=True)


def test_what_is_no_text_keeps_its_line_ends(raw: Raw, octets: Octets) -> None:
    data = b"\x89PNG\r\n\x1a\n\r\0"
    sent = octets(raw(TOP + b"Content-Type: image/png\nContent-Transfer-Encoding: binary\n\n" + data))
    assert email.message_from_bytes(sent).get_payload(decode=True) == data


def test_a_line_without_end_is_encoded_bit_by_bit(raw: Raw, octets: Octets) -> None:
    body = "x ü=".encode() * 10_000
    sent = octets(raw(TOP + PLAIN_8BIT + b"\r\n" + b"ascii " * 200_000 + body))
    assert email.message_from_bytes(sent).get_payload(decode=True) == b"ascii " * 200_000 + body


SIGNED = multipart("signed", PLAIN_8BIT + b"\r\n\xc3\xbc", b"Content-Type: application/pgp-signature\r\n\r\nx")


@pytest.mark.parametrize(
    ("given", "line", "reason"),
    [
        (b"DKIM-Signature: x\r\n\r\n\xff\r\n", 6, "to encode it anew would break the signature of line 4"),
        (b"ARC-Message-Signature: x\r\n\r\n\xff\r\n", 6, "the signature of line 4"),
        (SIGNED, 10, "to encode it anew would break the signature of its multipart/signed"),
        (multipart("mixed", SIGNED, boundary=b"=o"), 13, "of its multipart/signed"),
        (multipart("mixed", b"Content-Type: message/rfc822\r\n\r\nDKIM-Signature: x\r\n\r\n\xff"), 11, "of line 9"),
        (b"Content-Transfer-Encoding: quoted-printable\r\n\r\n\xff", 6, "it is labelled quoted-printable already"),
        (b"Content-Transfer-Encoding: base64\r\n\r\n\xff", 6, "it is labelled base64 and isn't"),
        (b"Content-Transfer-Encoding: x uu\r\n\r\n\xff", 6, "it is labelled x uu already"),
        (b"Content-Type: multipart/mixed\r\n\r\n\xff", 6, "has no boundary that could be understood"),
        (b"Content-Type: message/partial; id=x\r\n\r\n\xff", 6, "of type message/partial must have no encoding"),
        (b"Content-Type: nonsense\r\n\r\n\xff", 6, "its Content-Type is none: “nonsense”"),
        (b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n\xff", 7, "the field content-type stands twice above it"),
        (multipart("mixed", b"\r\nx").replace(b"\r\n\r\n", b"\r\n\r\n\xff\r\n", 1), 6, "outside the parts"),
        (multipart("mixed", b"\r\nx") + b"ok\r\n\xff", 11, "it stands outside the parts of its multipart"),
        (multipart("mixed", b"no field\r\n\xff"), 8, "line 7 is no header field, and no empty line stands before it"),
    ],
)
def test_what_can_not_be_encoded_is_refused_with_line_and_reason(
    raw: Raw, given: bytes, line: int, reason: str
) -> None:
    with pytest.raises(DataError, match="no 8BITMIME") as caught:
        raw(TOP + given).as_7bit()
    assert f": line {line} of the message holds 8-bit octets; " in caught.value.sentence
    assert reason in caught.value.sentence
    assert caught.value.hint


def test_beside_what_is_signed_a_part_can_be_encoded(raw: Raw, octets: Octets) -> None:
    signed = SIGNED.replace(b"\xc3\xbc", b"u")
    sent = octets(raw(TOP + multipart("mixed", signed, PLAIN_8BIT + b"\r\n\xc3\xbc", boundary=b"=o")).as_7bit())
    assert signed in sent
    assert sent.isascii()


def test_smime_in_one_piece_is_data(raw: Raw, octets: Octets) -> None:
    given = TOP + b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n\x30\x82\xff"
    assert email.message_from_bytes(octets(raw(given).as_7bit())).get_payload(decode=True) == b"\x30\x82\xff"


def test_a_header_beyond_ascii_has_no_7bit_form(raw: Raw, octets: Octets) -> None:
    with pytest.raises(DataError, match=r"line 3 of the message is a header field beyond ASCII.*SMTPUTF8"):
        raw(TOP.replace(b"MIME-", "Subject: ü\r\nMIME-".encode()) + b"\r\n").as_7bit()
    part = "Content-Disposition: inline; filename=ü\r\n\r\nx".encode()
    message = raw(TOP + multipart("mixed", part, b"\r\n" + LONG))  # the long line can be encoded, and is
    assert not message.is_7bit
    assert part in octets(message)
    with pytest.raises(DataError, match="line 7 of the message, in the header of a part, holds 8-bit octets"):
        message.as_7bit()


@pytest.mark.parametrize(("line", "fault"), [(b"X: " + LONG, "has more than 998"), (b"X: a\0", "has a NUL")])
def test_the_header_of_a_part_can_not_be_encoded(raw: Raw, line: bytes, fault: str) -> None:
    with pytest.raises(DataError, match=f"line 7 of the message {fault}.*the header of a part"):
        raw(TOP + multipart("mixed", line + b"\r\n\r\nx"))


def test_a_digest_holds_messages(raw: Raw, octets: Octets) -> None:
    sent = octets(raw(TOP + multipart("digest", b"\r\nSubject: a\r\n\r\nviele Gr\xc3\xbc\xc3\x9fe, viele")).as_7bit())
    _, part, within = email.message_from_bytes(sent).walk()
    assert part.get_content_type() == "message/rfc822"
    assert within["subject"] == "a"
    assert within.get_payload(decode=True) == "viele Grüße, viele".encode()


def test_a_multipart_that_is_never_closed_ends_with_the_message(raw: Raw, octets: Octets) -> None:
    given = TOP + multipart("mixed", PLAIN_8BIT + b"\r\nviele Gr\xc3\xbc\xc3\x9fe an alle, die dies lesen")
    sent = octets(raw(given.removesuffix(b"\r\n--=b--\r\n")).as_7bit())
    assert sent.endswith(b"\r\n\r\nviele Gr=C3=BC=C3=9Fe an alle, die dies lesen=\r\n")


def test_a_boundary_that_an_enclosing_part_has_is_the_enclosing_ones(raw: Raw, octets: Octets) -> None:
    given = TOP + multipart("mixed", multipart("digest", b"\r\nviele Gr\xc3\xbc\xc3\x9fe, viele, viele"), b"\r\nb")
    assert octets(raw(given).as_7bit()).count(b"quoted-printable") == 1


@pytest.mark.parametrize("of", [b"multipart", b"message"])
def test_parts_within_parts_without_end_are_refused(raw: Raw, of: bytes) -> None:
    inner = b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n"
    if of == b"multipart":
        deep = b"".join(inner % (number, number + 1) for number in range(10_000))
    else:
        deep = b"--0\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 10_000
    given = TOP + b"Content-Type: multipart/mixed; boundary=0\r\n\r\n" + deep
    raw(given)  # as long as nothing must be encoded, nobody counts
    with pytest.raises(DataError, match=f"more than {MAX_DEPTH} parts deep"):
        raw(given + LONG)


@pytest.mark.parametrize(
    "body",
    [
        b"--\n" * 90_000,
        b"--=b\n" * 50_000,
        b"--=b\n\n" * 40_000,
        b"--=b\nX: y" + b"\n y" * 80_000,
        b"--=b\n" + b"X: y\n" * 50_000,
        (b"--=b" + b" " * 900 + b"\n") * 2000,
        b"--=b\nContent-Type: multipart/x" + b';a="\\' * 100 + b'\n ;a=\\"' * 20_000 + b"\n\n",
        b"\r" * 300_000,
        (b"--=b\nContent-Type: multipart/x; boundary=c\n\n--c\n\n--=b\n" * 5_000),
    ],
    ids=["dashes", "delimiters", "empty parts", "folded", "fields", "blanks", "quotes", "ends", "opened"],
)  # fmt: skip
def test_hostile_structures_take_linear_time(raw: Raw, body: bytes) -> None:
    """Quadratic, it would take many minutes."""
    head = TOP + b'Content-Type: multipart/mixed; boundary="=b"\n\n'
    raw(head + body + b"\n--=b\n\n" + LONG + b"\n--=b--\n")


def test_more_parts_than_a_plan_can_hold_are_refused(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendmail_cli.message.recode.MAX_HEADER", 10_000)
    part = PLAIN_8BIT + b"\r\n\xc3\xbc"
    raw(TOP + multipart("mixed", *[part] * 10)).as_7bit()
    with pytest.raises(DataError, match="too many parts"):
        raw(TOP + multipart("mixed", *[part] * 30)).as_7bit()
    with pytest.raises(DataError, match="the header of the part at line 7 is longer than"):
        raw(TOP + multipart("mixed", b"X: y\r\n" * 2000 + b"\r\n" + LONG))
