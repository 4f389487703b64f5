"""On which line of a TOML text each key stands. tomllib reads values without their places.

Only for text that tomllib has read: what is no TOML is not noticed here.
"""

from __future__ import annotations

import re

from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

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

KeyPath = tuple[str, ...]


class Place(NamedTuple):
    """Where something stands in a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{printable(self.file)}, line {self.line}"


class TomlLines(NamedTuple):
    """The lines of one file's tables and keys."""

    file: str
    lines: Mapping[KeyPath, int]

    def place(self, path: KeyPath) -> Place:
        """Where `path` stands; inside an inline table or below a quoted key with escapes, where its table does."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines.get(path, 1))


def find_lines(file: str, text: str) -> TomlLines:
    """The line of each table and key in `text`, which is `file`'s."""
    reader = _Reader()
    for token in _TOKEN.finditer(text):
        reader.take(token.lastgroup or "", token[0])
    reader.end_statement()
    return TomlLines(file, reader.lines)


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
        """`path` is on this line, and so are the tables it is in unless they were seen before."""
        for length in range(1, len(path)):
            self.lines.setdefault(path[:length], self.line)
        self.lines[path] = self.line
