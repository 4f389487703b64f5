"""2,000 mails, three runners, 50 kills, a server that does what it likes: what is lost, and what came twice.

python bench/spool_kills.py [MAILS [KILLS [SEED [CHUNKING]]]]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.chaos import Trial


def main(arguments: list[str]) -> int:
    """Runs one trial; gives the exit code."""
    mails, kills, seed = _numbers(arguments[:3])
    chunking = arguments[3] if len(arguments) > 3 else "never"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = Trial(Path(folder), mails=mails, kills=kills, seed=seed, chunking=chunking).run()
    twice = sum(count - 1 for count in result.accepted.values() if count > 1)
    print(f"{len(result.acknowledged)} mails taken over, {result.kills} kills, {time.monotonic() - began:.0f} s")
    print(f"sent {len(result.accepted)}, given up {len(result.given_up)}, left {result.left}, lost {len(result.lost)}")
    print(f"in doubt {sum(result.in_doubt.values())}, {result.killed_in_doubt} of them by a kill; sent again {twice}")
    print(f"sent again and not named in the log: {len(result.unnamed)}")
    return int(bool(result.lost or result.unnamed or result.left or result.killed_in_doubt > result.kills))


def _numbers(arguments: list[str]) -> tuple[int, int, int]:
    given = [int(argument) for argument in arguments]
    mails, kills, seed = given + [2000, 50, 1][len(given) :]
    return mails, kills, seed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
