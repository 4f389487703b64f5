"""What may be said when, and which reply belongs to which command."""

from itertools import product

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import ConnectionLost, LocalProtocolError, RemoteProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.capabilities import Capabilities
from sendmail_cli.smtp.commands import Command
from sendmail_cli.smtp.connection import OTHER, RULES, Connection, Rule, State
from sendmail_cli.smtp.envelope import ForwardPath, ReversePath
from sendmail_cli.smtp.replies import Reply

ADA = AddrSpec("ada", "example.org")
COMMANDS = {
    "EHLO": commands.ehlo("x"),
    "HELO": commands.helo("x"),
    "LHLO": commands.lhlo("x"),
    "STARTTLS": commands.STARTTLS,
    "AUTH": commands.auth("PLAIN", b"x"),
    "RESPONSE": commands.response(b"x"),
    "MAIL": commands.mail(ReversePath(ADA)),
    "RCPT": commands.rcpt(ForwardPath(ADA)),
    "DATA": commands.DATA,
    "BDAT": commands.last_chunk(b"x\r\n"),
    "CONTENT": commands.END_OF_CONTENT,
    "RSET": commands.RSET,
    "NOOP": commands.NOOP,
    "VRFY": commands.verbatim("VRFY ada"),
    "EXPN": commands.verbatim("EXPN ada"),
    "HELP": commands.verbatim("HELP"),
    "QUIT": commands.QUIT,
    "XFOO": commands.verbatim("XFOO"),
}
# What was said on the way to each state.
WAYS: dict[State, tuple[tuple[str, str], ...]] = {
    State.CONNECTED: (),
    State.GREETED: (("", "220 hi"),),
    State.READY: (("", "220 hi"), ("EHLO", "250 mx")),
    State.TRANSACTION: (("", "220 hi"), ("EHLO", "250 mx"), ("MAIL", "250 ok")),
    State.CONTENT: (("", "220 hi"), ("EHLO", "250 mx"), ("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go")),
    State.CHALLENGED: (("", "220 hi"), ("EHLO", "250 mx"), ("AUTH", "334 ")),
    State.SECURING: (("", "220 hi"), ("EHLO", "250 mx"), ("STARTTLS", "220 go")),
    State.CLOSING: (("", "421 no"),),
}
OPEN = {State.GREETED, State.READY, State.TRANSACTION}
# RFC 5321 §4.1.4, written down a second time: a change of the rules must be made here too.
MAY_BE_SAID: dict[str, set[State]] = {
    "EHLO": {State.GREETED, State.READY},
    "HELO": {State.GREETED, State.READY},
    "LHLO": {State.GREETED, State.READY},
    "STARTTLS": {State.READY},
    "AUTH": {State.READY},
    "RESPONSE": {State.CHALLENGED},
    "MAIL": {State.READY},
    "RCPT": {State.TRANSACTION},
    "DATA": {State.TRANSACTION},
    "BDAT": {State.TRANSACTION},
    "CONTENT": {State.CONTENT},
    "RSET": {State.READY, State.TRANSACTION},
    "NOOP": OPEN,
    "VRFY": OPEN,
    "EXPN": OPEN,
    "HELP": OPEN,
    "XFOO": OPEN,
    "QUIT": OPEN | {State.CLOSING},
}
LEADS_TO: dict[tuple[str, int], State] = {
    ("GREETING", 2): State.GREETED,
    ("GREETING", 4): State.CLOSING,
    ("GREETING", 5): State.CLOSING,
    ("EHLO", 2): State.READY,
    ("HELO", 2): State.READY,
    ("LHLO", 2): State.READY,
    ("STARTTLS", 2): State.SECURING,
    ("AUTH", 2): State.READY,
    ("AUTH", 3): State.CHALLENGED,
    ("RESPONSE", 2): State.READY,
    ("RESPONSE", 3): State.CHALLENGED,
    ("RESPONSE", 4): State.READY,
    ("RESPONSE", 5): State.READY,
    ("MAIL", 2): State.TRANSACTION,
    ("DATA", 3): State.CONTENT,
    ("BDAT", 2): State.READY,
    ("CONTENT", 2): State.READY,
    ("CONTENT", 4): State.READY,
    ("CONTENT", 5): State.READY,
    ("RSET", 2): State.READY,
    ("QUIT", 2): State.CLOSING,
}
STAYS = {
    *((verb, digit) for verb in COMMANDS for digit in (4, 5)),
    *((verb, 2) for verb in ("RCPT", "NOOP", "VRFY", "EXPN", "HELP", "XFOO")),
    ("XFOO", 3),
}


