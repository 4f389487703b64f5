"""What a reader of mail makes of a message: the same for every reader, so that two can be compared."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 600.0  # seconds for all messages together
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
    """Without what is new in every message, with flowed lines joined, and content ids counted: id0, id1."""
    fields = {name: value for name, value in reading["fields"].items() if name not in _UNCOMPARED}
    html = reading["html"]
    parts: list[Part] = []
    ids = [part["content_id"].strip("<>") for part in reading["parts"] if part["content_id"]]
    for part in reading["parts"]:
        own = part["content_id"].strip("<>")
        message = None if part["message"] is None else settled(part["message"])
        parts.append({**part, "content_id": f"id{ids.index(own)}" if own else "", "message": message})
    for number, content_id in enumerate(ids):
        html = html.replace(f"cid:{content_id}", f"cid:id{number}")
    text = reading["text"] if "flowed" not in reading else unflowed(reading["text"], reading["flowed"])
    return {"fields": fields, "text": text, "html": html, "parts": parts}


def unflowed(text: str, delete_space: str) -> str:
    """Text of format=flowed with its paragraphs joined, each quotation marked by “>” (RFC 3676 §4.2)."""
    paragraphs: list[tuple[int, str]] = []
    is_open = False  # the next line goes on with the last paragraph, if it is as deep a quotation
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_soft = content.endswith(" ") and content != "-- "
        kept = content[:-1] if is_soft and delete_space == "yes" else content
        if is_open and paragraphs[-1][0] == depth:
            paragraphs[-1] = (depth, paragraphs[-1][1] + kept)
        else:
            paragraphs.append((depth, kept))
        is_open = is_soft
    return "\n".join(f"{'>' * depth}{' ' if depth and content else ''}{content}" for depth, content in paragraphs)
