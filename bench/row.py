"""A row of small messages to one server on one connection, as a program: `python -m bench.row PORT COUNT [OPTIONS]`.

--pipelining and --chunking stand for the profile's `pipelining = "eager"` and `chunking = "eager"`: the server is known
to be sound, as Postfix, Exim and sendmail are by their greetings. Ends with 1 when a message was not taken.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.delivery import deliver_all
from sendmail_cli.environment import Environment
from sendmail_cli.message.raw import raw_message
from sendmail_cli.message.source import MemorySource
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

OCTETS = b"From: ada@example.org\r\nTo: bob@example.org\r\nSubject: bench\r\n\r\nhello\r\n"


def submissions(count: int, environment: Environment) -> Iterator[Submission]:
    sender, recipient = AddrSpec("ada", "example.org"), AddrSpec("bob", "example.org")
    envelope = envelope_of(ReversePath(sender), (recipient,))
    for _ in range(count):
        message = raw_message(MemorySource(OCTETS, "a message"), environment)
        yield Submission(envelope, message, message.message_id)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.row")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--pipelining", action="store_true")
    parser.add_argument("--chunking", action="store_true")
    arguments = parser.parse_args()
    environment = Environment()
    server = Server(
        "127.0.0.1",
        arguments.port,
        tls=TLSMode.NONE,
        is_pipelining_eager=arguments.pipelining,
        is_chunking_eager=arguments.chunking,
    )
    trace = Trace(environment.monotonic, None)
    row = submissions(arguments.count, environment)
    reports = list(deliver_all(row, server, lambda: Secret(""), environment, trace))
    return int(len(reports) != arguments.count or any(report.exit_code != 0 for report in reports))


if __name__ == "__main__":
    sys.exit(main())