def connection_in(state: State) -> Connection:
    """A connection that has come to `state`."""
    connection = Connection()
    for verb, line in WAYS[state]:
        if verb:
            connection.send(COMMANDS[verb])
        hear(connection, line)
    assert connection.state is state
    return connection


def hear(connection: Connection, *lines: str) -> Reply | None:
    connection.receive_data("".join(f"{line}\r\n" for line in lines).encode())
    return connection.next_reply()


def pipelining() -> Connection:
    connection = connection_in(State.GREETED)
    connection.send(COMMANDS["EHLO"])
    hear(connection, "250-mx", "250 PIPELINING")
    return connection


def snapshot(connection: Connection) -> dict[str, object]:
    """All that a connection knows."""
    return {name: repr(value) for name, value in vars(connection).items() if name != "_parser"}


def test_every_rule_is_tested() -> None:
    assert set(MAY_BE_SAID) == (set(RULES) - {"GREETING"}) | {"XFOO"}


@pytest.mark.parametrize(("verb", "state"), list(product(COMMANDS, State)), ids=str)
def test_duty06_a_command_out_of_order_is_refused_and_changes_nothing(verb: str, state: State) -> None:
    connection = connection_in(state)
    before = snapshot(connection)
    if state in MAY_BE_SAID[verb]:
        assert connection.send(COMMANDS[verb]) == COMMANDS[verb].line + COMMANDS[verb].payload
        assert connection.awaited != ""
        return
    with pytest.raises(LocalProtocolError, match=f"{verb} makes no sense now"):
        connection.send(COMMANDS[verb])
    assert snapshot(connection) == before


@pytest.mark.parametrize(("verb", "digit"), list(product(["GREETING", *COMMANDS], (1, 2, 3, 4, 5))), ids=str)
def test_trap03_trap12_each_class_of_reply_leads_where_the_rule_says(verb: str, digit: int) -> None:
    start = State.CONNECTED if verb == "GREETING" else min(MAY_BE_SAID[verb], key=list(State).index)
    connection = connection_in(start)
    if verb != "GREETING":
        connection.send(COMMANDS[verb])
    line = f"{digit}51 whatever"
    if (verb, digit) in LEADS_TO:
        assert hear(connection, line) == Reply(digit * 100 + 51, ("whatever",))
        assert connection.state is LEADS_TO[verb, digit]
    elif (verb, digit) in STAYS:
        assert hear(connection, line) is not None
        assert connection.state is start
    else:
        with pytest.raises(RemoteProtocolError, match="makes no sense there"):
            hear(connection, line)
        assert connection.state is start
        assert not connection.may_quit


@pytest.mark.parametrize("verb", ["GREETING", *COMMANDS])
def test_trap04_duty10_421_closes_whatever_was_asked(verb: str) -> None:
    start = State.CONNECTED if verb == "GREETING" else min(MAY_BE_SAID[verb], key=list(State).index)
    connection = connection_in(start)
    if verb != "GREETING":
        connection.send(COMMANDS[verb])
    assert hear(connection, "421 closing") == Reply(421, ("closing",))
    assert connection.state is State.CLOSING
    assert connection.is_closing
    assert connection.may_quit
    for other in COMMANDS.values():
        if other is not commands.QUIT:
            with pytest.raises(LocalProtocolError):
                connection.send(other)


