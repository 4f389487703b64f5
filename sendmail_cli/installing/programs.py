"""The machine's own programs that we have do something: dpkg's, systemd's."""

from __future__ import annotations

import shutil
import subprocess

from sendmail_cli.errors import OutputError
from sendmail_cli.printable import printable

PATIENCE = 60  # seconds for an answer
_VARIABLES = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}  # no secret of ours is among them


def has(*names: str) -> bool:
    """True where all of these programs are installed."""
    return all(shutil.which(name, path=_VARIABLES["PATH"]) is not None for name in names)


def act(*command: str) -> None:
    """Have it done. Raises `OutputError` where it isn't."""
    done = ask(*command)
    if done.returncode != 0:
        raise OutputError(f"{command[0]} failed: {printable(done.stderr.strip(), 300)}")


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """What it answers. Raises `OutputError` where it can't be run."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=_VARIABLES,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputError(f"{command[0]} can't be run: {printable(str(error), 300)}") from None
