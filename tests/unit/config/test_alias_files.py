"""Aliases as aliases.toml, mutt and aliases(5) write them."""

from __future__ import annotations

import pytest

from sendmail_cli.config.alias_files import Alias, parse_mutt_aliases, parse_system_aliases, parse_toml_aliases
from sendmail_cli.errors import ConfigError


def shown(aliases: tuple[Alias, ...]) -> dict[str, tuple[int, str]]:
    """Line, and targets or fault, of each."""
    return {each.name: (each.place.line, each.fault or ", ".join(map(str, each.targets))) for each in aliases}


def test_toml() -> None:
    found = parse_toml_aliases(
        "a.toml",
        'alias_files = ["~/m"]\nroot = "ops@example.org"\nteam = [\n "Ada <ada@x.example>",\n "bob, root",\n]\n',
    )

    assert shown(found.aliases) == {
        "root": (2, "ops@example.org"),
        "team": (3, "Ada <ada@x.example>, bob, root"),
    }
    assert (found.files, str(found.files_place)) == (("~/m",), "a.toml, line 1")


def test_one_file_of_mutt_may_be_a_text() -> None:
    assert parse_toml_aliases("a.toml", 'alias_files = "m"').files == ("m",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "a.toml, line 1: x: expected a text or a list of texts"),
        ("x = [1]", "a.toml, line 1: x: expected a text or a list of texts"),
        ("\nalias_files = 2", "a.toml, line 2: alias_files: expected a text or a list of texts"),
        ('x = "bob@"', "a.toml, line 1: x: “bob@” is no valid address: expected a domain after “@”, at character 5"),
        ("x = []", "a.toml, line 1: x: the alias names nobody"),
        ('x = ""', "a.toml, line 1: x: the alias names nobody"),
        ('x = "|cat"', "a.toml, line 1: x: “|cat” is no valid address: an address needs “@” and a domain"),
        ('"a b" = "x@y.example"', "a.toml, line 1: “a b” can't be an alias"),
        ('"a@b.example" = "x@y.example"', "a.toml, line 1: “a@b.example” can't be an alias"),
        ('"-a" = "x@y.example"', "a.toml, line 1: “-a” can't be an alias"),
        ("[x]\ny = 'z'", "a.toml, line 1: x: expected a text or a list of texts"),
        ("x =", "a.toml, line 1, at the end: not TOML: Invalid value"),
    ],
)
def test_mistakes_in_toml(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml_aliases("a.toml", text)

    assert caught.value.sentence == sentence


MUTT = r"""# my friends
set from="x@y.example"
alias ada Ada Lovelace <ada@example.org> # since school
alias -group friends -group old bob bob@example.org (Bob), ada
  alias crew "Hash # Mark" <h@example.org>, \
     carol
alias gone gone@example.org; set x=y
unalias gone
alias crew2 crew: a@x.example, bob;
source `echo evil`
alias none
alias bad <unclosed@example.org
alias ADA Ada Byron <byron@example.org>
"""


def test_mutt() -> None:
    assert shown(parse_mutt_aliases("m", MUTT)) == {
        "ADA": (13, "Ada Byron <byron@example.org>"),
        "bob": (4, "Bob <bob@example.org>, ada"),
        "crew": (5, "Hash # Mark <h@example.org>, carol"),
        "crew2": (9, "crew: a@x.example, bob;"),
        "none": (11, "the alias names nobody"),
        "bad": (12, "“<unclosed@example.org” is no valid address: expected “>”, at character 22"),
    }


def test_mutt_takes_them_all_back() -> None:
    assert parse_mutt_aliases("m", "alias a a@x.example\nunalias *\n") == ()


SYSTEM = """# See man 5 aliases.
postmaster:    root
Root: ops@example.org,
\tbob
# a comment within
   , "Carol C" <carol@example.org>
"quoted": dan
pipe: ada@example.org, "|/usr/bin/vacation ada, bob"
bare:|/bin/cat
file: /dev/null
more: :include:/etc/passwd
black: :blackhole:
ada: \\ada, ada@example.org
empty:
root: second@example.org
no colon here
"""


def test_system() -> None:
    assert shown(parse_system_aliases("e", SYSTEM)) == {
        "postmaster": (2, "root"),
        "Root": (3, "ops@example.org, bob, Carol C <carol@example.org>"),
        "quoted": (7, "dan"),
        "pipe": (8, '"|/usr/bin/vacation ada, bob" is a program, and none is run: mail goes to addresses only'),
        "bare": (9, "|/bin/cat is a program, and none is run: mail goes to addresses only"),
        "file": (10, "/dev/null is a file, and none is written: mail goes to addresses only"),
        "more": (11, ":include:/etc/passwd is a list in another file, which is not opened: write its addresses here"),
        "black": (12, "“:blackhole:” is no valid address: expected an address"),
        "ada": (13, "ada, ada@example.org"),
        "empty": (14, "the alias names nobody"),
    }


def test_lines_in_crlf() -> None:
    assert shown(parse_system_aliases("e", "a: b@x.example\r\nc: d\r\n")) == {"a": (1, "b@x.example"), "c": (2, "d")}
