"""What an explanation is, and how a reply is known by its words.

A meaning says what happened, its advice what to do next. Each is one sentence of at most 160 characters and names
only commands and options that exist. The advice is empty only where nothing needs to be done.
"""

from __future__ import annotations

from sendmail_cli.typing import NamedTuple


class Explanation(NamedTuple):
    """What a code means, what to do about it, and who says so."""

    meaning: str
    advice: str
    source: str


class KnownReply(NamedTuple):
    """An explanation and the refusals it fits; an empty sign fits any."""

    explanation: Explanation
    codes: tuple[int, ...] = ()
    enhanced: tuple[tuple[int, int, int], ...] = ()
    words: tuple[str, ...] = ()  # in lower case; the reply has one of them

    def fits(self, code: int | None, enhanced: tuple[int, int, int] | None, said: str) -> bool:
        """Whether a refusal is meant; `said` is its text in lower case with single spaces."""
        return (
            (not self.codes or code in self.codes)
            and (not self.enhanced or enhanced in self.enhanced)
            and (not self.words or any(word in said for word in self.words))
        )
