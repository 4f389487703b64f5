from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.trusted_file import MAX_SIZE, read_trusted_text, refuse_foreign
from sendmail_cli.errors import ConfigError
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

US = os.geteuid()
SOMEBODY = 54321


def state(mode: int, uid: int = US, gid: int = 54321) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


def test_the_text_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes("\ufeffa = 'ä'\r\n".encode())
    assert read_trusted_text(str(tmp_path / "f")) == "a = 'ä'\r\n"


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    assert read_trusted_text(str(tmp_path / "none")) is None
    assert read_trusted_text(str(tmp_path / "f" / "below")) is None


def test_the_null_device_is_empty() -> None:
    assert read_trusted_text(os.devnull) == ""


def test_a_link_is_followed_and_what_it_points_to_is_judged(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "link").symlink_to("f")
    assert read_trusted_text(str(tmp_path / "link")) == "x"
    (tmp_path / "f").chmod(0o602)
    with pytest.raises(ConfigError, match="can be changed by every user"):
        read_trusted_text(str(tmp_path / "link"))


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("", "fifo"):
        with pytest.raises(ConfigError, match="can't be read: ") as caught:
            read_trusted_text(str(tmp_path / name))
        assert str(tmp_path / name).rstrip("/") in caught.value.sentence
        assert caught.value.exit_code is ExitCode.CONFIG


def test_a_circle_of_links_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(ConfigError, match="a can't be read: Too many levels"):
        read_trusted_text(str(tmp_path / "a"))


def test_one_that_we_may_not_read_is_the_caller_s_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        read_trusted_text("/etc/f")


def test_a_disk_that_fails_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> os.stat_result:
        raise OSError(5, "Input/output error")

    (tmp_path / "f").touch()
    with monkeypatch.context() as patch:  # pytest needs fstat too
        patch.setattr(os, "fstat", fail)
        with pytest.raises(ConfigError, match="f can't be read: Input/output error"):
            read_trusted_text(str(tmp_path / "f"))


def test_a_name_with_a_nul_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"can't be read: .*embedded null"):
        read_trusted_text("/a\0b")


def test_what_is_not_utf_8_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a = 1\nb = '\xe4'\n")
    with pytest.raises(ConfigError, match="f, line 2: not UTF-8"):
        read_trusted_text(str(tmp_path / "f"))


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"#" * (MAX_SIZE + 1))
    with pytest.raises(ConfigError, match="is longer than 1 MiB"):
        read_trusted_text(str(tmp_path / "f"))


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400, 0o444])
def test_files_that_only_their_owner_writes_are_trusted(mode: int) -> None:
    refuse_foreign("f", state(mode))
    refuse_foreign("f", state(mode, uid=0))


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_a_file_that_everybody_writes_is_not(mode: int) -> None:
    with pytest.raises(ConfigError, match=r"^f can be changed by every user") as caught:
        refuse_foreign("f", state(mode, gid=0))
    assert caught.value.hint == "chmod go-w f"


def test_a_file_of_another_user_is_not() -> None:
    with pytest.raises(ConfigError, match=f"^f belongs to another user \\(uid {SOMEBODY}\\)"):
        refuse_foreign("f", state(0o600, uid=SOMEBODY))


def with_group(monkeypatch: pytest.MonkeyPatch, name: str, members: list[str]) -> None:
    entry = pwd.struct_passwd(("ada", "x", US, SOMEBODY, "", "/", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group((name, "x", gid, members)))


@pytest.mark.parametrize("members", [[], ["ada"]])
def test_the_owner_s_private_group_may_write(monkeypatch: pytest.MonkeyPatch, members: list[str]) -> None:
    with_group(monkeypatch, "ada", members)
    refuse_foreign("f", state(0o664))


@pytest.mark.parametrize(("name", "members"), [("users", []), ("ada", ["ada", "eve"])])
def test_another_group_may_not(monkeypatch: pytest.MonkeyPatch, name: str, members: list[str]) -> None:
    with_group(monkeypatch, name, members)
    with pytest.raises(ConfigError, match=r"^f can be changed by a group") as caught:
        refuse_foreign("f", state(0o664))
    assert caught.value.hint == "chmod g-w f"


def test_root_s_group_may_write_and_one_without_a_name_may_not() -> None:
    refuse_foreign("f", state(0o660, gid=0))
    with pytest.raises(ConfigError, match="can be changed by a group"):
        refuse_foreign("f", state(0o660))
