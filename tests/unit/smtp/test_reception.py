"""The server's side of a dialogue: C: what a client says, S: what is answered, by a host that takes everything."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.printable import printable
from sendmail_cli.smtp import asked as server
from sendmail_cli.smtp import reception
from sendmail_cli.smtp.answers import OK, Answer, Offer
from sendmail_cli.smtp.asked import SignInAsked
from sendmail_cli.smtp.content import dot_stuff
from sendmail_cli.smtp.envelope import Demands, Notify, Reporting, Ret
from sendmail_cli.smtp.reception import Reception

OFFER = Offer("here", ("PIPELINING", "8BITMIME", "DSN", "STARTTLS"), max_size=1000)


class Host:
    """Takes everything but <nobody>, and keeps the messages."""

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.messages: list[bytes] = []
        self.asked: list[server.Asked] = []
        self._content = b""

    def hears(self, octets: bytes) -> bytes:
        self.reception.feed(octets)
        while (asked := self.reception.next()) is not None:
            self.asked.append(asked)
            if isinstance(asked, server.Content):
                self._content += asked.octets
            elif isinstance(asked, server.Forgotten):
                self._content = b""
            elif not isinstance(asked, server.Left):
                self.reception.answer(self._decision(asked))
        return self.reception.output()

    def _decision(self, asked: server.Asked) -> Answer | Offer:
        match asked:
            case server.Hello():
                return OFFER
            case server.SenderNamed("evil@x") | server.RecipientNamed("nobody"):
                return Answer(550, "5.1.1", "No such user")
            case server.ContentEnded():
                self.messages.append(self._content)
                self._content = b""
                return Answer(250, "2.0.0", "Taken")
            case SignInAsked("ada", b"secret"):
                return Answer(235, "2.7.0", "Welcome")
            case SignInAsked():
                return Answer(535, "5.7.8", "No")
            case _:
                return OK


def host(**options: object) -> Host:
    started = Host(Reception(OFFER, **options))  # type: ignore[arg-type]
    assert started.hears(b"") == b"220 here ESMTP sendmail-cli\r\n"
    return started


def codes(replies: bytes) -> list[str]:
    return [line[:3].decode() for line in replies.splitlines() if line[3:4] == b" "]


TRANSACTION = b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<nobody>\r\nDATA\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_transaction_in_pieces_of_any_size(size: int) -> None:
    octets = TRANSACTION + b"Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
    there = host()
    replies = b"".join(there.hears(octets[at : at + size]) for at in range(0, len(octets), size))
    assert codes(replies) == ["250", "250", "250", "550", "354", "250", "221"]
    assert there.messages == [b"Subject: x\r\n\r\n.dot\r\n"]
    assert there.reception.is_over


def test_the_offer() -> None:
    replies = host(mechanisms=("PLAIN", "LOGIN")).hears(b"EHLO x\r\n")
    assert replies.splitlines() == [
        b"250-here", b"250-PIPELINING", b"250-8BITMIME", b"250-DSN", b"250-STARTTLS", b"250-SIZE 1000",
        b"250 AUTH PLAIN LOGIN",
    ]  # fmt: skip


def test_helo_is_answered_with_a_name_alone() -> None:
    assert host().hears(b"HELO x\r\n") == b"250 here\r\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"MAIL FROM:<a@x>\r\n", ["503"]),
        (b"EHLO\r\n", ["501"]),
        (b"EHLO x\r\nRCPT TO:<a@x>\r\n", ["250", "503"]),
        (b"EHLO x\r\nDATA\r\n", ["250", "503"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nDATA\r\n", ["250", "250", "554"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<nobody>\r\nDATA\r\n", ["250", "250", "550", "554"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nMAIL FROM:<b@x>\r\n", ["250", "250", "503"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nRSET\r\nMAIL FROM:<b@x>\r\n", ["250", "250", "250", "250"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nEHLO y\r\nRCPT TO:<b@x>\r\n", ["250", "250", "250", "503"]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\n", ["250", "250", "501"]),
        (b"EHLO x\r\nMAIL a@x\r\n", ["250", "501"]),
        (b"EHLO x\r\nMAIL FROM:a@x\r\n", ["250", "250"]),
        (b"EHLO x\r\nmail from: <a@x> size=10 body=8bitmime\r\n", ["250", "250"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> SIZE=1001\r\n", ["250", "552"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> SIZE=-1\r\n", ["250", "501"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> BODY=BINARYMIME\r\n", ["250", "501"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> SMTPUTF8\r\n", ["250", "555"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> RET=HDRS ENVID=x\r\nRCPT TO:<b@x> NOTIFY=NEVER\r\n", ["250", "250", "250"]),
        (b"EHLO x\r\nMAIL FROM:<a@x> SIZE=1 SIZE=2\r\n", ["250", "501"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x> NOTIFY=NOW\r\n", ["250", "250", "501"]),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x> XFOO=1\r\n", ["250", "250", "555"]),
        (b"EHLO x\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<b@x>\r\n", ["250", "550", "503"]),
        (b"EHLO x\r\nMAIL FROM:<a@x\r\n", ["250", "501"]),
        (b"EHLO x\r\nRSET x\r\nDATA x\r\n", ["250", "501", "501"]),
        (b"NOOP\r\nHELP\r\nVRFY a\r\nVRFY\r\nEXPN x\r\n", ["250", "214", "252", "501", "500"]),
        (b"\r\n", ["500"]),
        (b"EHLO \xff\r\n", ["500"]),
        (b"EHLO a\0b\r\n", ["500"]),
        (b"EHLO " + b"x" * 20000 + b"\r\nNOOP\r\n", ["500", "250"]),
        (b"AUTH PLAIN\r\n", ["503"]),
        (b"EHLO x\r\nAUTH PLAIN\r\n", ["250", "504"]),
        (b"EHLO x\r\nSTARTTLS now\r\nSTARTTLS\r\n", ["250", "501", "250"]),
    ],
)  # fmt: skip
def test_commands_out_of_order_or_out_of_shape(lines: bytes, expected: list[str]) -> None:
    assert codes(host().hears(lines)) == expected


def test_what_is_asked_for_is_handed_on() -> None:
    there = host()
    there.hears(b"EHLO x\r\nMAIL FROM:<a@x> RET=hdrs ENVID=a+20b\r\nRCPT TO:<b@x> NOTIFY=delay ORCPT=rfc822;c@x\r\n")
    mail, rcpt = there.asked[-2:]
    assert isinstance(mail, server.SenderNamed)
    assert isinstance(rcpt, server.RecipientNamed)
    assert mail.demands == Demands(Ret.HEADERS, "a b", are_reports_ours=True)
    assert rcpt.reporting == Reporting((Notify.DELAY,), "rfc822;c@x")


def test_a_source_route_is_passed_over_and_quotes_are_kept() -> None:
    there = host()
    there.hears(b'EHLO x\r\nMAIL FROM:<@r1,@r2:a@x>\r\nRCPT TO:<"a > b"@x>\r\nRCPT TO:<root>\r\n')
    paths = [asked.path for asked in there.asked if isinstance(asked, server.SenderNamed | server.RecipientNamed)]
    assert paths == ["a@x", '"a > b"@x', "root"]


def test_a_message_that_is_too_large_is_refused_and_forgotten() -> None:
    there = host()
    replies = there.hears(TRANSACTION + b"x" * 990 + b"\r\n" + b"y" * 20 + b"\r\n.\r\nMAIL FROM:<c@x>\r\n")
    assert codes(replies) == ["250", "250", "250", "550", "354", "552", "250"]
    assert there.messages == []


def test_a_browser_does_not_get_as_far_as_mail() -> None:
    there = host()
    assert codes(there.hears(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nEHLO x\r\nMAIL FROM:<a@x>\r\n")) == ["421"]
    assert there.reception.is_over
    assert not any(isinstance(asked, server.SenderNamed) for asked in there.asked)


def test_whoever_only_errs_is_turned_away() -> None:
    replies = codes(host().hears(b"NONSENSE\r\n" * 30))
    assert replies == ["500"] * (reception.MAX_FAULTS - 1) + ["421"]


def test_more_recipients_than_anybody_needs_are_for_another_transaction() -> None:
    lines = b"".join(b"RCPT TO:<u%d@x>\r\n" % number for number in range(reception.MAX_RECIPIENTS + 1))
    replies = codes(host().hears(b"EHLO x\r\nMAIL FROM:<a@x>\r\n" + lines))
    assert replies[-2:] == ["250", "452"]


def test_a_flight_with_far_too_many_recipients_is_answered_to_its_end() -> None:
    """No 421 (RFC 5321 §4.5.3.1.10): the client sends the message, and then to the others by another transaction."""
    first = b"MAIL FROM:<a@x>\r\n" + b"".join(b"RCPT TO:<u%d@x>\r\n" % number for number in range(1500)) + b"DATA\r\n"
    rest = b"MAIL FROM:<a@x>\r\n" + b"".join(b"RCPT TO:<u%d@x>\r\n" % number for number in range(500)) + b"DATA\r\n"
    there = host()
    there.hears(b"EHLO x\r\n")
    content = b"Subject: x\r\n\r\nx\r\n"
    assert codes(there.hears(first)) == ["250"] * 1001 + ["452"] * 500 + ["354"]
    assert codes(there.hears(content + b".\r\n" + rest)) == ["250"] * 502 + ["354"]
    assert codes(there.hears(content + b".\r\nQUIT\r\n")) == ["250", "221"]
    assert there.messages == [content] * 2


@pytest.mark.parametrize("mail", [b"MAIL FROM:<a@x> SIZE=1001\r\n", b"MAIL FROM:<a@x\r\n", b"MAIL FROM:<a@x> X=1\r\n"])
def test_a_flight_after_a_sender_who_is_refused_is_answered_to_its_end(mail: bytes) -> None:
    replies = codes(host().hears(b"EHLO x\r\n" + mail + b"RCPT TO:<b@x>\r\n" * 100 + b"DATA\r\nQUIT\r\n"))
    assert replies[2:] == ["503"] * 101 + ["221"]


def test_recipients_without_any_sender_are_errors() -> None:
    assert codes(host().hears(b"EHLO x\r\n" + b"RCPT TO:<b@x>\r\n" * 100))[-1] == "421"


def test_starttls_where_there_is_none() -> None:
    without = Reception(Offer("here"))
    without.feed(b"STARTTLS\r\n")
    assert without.next() is None
    assert codes(without.output()) == ["220", "502"]


def test_it_says_where_it_is() -> None:
    there = host()
    there.hears(TRANSACTION)
    assert there.reception.hello == server.Hello("x", is_extended=True)


def test_lines_in_line_feeds_end_a_content_that_began_so_and_no_other() -> None:
    """`-bs` hears programs that write LF; a CR LF dialogue must not end its content at LF . LF (smuggling)."""
    there = host()
    there.hears(TRANSACTION.replace(b"\r\n", b"\n") + b"hello\n.\nQUIT\n")
    assert there.messages == [b"hello\n"]
    there = host()
    there.hears(TRANSACTION + b"hello\n.\nMAIL FROM:<evil@x>\r\n.\r\n")
    assert there.messages == [b"hello\n.\nMAIL FROM:<evil@x>\r\n"]


def test_nothing_that_came_along_with_starttls_is_heard_under_tls() -> None:
    there = host()
    there.reception.feed(b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@x>\r\n")
    asked = [there.reception.next() for _ in range(2)]
    assert isinstance(asked[1], server.Hello)
    there.reception.answer(OFFER)
    assert isinstance(there.reception.next(), server.TLSAsked)
    there.reception.answer(Answer(220, "2.0.0", "Go on"))
    there.reception.secured()
    assert there.reception.next() is None
    assert there.reception.hello is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"AUTH PLAIN " + base64.b64encode(b"\0ada\0secret")], ["235"]),
        ([b"AUTH PLAIN", base64.b64encode(b"\0ada\0secret")], ["334", "235"]),
        ([b"auth login", base64.b64encode(b"ada"), base64.b64encode(b"secret")], ["334", "334", "235"]),
        ([b"AUTH LOGIN " + base64.b64encode(b"ada"), base64.b64encode(b"secret")], ["334", "235"]),
        ([b"AUTH PLAIN " + base64.b64encode(b"\0ada\0wrong")], ["535"]),
        ([b"AUTH PLAIN", b"*"], ["334", "501"]),
        ([b"AUTH PLAIN", b"not base64"], ["334", "501"]),
        ([b"AUTH PLAIN ="], ["501"]),
        ([b"AUTH CRAM-MD5"], ["504"]),
    ],
)
def test_sign_in(lines: list[bytes], expected: list[str]) -> None:
    there = host(mechanisms=("PLAIN", "LOGIN"), is_sign_in_needed=True)
    there.hears(b"EHLO x\r\n")
    assert codes(b"".join(there.hears(line + b"\r\n") for line in lines)) == expected
    allowed = "250" if expected[-1] == "235" else "530"
    assert codes(there.hears(b"MAIL FROM:<a@x>\r\n")) == [allowed]


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(SignInAsked("ada", b"secret"))


@given(st.lists(st.sampled_from([b"a", b".", b"..", b"\r\n", b"\n", b"\r", b"x" * 70000])), st.integers(1, 9))
def test_what_a_client_stuffs_comes_out_as_it_was(parts: list[bytes], pieces: int) -> None:
    content = b"".join(parts)
    if not content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n"):
        return
    octets = TRANSACTION + b"".join(dot_stuff([content])) + b".\r\nNOOP\r\n"
    there = Host(Reception(OFFER._replace(max_size=None)))
    there._decision = lambda asked: _unlimited(there, asked)  # type: ignore[method-assign]
    step = max(len(octets) // pieces, 1)
    replies = b"".join(there.hears(octets[at : at + step]) for at in range(0, len(octets), step))
    assert codes(replies)[-2:] == ["250", "250"]
    assert there.messages == [content if content.endswith(b"\r\n") or not content else content + b"\r\n"]


def _unlimited(there: Host, asked: server.Asked) -> Answer | Offer:
    decision = Host._decision(there, asked)
    return decision._replace(max_size=None) if isinstance(decision, Offer) else decision


@given(st.binary(max_size=300))
def test_any_octets_are_answered_or_waited_for(octets: bytes) -> None:
    there = host()
    for line in there.hears(b"EHLO x\r\n" + octets + b"\r\n").splitlines():
        assert line[:3].isdigit()
        assert printable(line.decode()) == line.decode()
