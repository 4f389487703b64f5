"""The machine's own mail service, `sendmail-cli relay --system` as systemd starts it: what makes it, and takes it away.

Nothing is remembered anywhere: units with our first line are ours, a user whose home is our spool, and a secret in our
own folder in /etc. What somebody has laid down elsewhere stays his.
"""

from __future__ import annotations

import os
import sys

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import CONFIG_VARIABLE, Environment
from sendmail_cli.errors import ConfigError, MailError, NotOffered, OutputError
from sendmail_cli.installing import programs, service_secret, service_units, service_user
from sendmail_cli.installing.names import hidden_part
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.installing.step import Step
    from sendmail_cli.secret import Secret

PROFILE = "system"  # by which it sends, unless another is named

_UNSEEN = ("/home/", "/root/", "/run/user/")  # ProtectHome=yes
_BY_HAND = "What it would run is: sendmail-cli relay --system -p PROFILE --unix /run/sendmail-cli/submit --mode 0666"


class Wanted(NamedTuple):
    """What the service is to be."""

    profile: str
    secret: Secret | None = None  # of the profile, kept for the service alone; None: what there is stays


def steps_to_install(wanted: Wanted, environment: Environment) -> list[Step]:
    """What makes the service that is wanted; nothing where it is there.

    Raises `OutputError` for who is not root and for what is in the way, `NotOffered` where there is no systemd, and
    `ConfigError` where the service could not run: no such profile, or a program that it can't reach.
    """
    _check_root(environment)
    if not programs.has("systemctl"):
        raise NotOffered("there is no systemd here (systemctl), which starts the service", hint=_BY_HAND)
    _check_program(environment.program)
    _settings(wanted.profile, environment)
    kept = service_secret.steps_to_keep(wanted.profile, wanted.secret, environment)
    credential = service_secret.credential_of(wanted.profile, environment, is_given=bool(kept))
    texts = service_units.texts(environment.program, wanted.profile, credential)
    made = [*service_user.steps_to_make(environment), *kept, *service_units.steps_to_write(texts)]
    return [*made, *service_units.steps_to_start(is_changed=bool(made))]


def steps_to_uninstall(environment: Environment) -> Iterator[Step]:
    """What takes away what `steps_to_install` has made, but for mail. Raises `OutputError` for who is not root."""
    _check_root(environment)
    yield from service_units.steps_to_take_away(environment.service_socket)
    yield from service_secret.steps_to_forget(environment)
    yield from service_user.steps_to_take_away(environment)


def remarks(wanted: Wanted, environment: Environment) -> Iterator[str]:
    """What is still to be done by somebody else, once the steps are done."""
    name = wanted.profile
    if wanted.secret is None and service_secret.is_missing(_settings(name, environment), environment):
        yield (
            f"the service has no password for “{name}” yet: sendmail-cli install-sendmail --system -p {name} "
            f"--password-fd 3 3<FILE, or lay it down as {service_secret.places(name)[0]}"
        )
    if not service_units.is_systemd_running():
        yield (
            "systemd does not run here, so the service starts with the machine; where it does: "
            f"systemctl daemon-reload && systemctl start {' '.join(service_units.UNITS)}"
        )


def left_behind(environment: Environment) -> str | None:
    """What stays although the service is taken away; None where nothing does."""
    return service_user.left_behind(environment)


def _check_root(environment: Environment) -> None:
    if not environment.is_root:
        raise OutputError("--system is for the whole machine, and you are not root", hint="Run it with sudo.")


def _check_program(program: str) -> None:
    """Raises `ConfigError` where the service's user, who sees no home, would not get to the program or its Python."""
    for path in (program, sys.executable, os.path.realpath(sys.executable), __file__):
        hidden = hidden_part(path)
        if hidden is None and path.startswith(_UNSEEN):
            hidden = os.path.dirname(path)
        if hidden is not None:
            raise ConfigError(
                f"the service can't run {printable(path)}: it may not enter {printable(hidden)}",
                hint="Install it for everybody, as `pipx install --global sendmail-cli` does, and run it from there.",
            )


def _settings(name: str, environment: Environment) -> Settings:
    """What the service will find in the machine's file, which has to be readable by it. Raises `ConfigError`."""
    path = f"{environment.system_config_folder}/profiles.toml"
    there = Environment({CONFIG_VARIABLE: path, "HOME": "/"})
    adding = f"SENDMAIL_CLI_CONFIG={path} sendmail-cli profile add {name} --from … --server … --user …"
    if not os.path.exists(path):
        raise ConfigError(f"{printable(path)} is not there, and the profile “{name}” was to be in it", hint=adding)
    profiles = load_profiles(there)
    if name not in profiles.names:
        raise ConfigError(f"there is no profile “{printable(name, 80)}” in {printable(path)}", hint=adding)
    opening = [] if (folder := hidden_part(path)) is None else [f"chmod o+x {printable(folder)}"]
    if not os.stat(path).st_mode & 0o004:
        opening.append(f"chmod o+r {printable(path)}")
    if opening:
        raise ConfigError(
            f"the service can't read {printable(path)}", hint=f"There is no secret in it: {' && '.join(opening)}"
        )
    try:
        return resolve_settings(ServerFlags(profile=name), profiles, there)
    except MailError as error:
        raise ConfigError(f"the profile “{name}” can't be used: {error.sentence}", hint=error.hint) from None
