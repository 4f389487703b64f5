"""The disk below a spool: whether it is one of this machine, and room on it for what must go on when it is full."""

from __future__ import annotations

import os
from contextlib import suppress

MOUNTS = "/proc/self/mountinfo"
RESERVE = "reserve"
RESERVED = 512 * 1024  # octets; taking away a mail with a thousand recipients needs some 300 KiB

# flock(2) and SQLite's locks hold on one machine there, or on none, and what was synchronized may be elsewhere still.
_OF_NETWORKS = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3",
    "smbfs",
))  # fmt: skip
_BY_FUSE = frozenset((
    "blobfuse", "blobfuse2", "ceph", "ceph-fuse", "curlftpfs", "gcsfuse", "glusterfs", "gvfsd-fuse", "juicefs",
    "mount.davfs", "rclone", "s3fs", "smbnetfs", "sshfs",
))  # fmt: skip


def network_below(folder: str) -> str | None:
    """The type of the network file system that `folder` is on, or would be; None on a disk, or where nobody tells."""
    while not os.path.exists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        device = os.stat(folder).st_dev
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            kind = _type_of(mounts.read(), f" {os.major(device)}:{os.minor(device)} ")
    except OSError:
        return None
    return kind if kind in _OF_NETWORKS or kind.removeprefix("fuse.") in _BY_FUSE else None


def _type_of(mounts: str, device: str) -> str:
    """By proc_pid_mountinfo(5): behind a dash come the type and the source."""
    line = next((line for line in mounts.split("\n") if device in line), "")
    return line.partition(" - ")[2].partition(" ")[0]


def reserve(folder: str) -> None:
    """Keep room for a time when there is none. Where that can't be had, there is none now."""
    path = os.path.join(folder, RESERVE)
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with suppress(OSError):
        if os.stat(path, follow_symlinks=False).st_size >= RESERVED:
            return
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVED)
        except OSError:
            os.unlink(path)
        finally:
            os.close(descriptor)


def free_reserve(folder: str) -> bool:
    """Let go of that room; False where none was kept."""
    try:
        os.unlink(os.path.join(folder, RESERVE))
    except OSError:
        return False
    return True
