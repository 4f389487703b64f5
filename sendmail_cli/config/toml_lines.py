"""TOML with the line of each key, read line by line as long as it is plain: comments, `[a.b]`, and `key = value` with a
text, a whole number, true or false.

Most configurations are, and tomllib costs 8 ms before it has read a word. Whatever else a text has is left to it.
"""

from __future__ import annotations

from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

KeyPath = tuple[str, ...]

_BLANKS = " \t"
_SWITCHES = {"true": True, "false": False}
_MAX_DIGITS = 18  # of a number


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


def read_toml(path: str, text: str) -> tuple[dict[str, Any], TomlLines]:
    """The tables of `text`, which is that of the file `path`, and where all of it stands.

    Raises `ConfigError` with file, line and column where it is not TOML.
    """
    plain = read_plain(text)
    if plain is None:
        from sendmail_cli.config.toml_grammar import find_lines, read_any

        return read_any(path, text), TomlLines(path, find_lines(text))
    return plain[0], TomlLines(path, plain[1])


def record_line(lines: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    """`path` is on this line, and so are the tables it is in unless they were seen before."""
    for length in range(1, len(path)):
        lines.setdefault(path[:length], line)
    lines[path] = line


def read_plain(text: str) -> tuple[dict[str, Any], dict[KeyPath, int]] | None:
    """The tables and lines of a plain text; None for any other, and for one that is wrong."""
    if not text.replace("\n", "").replace("\t", "").isprintable():
        return None
    document: dict[str, Any] = {}
    lines: dict[KeyPath, int] = {}
    seen: set[KeyPath] = set()
    path: KeyPath = ()
    table = document
    for number, line in enumerate(text.split("\n"), 1):
        statement = line.strip(_BLANKS)
        if not statement or statement[0] == "#":
            continue
        if statement[0] == "[" and statement[-1] == "]":
            path = tuple(statement[1:-1].split("."))
            found = _table(document, path)
            if found is None or path in seen:
                return None
            table = found
            seen.add(path)
            record_line(lines, path, number)
            continue
        key, _, written = statement.partition("=")
        key, value = key.rstrip(_BLANKS), _value(written.lstrip(_BLANKS))
        if value is None or not _is_bare(key) or key in table:
            return None
        table[key] = value
        record_line(lines, (*path, key), number)
    return document, lines


def _table(document: dict[str, Any], path: KeyPath) -> dict[str, Any] | None:
    """The table of that header, made where there is none; None where the header is not plain, or not for a table."""
    for key in path:
        table = document.setdefault(key, {}) if _is_bare(key) else None
        if not isinstance(table, dict):
            return None
        document = table
    return document


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("-", "").replace("_", "").isalnum()


def _value(written: str) -> str | int | bool | None:
    """What `written` says, with or without a comment behind it; None where it isn't plain."""
    quote = written[:1]
    if quote in {'"', "'"}:
        end = written.find(quote, 1)
        inner, rest = written[1:end], written[end + 1 :].lstrip(_BLANKS)
        is_plain = end > 0 and not (quote == '"' and "\\" in inner) and rest[:1] in {"", "#"}
        return inner if is_plain else None
    word = written.partition("#")[0].rstrip(_BLANKS)
    if word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS and (word == "0" or word[0] != "0"):
        return int(word)
    return _SWITCHES.get(word)
