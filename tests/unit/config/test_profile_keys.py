from __future__ import annotations

import datetime as dt
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config.profile_keys import KEYS, check_name, check_value, parse_ehlo_name, parse_timeout, parse_tls
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.errors import ConfigError, MailError
from sendmail_cli.secret import Secret
from sendmail_cli.server import TLSMode


@pytest.mark.parametrize(
    ("key", "value", "result"),
    [
        ("from", "Ada Lovelace <ada@example.org>", parse_mailbox("Ada Lovelace <ada@example.org>")),
        ("server", "smtps://smtp.example.org", (ServerURL("smtp.example.org", scheme="smtps"),)),
        ("server", ["a", "lmtp:/s"], (ServerURL("a"), ServerURL("", scheme="lmtp", socket_path="/s"))),
        ("pipe", ["ssh", "h", "/usr/sbin/sendmail -bs"], ("ssh", "h", "/usr/sbin/sendmail -bs")),
        ("proxy", "socks5h://127.0.0.1:9050", Secret("socks5h://127.0.0.1:9050")),
        ("proxy", "http://ada@p:3128", Secret("http://ada@p:3128")),
        ("bind", "192.0.2.1", "192.0.2.1"),
        ("bind", "[2001:DB8::1]", "2001:db8::1"),
        ("bind", "fe80::1%eth0", "fe80::1%eth0"),
        ("chunking", "eager", "eager"),
        ("user", "ada@example.org", "ada@example.org"),
        ("tls", "implicit", TLSMode.IMPLICIT),
        ("auth", "login", "login"),
        ("ehlo", "client.example.org", "client.example.org"),
        ("ehlo", "bücher.example", "xn--bcher-kva.example"),
        ("ehlo", "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("ca_file", "/etc/ca.pem", "/etc/ca.pem"),
        ("tls_cert", "c.pem", "c.pem"),
        ("tls_key", "c.key", "c.key"),
        ("tls_min", "1.2", "1.2"),
        ("tls_min", "1.3", "1.3"),
        ("tls_pin", "sha256:" + 64 * "a", "sha256:" + 64 * "a"),
        ("tls_pin", "SHA256:" + 32 * "aF", "sha256:" + 32 * "af"),
        ("tls_pin", 32 * "0F", "sha256:" + 32 * "0f"),
        ("tls_pin", ":".join(32 * ["0F"]), "sha256:" + 32 * "0f"),
        ("tls_pin", " sha256:" + ":".join(32 * ["0F"]) + " ", "sha256:" + 32 * "0f"),
        ("timeout", "30s", 30.0),
        ("password_command", ["pass", "show", ""], ("pass", "show", "")),
        ("allow_insecure_keyring", True, True),
        ("headers", {"Organization": "Analytical Engines"}, (("Organization", "Analytical Engines"),)),
        ("headers", {}, ()),
    ],
)
def test_a_value_is_converted(key: str, value: object, result: object) -> None:
    assert check_value(key, value) == result


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("from", 1, "expected a text in quotes, not a number"),
        ("from", True, "expected a text in quotes, not true or false"),
        ("from", "ada", "an address needs “@” and a domain"),
        ("from", "a@example.org, b@example.org", "must be one address"),
        ("from", "Ada\n <ada@example.org>", "a control character"),
        ("server", ["h", 1], "expected a text in quotes, not a number"),
        ("server", [], "the list names no server"),
        ("server", ["h", "https://h"], "is not how mail is sent"),
        ("pipe", "exim -bs", "expected a list, since no shell takes a command apart here"),
        ("pipe", [], "no program is named"),
        ("proxy", "socks5h://ada:hunter2@p", "a password never stands in a proxy's URL"),
        ("proxy", "http://ada:pa//ss@p:1", "a password never stands in a proxy's URL"),
        ("proxy", "socks5h://:hunter2@p", "a password never stands in a proxy's URL"),
        ("proxy", "127.0.0.1:9050", "the proxy's URL begins with nothing that we know"),
        ("proxy", "socks5h://ada@p", "a SOCKS5 proxy that wants a user wants a password with it"),
        ("proxy", 1080, "expected a text in quotes, not a number"),
        ("bind", "eth0", "“eth0” is no IP address that connections could come from"),
        ("bind", "", "“” is no IP address"),
        ("bind", "127.0.0.1:25", "“127.0.0.1:25” is no IP address"),
        ("chunking", "always", "“always” is none of never, eager"),
        ("server", "https://h", "is not how mail is sent"),
        ("user", "", "a user's name is not empty"),
        ("user", 1.5, "expected a text in quotes, not a number"),
        ("tls", "startls", "“startls” is none of implicit, starttls, opportunistic, none; did you mean “starttls”?"),
        ("tls", "STARTTLS", "did you mean “starttls”?"),
        ("tls", "yes", "“yes” is none of implicit, starttls, opportunistic, none"),
        ("tls", True, "expected a text in quotes, not true or false"),
        ("auth", "ntlm", "“ntlm” is none of auto, none, scram-sha-256, plain"),
        ("ehlo", "a b", "is no domain name"),
        ("ehlo", "[a b]", "is no domain name"),
        ("ca_file", "", "a file's name is not empty"),
        ("tls_min", 1.3, 'a TLS version is a text: "1.2" or "1.3"'),
        ("tls_min", "1.1", "“1.1” is none of 1.2, 1.3"),
        ("tls_pin", 63 * "a", "no SHA-256 fingerprint"),
        ("tls_pin", 65 * "a", "no SHA-256 fingerprint"),
        ("tls_pin", 63 * "a" + "g", "no SHA-256 fingerprint"),
        ("tls_pin", "md5:" + 64 * "a", "no SHA-256 fingerprint"),
        ("tls_pin", 31 * "aa:" + "aa:", "no SHA-256 fingerprint"),
        ("tls_pin", "a:" + 63 * "a", "no SHA-256 fingerprint"),
        ("tls_pin", 1, "expected a text in quotes"),
        ("ca_file", "a\0b", "a control character"),
        ("timeout", "soon", "a time is a number of seconds"),
        ("password_command", "pass show x", "expected a list, since no shell takes a command apart here"),
        ("password_command", ["pass", 1], "expected a list of texts"),
        ("password_command", {}, "expected a list of texts, the program and its arguments, not a table"),
        ("password_command", [], "no program is named"),
        ("password_command", [""], "no program is named"),
        ("password_command", ["a\0"], "no argument can have a NUL"),
        ("allow_insecure_keyring", "yes", "expected true or false, not a text"),
        ("allow_insecure_keyring", 1, "expected true or false, not a number"),
        ("headers", "X: y", "expected a table ([profile.NAME.headers]), not a text"),
        ("headers", {"X Y": "z"}, "“X Y” is no name of a header"),
        ("headers", {"X:": "z"}, "“X:” is no name of a header"),
        ("headers", {"X": 1}, "the header “X” is a text, not a number"),
        ("headers", {"X": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "is a text, not a date or time"),
        ("headers", {"X": "a\r\nBcc: eve@example.org"}, "the header “X” has a line break"),
        ("headers", {"X": "a\0"}, "the header “X” has a line break or another control character"),
        ("headers", {"Bcc": "a@example.org"}, "the header “Bcc” is each message's own"),
        ("headers", {"FROM": "a@example.org"}, "the header “FROM” is each message's own"),
        ("headers", {"Content-Type": "text/html"}, "is each message's own"),
        ("headers", {"resent-to": "x"}, "is each message's own"),
    ],
)
def test_a_bad_value_gets_a_sentence(key: str, value: object, sentence: str) -> None:
    with pytest.raises(MailError) as caught:
        check_value(key, value)
    assert sentence in caught.value.sentence
    assert "hunter2" not in caught.value.sentence + caught.value.hint


