"""Root's commands where the queue is that of the machine's service: root looks after it, the service runs it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.cli import sendmail
from sendmail_cli.environment import SPOOL_VARIABLE, Environment
from sendmail_cli.queue.place import Place
from sendmail_cli.queue.spool import Spool
from tests.support.command import Machine, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = 4711
PROFILE = '[profile.system]\nfrom = "root@example.org"\nserver = "127.0.0.1:9"\n'
WAITS = ("send", "-p", "system", "--queue", "-m", "x", "bob@example.org")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Its spool is that of user 4711, in a folder that others may enter: pytest's own is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    folder.chmod(0o755)
    machine = Machine(folder)
    (folder / "etc").mkdir()
    (folder / "etc/profiles.toml").write_text(PROFILE)
    (folder / "spool").mkdir(mode=0o700)
    os.chown(folder / "spool", OWNER, OWNER)
    yield machine
    shutil.rmtree(folder)


@pytest.fixture
def run(machine: Machine) -> Runner:
    return Runner(machine)


@pytest.fixture
def service(machine: Machine) -> Iterator[socket.socket]:
    """Where the service listens, which systemd would start."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(machine.service_socket)
        listening.listen()
        listening.settimeout(0)
        yield listening


def callers(service: socket.socket) -> int:
    count = 0
    while True:
        try:
            service.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_what_root_queues_is_the_service_s_to_send(run: Runner, service: socket.socket) -> None:
    assert run(*WAITS).code == 0
    assert callers(service) >= 1
    assert run.machine.started == []  # no runner of root's
    assert {path.stat().st_uid for path in Path(run.machine.spool_folder).rglob("*")} == {OWNER}


def test_root_lists_and_changes(run: Runner, service: socket.socket) -> None:
    run(*WAITS)
    assert b"to bob@example.org" in run("queue", "list").out
    assert run("queue", "hold", "1").code == 0
    callers(service)
    assert run("queue", "retry", "1").code == 0
    assert callers(service) >= 1
    assert b"1 waiting" in run("queue", "stats").out
    assert run("queue", "delete", "--all").code == 0
    assert b"deleted" in run("log", "list").out


def test_root_leaves_running_it_to_the_service(run: Runner, service: socket.socket) -> None:
    run(*WAITS)
    callers(service)
    for flags in ((), ("--watch",)):
        done = run("queue", "run", *flags)
        assert (done.code, done.lines) == (0, ["the mail service of this machine sends what is due"])
    assert sendmail.main("sendmail", ["-q"], run.machine) == 0
    assert callers(service) == 3


def test_a_service_that_runs_already_is_not_called(run: Runner, service: socket.socket) -> None:
    place = Place(run.machine.spool_folder)
    lock = place.take_runner()
    assert lock is not None
    assert run("queue", "run").code == 0
    assert callers(service) == 0
    lock.release()
    place.close()


def test_nobody_runs_it(run: Runner) -> None:
    assert run(*WAITS).code == 0  # it is safe on disk
    done = run("queue", "run")
    assert (done.code, "nobody runs it" in done.err, "systemctl start" in done.err) == (78, True, True)


def test_root_s_relay_does_not_run_it(run: Runner) -> None:
    done = run("relay", "-p", "system", "--unix", run.machine.folder / "socket")
    assert (done.code, "belongs to another user, who runs it" in done.err) == (78, True)


class Root(Environment):
    """With places of the test."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"HOME": str(folder / "home")})
        self.folder = folder

    @property
    def system_spool_folder(self) -> str:
        return str(self.folder / "spool")


def test_root_with_profiles_has_a_queue_of_root_s_own(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    root = Root(machine.folder)
    own = str(machine.folder / "home/.local/state/sendmail-cli/spool")
    assert root.spool_folder == root.system_spool_folder
    machine.configure(PROFILE)
    assert root.spool_folder == own
    with Spool(root):
        pass
    assert sendmail.main("mailq", [], root) == 0
    assert "service" not in capsys.readouterr().err  # where nothing waits, nothing is said
    (machine.folder / "spool/waiting").touch()
    assert sendmail.main("mailq", [], root) == 0
    said = f"for that of the machine's mail service set SENDMAIL_CLI_SPOOL={machine.folder}/spool\n"
    assert capsys.readouterr().err.endswith(said)
    root.variables[SPOOL_VARIABLE] = own
    assert sendmail.main("mailq", [], root) == 0
    assert "service" not in capsys.readouterr().err  # who names a queue means that one
    del root.variables[SPOOL_VARIABLE]
    assert Runner(machine)("queue", "list").code == 0
    os.chown(machine.folder / "spool", 0, 0)
    assert root.spool_folder == root.system_spool_folder  # no service: all of it is root's
    shutil.rmtree(machine.folder / "spool")
    assert root.spool_folder == root.system_spool_folder
