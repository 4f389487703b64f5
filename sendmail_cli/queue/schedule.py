"""When a queued mail is tried, for how long, and how fast: arithmetic alone, no clock, no file.

Clocks leap. So no moment further away than the longest wait is believed, and the age of a mail is not the difference of
two dates: it is the time in which somebody was looking, a few hours at most between two looks.
"""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_WAIT = 60.0  # seconds; greylisting servers take a second attempt after one to five minutes
LONGEST_WAIT = 7200.0  # seconds
LONGEST_STEP = 2 * LONGEST_WAIT  # seconds that one look at the clock may add to a mail's age
LIFETIME = 5 * 86400.0  # seconds; RFC 5321 §4.5.4.1: at least 4 or 5 days
JITTER = 0.25  # of a wait, taken off at random: mails that failed together don't come back together
FIRST_PAUSE = 60.0  # seconds; "maximum sending rate exceeded" is over in no time, a day's quota is asked for hourly
LONGEST_PAUSE = 3600.0  # seconds
SHIFT = 3600.0  # seconds after which a runner in the background ends
NEGLECT = 3600.0  # seconds that a due mail waits before it is said that nobody runs the queue
BATCH = 10  # mails that one runner takes at once


class Limit(NamedTuple):
    """So many messages in any period of so many seconds."""

    messages: int
    seconds: float


def wait_after(attempts: int, chance: float) -> float:
    """Seconds to wait after so many failed attempts: doubling, with jitter, capped. `chance` is from 0 up to 1."""
    return _doubled(FIRST_WAIT, attempts, LONGEST_WAIT) * (1 - JITTER * chance)


def pause_after(times: int, chance: float) -> float:
    """Seconds for which a profile pauses once its provider has said so many times in a row that it is too much."""
    return _doubled(FIRST_PAUSE, times, LONGEST_PAUSE) * (1 - JITTER * chance)


def _doubled(first: float, times: int, longest: float) -> float:
    # 2.0**1024 overflows; after 30 doublings the cap holds anyway.
    return min(longest, first * 2.0 ** min(max(times - 1, 0), 30))


def is_over(moment: float, now: float, longest: float) -> bool:
    """True when `moment` has come, or is further away than any wait was: then the clock has leapt back since."""
    return moment <= now or moment > now + longest


def looked_on(last: float, now: float) -> float:
    """Seconds that a look at the clock adds to the age of what waits; `last` is the look before it."""
    return min(max(now - last, 0.0), LONGEST_STEP)


def expired_since(age: float) -> float:
    """A mail that has waited since then or longer is given up at `age`; both in seconds of being looked on."""
    return age - LIFETIME


def room(limits: Iterable[tuple[Limit, int]], wanted: int) -> int:
    """How many of `wanted` messages may go now; each limit comes with the messages of its period."""
    return max(min([wanted, *(limit.messages - used for limit, used in limits)]), 0)
