"""What of this machine no test may touch: the queue and the files of whoever runs the tests."""

from __future__ import annotations

import os
import pwd

from sendmail_cli.environment import APPLICATION, SYSTEM_SPOOL

_HOME = pwd.getpwuid(os.getuid()).pw_dir  # what $HOME says is the test's own
_FOLDERS = (
    *((SYSTEM_SPOOL,) if os.geteuid() == 0 else ()),
    f"{_HOME}/.config/{APPLICATION}",
    f"{_HOME}/.local/state/{APPLICATION}",
)
_DEPTH = 2  # folders below one of them


def touched() -> dict[str, int]:
    """Every file and folder there, and when it was changed."""
    found: dict[str, int] = {}
    for folder in _FOLDERS:
        _look(folder, _DEPTH, found)
    return found


def _look(path: str, depth: int, found: dict[str, int]) -> None:
    try:
        found[path] = os.lstat(path).st_mtime_ns
        if depth >= 0 and os.path.isdir(path):
            for name in os.listdir(path):
                _look(os.path.join(path, name), depth - 1, found)
    except OSError:  # it isn't there, or not any more
        return
