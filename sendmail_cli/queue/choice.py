"""Whether a message goes into the queue: as was asked for, as the profile says, or as is usual where it comes from.

And whether some mail waits there: who sends needs no more of the queue, as long as nothing does.
"""

from __future__ import annotations

import os
from enum import Enum

from sendmail_cli.errors import UsageError
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.settings import Settings

WAITING = "waiting"  # a file in the spool that is there as long as some mail may be, or something is to be told


class QueueMode(Enum):
    """When a message goes into the queue."""

    NEVER = "never"
    ON_FAILURE = "on-failure"  # where it can't be sent just now
    ALWAYS = "always"


class Queueing(NamedTuple):
    """What is asked for about the queue."""

    mode: QueueMode | None = None  # None: as the profile says, else `otherwise`
    due: float | None = None  # seconds since the epoch before which it must not go; None: at once
    key: str | None = None  # of idempotency: one message is sent under it, however often that is asked for
    otherwise: QueueMode = QueueMode.NEVER  # where neither says
    is_one_of_many: bool = False  # of a mailbox that is sent message by message


# For callers who are rid of a mail once we have it: cron will not come again.
TAKEN_OVER = Queueing(otherwise=QueueMode.ON_FAILURE)


def queue_mode(asked: Queueing, settings: Settings) -> QueueMode:
    """When the message goes into the queue.

    Raises `UsageError` where the queue was asked for and the sandbox is the server.
    """
    if settings.is_sandbox:
        if asked.mode is QueueMode.ALWAYS or asked.due is not None:
            raise UsageError("the sandbox is there at once or never: nothing is queued for it")
        return QueueMode.NEVER
    if asked.mode is not None:
        return asked.mode
    return asked.otherwise if settings.queue.queue is None else QueueMode(settings.queue.queue)


def check_series(asked: Queueing) -> None:
    """Raise `UsageError` for what can't be asked for several messages."""
    if asked.key is not None:
        raise UsageError("--idempotency-key is for one message, and there are several")


def is_immediate(asked: Queueing, settings: Settings) -> bool:
    """True where the queue has nothing to do with a message that can be sent at once. Raises as `queue_mode`."""
    is_plain = asked.due is None and asked.key is None and settings.queue.keep is None
    return is_plain and queue_mode(asked, settings) is not QueueMode.ALWAYS


def has_waiting(folder: str) -> bool:
    """True when some mail may be waiting in the spool `folder`; nothing is opened for it."""
    return os.path.exists(os.path.join(folder, WAITING))
