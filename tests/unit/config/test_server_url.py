from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.errors import MailError, UsageError
from sendmail_cli.status import ExitCode


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("smtp.example.org", ServerURL("smtp.example.org")),
        (" SMTP.Example.ORG. ", ServerURL("smtp.example.org")),
        ("smtp.example.org:2525", ServerURL("smtp.example.org", 2525)),
        ("smtps://smtp.example.org", ServerURL("smtp.example.org", None, "smtps")),
        ("SMTP://ada@smtp.example.org:587", ServerURL("smtp.example.org", 587, "smtp", "ada")),
        ("ada@example.org@smtp.example.org:587", ServerURL("smtp.example.org", 587, None, "ada@example.org")),
        ("ada%40example.org@smtp.example.org", ServerURL("smtp.example.org", user="ada@example.org")),
        ("a%3Ab%25%c3%a4@h", ServerURL("h", user="a:b%ä")),
        ("[::1]:2525", ServerURL("::1", 2525)),
        ("[::1]", ServerURL("::1")),
        ("::1", ServerURL("::1")),
        ("0:0:0:0:0:0:0:1", ServerURL("::1")),
        ("ada@[2001:DB8::1]:465", ServerURL("2001:db8::1", 465, None, "ada")),
        ("[fe80::1%eth0]:25", ServerURL("fe80::1%eth0", 25)),
        ("[fe80::1%25eth0]:25", ServerURL("fe80::1%eth0", 25)),
        ("192.0.2.7:25", ServerURL("192.0.2.7", 25)),
        ("localhost:1", ServerURL("localhost", 1)),
        ("localhost:65535", ServerURL("localhost", 65535)),
        ("bücher.example", ServerURL("xn--bcher-kva.example")),
        ("unix:/run/smtp", ServerURL("", socket_path="/run/smtp")),
        ("unix:///run/smtp", ServerURL("", socket_path="/run/smtp")),
        ("mail_host", ServerURL("mail_host")),
        ("lmtp://h.example", ServerURL("h.example", None, "lmtp")),
        ("LMTP://ada@h.example:2003", ServerURL("h.example", 2003, "lmtp", "ada")),
        ("lmtp://[::1]:24", ServerURL("::1", 24, "lmtp")),
        ("lmtp:/run/dovecot/lmtp", ServerURL("", scheme="lmtp", socket_path="/run/dovecot/lmtp")),
        ("lmtp:///run/dovecot/lmtp", ServerURL("", scheme="lmtp", socket_path="/run/dovecot/lmtp")),
        ("lmtp:24", ServerURL("lmtp", 24)),
        ("lmtp:unix:/run/dovecot/lmtp", ServerURL("", scheme="lmtp", socket_path="/run/dovecot/lmtp")),
    ],
)
def test_what_is_written_is_taken_apart(text: str, url: ServerURL) -> None:
    assert parse_server_url(text) == url


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no host is named"),
        ("smtps://", "no host is named"),
        (".", "no host is named"),
        ("ada@", "no host is named"),
        ("@smtp.example.org", "nothing stands before “@”"),
        ("https://smtp.example.org", "“https://” is not how mail is sent: write smtps://"),
        ("imap://smtp.example.org", "“imap://” is not how mail is sent"),
        ("smtp.example.org/", "nothing follows the host and its port"),
        ("smtps://smtp.example.org/x?y", "nothing follows the host and its port"),
        ("smtp.example.org:0", "what follows the colon is no port"),
        ("smtp.example.org:65536", "what follows the colon is no port"),
        ("smtp.example.org:", "what follows the colon is no port"),
        ("smtp.example.org:smtp", "what follows the colon is no port"),
        ("smtp.example.org:٢٥", "what follows the colon is no port"),
        ("smtp.example.org:25:26", "a host has one colon"),
        ("[smtp.example.org]:25", "only an IPv6 address stands in brackets"),
        ("[::1]25", "an IPv6 address with a port is written [::1]:465"),
        ("[::1", "an IPv6 address with a port is written [::1]:465"),
        ("[fe80::1%]:25", "is the name of an interface"),
        ("[fe80::1%a b]:25", "is the name of an interface"),
        ("smtp example.org", "is no domain name"),
        ("-smtp.example.org", "is no domain name"),
        ("smtp..example.org", "is no domain name"),
        ("127.1", "is neither a name nor an IPv4 address"),
        ("2130706433", "is neither a name nor an IPv4 address"),
        ("0x7f.0.0.0x1", "is neither a name nor an IPv4 address"),
        ("256.1.1.1", "is neither a name nor an IPv4 address"),
        ("127.0.0.1.5", "is neither a name nor an IPv4 address"),
        ("smtp.example.org\n.evil", "no control characters"),
        ("a%0D%0Ab@smtp.example.org", "a user's name has no control characters"),
        ("50%@smtp.example.org", "a “%” in a user's name is written %25"),
        ("%ff@smtp.example.org", "is not UTF-8"),
        ("unix:run/smtp", "a socket's path is absolute"),
        ("unix:", "a socket's path is absolute"),
        ("lmtp:private/dovecot-lmtp", "a socket's path is absolute: unix:/run/…, or lmtp:/run/…"),
        ("lmtp:unix:private/dovecot-lmtp", "a socket's path is absolute"),
        ("lmtp:inet:h.example:24", "a socket's path is absolute"),
        ("lmtp:", "a socket's path is absolute"),
        ("lmtp://", "a socket's path is absolute"),
        ("lmtp://h.example:25", "LMTP is never spoken on port 25 (RFC 2033 §5)"),
    ],
)
def test_junk_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_server_url(text)
    assert sentence in caught.value.sentence
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "text",
    [
        "ada:hunter2@smtp.example.org",
        "smtps://ada:hunter2@smtp.example.org:465",
        "https://ada:hunter2@smtp.example.org",
        "ada:hunter2@",
        "ada:hun@ter2/hunter2@smtp.example.org/",
        "ada:hunter2",
        "ada:hunter2/",
        "ada:hunter2:465",
        "smtps://ada:hunter2:465/",
        "ada:hunter2\n@smtp.example.org",
    ],
)
def test_a_password_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_server_url(text)
    assert "hunter2" not in caught.value.sentence + caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_password_gets_the_sentence_what_to_do() -> None:
    with pytest.raises(UsageError, match="a password never stands in a server's address") as caught:
        parse_server_url("ada:hunter2@smtp.example.org")
    assert "sendmail-cli login NAME" in caught.value.hint
    assert "password_command" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "is_local"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("mail.localhost:2525", True),
        ("127.0.0.1", True),
        ("127.255.3.4", True),
        ("::1", True),
        ("[::ffff:127.0.0.1]:25", True),
        ("[::ffff:127.1.2.3]:25", True),
        ("unix:/run/smtp", True),
        ("localhost.example.org", False),
        ("notlocalhost", False),
        ("128.0.0.1", False),
        ("127.0.0.1.example.org", False),
        ("0.0.0.0", False),
        ("[::ffff:0.127.0.1]", False),
        ("[::ffff:192.0.2.1]", False),
        ("::2", False),
    ],
)
def test_this_machine_is_known_without_a_look_up(text: str, *, is_local: bool) -> None:
    assert parse_server_url(text).is_this_machine is is_local


