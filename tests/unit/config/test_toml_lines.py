from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sendmail_cli.config.toml_grammar import find_lines
from sendmail_cli.config.toml_lines import Place, read_plain, read_toml

PLAIN = """\
# who sends
default = "work"  # "x"

[profile.work]
  from = "Ada Lovelace <ada@example.org>"
server='smtps://smtp.example.org#1'
\tretries\t=\t3 # times
port = 0
force_from = true# always
syslog = false
signature = ""

[profile.work.headers]
X-Said_2 = 'C:\\new'
[other]
[profile.my-own]
"""


def test_a_place_reads_as_file_and_line_and_shows_no_controls() -> None:
    assert str(Place("/a\x1b[2J/profiles.toml", 7)) == "/a\\x1b[2J/profiles.toml, line 7"


def test_plain_text_is_read_with_its_lines() -> None:
    tables, lines = read_plain(PLAIN) or pytest.fail("it is plain")
    assert (tables, lines) == (tomllib.loads(PLAIN), find_lines(PLAIN))
    assert tables["profile"]["work"]["headers"] == {"X-Said_2": "C:\\new"}
    assert list(tables["profile"]) == ["work", "my-own"]
    assert lines["profile", "work", "retries"] == 7


@pytest.mark.parametrize(
    "text",
    [
        "a = 'b\x01'",
        'a = "\\u00e4"',
        'a = """b"""',
        "a = '''b'''",
        "a = 1.5",
        "a = 01",
        "a = 1_000",
        "a = 2026-11-30",
        "a = ٣",
        "a = 1234567890123456789012345678901234567890",
        "a = ['b']",
        "a = {b = 1}",
        "a.b = 1",
        "'a' = 1",
        "ä = 1",
        "a = 'b' c",
        "a = 'b",
        "a = ",
        "a",
        "= 1",
        "[]",
        "[a.]",
        "['a']",
        "[a] # b",
        "[[a]]",
        "[a]\n[a]",
        "a = 1\na = 1",
        "a = 1\n[a]",
        "a = 1\n[a.b]",
        "[a.b]\n[a]\nb = 1",
        "a = 1\r\n",
        "# \x7f",
        "a = 'b\u2028'",
    ],
)
def test_what_is_not_plain_is_left_to_the_grammar(text: str) -> None:
    assert read_plain(text) is None


def test_whatever_a_text_has_it_is_read() -> None:
    tables, lines = read_toml("f", "[profile.work]\nmatch = ['a@b']\n")
    assert tables == {"profile": {"work": {"match": ["a@b"]}}}
    assert lines.place(("profile", "work", "match")) == Place("f", 2)


CHARACTERS = [*"abc0-_.=[]{}#\"'\\ \t\n,\0ä\u2028"]
WORDS = [
    "\r\n",
    "true",
    "false",
    "12",
    '"""',
    " = ",
    "[a]\n",
    "[a.b]\n",
    "a = 'b'",
    'b = "c" # d\n',
    "c=1\n",
    "a = true\n",
]
PIECES = st.sampled_from(CHARACTERS) | st.sampled_from(WORDS)


@given(st.lists(PIECES, max_size=12).map("".join))
@example("[a.b]\n[a]\n[b]\na = 1")
def test_plain_text_says_what_tomllib_reads_in_it(text: str) -> None:
    plain = read_plain(text)
    if plain is not None:
        assert plain == (tomllib.loads(text), find_lines(text))
        assert repr(plain[0]) == repr(tomllib.loads(text))  # 1 is not True, and the order is that of the text
