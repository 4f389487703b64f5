"""A cold start as sendmail(1), beside msmtp, swaks and a bare Python: `python -m bench.cold_start [ROUNDS]`.

One tiny message to a server on loopback, without TLS. Rounds alternate, so that a busy moment of the machine hits all
alike. What is shown are medians, and their ratios: of the time on the clock, and of the processor's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.peers import MESSAGE, SENDER, SENDMAIL_CLI, Job, Place
from bench.send_speed import running_server

ROUNDS = 21
RECIPIENT = "bob@example.org"


class Cost(NamedTuple):
    """Seconds."""

    clock: float
    processor: float  # user and system


def jobs(place: Place) -> list[Job]:
    """Ours first, and last what no Python program can be below."""
    port = str(place.port)
    config = place.write("profiles.toml", f'[profile.bench]\nfrom = "{SENDER}"\nserver = "{place.server}"\n')
    link = place.folder / "sendmail"
    link.symlink_to(SENDMAIL_CLI)
    spool = f"SENDMAIL_CLI_SPOOL={place.folder}/spool"
    msmtp = f"msmtp -C /dev/null --host=127.0.0.1 --port={port} --auth=off --tls=off --from={SENDER} --".split()
    swaks = f"swaks --server 127.0.0.1 --port {port} --silent 2 --from {SENDER} --to {RECIPIENT}".split()
    return [
        Job("sendmail", ("env", f"SENDMAIL_CLI_CONFIG={config}", spool, str(link), "-i", RECIPIENT), MESSAGE),
        Job("msmtp", ("env", *msmtp, RECIPIENT), MESSAGE),
        Job("swaks", ("env", *swaks)),
        Job("python -c pass", ("env", sys.executable, "-c", "pass")),
    ]


def run(job: Job, variables: dict[str, str]) -> Cost:
    """Runs it to its end. Raises `RuntimeError` when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(job.argv, stdin=subprocess.PIPE, env=variables)
    assert process.stdin is not None
    process.stdin.write(job.stdin.encode())
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{job.name} ended with {process.returncode}")
    return Cost(elapsed, usage.ru_utime + usage.ru_stime)


def medians(all_jobs: list[Job], variables: dict[str, str], rounds: int) -> dict[str, Cost]:
    """What each costs, after a round that warms the caches."""
    costs: dict[str, list[Cost]] = {job.name: [] for job in all_jobs}
    for number in range(rounds + 1):
        for job in all_jobs:
            cost = run(job, variables)
            if number > 0:
                costs[job.name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in costs.items()}


def show(found: dict[str, Cost]) -> None:
    """A line each, with what ours costs as a multiple of it."""
    ours = found["sendmail"]
    for name, cost in found.items():
        print(
            f"  {name:16} {cost.clock * 1000:7.1f} ms  ours is {ours.clock / cost.clock:5.2f} × that"
            f"    processor {cost.processor * 1000:7.1f} ms  {ours.processor / cost.processor:5.2f} ×"
        )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder, running_server() as (port, kind):
        place = Place(port, Path(folder), sys.executable)
        variables = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
        print(f"one message of {len(MESSAGE)} octets to {kind}, {rounds} rounds:")
        show(medians(jobs(place), variables, rounds))


if __name__ == "__main__":
    main()
