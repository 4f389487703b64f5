"""Who may have laid down a file with a secret, and who may read it. Those of another user need root to make."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.secret_file import read_private_file, read_provided_file
from sendmail_cli.errors import ConfigError, CredentialMissing
from sendmail_cli.secret import Secret
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOTH = pytest.mark.parametrize("read", [read_private_file, read_provided_file])
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(b"hunter2\n")
    path.chmod(0o600)
    return path


@BOTH
@pytest.mark.parametrize(
    ("octets", "secret"),
    [(b"x", "x"), (b"x\n", "x"), (b"x\r\n", "x"), (b"x\n\n", "x\n"), (b" x ", " x "), ("süß".encode(), "süß")],
)
def test_one_line_break_is_no_part_of_it(read: Callable[..., Secret], path: Path, octets: bytes, secret: str) -> None:
    path.write_bytes(octets)
    assert read(str(path), "password_file") == Secret(secret)


@BOTH
@pytest.mark.parametrize(("octets", "words"), [(b"", "is empty"), (b"\xff", "UTF-8"), (b"x" * 70000, "64 KiB")])
def test_no_password_is_in_it(read: Callable[..., Secret], path: Path, octets: bytes, words: str) -> None:
    path.write_bytes(octets)
    with pytest.raises(CredentialMissing, match=words):
        read(str(path), "password_file")


@BOTH
def test_there_is_none(read: Callable[..., Secret], tmp_path: Path) -> None:
    with pytest.raises(CredentialMissing, match=r"^password_file: .*/none can't be read: No such file") as caught:
        read(f"{tmp_path}/none", "password_file")
    assert caught.value.exit_code is ExitCode.CONFIG


@BOTH
def test_it_is_no_file(read: Callable[..., Secret], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(ConfigError, match="is not a regular file"):
            read(f"{tmp_path}/{name}", "password_file")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_others_could_read_it(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigError, match="can be read or changed by other users") as caught:
        read_private_file(str(path), "password_file")
    assert caught.value.hint == f"chmod 600 {path}"


def test_a_container_may_show_its_secrets_to_its_users_but_let_nobody_change_them(path: Path) -> None:
    path.chmod(0o444)
    assert read_provided_file(str(path), "X_FILE") == Secret("hunter2")
    for mode in (0o464, 0o446):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="can be changed by other users"):
            read_provided_file(str(path), "X_FILE")


@BOTH
def test_a_link_of_ours_is_followed(read: Callable[..., Secret], path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    assert read(f"{tmp_path}/link", "password_file") == Secret("hunter2")


@as_root
@BOTH
def test_it_is_somebody_elses(read: Callable[..., Secret], path: Path) -> None:
    os.chown(path, 4711, -1)
    with pytest.raises(ConfigError, match=r"belongs to another user \(uid 4711\)"):
        read(str(path), "password_file")


@as_root
@BOTH
def test_somebody_else_links_to_it(read: Callable[..., Secret], path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    os.chown(tmp_path / "link", 4711, -1, follow_symlinks=False)
    with pytest.raises(ConfigError, match="is a link of another user"):
        read(f"{tmp_path}/link", "password_file")
