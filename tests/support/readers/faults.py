"""What a reader gets wrong itself. Each is asserted as it is: when the reader is mended, a test fails and says so."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.readers.features import Case
    from tests.support.readers.reading import Reading


class Fault(NamedTuple):
    """What `reader` makes of the messages with one of `choices`: "feature=choice"."""

    reader: str
    why: str
    choices: frozenset[str]
    seen: Callable[[Reading], Reading]  # what it finds in place of what is there
    but: frozenset[str] = frozenset()  # the choices with which it gets it right


def expected_of(case: Case, reader: str) -> Reading:
    """What `reader`, with its faults, is to find in the message."""
    expected = case.expected
    for fault in FAULTS:
        if fault.reader == reader and fault.choices & case.choices and not fault.but & case.choices:
            expected = fault.seen(expected)
    return expected


def _spaced_author(reading: Reading) -> Reading:
    """The white space that Python's reader leaves between the encoded-words of a name (RFC 2047 §6.2 says none)."""
    probe = email.message_from_string("From: =?utf-8?q?a?= =?utf-8?q?b?= <a@b.c>\n\n", policy=email.policy.default)
    if probe["from"].addresses[0].display_name == "ab":  # mended in 3.13.2 (python/cpython#128110)
        return reading
    ((name, address),) = reading["fields"]["from"]
    cut = 15  # characters of three octets in an encoded-word, 14 in the first, which stands behind "From: "
    pieces = [name[: cut - 1]] if len(name) > cut else [name]
    pieces += [name[at : at + cut] for at in range(cut - 1, len(name), cut)]
    return {**reading, "fields": {**reading["fields"], "from": [[" ".join(pieces), address]]}}


def _text_of_one_line_break(reading: Reading) -> Reading:
    is_empty = reading["parts"] and not (reading["text"] or reading["html"])
    return {**reading, "text": "\n"} if is_empty else reading


def _without_last_line_break(reading: Reading) -> Reading:
    return {**reading, "text": reading["text"].removesuffix("\n")}


FAULTS = (
    Fault(
        "library",
        "white space between the encoded-words of a display name is kept",
        frozenset(["from=japanese, long"]),
        _spaced_author,
    ),
    Fault(
        "mailparser",
        "an empty text is read as one line break: that of the delimiter which follows it (RFC 2046 §5.1.1)",
        frozenset(["body=empty"]),
        _text_of_one_line_break,
        frozenset(["form=base64"]),
    ),
    Fault(
        "mailparser",
        "the last line break of a text in format=flowed is dropped",
        frozenset(["form=flowed", "form=flowed and signed"]),
        _without_last_line_break,
    ),
)
