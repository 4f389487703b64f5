"""`login --status`: for each profile where its password comes from, here and under cron. It is really asked for."""

from __future__ import annotations

import json
import subprocess
import sys

from sendmail_cli.config.credential_status import Standing, standing_of
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.environment import Environment

CRON_PATH = "/usr/bin:/bin"  # crontab(5), where a crontab has no PATH of its own
CRON_TIMEOUT = 120.0  # seconds, for all profiles together
UNNAMED = ""  # the profile that variables make


def show_status(name: str | None, talking: Talk, *, with_cron: bool) -> ExitCode:
    """Print how it stands with the profile `name`, or with each. The code is that of the first which doesn't work."""
    profiles = load_profiles(talking.environment)
    names = (name,) if name is not None else profiles.names or (None,)
    if names == (None,) and not _is_made_of_variables(talking.environment):
        raise ConfigError(profiles.nothing())
    # Cron's first: asking takes a variable out of the environment, and it is not to seem that cron never had it.
    under_cron = _under_cron(name, talking.environment) if with_cron else {}
    rows: list[tuple[str, dict[str, Standing]]] = []
    for each in names:
        standings = {"here": standing_of(each, profiles, talking.environment)}
        if with_cron:
            standings["cron"] = _found(each or UNNAMED, under_cron)
        rows.append((each or UNNAMED, standings))
    codes = [standing.exit_code for _, standings in rows for standing in standings.values()]
    exit_code = next((code for code in codes if code is not ExitCode.OK), ExitCode.OK)
    if talking.output.is_json:
        profiles_shown = [{"name": each, **_fields(standings)} for each, standings in rows]
        talking.output.answer_json({"exit_code": int(exit_code), "profiles": profiles_shown})
        return exit_code
    width = max(len(name) for name, _ in rows)  # 0 where it is the one without a name
    for each, standings in rows:
        for place, standing in standings.items():
            start = f"{each if place == 'here' else '':{width}}  {place}  "
            talking.output.answer_row("", "soft", start + _text(standing), len(start))
    return exit_code


def _text(standing: Standing) -> str:
    if standing.is_working and standing.source is not None:
        return standing.source
    return f"FAILS: {standing.reason} (exit code {int(standing.exit_code)})"


def _fields(standings: dict[str, Standing]) -> dict[str, Any]:
    return {
        place: {"source": each.source, "reason": each.reason or None, "exit_code": int(each.exit_code)}
        for place, each in standings.items()
    }


def _is_made_of_variables(environment: Environment) -> bool:
    from sendmail_cli.config.variable_settings import names_server

    return names_server(environment)


def _under_cron(name: str | None, environment: Environment) -> dict[str, Standing]:
    """What this program says of itself when it is run as cron would run it; by UNNAMED what it says of none."""
    argv = [sys.executable, "-P", "-m", "sendmail_cli", "login", "--status", "--here", "--json", "--no-input"]
    variables = {"HOME": environment.home, "PATH": CRON_PATH, "SHELL": "/bin/sh", "LOGNAME": environment.user_name}
    try:
        done = subprocess.run(
            [*argv, *([] if name is None else [name])],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CRON_TIMEOUT,
            start_new_session=True,  # no terminal there either
            check=False,
        )
        answer = json.loads(done.stdout)
        if "profiles" not in answer:
            return {UNNAMED: Standing(None, answer["error"]["message"], ExitCode(answer["exit_code"]))}
        return {each["name"]: _standing(each["here"]) for each in answer["profiles"]}
    except subprocess.TimeoutExpired:
        reason = f"it took longer than {CRON_TIMEOUT:g} seconds"
        return {UNNAMED: Standing(None, reason, ExitCode.TEMPFAIL)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {UNNAMED: Standing(None, f"it can't be tried: {printable(str(error), 200)}", ExitCode.OSERR)}


def _standing(fields: dict[str, Any]) -> Standing:
    return Standing(fields["source"], fields["reason"] or "", ExitCode(fields["exit_code"]))


def _found(name: str, under_cron: dict[str, Standing]) -> Standing:
    found = under_cron.get(name) or under_cron.get(UNNAMED)
    return found or Standing(None, f"there is no profile “{printable(name, 80)}”", ExitCode.CONFIG)
