"""A server that refuses, stalls and drops at random, and a spool whose submitter and runners are killed at random.

`Trial` sends numbered mails through it and says what became of each: nothing may be lost, and whatever came twice must
be named in the log as in doubt.
"""

from __future__ import annotations

import json
import os
import random
import re
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RUNNERS = 3
PATIENCE = 600.0  # seconds for all mails to come to an end
_NUMBER = re.compile(rb"^Subject: number (\d+)\r$", re.MULTILINE)

# Waits of seconds in place of minutes: the same code, in less time.
HASTE = """
from sendmail_cli.queue import runner, schedule
schedule.FIRST_WAIT = schedule.FIRST_PAUSE = 0.2
schedule.LONGEST_WAIT = schedule.LONGEST_PAUSE = 0.5
runner.LOOK = 0.1
"""
SUBMITTER = """
import sys
from sendmail_cli.addresses import parse_address_list
from sendmail_cli.environment import Environment
from sendmail_cli.queue.choice import Queueing, QueueMode
from sendmail_cli.request import Request
from sendmail_cli.service import send

class Quiet(Environment):
    def start_detached(self, arguments, handed):
        pass  # the test has runners of its own

first, last = map(int, sys.argv[1:])
for number in range(first, last):
    text = "x" * 75 + "\\n"
    text = text * (2000 if number % 20 == 0 else 3)  # now and then one that is a file
    send(Request(to=parse_address_list(f"r{number}@example.org"), subject=f"number {number}", text=text,
                 queueing=Queueing(QueueMode.ALWAYS, key=str(number))), Quiet())  # who was killed says it once more
    print(number, flush=True)
"""


