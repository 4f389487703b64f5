"""The command line of mail(1) and mailx(1), as monitoring and cron jobs write it, and what it asks for.

Three programs have that name and disagree: of bsd-mailx `-a` is a header field, of s-nail a file, of mailutils `-E` has
a value. What is meant shows in what stands there. Only sending is ours; tilde escapes are text (CVE-2021-32749).
"""

from __future__ import annotations

import re

from sendmail_cli.cli.sendmail_grammar import parse_sendmail
from sendmail_cli.errors import UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[["MailxCall", str], "MailxCall"]

_WITH_VALUE = frozenset("AMQSTXYabchmqrs")
_ALONE = frozenset("BDEFINRdinptv~#.")
_READING = frozenset("Hefu")
_HEADER = re.compile(r"[!-9;-~]+:(?:\s|\Z)|[A-Z][!-9;-~]*:", re.DOTALL)
_COMMAND = re.compile(r"(?:set|unset)\s")  # what mailutils takes after -E
# Of mailutils.
_LONG = {
    "subject": "s", "append": "a", "attach": "A", "return-address": "r", "mail": "", "skip-empty-attachments": "",
    "content-type": "M", "exec": "", "quiet": "", "nosum": "", "norc": "",
}  # fmt: skip


class MailxCall(NamedTuple):
    """What a command line asks for."""

    recipients: tuple[str, ...] = ()
    subject: str | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    from_: str | None = None
    full_name: str = ""  # of the author, where `from_` has none
    reply_to: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()  # each as it stands in a header
    attachments: tuple[str, ...] = ()  # paths
    content_type: str | None = None  # of the body
    body_file: str | None = None
    skips_empty: bool = False
    is_header_read: bool = False  # -t: standard input is a whole message, which names its recipients
    is_verbose: bool = False
    wants_help: bool = False
    profile: str | None = None
    is_debugging: bool = False
    warnings: tuple[str, ...] = ()

    def warned(self, text: str) -> MailxCall:
        """The same, with one more thing to tell."""
        return self._replace(warnings=(*self.warnings, text))


def parse_mailx(arguments: list[str], is_file: Callable[[str], bool]) -> MailxCall:
    """What `arguments`, those after the program's name, ask for. `is_file` tells a file that exists from a text.

    Raises `UsageError` for what reads mail.
    """
    call = MailxCall()
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if argument == "--":
            return _after_dashes(call, list(reversed(waiting)))
        if argument.startswith("--"):
            call = _long(call, argument, waiting, is_file)
        elif argument.startswith("-") and len(argument) > 1:
            call = _letters(call, argument, waiting, is_file)
        else:
            call = call._replace(recipients=(*call.recipients, argument))
    return call


def _after_dashes(call: MailxCall, words: list[str]) -> MailxCall:
    """Recipients that may begin with a dash. Behind recipients, and one more `--`, stand options of sendmail(1)."""
    if not call.recipients:
        end = words.index("--") if "--" in words else len(words)
        call, words = call._replace(recipients=tuple(words[:end])), words[end + 1 :]
    passed = parse_sendmail(words)
    return call._replace(
        recipients=(*call.recipients, *passed.recipients),
        from_=passed.envelope_from or call.from_,
        full_name=passed.full_name or "",
        warnings=(*call.warnings, *passed.warnings),
    )


def _letters(call: MailxCall, argument: str, waiting: list[str], is_file: Callable[[str], bool]) -> MailxCall:
    at = 1
    while at < len(argument):
        letter, rest = argument[at], argument[at + 1 :]
        if letter in _READING:
            raise UsageError(f"-{letter} reads mail, and sendmail-cli only sends it")
        if letter == "E" and not rest and waiting and _COMMAND.match(waiting[-1]):
            waiting.pop()
            return call
        if letter in _WITH_VALUE:
            if not rest and not waiting and letter == "h":  # the hop count, where a number follows
                return call._replace(wants_help=True)
            if not rest and not waiting:
                return call.warned(f"-{letter} has no value and is ignored")
            return _taken(call, letter, rest or waiting.pop(), is_file)
        if letter not in _ALONE:
            return call.warned(f"the option -{printable(argument[at:], 40)} is unknown and ignored")
        call = _set(call, letter)
        at += 1
    return call


def _set(call: MailxCall, letter: str) -> MailxCall:
    if letter == "E":
        return call._replace(skips_empty=True)
    if letter == "t":
        return call._replace(is_header_read=True)
    return call._replace(is_verbose=True) if letter == "v" else call


def _taken(call: MailxCall, letter: str, value: str, is_file: Callable[[str], bool]) -> MailxCall:
    if letter == "a":
        is_header = _HEADER.match(value) is not None and not is_file(value)
        return _header(call, value) if is_header else call._replace(attachments=(*call.attachments, value))
    if letter == "S":
        return _variable(call, value)
    step = _STEPS.get(letter)
    return call if step is None else step(call, value)


def _header(call: MailxCall, text: str) -> MailxCall:
    name, _, value = text.partition(":")
    step = _FIELDS.get(name.lower())
    return call._replace(headers=(*call.headers, text)) if step is None else step(call, value.strip())


def _variable(call: MailxCall, text: str) -> MailxCall:
    """-S name=value. Of the many that s-nail has these say something about the message; others are about itself."""
    name, _, value = text.partition("=")
    if name == "from":
        return call._replace(from_=value)
    if name in {"replyto", "reply-to"}:
        return _FIELDS["reply-to"](call, value)
    if name == "skipemptybody":
        return call._replace(skips_empty=True)
    if name.startswith(("smtp", "mta", "user", "password")):
        return call.warned(f"-S {printable(name, 40)} is ignored: the profile says which server is used")
    return call


def _long(call: MailxCall, argument: str, waiting: list[str], is_file: Callable[[str], bool]) -> MailxCall:
    name, equals, value = argument[2:].partition("=")
    if name in {"debug", "help"}:
        return call._replace(is_debugging=True) if name == "debug" else call._replace(wants_help=True)
    if name == "profile" and (equals or waiting):
        return call._replace(profile=value if equals else waiting.pop())
    letter = _LONG.get(name)
    if letter is None:
        return call.warned(f"the option {printable(argument, 40)} is unknown and ignored")
    if not letter:
        return call
    if not equals and not waiting:
        return call.warned(f"--{name} has no value and is ignored")
    return _taken(call, letter, value if equals else waiting.pop(), is_file)


_STEPS: dict[str, Step] = {
    "A": lambda call, value: call._replace(attachments=(*call.attachments, value)),
    "M": lambda call, value: call._replace(content_type=value),
    "b": lambda call, value: call._replace(bcc=(*call.bcc, value)),
    "c": lambda call, value: call._replace(cc=(*call.cc, value)),
    "q": lambda call, value: call._replace(body_file=value),
    "m": lambda call, value: call._replace(body_file=value),
    "r": lambda call, value: call._replace(from_=value),
    "s": lambda call, value: call._replace(subject=value),
}
# Header fields that other options say too, and those that follow from the body.
_FIELDS: dict[str, Step] = {
    "bcc": _STEPS["b"],
    "cc": _STEPS["c"],
    "content-transfer-encoding": lambda call, _: call,
    "content-type": _STEPS["M"],
    "from": _STEPS["r"],
    "mime-version": lambda call, _: call,
    "reply-to": lambda call, value: call._replace(reply_to=(*call.reply_to, value)),
    "subject": _STEPS["s"],
}
