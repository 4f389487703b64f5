"""The arguments of MAIL and RCPT as a server reads them (RFC 5321 §4.1.2)."""

from __future__ import annotations

import re

_PATH = re.compile(r'[ \t]*<((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*")*)>(?:[ \t]+(.*))?', re.DOTALL)
_BARE_PATH = re.compile(r"[ \t]*([^ \t<>]+)(?:[ \t]+(.*))?", re.DOTALL)  # not allowed, and often sent
_ROUTE = re.compile(r"@[^:\"]*:")  # "MUST BE accepted, SHOULD be ignored"
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\U0010ffff]+))?")


def parse_path(word: str, argument: str) -> tuple[str, dict[str, str]] | None:
    """What stands in the angle brackets after `word`, “FROM:” or “TO:”, and the parameters behind them.

    These are by name in capitals, "" where there is no value. None for an argument that is no such thing.
    """
    if argument[: len(word)].upper() != word:
        return None
    rest = argument[len(word) :]
    match = _PATH.fullmatch(rest) or _BARE_PATH.fullmatch(rest)
    if match is None:
        return None
    parameters: dict[str, str] = {}
    for text in (match[2] or "").split():
        parameter = _PARAMETER.fullmatch(text)
        if parameter is None or parameter[1].upper() in parameters:
            return None
        parameters[parameter[1].upper()] = parameter[2] or ""
    route = _ROUTE.match(match[1])
    return match[1][route.end() :] if route else match[1], parameters
