"""How often each program waits for the server: `python -m bench.flights [--json] [--rounds N] [--python PYTHON]`.

Without TLS and AUTH: one message to 1 and to 10 recipients, and a row of 20 messages. Connect and greeting count as one
round trip. Each job runs several times and the fewest count, since a busy machine only ever adds a wait. Ends with 1
when ours are over the goals or couldn't be counted, and with 2 when smtplib's, which are known, came out wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.peers import Job, Place, one_message, ours_eager, row_of_messages
from bench.recorder import Flights, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120  # seconds for one run
ROW = 20  # messages
GOALS = {"1 recipient": 4.0, "10 recipients": 4.0, "eager, 1 recipient": 3.0, "eager, 10 recipients": 3.0, "row": 1.25}
TO_A_STRANGER = 2.25  # a message in a row, to a server that nothing is known of
KNOWN = {"1 recipient": 6.0, "10 recipients": 15.0, "row": 4.15}  # smtplib: EHLO, MAIL, each RCPT, DATA, content


class Count(NamedTuple):
    """What one program took for one job."""

    job: str
    program: str
    flights: float | None  # until the content was accepted; in a row: for each message, until the connection closed
    until_closed: int | None = None
    why_not: str = ""


class Meter(NamedTuple):
    """Runs jobs against the recorder."""

    recorder: Recorder
    folder: Path  # the jobs' home
    rounds: int

    def measure(self, title: str, job: Job, messages: int = 1) -> Count:
        """What `job` took at its best."""
        if job.missing:
            return Count(title, job.name, None, why_not=job.missing)
        found: list[Flights] = []
        for _ in range(self.rounds):
            why_not = _run(job, self.folder)
            flights = self.recorder.take()
            if flights.accepted < messages:
                return Count(title, job.name, None, why_not=why_not or f"only {flights.accepted} messages arrived")
            found.append(flights)
        best = min(found, key=lambda each: each.until_closed)
        per_message = best.until_closed / messages if messages > 1 else float(best.until_accepted)
        return Count(title, job.name, round(per_message, 2), best.until_closed)


def counts(meter: Meter, python: str) -> Iterator[Count]:
    """Every job of every program, ours first."""
    place = Place(meter.recorder.port, meter.folder, python)
    for recipients in (1, 10):
        addresses = [f"bob{number}@example.org" for number in range(recipients)]
        title = f"{recipients} recipient{'s' if recipients > 1 else ''}"
        for job in one_message(place, addresses):
            yield meter.measure(title, job)
        yield meter.measure(f"eager, {title}", ours_eager(place, addresses))
    for job in row_of_messages(place, ROW):
        yield meter.measure("row", job, messages=ROW)


def _run(job: Job, folder: Path) -> str:
    """Runs it; what it complained of, or ""."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"}
    try:
        done = subprocess.run(
            job.argv,
            input=job.stdin,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            cwd=Path(__file__).parents[1] if "bench.row" in job.argv else folder,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {PATIENCE} seconds"
    lines = (done.stderr or done.stdout).strip().splitlines()
    return f"ended with {done.returncode}: {lines[-1] if lines else 'no word'}" if done.returncode != 0 else ""


def over_the_goals(found: list[Count]) -> list[Count]:
    """Ours that are above what we aim at, or that couldn't be counted."""
    mine = [count for count in found if count.program.startswith("sendmail-cli")]
    return [count for count in mine if count.flights is None or count.flights > goal_of(count)]


def goal_of(count: Count) -> float:
    """What we aim at: only with a server that is known to be sound does an envelope share a content's flight."""
    return TO_A_STRANGER if count.program.endswith("stranger") else GOALS[count.job]


def is_calibrated(found: list[Count]) -> bool:
    """Whether smtplib took what it is known to take: otherwise this machine was too busy to count on."""
    return all(count.flights == KNOWN[count.job] for count in found if count.program == "smtplib")


def show(found: list[Count]) -> None:
    for title in dict.fromkeys(count.job for count in found):
        unit = f"a message in a row of {ROW}, until closed" if title == "row" else f"{title}, until accepted"
        print(f"round trips, {unit}" + (f" (goal: {GOALS[title]:g})" if title in GOALS else ""))
        for count in (each for each in found if each.job == title):
            if count.flights is None:
                print(f"  {count.program:26} {'-':>6}  {count.why_not}")
            else:
                print(f"  {count.program:26} {count.flights:6g}  {count.until_closed} until closed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.flights", description="Count round trips.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each job, of which the best counts")
    parser.add_argument("--python", default=sys.executable, help="a Python with aiosmtplib and mailmerge")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Recorder() as recorder:
        found = list(counts(Meter(recorder, Path(name), arguments.rounds), arguments.python))
    if arguments.json:
        print(json.dumps({"goals": GOALS, "counts": [count._asdict() for count in found]}))
    else:
        show(found)
    if not is_calibrated(found):
        print("smtplib's count is not the known one: this run counts for nothing", file=sys.stderr)
        return 2
    over = over_the_goals(found)
    for count in over:
        print(f"over the goal of {goal_of(count):g}: {count.program}, {count.job}", file=sys.stderr)
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
