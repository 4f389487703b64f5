"""The order of a dialogue and its deadlines. Most of it is in tests/dialogues."""

from base64 import b64encode

import pytest

from sendmail_cli.errors import (
    AuthenticationFailed,
    CommandRefused,
    ConnectionLost,
    DeadlineExceeded,
    LocalProtocolError,
    MailError,
    RemoteProtocolError,
    SpoolError,
    TokenRejected,
)
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, Timeouts, TLSMode
from sendmail_cli.session import Session
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.replies import Reply
from sendmail_cli.smtp.sasl import OAuthBearer, Plain
from sendmail_cli.smtp.transaction import QUIT, Transaction
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.dialogue import Clock, MemoryStream, as_stream, content_of, submission_of
from tests.support.scripted_server import parse_script

BY_TOKEN = b64encode(b"n,a=ada,\1auth=Bearer t0ken\1\1").decode()
HELLO = "S: 220 mx\nC: EHLO x\nS: 250 mx\n"
TO_CONTENT = HELLO + (
    "C: MAIL FROM:<ada@example.org>\nS: 250 ok\nC: RCPT TO:<bob@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\n"
)


class Played:
    """A session with a server that plays a script."""

    def __init__(self, script: str, *, is_lmtp: bool = False) -> None:
        self.clock = Clock()
        self.stream = MemoryStream(parse_script(script), lambda data: [data] if data else [], self.clock, is_local=True)
        self.events: list[TraceEvent] = []
        trace = Trace(self.clock, self.events.append)
        self.session = Session(as_stream(self.stream), trace, Timeouts(), self.clock, is_lmtp=is_lmtp)

    def say_hello(self) -> Session:
        self.session.greet()
        self.session.hello("x")
        return self.session

    def transact(self, data: bytes) -> Transaction:
        submission = submission_of(data)
        self.transaction = Transaction(
            submission.envelope, self.session.capabilities, size=len(data), is_7bit=True, has_utf8_header=False
        )
        self.session.transact(self.transaction, content_of(data), lambda: QUIT)
        return self.transaction


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (Server("mx.example.com", 587), "mx.example.com:587"),
        (Server("2001:db8::1", 25), "[2001:db8::1]:25"),
        (Server("", 0, socket_path="/run/smtp"), "/run/smtp"),
    ],
)
def test_a_server_is_named_as_it_is_typed(server: Server, expected: str) -> None:
    assert str(server) == expected


def test_duty30_tls_is_demanded_and_verified_unless_told_otherwise() -> None:
    assert Server("mx", 587).tls is TLSMode.STARTTLS
    assert Server("mx", 587).is_verified


def test_duty21_the_timeouts_of_the_rfc() -> None:
    timeouts = Timeouts()
    assert (timeouts.greeting, timeouts.command, timeouts.data, timeouts.block, timeouts.content) == (
        300,
        300,
        120,
        180,
        600,
    )


def test_duty27_a_cap_leaves_the_wait_after_the_final_dot() -> None:
    assert Timeouts().capped(None) == Timeouts()
    assert Timeouts().capped(5.0) == Timeouts(5, 5, 5, 5, 5, 5, 600, 2)


def test_a_command_and_its_answer_whatever_it_says() -> None:
    played = Played(HELLO + "C: VRFY ada\nS: 252 perhaps\nC: NOOP\nS: 500 what?\nC: QUIT\nS: 221 bye\n")
    session = played.say_hello()
    assert session.command(commands.verbatim("vrfy ada")) == Reply(252, ("perhaps",))
    assert session.command(commands.NOOP) == Reply(500, ("what?",))
    session.quit()
    assert played.stream.verdict() == ""
    assert [event.text for event in played.events if event.kind == "sent"] == ["EHLO x", "VRFY ada", "NOOP", "QUIT"]


def test_duty06_a_command_out_of_order_is_not_sent() -> None:
    session = Played(HELLO).say_hello()
    with pytest.raises(LocalProtocolError):
        session.command(commands.DATA)


