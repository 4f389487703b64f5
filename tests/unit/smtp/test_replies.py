"""Bytes of a server into replies."""

import pytest

from sendmail_cli.errors import RemoteProtocolError, ReplyTooLong
from sendmail_cli.smtp.replies import MAX_REPLY, MAX_REPLY_LINE, MAX_REPLY_LINES, Reply, ReplyParser


def replies_of(data: bytes, *, size: int = 0) -> list[Reply]:
    """All replies in `data`, fed in pieces of `size` octets."""
    parser = ReplyParser()
    found = []
    for start in range(0, len(data), size or len(data)):
        parser.feed(data[start : start + (size or len(data))])
        while (reply := parser.next_reply()) is not None:
            found.append(reply)
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"250 ok\r\n", [Reply(250, ("ok",))]),
        (b"250\r\n", [Reply(250, ("",))]),
        (b"250 \r\n", [Reply(250, ("",))]),
        (b"250-a\r\n250-\r\n250 b\r\n", [Reply(250, ("a", "", "b"))]),
        (b"250-a\n250 b\n", [Reply(250, ("a", "b"))]),
        (b"250 a\r\n550 b\r\n", [Reply(250, ("a",)), Reply(550, ("b",))]),
        (b"250-a\r\n250\r\n", [Reply(250, ("a", ""))]),
        (b"250 a\r\n25", [Reply(250, ("a",))]),
        (b"250 \xff\x00 gr\xc3\xbcn\r\n", [Reply(250, (r"\xff\x00 grün",))]),
        (b"250 a\rb\r\n", [Reply(250, (r"a\rb",))]),
        (b"599 what\r\n", [Reply(599, ("what",))]),
    ],
)
def test_duty05_duty24_replies(data: bytes, expected: list[Reply], size: int) -> None:
    assert replies_of(data, size=size) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"25",
        b"abc",
        b"250_x",
        b"2500 x",
        b"050 x",
        b"650 x",
        b"2x0 x",
        b"25\xb2 x",
        "٢٥٠ x".encode(),
        b" 250 x",
        b"-250",
    ],
)
def test_duty05_what_is_no_reply(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="no SMTP reply"):
        replies_of(line + b"\r\n")


def test_duty05_codes_may_not_differ_in_a_reply() -> None:
    with pytest.raises(RemoteProtocolError, match="begins with 250 and goes on with 251"):
        replies_of(b"250-a\r\n251 b\r\n")


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.0 400 Bad Request", "a web server"),
        (b"SSH-2.0-OpenSSH_9.2p1", "an SSH server"),
        (b"+OK ready", "a POP3 server"),
        (b"* OK ready", "an IMAP server"),
        (b"\x15\x03\x01\x00\x02", "expects TLS from the first byte"),
        (b"\x16\x03\x01\x00\x02", "speaks TLS from the first byte"),
        (b"login: ", "no SMTP reply"),
        (b"\x00", "no SMTP reply"),
    ],
)
def test_duty25_strangers_are_known_before_a_line_end(data: bytes, words: str, size: int) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        replies_of(data, size=size)
    assert caught.value.hint


