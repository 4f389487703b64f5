"""Work that waits for somebody else and can't be interrupted, only left behind: by a deadline, or beside other work."""

from __future__ import annotations

from typing import Generic, TypeVar

from sendmail_cli.errors import DeadlineExceeded, MailError, ResourceError
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class Errand(Generic[Value]):
    """`work`, begun at once in a thread of its own. One that is late is left behind: it keeps nobody from ending."""

    def __init__(self, work: Callable[[], Value], on_end: Callable[[], None] = lambda: None) -> None:
        self._work, self._on_end = work, on_end
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self._thread = BackgroundThread(self._run, "errand")
        try:
            self._thread.start()
        except RuntimeError:
            raise ResourceError("no thread could be had for what may have to be waited for") from None

    @property
    def is_ended(self) -> bool:
        """True when it has brought something, or failed."""
        return bool(self._values) or self._error is not None

    def result(self, seconds: float) -> Value:
        """What it brought; waits for it, at most so long. Raises its error, or `DeadlineExceeded`."""
        self._thread.join(max(0.0, seconds))
        if self._error is not None:
            raise self._error
        if not self._values:
            raise DeadlineExceeded("no answer in time")
        return self._values[0]

    def outcome(self) -> Value | MailError:
        """What it brought by now, or why it didn't. Raises an error that is none of ours."""
        try:
            return self.result(0)
        except MailError as error:
            return error

    def _run(self) -> None:
        try:
            self._values.append(self._work())
        except BaseException as error:  # it is raised where somebody waits for it
            self._error = error
        self._on_end()
