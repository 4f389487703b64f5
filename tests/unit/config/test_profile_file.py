from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.config import profile_file as module
from sendmail_cli.config.profile_file import remove_profile, save_profile, set_default, set_values
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.errors import ConfigError, MailError, OutputError, TemporaryError, UsageError
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.config.conftest import Machine

COMMENTED = """\
# mine
default = "work"  # the usual

# the office
[profile.work]
from = "ada@example.org"  # me
server = "smtp.example.org"

[profile.work.headers]
Organization = "Engines"  # ours
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def leftovers(machine: Machine) -> list[str]:
    return sorted(path.name for path in machine.user_file.parent.iterdir())


def test_the_first_profile_makes_file_and_folder_for_its_owner_alone(machine: Machine) -> None:
    old = os.umask(0)
    try:
        path = save_profile(machine, "work", {"from": "ada@example.org", "server": "smtp.example.org"})
    finally:
        os.umask(old)
    assert path == str(machine.user_file)
    assert machine.user_file.read_text() == ('[profile.work]\nfrom = "ada@example.org"\nserver = "smtp.example.org"\n')
    assert mode(machine.user_file) == 0o600
    assert mode(machine.user_file.parent) == 0o700
    assert leftovers(machine) == ["profiles.toml"]
    assert load_profiles(machine).names == ("work",)


def test_every_key_can_be_written(machine: Machine) -> None:
    values = {
        "from": "Ada <ada@example.org>",
        "server": "smtps://smtp.example.org",
        "user": 'a"d\\a',
        "timeout": 30,
        "password_command": ["pass", "show"],
        "allow_insecure_keyring": True,
        "headers": {"X-One": "1"},
    }
    save_profile(machine, "my.work", values)
    profile = load_profiles(machine).get("my.work")
    assert (profile.user, profile.timeout, profile.password_command) == ('a"d\\a', 30.0, ("pass", "show"))
    assert profile.headers == (("X-One", "1"),)


def test_comments_and_order_are_kept(machine: Machine) -> None:
    machine.write(COMMENTED)
    save_profile(machine, "home", {"from": "ada@home.example"})
    assert machine.user_file.read_text() == COMMENTED + '\n[profile.home]\nfrom = "ada@home.example"\n'
    set_values(machine, "work", {"server": "b.example", "headers": {"X": "y"}})
    set_values(machine, "work", {}, unset=("headers.Organization",))
    set_default(machine, "home")
    remove_profile(machine, "work")
    text = machine.user_file.read_text()
    assert text.startswith('# mine\ndefault = "home"  # the usual\n\n# the office\n')
    assert load_profiles(machine).names == ("home",)


def test_values_are_set_one_by_one(machine: Machine) -> None:
    machine.write(COMMENTED)
    set_values(machine, "work", {"server": "b.example", "headers": {"X": "y"}})
    assert machine.user_file.read_text() == COMMENTED.replace("smtp.example.org", "b.example") + 'X = "y"\n'
    set_values(machine, "work", {}, unset=("headers.X", "server"))
    assert machine.user_file.read_text() == COMMENTED.replace('server = "smtp.example.org"\n', "")


def test_the_default_goes_with_its_profile(machine: Machine) -> None:
    machine.write(COMMENTED)
    remove_profile(machine, "work")
    assert load_profiles(machine).default is None
    assert "# the usual" not in machine.user_file.read_text()


def test_the_default_stays_where_the_machine_has_that_profile_too(machine: Machine) -> None:
    machine.write(COMMENTED)
    machine.write_system("[profile.work]\n")
    remove_profile(machine, "work")
    assert load_profiles(machine).default == "work"


@pytest.mark.parametrize(
    "text",
    [
        'profile.work.from = "a@b"\n',
        'profile = { work = { from = "a@b" } }\n',
        '[profile]\nwork.from = "a@b"\n',
        '[profile.work]\r\nfrom = "a@b"\r\n',
        '[profile.x]\n[profile.work]\nfrom = "a@b"\n[profile.y]\n',
    ],
)
def test_other_ways_to_write_the_same_survive(machine: Machine, text: str) -> None:
    machine.write(text)
    save_profile(machine, "new", {"from": "n@example.org", "headers": {"X": "y"}})
    set_values(machine, "work", {"from": "c@example.org"})
    profiles = load_profiles(machine)
    assert str(profiles.get("work").from_) == "c@example.org"
    assert profiles.get("new").headers == (("X", "y"),)
    remove_profile(machine, "work")
    assert "work" not in load_profiles(machine).names


def test_a_profile_can_come_back(machine: Machine) -> None:
    for _ in range(2):
        save_profile(machine, "work", {"from": "a@b"})
        remove_profile(machine, "work")
    assert machine.user_file.read_text().strip() == ""


def test_the_mode_of_the_file_is_kept(machine: Machine) -> None:
    machine.write(COMMENTED)
    machine.user_file.chmod(0o640)
    set_default(machine, "sandbox")
    assert mode(machine.user_file) == 0o640


def test_the_group_loses_its_rights_when_the_group_is_lost(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write(COMMENTED)
    machine.user_file.chmod(0o640)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    set_default(machine, "sandbox")
    assert mode(machine.user_file) == 0o600


def test_a_link_stays_a_link(machine: Machine, tmp_path: Path) -> None:
    machine.put(tmp_path / "dotfiles/mail.toml", COMMENTED)
    machine.user_file.parent.mkdir(parents=True)
    machine.user_file.symlink_to(tmp_path / "dotfiles/mail.toml")
    assert set_default(machine, "sandbox") == str(tmp_path / "dotfiles/mail.toml")
    assert machine.user_file.is_symlink()
    assert 'default = "sandbox"' in (tmp_path / "dotfiles/mail.toml").read_text()


def test_a_link_to_nothing_makes_the_file(machine: Machine, tmp_path: Path) -> None:
    machine.user_file.parent.mkdir(parents=True)
    machine.user_file.symlink_to(tmp_path / "dotfiles/mail.toml")
    save_profile(machine, "work", {"from": "a@b"})
    assert machine.user_file.is_symlink()
    assert load_profiles(machine).names == ("work",)


def test_a_device_is_never_replaced(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(module, "_write", lambda path, *_: written.append(path))
    machine.variables["SENDMAIL_CLI_CONFIG"] = os.devnull
    with pytest.raises(ConfigError, match="/dev/null is no regular file, so no profile can be kept there"):
        save_profile(machine, "work", {"from": "a@b"})
    assert written == []


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    machine.write(COMMENTED)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OutputError, match=r"profiles.toml can't be written: No space left on device") as caught:
        set_default(machine, "sandbox")
    assert caught.value.exit_code is ExitCode.CANTCREAT
    assert machine.user_file.read_text() == COMMENTED
    assert leftovers(machine) == ["profiles.toml"]


def test_the_content_is_on_the_disk_before_the_name_changes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    for step in ("fsync", "replace"):
        real: Callable[..., None] = getattr(os, step)

        def note(*args: Any, real: Callable[..., None] = real, step: str = step) -> None:
            steps.append(step)
            real(*args)

        monkeypatch.setattr(os, step, note)
    save_profile(machine, "work", {"from": "a@b"})
    assert steps == ["fsync", "replace", "fsync"]


def test_a_folder_that_cannot_be_made_is_a_sentence(machine: Machine) -> None:
    machine.put(machine.folder / "home/.config", "a file")
    with pytest.raises(OutputError, match=r"can't be written: (Not a directory|File exists)"):
        save_profile(machine, "work", {"from": "a@b"})


def test_a_file_system_without_locks_does(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    save_profile(machine, "work", {"from": "a@b"})
    assert load_profiles(machine).names == ("work",)


REFUSED: list[tuple[Callable[[Machine], object], type[MailError], str]] = [
    (lambda m: save_profile(m, "work", {"from": "a@b"}), UsageError, "there is a profile “work” already"),
    (lambda m: save_profile(m, "a b", {"from": "a@b"}), UsageError, "“a b” is no name for a profile"),
    (lambda m: save_profile(m, "new", {"sever": "h"}), UsageError, "sever: a profile has no key “sever”; did you mean"),
    (lambda m: save_profile(m, "new", {"from": "ada"}), UsageError, "from: “ada” is no valid address"),
    (lambda m: save_profile(m, "new", {"password": "hunter2"}), UsageError, "password: a password never stands in"),
    (lambda m: save_profile(m, "new", {"server": "a:hunter2@h"}), UsageError, "server: a password never stands in a"),
    (lambda m: save_profile(m, "new", {"user": "a", "auth": "none"}), ConfigError, "“none” contradicts the user “a”"),
    (lambda m: save_profile(m, "sandbox", {}), UsageError, "the profile “sandbox” is built in and stays as it is"),
    (lambda m: set_values(m, "sandbox", {"tls": "none"}), UsageError, "the profile “sandbox” is built in"),
    (lambda m: set_values(m, "sandbox", {}, unset=("tls",)), UsageError, "the profile “sandbox” is built in"),
    (lambda m: remove_profile(m, "sandbox"), UsageError, "the profile “sandbox” is built in"),
    (lambda m: set_values(m, "wrok", {"tls": "none"}), ConfigError, "there is no profile “wrok”; did you mean “work”?"),
    (lambda m: set_values(m, "work", {"tls": "x"}), UsageError, "tls: “x” is none of implicit"),
    (
        lambda m: set_values(m, "wrok", {}, unset=("from",)),
        ConfigError,
        "there is no profile “wrok”; did you mean “work”?",
    ),
    (lambda m: set_values(m, "work", {}, unset=("tls",)), ConfigError, "the profile “work” has no “tls”"),
    (lambda m: set_values(m, "work", {}, unset=("headers.X",)), ConfigError, "the profile “work” has no “headers.X”"),
    (lambda m: remove_profile(m, "wrok"), ConfigError, "there is no profile “wrok”; did you mean “work”?"),
    (lambda m: remove_profile(m, "shop"), ConfigError, "the profile “shop” is the machine's, in "),
    (lambda m: set_default(m, "wrok"), ConfigError, "default: there is no profile “wrok”; did you mean “work”?"),
]


@pytest.mark.parametrize(("change", "error", "sentence"), REFUSED, ids=[sentence for _, _, sentence in REFUSED])
def test_a_refused_change_writes_nothing(
    machine: Machine, change: Callable[[Machine], object], error: type[MailError], sentence: str
) -> None:
    machine.write(COMMENTED)
    machine.write_system("[profile.shop]\n")
    with pytest.raises(error) as caught:
        change(machine)
    assert sentence in caught.value.sentence
    assert "hunter2" not in caught.value.sentence + caught.value.hint
    assert machine.user_file.read_text() == COMMENTED
    assert leftovers(machine) == ["profiles.toml"]


def test_a_mistake_in_the_file_can_be_taken_out_by_a_command(machine: Machine) -> None:
    machine.write('[profile.work]\nfrom = "a@b"\nsever = "x"\n')
    with pytest.raises(ConfigError, match=r"line 3: profile.work.sever"):
        set_values(machine, "work", {"tls": "none"})
    set_values(machine, "work", {}, unset=("sever",))
    assert machine.user_file.read_text() == '[profile.work]\nfrom = "a@b"\n'


@pytest.mark.parametrize("text", ["profile = 1\n", "[profile]\nwork = 1\n", "profile = [", "[[profile]]\n"])
def test_a_file_of_another_shape_is_left_alone(machine: Machine, text: str) -> None:
    machine.write(text)
    changes: tuple[Callable[[], object], ...] = (
        lambda: save_profile(machine, "new", {}),
        lambda: set_values(machine, "work", {}, unset=("a",)),
    )
    for change in changes:
        with pytest.raises(ConfigError, match=f"^{machine.user_file}, line"):
            change()
    assert machine.user_file.read_text() == text


def test_headers_that_are_no_table_can_be_unset(machine: Machine) -> None:
    machine.write("[profile.work]\nheaders = 1\n")
    with pytest.raises(ConfigError, match=r"has no “headers.X”"):
        set_values(machine, "work", {}, unset=("headers.X",))
    set_values(machine, "work", {}, unset=("headers",))
    assert load_profiles(machine).get("work").headers == ()


@pytest.mark.parametrize("fault", [lambda _: "", lambda _: 1 / 0], ids=["loses everything", "stumbles"])
def test_a_fault_of_tomlkit_never_lands(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, fault: Callable[[object], str]
) -> None:
    import tomlkit

    machine.write(COMMENTED)
    monkeypatch.setattr(tomlkit, "dumps", fault)
    with pytest.raises(ConfigError, match="is written in a way that can't be changed here: edit it by hand"):
        set_default(machine, "sandbox")
    assert machine.user_file.read_text() == COMMENTED


def test_a_file_that_we_may_not_read_is_not_written(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "read_trusted_text", refuse)
    with pytest.raises(ConfigError, match="can't be read: Permission denied"):
        save_profile(machine, "work", {"from": "a@b"})


def test_a_lock_that_another_holds_is_not_waited_for_without_end(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write("")
    monkeypatch.setattr(machine, "sleep", lambda seconds: None)
    with open_folder(machine.user_file.parent) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TemporaryError, match="another program holds"):
            save_profile(machine, "work", {"from": "a@example.org"})
    assert machine.user_file.read_text() == ""


@contextmanager
def open_folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_change_is_made_under_a_lock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    monkeypatch.setattr(fcntl, "flock", lambda *args: taken.append(args))
    save_profile(machine, "work", {"from": "a@b"})
    assert len(taken) == 1
