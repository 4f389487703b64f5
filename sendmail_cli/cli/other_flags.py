"""Advice that names options of `sendmail-cli send`, for the programs that have others: sendmail(1) and mail(1)."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BOTH = {flag: flag for flag in ("--profile", "--debug", "--help", "-v")} | {"-p": "--profile", "--verbose": "-v"}
_FLAGS = {
    "sendmail": _BOTH | {flag: flag for flag in ("-bi", "-bm", "-bp", "-bs", "-f", "-t")} | {"--envelope-from": "-f"},
    "mail": _BOTH
    | {"--from": "-r", "--envelope-from": "-r", "--subject": "-s", "--cc": "-c", "--bcc": "-b", "--attach": "-A"},
}

_FLAG = "(?<![a-zA-Z0-9-])--?[a-zA-Z][a-z-]*"


def in_other_flags(lines: Iterable[str], program: str) -> list[str]:
    """The lines with the options of `program`, "sendmail" or "mail"; without those that name one which it has not.

    What stands behind `sendmail-cli` is that program's own, however we are called; so is what another program is given.
    """
    import re

    flags = _FLAGS[program]
    found = []
    for line in lines:
        advice, ours, command = line.partition("sendmail-cli ")
        named = re.findall(_FLAG, re.sub("`[a-z][^`]*`", "", advice))
        if all(flag in flags for flag in named):
            found.append(re.sub(_FLAG, lambda match: flags.get(match[0], match[0]), advice) + ours + command)
    return found
