"""A machine that systemd runs: process 1 of namespaces of its own, over this machine's root, which stays as it is.

Its cgroups are a branch of their own, so that several may run at once. The network is this machine's. Python and what
the tests have installed are in /opt, where everybody gets at them, as after `pipx install --global`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import sendmail_cli
from tests.support.patience import PATIENCE, wait_until

COMMAND = Path("/opt/sendmail-cli/bin/sendmail-cli")

_SYSTEMD = "/lib/systemd/systemd"
_NAMESPACES = ("--mount", "--pid", "--ipc", "--uts", "--cgroup")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_UNWANTED = (  # they deal with the kernel and the devices, which are this machine's
    "console-getty", "systemd-binfmt", "systemd-logind", "systemd-modules-load", "systemd-networkd",
    "systemd-remount-fs", "systemd-resolved", "systemd-sysctl", "systemd-tmpfiles-setup-dev", "systemd-udev-trigger",
    "systemd-udevd", "systemd-update-utmp",
)  # fmt: skip

ROOT = r"""
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" overlay root
cd root
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t proc proc proc
systemd-id128 new >etc/machine-id
rm -rf etc/systemd/system etc/cron.d/* var/spool/sendmail-cli
mkdir -p etc/systemd/system
python=$2 packages=$3 source=$4 name=$5
shift 5
mkdir -p opt/python opt/source/sendmail_cli opt/sendmail-cli/bin "opt/sendmail-cli/lib/$name/site-packages"
mount --bind "$python" opt/python
mount --bind "$packages" "opt/sendmail-cli/lib/$name/site-packages"
mount --bind "$source" opt/source/sendmail_cli
echo 'home = /opt/python/bin' >opt/sendmail-cli/pyvenv.cfg
ln -s "/opt/python/bin/$name" opt/sendmail-cli/bin/python
program=opt/sendmail-cli/bin/sendmail-cli
cat >$program <<'END'
#!/opt/sendmail-cli/bin/python
import sys
sys.path.insert(0, "/opt/source")
from sendmail_cli.__main__ import main
main()
END
chmod 755 $program
echo /opt/python/lib >etc/ld.so.conf.d/opt-python.conf
chroot . ldconfig
for unit; do ln -s /dev/null "etc/systemd/system/$unit.service"; done
ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
mkdir before
pivot_root . before
cd /
umount -l before
mount --make-rshared / # what systemd mounts for a service, its credentials, gets there by this
exec env -i "PATH=$PATH" container=test /lib/systemd/systemd --system --show-status=no --log-target=null
"""


def _cgroups() -> Path | None:
    """Where cgroups of the second version are mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(place, os.W_OK):
            return Path(place)
    return None


def missing() -> str | None:
    """What such a machine needs and could be had by who runs the tests; None where nothing is missing."""
    if os.geteuid() != 0:
        return "a machine of its own needs root"
    if not Path(_SYSTEMD).exists() or shutil.which("systemd-id128") is None:
        return "not installed: systemd (.ci/servers installs it)"
    return None


def withheld() -> str | None:
    """Why this kernel, or who rules it, allows no such machine; None where it does."""
    if Path("/run/systemd/system").exists():
        return "this machine is systemd's own"
    return None if _cgroups() is not None else "there are no cgroups of the second version to be had"


class SystemdMachine:
    """The machine; it is gone with the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        cgroups = _cgroups()
        assert cgroups is not None
        self._cgroup = cgroups / f"sendmail-cli-test-{os.getpid()}-{time.monotonic_ns()}"
        self._pid = 0

    def __enter__(self) -> Self:
        self._cgroup.mkdir()
        apart = f"exec unshare {' '.join(_NAMESPACES)} --fork --kill-child sh -c "
        script = f'echo $$ >"{self._cgroup}/cgroup.procs"; {apart} "$0" sh "$@"'
        self._process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "sh",
                "-c",
                script,
                ROOT,
                self._folder,
                *self._python(),
                *self._masked(),
            ],
            env={"PATH": _PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until(self._find)
            wait_until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"})
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def _python() -> tuple[str, ...]:
        """Where this one is, where its packages are and we ourselves, and what it is called."""
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return sys.base_prefix, sysconfig.get_path("purelib"), str(Path(sendmail_cli.__file__).parent), name

    @staticmethod
    def _masked() -> tuple[str, ...]:
        """Services that this machine has, and that would not run twice."""
        wants = Path("/etc/systemd/system/multi-user.target.wants")
        found = [path.stem for path in wants.glob("*.service")] if wants.is_dir() else []
        return (*_UNWANTED, *found)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        for _attempt in range(100):
            with suppress(OSError):
                for path in sorted(self._cgroup.rglob("*/"), reverse=True):
                    if path.is_dir():
                        path.rmdir()
                self._cgroup.rmdir()
                return
            time.sleep(0.05)

    @property
    def root(self) -> Path:
        """Its files, as this machine sees them."""
        return Path(f"/proc/{self._pid}/root")

    def run(
        self, *command: str | Path, user: str = "root", stdin: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there, as that user."""
        enter = ["nsenter", f"--target={self._pid}", *_NAMESPACES, "--root", "--wd"]
        group = str(pwd.getpwnam(user).pw_gid)
        become = [] if user == "root" else ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        return subprocess.run(
            [*enter, *become, *command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={"PATH": _PATH, "HOME": "/root" if user == "root" else "/nonexistent", "LANG": "C.UTF-8"}
            | (variables or {}),
        )

    def _find(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "systemd did not start"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    self._pid = int(child)
        return self._pid != 0
