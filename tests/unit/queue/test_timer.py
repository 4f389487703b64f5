"""A line in the crontab, and its way out again; whatever else stands there stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.environment import Environment
from sendmail_cli.errors import NotOffered, ResourceError
from sendmail_cli.queue.timer import MARK, install, uninstall

if TYPE_CHECKING:
    from pathlib import Path

CRONTAB = """#!/bin/sh
case "$1" in
-l) [ -e "$HOME/tab" ] && exec cat "$HOME/tab"; echo "no crontab for you" >&2; exit 1;;
-) exec cat > "$HOME/tab";;
esac
"""
SYSTEMCTL = '#!/bin/sh\necho "$@" >> "$HOME/said"\n'


@pytest.fixture
def machine(tmp_path: Path) -> Environment:
    (tmp_path / "bin").mkdir()
    return Environment({"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "SENDMAIL_CLI_SPOOL": "/a b/%"})


def provide(machine: Environment, name: str, text: str) -> None:
    path = f"{machine.home}/bin/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    import os

    os.chmod(path, 0o700)


def tab(machine: Environment) -> list[str]:
    with open(f"{machine.home}/tab", encoding="utf-8") as file:
        return file.read().splitlines()


def test_the_crontab_gets_one_line_and_keeps_its_own(machine: Environment, tmp_path: Path) -> None:
    provide(machine, "crontab", CRONTAB)
    (tmp_path / "tab").write_text("0 5 * * * tidy\n")

    for _ in range(2):
        install(machine, "cron")

    own, ours = tab(machine)
    assert own == "0 5 * * * tidy"
    assert ours.startswith("*/5 * * * * /usr/bin/env 'SENDMAIL_CLI_SPOOL=/a b/\\%' ")
    assert ours.endswith(f"sendmail_cli queue run --quiet {MARK}")
    assert uninstall(machine) == ["took the line out of the crontab"]
    assert tab(machine) == ["0 5 * * * tidy"]
    assert uninstall(machine) == []


def test_systemd_gets_a_timer(machine: Environment, tmp_path: Path) -> None:
    provide(machine, "systemctl", SYSTEMCTL)
    provide(machine, "crontab", CRONTAB)
    install(machine, None)

    units = tmp_path / ".config/systemd/user"
    assert (
        'ExecStart="/usr/bin/env" "SENDMAIL_CLI_SPOOL=/a b/%%" ' in (units / "sendmail-cli-queue.service").read_text()
    )
    assert "OnUnitActiveSec=5min" in (units / "sendmail-cli-queue.timer").read_text()
    assert "--user enable --now sendmail-cli-queue.timer" in (tmp_path / "said").read_text()
    assert uninstall(machine) == ["took away the timer sendmail-cli-queue"]
    assert list(units.iterdir()) == []


def test_a_systemd_that_can_not_be_reached_leaves_nothing_half_there(machine: Environment, tmp_path: Path) -> None:
    provide(machine, "crontab", CRONTAB)
    install(machine, "cron")
    provide(machine, "systemctl", "#!/bin/sh\necho no bus >&2; exit 1\n")
    with pytest.raises(ResourceError, match="no bus"):
        install(machine, "systemd")
    assert list((tmp_path / ".config/systemd/user").iterdir()) == []

    provide(machine, "systemctl", SYSTEMCTL)
    install(machine, "systemd")
    provide(machine, "systemctl", "#!/bin/sh\necho no bus >&2; exit 1\n")
    assert uninstall(machine) == [
        "took away the timer sendmail-cli-queue (systemctl --user disable --now sendmail-cli-queue.timer: no bus)",
        "took the line out of the crontab",
    ]
    assert list((tmp_path / ".config/systemd/user").iterdir()) == []


def test_a_machine_with_neither_is_told_what_else_there_is(tmp_path: Path) -> None:
    with pytest.raises(NotOffered, match="neither"):
        install(Environment({"HOME": str(tmp_path), "PATH": str(tmp_path)}), None)


def test_a_cron_that_fails_is_said(machine: Environment) -> None:
    provide(machine, "crontab", "#!/bin/sh\necho no room >&2; exit 1\n")

    with pytest.raises(ResourceError, match="no room"):
        install(machine, "cron")