FOLLOWED = {"MAIL", "RCPT", "CONTENT", "BDAT", "RSET"}


@pytest.mark.parametrize("verb", COMMANDS)
def test_duty06_only_some_commands_share_a_flight(verb: str) -> None:
    """RFC 2920 §3.1: EHLO, AUTH, STARTTLS, DATA, QUIT, NOOP, VRFY and EXPN end one."""
    assert RULES.get(verb, OTHER).may_be_followed == (verb in FOLLOWED)


@pytest.mark.parametrize(("said", "next_"), [("NOOP", "MAIL"), ("XFOO", "NOOP"), ("EHLO", "EHLO"), ("AUTH", "MAIL")])
def test_duty06_what_ends_a_flight_is_named(said: str, next_: str) -> None:
    connection = pipelining()
    connection.send(COMMANDS[said])
    with pytest.raises(LocalProtocolError, match=f"^{next_} must wait for the reply to {said}$"):
        connection.send(COMMANDS[next_])


def test_duty06_data_ends_a_flight() -> None:
    connection = pipelining()
    for verb in ("MAIL", "RCPT", "RCPT", "DATA"):
        connection.send(COMMANDS[verb])
    with pytest.raises(LocalProtocolError, match=r"^RSET must wait for the reply to DATA$"):
        connection.send(COMMANDS["RSET"])


def test_duty06_no_pipelining_unless_offered() -> None:
    connection = connection_in(State.READY)
    connection.send(COMMANDS["MAIL"])
    before = snapshot(connection)
    with pytest.raises(LocalProtocolError, match=r"^RCPT must wait: the server doesn't offer PIPELINING$"):
        connection.send(COMMANDS["RCPT"])
    assert snapshot(connection) == before


def test_duty06_nothing_is_said_before_the_greeting() -> None:
    connection = Connection()
    states = [connection.is_greeting_awaited]
    with pytest.raises(LocalProtocolError):
        connection.send(COMMANDS["EHLO"])
    hear(connection, "220-wait")
    with pytest.raises(LocalProtocolError):
        connection.send(COMMANDS["EHLO"])
    hear(connection, "220 now")
    states.append(connection.is_greeting_awaited)
    assert states == [True, False]
    connection.send(COMMANDS["EHLO"])


def test_duty06_a_flight_and_its_end() -> None:
    connection = pipelining()
    for verb in ("MAIL", "RCPT", "RCPT", "DATA"):
        connection.send(COMMANDS[verb])
    before = snapshot(connection)
    for verb in ("RCPT", "CONTENT", "RSET", "QUIT", "NOOP"):
        with pytest.raises(LocalProtocolError):
            connection.send(COMMANDS[verb])
    assert snapshot(connection) == before
    assert connection.awaited == "answer to MAIL"
    codes = []
    connection.receive_data(b"250 a\r\n250 b\r\n550 c\r\n354 d\r\n")
    for _ in range(4):
        reply = connection.next_reply()
        assert reply is not None
        codes.append(reply.code)
    assert codes == [250, 250, 550, 354]
    assert connection.state is State.CONTENT


def test_duty06_after_the_content_rset_mail_or_quit_may_share_the_flight() -> None:
    for verb in ("RSET", "MAIL", "QUIT"):
        connection = pipelining()
        for said, heard in (("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go")):
            connection.send(COMMANDS[said])
            hear(connection, heard)
        connection.send(commands.END_OF_CONTENT)
        connection.send(COMMANDS[verb])
        assert hear(connection, "250 kept", "250 ok") == Reply(250, ("kept",))
        assert connection.awaited == f"answer to {verb}"


def test_duty07_a_flight_whose_first_command_is_refused() -> None:
    connection = pipelining()
    for verb in ("MAIL", "RCPT", "DATA"):
        connection.send(COMMANDS[verb])
    hear(connection, "550 no", "503 no", "354 go")
    states = [connection.state]
    connection.next_reply()
    connection.next_reply()
    states.append(connection.state)
    assert states == [State.READY, State.CONTENT]
    connection.send(commands.END_OF_CONTENT)


