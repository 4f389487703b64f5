"""Ctrl-C and SIGTERM: both end what is being done by an exception, and neither once a message is with the server."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` makes enums of all it has: 0.5 ms of a start
from contextlib import contextmanager

from sendmail_cli.errors import Terminated
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def listen() -> None:
    """From now on SIGTERM raises `Terminated`, and Ctrl-C KeyboardInterrupt; unless our caller ignores them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as `__main__` left it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def settle() -> None:
    """From now on neither is heard: what became of the message is known, and is all that is left to say.

    An exit code of 130 for a message that was taken would have it sent twice.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def left_to_child() -> Iterator[None]:
    """Ctrl-C inside the block is for the program that has the terminal, an editor for one, and not for us."""
    before = signal.signal(signal.SIGINT, _pass)  # a handler, as a child would inherit SIG_IGN
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _terminate(signum: int, frame: object) -> None:
    raise Terminated


def _pass(signum: int, frame: object) -> None:
    """Hears the signal and does nothing."""
