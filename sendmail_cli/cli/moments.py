"""Times as people write them, and as they read them: “2026-12-24 18:00”, “18:00”, “90m”, “2d”."""

from __future__ import annotations

import re

from sendmail_cli.errors import UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

MAX_SPAN = 10 * 365 * 86400.0  # seconds; nobody means more

_SPAN = re.compile("([0-9]{1,9}(?:[.][0-9]{1,9})?) ?([smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_CLOCK = re.compile("[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?")


def parse_span(text: str) -> float:
    """Seconds: “90s”, “30m”, “2h”, “1d”, “1w”. Raises `UsageError`."""
    match = _SPAN.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match is not None else 0.0
    if not 0 < seconds <= MAX_SPAN:
        raise UsageError(
            f"“{printable(text, 80)}” is no length of time",
            hint="It is a number and a unit, s, m, h, d or w: 90s, 30m, 2h, 1d.",
        )
    return seconds


def parse_moment(text: str, environment: Environment) -> float:
    """Seconds since the epoch of a date and time, or of a time today. Without an offset it is local time.

    Raises `UsageError`.
    """
    from datetime import datetime

    wanted = text.strip()
    if _CLOCK.fullmatch(wanted):
        today = environment.local_time(environment.now())
        wanted = f"{today.tm_year:04}-{today.tm_mon:02}-{today.tm_mday:02} {wanted.zfill(5)}"
    try:
        return datetime.fromisoformat(wanted).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"“{printable(text, 80)}” is no date and time",
            hint="Write it as “2026-12-24 18:00”, “2026-12-24T18:00+01:00”, or “18:00” for today.",
        ) from None


def parse_due(at: str | None, in_: str | None, environment: Environment) -> float | None:
    """When a message is to go, of --at and --in; None for at once. Raises `UsageError`."""
    if at is not None and in_ is not None:
        raise UsageError("--at and --in both say when the message is to go; give one of them")
    now = environment.now()
    if in_ is not None:
        return now + parse_span(in_)
    if at is None:
        return None
    moment = parse_moment(at, environment)
    if moment <= now and _CLOCK.fullmatch(at.strip()):
        moment += 86400.0  # the next time that the clock shows it
    if not now < moment <= now + MAX_SPAN:
        raise UsageError(f"--at {printable(at, 80)}: that is not in the years to come")
    return moment


def parse_since(text: str, environment: Environment) -> float:
    """Seconds since the epoch of a date, or of so long ago. Raises `UsageError`."""
    if _SPAN.fullmatch(text.strip()):
        return environment.now() - parse_span(text)
    return parse_moment(text, environment)


def shown_moment(moment: float, environment: Environment) -> str:
    """Local date and time, to the minute."""
    try:
        at = environment.local_time(moment)
    except (ValueError, OverflowError, OSError):  # of a damaged row
        return "?"
    return f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02} {at.tm_hour:02}:{at.tm_min:02}"


def utc_moment(moment: float) -> str:
    """For machines: RFC 3339 in UTC."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(moment))
