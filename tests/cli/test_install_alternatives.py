"""`install-sendmail --mail` where mail and mailx are alternatives, with the real update-alternatives in a folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.installing import alternatives, programs
from tests.support.command import COMMAND, Runner

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.command import Done, Machine

TOOL = "update-alternatives"

pytestmark = pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is Debian's")


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Asks update-alternatives, whose files are in folders of the test."""
    places = {name: tmp_path / name for name in ("altdir", "admindir")}
    for place in places.values():
        place.mkdir()
    really = programs.ask

    def ask(*command: str) -> subprocess.CompletedProcess[str]:
        assert command[0] == TOOL
        flags = [word for name, place in places.items() for word in (f"--{name}", str(place))]
        return really(TOOL, *flags, "--log", str(tmp_path / "log"), *command[1:])

    monkeypatch.setattr(programs, "ask", ask)
    monkeypatch.setattr(programs, "has", lambda *names: names == (TOOL,))
    monkeypatch.setattr(alternatives, "_FOLDER", str(places["altdir"]))
    return ask


@pytest.fixture
def folder(tmp_path: Path, ask: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """Where mailx is an alternative, and mail goes along with it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, priority in (("true", "50"), ("false", "60")):
        program = str(shutil.which(name))
        words = ["--install", str(folder / "mailx"), "mailx", program, priority]
        assert ask(TOOL, *words, "--slave", str(folder / "mail"), "mail", program).returncode == 0
    return folder


@pytest.fixture
def install(machine: Machine, folder: Path) -> Callable[..., Done]:
    return lambda *flags: Runner(machine)("install-sendmail", "--dir", folder, *flags)


def chosen(folder: Path) -> list[str]:
    return [(folder / name).readlink().readlink().name for name in ("mail", "mailx")]


def test_it_becomes_one_and_leaves(install: Callable[..., Done], folder: Path) -> None:
    assert chosen(folder) == ["false", "false"]
    done = install("--mail")
    assert done.code == 0
    assert f"{folder}/mailx is an alternative, and {COMMAND} is one for it" in done.lines
    assert chosen(folder) == [COMMAND.name] * 2
    assert install("--mail").lines == ["nothing to do"]
    done = install("--uninstall")
    assert (done.code, f"{COMMAND} is no alternative for {folder}/mailx any more" in done.lines) == (0, True)
    assert chosen(folder) == ["false", "false"]
    assert sorted(path.name for path in folder.iterdir()) == ["mail", "mailx"]
    assert install("--uninstall").lines == ["nothing to do"]


def test_what_was_chosen_by_hand_stays(
    install: Callable[..., Done], folder: Path, ask: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert ask(TOOL, "--set", "mailx", str(shutil.which("true"))).returncode == 0
    done = install("--mail", "--force")
    assert "another was chosen by hand, and stays: update-alternatives --config mailx" in done.err
    assert chosen(folder) == ["true", "true"]
    assert ask(TOOL, "--set", "mailx", str(COMMAND)).returncode == 0
    assert install("--uninstall").code == 0
    assert chosen(folder) == ["false", "false"]  # the group is in automatic mode again


def test_an_earlier_place_of_ours_is_taken_out(
    install: Callable[..., Done], folder: Path, tmp_path: Path, ask: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    earlier = tmp_path / "earlier/sendmail-cli"
    earlier.parent.mkdir()
    earlier.touch(0o755)
    assert ask(TOOL, "--install", str(folder / "mailx"), "mailx", str(earlier), "100").returncode == 0
    assert install("--mail").code == 0
    assert str(earlier) not in ask(TOOL, "--query", "mailx").stdout
    assert chosen(folder) == [COMMAND.name] * 2


@pytest.mark.parametrize("flags", [(), ("--force",)])
def test_an_alternative_of_another_name_is_never_moved(
    install: Callable[..., Done], folder: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    (folder / "sendmail").symlink_to(tmp_path / "altdir/mta")
    done = install(*flags)
    assert (done.code, "is an alternative (update-alternatives) of another name" in done.err) == (73, True)
    assert sorted(path.name for path in folder.iterdir()) == ["mail", "mailx", "sendmail"]
    assert install("--uninstall").lines == ["nothing to do"]


def test_where_the_tool_is_gone(install: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "has", lambda *_: False)
    done = install("--mail", "--force")
    assert (done.code, "is an alternative" in done.err) == (73, True)
