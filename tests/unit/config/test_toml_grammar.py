from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.config.toml_grammar import find_lines
from sendmail_cli.config.toml_lines import KeyPath, Place, TomlLines

TEXT = '''# a comment = 1
default = "work"

[profile.work]   # [profile.nothing]
from = "a = b"
command = [
    "x = 1", # y = 2
    'z = [',
]
text = """
fake = 1
[profile.fake]
"""
literal = \'\'\'
fake = "2"
\'\'\'
inline = { a = 1, b = { c = 2 } }
dotted.key = "x\\"y = 1"
  [ profile . "work" . headers ]
"X-One" = "1"

[profile."my.work"]
from = 'b'
[last]'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("default",), 2),
        (("profile",), 4),
        (("profile", "work"), 4),
        (("profile", "work", "from"), 5),
        (("profile", "work", "command"), 6),
        (("profile", "work", "text"), 10),
        (("profile", "work", "literal"), 14),
        (("profile", "work", "inline"), 17),
        (("profile", "work", "inline", "b", "c"), 17),
        (("profile", "work", "dotted"), 18),
        (("profile", "work", "dotted", "key"), 18),
        (("profile", "work", "headers"), 19),
        (("profile", "work", "headers", "X-One"), 20),
        (("profile", "my.work"), 22),
        (("profile", "my.work", "from"), 23),
        (("last",), 24),
        (("profile", "work", "fake"), 4),
        (("fake",), 1),
        ((), 1),
    ],
)
def test_each_key_has_its_line(path: KeyPath, line: int) -> None:
    tomllib.loads(TEXT)
    assert TomlLines("f", find_lines(TEXT)).place(path) == Place("f", line)


def test_a_subtable_before_its_table_does_not_keep_the_table_s_line() -> None:
    assert find_lines("[a.b]\n[a]\n")["a",] == 2


def test_lines_of_dos_are_lines() -> None:
    assert find_lines("a = 1\r\n\r\nb = 2\r\n")["b",] == 3


KEYS = st.from_regex("[A-Za-z0-9_-]{1,8}", fullmatch=True)
VALUES = st.sampled_from(['"a = 1"', "1", '"""\na = 1\n"""', "[\n1,\n2]", "'#'", "{x = 1}", '"\\\\"', '""""a"" """'])


@given(st.lists(st.tuples(KEYS, VALUES), unique_by=lambda pair: pair[0]))
def test_every_top_key_is_found_where_it_was_written(pairs: list[tuple[str, str]]) -> None:
    text, expected = "", {}
    for key, value in pairs:
        expected[key] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    assert set(tomllib.loads(text)) == set(expected)
    assert find_lines(text) == {(key,): line for key, line in expected.items()}
