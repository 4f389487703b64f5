"""The disk below a spool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import ConfigError
from sendmail_cli.queue import disk
from sendmail_cli.queue.disk import RESERVED, free_reserve, network_below, reserve
from sendmail_cli.queue.place import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Has the kernel say that `tmp_path` is on what stands in this file."""
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(disk, "MOUNTS", str(mounts))
    return mounts


def mount(mounts: Path, kind: str, source: str = "files.example:/home") -> None:
    """As proc_pid_mountinfo(5) has it."""
    device = mounts.parent.stat().st_dev
    mounts.write_text(
        "22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw\n"
        f"36 35 {os.major(device)}:{os.minor(device)} / /a\\040b rw,noatime master:1 - {kind} {source} rw,hard\n"
        "40 27 0:99 / /other rw - nfs4 other:/ rw\n"
    )


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.rclone", "afs"])
def test_a_spool_on_a_networks_file_system_is_refused(mounted: Path, kind: str) -> None:
    mount(mounted, kind)
    folder = mounted.parent / "not/there/yet"

    assert network_below(str(folder)) == kind
    with pytest.raises(ConfigError) as caught:
        Place(str(folder))
    assert f"({kind})" in caught.value.sentence
    assert "SENDMAIL_CLI_SPOOL" in caught.value.hint
    assert not (mounted.parent / "not").exists()


@pytest.mark.parametrize(
    "kind", ["ext4", "btrfs", "xfs", "tmpfs", "overlay", "zfs", "ecryptfs", "fuseblk", "fuse.bindfs", "fuse"]
)
def test_a_disk_of_this_machine_is_not(mounted: Path, kind: str) -> None:
    mount(mounted, kind)
    Place(str(mounted.parent / "spool")).close()


@pytest.mark.parametrize("text", ["", "\n", "1 2 - nfs\n", "garbage \x00"])
def test_where_nobody_tells_it_is_taken_for_one(mounted: Path, text: str) -> None:
    mounted.write_text(text)
    assert network_below(str(mounted.parent)) is None
    mounted.unlink()
    assert network_below(str(mounted.parent)) is None


def test_what_the_kernel_says_of_this_disk(tmp_path: Path) -> None:
    assert network_below(str(tmp_path)) is None
    assert network_below("/proc") is None


def test_the_reserve_is_room_that_is_taken(tmp_path: Path) -> None:
    for _ in range(2):
        reserve(str(tmp_path))
    state = (tmp_path / "reserve").stat()
    assert state.st_size == RESERVED
    assert state.st_blocks * 512 >= RESERVED, "no hole"
    assert state.st_mode & 0o777 == 0o600

    assert free_reserve(str(tmp_path))
    assert not free_reserve(str(tmp_path))


def test_where_there_is_no_room_none_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    reserve(str(tmp_path))
    assert not (tmp_path / "reserve").exists()
