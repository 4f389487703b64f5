"""Has the queue run every few minutes: a timer of the user's systemd, or a line in the crontab."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress

from sendmail_cli.errors import NotOffered, OutputError, ResourceError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

MINUTES = 5
UNIT = "sendmail-cli-queue"
MARK = "# sendmail-cli queue install"  # at the end of our line in the crontab
PATIENCE = 30  # seconds for systemctl or crontab to answer

_SERVICE = """[Unit]
Description=Send the mail that waits in the queue of sendmail-cli

[Service]
Type=oneshot
ExecStart={command}
"""
_TIMER = """[Unit]
Description=Send the mail that waits in the queue of sendmail-cli

[Timer]
OnBootSec=1min
OnUnitActiveSec={minutes}min

[Install]
WantedBy=timers.target
"""


def install(environment: Environment, way: str | None) -> str:
    """Have the queue run from now on, by "systemd", "cron", or whichever there is; gives what was done.

    Raises `NotOffered` where there is neither, `OutputError` and `ResourceError` where it can't be set up.
    """
    if way is None:
        way = "systemd" if _has_systemd(environment) else "cron"
    return _install_timer(environment) if way == "systemd" else _install_line(environment)


def uninstall(environment: Environment) -> list[str]:
    """Take away what `install` has made; gives what was taken away. Raises as `install`."""
    done = []
    folder = _unit_folder(environment)
    if os.path.exists(os.path.join(folder, f"{UNIT}.timer")):
        done.append(f"took away the timer {UNIT}{_remove_timer(environment, folder)}")
    lines = _crontab(environment)
    others = [line for line in lines if not line.endswith(MARK)]
    if len(others) < len(lines):
        _write_crontab(environment, others)
        done.append("took the line out of the crontab")
    return done


def is_installed(environment: Environment) -> bool:
    """True where `install` has made a timer or a line, and nobody has taken it away."""
    if os.path.exists(os.path.join(_unit_folder(environment), f"{UNIT}.timer")):
        return True
    with suppress(ResourceError):
        return any(line.endswith(MARK) for line in _crontab(environment))
    return False


def _install_timer(environment: Environment) -> str:
    folder = _unit_folder(environment)
    units = {
        "service": _SERVICE.format(command=" ".join(unit_word(word) for word in _command(environment))),
        "timer": _TIMER.format(minutes=MINUTES),
    }
    try:
        os.makedirs(folder, exist_ok=True)
        for kind, text in units.items():
            with open(os.path.join(folder, f"{UNIT}.{kind}"), "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise OutputError(f"can't write {printable(str(error.filename or folder))}: {error.strerror}") from None
    try:
        _systemctl(environment, "daemon-reload")
        _systemctl(environment, "enable", "--now", f"{UNIT}.timer")
    except ResourceError:
        _remove_timer(environment, folder)
        raise
    return f"the timer {UNIT} runs the queue every {MINUTES} minutes (systemctl --user status {UNIT}.timer)"


def _remove_timer(environment: Environment, folder: str) -> str:
    """Take the units away, whatever systemctl says: a systemd that is not there now finds none later.

    Gives what it said, in parentheses, where that went wrong.
    """
    said = ""
    try:
        _systemctl(environment, "disable", "--now", f"{UNIT}.timer")
    except ResourceError as error:
        said = f" ({error.sentence})"
    for name in (f"{UNIT}.timer", f"{UNIT}.service", f"timers.target.wants/{UNIT}.timer"):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
    with suppress(ResourceError):
        _systemctl(environment, "daemon-reload")
    return said


def unit_word(word: str) -> str:
    """A word of ExecStart (systemd.service(5), “Command lines”)."""
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{quoted}"'


def _install_line(environment: Environment) -> str:
    others = [line for line in _crontab(environment) if not line.endswith(MARK)]
    command = shlex.join(_command(environment)).replace("%", "\\%")  # crontab(5): a bare one ends the line
    _write_crontab(environment, [*others, f"*/{MINUTES} * * * * {command} {MARK}"])
    return f"a line in the crontab runs the queue every {MINUTES} minutes (crontab -l)"


def _command(environment: Environment) -> tuple[str, ...]:
    """Our own command, and the places that are not the usual ones."""
    variables = [
        f"{name}={environment.variables[name]}"
        for name in ("SENDMAIL_CLI_SPOOL", "SENDMAIL_CLI_CONFIG", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
        if environment.variables.get(name)
    ]
    prefix = ("/usr/bin/env", *variables) if variables else ()
    return (*prefix, sys.executable, "-P", "-m", "sendmail_cli", "queue", "run", "--quiet")


def _unit_folder(environment: Environment) -> str:
    config = environment.variables.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(config):
        config = os.path.join(environment.home, ".config")
    return os.path.join(config, "systemd", "user")


def _has_systemd(environment: Environment) -> bool:
    """True where the user's systemd is there and answers."""
    if _path_of("systemctl", environment) is None:
        return False
    return _run(environment, ("systemctl", "--user", "show-environment")).returncode == 0


def _systemctl(environment: Environment, *arguments: str) -> None:
    done = _run(environment, ("systemctl", "--user", *arguments))
    if done.returncode != 0:
        raise ResourceError(f"systemctl --user {' '.join(arguments)}: {_said(done)}")


def _crontab(environment: Environment) -> list[str]:
    """The lines of the user's crontab; none where there is none, or no cron."""
    if _path_of("crontab", environment) is None:
        return []
    done = _run(environment, ("crontab", "-l"))
    if done.returncode != 0 and "no crontab" not in done.stderr.lower():
        raise ResourceError(f"crontab -l: {_said(done)}")
    return done.stdout.splitlines() if done.returncode == 0 else []


def _write_crontab(environment: Environment, lines: list[str]) -> None:
    if _path_of("crontab", environment) is None:
        raise NotOffered(
            "there is neither a systemd of the user nor cron here",
            hint="Have `sendmail-cli queue run` run every few minutes by what there is, "
            "or `sendmail-cli queue run --watch` all the time.",
        )
    done = _run(environment, ("crontab", "-"), "".join(f"{line}\n" for line in lines))
    if done.returncode != 0:
        raise ResourceError(f"crontab: {_said(done)}")


def _path_of(program: str, environment: Environment) -> str | None:
    return shutil.which(program, path=environment.variables.get("PATH", os.defpath))


def _run(
    environment: Environment, command: tuple[str, ...], text: str | None = None
) -> subprocess.CompletedProcess[str]:
    program = _path_of(command[0], environment)
    if program is None:
        raise ResourceError(f"there is no {command[0]} here")
    try:
        return subprocess.run(
            (program, *command[1:]),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            env=environment.child_variables(),
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResourceError(f"{command[0]} can't be run: {printable(str(error))}") from None


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return printable(done.stderr.strip() or f"it ended with {done.returncode}", 300)
