"""What became of a message, for the log of the system: a line for each recipient, to syslogd's or journald's socket."""

from __future__ import annotations

import os

from sendmail_cli.printable import printable
from sendmail_cli.report import Action
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.environment import Environment
    from sendmail_cli.report import RecipientOutcome, Report

# RFC 3164 §4.1.1: facility times 8, and severity.
_MAIL = 2 * 8
_INFO, _WARNING = 6, 4
MAX_LINE = 1000  # octets; RFC 3164 §4.1 says 1024


def log_report(report: Report, sender: str, environment: Environment, warn: Callable[[str], None]) -> None:
    """Write the lines; `sender` is the reverse-path with its brackets. Where that fails, `warn` hears of it once."""
    import socket

    path = environment.system_log_socket
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connected:
            connected.connect(path)
            for outcome in report.outcomes:
                connected.send(_line(report, outcome, sender))
    except OSError as error:
        warn(f"{path}: {(error.strerror or str(error)).lower()}; what became of the message is not in the system's log")


def _line(report: Report, outcome: RecipientOutcome, sender: str) -> bytes:
    severity = _INFO if outcome.action in {Action.RELAYED, Action.QUEUED} else _WARNING
    said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
    status = "in doubt" if outcome.is_in_doubt else outcome.action.value
    facts = {
        "message-id": report.message_id,
        "profile": report.profile,
        "queue-id": report.queue_id,
        "from": sender,
        "to": f"<{outcome.address}>",
        "relay": report.server,
    }
    named = ", ".join(f"{name}={value}" for name, value in facts.items() if value not in {None, ""})
    text = printable(f"{named}, status={status} ({said})")
    return f"<{_MAIL + severity}>sendmail-cli[{os.getpid()}]: {text}".encode()[:MAX_LINE]
