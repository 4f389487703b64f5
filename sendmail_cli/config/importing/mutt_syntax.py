"""The grammar of muttrc: lines that go on, commands divided by “;”, words with quotes, variables and backquotes.

No program is run: what a backquote would print stands in a word as a hole, and the word knows the command.
"""

from __future__ import annotations

import re

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOLE = "\0"  # no text has a NUL: `text_file` refuses it
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "f": "\f"}
MAX_WORD = 65536  # characters; variables in variables double at each step


class Word(NamedTuple):
    """A word; each `HOLE` in `text` is what the command at that place of `commands` would print."""

    text: str
    commands: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """True when no program has a say in it."""
        return not self.commands

    @property
    def command(self) -> str | None:
        """The command whose output is the whole word, or None."""
        return self.commands[0] if self.text == HOLE and len(self.commands) == 1 else None


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the number of its first part: a backslash at the end joins the next one to it."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not parts:
            first = number
        if re.search(r"(?<!\\)(?:\\\\)*\\$", line):
            parts.append(line[:-1])
            continue
        yield first, "".join((*parts, line))
        parts = []
    if parts:
        yield first, "".join(parts)


class Reader:
    """Takes words off one logical line. `lookup` gives a variable's value; an unknown one is empty."""

    def __init__(self, line: str, lookup: Callable[[str], Word | None]) -> None:
        self.line = line
        self.at = 0
        self.lookup = lookup

    @property
    def is_at_end(self) -> bool:
        """True where the command ends: at “;”, a comment, or the end of the line."""
        self.skip_blanks()
        return self.at >= len(self.line) or self.line[self.at] in ";#"

    def next_command(self) -> bool:
        """Go over the “;”; False at the end of the line or at a comment."""
        self.skip_blanks()
        while self.line[self.at : self.at + 1] == ";":
            self.at += 1
            self.skip_blanks()
        return self.at < len(self.line) and self.line[self.at] != "#"

    def skip_blanks(self) -> None:
        while self.at < len(self.line) and self.line[self.at] in " \t\r":
            self.at += 1

    def equal_sign(self) -> bool:
        """Go over “=”, if that comes next."""
        self.skip_blanks()
        if self.line[self.at : self.at + 1] != "=":
            return False
        self.at += 1
        return True

    def word(self, stops: str = "") -> Word:
        """The next word; it ends at a blank, at “;” and before any of `stops` outside of quotes."""
        self.skip_blanks()
        texts: list[str] = []
        commands: list[str] = []
        quote = ""
        while self.at < len(self.line):
            character = self.line[self.at]
            if not quote and character in f" \t\r;{stops}":
                break
            self.at += 1
            if character == quote:
                quote = ""
            elif not quote and character in "\"'":
                quote = character
            elif quote == "'":
                texts.append(character)
            else:
                self.special(character, texts, commands)
        return Word("".join(texts)[:MAX_WORD], tuple(commands[:MAX_WORD]))

    def special(self, character: str, texts: list[str], commands: list[str]) -> None:
        """What `character` stands for where quotes don't make it plain."""
        if character == "\\":
            escaped = self.line[self.at : self.at + 1]
            self.at += 1
            texts.append(_ESCAPES.get(escaped, escaped))
        elif character == "`":
            end = self.line.find("`", self.at)
            end = len(self.line) if end < 0 else end
            commands.append(self.line[self.at : end])
            texts.append(HOLE)
            self.at = end + 1
        elif character == "$" and (match := _VARIABLE.match(self.line, self.at - 1)):
            self.at = match.end()
            found = self.lookup(match[1] or match[2])
            if found is not None:
                texts.append(found.text)
                commands.extend(found.commands)
        else:
            texts.append(character)
