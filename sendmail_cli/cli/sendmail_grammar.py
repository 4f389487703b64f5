"""The command line of sendmail(1), as cron, PHP, mutt and a hundred others write it, and what it asks for.

Letters come glued together (`-ti`), with their value glued on (`-fADDR`) or apart (`-f ADDR`), and among the addresses.
What we don't know is warned about and never fatal: a mail that isn't sent since somebody's flag is new is a mail lost.
No value that could name a file is ever used as one, since callers pass on what strangers wrote (CVE-2016-10033).
"""

from __future__ import annotations

from sendmail_cli.errors import UsageError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[["SendmailCall", str], "SendmailCall"]

DELIVER, SMTP, LIST_QUEUE, RUN_QUEUE, NEW_ALIASES, HELP, VERSION = (
    "deliver", "smtp", "list queue", "run queue", "new aliases", "help", "version",
)  # fmt: skip
BODY_TYPES = ("7BIT", "8BITMIME")

_MODES = {"m": DELIVER, "s": SMTP, "p": LIST_QUEUE, "i": NEW_ALIASES}
# As Postfix's sendmail(1) has them, and what sendmail(8) and Exim have beyond: with a value, and without one. Nobody
# has -s; Nagios calls sendmail with that as it calls mail.
_WITH_VALUE = frozenset("ABCDFLNORVXbefhoprs")
_GLUED_VALUE = frozenset("dqQ")  # one that is optional: what follows at once, or nothing
_ALONE = frozenset("GIUcimntvx")


class SendmailCall(NamedTuple):
    """What a command line asks for."""

    mode: str = DELIVER
    recipients: tuple[str, ...] = ()  # each as it was written: an address, a local name, or several with commas
    is_header_read: bool = False  # -t: the header names recipients too
    envelope_from: str | None = None  # "" is the null reverse-path; None is unsaid
    full_name: str | None = None
    subject: str | None = None  # where the message has none
    body_type: str | None = None  # one of BODY_TYPES
    notify: str | None = None
    ret: str | None = None
    envid: str | None = None
    requires_tls: bool = False
    is_queued: bool = False  # -odq: into the spool, and not to the server now
    is_verbose: bool = False
    is_debugging: bool = False
    profile: str | None = None
    warnings: tuple[str, ...] = ()

    def warned(self, text: str) -> SendmailCall:
        """The same, with one more thing to tell."""
        return self._replace(warnings=(*self.warnings, text))


def parse_sendmail(arguments: list[str]) -> SendmailCall:
    """What `arguments`, those after the program's name, ask for. Raises `UsageError` for a mode that we don't have."""
    call = SendmailCall()
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if argument == "--":
            call = call._replace(recipients=(*call.recipients, *reversed(waiting)))
            break
        if argument.startswith("--"):
            call = _long(call, argument, waiting)
        elif argument.startswith("-") and argument != "-":
            call = _letters(call, argument, waiting)
        else:
            call = call._replace(recipients=(*call.recipients, argument))
    return call


def _letters(call: SendmailCall, argument: str, waiting: list[str]) -> SendmailCall:
    """`-ti`, `-fADDR`, `-oiem`: one letter after the other, until one takes the rest for its value."""
    at = 1
    while at < len(argument):
        letter, rest = argument[at], argument[at + 1 :]
        if letter in _GLUED_VALUE:
            return _STEPS[letter](call, rest)
        if letter in _WITH_VALUE:
            if not rest and not waiting:
                if letter == "h":  # the hop count, where a number follows
                    return call._replace(mode=HELP)
                return call.warned(f"-{letter} has no value and is ignored")
            return _STEPS[letter](call, rest or waiting.pop())
        if letter not in _ALONE:
            return call.warned(f"the option -{printable(argument[at:], 40)} is unknown and ignored")
        call = _STEPS[letter](call, "")
        at += 1
    return call


def _long(call: SendmailCall, argument: str, waiting: list[str]) -> SendmailCall:
    """sendmail has no long options. These are ours, for who calls us by that name on purpose."""
    name, equals, value = argument[2:].partition("=")
    if name == "profile" and (equals or waiting):
        return call._replace(profile=value if equals else waiting.pop())
    if name == "debug":
        return call._replace(is_debugging=True)
    if name in {"help", "version"}:
        return call._replace(mode=HELP if name == "help" else VERSION)
    return call.warned(f"the option {printable(argument, 40)} is unknown and ignored")


def _pass(call: SendmailCall, _: str) -> SendmailCall:
    """Nothing to do: it is so anyway (-i, -oi, -m), or it is about a mailer that we are not (-h, -p, -U, -G, -x)."""
    return call


def _refused_path(letter: str) -> Step:
    """Never a file of the caller's, neither to write nor to read."""
    return lambda call, value: call.warned(f"-{letter} names a file, and none is used that way: ignored")


def _mode(call: SendmailCall, value: str) -> SendmailCall:
    mode = _MODES.get(value)
    if mode is None:
        raise UsageError(
            f"-b{printable(value, 20)} is a mode that sendmail-cli doesn't have",
            hint="It has -bm (send), -bs (SMTP on standard input), -bp (list the queue) and -bi (does nothing: "
            "aliases are read at each mail).",
        )
    return call._replace(mode=mode)


def _body_type(call: SendmailCall, value: str) -> SendmailCall:
    if value.upper() not in BODY_TYPES:
        return call.warned(f"-B {printable(value, 20)} is neither 7BIT nor 8BITMIME and is ignored")
    return call._replace(body_type=value.upper())


def _old_option(call: SendmailCall, value: str) -> SendmailCall:
    """-o: of all that sendmail had, how a mail is delivered matters. The last one counts, as it does there."""
    if value[:1] == "d":
        return call._replace(is_queued=value[1:2] in {"q", "d"})
    return call


def _long_option(call: SendmailCall, value: str) -> SendmailCall:
    """-O name=value: requiretls, as Postfix has it; all others are about its own files and habits."""
    name, _, wanted = value.partition("=")
    if name.lower() == "requiretls":
        return call._replace(requires_tls=wanted.lower() == "yes")
    if name.lower() == "deliverymode":
        return call._replace(is_queued=wanted[:1].lower() in {"q", "d"})
    return call


_STEPS: dict[str, Step] = {
    "A": _pass,
    "B": _body_type,
    "C": _refused_path("C"),
    "D": _refused_path("D"),
    "F": lambda call, value: call._replace(full_name=value),
    "I": lambda call, _: call._replace(mode=NEW_ALIASES),
    "L": _pass,
    "N": lambda call, value: call._replace(notify=value),
    "O": _long_option,
    "Q": _pass,
    "R": lambda call, value: call._replace(ret=value),
    "V": lambda call, value: call._replace(envid=value),
    "X": _refused_path("X"),
    "b": _mode,
    "d": _pass,
    "e": _pass,
    "f": lambda call, value: call._replace(envelope_from=value),
    "o": _old_option,
    "q": lambda call, _: call._replace(mode=RUN_QUEUE),
    "r": lambda call, value: call._replace(envelope_from=value),
    "s": lambda call, value: call._replace(subject=value),
    "t": lambda call, _: call._replace(is_header_read=True),
    "v": lambda call, _: call._replace(is_verbose=True),
    **dict.fromkeys("GUchimnpx", _pass),
}
