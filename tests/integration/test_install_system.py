"""`install-sendmail --system` on a machine that a real systemd runs: it is the machine's mail, and it is gone again."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

import pytest

from tests.support.required import skip_if
from tests.support.systemd_machine import COMMAND, SystemdMachine, missing, withheld

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postfix import Postfix

pytestmark = pytest.mark.real_server

PROFILE = """\
[profile.system]
from = "Machine <machine@example.org>"
server = "localhost:{postfix.submission_port}"
user = "{postfix.user}"
ca_file = "/etc/ca.pem"
qualify = "host.example"
"""
SPOOL = "/var/spool/sendmail-cli"


@pytest.fixture
def machine(tmp_path: Path, postfix: Postfix) -> Iterator[SystemdMachine]:
    skip_if(missing())
    if (reason := withheld()) is not None:  # nothing that could be installed, so it is no failure in .ci/run either
        pytest.skip(reason)
    (tmp_path / "machine").mkdir()
    with SystemdMachine(tmp_path / "machine") as machine:
        (machine.root / "etc/sendmail-cli").mkdir()
        (machine.root / "etc/sendmail-cli/profiles.toml").write_text(PROFILE.format(postfix=postfix))
        (machine.root / "etc/ca.pem").write_bytes(postfix.ca_file.read_bytes())
        yield machine


def install(machine: SystemdMachine, *flags: str, secret: str | None = None) -> subprocess.CompletedProcess[str]:
    given = () if secret is None else ("--password-fd", "0")
    return machine.run(COMMAND, "install-sendmail", "--system", *flags, *given, stdin=secret or "")


def seen(machine: SystemdMachine) -> str:
    """All that is there, with owners and rights, and what the configuration says; but not the backups of others."""
    backups = r"! -name '*-' ! -name '*-old' ! -name '*.lock' ! -name .pwd.lock"
    places = "/etc /usr/sbin /usr/bin /var/spool/* /var/lib/dpkg"
    found = f"find {places} {backups} -printf '%p %u %g %m %y %l\\n' | LC_ALL=C sort"
    contents = f"find /etc /var/lib/dpkg/diversions /var/lib/dpkg/alternatives -type f {backups} -exec sha256sum {{}} +"
    return machine.run("sh", "-c", f"{found}; {contents} | LC_ALL=C sort -k 2").stdout


def test_users_send_root_looks_and_all_is_undone(machine: SystemdMachine, postfix: Postfix) -> None:
    before = seen(machine)
    done = install(machine, "--force", "--mail", secret=postfix.password)
    assert done.returncode == 0, done.stderr
    assert install(machine, "--force", "--mail").stderr == "nothing to do\n"
    units = ("sendmail-cli.socket", "sendmail-cli.service")
    paths = [f"/etc/systemd/system/{unit}" for unit in units]
    sound = machine.run("systemd-analyze", "verify", *paths)
    assert (sound.returncode, sound.stderr) == (0, "")
    for path in paths:
        assert postfix.password not in (machine.root / path.lstrip("/")).read_text()
    assert machine.run("find", "/etc/sendmail-cli/credentials", "-printf", "%u %m\n").stdout == "root 700\nroot 600\n"

    for user in ("www-data", "nobody"):
        recipient = postfix.fresh_recipient()
        uid = pwd.getpwnam(user).pw_uid
        sent = machine.run("/usr/sbin/sendmail", recipient, user=user, stdin="Subject: from PHP\n\nx\n")
        assert (sent.returncode, sent.stdout, sent.stderr) == (0, "", "")
        (message,) = postfix.delivered(recipient)
        assert f"Return-Path: <{user}@host.example>".encode() in message
        assert f"from userid {uid}".encode() in message

    undone = install(machine, "--uninstall")
    assert undone.returncode == 0, undone.stderr
    assert seen(machine) == before
    assert not (machine.root / "run/sendmail-cli").exists()
    assert install(machine, "--uninstall").stderr == "nothing to do\n"


def test_root_manages_the_queue_of_the_service(machine: SystemdMachine) -> None:
    """A wrong password: the mail waits, root sees it and changes it, and the service still can."""
    assert install(machine, "--force", secret="wrong").returncode == 0
    sent = machine.run("/usr/sbin/sendmail", "bob@example.org", user="nobody", stdin="Subject: x\n\nx\n")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert "<nobody@host.example> to bob@example.org" in machine.run("/usr/bin/mailq").stdout
    assert machine.run("/usr/bin/mailq", user="nobody").stdout == "Mail queue is empty\n"
    hold = machine.run(COMMAND, "queue", "hold", "1")
    assert hold.returncode == 0, hold.stderr
    assert '"held"' in machine.run(COMMAND, "queue", "list", "--json").stdout
    assert machine.run(COMMAND, "queue", "retry", "--all").returncode == 0
    assert machine.run(COMMAND, "queue", "run").stderr == "the mail service of this machine sends what is due\n"
    assert machine.run(COMMAND, "log", "list").returncode == 0
    owners = machine.run("find", SPOOL, "-printf", "%u\n").stdout.split()
    assert set(owners) == {"sendmail-cli"}
    assert machine.run("systemctl", "is-active", "sendmail-cli.service").stdout == "active\n"

    undone = install(machine, "--uninstall")
    assert undone.returncode == 0, undone.stderr
    assert f"mail is in {SPOOL}, so it stays, and so does the user sendmail-cli" in undone.stderr
    assert "bob@example.org" in machine.run(COMMAND, "queue", "list").stdout
    stuck = machine.run(COMMAND, "queue", "run")
    assert (stuck.returncode, "nobody runs it" in stuck.stderr) == (78, True)
    assert install(machine, "--force").returncode == 0
    assert "bob@example.org" in machine.run(COMMAND, "queue", "list").stdout


def test_what_waits_is_sent_after_the_next_start(machine: SystemdMachine, postfix: Postfix) -> None:
    """The service starts with the machine, and not only when somebody sends."""
    recipient = postfix.fresh_recipient()
    assert install(machine, "--force", secret=postfix.password).returncode == 0
    machine.run("systemctl", "stop", "sendmail-cli.socket", "sendmail-cli.service")
    queued = machine.run(COMMAND, "send", "-p", "system", "--queue", "-m", "x", recipient)
    assert queued.returncode == 0, queued.stderr
    assert machine.run("systemctl", "is-enabled", "sendmail-cli.service").stdout == "enabled\n"
    machine.run("systemctl", "start", "multi-user.target", "sendmail-cli.service")
    assert len(postfix.delivered(recipient)) == 1


def test_mail_is_one_of_the_alternatives(machine: SystemdMachine, postfix: Postfix) -> None:
    """With real update-alternatives, in a group that is made for it."""
    machine.run("update-alternatives", "--remove-all", "mailx")
    other = ["--install", "/usr/bin/mailx", "mailx", "/usr/bin/true", "50", "--slave", "/usr/bin/mail", "mail"]
    assert machine.run("update-alternatives", *other, "/usr/bin/false").returncode == 0
    before = seen(machine)
    assert install(machine, "--force", "--mail", secret=postfix.password).returncode == 0
    assert machine.run("readlink", "-f", "/usr/bin/mail", "/usr/bin/mailx").stdout == f"{COMMAND}\n" * 2
    recipient = postfix.fresh_recipient()
    sent = machine.run("/usr/bin/mail", "-s", "disk full", recipient, user="nobody", stdin="sda1\n")
    assert (sent.returncode, sent.stderr) == (0, "")
    (message,) = postfix.delivered(recipient)
    assert b"Subject: disk full" in message
    assert b"Return-Path: <nobody@host.example>" in message
    assert install(machine, "--uninstall").returncode == 0
    assert machine.run("readlink", "-f", "/usr/bin/mail", "/usr/bin/mailx").stdout == "/usr/bin/false\n/usr/bin/true\n"
    assert seen(machine) == before

    machine.run("update-alternatives", "--set", "mailx", "/usr/bin/true")
    done = install(machine, "--force", "--mail")
    assert "another was chosen by hand, and stays: update-alternatives --config mailx" in done.stderr
    assert machine.run("readlink", "-f", "/usr/bin/mail").stdout == "/usr/bin/false\n"


def test_killed_at_any_moment(machine: SystemdMachine) -> None:
    """What is half done is done by the next run, and undone by the next undoing."""
    before = seen(machine)
    words = ("--system", "--force", "--mail", "--password-fd", "0")
    for delay in ("0.6", "0.9", "1.2", "1.5"):
        killed = ("timeout", "--signal=KILL", delay, COMMAND, "install-sendmail")
        machine.run(*killed, *words, stdin="secret")
        done = machine.run(COMMAND, "install-sendmail", *words, stdin="secret")
        assert done.returncode == 0, done.stderr
        active = machine.run("systemctl", "is-active", "sendmail-cli.socket", "sendmail-cli.service")
        assert active.stdout == "active\nactive\n"
        machine.run(*killed, "--system", "--uninstall")
        assert install(machine, "--uninstall").returncode == 0
        assert seen(machine) == before