@pytest.mark.parametrize(
    ("script", "kind", "exit_code"),
    [
        ("S: 554 no\n", CommandRefused, 69),
        ("S: 421 no\n", CommandRefused, 75),
        ("S: 220 mx\nC: EHLO x\nS: 550 no\n", CommandRefused, 69),
        ("S: 220 mx\nC: EHLO x\nS: 500 no\nC: HELO x\nS: 504 no\n", CommandRefused, 76),
    ],
)
def test_who_is_not_welcome(script: str, kind: type[MailError], exit_code: int) -> None:
    played = Played(script)
    with pytest.raises(kind) as caught:
        played.say_hello()
    assert caught.value.exit_code == exit_code
    assert caught.value.server_reply.endswith("no")


def test_a_server_that_speaks_another_protocol_is_named() -> None:
    with pytest.raises(CommandRefused, match="knows neither EHLO nor HELO") as caught:
        Played("S: 220 mx\nC: EHLO x\nS: 500 no\nC: HELO x\nS: 500 no\n").say_hello()
    assert "lmtp://" in caught.value.hint
    with pytest.raises(CommandRefused, match="does not speak LMTP") as caught:
        Played("S: 220 mx\nC: LHLO x\nS: 500 no\n", is_lmtp=True).say_hello()
    assert "smtp://" in caught.value.hint
    with pytest.raises(CommandRefused, match="refused our name x"):
        Played("S: 220 mx\nC: LHLO x\nS: 550 no\n", is_lmtp=True).say_hello()


def test_a_server_that_closes_refuses_no_name() -> None:
    with pytest.raises(CommandRefused, match="turned us away"):
        Played("S: 220 mx\nC: EHLO x\nS: 421 no\n").say_hello()


def test_duty21_each_phase_has_its_own_deadline() -> None:
    played = Played("S! stall\n")
    with pytest.raises(DeadlineExceeded, match="did not greet us within 300 seconds") as caught:
        played.session.greet()
    assert played.clock.now == 1300
    assert "--tls implicit" in caught.value.hint
    played = Played("S: 220 mx\nC: EHLO x\nS! stall\n")
    with pytest.raises(DeadlineExceeded, match="did not answer to EHLO within 300 seconds") as caught:
        played.say_hello()
    assert caught.value.hint == ""
    played = Played(TO_CONTENT.removesuffix("S: 354 go\n") + "S! stall\n")
    played.say_hello()
    with pytest.raises(DeadlineExceeded, match="DATA within 120 seconds"):
        played.transact(b"x\r\n")
    played = Played(TO_CONTENT + "C: x\nC: .\nS! stall\n")
    played.say_hello()
    with pytest.raises(DeadlineExceeded, match="end of the content within 600 seconds"):
        played.transact(b"x\r\n")
    assert played.transaction.is_in_doubt


def test_duty16_quit_waits_two_seconds_and_never_raises() -> None:
    played = Played(HELLO + "C: QUIT\nS! stall\n")
    played.say_hello().quit()
    assert played.clock.now == 1002
    for rest in ("S! close\n", "S: oops\n", "S: 250 unasked\n", "C: QUIT\nS! close\n", "C: QUIT\nS: 354 eh\n"):
        played = Played(HELLO + rest)
        played.say_hello().quit()
        assert played.stream.verdict() == ""


def test_duty16_writing_quit_takes_no_longer_either() -> None:
    played = Played(HELLO)
    session = played.say_hello()
    deadlines: list[float] = []

    def write(data: bytes, deadline: float) -> None:
        deadlines.append(deadline)
        raise DeadlineExceeded("the server took too long to take what we sent")

    played.stream.write = write  # type: ignore[method-assign] # a server that takes nothing
    session.quit()
    assert deadlines == [1002]


def test_no_quit_before_the_greeting() -> None:
    played = Played("S! stall\n")
    played.session.quit()
    assert played.stream.verdict() == ""


class Mechanical:
    """A mechanism that answers whatever it is asked."""

    name = "XFOO"
    why = ""
    is_token_rejected = False

    def initial_response(self) -> bytes | None:
        return b""

    def respond(self, challenge: bytes) -> bytes:
        return challenge[::-1]

    def secrets(self) -> tuple[str, ...]:
        return ("hunter2",)

    def check_end(self) -> None:
        self.is_ended = True


