"""A large file attached, beside `curl -F …;encoder=base64`: `python -m bench.attachment [ROUNDS] [MEGABYTES]`.

Both send the same file to the same server, in turns; what counts is the ratio of the medians. Our peak of memory is
measured beside that of a tiny message. Ends with 1 where the peak is over the limit or curl takes less than 5 times as
long as we do, and with 2 where there is no curl.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench import memory
from bench.memory import ADDRESSES, COMMAND, LIMIT, MEBIBYTE
from bench.send_speed import attachment_senders, medians, running_server, show

GOAL = 5.0  # times our time


def growth(ours: list[str], port: int, environment: dict[str, str]) -> int:
    """By how many octets the peak of `ours` is over that of a tiny message. Raises `RuntimeError`."""
    tiny = [COMMAND, "send", "-S", f"localhost:{port}", "-m", "hello", *ADDRESSES]
    small, large = memory.run(tiny, environment), memory.run(ours, environment)
    if small.exit_code or large.exit_code:
        raise RuntimeError(f"{small.errors}{large.errors}")
    print(f"  peak {large.peak / MEBIBYTE:.1f} MiB, of a tiny message {small.peak / MEBIBYTE:.1f} MiB")
    return large.peak - small.peak


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as name, running_server() as (port, sink):
        environment = {"HOME": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": name}
        senders = attachment_senders(port, Path(name), megabytes)
        if "curl -F" not in senders:
            print("curl is not installed", file=sys.stderr)
            return 2
        beside = {program: senders[program] for program in ("sendmail-cli", "curl -F")}
        costs = medians(beside, environment, rounds)
        show(f"{megabytes} MB attachment, {rounds} rounds, {sink}", costs)
        more = growth(senders["sendmail-cli"], port, environment)
    ratio = costs["curl -F"].clock / costs["sendmail-cli"].clock
    print(f"  {ratio:.1f} × as fast as curl (goal {GOAL:.0f}), {more / MEBIBYTE:+.1f} MiB (limit {LIMIT // MEBIBYTE})")
    return int(ratio < GOAL or more > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
