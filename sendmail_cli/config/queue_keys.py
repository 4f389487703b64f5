"""The keys of a profile about what waits: checked, and as they hold for one message."""

from __future__ import annotations

import re

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.profiles import Profile

QUEUE_CHOICES = ("never", "on-failure", "always")
IN_DOUBT_CHOICES = ("resend", "hold")
BOUNCE_CHOICES = ("mbox", "mail")
MAX_CONNECTIONS = 100
MAX_KEEP_DAYS = 3650
DAY = 86400.0  # seconds
KEEP = 30 * DAY  # seconds that the journal of the queue is kept where nothing is set

# Patterns, compiled by re when they are used: all of them at every start would be felt.
_LIMIT = "([0-9]{1,9}) ?/ ?([smhd])"
_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}
_DAYS = "([0-9]{1,5}) ?d"

Limits = tuple[tuple[int, float], ...]  # messages, and in how many seconds


class QueueSettings(NamedTuple):
    """What is to become of messages that can't be sent at once, and what is written down of all."""

    queue: str | None = None  # one of QUEUE_CHOICES; None: never, unless whoever calls us knows better
    in_doubt: str | None = None  # one of IN_DOUBT_CHOICES; None: hold what is one of many, send the rest again
    bounce: str = "mbox"  # one of BOUNCE_CHOICES
    limits: Limits = ()
    connections: int | None = None
    keep: float | None = None  # seconds; None: the default, and what never was in the queue is not written down
    syslog: bool = False  # what became of each message goes to the log of the system too


def queue_settings(profile: Profile) -> QueueSettings:
    """As the profile has it, with our defaults."""
    default = QueueSettings()
    return QueueSettings(
        profile.queue,
        profile.in_doubt,
        profile.bounce or default.bounce,
        profile.limits or (),
        profile.connections,
        profile.log,
        bool(profile.syslog),
    )


def check_limits(value: object) -> Limits:
    """How many messages may go in a period, or a list of such. Raises `ConfigError`."""
    texts = value if isinstance(value, list) else [value]
    if not texts:
        raise ConfigError("the list has no limit in it; without limits the key is left out")
    limits = []
    for text in texts:
        match = re.fullmatch(_LIMIT, text) if isinstance(text, str) else None
        if match is None or int(match[1]) == 0:
            raise ConfigError(
                f"“{printable(str(text), 80)}” is no limit",
                hint='A limit is a number of messages in a second, minute, hour or day: "14/s", "100/m", "2000/d".',
            )
        limits.append((int(match[1]), _PERIODS[match[2]]))
    return tuple(limits)


def check_connections(value: object) -> int:
    """How many connections there may be at once. Raises `ConfigError`."""
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_CONNECTIONS:
        raise ConfigError(f"expected a number of connections from 1 to {MAX_CONNECTIONS}")
    return number


def check_keep(value: object) -> float:
    """Seconds, of a number of days such as "90d". Raises `ConfigError`."""
    match = re.fullmatch(_DAYS, value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= MAX_KEEP_DAYS:
        raise ConfigError('how long the journal is kept is a number of days, such as "90d"')
    return int(match[1]) * DAY


def check_syslog(value: object) -> bool:
    """true or false. Raises `ConfigError`."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value, value)
    if not isinstance(value, bool):
        raise ConfigError("expected true or false: whether what becomes of messages goes to the log of the system")
    return value


def shown_limits(limits: Limits) -> str:
    """As they are written."""
    letters = {seconds: letter for letter, seconds in _PERIODS.items()}
    return ", ".join(f"{messages}/{letters[seconds]}" for messages, seconds in limits)


QUEUE_CHECKS: dict[str, Callable[[object], object]] = {
    "limits": check_limits,
    "connections": check_connections,
    "log": check_keep,
    "syslog": check_syslog,
}
QUEUE_WORDS = {"queue": QUEUE_CHOICES, "in_doubt": IN_DOUBT_CHOICES, "bounce": BOUNCE_CHOICES}
QUEUE_KEYS = (*QUEUE_WORDS, *QUEUE_CHECKS)


def shown_queue(settings: QueueSettings) -> dict[str, str]:
    """Each key as text, as it is written in the file."""
    return {
        "queue": settings.queue or "never",
        "in_doubt": settings.in_doubt or "",
        "bounce": settings.bounce,
        "limits": shown_limits(settings.limits),
        "connections": str(settings.connections),
        "log": "" if settings.keep is None else f"{settings.keep / DAY:g}d",
        "syslog": "true" if settings.syslog else "false",
    }