def test_an_exchange_of_challenges() -> None:
    played = Played(
        "S: 220 mx\nC: EHLO x\nS: 250-mx\nS: 250 AUTH XFOO\n"
        "C: AUTH XFOO =\nS: 334 YWJj\nC: Y2Jh\nS: 334 \nC:\nS: 235 ok\n"
    )
    session = played.say_hello()
    assert session.authenticate(Mechanical()) == Reply(235, ("ok",))
    assert "***" in [event.text for event in played.events]


def test_a_token_that_has_ended_is_told_from_one_that_is_refused() -> None:
    def rejected(status: str, refusal: str = "535 5.7.8 no") -> AuthenticationFailed:
        challenge = b64encode(status.encode()).decode()
        played = Played(f"{HELLO}C: AUTH OAUTHBEARER {BY_TOKEN}\nS: 334 {challenge}\nC: AQ==\nS: {refusal}\n")
        with pytest.raises(AuthenticationFailed) as caught:
            played.say_hello().authenticate(OAuthBearer("ada", Secret("t0ken")))
        assert "t0ken" not in str(caught.value)
        return caught.value

    assert type(rejected('{"status": "invalid_token"}')) is TokenRejected
    assert type(rejected('{"status": "401", "schemes": "bearer"}')) is TokenRejected
    assert type(rejected('{"status": 401}')) is TokenRejected
    for other in ('{"status": "insufficient_scope"}', '{"status": "400"}', '["invalid_token"]', "nonsense", "{}", ""):
        assert type(rejected(other)) is AuthenticationFailed
    assert type(rejected('{"status": "invalid_token"}', "454 4.7.0 later")) is AuthenticationFailed


@pytest.mark.parametrize(
    ("refusal", "expected"), [("535 5.7.3 no", TokenRejected), ("454 4.7.0 later", AuthenticationFailed)]
)
def test_a_token_that_is_refused_without_a_word_may_have_ended(refusal: str, expected: type[MailError]) -> None:
    played = Played(f"{HELLO}C: AUTH OAUTHBEARER {BY_TOKEN}\nS: {refusal}\n")
    with pytest.raises(AuthenticationFailed) as caught:
        played.say_hello().authenticate(OAuthBearer("ada", Secret("t0ken")))
    assert type(caught.value) is expected


def test_duty34_endless_challenges_end() -> None:
    played = Played(HELLO + "C: AUTH XFOO =\n" + "S: 334 YWJj\nC: Y2Jh\n" * 20 + "S: 334 YWJj\n")
    with pytest.raises(RemoteProtocolError, match="never decides"):
        played.say_hello().authenticate(Mechanical())


def test_duty37_secrets_are_known_before_the_first_octet_goes_out() -> None:
    played = Played(HELLO + "C: AUTH PLAIN AGFkYQBodW50ZXIy\nS: 535 5.7.8 hunter2 HUNTER2 aHVudGVyMg==\n")
    with pytest.raises(AuthenticationFailed) as caught:
        played.say_hello().authenticate(Plain("ada", Secret("hunter2")))
    assert caught.value.server_reply == "535 5.7.8 *** *** ***"
    assert not any("unter2" in event.text or "AGFk" in event.text for event in played.events)


@pytest.mark.parametrize("line", ["250 hunter2", "421 hunter2", "hunter2"])
def test_duty37_nor_in_what_nobody_asked_for(line: str) -> None:
    played = Played(HELLO + f"C: AUTH PLAIN AGFkYQBodW50ZXIy\nS: 235 ok\nS: {line}\n")
    session = played.say_hello()
    session.authenticate(Plain("ada", Secret("hunter2")))
    with pytest.raises(MailError) as caught:
        session.command(commands.NOOP)
    error = caught.value
    assert "hunter2" not in f"{error}{error!r}{error.sentence}{error.server_reply}{error.args}"


