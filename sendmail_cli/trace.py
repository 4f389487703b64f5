"""What was said, when, and under which TLS, with every secret masked. The trace collects; `cli/output` shows."""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum

from sendmail_cli.secret import Redactor
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sendmail_cli.net.dial import Connected
    from sendmail_cli.net.race import Address
    from sendmail_cli.net.tls import TLSFacts
    from sendmail_cli.smtp.replies import Reply


class Stage(Enum):
    """A part of the way to a session, or of what is said in it. The value is its name in JSON."""

    LOOKUP = "dns"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    EHLO_AFTER_TLS = "ehlo_after_tls"  # STARTTLS makes a server forget what was said before (RFC 3207 §4.2)
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    RSET = "rset"


class TraceEvent(NamedTuple):
    """One line of a trace. `text` is printable and free of secrets."""

    kind: str  # "sent", "received", "content", "note"
    text: str
    seconds: float  # since the event before it: for "received" what the server took
    is_secured: bool  # under TLS
    at: float = 0.0  # seconds since the trace began
    reply: Reply | None = None  # the whole reply, with the last of its lines
    stage: Stage | None = None  # None: beyond those that have a name


class Trace:
    """Gives each event to `sink` as it happens; without a sink it costs next to nothing, but still knows secrets."""

    def __init__(self, clock: Callable[[], float], sink: Callable[[TraceEvent], None] | None = None) -> None:
        self.redactor = Redactor()
        self._clock = clock
        self._sink = sink
        self._began = self._last = clock()
        self._is_secured = False
        self._stage: Stage | None = None

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """All that the block tells belongs to `stage`."""
        before, self._stage = self._stage, stage
        try:
            yield
        finally:
            self._stage = before

    @property
    def is_on(self) -> bool:
        """True when somebody listens."""
        return self._sink is not None

    def sent(self, text: str) -> None:
        """A command that went out."""
        self._add("sent", text)

    def received(self, reply: Reply) -> None:
        """A whole reply, as the lines it came in."""
        if self._sink is None:
            return
        reply = reply.redacted(self.redactor.redact)
        *first, last = reply.lines or ("",)
        for line in first:
            self._add("received", f"{reply.code}-{line}")
        self._add("received", f"{reply.code} {last}", reply)

    def content(self, size: int) -> None:
        """The content begins; its octets are not shown."""
        self._add("content", f"{size:,} octets of message")

    def found(self, host: str, addresses: Sequence[Address]) -> None:
        """The addresses of the server's name."""
        shown = [str(address) for address in dict.fromkeys(addresses)]
        if shown != [host]:
            self._add("note", f"{host} is {', '.join(shown)}")

    def connected(self, connected: Connected) -> None:
        """Which of them answered first."""
        others = "".join(f"; {address}: {why}" for address, why in connected.reasons.items())
        self._add("note", f"connected to {connected.address}{others}")

    def secured(self, facts: TLSFacts | None) -> None:
        """TLS is in force."""
        if facts is None:
            return
        self._is_secured = True
        whose = facts.subject if facts.is_verified else f"not verified: {facts.subject}"
        self._add("note", f"{facts.version}, {facts.cipher}, {whose}, {facts.fingerprint}")

    def note(self, text: str) -> None:
        """Anything else worth knowing."""
        self._add("note", text)

    def _add(self, kind: str, text: str, reply: Reply | None = None) -> None:
        if self._sink is None:
            return
        now = self._clock()
        text = self.redactor.redact(text)
        self._sink(TraceEvent(kind, text, now - self._last, self._is_secured, now - self._began, reply, self._stage))
        self._last = now
