"""Messages a second over one connection, beside Postfix's C client: `python -m bench.bulk [ROUNDS] [MESSAGES]`.

Both send small messages to the same server, `smtp-sink`: ours by `deliver_all`, as whoever sends many would, and
`smtp-source -d`, which keeps one connection too. Rounds alternate, so that a busy moment of the machine hits both.
Ends with 1 when the median of ours is not above.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import statistics
import subprocess
import sys
import time
from email.message import EmailMessage
from typing import TYPE_CHECKING

from bench.send_speed import running_server
from sendmail_cli.addresses import AddrSpec
from sendmail_cli.delivery import deliver_all
from sendmail_cli.environment import Environment
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.report import Report

SOURCE = shutil.which("smtp-source", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
LENGTH = 1000  # octets of a message, about
HEADER = b"From: ada@example.org\r\nTo: bob@example.net\r\nSubject: bulk\r\nMessage-ID: <%d@example.org>\r\n\r\n"
LINE = b"a line of the body, as long as people make them when they write mail by hand\r\n"
BODY = LINE * (LENGTH // len(LINE))
ADA, BOB = AddrSpec("ada", "example.org"), AddrSpec("bob", "example.net")


class Small:
    """A content that is there, each message its own."""

    is_7bit = True
    has_utf8_header = False

    def __init__(self, number: int) -> None:
        self.octets = HEADER % number + BODY
        self.size = len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        yield self.octets

    def as_7bit(self) -> Small:
        return self


def submissions(count: int) -> Iterator[Submission]:
    """Messages as a campaign makes them: one after the other, none before its time."""
    for number in range(count):
        yield Submission(envelope_of(ReversePath(ADA), (BOB,)), Small(number), f"<{number}@example.org>")


def ours(port: int, count: int) -> float:
    """Seconds for `count` messages by us."""
    environment = Environment({})
    server = Server("127.0.0.1", port, tls=TLSMode.NONE)
    began = time.perf_counter()
    reports: Iterator[Report] = deliver_all(
        submissions(count), server, lambda: Secret(""), environment, Trace(environment.monotonic)
    )
    sent = sum(report.exit_code == 0 for report in reports)
    seconds = time.perf_counter() - began
    if sent != count:
        sys.exit(f"only {sent} of {count} messages were taken")
    return seconds


def source(port: int, count: int) -> float:
    """Seconds for `count` messages by smtp-source."""
    assert SOURCE is not None
    command = [SOURCE, "-d", "-s", "1", "-m", str(count), "-l", str(LENGTH), f"127.0.0.1:{port}"]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def standard_library(port: int, count: int) -> float:
    """Seconds for `count` messages by smtplib, composed by the standard library."""
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for _ in range(count):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "ada@example.org", "bob@example.net", "bulk"
            message.set_content(BODY.decode())
            server.send_message(message)
    return time.perf_counter() - began


def main(rounds: int = 7, count: int = 5000) -> int:
    """Prints the figures; the exit code."""
    if SOURCE is None:
        sys.exit("smtp-source is not installed: it comes with Debian's package postfix")
    rates: dict[str, list[float]] = {"sendmail-cli": [], "smtp-source -d": [], "smtplib": []}
    with running_server() as (port, _):
        ours(port, 100)
        for _ in range(rounds):
            rates["sendmail-cli"].append(count / ours(port, count))
            rates["smtp-source -d"].append(count / source(port, count))
            rates["smtplib"].append(count / 10 / standard_library(port, count // 10))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, rate in medians.items():
        ratio = medians["sendmail-cli"] / rate
        print(f"{name:16} {rate:8,.0f} messages/s   ours is {ratio:.2f} ×   (of {rounds} rounds)")
    return 0 if medians["sendmail-cli"] > medians["smtp-source -d"] else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
