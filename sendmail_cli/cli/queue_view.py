"""What waits in the queue as a person reads it: of `queue list`, and of mailq."""

from __future__ import annotations

import os

from sendmail_cli.cli.moments import shown_moment
from sendmail_cli.environment import SPOOL_VARIABLE
from sendmail_cli.queue.choice import has_waiting
from sendmail_cli.queue.entry import MailState
from sendmail_cli.queue.spool import Spool
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment
    from sendmail_cli.queue.entry import QueueEntry

SHOWN = 3  # recipients of a mail in a list
_UNITS = ("bytes", "kB", "MB", "GB")


def lines_of_all(environment: Environment) -> Iterator[str]:
    """Those of every mail that waits, by number; none where no queue is. Raises `SpoolError`."""
    if not os.path.exists(environment.spool_folder):  # it isn't made for looking at it: www-data has no home
        return
    with Spool(environment) as spool:
        for entry in spool.entries():
            yield lines_of(entry, environment)


def other_queue(environment: Environment) -> str | None:
    """A line for root whose own queue is not that of the machine's service, where mail may wait too; else None."""
    folder = environment.system_spool_folder
    is_chosen = bool(environment.variables.get(SPOOL_VARIABLE))
    if is_chosen or not environment.is_root or environment.spool_folder == folder or not has_waiting(folder):
        return None
    return f"this is your own queue; for that of the machine's mail service set {SPOOL_VARIABLE}={folder}"


def lines_of(entry: QueueEntry, environment: Environment) -> str:
    """A mail for a person: who to whom, since when, and why it waits."""
    state = state_of(entry)
    when = shown_moment(entry.created, environment)
    if state in {"waiting", "scheduled"} and entry.due > environment.now():
        state += f" until {shown_moment(entry.due, environment)}"
    whom = ", ".join(entry.recipients[:SHOWN])
    if len(entry.recipients) > SHOWN:
        whom += f" and {len(entry.recipients) - SHOWN} more"
    line = f"{entry.id}  {when}  {shown_size(entry.size)}  {state}  {entry.reverse_path} to {whom}"
    return f"{line}\n    {entry.why}" if entry.why else line


def state_of(entry: QueueEntry) -> str:
    """What is done with it, in a word."""
    if entry.state is not MailState.WAITING:
        return str(entry.state.value)
    if entry.is_being_sent:
        return "sending"
    return "scheduled" if entry.is_scheduled else "waiting"


def shown_size(octets: int) -> str:
    """Octets for a person."""
    size, unit = float(octets), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 10 else f"{size:.1f} {_UNITS[unit]}"
