"""A signal that doesn't end the wait of the main thread is heard within a moment all the same.

One may come between Python's last look for signals and the system's call. Here it comes to another thread while the
main one waits: for that one it is the same, its call goes on.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.net.race import wait_for_any
from sendmail_cli.net.stream import wait
from sendmail_cli.threads import BackgroundThread
from tests.support.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType


LONG = 20.0  # seconds


class HeardError(Exception):
    """Raised by the handler."""


def raise_heard(number: int, frame: object) -> None:
    raise HeardError


def codes(thread: threading.Thread) -> Iterator[CodeType]:
    """What it is in."""
    frame: FrameType | None = sys._current_frames()[thread.ident or 0]
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


@contextmanager
def heard_in(function: Callable[..., object]) -> Iterator[None]:
    """A signal comes as soon as the main thread is in `function`, ends no call of its, and is heard before `LONG`."""

    def send() -> None:
        wait_until(lambda: function.__code__ in codes(threading.main_thread()))
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, raise_heard)
    thread = threading.Thread(target=send)
    began = time.monotonic()
    thread.start()
    try:
        with pytest.raises(HeardError):
            yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - began < LONG


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A socket on which nothing comes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def test_while_a_server_says_nothing(silent: socket.socket) -> None:
    with heard_in(wait):
        wait(silent, 2 * LONG, for_read=True, for_write=False)


def test_while_nobody_answers_a_dial() -> None:
    full = socket.socketpair()
    with full[0], full[1], heard_in(wait_for_any):
        full[0].setblocking(False)
        with suppress(BlockingIOError):
            while True:
                full[0].send(b"x" * 65536)
        wait_for_any([full[0]], 2 * LONG)


def test_while_a_thread_is_waited_for() -> None:
    ended = threading.Event()
    thread = BackgroundThread(ended.wait, "one that takes its time")
    thread.start()
    with heard_in(BackgroundThread.join):
        thread.join(2 * LONG)
    ended.set()


def test_a_thread_is_waited_for_so_long_and_no_longer() -> None:
    ended = threading.Event()
    thread = BackgroundThread(ended.wait, "one that takes its time")
    thread.start()
    thread.join(0)
    thread.join(0.01)
    assert thread.is_alive()
    ended.set()
    thread.join()
    assert not thread.is_alive()