def test_duty25_what_a_stranger_says_is_shown_and_not_at_length() -> None:
    for data, shown in (
        (b"login: \xff\x1b\r\n", r"login: \xff\x1b"),
        (b"x" * 90 + b"\n", "x" * 80 + "… (10 more characters)"),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            replies_of(data)
        assert str(caught.value) == f"the server said “{shown}”, which is no SMTP reply"
        assert caught.value.hint == "Look at the server's name and port."


@pytest.mark.parametrize(
    ("data", "kind", "hint"),
    [
        (b"HTTP/1.0 400", "a web server", "Look at the server's name and port."),
        (
            b"+OK",
            "a POP3 server",
            "Mail is fetched there, not sent; the server for sending often has another name.",
        ),
        (
            b"\x16\x03",
            "a server that speaks TLS from the first byte",
            "Try --tls implicit, usually with port 465.",
        ),
    ],
)
def test_duty25_a_stranger_is_named_with_what_to_do(data: bytes, kind: str, hint: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        replies_of(data)
    assert (str(caught.value), caught.value.hint) == (f"this is {kind}, not an SMTP server", hint)


@pytest.mark.parametrize("data", [b"H", b"SSH", b"+", b"* O", b"\x15", b"2", b""])
def test_too_little_to_judge(data: bytes) -> None:
    parser = ReplyParser()
    parser.feed(data)
    assert parser.next_reply() is None
    assert parser.is_empty == (data == b"")


def test_trap15_duty20_a_line_has_an_end() -> None:
    longest = b"334 " + b"x" * (MAX_REPLY_LINE - len(b"334 \r\n"))
    assert len(replies_of(longest + b"\r\n")[0].lines[0]) == 12288
    for line in (longest + b"xx\r\n", longest + b"xxx", b"250-" + longest + b"\r\n"):
        with pytest.raises(ReplyTooLong, match="line without end"):
            replies_of(line)


def test_trap15_duty20_a_reply_has_an_end() -> None:
    assert len(replies_of(b"250-x\r\n" * (MAX_REPLY_LINES - 1) + b"250 x\r\n")[0].lines) == MAX_REPLY_LINES
    with pytest.raises(ReplyTooLong, match="no end"):
        replies_of(b"250-x\r\n" * MAX_REPLY_LINES)
    line = b"250-" + b"x" * 10_000 + b"\r\n"
    with pytest.raises(ReplyTooLong, match="no end"):
        replies_of(line * (MAX_REPLY // len(line) + 1))


def test_the_limits_are_for_each_reply() -> None:
    data = (b"250-" + b"x" * 10_000 + b"\r\n") * 6 + b"250 x\r\n"
    assert len(replies_of(data * 10)) == 10


def test_half_a_reply_is_not_empty() -> None:
    parser = ReplyParser()
    parser.feed(b"250-a\r\n")
    assert parser.next_reply() is None
    assert not parser.is_empty
    parser.feed(b"250 b\r\n")
    parser.next_reply()
    assert parser.is_empty


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(550, ("5.1.1 no such user",)), "5.1.1 no such user"),
        (Reply(550, ("5.1.1 no", "5.1.1 such", "5.1.1  user ")), "5.1.1 no such user"),
        (Reply(550, ("5.1.1", "5.1.1 no")), "5.1.1 no"),
        (Reply(550, ("5.1.1",)), "5.1.1"),
        (Reply(550, ("5.1.1 no", "5.1.10 other")), "5.1.1 no 5.1.10 other"),
        (Reply(550, ("4.1.1 no", "4.1.1 other")), "4.1.1 no 4.1.1 other"),
        (Reply(250, ("", " a ", "", "b")), "a b"),
        (Reply(250, ()), ""),
    ],
)
def test_text_says_each_thing_once(reply: Reply, text: str) -> None:
    assert reply.text == text
    assert str(reply) == f"{reply.code} {text}".rstrip()


def test_duty23_text_is_shortened() -> None:
    assert Reply(550, ("x" * 5000,)).text.endswith("… (4000 more characters)")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(550, ("5.1.1 no",)), (5, 1, 1)),
        (Reply(450, ("4.1.1 no",)), (4, 1, 1)),
        (Reply(550, ("4.1.1 no",)), None),
        (Reply(250, ("5.1.1 no",)), None),
        (Reply(354, ("2.0.0 go",)), None),
        (Reply(550, ("no",)), None),
        (Reply(550, ("no", "5.1.1 no")), None),
        (Reply(550, ()), None),
    ],
)
def test_trap17_enhanced_code_of_another_class_is_none(reply: Reply, expected: tuple[int, int, int] | None) -> None:
    assert reply.enhanced == expected


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        (200, (True, False, False)),
        (299, (True, False, False)),
        (300, (False, True, False)),
        (399, (False, True, False)),
        (400, (False, False, True)),
        (499, (False, False, True)),
        (500, (False, False, False)),
        (199, (False, False, False)),
    ],
)
def test_the_first_digit_decides(code: int, classes: tuple[bool, bool, bool]) -> None:
    reply = Reply(code, ())
    assert (reply.is_positive, reply.is_intermediate, reply.is_transient) == classes


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("VXNlcm5hbWU6",), b"Username:"),
        ((" VXNlcm5hbWU6 ",), b"Username:"),
        (("",), b""),
        ((), b""),
        (("VXNl", "cm5hbWU6"), b"Username:"),
        (("Username:",), None),
        (("VXNlcm5hbWU",), None),
        (("=",), None),
        (("VXNl cm5h",), None),
        (("Größe",), None),
    ],
)
def test_duty34_challenge(lines: tuple[str, ...], expected: bytes | None) -> None:
    assert Reply(334, lines).challenge() == expected


def test_duty37_redacted() -> None:
    def redact(text: str) -> str:
        return text.replace("hunter 2", "***").replace("hunter", "***")

    assert Reply(535, ("hunter", "no hunter 2")).redacted(redact) == Reply(535, ("***", "no ***"))
    assert Reply(535, ("nothing", "here")).redacted(redact) == Reply(535, ("nothing", "here"))
    # in two lines, of which neither holds it
    assert Reply(535, ("5.7.8 secret", "5.7.8 word")).redacted(
        lambda text: text.replace("secret word", "***")
    ) == Reply(535, ("5.7.8 ***",))
