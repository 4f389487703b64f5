"""What `check` finds: each step on the way to a server, its verdict, its time, and the facts of its kind."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

    from sendmail_cli.errors import MailError
    from sendmail_cli.net.tls import TLSFacts
    from sendmail_cli.server import TLSMode
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.trace import Stage


class Verdict(Enum):
    """What came of a step."""

    OK = "ok"
    WARNING = "warning"  # a send goes on all the same
    FAILED = "failed"
    SKIPPED = "skipped"  # not asked for, or not reached


class Found(NamedTuple):
    """The addresses of the server's name."""

    host: str
    addresses: tuple[str, ...]


class Reached(NamedTuple):
    """The address that answered first, and why the others didn't."""

    address: str  # or what stands for it, where there is no choice: the path of a unix socket
    port: int | None = None
    others: tuple[tuple[str, str], ...] = ()


class Secured(NamedTuple):
    """The TLS that is in force."""

    by: TLSMode
    tls: TLSFacts
    days_left: int | None  # whole days that the certificate still holds; negative once it has expired


class Offer(NamedTuple):
    """What the server offers, and what it offered before STARTTLS."""

    now: Capabilities
    before: Capabilities | None = None
    is_extended: bool = True  # False: the server knows only HELO

    @property
    def new(self) -> tuple[str, ...]:
        """What wasn't offered before."""
        return () if self.before is None else _without(self.now, self.before)

    @property
    def gone(self) -> tuple[str, ...]:
        """What isn't offered any more; STARTTLS has done its work and must not be (RFC 3207 §4.2)."""
        gone = () if self.before is None else _without(self.before, self.now)
        return tuple(extension for extension in gone if extension != "STARTTLS")

    @property
    def changed(self) -> tuple[tuple[str, str], ...]:
        """What is offered in another form than before: that, and the one it has now."""
        if self.before is None:
            return ()
        before, now = _by_keyword(self.before), _by_keyword(self.now)
        return tuple((before[each], now[each]) for each in now if each in before and now[each] != before[each])


class SignIn(NamedTuple):
    """By what we signed in. All mechanisms but the last were refused as such."""

    user: str
    mechanisms: tuple[str, ...]


class Asked(NamedTuple):
    """The path that the server was asked about."""

    path: str


Facts: TypeAlias = Found | Reached | Secured | Offer | SignIn | Asked


class Step(NamedTuple):
    """One step. What failed carries its `error`."""

    stage: Stage
    verdict: Verdict
    seconds: float | None = None  # None: it never began
    facts: Facts | None = None
    remarks: tuple[str, ...] = ()  # what is warned of, or why it was skipped
    reply: Reply | None = None  # the last that the server gave in it
    error: MailError | None = None


class Inspection(NamedTuple):
    """What was found. `error` is that of the first step that failed; all refused recipients speak as one."""

    steps: tuple[Step, ...]
    error: MailError | None

    @property
    def exit_code(self) -> ExitCode:
        """What a send would end with, as far as that can be known without one."""
        return ExitCode.OK if self.error is None else self.error.exit_code


def lines_of(capabilities: Capabilities) -> tuple[str, ...]:
    """Each extension as the server wrote it, but for the case of its keyword."""
    return tuple(" ".join((keyword, *parameters)) for keyword, parameters in capabilities.extensions)


def _by_keyword(capabilities: Capabilities) -> dict[str, str]:
    return {line.partition(" ")[0]: line for line in lines_of(capabilities)}


def _without(one: Capabilities, other: Capabilities) -> tuple[str, ...]:
    """The extensions of `one` that `other` hasn't in any form."""
    known = _by_keyword(other)
    return tuple(line for keyword, line in _by_keyword(one).items() if keyword not in known)
