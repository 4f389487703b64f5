"""The table: what `sendmail-cli send` can be told, and what the reader of the message must find then."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.readers.reading import Part, Reading


class File(NamedTuple):
    """A word of the command line: the path of a file with these octets."""

    name: str
    octets: bytes
    beside: tuple[tuple[str, bytes], ...] = ()  # files in the same folder: names and octets


Word = str | File


class Choice(NamedTuple):
    """Words of the command line, and what they make of the message."""

    name: str
    words: tuple[Word, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()
    implied: tuple[tuple[str, Any], ...] = ()  # fields that hold where no other choice says them
    text: str = ""
    html: str = ""
    text_beside: str | None = None  # the text of HTML where no other choice has one; the last that says it
    parts: tuple[Part, ...] = ()
    form: Callable[[Reading], Reading] | None = None  # what it makes of what the others have said


class Feature(NamedTuple):
    """What can be chosen independently of all else; the first choice is the plainest."""

    name: str
    choices: tuple[Choice, ...]

    def choices_named(self, names: Iterable[str]) -> tuple[Choice, ...]:
        """Those of `names`; of no name the plainest."""
        named = {choice.name: choice for choice in self.choices}
        return tuple(named[name] for name in names) or self.choices[:1]


class Case(NamedTuple):
    """One message: a choice of each feature."""

    name: str
    words: tuple[Word, ...]
    expected: Reading
    choices: frozenset[str]  # "feature=choice"


def case_of(features: Iterable[Feature], choices: Iterable[Choice]) -> Case:
    """The message with these choices; its name holds those that aren't the plainest."""
    chosen = tuple(choices)
    fields: dict[str, Any] = {}
    for choice in chosen:
        fields |= dict(choice.fields)
    for choice in chosen:
        fields = dict(choice.implied) | fields
    beside = [choice.text_beside for choice in chosen if choice.text_beside is not None]
    expected: Reading = {
        "fields": fields,
        "text": "".join(choice.text for choice in chosen) or "".join(beside[-1:]),
        "html": "".join(choice.html for choice in chosen),
        "parts": [part for choice in chosen for part in choice.parts],
    }
    for choice in chosen:
        expected = expected if choice.form is None else choice.form(expected)
    pairs = [(feature, choice) for feature, choice in zip(features, chosen, strict=True)]
    named = [f"{feature.name}={choice.name}" for feature, choice in pairs if choice is not feature.choices[0]]
    return Case(
        " ".join(named) or "plain",
        tuple(word for choice in chosen for word in choice.words),
        expected,
        frozenset(f"{feature.name}={choice.name}" for feature, choice in pairs),
    )


def part(media_type: str, name: str, octets: bytes, message: Reading | None = None, content_id: str = "") -> Part:
    digest = hashlib.sha256(octets).hexdigest()
    return {"type": media_type, "name": name, "sha256": digest, "content_id": content_id, "message": message}
