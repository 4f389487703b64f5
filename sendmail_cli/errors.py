"""One tree of exceptions. Each says what was wrong in a sentence, what to do next, and which exit code it is.

`cli/app` is the one place that turns them into output and an exit code.
"""

from __future__ import annotations

from sendmail_cli.status import ExitCode


class MailError(Exception):
    """What went wrong, as a sentence for the user.

    `hint` says what to do next; `server_reply` is what the server said, printable and free of secrets, or "".
    """

    exit_code: ExitCode = ExitCode.SOFTWARE

    def __init__(self, sentence: str, *, hint: str = "", server_reply: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.server_reply = server_reply

    def __str__(self) -> str:
        return self.sentence


class UsageError(MailError):
    """Wrong flags, or no recipients."""

    exit_code = ExitCode.USAGE


class DataError(MailError):
    """A message, address, header or other input that can't be sent as it is."""

    exit_code = ExitCode.DATAERR


class AddressError(DataError):
    """An address that isn't one (RFC 5322 §3.4, RFC 5321 §4.1.2), or one that SMTP can't carry."""


class HeaderError(DataError):
    """A header field that must not be written: its name, a control character, its length."""


class MessageTooLarge(DataError):
    """The message is larger than the server says it takes (RFC 1870)."""


class InputError(MailError):
    """A file to be read can't be read."""

    exit_code = ExitCode.NOINPUT


class OutputError(MailError):
    """A file can't be written."""

    exit_code = ExitCode.CANTCREAT


class InputOutputError(MailError):
    """Reading or writing failed half-way."""

    exit_code = ExitCode.IOERR


class HostNotFound(MailError):
    """The server's name does not exist."""

    exit_code = ExitCode.NOHOST


class NotOffered(MailError):
    """TLS, AUTH or an extension is demanded and the server doesn't offer it."""

    exit_code = ExitCode.UNAVAILABLE


class CertificateRejected(MailError):
    """The server's certificate isn't valid for the name we asked for."""

    exit_code = ExitCode.UNAVAILABLE


class InternalError(MailError):
    """Our fault."""

    exit_code = ExitCode.SOFTWARE


class LocalProtocolError(InternalError):
    """We were about to break the protocol: a command out of order, or one that can't be written."""


class ResourceError(MailError):
    """The operating system refused a resource."""

    exit_code = ExitCode.OSERR


class TemporaryError(MailError):
    """Nobody got the message and trying again may help."""

    exit_code = ExitCode.TEMPFAIL


class ConnectFailed(TemporaryError):
    """No connection to the server could be made."""


class ConnectionLost(TemporaryError):
    """The connection ended before its time."""


class DeadlineExceeded(TemporaryError):
    """The server took too long (RFC 5321 §4.5.3.2)."""


class KeyringLocked(TemporaryError):
    """The keyring is locked, or can't be reached just now, and nobody is there to unlock it."""


class SpoolError(TemporaryError):
    """The spool can't be read or written: a full disk, no permission, a damaged file."""


class RemoteProtocolError(MailError):
    """The server does not speak SMTP, or breaks its rules."""

    exit_code = ExitCode.PROTOCOL


class ReplyTooLong(RemoteProtocolError):
    """A reply without end. Temporary: a sound server behind a broken moment may answer next time."""

    exit_code = ExitCode.TEMPFAIL


class TLSHandshakeFailed(MailError):
    """No TLS connection could be agreed on."""

    exit_code = ExitCode.PROTOCOL


class CommandRefused(MailError):
    """The server refused a command; the exit code follows from its reply."""

    def __init__(self, sentence: str, exit_code: ExitCode, *, hint: str = "", server_reply: str = "") -> None:
        super().__init__(sentence, hint=hint, server_reply=server_reply)
        self.exit_code = exit_code


class AuthenticationFailed(CommandRefused):
    """The server did not take the credentials."""


class TokenRejected(AuthenticationFailed):
    """The server says that the token has ended or never was one: another may do (RFC 7628 §3.2.2)."""


class SignInNeeded(MailError):
    """The provider gives no more tokens until a person signs in again."""

    exit_code = ExitCode.NOPERM


class ConfigError(MailError):
    """The configuration is missing or wrong."""

    exit_code = ExitCode.CONFIG


class MailLoop(ConfigError):
    """The message would come back to us, again and again."""


class CredentialMissing(ConfigError):
    """No source has the password that the profile needs."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. Like Ctrl-C it passes through everything that catches ordinary errors."""
