"""A ready message arrives as it was given, but for what may never leave and what must not be missing."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import AddressError, DataError, InputOutputError
from sendmail_cli.message.raw import RawMessage, exact_message, raw_message
from sendmail_cli.message.source import open_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendmail_cli.environment import Environment
    from sendmail_cli.submission import Content

    Octets = Callable[[Content], bytes]

DATED = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <m@example.org>\r\n"


TWICE_RESENT = (
    b"Received: x\nResent-From: r@x.org\nResent-To: s@x.org\nResent-Bcc: t@x.org\nResent-From: old@x.org\n"
    b"Resent-To: u@x.org\nFrom: a@x.org\nTo: b@x.org\nBcc: c@x.org\n"
)
RESENT_THROUGH_A_LIST = (
    b"Resent-Sender: q@x.org\nResent-From: r@x.org\nResent-Cc: s@x.org\nReceived: x\nResent-To: u@x.org\nTo: b@x.org\n"
)


@pytest.fixture
def raw(environment: Environment) -> Callable[[bytes], RawMessage]:
    return lambda given: raw_message(io.BytesIO(given), environment)


def addresses(message: RawMessage) -> list[str]:
    return [str(person[1]) for person in message.recipients]


def test_duty58_a_whole_message_passes_byte_for_byte(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    given = (
        b"From: Ada  <ada@example.org>\r\nX-Odd :  a \r\n\t \r\n folded\r\nsubject: =?utf-8?q?x?=\r\n" + DATED
        + b"\r\n.dot\r\n trailing \r\n\r\n"
    )  # fmt: skip
    message = raw(given)
    assert octets(message) == given
    assert (message.message_id, message.is_7bit, message.has_utf8_header) == ("<m@example.org>", True, False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"\na\nb\n", b"\r\na\r\nb\r\n"),
        (b"\na\rb\r\nc\n\rd", b"\r\na\r\nb\r\nc\r\n\r\nd\r\n"),
        (b"\nlone cr at the end\r", b"\r\nlone cr at the end\r\n"),
        (b"\nno end", b"\r\nno end\r\n"),
        (b"\na\r\r\n", b"\r\na\r\n\r\n"),
        (b"\n", b"\r\n"),
        (b"", b""),
        (b"\n\n", b"\r\n\r\n"),
    ],
)
def test_every_end_of_line_becomes_cr_lf(
    given: bytes, expected: bytes, raw: Callable[[bytes], RawMessage], octets: Octets
) -> None:
    assert octets(raw(DATED + given)) == DATED + expected


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_a_message_is_the_same_wherever_its_pieces_end(
    ending: bytes, environment: Environment, octets: Octets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    path.write_bytes((DATED + b"Bcc: x@example.org\r\n\r\nbody\r\n\r\n.\r\nend").replace(b"\r\n", ending))
    for length in range(1, 12):
        monkeypatch.setattr("sendmail_cli.message.source.FileSource.chunks.__defaults__", (length, 0), raising=True)
        monkeypatch.setattr("sendmail_cli.message.raw.CHUNK", length)
        message = raw_message(open_file(str(path)), environment)
        assert octets(message) == DATED + b"\r\nbody\r\n\r\n.\r\nend\r\n"


def test_blind_copies_never_leave(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    given = (
        b"bcc: a@example.org,\n\tb@example.org\n  , c@example.org\nFrom: ada@example.org\nBCC : d@example.org\n"
        b"Resent-Bcc: e@example.org\nX-Bcc: stays\n" + DATED.replace(b"\r\n", b"\n") + b"\nBcc: in the body stays\n"
    )
    message = raw(given)
    assert octets(message) == (b"From: ada@example.org\r\nX-Bcc: stays\r\n" + DATED + b"\r\nBcc: in the body stays\r\n")


def test_duty52_a_lone_cr_can_not_hide_a_blind_copy(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    dated = DATED.replace(b"\r\n", b"\r")
    message = raw(b"Subject: x\rBcc: a@example.org\r" + dated + b"\r")
    assert octets(message) == b"Subject: x\r\n" + DATED + b"\r\n"
    assert addresses(message) == ["a@example.org"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a\n", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\r", b"a\r\n"),
        (b"\r\r\n\n", b"\r\n\r\n\r\n"),
        (b"a\nb\r\nc\rd", b"a\r\nb\r\nc\r\nd\r\n"),
        (b"\n\r", b"\r\n\r\n"),
    ],
)
def test_duty01_every_line_of_a_body_ends_in_cr_lf(
    raw: Callable[[bytes], RawMessage], octets: Octets, body: bytes, expected: bytes
) -> None:
    assert octets(raw(DATED + b"\r\n" + body)) == DATED + b"\r\n" + expected


@pytest.mark.parametrize("end", [b"\r\r\n", b"\n\r", b"\r\r\r\n"])
def test_duty52_line_ends_converted_twice_can_not_make_a_blind_copy_text(
    raw: Callable[[bytes], RawMessage], end: bytes
) -> None:
    lines = [b"Subject: x", b"To: b@example.org", b"Bcc: s@example.org", b"", b"hi", b""]
    with pytest.raises(DataError, match="of the message ends in a CR of its own"):
        raw(end.join(lines))


def test_a_cr_of_its_own_among_lines_that_end_in_lf(raw: Callable[[bytes], RawMessage]) -> None:
    with pytest.raises(DataError, match="line 2 of the message ends in a CR of its own"):
        raw(b"Subject: x\nTo: b@example.org\rBcc: s@example.org\n\nhi\n")


def test_a_very_long_line_of_blind_copies_is_no_fault(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    copies = b", ".join(b"u%d@example.org" % number for number in range(500))
    message = raw(DATED + b"Bcc: " + copies + b"\n\nx")
    assert b"u1@" not in octets(message)
    assert len(message.recipients) == 500


def test_date_and_message_id_are_added_where_they_are_missing(
    raw: Callable[[bytes], RawMessage], octets: Octets
) -> None:
    message = raw(b"From: ada@example.org\nSubject: x\n\nbody\n")
    assert octets(message) == (
        b"From: ada@example.org\r\nSubject: x\r\nDate: Tue, 07 Jul 2026 14:00:00 +0200\r\n"
        b"Message-ID: <abababababababababab.1783425600@example.org>\r\n\r\nbody\r\n"
    )
    assert message.message_id == "<abababababababababab.1783425600@example.org>"
    assert raw(b"Subject: x\n").message_id.endswith("@host.example>")
    assert raw(b"From: nonsense\n").message_id.endswith("@host.example>")


@pytest.mark.parametrize("first", [b"From ada@example.org Mon Jan  1 00:00:00 2024\n", b"From \r\n"])
def test_the_first_line_of_an_mbox_is_dropped(first: bytes, raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    assert octets(raw(first + DATED + b"\r\nFrom here on\r\n")) == DATED + b"\r\nFrom here on\r\n"
    assert str(raw(b"From : ada@example.org\n").sender) == "ada@example.org"  # obsolete, but a field


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (b"", "line 1 is no header field: “”"),
        (b"\nFrom: a@b.c\n", "line 1 is no"),
        (b"Hello Bob,\n\nhow are you?\n", "line 1 is no header field: “Hello Bob,”"),
        (b" folded: x\n", "line 1 is no"),
        (b"From ada\nHello\n", "line 2 is no"),
        (b"From ada\n", "line 2 is no"),
        (b"Subject: x\n more\nHello\n\nBody\n", "line 3 is no header field: “Hello”"),
        (b"Subject: x" + b"y" * 1000 + b"\n", "line 1 of the message has more than 998"),
        (b"Subject: x\n " + b"y" * 998 + b"\n", "line 2 of the message has more than 998"),
        (b"Subject: x\0\n", "line 1 of the message has a NUL"),
        (b"From x\nDKIM-Signature: b\n\nok\n" + b"y" * 999 + b"\n", "line 5 of the message has more than 998"),
        (b"DKIM-Signature: b\n\n" + b"ok\n" * 50_000 + b"y" * 999, "line 50003 of the message has more than 998"),
        (b"DKIM-Signature: b\r\n\r\nok\r\na\0b\r\n", "line 4 of the message has a NUL"),
        (b"DKIM-Signature: b\n\na\0b\n" + b"y" * 2000, "line 3 of the message has a NUL"),
        (b"DKIM-Signature: b\n\n" + b"y" * 2000 + b"\na\0b\n", "line 3 of the message has more"),
    ],
)
def test_what_can_not_be_sent_is_refused_with_its_line(
    given: bytes, match: str, raw: Callable[[bytes], RawMessage]
) -> None:
    with pytest.raises(DataError, match=match) as caught:
        raw(given)
    assert caught.value.exit_code == 65


def test_a_text_without_a_header_is_told_its_flag(raw: Callable[[bytes], RawMessage]) -> None:
    with pytest.raises(DataError) as caught:
        raw(b"Hello\n")
    assert "--body-file" in caught.value.hint


def test_a_header_without_an_end_is_not_collected_for_ever(
    raw: Callable[[bytes], RawMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendmail_cli.message.raw_header.MAX_HEADER", 100_000)
    with pytest.raises(DataError, match="no empty line ends it"):
        raw(b"X: y\n" * 40_000)


def test_a_long_line_is_seen_across_the_pieces_it_is_read_in(
    raw: Callable[[bytes], RawMessage], octets: Octets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendmail_cli.message.raw.CHUNK", 100)
    signed = DATED + b"DKIM-Signature: x\r\n\r\nok\r\n"
    octets(raw(signed + b"x" * 998 + b"\r\n"))
    with pytest.raises(DataError, match="line 6 "):
        raw(signed + b"x" * 999 + b"\r\n")


def test_lines_of_just_998_octets_pass(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    line = b"x" * 998 + b"\r\n"
    given = DATED + b"X: " + b"y" * 995 + b"\r\n\r\n" + line * 400 + b"z" * 998
    assert octets(raw(given)) == given + b"\r\n"


def test_eight_bits_are_told_of(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    body, header = raw(DATED + b"\r\ncaf\xe9\r\n"), raw(DATED + "Subject: ü\r\n\r\n".encode())
    assert (body.is_7bit, body.has_utf8_header) == (False, False)
    assert (header.is_7bit, header.has_utf8_header) == (False, True)
    assert octets(body).endswith(b"caf\xe9\r\n")
    blind = raw(DATED + "Bcc: Jürgen <j@example.org>\r\n\r\n".encode())
    assert (blind.is_7bit, blind.has_utf8_header, addresses(blind)) == (True, False, ["j@example.org"])


@pytest.mark.parametrize(
    ("header", "sender", "recipients"),
    [
        (b"Subject: x\n", "None", []),
        (b"From: Ada <a@x.org>\nTo: b@x.org, G: c@x.org;\ncc: d@x.org\nBcc: e@x.org\nTo: f@x.org\n", "a@x.org",
         ["b@x.org", "c@x.org", "f@x.org", "d@x.org", "e@x.org"]),
        (b"From: a@x.org, b@x.org\nSender: s@x.org\n", "s@x.org", []),
        (b"From: a@x.org, b@x.org\n", "a@x.org", []),
        (b"From: nobody:;\nTo: undisclosed-recipients:;\n", "None", []),
        (b"To:\n b@x.org,\n\tc@x.org\n", "None", ["b@x.org", "c@x.org"]),
        (b"To: =?utf-8?q?J=C3=BCrgen?= <j@x.org>, J\xfcrgen <k@x.org>\n", "None", ["j@x.org", "k@x.org"]),
        (TWICE_RESENT, "r@x.org", ["s@x.org", "t@x.org"]),
        (RESENT_THROUGH_A_LIST, "q@x.org", ["s@x.org"]),
        (b"Resent-To: s@x.org\nFrom: a@x.org\nTo: b@x.org\n", "a@x.org", ["s@x.org"]),
        (b"Resent-Date: x\nTo: b@x.org\n", "None", []),
    ],
)  # fmt: skip
def test_the_envelope_follows_from_the_header(
    header: bytes, sender: str, recipients: list[str], raw: Callable[[bytes], RawMessage]
) -> None:
    message = raw(header + b"\nTo: nobody@x.org\n")
    assert str(message.sender) == sender
    assert addresses(message) == recipients


def test_an_address_that_is_none_stops_only_who_needs_it(raw: Callable[[bytes], RawMessage], octets: Octets) -> None:
    message = raw(b"X: y\nFrom: a@x.org\nTo: broken@\nCc: \xfc@x.org\n\n")
    assert str(message.sender) == "a@x.org"
    octets(message)
    with pytest.raises(AddressError, match="line 3, to: “broken@”"):
        _ = message.recipients
    with pytest.raises(AddressError, match="not valid UTF-8"):
        _ = raw(b"To: \xfc@x.org\n").recipients


def test_many_recipients_take_linear_time(raw: Callable[[bytes], RawMessage]) -> None:
    """Quadratic, it would take hours."""
    many = b",\n ".join(b'"User %d" <user%d@example.org>' % (number, number) for number in range(20_000))
    assert len(raw(b"To: " + many + b"\n\n").recipients) == 20_000
    for nasty in (b"((((" * 50_000, b'"' * 200_000, b"a " * 100_000, b"<" * 200_000, b"\n " * 100_000 + b"a@b.c"):
        folded = b"\n ".join(nasty[at : at + 900] for at in range(0, len(nasty), 900)) if b"\n" not in nasty else nasty
        with contextlib.suppress(AddressError):
            _ = raw(b"To: " + folded + b"\n\n").recipients


def test_a_large_stream_is_kept_on_disk_and_a_changed_file_is_noticed(
    raw: Callable[[bytes], RawMessage], environment: Environment, octets: Octets, tmp_path: Path
) -> None:
    given = DATED + b"\r\n" + b"a line of a long body\r\n" * 100_000
    assert octets(raw(given)) == given
    path = tmp_path / "m"
    path.write_bytes(given)
    message = raw_message(open_file(str(path)), environment)
    path.write_bytes(given + b"more")
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputOutputError, match="changed"):
        list(message.chunks())


def test_duty58_without_fixup_a_message_passes_octet_for_octet(octets: Octets) -> None:
    given = b"X-Odd :  a\r\n\t\r\nFrom: ada@example.org\r\n\r\n.\r\ncaf\xe9\r\n" + b"x" * 998 + b"\r\n"
    message = exact_message(io.BytesIO(given))
    assert octets(message) == given
    assert (message.message_id, message.is_7bit, str(message.sender)) == ("", False, "ada@example.org")
    assert exact_message(io.BytesIO(DATED)).message_id == "<m@example.org>"
    with pytest.raises(
        DataError, match=r"line 6 of the message holds 8-bit octets; nothing may be changed \(--no-fixup"
    ):
        message.as_7bit()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (b"A: b\n\r\n", "line 1 of the message ends in LF alone"),
        (b"A: b\r\n\r\nx\r\r\n", "line 3 of the message holds a CR that stands alone"),
        (b"A: b\r\n\r\nx", "line 3 of the message is the last and has no end"),
        (b"A: b", "line 1 of the message is the last and has no end"),
        (b"From x\r\nA: b\r\n", "line 1 of the message is the first line of an mbox"),
        (b"A: b\r\nResent-BCC: c@x.org\r\n\r\n", "line 2 of the message names blind copies"),
        (b"A: b\r\n\r\n\0\r\n", "line 3 of the message has a NUL"),
        (b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n", "line 3 of the message has more than 998 octets"),
        (b"hello\r\n", "line 1 is no header field"),
    ],
)
def test_without_fixup_what_would_have_to_change_is_refused(given: bytes, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        exact_message(io.BytesIO(given))
    assert caught.value.exit_code == 65
    assert caught.value.hint
