"""How far a long upload has come: a bar on the terminal, which is gone again when there is something to say.

It is for a person who sits there and waits. Nobody else gets it: no pipe, no file, no cron job, nobody who asked for
quiet, and nobody who watches the dialogue. The bar is tqdm's, since click's takes the width of standard output for that
of standard error and stays on the screen; it is loaded only once an upload takes longer than a second.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from sendmail_cli.cli.output import width_of
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.environment import Environment

PATIENCE = 1.0  # seconds; who waits for less wants no bar
_CLEAR_LINE = "\r\x1b[K"
_FORMAT = "sending {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt}, {rate_fmt}, {remaining} left"


@contextmanager
def shown(talking: Talk) -> Iterator[Callable[[int, int], None] | None]:
    """What is to be told of an upload's progress: octets done, and octets in all. None where nobody is to see it.

    When the block ends nothing is left on the screen.
    """
    if not _is_wanted(talking):
        yield None
        return
    progress = _Progress(talking.environment)
    try:
        yield progress.tell
    finally:
        progress.erase()


def _is_wanted(talking: Talk) -> bool:
    environment = talking.environment
    is_watching = environment.is_terminal(environment.stderr) and environment.variables.get("TERM") != "dumb"
    return is_watching and not talking.output.is_quiet and not talking.is_dialogue_shown


class _Progress:
    """One upload. A terminal that can't be written to is no reason to stop it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._began: float | None = None
        self._bar: Any = None
        self._is_drawn = False  # before there is a bar: Ctrl-C may come while it is made

    def tell(self, done: int, total: int) -> None:
        """`done` octets of `total` were handed out."""
        now = self._environment.monotonic()
        if self._began is None:
            self._began = now
        stream = self._environment.stderr
        if now - self._began < PATIENCE or not _is_in_front(stream):
            return
        with suppress(OSError, ValueError):
            if self._bar is not None:
                self._bar.ncols = _columns(stream)
                self._bar.update(done - self._bar.n)
            elif done < total:
                self._is_drawn = True
                self._bar = _bar(done, total, stream)

    def erase(self) -> None:
        """Leave the line empty."""
        if not self._is_drawn:
            return
        with suppress(OSError, ValueError):
            if self._bar is not None:
                self._bar.close()
            self._environment.stderr.write(_CLEAR_LINE)  # a “^C” stands behind what the bar knows of


def _bar(done: int, total: int, stream: IO[str]) -> Any:
    from threading import RLock

    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread that looks after a bar
    tqdm.set_lock(RLock())  # its own would be one between processes
    how = {"unit": "B", "unit_scale": True, "bar_format": _FORMAT, "leave": False}
    return tqdm(total=total, initial=done, file=stream, ncols=_columns(stream), **how)


def _columns(stream: IO[str]) -> int:
    """How wide the bar may be: the terminal less what “^C” takes, so that it never runs on into the next line."""
    return max(width_of(stream) - len("^C") - 1, 1)


def _is_in_front(stream: IO[str]) -> bool:
    """False for a job in the background (`&`): the terminal is the shell's then."""
    if not hasattr(os, "tcgetpgrp"):
        return True
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # a terminal that controls nobody
        return True
