"""A message that came by SMTP, handed on: the clerk of `sendmail -bs`.

The client is told that we have the message once the server has it, or the disk: then it is rid of it, and not before.

What is offered is what can be kept. With a queue that is DSN, whatever the server has: it is asked for reports where it
offers them, and where it doesn't those are ours to make, as for every relay (RFC 3461 §5.2). And it is SMTPUTF8:
headers and domains are written so that every server takes them. Only a local part beyond ASCII can't be, so at the
first of those the server is asked, and the client hears at once that it has no SMTPUTF8; where it can't be asked now
the mail waits, and is given up should the server lack it (RFC 6531 §3.5). Without a queue both are offered as the
server does.
"""

from __future__ import annotations

from sendmail_cli import service
from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.addresses import Mailbox
from sendmail_cli.errors import AddressError, MailError, MailLoop, SpoolError
from sendmail_cli.queue.choice import TAKEN_OVER, Queueing, QueueMode, queue_mode
from sendmail_cli.report import Action
from sendmail_cli.request import LocalMail, Request
from sendmail_cli.smtp.answers import OK, Answer, Offer
from sendmail_cli.smtp.envelope import ReversePath
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple
from sendmail_cli.way_out import WayOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.settings import ServerFlags, Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.report import Report
    from sendmail_cli.serving import ReceivedMail
    from sendmail_cli.smtp.asked import RecipientNamed, SenderNamed, SignInAsked
    from sendmail_cli.submission import Submission
    from sendmail_cli.trace import TraceEvent

KEYWORDS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")  # what every way out has, or what is made up for
KEPT = ("DSN", "SMTPUTF8")  # what we keep ourselves, as far as the server doesn't


class Sent(NamedTuple):
    """What became of a message, and how it went."""

    report: Report
    submission: Submission
    settings: Settings


