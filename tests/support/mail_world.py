"""A small internet of the tests' own: name server, web servers and mail servers under their usual names and ports.

In namespaces with nothing but loopback stand knotd on port 53, which is the one in /etc/resolv.conf there, and a
forwarder that listens where the zone's hosts are and passes each connection on to a unix socket. Behind these sockets
the servers of the test run live: web servers in this process, Postfix wherever it is. What runs in there is the
installed command, unchanged: it looks names up, fetches by https, and dials 465 and 587 as anywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.support.patience import PATIENCE
from tests.support.postfix import CLEAN_ENVIRONMENT, FOLDER, missing_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import trustme


Talker: TypeAlias = "Callable[[socket.socket], None]"  # has the connection, and returns when it is over
NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child")

INIT = """
set -eu
ip link set lo up
mount --bind "$0/resolv.conf" /etc/resolv.conf
"$1" "$0/forwarder.py" "$0" &
knotd --config "$0/knot.conf" >"$0/knot.log" 2>&1 &
tries=0
until kdig +short +retry=0 +timeout=1 @127.0.0.1 ready. A 2>&1 | grep -q ^127 && [ -e "$0/forwarding" ]; do
    [ $((tries += 1)) -lt 100 ]  # with -e: the end
    sleep 0.05
done
read -r pid rest </proc/self/stat
echo "$pid"
exec sleep infinity
"""

KNOT = """\
server:
    listen: [ "127.0.0.1@53" ]
    rundir: "{root}"
log:
  - target: stderr
    any: warning
database:
    storage: "{root}/db"
zone:
  - domain: "."
    file: "{root}/zone"
"""

ZONE = """\
$TTL 60
. SOA ns. admin. 1 60 60 60 60
. NS ns.
ns. A 127.0.0.1
ready. A 127.0.0.1
"""

FORWARDER = """
import json, socket, sys, threading
from pathlib import Path

root = Path(sys.argv[1])

def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_WR if end is target else socket.SHUT_RD)
        except OSError:
            pass

def serve(listener, path):
    while True:
        client, _ = listener.accept()
        behind = socket.socket(socket.AF_UNIX)
        try:
            behind.connect(path)
        except OSError:
            client.close()
            continue
        for pair in ((client, behind), (behind, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()

for address, port, path in json.loads((root / "ports").read_text()):
    listener = socket.create_server((address, port))
    threading.Thread(target=serve, args=(listener, path), daemon=True).start()
(root / "forwarding").touch()
threading.Event().wait()
"""


@dataclass
class Plan:
    """What there will be: records of the zone, and who talks on which host and port."""

    records: list[str] = field(default_factory=list)
    talkers: dict[tuple[str, int], Talker] = field(default_factory=dict)  # by address and port
    addresses: dict[str, str] = field(default_factory=dict)  # of hosts

    def host(self, name: str, *, address: str | None = None) -> str:
        """The address of `name`, of its own unless one is given; the zone has it from now on."""
        if name not in self.addresses:
            number = len(self.addresses) + 1
            self.addresses[name] = address or f"127.0.{1 + number // 200}.{1 + number % 200}"
            self.records.append(f"{name}. A {self.addresses[name]}")
        return self.addresses[name]

    def serve(self, name: str, port: int, talker: Talker) -> None:
        """Who connects to `name` at `port` talks to `talker`."""
        self.talkers[self.host(name), port] = talker

    def service(
        self, domain: str, target: str, *, port: int = 465, service: str = "submissions", priority: int = 0
    ) -> None:
        """An SRV record."""
        self.records.append(f"_{service}._tcp.{domain}. SRV {priority} 1 {port} {target}.")


class Web:
    """https for many names at once: the certificate is for the one that is asked for, `answers` by host and path."""

    def __init__(self, authority: trustme.CA) -> None:
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.answers: dict[str, Callable[[str, ssl.SSLSocket], None]] = {}  # by host
        self.requests: list[tuple[str, str]] = []  # host and path
        self.wrong_certificates: set[str] = set()

    def talk(self, connection: socket.socket) -> None:
        """One connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        asked: list[str] = []

        def choose(wrapped: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            asked.append(name or "")
            wrapped.context = self._context(name or "")

        context.sni_callback = choose
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            request = secured.recv(65536).decode("latin-1")
            path = request.split(" ")[1]
            self.requests.append((asked[0], path))
            self.answers[asked[0]](path, secured)

    def _context(self, name: str) -> ssl.SSLContext:
        if name not in self._contexts:
            self._contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            shown = "another.example" if name in self.wrong_certificates else name
            self._authority.issue_cert(shown).configure_cert(self._contexts[name])
        return self._contexts[name]


@dataclass(frozen=True)
class World:
    """A way in."""

    root: Path
    process: int

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        """The argv that runs this one in there, as the same process."""
        enter = ["nsenter", "--target", str(self.process), "--mount", "--net"]
        return [*enter, "--", "env", f"--chdir={Path.cwd()}", *map(str, argv)]

    def run(self, argv: Sequence[str | Path], **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
        """subprocess.run in there."""
        return subprocess.run(self.command(argv), check=False, **kwargs)


def why_unavailable() -> str | None:
    """Why there can be none on this machine; None when there can."""
    if os.geteuid() != 0:
        return "namespaces need root"
    reason = missing_programs("knotd", "kdig", "ip", "unshare", "nsenter", "setpriv")
    if reason is not None:
        return reason
    trial = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return None if trial.returncode == 0 else f"this machine lets root make no namespaces: {trial.stderr.strip()}"


@contextmanager
def running_world(plan: Plan) -> Iterator[World]:
    """Starts what `plan` says, and leaves neither process nor file nor mount behind."""
    root = Path(tempfile.mkdtemp(prefix="world-", dir=FOLDER))
    try:
        with ExitStack() as stack:
            _lay_out(root, plan, stack)
            unshare = _launch(root)
            assert unshare.stdout is not None
            line = unshare.stdout.readline()
            if not line:
                unshare.communicate()
                logs = [(root / name).read_text() for name in ("log", "knot.log") if (root / name).exists()]
                raise RuntimeError("the tests' name server does not start:\n" + "\n".join(logs))
            try:
                yield World(root, int(line))
            finally:
                os.kill(int(line), signal.SIGKILL)
                unshare.communicate(timeout=PATIENCE)
    finally:
        shutil.rmtree(root)


def to_port(port: int) -> Talker:
    """Passes a connection on to this port of the machine."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_pump, args=(behind, connection), daemon=True)
            back.start()
            _pump(connection, behind)
            back.join()

    return talk


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _lay_out(root: Path, plan: Plan, stack: ExitStack) -> None:
    root.chmod(0o755)
    (root / "db").mkdir()
    (root / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    (root / "knot.conf").write_text(KNOT.format(root=root))
    (root / "zone").write_text(ZONE + "\n".join(plan.records) + "\n")
    (root / "forwarder.py").write_text(FORWARDER)
    ports = []
    for (address, port), talker in plan.talkers.items():
        path = str(root / f"{address}-{port}")
        ports.append((address, port, path))
        _listen(path, talker, stack)
    (root / "ports").write_text(json.dumps(ports))


def _listen(path: str, talker: Talker, stack: ExitStack) -> None:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError, ValueError):
                talker(self.request)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

    server = stack.enter_context(Server(path, Handler))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)


def _launch(root: Path) -> subprocess.Popen[str]:
    """The namespaces with their first process; the kernel ends them when we die, however that comes about."""
    with (root / "log").open("w") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "sh", "-c", INIT, str(root), sys.executable],
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
