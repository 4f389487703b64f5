"""What the queue costs: taking a mail over, listing 100,000, draining them.

python bench/spool.py [MAILS]

Enqueueing is timed in whole processes: the interpreter with what a send imports anyway, and the same that queues a mail
of 4 KB. Listing is the time to the first line and to the last. Draining goes to a server in a process of its own, with
many mails and with few; memory is the runner's peak.
"""

from __future__ import annotations

import os
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

FEW = 1000
RUNS = 15
BASE = """
import sendmail_cli.service, sendmail_cli.request, sendmail_cli.message.compose
from sendmail_cli.addresses import parse_address_list
from sendmail_cli.environment import Environment
from sendmail_cli.queue.choice import Queueing, QueueMode
from sendmail_cli.request import Request
class Quiet(Environment):
    def start_detached(self, arguments, handed): pass
"""
QUEUE_ONE = """
sendmail_cli.service.send(Request(to=parse_address_list("bob@example.org"), subject="x", text=("x" * 63 + "\\n") * 64,
    queueing=Queueing(QueueMode.ALWAYS)), Quiet())
"""
FILL = """
import sys
from sendmail_cli.addresses import AddrSpec
from sendmail_cli.queue import rows
from sendmail_cli.queue.contents import Written
from sendmail_cli.queue.entry import Lane, NewMail
from sendmail_cli.queue.spool import Spool
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from tests.support.spool import Octets
octets = b"Subject: x\\r\\n\\r\\n" + (b"x" * 62 + b"\\r\\n") * 64
with Spool(Quiet()) as spool, spool.changing() as database:
    for number in range(int(sys.argv[1])):
        envelope = envelope_of(ReversePath(None), (AddrSpec(f"r{number}", "example.org"),))
        mail = NewMail(envelope, Octets(octets), f"<{number}@example.org>", Lane("here", "{}"))
        rows.insert_mail(database, mail, 1e9, Written(octets, None))
    spool.place.note_waiting()
"""


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.wfile.write(b"220 bench ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-bench\r\n250-PIPELINING\r\n250 SIZE 0\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() != b".\r\n":
                    pass
                self.wfile.write(b"250 kept\r\n")
            elif verb == b"QUIT":
                return
            else:
                self.wfile.write(b"250 ok\r\n")


def serve() -> None:
    """Takes everything, until standard input ends."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()


class Bench:
    """A home in `folder`, and a server on `port`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        config = folder / "profiles.toml"
        config.write_text(f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{port}"\n')
        config.chmod(0o600)
        self.variables = {
            "HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT),
            "SENDMAIL_CLI_CONFIG": str(config), "SENDMAIL_CLI_SPOOL": str(folder / "spool"),
        }  # fmt: skip

    def python(self, code: str, *arguments: str) -> float:
        """Seconds that `code` takes in a process of its own."""
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], env=self.variables, check=True)
        return time.perf_counter() - began

    def enqueueing(self) -> None:
        """What taking over a mail of 4 KB costs."""
        self.python(BASE + QUEUE_ONE)  # makes the spool
        pairs = [(self.python(BASE), self.python(BASE + QUEUE_ONE)) for _ in range(RUNS)]
        base, whole = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
        print(f"enqueue 4 KB: {whole:.0f} ms, {whole - base:.1f} ms over the interpreter with its imports")

    def listing(self) -> None:
        """When the first line of the list comes, and the last."""
        began = time.perf_counter()
        command = [sys.executable, "-m", "sendmail_cli", "queue", "list"]
        with subprocess.Popen(
            command, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            first = time.perf_counter() - began
            lines = 1 + sum(1 for _ in process.stdout)
        print(
            f"list: first line after {first * 1000:.0f} ms, {lines:,} lines after {time.perf_counter() - began:.1f} s"
        )

    def fill(self, mails: int) -> None:
        """Put so many mails of 4 KB into the queue."""
        self.python(BASE + FILL, str(mails))

    def draining(self, mails: int) -> float:
        """Mails a second of one runner; says its memory too."""
        command = [sys.executable, "-m", "sendmail_cli", "queue", "run"]
        began = time.perf_counter()
        with subprocess.Popen(command, env=self.variables) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        rate = mails / (time.perf_counter() - began)
        print(f"drain {mails:,}: {rate:.0f} a second, peak {usage.ru_maxrss / 1024:.0f} MiB, exit {process.returncode}")
        return rate


def main(arguments: list[str]) -> int:
    """Measures; gives the exit code."""
    if arguments == ["--serve"]:
        serve()
        return 0
    many = int(arguments[0]) if arguments else 100_000
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            bench = Bench(Path(folder), int(server.stdout.readline()))
            bench.enqueueing()
            bench.draining(1)  # the one that enqueueing left
            bench.fill(FEW)
            few = bench.draining(FEW)
            bench.fill(many)
            bench.listing()
            print(f"rate of many over that of few: {bench.draining(many) / few:.2f}")
        finally:
            server.kill()
            server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
