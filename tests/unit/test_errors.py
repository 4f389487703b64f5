"""The tree of errors: each has its exit code, a sentence, and what to do next."""

import pytest

from sendmail_cli import errors
from sendmail_cli.errors import MailError
from sendmail_cli.status import ExitCode

CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, MailError)
]  # all of one module, so none is forgotten
EXIT_CODES = {
    "MailError": 70,
    "UsageError": 64,
    "DataError": 65,
    "AddressError": 65,
    "HeaderError": 65,
    "MessageTooLarge": 65,
    "InputError": 66,
    "OutputError": 73,
    "InputOutputError": 74,
    "HostNotFound": 68,
    "NotOffered": 69,
    "CertificateRejected": 69,
    "InternalError": 70,
    "LocalProtocolError": 70,
    "ResourceError": 71,
    "TemporaryError": 75,
    "ConnectFailed": 75,
    "ConnectionLost": 75,
    "DeadlineExceeded": 75,
    "KeyringLocked": 75,
    "SpoolError": 75,
    "RemoteProtocolError": 76,
    "ReplyTooLong": 75,
    "TLSHandshakeFailed": 76,
    "CommandRefused": 70,
    "AuthenticationFailed": 70,
    "TokenRejected": 70,
    "SignInNeeded": 77,
    "ConfigError": 78,
    "CredentialMissing": 78,
    "MailLoop": 78,
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_is_and_which_exit_code(kind: type[MailError]) -> None:
    assert kind.__doc__
    assert kind.exit_code == ExitCode(EXIT_CODES[kind.__name__])


def test_an_error_shows_its_sentence_and_keeps_the_rest() -> None:
    error = MailError("it failed", hint="try again", server_reply="550 no")
    assert (str(error), error.sentence, error.hint, error.server_reply) == (
        "it failed",
        "it failed",
        "try again",
        "550 no",
    )
    assert MailError("it failed").hint == MailError("it failed").server_reply == ""


def test_a_refusal_has_the_exit_code_of_its_reply() -> None:
    error = errors.AuthenticationFailed("no", ExitCode.NOPERM, hint="h", server_reply="535 no")
    assert (error.exit_code, error.hint, error.server_reply) == (ExitCode.NOPERM, "h", "535 no")


def test_termination_passes_where_ordinary_errors_are_caught() -> None:
    assert issubclass(errors.Terminated, KeyboardInterrupt)
    assert not issubclass(errors.Terminated, Exception)
