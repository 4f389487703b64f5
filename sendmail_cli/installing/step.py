"""One change to the machine, which is told before it is made, or instead."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Step(NamedTuple):
    """Something to be done, and the words for it."""

    words: str
    act: Callable[[], None]
