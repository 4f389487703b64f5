"""Submissions to a server, and an outcome for each recipient of each. All policy on failure is here."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from functools import partial

from sendmail_cli.errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandRefused,
    ConnectFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostNotFound,
    InternalError,
    MailError,
    NotOffered,
    RemoteProtocolError,
    TemporaryError,
    TLSHandshakeFailed,
)
from sendmail_cli.jobs import Job, Run
from sendmail_cli.opening import open_session
from sendmail_cli.smtp.capabilities import Limits
from sendmail_cli.smtp.content import whole
from sendmail_cli.smtp.transaction import QUIT, Transaction
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from sendmail_cli.environment import Environment
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.report import RecipientOutcome, Report
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.capabilities import Capabilities
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.smtp.transaction import Following
    from sendmail_cli.submission import Content, Submission
    from sendmail_cli.trace import Trace

MAX_EAGER_CHUNK = 65536  # octets sent before the server has said anything; larger contents go by DATA

# What speaks of this server and this moment, not of the message: another server may take it. A refused password is not
# among them: trying it elsewhere locks accounts.
SERVER_FAULTS = (
    CertificateRejected,
    CommandRefused,
    ConnectFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostNotFound,
    NotOffered,
    RemoteProtocolError,
    TLSHandshakeFailed,
)


def deliver(
    submission: Submission,
    server: Server,
    credential: CredentialGiver,
    environment: Environment,
    trace: Trace,
    *,
    fallbacks: tuple[Server, ...] = (),
    opened: Callable[[], Session] | None = None,
) -> Report:
    """Submit one message; what became of it stands in the report, whatever happened.

    `fallbacks` are tried, in order, when the servers before them fail before the final dot. `credential` is asked only
    when a server wants a sign-in. `opened` gives the session to `server` where somebody has begun it already.
    Only `KeyboardInterrupt` before the final dot comes through; after it, the report says that the outcome is in doubt.
    """
    reports = deliver_all((submission,), server, credential, environment, trace, fallbacks=fallbacks, opened=opened)
    report = next(reports)
    with suppress(KeyboardInterrupt):  # at QUIT: the outcome is known
        reports.close()
    return report


def deliver_all(
    submissions: Iterable[Submission],
    server: Server,
    credential: CredentialGiver,
    environment: Environment,
    trace: Trace,
    *,
    fallbacks: tuple[Server, ...] = (),
    opened: Callable[[], Session] | None = None,
    on_outcome: Callable[[int, RecipientOutcome], None] = lambda *_: None,
    on_end: Callable[[], None] = lambda: None,
) -> Generator[Report]:
    """Submit one message after the other over one connection; a report for each, in order, as soon as it is known.

    Where the server offers PIPELINING, the envelope of the next message goes along with the end of the one before, and
    while the server thinks about that the one after it is asked for: `submissions` is up to two ahead of the reports.
    What it raises is raised when those before it are reported. A connection that ends between two messages is made
    anew. `on_outcome` gets each recipient's place and outcome before the next transaction begins, `on_end` is called
    before the last octets of a content are sent, and may raise `MailError` to keep them back; both speak of the
    submission whose report is next. See `deliver` for the rest.
    """
    courier = _Courier(
        (server, *fallbacks), credential, environment, trace, opened=opened, on_outcome=on_outcome, on_end=on_end
    )
    return courier.run(iter(submissions))


class _Courier:
    """Goes to a server with one job after the other."""

    def __init__(
        self,
        servers: tuple[Server, ...],
        credential: CredentialGiver,
        environment: Environment,
        trace: Trace,
        *,
        opened: Callable[[], Session] | None,
        on_outcome: Callable[[int, RecipientOutcome], None],
        on_end: Callable[[], None],
    ) -> None:
        self._on_outcome = on_outcome
        self._on_end = on_end
        self._servers = servers
        self._place = 0  # which of them it is
        self._credential = credential
        self._environment = environment
        self._trace = trace
        self._opened = opened
        self._session: Session | None = None
        self._transactions = 0  # begun in this session
        self._limits = Limits()  # of this session
        self._is_chunking = True  # until a server that offers BDAT refuses it
        self._submissions: Iterator[Submission] = iter(())
        self._ahead: deque[Job] = deque()  # taken from there before their turn
        self._next: Run | None = None  # of which the first flight was sent along with the content before
        self._prepared: Run | None = None  # of which nothing was sent yet
        self._fault: Exception | None = None  # of `submissions`
        self._interrupt: BaseException | None = None

    def run(self, submissions: Iterator[Submission]) -> Generator[Report]:
        self._submissions = submissions
        try:
            while (job := self._take()) is not None:
                while job.pending:
                    self._attempt(job)
                yield job.report()
                if self._interrupt is not None:
                    raise self._interrupt
            if self._fault is not None:
                raise self._fault
        finally:
            self._leave()

    def _take(self) -> Job | None:
        self._look_ahead(1)
        return self._ahead.popleft() if self._ahead else None

    def _look_ahead(self, count: int) -> None:
        """Have the next `count` submissions at hand. What goes wrong with that says nothing about those before."""
        while len(self._ahead) < count and self._fault is None:
            try:
                submission = next(self._submissions, None)
            except Exception as error:  # whatever it is, it is raised in its turn
                self._fault = error
                return
            if submission is None:
                return
            self._ahead.append(Job(submission, self._on_outcome))

    def _prepare(self, session: Session) -> None:
        """While the server thinks about a content: the message after the one whose envelope went along with it."""
        place = 1 if self._ahead and self._next is not None and self._next.job is self._ahead[0] else 0
        self._look_ahead(place + 1)
        if len(self._ahead) > place and self._prepared is None:
            with suppress(MailError):  # it is raised again when its turn comes
                self._prepared = self._start(self._ahead[place], self._ahead[place].pending, session)

    def _attempt(self, job: Job) -> None:
        """One transaction for the pending recipients of `job`, or what keeps it from coming about."""
        error: MailError | None = None
        run = self._begun()
        is_fresh = self._session is None
        try:
            job.server = str(self._servers[self._place])
            session = self._session or self._open()
            job.was_heard = True
            run = run or self._started(job, job.pending, session)
            self._transactions += 1
            session.transact(
                run.transaction, run.content, partial(self._follow, run, session), partial(self._prepare, session)
            )
            connection = session.connection
            if connection.is_closing or not (connection.may_go_on or self._next):
                self._leave()
        except MailError as caught:
            error = caught
            if run is None and self._session is not None:  # this message can't go there; the session is sound
                is_fresh = True
            else:
                self._leave()
        except BaseException as caught:
            if self._session is not None:
                self._session.close()  # without a word: somebody wants us to end
            self._session = self._next = self._prepared = None
            if not (job.is_known_of or (run is not None and run.transaction.is_decided)):
                raise
            error = self._broken(caught)
        self._settle(job, run, error, is_fresh=is_fresh)

    def _broken(self, caught: BaseException) -> MailError:
        if isinstance(caught, KeyboardInterrupt):
            self._interrupt = caught
            return TemporaryError("interrupted before it was sent")
        error = InternalError(f"something went wrong on our side: {type(caught).__name__}")
        error.__cause__ = caught
        return error

    def _open(self) -> Session:
        server = self._servers[self._place]
        opened, self._opened = self._opened, None
        if opened is not None:
            self._session = opened()
        else:
            self._session = open_session(server, self._credential, self._environment, self._trace)
        self._session.on_end = self._on_end
        self._transactions = 0
        self._limits = self._session.capabilities.limits
        return self._session

    def _begun(self) -> Run | None:
        """The transaction whose envelope went along with the content before it."""
        run, self._next = self._next, None
        return run

    def _started(self, job: Job, pending: Sequence[int], session: Session) -> Run:
        run, self._prepared = self._prepared, None
        return run if run is not None and run.job is job else self._start(job, pending, session)

    def _start(self, job: Job, pending: Sequence[int], session: Session) -> Run:
        """A transaction for as many of `pending` as the server takes at once."""
        server, capabilities = self._servers[self._place], session.capabilities
        envelope, content = job.submission.envelope, job.submission.content
        if not capabilities.offers("8BITMIME"):
            content = content.as_7bit()
        batch = job.batch(pending, self._limits, is_lmtp=server.is_lmtp)
        if len(batch) < len(envelope.recipients):
            envelope = envelope._replace(recipients=tuple(envelope.recipients[index] for index in batch))
        facts = session.stream.tls_facts() if envelope.demands.require_tls else None
        transaction = Transaction(
            envelope,
            capabilities,
            size=content.size,
            is_7bit=content.is_7bit,
            has_utf8_header=content.has_utf8_header,
            is_lmtp=server.is_lmtp,
            is_secured=facts is not None and facts.is_verified,
            chunk=whole(content.chunks()) if self._goes_by_chunk(server, envelope, content, capabilities) else None,
        )
        return Run(job, batch, transaction, content)

    def _goes_by_chunk(self, server: Server, envelope: Envelope, content: Content, capabilities: Capabilities) -> bool:
        return (
            server.is_chunking_eager
            and self._is_chunking
            and not server.is_lmtp
            and not envelope.demands.all_or_none
            and content.size <= MAX_EAGER_CHUNK
            and capabilities.offers("CHUNKING")
            and capabilities.offers("PIPELINING")
        )

    def _follow(self, run: Run, session: Session) -> Following:
        """What goes along with the content of `run`: the rest of its recipients, the next message, or QUIT."""
        mail_max = self._limits.mail_max
        if mail_max is not None and self._transactions >= mail_max:
            return QUIT
        job = run.job
        rest = run.left_over()
        if not rest:
            self._look_ahead(1)
            if not self._ahead:
                return QUIT
            job = self._ahead[0]
            rest = job.pending
        try:
            self._next = self._started(job, rest, session)
        except MailError:
            return None  # it is raised again when its turn comes
        return self._next.transaction

    def _settle(self, job: Job, run: Run | None, error: MailError | None, *, is_fresh: bool) -> None:
        """Note what became of the recipients; who stays pending is tried again.

        Where the session failed and no other may help, that goes for those too who were left for a further transaction.
        """
        if run is None:
            if not self._may_try_again(job, error, is_fresh=is_fresh):
                job.note_error(job.pending, error)
            return
        transaction = run.transaction
        if transaction.is_chunk_unknown:  # what the chunk was taken for nobody knows
            self._is_chunking = False
            self._leave()
        undecided = run.note_verdicts()
        closing = transaction.closing_reply
        if transaction.is_end_sent:
            job.note_doubt(undecided, None if self._interrupt is not None else error)
        elif transaction.is_broken_off:
            job.note_error(undecided, run.spared())
        elif undecided and not self._may_try_again(job, error, is_fresh=is_fresh, is_closed=closing is not None):
            if closing is None:
                job.note_error(job.pending, error)
            else:
                job.note_replies(tuple(job.pending), closing, "CONTENT")
        if self._interrupt is not None or (transaction.is_end_sent and error is not None):
            job.note_error(job.pending, error)  # one doubt is enough

    def _may_try_again(self, job: Job, error: MailError | None, *, is_fresh: bool, is_closed: bool = False) -> bool:
        """True when a new session may help those whom nothing was sent for: at this server once more, or the next.

        A session that has served other messages may have ended for its age; one that is fresh has failed.
        """
        if not (is_closed or (isinstance(error, SERVER_FAULTS) and not _is_refused_sign_in(error))):
            return False
        self._leave()
        if not is_fresh:
            return True
        job.tried.add(self._place)
        left = [place for place in range(len(self._servers)) if place not in job.tried]
        if not left:
            return False
        why = error.sentence if error is not None else "it closes"
        self._trace.note(f"{self._servers[self._place]}: {why}; trying {self._servers[left[0]]}")
        self._place = left[0]
        return True

    def _leave(self) -> None:
        session, self._session, self._next, self._prepared = self._session, None, None, None
        if session is not None:
            session.quit()


def _is_refused_sign_in(error: MailError | None) -> bool:
    return isinstance(error, AuthenticationFailed) and error.exit_code is not ExitCode.TEMPFAIL
