"""A server of Debian in an overlay over this machine's root, where it was installed whole by .ci/overlay-roots.

It runs in namespaces of its own: mounts, so that the machine's /etc and /var stay as they are, and process ids, so that
all of it ends at once; the kernel ends it when the test run dies, however that comes about. It shares the network: its
ports on loopback are those that the system chose.

In there, /stage is the folder `stage` of the server: configuration goes in, and what the server delivers comes out,
written by /stage/keep.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support.certificates import write_ca_file, write_server_file
from tests.support.patience import PATIENCE, wait_until
from tests.support.ports import reserve_ports
from tests.support.postfix import CLEAN_ENVIRONMENT
from tests.support.servers.kind import Delivered, Way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CACHE = Path("/var/cache/sendmail-cli-tests")
DOMAIN = "example.org"
USER = "alice@example.org"
PASSWORD = 'correct horse "battery" staple'
REFUSED = f"nobody-here@{DOMAIN}"
START_ATTEMPTS = 3  # a port that was free may be taken before the server listens on it

# Everything before the last line happens in the mount namespace, outside the root. /proc is still that of the world
# outside, so the number that is printed is the one to find the first process by. The shell of the start script must
# stay that process, never exec the server: Linux forgets whose death ends a process when that one changes its user.
INIT = """
set -eu
cd "$0"
mount -t tmpfs -o mode=755 tmpfs layers
mkdir layers/upper layers/work layers/root
tar --extract --xattrs --xattrs-include='*' --directory=layers/upper --file="$1"
mount -t overlay -o "lowerdir=/,upperdir=$PWD/layers/upper,workdir=$PWD/layers/work" overlay layers/root
mkdir layers/root/stage
mount --bind stage layers/root/stage
cd layers/root
read -r pid rest </proc/self/stat
mount -t proc proc proc
mount --rbind /dev dev
mkdir -p run tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
echo 'hosts: files' >etc/nsswitch.conf
echo 'nameserver 127.0.0.1' >etc/resolv.conf
echo "$pid"
exec chroot . sh -eu /stage/start >&2
"""

# SENDER=… keep RECIPIENT… <message: most servers have it so already. The name of the file tells the order.
KEEP = """#!/bin/sh
umask 0
file=$(mktemp /stage/kept/.XXXXXXXX)
{ printf '%s\\n' "$SENDER" "$@"; echo; cat; } >"$file"
mv "$file" "/stage/kept/$(date +%s%N)-$$"
"""


class Recipe(NamedTuple):
    """How a server is set up and started in there."""

    name: str  # of the overlay root
    mechanisms: Mapping[Way, tuple[str, ...]]
    start: str  # a script for sh, which is the first process in there, and whose end is that of all: see INIT
    files: Mapping[str, str]  # what else stands in /stage, after `fill`
    ports: tuple[Way, ...] = ()  # where it listens; empty: for each way that has `mechanisms`
    queue: str = ""  # a pattern below / that matches files as long as a message is under way; "" for no queue
    headers_may_change: bool = False
    refused: str = REFUSED


@dataclass(frozen=True, slots=True)
class OverlayServer:
    """A `RealServer` that runs in there."""

    recipe: Recipe
    folder: Path
    process: int  # the first one in there
    ports: Mapping[Way, int]
    host: str = "localhost"
    user: str = USER
    password: str = PASSWORD
    local_domain: str = DOMAIN

    @property
    def name(self) -> str:
        """That of the overlay root."""
        return self.recipe.name

    @property
    def mechanisms(self) -> Mapping[Way, tuple[str, ...]]:
        """Those to test on each way."""
        return self.recipe.mechanisms

    @property
    def refused(self) -> str:
        """A recipient whom it does not know."""
        return self.recipe.refused

    @property
    def headers_may_change(self) -> bool:
        """Whether it folds header fields anew."""
        return self.recipe.headers_may_change

    @property
    def ca_file(self) -> Path:
        """Who signed its certificate."""
        return self.folder / "ca.pem"

    @property
    def root(self) -> Path:
        """Its / as seen from outside."""
        return Path(f"/proc/{self.process}/root")

    def delivered(self) -> list[Delivered]:
        """All that /stage/keep wrote so far, oldest first, once the queue is empty."""
        # What is moved while we look is missed, once.
        wait_until(lambda: not (self._has_mail_under_way() or self._has_mail_under_way()), self.log)
        files = sorted((self.folder / "stage/kept").glob("[0-9]*"))
        return [_parse(file.read_bytes()) for file in files]

    def _has_mail_under_way(self) -> bool:
        return self.recipe.queue != "" and any(self.root.glob(self.recipe.queue))

    def log(self) -> str:
        """The last lines of what it says about it: the first place to look when a test fails."""
        return tail(self.folder / "log")


def missing(name: str) -> str:
    """Why the overlay root `name` cannot be used on this machine; "" when it can."""
    if os.geteuid() != 0:
        return f"{name} runs in namespaces and as several users: that needs root"
    if not (CACHE / f"{name}.tar").exists():
        return f"{CACHE}/{name}.tar is missing (.ci/servers makes it)"
    absent = [program for program in ("unshare", "setpriv", "tar", "mount") if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


@contextmanager
def running(recipe: Recipe, folder: Path) -> Iterator[OverlayServer]:
    """Starts it in the empty `folder`, and leaves neither process nor mount behind."""
    (folder / "layers").mkdir()
    stage = folder / "stage"
    (stage / "kept").mkdir(parents=True)
    (stage / "kept").chmod(0o777)  # whoever delivers
    stage.chmod(0o755)
    write_ca_file(folder)
    write_server_file(stage)
    _write(stage / "keep", KEEP)
    _write(stage / "start", recipe.start)
    launched = _launch(recipe, folder)
    try:
        yield launched.server
    finally:
        launched.stop()


class _Launched(NamedTuple):
    server: OverlayServer
    unshare: subprocess.Popen[str]

    def stop(self) -> None:
        """The end of the first process is that of all."""
        if self.unshare.poll() is None:
            os.kill(self.server.process, signal.SIGKILL)
        self.unshare.communicate(timeout=PATIENCE)


def _launch(recipe: Recipe, folder: Path) -> _Launched:
    """Tries other ports when it ends before it greets: likely it lost a race for them."""
    ways = recipe.ports or tuple(recipe.mechanisms)
    for _ in range(START_ATTEMPTS):
        ports = dict(zip(ways, reserve_ports(len(ways)), strict=True))
        for name, text in recipe.files.items():
            _write(folder / "stage" / name, fill(text, ports))
        unshare = _enter(recipe.name, folder)
        assert unshare.stdout is not None
        line = unshare.stdout.readline()
        if line:
            launched = _Launched(OverlayServer(recipe, folder, int(line), ports), unshare)
            if all(greets(port, way, unshare) for way, port in ports.items()):
                return launched
            launched.stop()
    raise RuntimeError(f"{recipe.name} does not start:\n{tail(folder / 'log')}")


def fill(text: str, ports: Mapping[Way, int]) -> str:
    """`text` with {implicit}, {starttls}, {plain}, {user}, {password} replaced; other braces are the server's own."""
    words = {way.value: str(ports.get(way, "")) for way in Way} | {"user": USER, "password": PASSWORD}
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def _enter(name: str, folder: Path) -> subprocess.Popen[str]:
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *namespaces, "sh", "-c", INIT, str(folder), str(CACHE / f"{name}.tar")],
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def greets(port: int, way: Way, process: subprocess.Popen[str]) -> bool:
    """Whether somebody takes connections on `port`, and greets unless TLS comes first, while `process` lives."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                if way is Way.IMPLICIT or connection.recv(3) == b"220":
                    return True
        except OSError:
            time.sleep(0.02)
    return False


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)  # sendmail and courier mistrust what others may write


def _parse(kept: bytes) -> Delivered:
    envelope, _, octets = kept.partition(b"\n\n")
    mail_from, *rcpt_to = envelope.decode().split("\n")
    return Delivered(mail_from, tuple(rcpt_to), octets)
