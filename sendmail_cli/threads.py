"""Threads beside the main one, which alone acts on Ctrl-C and SIGTERM."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
import threading

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


# Seconds that whoever waits in the main thread does so at once. A signal that comes between Python's last look for one
# and the system's call doesn't end that call: it is heard when the call returns.
LONGEST_WAIT = 1.0


class BackgroundThread(threading.Thread):
    """A daemon thread that leaves signals to the main one.

    One that came while we were stopped (Ctrl-Z, then `kill %1`) goes to any thread that takes it, while the main one
    waits on. No program may be started here: it would never hear of them.
    """

    def __init__(self, target: Callable[[], object], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)

    def run(self) -> None:
        if hasattr(_signal, "pthread_sigmask"):  # not on Windows
            _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT, _signal.SIGTERM))
        super().run()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, at most so many seconds."""
        while self.is_alive() and (timeout is None or timeout > 0):
            super().join(LONGEST_WAIT if timeout is None else min(timeout, LONGEST_WAIT))
            timeout = None if timeout is None else timeout - LONGEST_WAIT
