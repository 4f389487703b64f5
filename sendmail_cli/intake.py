"""A message that came by SMTP, handed on: the clerk of `sendmail -bs`.

The client is told that we have the message once the server has it, or the disk: then it is rid of it, and not before.
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
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.settings import ServerFlags
    from sendmail_cli.environment import Environment
    from sendmail_cli.report import Report
    from sendmail_cli.serving import ReceivedMail
    from sendmail_cli.smtp.asked import RecipientNamed, SenderNamed, SignInAsked
    from sendmail_cli.trace import TraceEvent


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

    def offer(self, *, is_secured: bool) -> Offer:
        """What every way out has: 8-bit text is encoded where a server has no 8BITMIME."""
        return Offer(self._environment.hostname() or "localhost")

    def sender(self, named: SenderNamed) -> Answer:
        return OK if not named.path else _checked(named.path)

    def recipient(self, named: RecipientNamed) -> Answer:
        return _checked(named.path)

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
        request = Request(
            flags=self._flags,
            to=tuple(each for named in mail.recipients for each in parse_addressees(named.path)),
            envelope_from=reverse_path,
            raw=mail.source,
            local=self.local_mail(mail, local_name),
            queueing=self._queueing,
        )
        try:
            report, mode = self._send(request)
            refused = [each.address for each in report.outcomes if each.action is Action.FAILED]
            if mode is not QueueMode.NEVER and 0 < len(refused) < len(report.outcomes):
                report = self._leave_to_queue(refused, report, request)
        except MailError as error:
            return _of_error(error)
        return _of_report(report)

    def _send(self, request: Request) -> tuple[Report, QueueMode]:
        """What became of it, and when mail goes into the queue here."""
        modes: list[QueueMode] = []
        report = service.send(
            request,
            self._environment,
            note=self._note,
            warn=self._warn,
            on_event=self._on_event,
            on_settings=lambda settings: modes.append(queue_mode(request.queueing, settings)),
        )
        return report, modes[0]

    def _leave_to_queue(self, refused: list[str], report: Report, request: Request) -> Report:
        """One answer speaks for all recipients, and some have the message: of the others the queue tells the sender.

        It asks the server for them once more, and gives up as it always does.
        """
        to = tuple(each for address in refused for each in parse_addressees(address))
        try:
            queued, _ = self._send(request._replace(to=to, queueing=Queueing(QueueMode.ALWAYS)))
        except MailError as error:
            self._warn(error.sentence)
            return report
        kept = tuple(each for each in report.outcomes if each.action is not Action.FAILED)
        return report._replace(outcomes=kept + queued.outcomes)


def _checked(path: str) -> Answer:
    """Whether `path` is one address, or one name of this machine."""
    try:
        found = parse_addressees(path)
    except AddressError as error:
        return Answer(553, "5.1.3", error.sentence)
    is_one = len(found) == 1 and isinstance(found[0], Mailbox | LocalName)
    return OK if is_one else Answer(553, "5.1.3", "That is not one address")


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
        return Answer(250, "2.0.0", report.outcomes[0].text)
    if report.exit_code is ExitCode.IN_DOUBT:
        return Answer(451, "4.4.2", f"{report.server} was lost after the message; it may have been delivered")
    if report.accepted:
        refused = ", ".join(each.address for each in report.outcomes if each.action is not Action.RELAYED)
        return Answer(554, "5.5.0", f"Sent to all but {refused}: do not send it to the others again")
    first = report.outcomes[0] if report.outcomes else None
    if first is None or first.code is None:
        return _of_error(report.error) if report.error is not None else Answer(451, "4.3.0", "Not sent")
    return Answer(first.code, "", first.text)
