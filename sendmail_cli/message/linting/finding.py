"""What a rule finds, and how much it matters."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.typing import NamedTuple


class Severity(Enum):
    """What a receiver makes of it."""

    ERROR = "error"  # it is refused or thrown away by many
    WARNING = "warning"  # it counts against the message, or readers see something else than was meant
    NOTE = "note"  # it is worth knowing, and nobody punishes it


class Flaw(NamedTuple):
    """One thing that a rule doesn't like."""

    sentence: str
    advice: str  # what to do
    where: str = ""  # "Subject", "part 2 (report.exe)"; "" for the message as a whole
    line: int | None = None  # of the message as it leaves


class Finding(NamedTuple):
    """A flaw with the name and the weight of its rule."""

    code: str
    severity: Severity
    sentence: str
    advice: str
    where: str
    line: int | None
