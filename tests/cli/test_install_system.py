"""`install-sendmail --system`: what it makes and refuses. With a real systemd: test_install_system of integration."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import SYSTEM_SOCKET, SYSTEM_SPOOL
from sendmail_cli.installing import mail_service, programs, service_units, service_user
from sendmail_cli.queue.entry import Lane, NewMail
from sendmail_cli.queue.spool import Spool
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from tests.support.command import COMMAND, Runner
from tests.support.spool import Clockwork, Octets, addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.command import Done, Machine

    Install = Callable[..., Done]

PROFILE = '[profile.system]\nfrom = "root@example.org"\nserver = "smtp.example.org"\nuser = "root"\n'


class World:
    """What stands for systemd, dpkg and the users of the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.asked: list[str] = []
        self.failing = ""
        self.is_there = True
        self.user: pwd.struct_passwd | None = None
        self.units = machine.folder / "units"
        self.units.mkdir()

    def has(self, *names: str) -> bool:
        return self.is_there and "systemctl" in names

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        words = " ".join(command)
        self.asked.append(words)
        if command[0] == "systemd-sysusers":
            self.add_user(self.machine.system_spool_folder)
        if command[0] == "userdel":
            self.user = None
        is_question = command[1].startswith("is-")
        code = int("systemctl enable" not in " ".join(self.asked)) if is_question else int(words == self.failing)
        return subprocess.CompletedProcess(command, code, "", "no room")

    def add_user(self, home: str) -> None:
        self.user = pwd.struct_passwd((service_user.USER, "x", os.getuid(), os.getgid(), "", home, "/bin/false"))

    def getpwnam(self, _: str) -> pwd.struct_passwd:
        if self.user is None:
            raise KeyError
        return self.user


@pytest.fixture
def world(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> World:
    """The machine of its root, with a profile, and systemd on its disk."""
    world = World(machine)
    monkeypatch.setattr(type(machine), "is_root", True)
    monkeypatch.setattr(programs, "has", world.has)
    monkeypatch.setattr(programs, "ask", world.ask)
    monkeypatch.setattr(pwd, "getpwnam", world.getpwnam)
    monkeypatch.setattr(service_units, "FOLDER", str(world.units))
    monkeypatch.setattr(service_units, "_RUNNING", str(machine.folder / "running"))
    monkeypatch.setattr(mail_service, "hidden_part", lambda _: None)
    monkeypatch.setattr(mail_service, "_UNSEEN", ())
    monkeypatch.setattr("sendmail_cli.installing.names.hidden_part", lambda _: None)
    etc = machine.folder / "etc"
    etc.mkdir()
    (etc / "profiles.toml").write_text(PROFILE)
    (etc / "profiles.toml").chmod(0o644)
    return world


@pytest.fixture
def install(machine: Machine, tmp_path: Path) -> Install:
    return lambda *flags: Runner(machine)("install-sendmail", "--dir", tmp_path / "bin", "--system", *flags)


def left(world: World) -> set[str]:
    """What is in the folders to which something is added."""
    folder = world.machine.folder
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "bin" not in path.parts} - {"home"}


def test_all_is_made_and_undone(world: World, install: Install, tmp_path: Path) -> None:
    """On the disk of a machine that systemd will start one day."""
    before = left(world)
    done = install()
    assert (done.code, done.out) == (0, b"")
    assert "systemd does not run here" in done.err
    assert "no password for “system” yet" in done.err
    service = (world.units / "sendmail-cli.service").read_text()
    assert f'ExecStart="{COMMAND}" relay --system --profile system\n' in service
    assert "\nLoadCredential=sendmail-cli.system\n" in service
    assert "@" not in service.replace("@system-service", "")
    assert Path(world.machine.system_spool_folder).stat().st_mode & 0o777 == 0o700
    assert [words for words in world.asked if "is-" not in words][1:] == [
        "systemctl enable sendmail-cli.socket sendmail-cli.service"
    ]
    assert (tmp_path / "bin/sendmail").is_symlink()
    assert install().lines[0] == "nothing to do"
    undone = install("--uninstall")
    assert undone.code == 0
    assert (left(world), world.user) == (before, None)
    assert world.asked[-2:] == ["systemctl disable sendmail-cli.socket sendmail-cli.service", "userdel sendmail-cli"]
    assert install("--uninstall").lines == ["nothing to do"]


def test_the_units_name_our_places() -> None:
    texts = service_units.texts("/usr/bin/x", "system", "id")
    assert f"ListenStream={SYSTEM_SOCKET}\n" in texts["sendmail-cli.socket"]
    assert f"ReadWritePaths={SYSTEM_SPOOL}\n" in texts["sendmail-cli.service"]
    assert f"User={service_user.USER}\n" in texts["sendmail-cli.service"]


