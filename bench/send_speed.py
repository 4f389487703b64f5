"""How fast one message goes out, beside what else one would use: `python -m bench.send_speed [ROUNDS] [MEGABYTES]`.

A large attachment beside `curl -F` and smtplib, and a tiny message, from a cold start, beside a script of 20 lines.
Rounds alternate, so that a busy moment of the machine hits all alike. What is shown are medians, and ratios of them: of
the time on the clock, and of the processor's.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.memory import ADDRESSES, COMMAND, make_attachment, running_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTFIX_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
START_SECONDS = 10.0

# What somebody writes who needs it once: options, a message, an attachment, the exit code.
SCRIPT = """\
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path
import click

@click.command()
@click.option("--port", type=int)
@click.option("-f", "--from", "sender")
@click.option("-s", "--subject", default="")
@click.option("-m", "--body", default="")
@click.option("-a", "--attach", multiple=True, type=click.Path(exists=True))
@click.argument("recipients", nargs=-1)
def send(port, sender, subject, body, attach, recipients):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ", ".join(recipients), subject
    message.set_content(body)
    for path in map(Path, attach):
        message.add_attachment(path.read_bytes(), maintype="application", subtype="octet-stream", filename=path.name)
    with smtplib.SMTP("localhost", port) as server:
        sys.exit(bool(server.send_message(message)))

send()
"""


class Cost(NamedTuple):
    """Of one run, in seconds."""

    clock: float
    processor: float  # user and system


def attachment_senders(port: int, folder: Path, megabytes: int) -> dict[str, list[str]]:
    """The commands that send a large file, ours first."""
    large = str(make_attachment(folder, megabytes))
    senders = {
        "sendmail-cli": [COMMAND, "send", "-S", f"localhost:{port}", "-m", "hello", "-a", large, *ADDRESSES],
        "smtplib": [*script(folder), "--port", str(port), "-m", "hello", "-a", large, *ADDRESSES],
    }
    if curl := shutil.which("curl"):
        envelope = ["--mail-from", "ada@example.org", "--mail-rcpt", "bob@example.org"]
        form = ["-F", "=hello;type=text/plain", "-F", f"file=@{large};encoder=base64"]
        senders["curl -F"] = [curl, "-sS", f"smtp://localhost:{port}/bench.example", *envelope, *form]
    return senders


def tiny_senders(port: int, folder: Path) -> dict[str, list[str]]:
    """The commands that send a line of text, ours first; and what no Python program can be below."""
    return {
        "sendmail-cli": [COMMAND, "send", "-S", f"localhost:{port}", "-s", "tiny", "-m", "hello", *ADDRESSES],
        "click + smtplib": [*script(folder), "--port", str(port), "-s", "tiny", "-m", "hello", *ADDRESSES],
        "python -c pass": [sys.executable, "-c", "pass"],
    }


def script(folder: Path) -> list[str]:
    path = folder / "send.py"
    path.write_text(SCRIPT)
    return [sys.executable, str(path)]


def medians(senders: dict[str, list[str]], environment: dict[str, str], rounds: int) -> dict[str, Cost]:
    """What each costs, after a round that warms the caches."""
    costs: dict[str, list[Cost]] = {name: [] for name in senders}
    for number in range(rounds + 1):
        for name, argv in senders.items():
            cost = run(argv, environment)
            if number > 0:
                costs[name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in costs.items()}


def run(argv: list[str], environment: dict[str, str]) -> Cost:
    """Runs it to its end. Raises `RuntimeError` when it fails."""
    start = time.perf_counter()
    process = os.posix_spawn(argv[0], argv, environment)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - start
    if status != 0:
        raise RuntimeError(f"{argv[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(elapsed, usage.ru_utime + usage.ru_stime)


def show(title: str, found: dict[str, Cost]) -> None:
    print(title)
    ours = found["sendmail-cli"]
    for name, cost in found.items():
        clock, processor = cost.clock / ours.clock, cost.processor / ours.processor
        print(
            f"  {name:16} {cost.clock * 1000:8.1f} ms {clock:6.2f} × ours"
            f"   processor {cost.processor * 1000:8.1f} ms {processor:6.2f} × ours"
        )


@contextmanager
def running_server() -> Iterator[tuple[int, str]]:
    """Postfix's sink where it is installed, since it isn't of our making, else our own; its port, and which it is."""
    if POSTFIX_SINK is None:
        with running_sink() as port:
            yield port, "our own sink"
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([POSTFIX_SINK, *user, f"127.0.0.1:{port}", "100"]) as process:
        try:
            await_port(port)
            yield port, "Postfix's smtp-sink"
        finally:
            process.kill()


def await_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as name, running_server() as (port, sink), running_sink() as own_port:
        folder = Path(name)
        environment = {"HOME": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        few = max(rounds // 3, 1)
        for where, at in dict.fromkeys([(sink, port), ("our own sink", own_port)]):
            found = medians(attachment_senders(at, folder, megabytes), environment, few)
            show(f"{megabytes} MB attachment, {few} rounds, {where}", found)
        show(f"tiny message, cold, {rounds} rounds, {sink}", medians(tiny_senders(port, folder), environment, rounds))


if __name__ == "__main__":
    main()