class ChaoticServer(socketserver.ThreadingTCPServer):
    """Listens inside `with`. `accepted` counts for each number how often the server had the whole mail."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: Counter[int] = Counter()
        self.chance = random.Random(seed)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def draws(self, share: float) -> bool:
        """True so often."""
        return self.chance.random() < share


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: ChaoticServer

    def handle(self) -> None:
        self.is_wanted = False  # of the recipient of a transaction
        if self.server.draws(0.03):
            self.say("554 not today")  # no verdict on any mail
            return
        self.say("220 chaos.example ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if self.server.draws(0.01) and verb != b"EHLO":
                return
            if not self.answer(verb, line):
                return

    def answer(self, verb: bytes, line: bytes) -> bool:
        """Reply to a command; False where the connection is to end."""
        if verb == b"EHLO":
            self.say("250-chaos.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE 0")
        elif verb == b"RCPT":
            self.judge()
        elif verb == b"DATA" and self.is_wanted:
            self.say("354 go on")
            return self.take()
        elif verb == b"BDAT":
            content = self.rfile.read(int(line.split()[1]))
            if self.is_wanted:
                return self.decide(content)
            self.say("503 5.5.1 nobody gets it")
        elif verb == b"DATA":
            self.say("503 5.5.1 nobody gets it")
        elif verb == b"QUIT":
            self.say("221 bye")
            return False
        else:
            self.is_wanted = False
            self.say("250 ok")
        return True

    def judge(self) -> None:
        """Whether the recipient gets it."""
        draws = self.server.draws
        if draws(0.08):
            self.say(self.server.chance.choice(["450 4.2.0 later", "451 4.3.0 later", "454 4.7.0 throttled"]))
        elif draws(0.04):
            self.say("550 5.1.1 nobody")
        else:
            self.is_wanted = True
            self.say("250 ok")

    def take(self) -> bool:
        """The content; False where the connection is to end."""
        draws = self.server.draws
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line or draws(0.0005):
                return False
            lines.append(line)
        return self.decide(b"".join(lines))

    def decide(self, content: bytes) -> bool:
        """What becomes of it; False where the connection is to end."""
        draws = self.server.draws
        number = int(_NUMBER.search(content)[1])  # type: ignore[index]
        if draws(0.03):
            self.say("452 4.3.1 no room")
            return True
        self.server.accepted[number] += 1
        if draws(0.05):
            time.sleep(0.2)  # a window for who kills
        if draws(0.02):
            return False  # lost after the dot
        self.say("250 2.0.0 kept")
        return True

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class Result(NamedTuple):
    """What became of a trial."""

    acknowledged: set[int]
    accepted: Counter[int]
    given_up: set[int]
    in_doubt: Counter[int]  # lines of the log
    killed_in_doubt: int  # those of them that a kill made
    kills: int
    left: int  # mails in the queue

    @property
    def lost(self) -> set[int]:
        """Taken over, and neither sent nor given up."""
        return {number for number in self.acknowledged if not self.accepted[number] and number not in self.given_up}

    @property
    def unnamed(self) -> set[int]:
        """Sent more often than the log knows of doubts."""
        return {number for number, count in self.accepted.items() if count > 1 + self.in_doubt[number]}


class Trial:
    """So many mails, with so many kills, in `folder`; `chunking` as a profile has it."""

    def __init__(self, folder: Path, *, mails: int, kills: int, seed: int, chunking: str = "never") -> None:
        self.folder = folder
        self.chunking = chunking
        self.mails = mails
        self.kills = kills
        self.chance = random.Random(seed)
        self.server = ChaoticServer(seed)
        self.acknowledged: set[int] = set()

    def run(self) -> Result:
        """Raises AssertionError where the mails don't come to an end."""
        injected = self.folder / "injected"
        injected.mkdir()
        (injected / "sitecustomize.py").write_text(HASTE)
        config = self.folder / "profiles.toml"
        config.write_text(
            f'[profile.chaos]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{self.server.port}"\ntimeout = "5s"\n'
            f'chunking = "{self.chunking}"\n'
        )
        config.chmod(0o600)
        usual = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PYTHONPATH": f"{injected}:{ROOT}"}
        ours = {"SENDMAIL_CLI_SPOOL": str(self.folder / "spool"), "SENDMAIL_CLI_CONFIG": str(config)}
        self.variables = usual | ours
        with self.server:
            runners = [self.runner() for _ in range(RUNNERS)]
            try:
                done = self.submit_and_kill(runners)
                self.wait_for_end(runners)
            finally:
                for each in runners:
                    each.kill()
                    each.wait()
            return self.result(done)

    def runner(self) -> subprocess.Popen[bytes]:
        return self.start("-m", "sendmail_cli", "queue", "run", "--watch", stdout=subprocess.DEVNULL)

    def start(self, *arguments: str, stdout: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *arguments], env=self.variables, stdout=stdout, stderr=subprocess.DEVNULL
        )

    def submit_and_kill(self, runners: list[subprocess.Popen[bytes]]) -> int:
        """Submit all, and kill one of the processes at each of `kills` random moments; gives how many were killed."""
        moments = sorted(self.chance.sample(range(1, self.mails), self.kills))
        done = 0
        first = 0
        while first < self.mails:
            submitter = self.start("-c", SUBMITTER, str(first), str(self.mails), stdout=subprocess.PIPE)
            first = self.mails
            for number in self.read(submitter):
                self.acknowledged.add(number)
                if moments and number >= moments[0]:
                    moments.pop(0)
                    done += 1
                    time.sleep(self.chance.random() * 0.2)
                    place = self.chance.randrange(RUNNERS + 1)
                    if place == RUNNERS:
                        submitter.kill()
                    else:
                        runners[place].kill()
                        runners[place].wait()
                        runners[place] = self.runner()
            if submitter.wait() != 0:  # killed: the next goes on after what is known to be taken over
                first = max(self.acknowledged, default=-1) + 1
        return done

    @staticmethod
    def read(submitter: subprocess.Popen[bytes]) -> Iterator[int]:
        assert submitter.stdout is not None
        with submitter.stdout:
            for line in submitter.stdout:
                if line.endswith(b"\n"):
                    yield int(line)

    def wait_for_end(self, runners: list[subprocess.Popen[bytes]]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            counts = json.loads(self.ask("queue", "stats", "--json"))["counts"]
            if not counts["waiting"]:
                return
            for place, each in enumerate(runners):
                assert each.poll() is None, f"runner {place} ended with {each.returncode}"
            time.sleep(0.5)
        raise AssertionError(f"still waiting: {counts}")

    def ask(self, *arguments: str) -> bytes:
        command = [sys.executable, "-m", "sendmail_cli", *arguments]
        return subprocess.run(command, env=self.variables, capture_output=True, check=True).stdout

    def result(self, kills: int) -> Result:
        in_doubt: Counter[int] = Counter()
        given_up = set()
        killed = 0
        for line in self.ask("log", "list", "--json").splitlines():
            event = json.loads(line)
            number = int(event["recipient"].partition("@")[0].removeprefix("r"))
            if event["action"] == "refused":
                given_up.add(number)
            elif event["action"] == "in doubt":
                in_doubt[number] += 1
                killed += event["text"].startswith("we ended")
        mbox = self.folder / "spool/undelivered.mbox"
        told = {int(number) for number in re.findall(rb"^Final-Recipient: rfc822; r(\d+)@", _read(mbox), re.MULTILINE)}
        assert told == given_up, "who was given up is in the mbox"
        left = len(self.ask("queue", "list", "--json").splitlines())
        return Result(self.acknowledged, self.server.accepted, given_up, in_doubt, killed, kills, left)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