def test_trap14_a_line_behind_354_is_not_the_answer_to_the_content() -> None:
    played = Played(TO_CONTENT + "S: 250 queued\n")
    played.say_hello()
    with pytest.raises(RemoteProtocolError, match="before it had the whole message"):
        played.transact(b"x\r\n")
    assert not played.transaction.is_in_doubt
    assert not played.session.connection.may_quit


def test_trap11_a_lone_dot_has_no_verdict() -> None:
    script = (
        "S: 220 mx\nC: EHLO x\nS: 250-mx\nS: 250 PIPELINING\n"
        "C: MAIL FROM:<ada@example.org>\nC: RCPT TO:<bob@example.net>\nC: DATA\n"
        "S: 250 ok\nS: 550 no\nS: 354 go\nC: .\nS: 250 queued\n"
    )
    played = Played(script)
    played.say_hello()
    assert played.transact(b"x\r\n").content_reply is None
    assert not played.transaction.is_in_doubt


def test_duty27_whether_the_dot_went_out_is_for_the_stream_to_say() -> None:
    for unsent, in_doubt in ((0, True), (1, False)):
        played = Played(TO_CONTENT + "C: x\nC: .\n")
        played.say_hello()

        def write(data: bytes, deadline: float, unsent: int = unsent, stream: MemoryStream = played.stream) -> None:
            if data.endswith(b".\r\n"):
                stream.unsent = unsent
                raise KeyboardInterrupt
            MemoryStream.write(stream, data, deadline)

        played.stream.write = write  # type: ignore[method-assign] # interrupted at the dot
        with pytest.raises(KeyboardInterrupt):
            played.transact(b"x\r\n")
        assert played.transaction.is_in_doubt == in_doubt


@pytest.mark.parametrize(("unsent", "in_doubt"), [(0, True), (1, False)])
def test_duty26_duty27_a_connection_lost_with_the_dot_unsent_is_no_doubt(unsent: int, in_doubt: bool) -> None:
    played = Played(TO_CONTENT + "C~\n")
    played.say_hello()

    def write(data: bytes, deadline: float) -> None:
        if data.endswith(b".\r\n"):
            played.stream.unsent = unsent
            raise ConnectionLost("the connection to the server broke: broken pipe")
        MemoryStream.write(played.stream, data, deadline)

    played.stream.write = write  # type: ignore[method-assign] # broken at the dot
    with pytest.raises(ConnectionLost, match="broken pipe"):
        played.transact(b"x\r\n")
    assert played.transaction.is_in_doubt == in_doubt


def test_whoever_must_know_of_it_before_can_keep_the_last_octets_back() -> None:
    """As the queue does, which marks the message first and may have no room for that."""

    def refuse() -> None:
        assert not played.transaction.is_end_sent
        raise SpoolError("no mark, no message")

    written: list[bytes] = []

    def write(data: bytes, deadline: float) -> None:
        written.append(data)
        MemoryStream.write(played.stream, data, deadline)

    played = Played(TO_CONTENT + "C~\n")
    played.say_hello()
    played.session.on_end = refuse
    played.stream.write = write  # type: ignore[method-assign] # listened to
    with pytest.raises(SpoolError, match="no mark"):
        played.transact(b"x\r\n")
    assert not played.transaction.is_in_doubt
    assert not any(b".\r\n" in data for data in written)


@pytest.mark.parametrize(("unsent", "in_doubt"), [(0, True), (len("QUIT\r\n"), True), (len("QUIT\r\n") + 1, False)])
def test_duty27_the_quit_behind_the_dot_makes_no_difference(unsent: int, in_doubt: bool) -> None:
    played = Played(
        "S: 220 mx\nC: EHLO x\nS: 250-mx\nS: 250 PIPELINING\nC: MAIL FROM:<ada@example.org>\n"
        "C: RCPT TO:<bob@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC~\n"
    )
    played.say_hello()

    def write(data: bytes, deadline: float) -> None:
        if data.endswith(b".\r\nQUIT\r\n"):
            played.stream.unsent = unsent
            raise ConnectionLost("the connection to the server broke: broken pipe")
        MemoryStream.write(played.stream, data, deadline)

    played.stream.write = write  # type: ignore[method-assign] # broken at the dot, or just behind it
    with pytest.raises(ConnectionLost, match="broken pipe"):
        played.transact(b"x\r\n")
    assert played.transaction.is_in_doubt == in_doubt


