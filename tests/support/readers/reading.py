"""What a reader of mail makes of a message: the same for every reader, so that two can be compared."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 120.0  # seconds for all messages together
# New in every message, or said by what the reader finds in it.
_UNCOMPARED = ("date", "message-id", "mime-version", "content-type", "content-transfer-encoding")


class Part(TypedDict):
    """A leaf of the tree that is no text of the message itself."""

    type: str
    name: str  # "" for none
    sha256: str  # of its octets, decoded
    content_id: str  # with its angle brackets; "" for none
    message: Reading | None  # what it is, where it is a message


class Reading(TypedDict):
    """A message as its reader sees it."""

    # By their names in lower case: text; for addresses a list of [name, address] and [name of group, members].
    fields: dict[str, Any]
    text: str  # "" for none, as for an empty one; lines end in LF
    html: str
    parts: list[Part]
    flowed: NotRequired[str]  # where the text is format=flowed (RFC 3676) as it stands: its DelSp


def read_by_program(
    argv: Sequence[str | Path], folder: Path, count: int, variables: Mapping[str, str]
) -> list[Reading]:
    """What the program says of `0.eml` and so on in `folder`: it gets both as arguments."""
    return list(map(settled, lines_of_program([*argv, folder, str(count)], count, variables)))


def lines_of_program(argv: Sequence[str | Path], count: int, variables: Mapping[str, str]) -> list[Any]:
    """What it prints, in `count` lines of JSON."""
    done = subprocess.run(argv, capture_output=True, env=dict(variables), timeout=PATIENCE, check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, count), done.stderr.decode(errors="replace")
    return list(map(json.loads, lines))


def settled(reading: Reading) -> Reading:
    """Without what is new in every message, and with flowed lines joined."""
    fields = {name: value for name, value in reading["fields"].items() if name not in _UNCOMPARED}
    parts: list[Part] = [
        {**part, "message": None if part["message"] is None else settled(part["message"])} for part in reading["parts"]
    ]
    text = reading["text"] if "flowed" not in reading else unflowed(reading["text"], reading["flowed"])
    return {"fields": fields, "text": text, "html": reading["html"], "parts": parts}


def unflowed(text: str, delete_space: str) -> str:
    """Text of format=flowed with its paragraphs joined (RFC 3676 §4.2), none of them quoted."""
    return "".join(_paragraphs(text, is_space_kept=delete_space != "yes"))


def _paragraphs(text: str, *, is_space_kept: bool) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        body = line.removesuffix("\n").removeprefix(" ")
        if body.endswith(" ") and body != "-- ":
            yield body if is_space_kept else body[:-1]
        else:
            yield line.removeprefix(" ")