def test_duty07_after_a_refused_flight_the_state_is_what_was_answered() -> None:
    connection = pipelining()
    for verb in ("MAIL", "RCPT", "DATA"):
        connection.send(COMMANDS[verb])
    connection.receive_data(b"550 no\r\n503 no\r\n503 no\r\n")
    for _ in range(3):
        connection.next_reply()
    assert connection.state is State.READY
    with pytest.raises(LocalProtocolError):
        connection.send(COMMANDS["RCPT"])
    connection.send(COMMANDS["MAIL"])


def test_trap04_421_voids_the_rest_of_a_flight() -> None:
    connection = pipelining()
    for verb in ("MAIL", "RCPT", "DATA"):
        connection.send(COMMANDS[verb])
    hear(connection, "421 bye")
    with pytest.raises(LocalProtocolError, match="no command waits"):
        connection.next_reply()


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("EHLO", "answer to EHLO"),
        ("AUTH", "answer to the sign-in"),
        ("RESPONSE", "answer to the sign-in"),
        ("CONTENT", "answer to the end of the content"),
        ("BDAT", "answer to the content"),
        ("XFOO", "answer to XFOO"),
    ],
)
def test_awaited_is_said_in_words(verb: str, words: str) -> None:
    connection = connection_in(min(MAY_BE_SAID[verb], key=list(State).index))
    connection.send(COMMANDS[verb])
    assert connection.awaited == words
    assert Connection().awaited == "greet us"


def test_the_end_of_the_stream_is_a_lost_connection() -> None:
    connection = connection_in(State.READY)
    connection.send(COMMANDS["MAIL"])
    connection.receive_data(None)
    assert connection.next_reply() is None
    connection.receive_data(b"250 o")
    connection.receive_data(b"")
    with pytest.raises(ConnectionLost, match=r"^the server closed the connection and did not answer to MAIL$"):
        connection.next_reply()


def test_what_was_said_before_the_end_counts() -> None:
    connection = connection_in(State.READY)
    connection.send(COMMANDS["MAIL"])
    connection.receive_data(b"250 ok\r\n")
    connection.receive_data(b"")
    assert connection.next_reply() == Reply(250, ("ok",))


def test_nobody_waits_for_a_reply() -> None:
    connection = connection_in(State.READY)
    with pytest.raises(LocalProtocolError, match="no command waits"):
        connection.next_reply()


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"250 ok\r\n", RemoteProtocolError, "^the server said “250 ok” though nothing was asked$"),
        (b"25", RemoteProtocolError, "^the server said a line though nothing was asked$"),
        (b"421 4.4.2 idle\r\n", ConnectionLost, "^the server ended the session$"),
        (b"oops\r\n", RemoteProtocolError, "no SMTP reply"),
    ],
)
def test_trap14_duty08_an_unasked_line(data: bytes, kind: type[Exception], words: str) -> None:
    connection = connection_in(State.READY)
    connection.check_nothing_unasked()
    had_input = connection.has_input
    connection.receive_data(data)
    assert (had_input, connection.has_input) == (False, True)
    with pytest.raises(kind, match=words):
        connection.check_nothing_unasked()


def test_trap04_an_unasked_421_is_kept() -> None:
    connection = connection_in(State.READY)
    connection.receive_data(b"421 4.4.2 idle\r\n")
    with pytest.raises(ConnectionLost) as caught:
        connection.check_nothing_unasked()
    assert caught.value.server_reply == "421 4.4.2 idle"
    assert connection.is_closing


def test_what_was_asked_is_not_unasked() -> None:
    connection = connection_in(State.READY)
    connection.send(COMMANDS["NOOP"])
    connection.receive_data(b"250 ok\r\n")
    connection.check_nothing_unasked()
    assert connection.next_reply() == Reply(250, ("ok",))


