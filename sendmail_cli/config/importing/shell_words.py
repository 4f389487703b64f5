"""A command that another program gives to a shell, as the argv of our `password_command`, which has none.

Plain words become the argv; what only a shell understands goes to one: `["sh", "-c", …]`, as it went before.
"""

from __future__ import annotations

import re
import shlex

_WORD = r"""(?:[A-Za-z0-9_@%+=:,./-]|'[^']*'|"[^"$`\\!]*")+"""
_PLAIN = re.compile(rf"\s*{_WORD}(?:[ \t]+{_WORD})*\s*")
_BUILT_IN = frozenset((".", ":", "cd", "command", "eval", "exec", "export", "read", "set", "source", "umask", "unset"))
_SAYS = re.compile(r"\s*(?:/usr)?(?:/bin/)?(?:echo|printf)(?![A-Za-z0-9_.-])")  # the password stands in the command
_EXPANDS = re.compile(r"[$`]")


def argv_of(command: str) -> list[str]:
    """The program and its arguments; a shell and the command where it takes one to understand it."""
    if _PLAIN.fullmatch(command):
        words = shlex.split(command)
        if words[0] not in _BUILT_IN and "=" not in words[0]:
            return words
    return ["sh", "-c", command.strip()]


def says_it_itself(command: str) -> bool:
    """True where the command is an `echo` of the password: whoever reads the command reads that."""
    return _SAYS.match(command) is not None and _EXPANDS.search(command) is None


def said(command: str) -> str | None:
    """The password that a plain `echo` says; None where more than one word or a pipe makes that a guess."""
    if not _PLAIN.fullmatch(command):
        return None
    words = [word for word in shlex.split(command)[1:] if word not in {"-n", "-e", "%s", "%s\\n"}]
    return words[0] if len(words) == 1 and "%" not in words[0] else None
