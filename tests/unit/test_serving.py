"""A client's dialogue by a channel: what is kept, what is forgotten, and when the client goes away."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli import serving
from sendmail_cli.errors import InputOutputError
from sendmail_cli.message.source import Keeper
from sendmail_cli.serving import DescriptorChannel, Ending, ReceivedMail, SocketChannel, serve
from sendmail_cli.smtp.answers import OK, Answer, Offer
from sendmail_cli.smtp.reception import Reception

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.smtp.asked import RecipientNamed, SenderNamed, SignInAsked

HELLO = b"EHLO client.example\r\n"
ENVELOPE = b"MAIL FROM:<ada@example.org>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"


class Clerk:
    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []

    def offer(self, *, is_secured: bool) -> Offer:
        return Offer("here", ("PIPELINING",) if is_secured else ("PIPELINING", "STARTTLS"))

    def sender(self, named: SenderNamed) -> Answer:
        return OK

    def recipient(self, named: RecipientNamed) -> Answer:
        return Answer(550, "5.1.1", "No") if named.path.startswith("nobody") else OK

    def sign_in(self, asked: SignInAsked) -> Answer:
        return Answer(235, "2.7.0", "Ok") if asked.password == b"secret" else Answer(535, "5.7.8", "No")

    def take(self, mail: ReceivedMail) -> Answer:
        self.mails.append(mail)
        return Answer(250, "2.0.0", "Taken")

    @property
    def contents(self) -> list[bytes]:
        return [b"".join(mail.source.chunks()) for mail in self.mails]


class Script:
    """A channel that gives what is written down, b"" at its end."""

    def __init__(self, *pieces: bytes | type[Exception]) -> None:
        self.pieces = list(pieces)
        self.written = b""

    def read(self) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if not isinstance(piece, bytes):
            raise piece
        return piece

    def write(self, octets: bytes) -> None:
        self.written += octets

    def start_tls(self) -> None:
        self.written += b"(hands shaken)\r\n"

    @property
    def codes(self) -> list[bytes]:
        return [line[:3] for line in self.written.splitlines() if line[3:4] == b" "]


def served(*pieces: bytes | type[Exception], mechanisms: tuple[str, ...] = ()) -> tuple[Script, Clerk]:
    script, clerk = Script(*pieces), Clerk()
    serve(script, Reception(Offer("here"), mechanisms=mechanisms), clerk)
    return script, clerk


def test_a_message_with_its_envelope() -> None:
    script, clerk = served(HELLO + ENVELOPE + b"DATA\r\nSubject: x\r\n\r\nhel", b"lo\r\n.\r\nQUIT\r\n")
    [mail] = clerk.mails
    assert (mail.hello.name, mail.sender.path) == ("client.example", "ada@example.org")
    assert [recipient.path for recipient in mail.recipients] == ["bob@example.org"]
    assert clerk.contents == [b"Subject: x\r\n\r\nhello\r\n"]
    assert script.codes == [b"220", b"250", b"250", b"250", b"550", b"354", b"250", b"221"]


def test_two_messages_have_nothing_of_each_other() -> None:
    data = b"DATA\r\n%b\r\n.\r\n"
    _, clerk = served(HELLO, ENVELOPE + data % b"one", b"MAIL FROM:<>\r\nRCPT TO:<eve@example.org>\r\n" + data % b"two")
    assert clerk.contents == [b"one\r\n", b"two\r\n"]
    assert [recipient.path for recipient in clerk.mails[1].recipients] == ["eve@example.org"]


def test_a_client_that_leaves_before_the_dot_sent_nothing() -> None:
    _, clerk = served(HELLO + ENVELOPE + b"DATA\r\nSubject: half a mess")
    assert clerk.mails == []


def test_a_client_that_is_silent_for_too_long_is_told_so() -> None:
    script, _ = served(HELLO, TimeoutError)
    assert script.codes[-1] == b"421"


def test_a_reset_forgets_the_transaction() -> None:
    script, clerk = served(HELLO + ENVELOPE + b"RSET\r\nDATA\r\n")
    assert script.codes[-2:] == [b"250", b"503"]
    assert clerk.mails == []


def test_a_message_that_can_not_be_kept_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise InputOutputError("no space left on device")

    monkeypatch.setattr(Keeper, "add", full)
    script, clerk = served(HELLO + ENVELOPE + b"DATA\r\none", b"two\r\n.\r\n", b"NOOP\r\n")
    assert script.codes[-2:] == [b"452", b"250"]
    assert clerk.mails == []


def test_tls_stands_between_two_greetings() -> None:
    script, _ = served(HELLO + b"STARTTLS\r\n", HELLO)
    before, _, after = script.written.partition(b"(hands shaken)\r\n")
    assert before.endswith(b"220 2.0.0 Ready to start TLS\r\n")
    assert b"STARTTLS" not in after


def test_a_sign_in_is_the_clerks_decision() -> None:
    script, _ = served(HELLO, b"AUTH PLAIN AGEAc2VjcmV0\r\n", mechanisms=("PLAIN",))
    assert script.codes[-1] == b"235"


def test_standard_input_and_output() -> None:
    """A program that writes its part at once and reads afterwards, as nmh does by -bs."""
    (reading, theirs), (ours, writing) = os.pipe(), os.pipe()
    os.write(theirs, HELLO + ENVELOPE + b"DATA\r\nhello\r\n.\r\nQUIT\r\n")
    os.close(theirs)
    clerk = Clerk()
    serve(DescriptorChannel(reading, writing), Reception(Offer("here")), clerk)
    os.close(writing)
    assert os.read(ours, 10000).endswith(b"250 2.0.0 Taken\r\n221 2.0.0 Bye\r\n")
    assert clerk.contents == [b"hello\r\n"]
    for descriptor in (reading, ours):
        os.close(descriptor)


def test_no_tls_by_standard_input() -> None:
    with pytest.raises(OSError, match="never offered"):
        DescriptorChannel(0, 1).start_tls()


def read_on(channel: SocketChannel, times: int) -> None:
    for _ in range(times):
        channel.read()


class TestSocket:
    @pytest.fixture
    def pair(self) -> Iterator[tuple[SocketChannel, socket.socket]]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield SocketChannel(ours), theirs

    @pytest.fixture(autouse=True)
    def little_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, seconds in (("PATIENCE", 0.05), ("SLICE", 0.005), ("SLOW_READ", 0.01)):
            monkeypatch.setattr(serving, name, seconds)

    def test_silence_ends(self, pair: tuple[SocketChannel, socket.socket]) -> None:
        with pytest.raises(TimeoutError):
            pair[0].read()

    def test_octet_by_octet_is_heard_for_a_while(
        self, pair: tuple[SocketChannel, socket.socket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving, "READ_SIZE", 1)
        channel, theirs = pair
        theirs.sendall(b"x" * 50)
        for _ in range(4):
            assert channel.read() == b"x"
        with pytest.raises(TimeoutError):
            read_on(channel, 6)

    def test_whoever_sends_as_usual_is_heard_on(self, pair: tuple[SocketChannel, socket.socket]) -> None:
        channel, theirs = pair
        for _ in range(50):
            theirs.sendall(b"x" * 1000)
            assert channel.read() == b"x" * 1000

    def test_who_says_nothing_when_we_end_is_told(self, pair: tuple[SocketChannel, socket.socket]) -> None:
        channel, theirs = pair
        theirs.sendall(b"NOOP\r\n")
        channel.wind_up()
        assert channel.read() == b"NOOP\r\n"
        with pytest.raises(Ending):
            channel.read()

    def test_the_end_is_said(self) -> None:
        script, clerk = served(HELLO + ENVELOPE, Ending)
        assert script.written.endswith(b"421 4.3.2 Shutting down; come again\r\n")
        assert clerk.mails == []
