"""One submission to one server, and an outcome for each recipient. All policy on failure is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.errors import InternalError, MailError
from sendmail_cli.opening import open_session
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.smtp.transaction import Transaction
from sendmail_cli.status import ExitCode, exit_code_for_reply

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.submission import Submission
    from sendmail_cli.trace import Trace


def deliver(
    submission: Submission, server: Server, credential: CredentialGiver, environment: Environment, trace: Trace
) -> Report:
    """Submit one message; what became of it stands in the report, whatever happened.

    `credential` is asked only when the server wants a sign-in. Only `KeyboardInterrupt` before the final dot comes
    through; after it, the report says that the outcome is in doubt.
    """
    transaction: Transaction | None = None
    error: MailError | None = None
    session: Session | None = None
    try:
        session = open_session(server, credential, environment, trace)
        content = submission.content
        transaction = Transaction(
            submission.envelope,
            session.capabilities,
            size=content.size,
            is_7bit=content.is_7bit,
            has_utf8_header=content.has_utf8_header,
        )
        session.transact(transaction, content)
        session.quit()
    except MailError as caught:
        error = caught
        _leave(session)
    except BaseException as caught:
        if session is not None:
            session.close()
        if transaction is None or not transaction.is_decided:
            raise
        if not isinstance(caught, KeyboardInterrupt):
            error = InternalError(f"something went wrong on our side: {type(caught).__name__}")
            error.__cause__ = caught
    return Report(submission.message_id, str(server), _outcomes(submission, transaction, error), error)


def _leave(session: Session | None) -> None:
    if session is not None:
        session.quit()


def _outcomes(
    submission: Submission, transaction: Transaction | None, error: MailError | None
) -> tuple[RecipientOutcome, ...]:
    addresses = [str(recipient.path.address) for recipient in submission.envelope.recipients]
    if transaction is None:
        return tuple(_by_error(address, error) for address in addresses)
    refusals = {index: reply for index, reply in enumerate(transaction.rcpt_replies) if not reply.is_positive}
    if transaction.mail_reply is not None and not transaction.mail_reply.is_positive:
        refusals = {}  # 503 and the like, said only because MAIL was refused
    return tuple(
        _by_reply(address, refusals[index], "RCPT") if index in refusals else _for_the_rest(address, transaction, error)
        for index, address in enumerate(addresses)
    )


def _for_the_rest(address: str, transaction: Transaction, error: MailError | None) -> RecipientOutcome:
    """The outcome of a recipient that RCPT did not refuse: what came after decides."""
    if transaction.is_in_doubt:
        return _in_doubt(address, error)
    decisive = (
        (transaction.mail_reply, "MAIL"),
        (transaction.content_reply, "CONTENT"),
        (transaction.closing_reply, "CONTENT"),
        (transaction.data_reply, "DATA"),
    )
    for reply, verb in decisive:
        if reply is not None and (verb == "CONTENT" or not (reply.is_positive or reply.is_intermediate)):
            return _by_reply(address, reply, verb)
    return _by_error(address, error)


def _by_reply(address: str, reply: Reply, verb: str) -> RecipientOutcome:
    if reply.is_positive:
        action, exit_code = Action.RELAYED, ExitCode.OK
    else:
        action = Action.DELAYED if reply.is_transient else Action.FAILED
        exit_code = exit_code_for_reply(reply.code, reply.enhanced, verb)
    return RecipientOutcome(address, action, exit_code, reply.code, reply.enhanced, reply.text)


def _by_error(address: str, error: MailError | None) -> RecipientOutcome:
    if error is None:
        error = InternalError("the session ended without a verdict")
    action = Action.DELAYED if error.exit_code is ExitCode.TEMPFAIL else Action.FAILED
    return RecipientOutcome(address, action, error.exit_code, text=error.sentence)


def _in_doubt(address: str, error: MailError | None) -> RecipientOutcome:
    why = error.sentence if error is not None else "we were interrupted"
    text = f"{why}; the message was sent whole and may have been delivered"
    return RecipientOutcome(address, Action.DELAYED, ExitCode.IN_DOUBT, text=text, is_in_doubt=True)
