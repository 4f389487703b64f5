"""`install-sendmail` in a folder: what it makes, what it leaves alone, and that it can be undone."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.installing import names, programs
from tests.support.command import COMMAND, Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.command import Done, Machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def install(machine: Machine, folder: Path) -> Callable[..., Done]:
    return lambda *flags: Runner(machine)("install-sendmail", "--dir", folder, *flags)


def seen(folder: Path) -> dict[str, str]:
    """Each name with what a link points to or a file holds."""
    return {
        path.name: str(path.readlink()) if path.is_symlink() else path.read_text() for path in sorted(folder.iterdir())
    }


OURS = dict.fromkeys(("mailq", "newaliases", "sendmail"), str(COMMAND))


def test_makes_links_says_so_and_undoes_it(install: Callable[..., Done], folder: Path) -> None:
    done = install()
    assert (done.code, done.out) == (0, b"")
    assert done.lines[0].endswith(f"sendmail is a link to {COMMAND}")
    assert seen(folder) == OURS
    again = install()
    assert (again.code, again.lines) == (0, ["nothing to do"])
    assert install("--uninstall").code == 0
    assert seen(folder) == {}
    assert install("--uninstall").lines == ["nothing to do"]


def test_mail_is_asked_for(install: Callable[..., Done], folder: Path) -> None:
    assert install("--mail").code == 0
    assert seen(folder) == OURS | {"mail": str(COMMAND), "mailx": str(COMMAND)}
    assert install("--uninstall").code == 0
    assert seen(folder) == {}


def test_a_name_that_is_taken_stops_all(install: Callable[..., Done], folder: Path) -> None:
    folder.mkdir()
    (folder / "newaliases").write_text("theirs")
    done = install()
    assert done.code == 73
    assert "newaliases is there already and is not ours" in done.err
    assert "--force" in done.err
    assert seen(folder) == {"newaliases": "theirs"}


def test_force_moves_aside_and_uninstall_brings_back(install: Callable[..., Done], folder: Path) -> None:
    folder.mkdir()
    (folder / "sendmail").write_text("theirs")
    (folder / "mailq").symlink_to("sendmail")
    assert install("--force").code == 0
    aside = {"sendmail.before-sendmail-cli": "theirs", "mailq.before-sendmail-cli": "sendmail"}
    assert seen(folder) == OURS | aside
    assert install("--force").lines == ["nothing to do"]
    assert install("--uninstall").code == 0
    assert seen(folder) == {"mailq": "sendmail", "sendmail": "theirs"}


def test_nothing_is_ever_overwritten(install: Callable[..., Done], folder: Path) -> None:
    folder.mkdir()
    before = {"sendmail": "theirs", "sendmail.before-sendmail-cli": "older"}
    for name, text in before.items():
        (folder / name).write_text(text)
    done = install("--force")
    assert (done.code, "in the way" in done.err) == (73, True)
    assert seen(folder) == before
    assert install("--uninstall").code == 0  # another's sendmail stays where it is
    assert seen(folder) == before


class Dpkg:
    """What answers in its place, and what it was asked. A real one is asked in test_real_callers_cron."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        self.asked.append(command)
        path = command[-1]
        if "--truename" in command:
            return subprocess.CompletedProcess(command, 0, f"{path}{names.ASIDE}\n", "")
        if "--rename" in command and not self.code:
            aside = path + names.ASIDE
            os.rename(*((path, aside) if "--add" in command else (aside, path)))
        return subprocess.CompletedProcess(command, self.code if "--rename" in command else 0, "", "no room")


def test_what_came_with_a_package_is_diverted(
    install: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpkg = Dpkg()
    monkeypatch.setattr(programs, "ask", dpkg)
    monkeypatch.setattr(programs, "has", lambda *_: True)
    folder.mkdir()
    (folder / "sendmail").write_text("theirs")
    path = str(folder / "sendmail")
    divert = ["dpkg-divert", "--local", "--rename"]
    assert install("--force").code == 0
    assert list(dpkg.asked[-1]) == [*divert, "--divert", path + names.ASIDE, "--add", path]
    assert install("--uninstall").code == 0
    assert list(dpkg.asked[-1]) == [*divert, "--remove", path]
    assert seen(folder) == {"sendmail": "theirs"}


def test_dpkg_that_fails(install: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ask", Dpkg(2))
    monkeypatch.setattr(programs, "has", lambda *_: True)
    folder.mkdir()
    (folder / "sendmail").write_text("theirs")
    done = install("--force")
    assert (done.code, "dpkg-divert failed: no room" in done.err) == (73, True)
    assert seen(folder) == {"sendmail": "theirs"}


def test_a_folder_of_that_name(install: Callable[..., Done], folder: Path) -> None:
    (folder / "mailq").mkdir(parents=True)
    assert install("--force").code == 73
    assert [path.name for path in folder.iterdir()] == ["mailq"]


def test_a_link_to_a_sendmail_cli_that_is_gone_is_ours(install: Callable[..., Done], folder: Path) -> None:
    folder.mkdir()
    (folder / "sendmail").symlink_to("/gone/sendmail-cli")
    assert install().code == 0
    assert seen(folder) == OURS


def test_dry_run_changes_nothing(install: Callable[..., Done], folder: Path) -> None:
    done = install("--dry-run")
    assert done.lines[0] == "nothing was changed; without --dry-run:"
    assert len(done.lines) == 4
    assert not folder.exists()


def test_a_folder_that_can_not_be_written(install: Callable[..., Done], folder: Path) -> None:
    folder.write_text("a file")
    done = install()
    assert done.code in {64, 73}
    assert folder.read_text() == "a file"


@pytest.mark.parametrize("call", ["symlink", "rename", "unlink"])
def test_what_the_disk_says_against_it(
    install: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    folder.mkdir()
    (folder / "sendmail").write_text("theirs")
    flags = ("--force",)
    if call == "unlink":
        assert install("--force").code == 0
        flags = ("--uninstall",)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"sendmail_cli.installing.names.os.{call}", full)
    done = install(*flags)
    assert (done.code, "no space left" in done.err) == (73, True)
    monkeypatch.undo()
    assert install("--uninstall").code == 0
    assert seen(folder) == {"sendmail": "theirs"}


@pytest.mark.parametrize("flag", ["--mail", "--force"])
def test_uninstall_alone(install: Callable[..., Done], flag: str) -> None:
    assert install("--uninstall", flag).code == 64


def test_only_the_program_by_its_own_name(
    machine: Machine, install: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(machine), "program", "/usr/lib/python3/site-packages/sendmail_cli/__main__.py")
    done = install()
    assert (done.code, "by its own name" in done.err) == (78, True)
    assert not folder.exists()


def test_the_usual_places(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names.usual_paths(machine)["sendmail"] == f"{machine.home}/.local/bin/sendmail"
    monkeypatch.setattr(type(machine), "is_root", True)
    assert names.usual_paths(machine) == {
        "sendmail": "/usr/sbin/sendmail",
        "mailq": "/usr/bin/mailq",
        "newaliases": "/usr/bin/newaliases",
        "mail": "/usr/bin/mail",
        "mailx": "/usr/bin/mailx",
    }


def test_who_else_can_reach_it(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    (hidden / "bin").mkdir(parents=True)
    hidden.chmod(0o700)
    assert names.hidden_part(str(hidden / "bin" / "sendmail-cli")) == str(hidden)
    assert names.hidden_part("/usr/bin/env") is None