def test_where_systemd_runs_the_service_is_started(world: World, install: Install) -> None:
    (world.machine.folder / "running").mkdir()
    Path(world.machine.service_socket).touch()
    assert install().code == 0
    started = [words for words in world.asked if "is-" not in words and "sysusers" not in words]
    assert started == [
        "systemctl daemon-reload",
        "systemctl enable sendmail-cli.socket sendmail-cli.service",
        "systemctl start sendmail-cli.socket",
        "systemctl restart sendmail-cli.service",
    ]
    assert install().lines[0] == "nothing to do"
    assert install("--uninstall").code == 0
    assert not Path(world.machine.service_socket).exists()  # or sendmail would go on handing over
    assert "systemctl disable --now sendmail-cli.socket sendmail-cli.service" in world.asked


def test_another_profile_is_another_unit(world: World, install: Install) -> None:
    with (world.machine.folder / "etc/profiles.toml").open("a") as file:
        file.write(PROFILE.replace("system", "web"))
    assert install().code == 0
    done = install("-p", "web")
    assert any("sendmail-cli.service is written" in line for line in done.lines)
    assert "--profile web\n" in (world.units / "sendmail-cli.service").read_text()


def test_a_secret_is_for_root_alone_and_in_no_unit(world: World, install: Install, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    with (tmp_path / "secret").open() as file:
        done = install("--password-fd", str(file.fileno()))
    assert done.code == 0
    assert "hunter2" not in done.err
    kept = world.machine.folder / "etc/credentials/sendmail-cli.system"
    assert kept.read_text() == "hunter2"
    assert [path.stat().st_mode & 0o777 for path in (kept.parent, kept)] == [0o700, 0o600]
    service = (world.units / "sendmail-cli.service").read_text()
    assert f"\nLoadCredential=sendmail-cli.system:{kept}\n" in service
    assert install().lines[0] == "nothing to do"  # it stays
    kept.chmod(0o644)
    with (tmp_path / "secret").open() as file:
        assert "kept in" in install("--password-fd", str(file.fileno())).lines[0]
    assert kept.stat().st_mode & 0o777 == 0o600
    (kept.parent / "another's").touch()
    assert install("--uninstall").code == 0
    assert [path.name for path in kept.parent.iterdir()] == ["another's"]


def test_dry_run_changes_nothing(world: World, install: Install) -> None:
    before = left(world)
    done = install("--dry-run")
    assert done.lines[0] == "nothing was changed; without --dry-run:"
    assert left(world) == before
    assert not any("sysusers" in words for words in world.asked)


def test_who_is_not_root(world: World, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.machine), "is_root", False)
    for flags in ((), ("--uninstall",)):
        done = install(*flags)
        assert (done.code, "you are not root" in done.err) == (73, True)


def test_where_there_is_no_systemd(world: World, install: Install) -> None:
    world.is_there = False
    done = install()
    assert (done.code, "there is no systemd here" in done.err, "--unix /run" in done.err) == (69, True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not there, and the profile “system” was to be in it"),
        ("", "there is no profile “system”"),
        ('[profile.system]\nfrom = "a@example.org"\n', "the profile “system” can't be used: "),
    ],
)
def test_a_profile_that_can_not_send(world: World, install: Install, text: str | None, said: str) -> None:
    path = world.machine.folder / "etc/profiles.toml"
    path.unlink() if text is None else path.write_text(text)
    before = left(world)
    done = install()
    assert (done.code, said in done.err) == (78, True)
    assert left(world) == before


def test_root_s_own_profiles_are_none_of_the_service(world: World, install: Install) -> None:
    world.machine.configure(PROFILE.replace("system", "mine"))
    done = install("-p", "mine")
    assert (done.code, "there is no profile “mine”" in done.err) == (78, True)


def test_a_profile_that_the_service_can_not_read(world: World, install: Install) -> None:
    (world.machine.folder / "etc/profiles.toml").chmod(0o600)
    done = install()
    assert (done.code, "chmod o+r" in done.err) == (78, True)


def test_a_program_that_the_service_can_not_reach(
    world: World, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_service, "_UNSEEN", (f"{COMMAND.parent}/",))
    done = install()
    assert (done.code, f"it may not enter {COMMAND.parent}" in done.err) == (78, True)
    monkeypatch.setattr(mail_service, "hidden_part", lambda _: "/root")
    done = install()
    assert (done.code, "it may not enter /root" in done.err) == (78, True)
    assert not list(world.units.iterdir())


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_unit_that_is_not_ours(world: World, install: Install, kind: str) -> None:
    path = world.units / "sendmail-cli.socket"
    path.write_text("[Socket]\n") if kind == "file" else path.symlink_to(os.devnull)
    done = install()
    assert (done.code, "is there already and is not ours" in done.err) == (73, True)
    assert install("--uninstall").code == 0
    assert os.path.lexists(path)


def test_a_user_or_a_folder_that_is_not_ours(world: World, install: Install) -> None:
    world.add_user("/home/sendmail-cli")
    done = install()
    assert (done.code, "there is a user sendmail-cli already who is not ours" in done.err) == (73, True)
    assert install("--uninstall").code == 0
    assert world.user is not None
    world.user = None
    Path(world.machine.system_spool_folder).write_text("in the way")
    done = install()
    assert (done.code, "is there already and is not ours" in done.err) == (73, True)


