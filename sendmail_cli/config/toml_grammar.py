"""Any TOML: its values, by tomllib, and on which line each key stands, which tomllib doesn't say."""

from __future__ import annotations

import re
import tomllib

from sendmail_cli.config.toml_lines import KeyPath, record_line
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_TOML_PLACE = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOKEN = re.compile(
    r'''
    (?P<string> """(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5} | \'\'\'(?:[^']|'{1,2}(?!'))*'{3,5}
              | "(?:[^"\\\n]|\\.)*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<bare> [A-Za-z0-9_-]+ )
    | (?P<mark> [\[\]{}=] )
    ''',
    re.VERBOSE | re.DOTALL,
)


def read_any(path: str, text: str) -> dict[str, Any]:
    """The tables of `text`. Raises `ConfigError` with file, line and column where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        what = printable(message[: place.start()] if place else message)
        if place and place[1]:
            where = f"line {place[1]}, column {place[2]}"
        else:
            where = f"line {text.count(chr(10), 0, len(text.rstrip())) + 1}, at the end"
        raise ConfigError(
            f"{printable(path)}, {where}: not TOML: {what}", hint='Texts stand in quotes: key = "text".'
        ) from None
    except RecursionError:
        raise ConfigError(f"{printable(path)}: not a configuration: nested too deep") from None
    except ValueError:  # not from the grammar: Python converts no number of more than 4300 digits
        raise ConfigError(f"{printable(path)}: not a configuration: a number in it has thousands of digits") from None


def find_lines(text: str) -> dict[KeyPath, int]:
    """The line of each table and key in `text`, which is TOML: what isn't is not noticed here."""
    reader = _Reader()
    for token in _TOKEN.finditer(text):
        reader.take(token.lastgroup or "", token[0])
    reader.end_statement()
    return reader.lines


class _Reader:
    """Goes through the tokens; knows the table it is in and which part of a statement comes next."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.line = 1
        self.table: KeyPath = ()
        self.key: list[str] = []
        self.is_header = False
        self.is_value = False
        self.depth = 0  # of brackets, in a value

    def take(self, kind: str, text: str) -> None:
        if kind == "newline" and self.depth == 0:
            self.end_statement()
        elif self.is_value:
            self.depth += (text in {"[", "{"}) - (text in {"]", "}"})
        elif kind == "mark":
            self.take_mark(text)
        elif kind in {"bare", "string"}:
            self.key.append(text.strip("\"'"))
        self.line += text.count("\n")

    def take_mark(self, mark: str) -> None:
        if mark == "[":
            self.is_header = True
        elif mark == "=":
            self.is_value = True
            self.record((*self.table, *self.key))

    def end_statement(self) -> None:
        if self.is_header:
            self.table = tuple(self.key)
            self.record(self.table)
        self.key = []
        self.is_header = self.is_value = False

    def record(self, path: KeyPath) -> None:
        record_line(self.lines, path, self.line)
