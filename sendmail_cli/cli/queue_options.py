"""The options about the queue of every command that sends, and what they were set to."""

from __future__ import annotations

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.errors import UsageError
from sendmail_cli.queue.choice import Queueing, QueueMode, queue_mode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.request import Request

MAX_KEY = 255  # characters
_MODES = {"queue": QueueMode.ALWAYS, "queue_on_failure": QueueMode.ON_FAILURE, "no_queue": QueueMode.NEVER}

queue_options = stack(
    option(
        "--queue",
        is_flag=True,
        section="Queue",
        help="Don't send now: put it into the queue, and have that sent in the background.",
    ),
    option(
        "--queue-on-failure",
        is_flag=True,
        section="Queue",
        help="Where it can't be sent now, put it into the queue, which tries for five days. What is refused for good "
        "is not queued.",
    ),
    option("--no-queue", is_flag=True, section="Queue", help="Send now or not at all, whatever the profile says."),
    option(
        "--at",
        once=True,
        metavar="TIME",
        section="Queue",
        help="Send at this time ('2026-12-24 18:00', 18:00): from the server if it offers that, else from the queue.",
    ),
    option("--in", "in_", once=True, metavar="TIME", section="Queue", help="The same, in 30m, 2h, 1d."),
    option(
        "--idempotency-key",
        once=True,
        metavar="KEY",
        section="Queue",
        help="Send one message under this key: a command that is repeated sends nothing and says what became of it.",
    ),
)


def queueing(values: dict[str, Any], environment: Environment) -> Queueing:
    """The options of `queue_options`, taken out of a command's `values`. Raises `UsageError`."""
    from sendmail_cli.cli.moments import parse_due

    given = [name for name in _MODES if values.pop(name)]
    if len(given) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{names} contradict each other; give one of them")
    due = parse_due(values.pop("at"), values.pop("in_"), environment)
    key = values.pop("idempotency_key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isprintable()):
        raise UsageError(f"a key has 1 to {MAX_KEY} printable characters")
    mode = _MODES[given[0]] if given else None
    if due is not None and mode is QueueMode.NEVER:
        raise UsageError("--no-queue and --at or --in contradict each other: what goes later waits somewhere")
    return Queueing(mode, due, key)


def what_waits(request: Request, settings: Settings, environment: Environment) -> str:
    """A sentence on what the queue would have to do with the message; "" is nothing.

    Raises `UsageError` where the message can't wait.
    """
    mode = queue_mode(request.queueing, settings)
    due = request.queueing.due
    if due is None and mode is QueueMode.NEVER:
        return ""
    from sendmail_cli.cli.moments import shown_moment
    from sendmail_cli.queueing import lane_for

    lane_for(request, settings)
    if due is not None:
        whence = (
            "from the queue" if mode is QueueMode.ALWAYS else "by the server if it offers that, else from the queue"
        )
        return f"it would go {whence}, not before {shown_moment(due, environment)}"
    if mode is QueueMode.ALWAYS:
        return "it would go into the queue, and from there"
    return "where it can't be sent now, it would go into the queue"