def test_the_same_host_is_the_same_whatever_its_port_user_and_letters() -> None:
    ours = parse_server_url("smtps://ada@smtp.example.org")
    assert parse_server_url("SMTP.example.org.:587").is_same_host(ours)
    assert not parse_server_url("smtp.example.org.evil.example").is_same_host(ours)
    assert not parse_server_url("example.org").is_same_host(ours)
    socket = parse_server_url("unix:/run/a")
    assert not socket.is_same_host(parse_server_url("unix:/run/b"))
    assert str(socket) == "unix:/run/a"
    assert str(parse_server_url("lmtp:unix:/run/a")) == "lmtp:/run/a"
    assert socket.is_same_host(parse_server_url("lmtp:/run/a"))
    assert socket.is_same_host(parse_server_url("unix:///run/a"))


@given(st.text())
@example("smtps://\udcff@h")
@example("xn--@")
@example("ß" * 300)
@example("[" * 50)
@example("1::%1")
def test_no_text_raises_anything_but_our_errors(text: str) -> None:
    try:
        url = parse_server_url(text)
    except MailError:
        return
    assert parse_server_url(str(url)) == url


USERS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


@given(USERS, st.sampled_from(["smtp.example.org", "::1", "192.0.2.1", "fe80::1%eth0"]), st.integers(1, 65535))
def test_a_server_is_read_as_it_was_written(user: str, host: str, port: int) -> None:
    url = ServerURL(host, port, "smtps", user)
    assert parse_server_url(str(url)) == url