@pytest.mark.parametrize("heard", ["a\\r\\n", "a\\r\\nb\\r\\n", "a\\r\\nb\\r\\nc\\r\\n"])
def test_duty26_an_early_refusal_after_any_piece_stops_the_content(heard: str) -> None:
    played = Played(TO_CONTENT + f"C= {heard}\nC~\nS: 552 too big\nS! stall\n")
    played.say_hello()
    submission = submission_of(b"")
    content = content_of(b"a\r\nb\r\nc\r\nd\r\n", chunk=3)
    transaction = Transaction(
        submission.envelope, played.session.capabilities, size=12, is_7bit=True, has_utf8_header=False
    )
    played.session.transact(transaction, content, lambda: QUIT)
    assert transaction.content_reply == Reply(552, ("too big",))
    assert not transaction.is_end_sent
    assert not played.session.connection.may_quit


def test_trap04_what_was_said_before_a_flight_broke_is_heard() -> None:
    played = Played(HELLO)
    session = played.say_hello()

    def write(data: bytes, deadline: float) -> None:
        played.stream._readable.append(b"421 4.3.2 going down\r\n")
        raise ConnectionLost("the connection to the server broke: broken pipe")

    played.stream.write = write  # type: ignore[method-assign] # broken while we write
    assert session.command(commands.NOOP) == Reply(421, ("4.3.2 going down",))


def test_trap24_a_flight_that_broke_without_a_word() -> None:
    played = Played(HELLO)
    session = played.say_hello()

    def write(data: bytes, deadline: float) -> None:
        raise ConnectionLost("the connection to the server broke: broken pipe")

    played.stream.write = write  # type: ignore[method-assign] # broken, and nothing to be read
    with pytest.raises(ConnectionLost, match="broken pipe"):
        session.command(commands.NOOP)


def test_a_trace_that_nobody_reads_is_not_made() -> None:
    played = Played(TO_CONTENT + "C: x\nC: .\nS: 250 queued\n")
    played.session.trace = Trace(played.clock)
    played.say_hello()
    reply = played.transact(b"x\r\n").content_reply
    assert reply == Reply(250, ("queued",))
    assert played.events == []


def test_duty23_the_trace_shows_the_size_of_a_content_and_not_its_octets() -> None:
    played = Played(TO_CONTENT + "C: {x*2000}\nC: .\nS: 250 queued\n")
    played.say_hello()
    played.transact(b"x" * 2000 + b"\r\n")
    shown = [event.text for event in played.events]
    assert "2,002 octets of message" in shown
    assert not any("xx" in text for text in shown)


EAGER = "S: 220 mx\nC: EHLO x\nS: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n"


@pytest.mark.parametrize("words", [b"421 4.3.2 going down\r\n", b""])
def test_duty26_a_chunk_that_is_cut_off_is_no_doubt_and_the_last_words_count(
    words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(EAGER)
    session = played.say_hello()

    def write(data: bytes, deadline: float) -> None:
        played.stream.unsent = len(data)
        played.stream._is_ended = True
        if words:
            played.stream._readable.append(words)
        else:
            monkeypatch.setattr(type(played.stream), "has_input", False)
        raise ConnectionLost("the connection to the server broke: broken pipe")

    monkeypatch.setattr(played.stream, "write", write)
    data = b"x\r\n"
    envelope = submission_of(data).envelope
    transaction = Transaction(envelope, session.capabilities, size=3, is_7bit=True, has_utf8_header=False, chunk=data)
    if words:
        session.transact(transaction, content_of(data), lambda: QUIT)
        assert transaction.mail_reply == Reply(421, ("4.3.2 going down",))
    else:
        with pytest.raises(ConnectionLost, match="broken pipe"):
            session.transact(transaction, content_of(data), lambda: QUIT)
    assert not transaction.is_in_doubt
