"""Which failures were mailed lately, so that a job that fails each minute doesn't send a mail each minute.

A small file a failure, in the state folder: when the last mail was sent, and how often it happened since.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment
    from sendmail_cli.runs.program import ProgramRun

MAX_RECORD = 100  # octets


class FailureMemory:
    """What is remembered of one failure: the same command that ends in the same way, in the same folder."""

    def __init__(self, run: ProgramRun, environment: Environment) -> None:
        key = sha256("\0".join((os.getcwd(), str(run.exit_code), *run.command)).encode("utf-8", "surrogateescape"))
        self._folder = os.path.join(environment.user_state_folder, "runs")
        self._path = os.path.join(self._folder, key.hexdigest()[:32])
        self._now = run.began + run.seconds

    def is_due(self, interval: float) -> bool:
        """True when no mail about it was sent in the last `interval` seconds. A clock that was set back is no reason
        to be silent.
        """
        mailed, _ = self._load()
        return not 0 <= self._now - mailed < interval

    @property
    def unsaid(self) -> int:
        """How often it happened since the last mail."""
        return self._load()[1]

    def note_mailed(self) -> None:
        """A mail was sent. Raises `OSError`."""
        self._save(self._now, 0)

    def note_unsaid(self) -> None:
        """It happened once more, without a mail. Raises `OSError`."""
        mailed, unsaid = self._load()
        self._save(mailed, unsaid + 1)

    def _load(self) -> tuple[float, int]:
        try:
            with open(self._path, encoding="ascii") as file:
                mailed, unsaid = file.read(MAX_RECORD).split()
            return float(mailed), int(unsaid)
        except (OSError, ValueError):
            return float("-inf"), 0

    def _save(self, mailed: float, unsaid: int) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        unfinished = f"{self._path}.{os.getpid()}"
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(f"{mailed} {unsaid}\n")
            os.replace(unfinished, self._path)
        finally:
            with suppress(OSError):
                os.unlink(unfinished)
