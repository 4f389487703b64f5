"""The text that a person writes in an editor: kept in a file until the message is sent, so that no failure loses it."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress

from sendmail_cli.cli import interrupts
from sendmail_cli.errors import ConfigError, InputOutputError, OutputError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

VARIABLES = ("VISUAL", "EDITOR")
EDITORS = ("sensible-editor", "editor", "nano", "vim", "vi")  # the first there is, where no variable names one


class Manuscript:
    """A file in the user's state folder, for its owner alone, in which the text is written."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.path: str | None = None

    def write(self) -> bytes:
        """Open the editor; what was written. Raises `UsageError` when that is nothing, and `MailError`."""
        self.path = self._new_file()
        try:
            self._run_editor(self.path)
            with open(self.path, "rb") as file:
                octets = file.read()
        except OSError as error:
            raise InputOutputError(f"can't read {printable(self.path)}: {error.strerror}") from None
        if not octets.strip():
            self.drop()
            raise UsageError("nothing was written, so nothing was sent")
        return octets

    def drop(self) -> None:
        """The text has arrived, or there is none: take the file away."""
        if self.path is not None:
            with suppress(OSError):
                os.unlink(self.path)
            self.path = None

    @property
    def whereabouts(self) -> str:
        """Where the text is kept and what to do with it; "" when nothing is kept."""
        if self.path is None or not self._is_written(self.path):
            self.drop()
            return ""
        return f"Your text is kept in {self.path}; --body-file sends it."

    def _is_written(self, path: str) -> bool:
        try:
            return os.path.getsize(path) > 0
        except OSError:
            return False

    def _new_file(self) -> str:
        folder = os.path.join(self._environment.user_state_folder, "drafts")
        path = os.path.join(folder, f"{self._environment.random_bytes(4).hex()}.txt")
        try:
            os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)  # the mode is the last folder's alone
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise OutputError(
                f"can't write {printable(path)}, where the text would be kept: {error.strerror}"
            ) from None
        return path

    def _run_editor(self, path: str) -> None:
        from subprocess import run

        environment = self._environment
        command = _editor(environment)
        shown = printable(command[0], 80)
        # An editor draws on its standard output; where that was sent elsewhere, the terminal is at standard error.
        stdout = None if environment.is_terminal(environment.stdout) else environment.stderr
        try:
            with interrupts.left_to_child():
                status = run([*command, path], stdout=stdout, env=environment.child_variables(), check=False).returncode
        except OSError as error:
            raise ConfigError(
                f"the editor “{shown}” can't be run: {error.strerror}", hint="Name another in $EDITOR, or use -m TEXT."
            ) from None
        if status != 0:
            raise ConfigError(f"the editor “{shown}” failed with exit code {status}, so nothing was sent")


def _editor(environment: Environment) -> list[str]:
    """The user's editor as an argv. Raises `ConfigError` where there is none."""
    for name in VARIABLES:
        try:
            command = shlex.split(environment.variables.get(name, ""))
        except ValueError as error:
            raise ConfigError(f"${name} is no command: {str(error).lower()}") from None
        if command:
            return command
    from shutil import which

    found = next(filter(None, map(which, EDITORS)), None)
    if found is None:
        raise ConfigError("there is no editor to write the text in", hint="Name one in $EDITOR, or use -m TEXT.")
    return [found]
