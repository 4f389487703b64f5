"""A row of small messages to one server on one connection, as a program of its own: `python -m bench.row PORT COUNT`.

Ends with 1 when one of them was not taken, and with 2 where sendmail-cli can't do it yet.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from sendmail_cli import delivery
from sendmail_cli.addresses import AddrSpec
from sendmail_cli.environment import Environment
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

OCTETS = b"From: ada@example.org\r\nTo: bob@example.org\r\nSubject: bench\r\n\r\nhello\r\n"


class Message(NamedTuple):
    """A message that is ready."""

    octets: bytes
    is_7bit: bool = True
    has_utf8_header: bool = False

    @property
    def size(self) -> int:
        return len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        yield self.octets


def submissions(count: int) -> Iterator[Submission]:
    sender, recipient = AddrSpec("ada", "example.org"), AddrSpec("bob", "example.org")
    for number in range(count):
        yield Submission(envelope_of(ReversePath(sender), (recipient,)), Message(OCTETS), f"<{number}@bench.example>")


def main() -> int:
    deliver_all = getattr(delivery, "deliver_all", None)
    if deliver_all is None:
        print("sendmail_cli.delivery has no deliver_all", file=sys.stderr)
        return 2
    port, count = map(int, sys.argv[1:])
    environment = Environment()
    server = Server("127.0.0.1", port, tls=TLSMode.NONE)
    trace = Trace(environment.monotonic, None)
    reports = list(deliver_all(submissions(count), server, lambda: Secret(""), environment, trace))
    return int(len(reports) != count or any(report.exit_code != 0 for report in reports))


if __name__ == "__main__":
    sys.exit(main())
