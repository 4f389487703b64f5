"""cron's own binary in a world where install-sendmail has made us the machine's sendmail.

The world is a mount namespace: /usr/sbin, /usr/bin, /etc, /var/lib/dpkg and /var/spool are those of the machine with a
layer above that is gone with the test. @reboot in the crontab is when cron starts: nobody waits for a full minute.
"""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_real_callers import ADA, text_of, write_profile
from tests.support.command import COMMAND
from tests.support.patience import PATIENCE
from tests.support.required import skip_if

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postfix import Postfix

pytestmark = pytest.mark.real_server

WORLD = r"""
set -eu
cd "$1"
mount -t tmpfs -o mode=755 tmpfs layers
layer() {
    mkdir -p "layers/$2/upper" "layers/$2/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$PWD/layers/$2/upper,workdir=$PWD/layers/$2/work" overlay "$1"
}
layer /usr/sbin sbin
layer /usr/bin bin
layer /etc etc
layer /var/lib/dpkg dpkg
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /var/spool/cron/crontabs /etc/sendmail-cli
rm -f /etc/cron.d/* /etc/crontab
cp .config/sendmail-cli/profiles.toml /etc/sendmail-cli/
printf '%s\n' "MAILTO=$2" "@reboot root $3" >/etc/crontab
"""


@contextmanager
def world(script: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`script` after WORLD; all that it starts ends with the block."""
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *apart, "sh", "-c", WORLD + script, "sh", str(folder), *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "COMMAND": str(COMMAND)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def missing() -> str | None:
    if os.geteuid() != 0:
        return "a world of its own needs root"
    absent = [name for name in ("cron", "unshare") if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    return f"not installed: {', '.join(absent)} (.ci/servers installs it)" if absent else None


@pytest.fixture
def folder(tmp_path: Path, postfix: Postfix) -> Path:
    skip_if(missing())
    (tmp_path / "layers").mkdir()
    write_profile(tmp_path, postfix)
    return tmp_path


CRON = """
"$COMMAND" install-sendmail --force
exec cron -f
"""


def test_cron(folder: Path, postfix: Postfix) -> None:
    recipient, other = postfix.fresh_recipient(), postfix.fresh_recipient()
    with world(CRON, folder, f"{recipient},{other}", "echo grüß dich; echo ."):
        postfix.delivered(recipient)
        postfix.delivered(other)
    for each in (recipient, other):
        [octets] = postfix.delivered(each)
        came = email.message_from_bytes(octets, policy=email.policy.default)
        assert came["Return-Path"] == f"<{ADA}>"
        assert came["From"] == f"Cron Daemon <{ADA}>"
        assert str(came["Subject"]).startswith("Cron <root@")
        assert "grüß dich" in str(came["Subject"])
        assert text_of(came) == "grüß dich\n.\n"


DEBIAN = r"""
before=$(ls -l /usr/sbin/sendmail /usr/bin/mailq /usr/bin/newaliases)
if "$COMMAND" install-sendmail; then exit 1; fi
"$COMMAND" install-sendmail --force >&2
dpkg-divert --list '/usr/sbin/sendmail'
readlink /usr/sbin/sendmail /usr/bin/mailq
"$COMMAND" install-sendmail --force >&2
"$COMMAND" install-sendmail --uninstall >&2
"$COMMAND" install-sendmail --uninstall >&2
dpkg-divert --list '/usr/sbin/sendmail'
[ "$(ls -l /usr/sbin/sendmail /usr/bin/mailq /usr/bin/newaliases)" = "$before" ]
"""


def test_a_debian_machine_becomes_ours_and_is_as_it_was_again(folder: Path) -> None:
    with world(DEBIAN, folder, "root", "true") as process:
        out, err = process.communicate(timeout=3 * PATIENCE)
    assert process.returncode == 0, out + err
    assert out.splitlines() == [
        "local diversion of /usr/sbin/sendmail to /usr/sbin/sendmail.before-sendmail-cli",
        str(COMMAND.resolve()),
        str(COMMAND.resolve()),
    ]
    assert "is there already and is not ours" in err
    assert err.count("nothing to do") == 2
