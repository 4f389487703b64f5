"""`check`: each step on the way to a server with its verdict, its time and what was found. Nothing is ever sent.

The way is `opening`'s, the one that a send takes. It tells its stages to a trace, and the trace here makes steps of
them; so what `check` finds is what a send meets.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import contextmanager

from sendmail_cli.errors import CommandRefused, MailError
from sendmail_cli.net.certificate import certificate_facts
from sendmail_cli.opening import open_session
from sendmail_cli.report import Action, Report, outcome_by_reply
from sendmail_cli.server import TLSMode
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.capabilities import Capabilities, parse_capabilities
from sendmail_cli.smtp.connection import SERVICE_CLOSING
from sendmail_cli.smtp.parameters import mail_parameters
from sendmail_cli.status import exit_code_for_reply
from sendmail_cli.steps import Asked, Facts, Found, Inspection, Offer, Reached, Secured, SignIn, Step, Verdict
from sendmail_cli.trace import Stage, Trace
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sendmail_cli.environment import Environment
    from sendmail_cli.net.dial import Connected
    from sendmail_cli.net.race import Address
    from sendmail_cli.net.tls import TLSFacts
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.trace import TraceEvent

DAY = 86400.0  # seconds
SHORT_OF_TIME = 14.0  # days that a certificate still holds: whoever renews it should have done so
SIZE = 1024  # octets that the server is told of, those of a short message
NOT_REACHED = "not reached"


def inspect(
    server: Server,
    credential: CredentialGiver,
    environment: Environment,
    *,
    envelope: Envelope | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
) -> Inspection:
    """Go the way to `server`, ask it about `envelope`, and leave. `on_step` gets each step as it ends.

    With an envelope MAIL and each RCPT are said and taken back with RSET; no content ever follows. Raises `MailError`
    for what is wrong before the first step.
    """
    if server.tls is not TLSMode.NONE:
        certificate_facts(b"")  # it loads a library, which is no time of the server's
    recorder = _Recorder(server, environment, envelope, on_step, on_event)
    try:
        session = open_session(server, credential, environment, recorder)
        try:
            if envelope is not None:
                _ask(session, envelope, recorder)
            recorder.end()
        finally:
            session.quit()
    except MailError as error:
        if not any(step.error is error for step in recorder.steps):
            raise
    recorder.end()
    steps = tuple(recorder.steps)
    return Inspection(steps, _decisive(steps))


def _ask(session: Session, envelope: Envelope, trace: Trace) -> None:
    """MAIL, each RCPT, RSET; a refused recipient is no reason not to ask about the next."""
    with trace.stage(Stage.MAIL):
        parameters = mail_parameters(
            envelope, session.capabilities, size=SIZE, is_7bit=True, has_utf8_header=False, is_secured=False
        )
        reply = session.command(commands.mail(envelope.reverse_path, parameters))
        _demand(reply, "MAIL", f"the server refused the sender {envelope.reverse_path}")
    for recipient in envelope.recipients:
        try:
            with trace.stage(Stage.RCPT):
                reply = session.command(commands.rcpt(recipient.path))
                _demand(reply, "RCPT", f"the server refused the recipient {recipient.path}")
        except CommandRefused:
            if session.connection.is_closing:
                raise
    with trace.stage(Stage.RSET):
        session.command(commands.RSET)


def _demand(reply: Reply, verb: str, sentence: str) -> None:
    if not reply.is_positive:
        exit_code = exit_code_for_reply(reply.code, reply.enhanced, verb)
        raise CommandRefused(sentence, exit_code, server_reply=str(reply))


class _Recorder(Trace):
    """A trace that makes a step of each stage, in the order of the plan that it begins with."""

    def __init__(
        self,
        server: Server,
        environment: Environment,
        envelope: Envelope | None,
        on_step: Callable[[Step], None],
        on_event: Callable[[TraceEvent], None] | None,
    ) -> None:
        super().__init__(environment.monotonic, on_event)
        self.steps: list[Step] = []
        self._server = server
        self._environment = environment
        self._plan = deque(_plan(server, envelope))
        self._on_step = on_step
        self._offered: Capabilities | None = None  # by the last EHLO
        self._facts: Facts | None = None  # of the stage that runs, as are these
        self._sent: list[str] = []
        self._reply: Reply | None = None

    @property
    def is_on(self) -> bool:
        """Somebody always listens."""
        return True

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """The block is a step."""
        self._facts, self._sent, self._reply = None, [], None
        began = self._clock()
        try:
            with super().stage(stage):
                yield
        except MailError as error:
            self._end_step(stage, self._clock() - began, error)
            raise
        self._end_step(stage, self._clock() - began, None)

    def found(self, host: str, addresses: Sequence[Address]) -> None:
        super().found(host, addresses)
        self._facts = Found(host, tuple(map(str, dict.fromkeys(addresses))))

    def connected(self, connected: Connected) -> None:
        super().connected(connected)
        others = tuple((str(address), why) for address, why in connected.reasons.items())
        self._facts = Reached(str(connected.address), connected.address.where[1], others)

    def secured(self, facts: TLSFacts | None) -> None:
        super().secured(facts)
        if facts is not None:
            until = None if facts.not_after is None else facts.not_after.timestamp()
            left = None if until is None else math.floor((until - self._environment.now()) / DAY)
            self._facts = Secured(self._server.tls, facts, left)

    def sent(self, text: str) -> None:
        super().sent(text)
        self._sent.append(text)

    def received(self, reply: Reply) -> None:
        super().received(reply)
        self._reply = reply

    def end(self) -> None:
        """No stage follows: what is still planned was not reached, or not asked for. Once is enough."""
        is_failed = any(step.error is not None for step in self.steps)
        while self._plan:
            step = self._plan.popleft()
            self._tell(step._replace(remarks=(NOT_REACHED,)) if is_failed else step)

    def _end_step(self, stage: Stage, seconds: float, error: MailError | None) -> None:
        while self._plan[0].stage is not stage:
            self._tell(self._plan.popleft())
        planned = self._plan.popleft()
        step = planned._replace(
            verdict=Verdict.OK, seconds=seconds, facts=self._facts or planned.facts, remarks=(), reply=self._reply
        )
        if error is not None:
            self._tell(step._replace(verdict=Verdict.FAILED, error=error))
            return
        step = self._completed(step)
        warnings = tuple(_warnings(step))
        self._tell(step._replace(verdict=Verdict.WARNING, remarks=warnings) if warnings else step)

    def _completed(self, step: Step) -> Step:
        """With what only the whole of the stage tells."""
        match step.stage:
            case Stage.LOOKUP if isinstance(step.facts, Found) and step.facts.addresses == (step.facts.host,):
                return _skipped(step.stage, f"{step.facts.host} is an address already")
            case Stage.CONNECT if step.facts is None:
                return step._replace(facts=Reached(str(self._server)))
            case Stage.EHLO | Stage.EHLO_AFTER_TLS if step.reply is not None:
                is_extended = not self._sent[-1].startswith("HELO")
                now = parse_capabilities(step.reply) if is_extended else Capabilities(step.reply.text.partition(" ")[0])
                before, self._offered = self._offered, now
                return step._replace(facts=Offer(now, before, is_extended=is_extended))
            case Stage.TLS if step.facts is None:
                self._plan.popleft()  # EHLO is not said again
            case Stage.AUTH:
                mechanisms = tuple(text.split()[1] for text in self._sent if text.startswith("AUTH "))
                return step._replace(facts=SignIn(self._server.user or "", mechanisms))
        return step

    def _tell(self, step: Step) -> None:
        self.steps.append(step)
        self._on_step(step)


def _plan(server: Server, envelope: Envelope | None) -> Iterator[Step]:
    """The steps as they are where none of them is taken: each says why."""
    why = "there is a proxy in between" if server.proxy is not None else "there is no name to look up"
    yield _skipped(Stage.LOOKUP, why)
    yield _skipped(Stage.CONNECT)
    if server.tls is TLSMode.IMPLICIT:
        yield _skipped(Stage.TLS)
    yield _skipped(Stage.GREETING)
    yield _skipped(Stage.EHLO)
    if server.tls in {TLSMode.STARTTLS, TLSMode.OPPORTUNISTIC}:
        yield _skipped(Stage.TLS)
        yield _skipped(Stage.EHLO_AFTER_TLS)
    if server.tls is TLSMode.NONE:
        yield _skipped(Stage.TLS, "not asked for: everything goes in the clear")
    yield _skipped(
        Stage.AUTH, "not asked for: no user is set" if server.user is None else "not asked for: auth is none"
    )
    if envelope is not None:
        yield _skipped(Stage.MAIL)._replace(facts=Asked(str(envelope.reverse_path)))
        for recipient in envelope.recipients:
            yield _skipped(Stage.RCPT)._replace(facts=Asked(str(recipient.path)))
        yield _skipped(Stage.RSET)


def _skipped(stage: Stage, why: str = "") -> Step:
    return Step(stage, Verdict.SKIPPED, remarks=(why,) if why else ())


def _warnings(step: Step) -> Iterator[str]:
    """What is worth a warning though the step went well."""
    match step.facts:
        case Secured(_, tls, days_left):
            if not tls.is_verified:
                yield "the certificate was not checked: it could be anybody's"
            if days_left is not None and days_left < _due(tls):
                yield "the certificate has expired" if days_left < 0 else "the certificate is due for renewal"
        case Offer(is_extended=False):
            yield "the server knows no EHLO, so nothing but plain mail in the clear can be sent"
        case None if step.stage is Stage.TLS:
            yield "the server does not offer STARTTLS, so everything goes in the clear"
    if step.stage is Stage.RSET and step.reply is not None and not step.reply.is_positive:
        yield f"the server refused RSET ({step.reply}); the transaction ended with the connection"


def _due(tls: TLSFacts) -> float:
    """With how many days left a certificate should have been renewed; some are made for a week."""
    if tls.not_before is None or tls.not_after is None:
        return SHORT_OF_TIME
    return min(SHORT_OF_TIME, (tls.not_after - tls.not_before).total_seconds() / DAY / 3)


def _decisive(steps: Sequence[Step]) -> MailError | None:
    """The error that speaks for all: of the first step that failed, and of all recipients where that is RCPT."""
    first = next((step for step in steps if step.error is not None), None)
    if first is None or first.stage is not Stage.RCPT:
        return None if first is None else first.error
    asked = [step for step in steps if step.stage is Stage.RCPT]
    ended = next((step.error for step in asked if _ends_all(step)), None)
    if ended is not None or len(asked) == 1:
        return ended or first.error
    outcomes = tuple(outcome_by_reply("", step.reply, "RCPT") for step in asked if step.reply is not None)
    refused = sum(outcome.action is not Action.RELAYED for outcome in outcomes)
    return CommandRefused(
        f"the server refused {refused} of {len(outcomes)} recipients",
        Report("", "", outcomes).exit_code,
        server_reply="" if first.error is None else first.error.server_reply,
    )


def _ends_all(step: Step) -> bool:
    """True where nothing more can be said, so that a send would reach nobody."""
    if step.error is None:
        return False
    return not isinstance(step.error, CommandRefused) or (step.reply is not None and step.reply.code == SERVICE_CLOSING)
