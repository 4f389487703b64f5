"""One transaction: its commands, its replies, and who was accepted."""

from typing import Any

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import AddressError, DataError, MessageTooLarge, NotOffered, RemoteProtocolError
from sendmail_cli.smtp.capabilities import Capabilities
from sendmail_cli.smtp.envelope import Demands, ReversePath, envelope_of
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.smtp.transaction import Transaction

ADA = AddrSpec("ada", "example.org")
TWO = (AddrSpec("bob", "example.net"), AddrSpec("eve", "example.net"))


def offering(*extensions: str) -> Capabilities:
    return Capabilities("mx", tuple((line.split()[0], tuple(line.split()[1:])) for line in extensions))


def transaction(
    *extensions: str,
    recipients: tuple[AddrSpec, ...] = TWO,
    size: int = 100,
    is_7bit: bool = True,
    has_utf8_header: bool = False,
) -> Transaction:
    envelope = envelope_of(ReversePath(ADA), recipients)
    return Transaction(envelope, offering(*extensions), size=size, is_7bit=is_7bit, has_utf8_header=has_utf8_header)


def answered(*codes: int, pipelined: bool = True) -> Transaction:
    """A transaction whose commands were answered like this."""
    it = transaction(*(("PIPELINING",) if pipelined else ()))
    it.next_group()
    for code in codes:
        it.receive(Reply(code, ("text",)))
    return it


def lines(it: Transaction) -> list[bytes]:
    return [command.line for command in it.next_group()]


def test_duty06_one_command_at_a_time() -> None:
    it = transaction()
    assert lines(it) == [b"MAIL FROM:<ada@example.org>\r\n"]
    it.receive(Reply(250, ()))
    assert lines(it) == [b"RCPT TO:<bob@example.net>\r\n"]
    it.receive(Reply(250, ()))
    assert lines(it) == [b"RCPT TO:<eve@example.net>\r\n"]
    it.receive(Reply(550, ()))
    assert lines(it) == [b"DATA\r\n"]
    it.receive(Reply(354, ()))
    assert lines(it) == []
    assert it.wants_content


def test_duty06_all_in_one_flight() -> None:
    it = transaction("PIPELINING")
    assert len(lines(it)) == 4
    assert lines(it) == []


@pytest.mark.parametrize("codes", [(550,), (250, 550, 450), (421,)])
def test_trap10_nothing_more_is_said_once_it_leads_nowhere(codes: tuple[int, ...]) -> None:
    it = transaction()
    for code in codes:
        assert lines(it)
        it.receive(Reply(code, ()))
    assert lines(it) == []
    assert not it.wants_content
    assert not it.is_anyone_accepted


@pytest.mark.parametrize(
    ("codes", "content", "lone_dot"),
    [
        ((250, 250, 250, 354), True, False),
        ((250, 550, 251, 354), True, False),
        ((250, 252, 550, 354), True, False),
        ((250, 550, 550, 354), False, True),
        ((550, 503, 503, 354), False, True),
        ((550, 250, 503, 354), False, False),  # MAIL refused and a recipient accepted: no empty message for them
        ((250, 250, 250, 554), False, False),
        ((250, 550, 550, 554), False, False),
    ],
)
def test_trap09_trap11_duty07_what_is_sent_after_data(codes: tuple[int, ...], content: bool, lone_dot: bool) -> None:
    it = answered(*codes)
    assert (it.wants_content, it.wants_lone_dot) == (content, lone_dot)


def test_each_reply_goes_to_its_command() -> None:
    it = answered(250, 251, 550, 354)
    assert it.mail_reply == Reply(250, ("text",))
    assert [reply.code for reply in it.rcpt_replies] == [251, 550]
    assert it.data_reply == Reply(354, ("text",))
    before = it.content_reply
    it.receive(Reply(250, ("queued",)))
    assert before is None
    assert it.content_reply == Reply(250, ("queued",))
    assert not it.is_content_expected
    assert it.is_decided
    assert it.closing_reply is None


@pytest.mark.parametrize(
    ("codes", "verdicts"),
    [
        ((), [None, None]),
        ((550,), ["550 MAIL", "550 MAIL"]),
        ((451, 503, 503, 503), ["451 MAIL", "451 MAIL"]),
        ((250, 250), [None, None]),
        ((250, 550), ["550 RCPT", None]),
        ((250, 251, 450, 354), [None, "450 RCPT"]),
        ((250, 250, 550, 554), ["554 DATA", "550 RCPT"]),
        ((250, 250, 250, 250), [None, None]),
        ((250, 250, 250, 354), [None, None]),
        ((250, 250, 550, 354, 250), ["250 CONTENT", "550 RCPT"]),
        ((250, 250, 250, 354, 552), ["552 CONTENT", "552 CONTENT"]),
        ((250, 250, 421), ["421 CONTENT", "421 RCPT"]),
        ((250, 250, 550, 421), ["421 CONTENT", "550 RCPT"]),
    ],
)
def test_duty07_which_answer_decides_on_a_recipient(codes: tuple[int, ...], verdicts: list[str | None]) -> None:
    found = [answered(*codes).verdict(index) for index in range(2)]
    assert [it and f"{it[0].code} {it[1]}" for it in found] == verdicts


@pytest.mark.parametrize("before", [(), (250,), (250, 250, 250), (250, 250, 250, 354)])
def test_duty10_421_is_kept_wherever_it_comes(before: tuple[int, ...]) -> None:
    assert answered(*before, 421).closing_reply == Reply(421, ("text",))


