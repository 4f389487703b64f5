"""The grammar of git's configuration files (git-config(1), “Syntax”).

`git config --list` would read them too, but says no lines, and git needs not be there.
"""

from __future__ import annotations

import re

from sendmail_cli.config.importing.findings import Setting, refuse
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(r'\[[ \t]*([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\.)*)")?[ \t]*\]')
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)[ \t]*")
_BLANK = re.compile(r"[ \t\r\n]*(?:[#;][^\n]*)?")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "\\": "\\", '"': '"'}


def parse_git(path: str, text: str) -> Iterator[tuple[str, Setting]]:
    """Each setting with its subsection ("" for none); its name is “section.key” in small letters.

    Raises `ConfigError` with file and line where the text is none of git's.
    """
    at = 0
    section = subsection = ""
    while (at := _skip(text, at)) < len(text):
        place = Place(path, text.count("\n", 0, at) + 1)
        header = _SECTION.match(text, at)
        if header is not None:
            section, _, dotted = header[1].partition(".")
            section = section.lower()
            subsection = dotted.lower() if header[2] is None else re.sub(r"\\(.)", r"\1", header[2])
            at = header.end()
            continue
        key = _KEY.match(text, at)
        if key is None or not section:
            raise refuse(
                place, "neither a section nor a key of git's stands there", "[sendemail], and key = value below"
            )
        value, at = _value(text, key.end(), place) if key[2] else ("true", _end_of_line(text, key.end(), place))
        yield subsection, Setting(place, f"{section}.{key[1].lower()}", value)


def _skip(text: str, at: int) -> int:
    """Where the next thing stands after blanks and comments."""
    while (match := _BLANK.match(text, at)) is not None and match.end() > at:
        at = match.end()
    return at


def _end_of_line(text: str, at: int, place: Place) -> int:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    rest = text[at:end].strip(" \t\r")
    if rest and rest[0] not in "#;":
        raise refuse(place, "what follows the key is no value: “=” is missing")
    return end


def _value(text: str, at: int, place: Place) -> tuple[str, int]:
    """The value at `at`, and where it ends: blanks round it are dropped, those in quotes stay."""
    pieces: list[str] = []
    kept = 0  # pieces up to the last one that isn't a blank
    is_quoted = False
    while at < len(text) and text[at] != "\n":
        character = text[at]
        at += 1
        if character == "\\":
            if text[at : at + 1] == "\n":
                at += 1
                continue
            escaped = _ESCAPES.get(text[at : at + 1])
            if escaped is None:
                raise refuse(place, "a backslash in a value stands before n, t, b, a quotation mark or a backslash")
            pieces.append(escaped)
            at += 1
        elif character == '"':
            is_quoted = not is_quoted
        elif character in "#;" and not is_quoted:
            end = text.find("\n", at)
            return "".join(pieces[:kept]), len(text) if end < 0 else end
        else:
            pieces.append(character)
            if character in " \t\r" and not is_quoted:
                continue
        kept = len(pieces)
    if is_quoted:
        raise refuse(place, "the quotation marks of this value are not closed on its line")
    return "".join(pieces[:kept]), at