def queued(machine: Machine, folder: str) -> None:
    """A mail waits in the spool there."""
    clockwork = Clockwork(machine.folder)
    clockwork.variables["SENDMAIL_CLI_SPOOL"] = folder
    with Spool(clockwork) as spool:
        spool.add(NewMail(envelope_of(ReversePath(None), addresses(1)), Octets(b"x"), "<x>", Lane("system", "{}")))
    os.rename(clockwork.spool_folder, folder)


def test_mail_stays(world: World, install: Install) -> None:
    assert install().code == 0
    folder = Path(world.machine.system_spool_folder)
    folder.rmdir()
    queued(world.machine, str(folder))
    undone = install("--uninstall")
    assert undone.code == 0
    assert f"mail is in {folder}, so it stays, and so does the user sendmail-cli" in undone.err
    assert (folder / "mails.sqlite3").exists()
    assert world.user is not None
    assert not list(world.units.iterdir())


@pytest.mark.parametrize("name", ["undelivered.mbox", "relayed.mbox"])
def test_a_report_is_mail_too(world: World, install: Install, name: str) -> None:
    assert install().code == 0
    folder = Path(world.machine.system_spool_folder)
    folder.rmdir()
    queued(world.machine, str(folder))
    with Spool(ClockworkAt(world.machine.folder)) as spool:
        spool.delete(1)
    (folder / name).write_text("From MAILER-DAEMON\n")
    assert "so it stays" in install("--uninstall").err
    (folder / name).unlink()
    assert install("--uninstall").code == 0
    assert not folder.exists()


class ClockworkAt(Clockwork):
    @property
    def spool_folder(self) -> str:
        return str(self.folder / "system-spool")


def test_mail_that_comes_while_all_is_taken_away(
    world: World, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert install().code == 0
    folder = Path(world.machine.system_spool_folder)
    answers = iter([False, True])
    monkeypatch.setattr(service_user, "_has_mail", lambda _: next(answers))
    done = install("--uninstall")
    assert (done.code, "mail has come" in done.err) == (73, True)
    assert folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_spool_that_root_has_had(world: World, install: Install) -> None:
    """Without mail it becomes the service's, with its log; with mail it stays root's."""
    folder = world.machine.system_spool_folder
    queued(world.machine, folder)
    world.user = pwd.struct_passwd((service_user.USER, "x", 4711, 4711, "", folder, "/bin/false"))
    done = install()
    assert (done.code, "mail of root's own is in" in done.err) == (73, True)
    with Spool(ClockworkAt(world.machine.folder)) as spool:
        spool.delete(1)
    assert install().code == 0
    assert {path.stat().st_uid for path in (Path(folder), *Path(folder).rglob("*"))} == {4711}
    os.chown(folder, 4712, 4712)
    done = install()
    assert (done.code, "is there already and is not ours" in done.err) == (73, True)


def test_systemd_that_fails(world: World, install: Install) -> None:
    world.failing = "systemctl enable sendmail-cli.socket sendmail-cli.service"
    done = install()
    assert (done.code, "systemctl failed: no room" in done.err) == (73, True)


@pytest.mark.parametrize("call", ["replace", "mkdir", "makedirs"])
def test_a_disk_that_is_full(
    world: World, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "secret").write_text("hunter2\n")
    with (tmp_path / "secret").open() as file:
        monkeypatch.setattr(os, call, full)
        done = install("--password-fd", str(file.fileno()))
        monkeypatch.undo()
    assert (done.code, "no space left on device" in done.err) == (73, True)
    assert not list(world.units.iterdir())


@pytest.mark.parametrize("call", ["unlink", "rmtree"])
def test_what_can_not_be_taken_away(world: World, install: Install, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    assert install().code == 0
    monkeypatch.setattr(*((os, "unlink") if call == "unlink" else (shutil, "rmtree")), refuse)
    done = install("--uninstall")
    monkeypatch.undo()
    assert (done.code, "read-only file system" in done.err) == (73, True)


@pytest.mark.parametrize("key", ['password_file = "/etc/x"', 'auth = "external"\ntls_cert = "/etc/x"'])
def test_a_profile_that_needs_no_password_of_the_service(world: World, install: Install, key: str) -> None:
    with (world.machine.folder / "etc/profiles.toml").open("a") as file:
        file.write(f"{key}\n")
    done = install("--dry-run")
    assert (done.code, "no password" in done.err) == (0, False)


@pytest.mark.parametrize("flags", [("-p", "x"), ("--password-fd", "0")])
def test_options_of_the_service_alone(machine: Machine, world: World, install: Install, flags: tuple[str, ...]) -> None:
    assert Runner(machine)("install-sendmail", *flags).code == 64
    assert install("--uninstall", *flags).code == 64
