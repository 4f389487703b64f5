"""Aliases as their files have them: our `aliases.toml`, mutt's alias files, and the aliases(5) of sendmail and Postfix.

    # aliases.toml
    alias_files = ["~/.mutt/aliases"]
    root = "ops@example.org"
    team = ["Ada <ada@example.org>", "bob"]

In `aliases.toml` each mistake is a `ConfigError` with file, line and key. The other files are also written for other
programs: what this one can't use there is no mistake until somebody writes to it.
"""

from __future__ import annotations

import re

from sendmail_cli.addressees import parse_addressees
from sendmail_cli.config.importing.mutt_syntax import Reader, logical_lines
from sendmail_cli.config.toml_lines import Place, read_toml
from sendmail_cli.errors import AddressError, ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.addressees import Addressee

FILES_KEY = "alias_files"  # the one key of aliases.toml that is no alias

_KEY = re.compile(r'("(?:[^"\\]|\\.)*"[ \t]*|[^:"]+):')
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|\\.|[^",\\]|\\$)+', re.DOTALL)
_COMMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"#])*)#', re.DOTALL)  # outside of quotes


class Alias(NamedTuple):
    """What one name stands for."""

    name: str  # as it was written
    place: Place
    targets: tuple[Addressee, ...]
    fault: str = ""  # why nobody can write to it, as a sentence without its place
    is_final: bool = False  # a name among `targets` that is its own is the end and no loop


class TomlAliases(NamedTuple):
    """What an `aliases.toml` says."""

    aliases: tuple[Alias, ...]
    files: tuple[str, ...]  # of mutt, as they were written
    files_place: Place


def parse_toml_aliases(path: str, text: str) -> TomlAliases:
    """The aliases in `text`, which is that of `path`. Raises `ConfigError` with file, line and key."""
    document, lines = read_toml(path, text)
    files = _texts(document.pop(FILES_KEY, []), lines.place((FILES_KEY,)), FILES_KEY)
    aliases = []
    for name, value in document.items():
        place = lines.place((name,))
        aliases.append(Alias(name, place, _toml_targets(name, value, place)))
    return TomlAliases(tuple(aliases), files, lines.place((FILES_KEY,)))


def _toml_targets(name: str, value: object, place: Place) -> tuple[Addressee, ...]:
    shown = printable(name, 80)
    if not _is_local_name(name):
        raise ConfigError(
            f"{place}: “{shown}” can't be an alias",
            hint="It begins with a letter, a digit or “_”, and has only these, “.”, “+” and “-”.",
        )
    targets: list[Addressee] = []
    for text in _texts(value, place, shown):
        try:
            targets += parse_addressees(text)
        except AddressError as error:
            raise ConfigError(f"{place}: {shown}: {error.sentence}") from None
    if not targets:
        raise ConfigError(f"{place}: {shown}: the alias names nobody")
    return tuple(targets)


def _texts(value: object, place: Place, shown: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ConfigError(
            f"{place}: {shown}: expected a text or a list of texts",
            hint='An alias is written: team = ["Ada <ada@example.org>", "bob"]',
        )
    return tuple(texts)


def _is_local_name(name: str) -> bool:
    try:
        found = parse_addressees(name)
    except AddressError:
        return False
    return len(found) == 1 and str(found[0]) == name and "@" not in name


def parse_mutt_aliases(path: str, text: str) -> tuple[Alias, ...]:
    """The `alias` commands in `text`, a file of mutt's; all other commands are passed over, and none is run.

    The last of a name holds, as in mutt, and `unalias` takes one back.
    """
    found: dict[str, Alias] = {}
    for number, line in logical_lines(text):
        reader = Reader(line, lambda _: None)
        command = "" if reader.is_at_end else reader.word().text
        if command == "unalias":
            while not reader.is_at_end:
                name = reader.word().text
                found.pop(name.lower(), None)
                if name == "*":
                    found.clear()
        elif command == "alias":
            alias = _mutt_alias(reader, Place(path, number))
            found[alias.name.lower()] = alias
    return tuple(found.values())


def _mutt_alias(reader: Reader, place: Place) -> Alias:
    name = reader.word().text
    while name == "-group":
        reader.word()
        name = reader.word().text
    rest = reader.line[reader.at :].strip()
    comment = _COMMENT.match(rest)
    return _foreign_alias(name, place, [comment[1] if comment else rest])


def parse_system_aliases(path: str, text: str) -> tuple[Alias, ...]:
    """The lines of `text`, a file as aliases(5) has it. The first of a name holds, as with Postfix.

    Programs, files and `:include:` are never run or opened: an alias that has one has a fault.
    """
    found: dict[str, Alias] = {}
    for number, line in _system_lines(text):
        key = _KEY.match(line)
        if key is None:
            continue
        name = re.sub(r"\\(.)", r"\1", key[1].strip().strip('"'))
        items = [item.strip() for item in _ITEM.findall(line[key.end() :])]
        alias = _foreign_alias(name, Place(path, number), [item.removeprefix("\\") for item in items])
        fault = next(filter(None, map(_forbidden, items)), alias.fault)
        found.setdefault(name.lower(), alias._replace(fault=fault, is_final=True))
    return tuple(found.values())


def _system_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the number of its first part; one that begins with a blank goes on with the one before."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] not in " \t" and parts:
            yield first, " ".join(parts)
            parts = []
        if not parts:
            first = number
        parts.append(line.strip())
    if parts:
        yield first, " ".join(parts)


def _foreign_alias(name: str, place: Place, texts: list[str]) -> Alias:
    """An alias of a file that other programs read too; what can't be used becomes its fault."""
    targets: list[Addressee] = []
    fault = ""
    for text in texts:
        try:
            targets += parse_addressees(text)
        except AddressError as error:
            fault = error.sentence
            break
    if not fault and not targets:
        fault = "the alias names nobody"
    return Alias(name, place, tuple(targets), fault)


def _forbidden(text: str) -> str:
    """Why mail never goes to `text`, though some mail system would send it there; "" for all else."""
    bare, shown = text.strip('"'), printable(text, 80)
    if bare.startswith("|"):
        return f"{shown} is a program, and none is run: mail goes to addresses only"
    if bare.startswith("/"):
        return f"{shown} is a file, and none is written: mail goes to addresses only"
    if bare.lower().startswith(":include:"):
        return f"{shown} is a list in another file, which is not opened: write its addresses here"
    return ""
