"""`--preview`: the page in the user's browser, from a file that only its owner can read."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from sendmail_cli.cli.page import page_path, write_page
from sendmail_cli.errors import OutputError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.environment import Environment

FOLDER = "preview"  # in the state folder: not in /tmp, where others can see that there is a message
KEPT = 24 * 3600.0  # seconds; a browser may be asked to load it again
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
# In a process of its own: the browser is told no password of ours, and writes nothing between our lines.
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def show(page: bytes, talking: Talk) -> None:
    """Open the page, or say where it is. Raises `OutputError` when it can't be written."""
    environment = talking.environment
    folder = os.path.join(environment.user_state_folder, FOLDER)
    path = os.path.join(folder, f"{environment.random_bytes(8).hex()}.html")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as error:
        raise _unwritten(folder, error) from None
    _tidy(folder, environment)
    write(path, page, environment)
    if not _open(Path(path).as_uri(), environment):
        talking.output.say(f"no browser could be opened here; the page is in {path}")
    else:
        talking.inform(f"the page is in {path}; nothing was sent")


def write(name: str, page: bytes, environment: Environment) -> None:
    """The page into the file `name`. Raises `OutputError` when that can't be done."""
    try:
        write_page(page_path(name), page, environment)
    except OSError as error:
        raise _unwritten(name, error) from None


def _unwritten(name: str, error: OSError) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(
        f"can't write the preview to {printable(name)}: {reason}", hint="Name another file with --preview-file."
    )


def _tidy(folder: str, environment: Environment) -> None:
    """Take away what was looked at a day ago."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if environment.now() - entry.stat(follow_symlinks=False).st_mtime > KEPT:
                    os.unlink(entry.path)


def _open(url: str, environment: Environment) -> bool:
    """True when a browser took it. Where nothing can be shown none is tried: it would be one of the terminal's."""
    if sys.platform == "linux" and not any(environment.variables.get(name) for name in DISPLAYS):
        return False
    if not sys.executable:
        return False
    command = [sys.executable, "-I", "-c", _OPEN, url]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment.child_variables(),
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0