def test_trap06_duty32_capabilities_are_those_of_the_last_ehlo() -> None:
    connection = connection_in(State.GREETED)
    connection.send(COMMANDS["EHLO"])
    hear(connection, "250-mx", "250-STARTTLS", "250 AUTH PLAIN")
    assert connection.capabilities.offers("AUTH")
    connection.send(commands.STARTTLS)
    hear(connection, "220 go")
    connection.start_tls()
    assert connection.capabilities == Capabilities()
    assert connection.state is State.GREETED
    with pytest.raises(LocalProtocolError):
        connection.send(COMMANDS["AUTH"])
    connection.send(COMMANDS["EHLO"])
    hear(connection, "250 mx")
    assert connection.capabilities == Capabilities("mx")


def test_duty09_helo_offers_nothing_and_a_refused_ehlo_changes_nothing() -> None:
    connection = connection_in(State.GREETED)
    connection.send(COMMANDS["EHLO"])
    hear(connection, "502-no", "502 PIPELINING")
    assert connection.capabilities == Capabilities()
    connection.send(COMMANDS["HELO"])
    hear(connection, "250-mx", "250 PIPELINING")
    assert connection.capabilities == Capabilities()


def test_trap05_duty32_what_follows_the_220_ends_it() -> None:
    connection = connection_in(State.READY)
    connection.send(commands.STARTTLS)
    hear(connection, "220 go", "250 injected")
    with pytest.raises(RemoteProtocolError) as caught:
        connection.start_tls()
    assert str(caught.value) == (
        "the server went on talking after it agreed to STARTTLS, as an attacker in between would"
    )


def test_tls_starts_after_220_alone() -> None:
    connection = connection_in(State.READY)
    before = snapshot(connection)
    with pytest.raises(LocalProtocolError, match=r"^TLS can't start here$"):
        connection.start_tls()
    assert snapshot(connection) == before


def test_duty26_an_abandoned_content_has_its_answer_and_no_quit() -> None:
    connection = connection_in(State.CONTENT)
    connection.abandon_content()
    assert connection.is_closing
    assert hear(connection, "552 too big") == Reply(552, ("too big",))
    assert not connection.may_quit


@pytest.mark.parametrize("state", State)
def test_quit_where_it_is_no_line_of_a_message(state: State) -> None:
    assert connection_in(state).may_quit == (state in OPEN | {State.CLOSING})


def test_trap13_duty28_no_quit_behind_an_unanswered_command() -> None:
    connection = connection_in(State.READY)
    connection.send(COMMANDS["MAIL"])
    assert not connection.may_quit


def test_a_rule_is_read_by_name() -> None:
    assert isinstance(RULES["MAIL"], Rule)
    assert Command("X", b"", "").verb not in RULES


def test_duty31_what_was_abandoned_hears_not_even_quit() -> None:
    connection = connection_in(State.READY)
    connection.abandon()
    assert (connection.may_quit, connection.is_closing) == (False, True)


def test_duty32_pipelining_is_forgotten_with_all_else() -> None:
    connection = connection_in(State.GREETED)
    connection.send(COMMANDS["EHLO"])
    hear(connection, "250-mx", "250-STARTTLS", "250 PIPELINING")
    assert connection.is_pipelining
    connection.send(COMMANDS["STARTTLS"])
    hear(connection, "220 go")
    connection.start_tls()
    assert connection.is_pipelining is False


def test_what_is_said_of_an_attack_and_of_the_end() -> None:
    connection = connection_in(State.SECURING)
    connection.receive_data(b"250 more\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        connection.start_tls()
    assert caught.value.sentence == (
        "the server went on talking after it agreed to STARTTLS, as an attacker in between would"
    )
    with pytest.raises(LocalProtocolError) as early:
        connection_in(State.READY).start_tls()
    assert early.value.sentence == "TLS can't start here"
    connection = connection_in(State.READY)
    connection.receive_data(b"421 bye\r\n")
    with pytest.raises(ConnectionLost) as lost:
        connection.check_nothing_unasked()
    assert (lost.value.sentence, lost.value.server_reply) == ("the server ended the session", "421 bye")