class Intake:
    """Sends each message as `flags` say, and answers with what became of it."""

    def __init__(
        self,
        environment: Environment,
        flags: ServerFlags,
        *,
        queueing: Queueing = TAKEN_OVER,
        note: Callable[[str], None] = lambda _: None,
        warn: Callable[[str], None] = lambda _: None,
        on_event: Callable[[TraceEvent], None] | None = None,
    ) -> None:
        self._environment = environment
        self._flags = flags
        self._queueing = queueing
        self._note = note
        self._warn = warn
        self._on_event = on_event
        self._way_out = WayOut(flags, queueing, environment)

    def offer(self, *, is_secured: bool) -> Offer:
        kept: tuple[str, ...] = KEPT
        if not self._way_out.may_mail_wait():
            there = self._way_out.capabilities()
            kept = tuple(keyword for keyword in KEPT if there is not None and there.offers(keyword))
        return Offer(self._environment.hostname() or "localhost", KEYWORDS + kept)

    def sender(self, named: SenderNamed) -> Answer:
        return OK if not named.path else self._checked(named.path)

    def recipient(self, named: RecipientNamed) -> Answer:
        return self._checked(named.path)

    def _checked(self, path: str) -> Answer:
        """Whether `path` is one address that the server takes, or one name of this machine."""
        try:
            found = parse_addressees(path)
        except AddressError as error:
            return Answer(553, "5.1.3", error.sentence)
        if len(found) != 1 or not isinstance(found[0], Mailbox | LocalName):
            return Answer(553, "5.1.3", "That is not one address")
        if isinstance(found[0], Mailbox) and not found[0].address.is_ascii:
            there = self._way_out.capabilities()
            if there is not None and not there.offers("SMTPUTF8"):
                return Answer(553, "5.6.7", f"{there.domain} takes no local part beyond ASCII (no SMTPUTF8)")
        return OK

    def sign_in(self, asked: SignInAsked) -> Answer:
        return Answer(535, "5.7.8", "Nobody signs in here")

    def local_mail(self, mail: ReceivedMail, sender: LocalName | None) -> LocalMail:
        """What is known of it besides its octets; `sender` is a name of this machine, where it is from one."""
        return LocalMail(sender=sender)

    def take(self, mail: ReceivedMail) -> Answer:
        sender = parse_addressees(mail.sender.path)
        local_name = sender[0] if sender and isinstance(sender[0], LocalName) else None
        reverse_path = None
        if not sender:
            reverse_path = ReversePath(None)
        elif isinstance(sender[0], Mailbox):
            reverse_path = ReversePath(sender[0].address)
        reporting = tuple(named.reporting for named in mail.recipients)
        request = Request(
            flags=self._flags,
            to=tuple(each for named in mail.recipients for each in parse_addressees(named.path)),
            envelope_from=reverse_path,
            demands=mail.sender.demands,
            reporting=reporting if any(map(any, reporting)) else (),
            raw=mail.source,
            local=self.local_mail(mail, local_name),
            queueing=self._queueing,
        )
        try:
            sent = self._send(request)
            refused = [each for each in sent.report.outcomes if each.action is Action.FAILED]
            may_wait = queue_mode(request.queueing, sent.settings) is not QueueMode.NEVER
            if may_wait and 0 < len(refused) < len(sent.report.outcomes):
                return _of_report(self._leave_to_queue({each.address for each in refused}, sent, request))
        except MailError as error:
            return _of_error(error)
        return _of_report(sent.report)

    def _send(self, request: Request) -> Sent:
        submissions: list[Submission] = []
        settings: list[Settings] = []
        report = service.send(
            request,
            self._environment,
            note=self._note,
            warn=self._warn,
            on_event=self._on_event,
            on_settings=settings.append,
            on_submission=submissions.append,
        )
        return Sent(report, submissions[0], settings[0])

    def _leave_to_queue(self, refused: set[str], sent: Sent, request: Request) -> Report:
        """One answer speaks for all recipients, and some have the message: of the others the queue tells the sender.

        It asks the server for them once more, and gives up as it always does.
        """
        from sendmail_cli.queueing import enqueue

        envelope = sent.submission.envelope
        left = tuple(each for each in envelope.recipients if str(each.path.address) in refused)
        rest = sent.submission._replace(envelope=envelope._replace(recipients=left))
        try:
            queued = enqueue(rest, request, sent.settings, self._environment)
        except MailError as error:
            self._warn(error.sentence)
            return sent.report
        kept = tuple(each for each in sent.report.outcomes if each.address not in refused)
        return sent.report._replace(outcomes=kept + queued.outcomes)


def _of_error(error: MailError) -> Answer:
    """Nothing was sent. What may pass is 4yz; what is wrong with the message, or with us, is 5yz."""
    if isinstance(error, MailLoop):
        return Answer(554, "5.4.6", error.sentence)
    if isinstance(error, SpoolError):
        return Answer(452, "4.3.1", error.sentence)
    if error.exit_code in {ExitCode.TEMPFAIL, ExitCode.OSERR, ExitCode.IOERR, ExitCode.CONFIG, ExitCode.NOHOST}:
        return Answer(451, "4.3.0", error.sentence)
    return Answer(554, "5.6.0" if error.exit_code is ExitCode.DATAERR else "5.3.0", error.sentence)


def _of_report(report: Report) -> Answer:
    if report.exit_code is ExitCode.OK:
        accepted = report.outcomes[0]
        return Answer(250, "2.0.0" if accepted.enhanced is None else "", accepted.text)  # which begins with its own
    if report.exit_code is ExitCode.IN_DOUBT:
        return Answer(451, "4.4.2", f"{report.server} was lost after the message; it may have been delivered")
    if report.accepted:
        refused = ", ".join(each.address for each in report.outcomes if each.action is not Action.RELAYED)
        return Answer(554, "5.5.0", f"Sent to all but {refused}: do not send it to the others again")
    first = report.outcomes[0] if report.outcomes else None
    if first is None or first.code is None:
        return _of_error(report.error) if report.error is not None else Answer(451, "4.3.0", "Not sent")
    return Answer(first.code, "", first.text)