@pytest.mark.parametrize("url", ["socks5h://ada:hunter2@p", "socks5h://ada@p"])
def test_a_proxys_password_has_a_place(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_value("proxy", url)
    assert "SENDMAIL_CLI_PROXY" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("sever", "server"),
        ("Server", "server"),
        ("ca-file", "ca_file"),
        ("host", "server"),
        ("servers", "server"),
        ("proxy_host", "proxy"),
        ("source_ip", "bind"),
        ("chunk", "chunking"),
        ("pip", "pipe"),
        ("username", "user"),
        ("passwordeval", "password_command"),
        ("password_comand", "password_command"),
        ("timout", "timeout"),
        ("from_", "from"),
    ],
)
def test_an_unknown_key_gets_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"a profile has no key “{key}”; did you mean “{nearest}”\\?"):
        check_value(key, "x")


def test_a_key_like_none_gets_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        check_value("zzz", "x")
    assert caught.value.sentence == f"a profile has no key “zzz”; a profile has {', '.join(KEYS)}"


@pytest.mark.parametrize("key", ["password", "Password", "passwd", "pass", "secret"])
def test_a_password_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="a password never stands in this file") as caught:
        check_value(key, "hunter2")
    assert "hunter2" not in caught.value.sentence + caught.value.hint
    assert "sendmail-cli login NAME" in caught.value.hint
    assert "password_command" in caught.value.hint


def test_a_table_in_a_profile_says_how_a_dot_is_written() -> None:
    with pytest.raises(ConfigError, match="a profile has no table “work”") as caught:
        check_value("work", {"from": "a@b"})
    assert '[profile."my.work"]' in caught.value.hint


@pytest.mark.parametrize("name", ["work", "a", "A.b_c-9", "-", "..", "9"])
def test_names_that_a_profile_can_have(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "ä", "a\n", "a:b"])
def test_names_that_a_profile_cannot_have(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        check_name(name)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30), ("30s", 30), ("30 s", 30), ("5m", 300), ("1.5m", 90), ("1h", 3600), (0.25, 0.25), (3600, 3600)],
)
def test_a_timeout_is_seconds(value: object, seconds: float) -> None:
    assert parse_timeout(value) == seconds


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0, "longer than nothing"),
        ("0s", "longer than nothing"),
        (-1, "longer than nothing"),
        (math.nan, "longer than nothing"),
        (-math.inf, "longer than nothing"),
        (math.inf, "at most an hour"),
        (10**400, "at most an hour"),
        ("61m", "at most an hour"),
        ("3601", "at most an hour"),
        ("-1", "a time is a number of seconds"),
        ("", "a time is a number of seconds"),
        ("1e3", "a time is a number of seconds"),
        ("٣", "a time is a number of seconds"),
        ("1d", "a time is a number of seconds"),
        ("9" * 5000, "a time is a number of seconds"),
        (True, "a time is a number of seconds"),
        (None, "a time is a number of seconds"),
    ],
)
def test_what_is_no_timeout(value: object, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse_timeout(value)


TOML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(KEYS) | st.text(), TOML)
def test_no_value_raises_anything_but_our_errors(key: str, value: Any) -> None:
    with suppress(MailError):
        check_value(key, value)


@given(st.text())
def test_parsers_of_flags_raise_nothing_but_our_errors(text: str) -> None:
    for parse in (parse_timeout, parse_ehlo_name, parse_tls):
        with suppress(MailError):
            parse(text)