def test_trap20_duty27_in_doubt_between_the_dot_and_its_answer() -> None:
    it = answered(250, 250, 250, 354)
    seen = [(it.is_in_doubt, it.is_decided)]
    it.is_end_sent = True
    seen.append((it.is_in_doubt, it.is_decided))
    it.receive(Reply(451, ()))
    seen.append((it.is_in_doubt, it.is_decided))
    assert seen == [(False, False), (True, True), (False, True)]


@pytest.mark.parametrize("code", [550, 451, 421])
def test_duty26_an_early_refusal_counts(code: int) -> None:
    it = answered(250, 250, 250, 354)
    it.is_end_sent = True
    it.receive_early(Reply(code, ("no",)))
    assert it.content_reply == Reply(code, ("no",))
    assert not it.is_in_doubt


@pytest.mark.parametrize("code", [250, 354])
def test_duty08_an_early_promise_does_not(code: int) -> None:
    it = answered(250, 250, 250, 354)
    with pytest.raises(RemoteProtocolError, match="before it had the whole message"):
        it.receive_early(Reply(code, ("no",)))
    assert it.content_reply is None


@pytest.mark.parametrize(
    ("extensions", "arguments", "parameters"),
    [
        ((), {}, ""),
        (("SIZE",), {}, " SIZE=100"),
        (("SIZE 100",), {}, " SIZE=100"),
        (("SIZE 0",), {}, " SIZE=100"),
        (("8BITMIME", "SMTPUTF8"), {}, ""),
        (("8BITMIME",), {"is_7bit": False}, " BODY=8BITMIME"),
        (("SMTPUTF8",), {"has_utf8_header": True}, " SMTPUTF8"),
        (
            ("SIZE", "8BITMIME", "SMTPUTF8"),
            {"is_7bit": False, "has_utf8_header": True, "size": 0},
            " SIZE=0 BODY=8BITMIME SMTPUTF8",
        ),
    ],
)
def test_trap18_duty14_parameters_of_mail(
    extensions: tuple[str, ...], arguments: dict[str, Any], parameters: str
) -> None:
    it = transaction(*extensions, **arguments)
    assert lines(it) == [f"MAIL FROM:<ada@example.org>{parameters}\r\n".encode()]


def test_duty14_smtputf8_for_an_address_beyond_ascii() -> None:
    it = transaction("SMTPUTF8", recipients=(AddrSpec("bøb", "example.net"),))
    assert lines(it) == [b"MAIL FROM:<ada@example.org> SMTPUTF8\r\n"]


def test_duty30_requiretls_is_refused_unless_somebody_says_that_the_session_is_secured() -> None:
    envelope = envelope_of(ReversePath(ADA), TWO, demands=Demands(require_tls=True))
    capabilities = offering("REQUIRETLS")
    with pytest.raises(NotOffered, match="verified TLS"):
        Transaction(envelope, capabilities, size=1, is_7bit=True, has_utf8_header=False)
    it = Transaction(envelope, capabilities, size=1, is_7bit=True, has_utf8_header=False, is_secured=True)
    assert lines(it) == [b"MAIL FROM:<ada@example.org> REQUIRETLS\r\n"]


def test_duty13_too_large_for_the_server() -> None:
    with pytest.raises(MessageTooLarge, match=r"has 1,001 octets .* at most 1,000") as caught:
        transaction("SIZE 1000", size=1001)
    assert caught.value.exit_code == 65


def test_duty14_8bit_content_for_a_7bit_server() -> None:
    with pytest.raises(DataError, match="no 8BITMIME"):
        transaction("SIZE", is_7bit=False)


@pytest.mark.parametrize("extensions", [(), ("8BITMIME",)])
def test_duty14_utf8_for_a_server_without_smtputf8(extensions: tuple[str, ...]) -> None:
    with pytest.raises(AddressError, match=r"5\.6\.7"):
        transaction(*extensions, has_utf8_header=True)
    with pytest.raises(AddressError, match=r"5\.6\.7"):
        transaction(*extensions, recipients=(AddrSpec("bøb", "example.net"),))


@pytest.mark.parametrize(
    ("codes", "verdicts"),
    [
        ((550, 503, 503, 503), [(550, "MAIL"), (550, "MAIL")]),
        ((250, 550, 250, 354, 250), [(550, "RCPT"), (250, "CONTENT")]),
        ((250, 250, 250, 354, 552), [(552, "CONTENT"), (552, "CONTENT")]),
        ((250, 250, 250, 451), [(451, "DATA"), (451, "DATA")]),
        ((250, 250, 250, 354), [None, None]),
        ((250, 250, 250, 250), [None, None]),
        ((250, 450, 421), [(450, "RCPT"), (421, "RCPT")]),
        ((250, 421), [(421, "RCPT"), (421, "CONTENT")]),
    ],
)
def test_duty07_which_reply_decides_on_whom_and_what_it_answered(
    codes: tuple[int, ...], verdicts: list[tuple[int, str] | None]
) -> None:
    it = answered(*codes)
    found = [it.verdict(index) for index in range(2)]
    assert [None if one is None else (one[0].code, one[1]) for one in found] == verdicts


def test_duty30_a_session_is_not_secured_unless_it_is_said() -> None:
    envelope = envelope_of(ReversePath(ADA), TWO, demands=Demands(require_tls=True))
    with pytest.raises(NotOffered, match="this connection has none"):
        Transaction(envelope, offering("REQUIRETLS"), size=1, is_7bit=True, has_utf8_header=False)
