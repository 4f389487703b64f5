"""Whether a message goes into the queue: as was asked for, as the profile says, or as is usual where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.errors import UsageError
from sendmail_cli.queue.entry import QueueMode

if TYPE_CHECKING:
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.queue.entry import Queueing


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


def is_immediate(asked: Queueing, settings: Settings) -> bool:
    """True where the queue has nothing to do with a message that can be sent at once. Raises as `queue_mode`."""
    is_plain = asked.due is None and asked.key is None and settings.queue.keep is None
    return is_plain and queue_mode(asked, settings) is not QueueMode.ALWAYS
