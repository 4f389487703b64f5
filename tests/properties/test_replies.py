"""Whatever bytes a server sends, in whatever pieces: replies or RemoteProtocolError, and nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.errors import RemoteProtocolError
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.capabilities import parse_capabilities
from sendmail_cli.smtp.connection import Connection
from sendmail_cli.smtp.replies import Reply, ReplyParser

CODES = st.sampled_from([b"220", b"250", b"354", b"421", b"550", b"199", b"600", b"2 5", b"\xb2\xb2\xb2", b"", b"SSH"])
SEPARATORS = st.sampled_from([b" ", b"-", b"", b"\t"])
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b""])
LINES = st.tuples(CODES, SEPARATORS, st.binary(max_size=20), ENDS).map(b"".join)
STREAMS = st.one_of(st.binary(max_size=200), st.lists(LINES, max_size=12).map(b"".join))
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """`data` in pieces of these sizes, over and over."""
    pieces = []
    turn = 0
    while data:
        size = sizes[turn % len(sizes)]
        pieces.append(data[:size])
        data = data[size:]
        turn += 1
    return pieces


def parse(pieces: list[bytes]) -> tuple[list[Reply], bool]:
    """The replies, and whether it came to an error."""
    parser = ReplyParser()
    replies = []
    fault = ""
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next_reply()) is not None:
                replies.append(reply)
    except RemoteProtocolError as error:
        fault = str(error)
    assert fault.isprintable() or not fault.isascii()
    return replies, fault != ""


@given(STREAMS, CUTS)
@settings(max_examples=300)
def test_trap15_any_bytes_in_any_pieces_mean_the_same(data: bytes, sizes: list[int]) -> None:
    assert parse(cut(data, sizes)) == parse([data]) == parse(cut(data, [1]))


@given(STREAMS)
def test_trap16_duty23_duty24_a_reply_can_be_shown_whatever_is_in_it(data: bytes) -> None:
    for reply in parse([data])[0]:
        assert str(reply).isprintable()
        assert all(line.isprintable() or not line.isascii() for line in reply.lines)
        str(reply).encode()
        assert reply.enhanced is None or reply.enhanced.class_ == reply.code // 100
        assert reply.challenge() is None or isinstance(reply.challenge(), bytes)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_lines_are_capabilities(lines: list[str]) -> None:
    capabilities = parse_capabilities(Reply(250, tuple(lines)))
    assert capabilities.size_limit is None or capabilities.size_limit > 0
    for keyword, _ in capabilities.extensions:
        assert capabilities.offers(keyword)
    assert all(mechanism == mechanism.upper() for mechanism in capabilities.auth_mechanisms)


KEYWORDS = st.sampled_from([b"SIZE", b"AUTH", b"AUTH=LOGIN", b"PIPELINING", b"8BITMIME", b"size", b"X", b"LIMITS"])
OFFERS = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.tuples(KEYWORDS, st.sampled_from([b"", b" ", b" 10", b" PLAIN login", b" \xb2", b" -1", b" 0"])).map(
            b"".join
        ),
    ),
    min_size=1,
    max_size=12,
)


@given(OFFERS)
@settings(max_examples=300)
def test_trap16_any_list_of_extensions_is_a_list_or_an_error(lines: list[bytes]) -> None:
    connection = Connection()
    connection.receive_data(b"220 hi\r\n")
    connection.next_reply()
    connection.send(commands.ehlo("x"))
    marks = [b"250-"] * (len(lines) - 1) + [b"250 "]
    connection.receive_data(b"".join(mark + line + b"\r\n" for mark, line in zip(marks, lines, strict=True)))
    try:
        reply = connection.next_reply()
    except RemoteProtocolError:
        assert any(b"\n" in line for line in lines)  # what is no reply line comes from a line break in one
        return
    assert reply is not None
    capabilities = connection.capabilities
    assert len(capabilities.extensions) < len(reply.lines)
    assert capabilities.size_limit is None or capabilities.size_limit > 0
    for keyword, parameters in capabilities.extensions:
        assert capabilities.offers(keyword)
        assert set(parameters) <= set(capabilities.parameters(keyword))
        assert keyword.isascii()
