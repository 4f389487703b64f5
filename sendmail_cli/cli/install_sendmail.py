"""`sendmail-cli install-sendmail`: the names by which other programs find us, the machine's service, and back."""

from __future__ import annotations

from typing import Any

import click

from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, password_fd_option, talk
from sendmail_cli.cli.params import PROFILE
from sendmail_cli.errors import UsageError
from sendmail_cli.installing import mail_service, names
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.environment import Environment
    from sendmail_cli.installing.step import Step


@click.command(
    "install-sendmail",
    cls=SectionedCommand,
    short_help="Be found as sendmail, and mail, by other programs.",
    examples=(
        "sendmail-cli install-sendmail --dry-run",
        "sudo sendmail-cli install-sendmail --mail --force",
        "sudo sendmail-cli install-sendmail --system --password-fd 3 3<FILE",
        "sendmail-cli install-sendmail --dir ~/bin",
        "sudo sendmail-cli install-sendmail --uninstall",
    ),
    exit_codes=(0, 64, 69, 73, 78),
)
@option(
    "--dir",
    "folder",
    once=True,
    type=click.Path(file_okay=False),
    section="Where",
    help="Put the names into this folder. Default: ~/.local/bin; for root /usr/sbin (sendmail) and /usr/bin (others).",
)
@option("--mail", is_flag=True, section="What", help="The names mail and mailx too.")
@option(
    "--system",
    is_flag=True,
    section="What",
    help="A service of systemd too, which sends the mail of all users of this machine who have no profile: they need "
    "no password.",
)
@option(
    "-p",
    "--profile",
    once=True,
    type=PROFILE,
    section="What",
    help="The service sends by this profile of /etc/sendmail-cli/profiles.toml. Default: system.",
)
@password_fd_option("What")
@option("--force", is_flag=True, section="What", help="Move aside what has such a name and is not ours.")
@option(
    "--uninstall",
    is_flag=True,
    section="What",
    help="Take our names away, and with --system the service; what was moved aside comes back, and mail stays.",
)
@option("-n", "--dry-run", is_flag=True, section="How", help="Only say what would be done.")
@output_options
@click.pass_context
def install_sendmail(context: click.Context, /, **values: Any) -> ExitCode:
    """Make links named sendmail, mailq and newaliases to this program, so that cron, PHP, git and others send by it.

    It is all or nothing: where one of the names is taken, none is made. With --force what is there is moved aside, and
    of a Debian package diverted, so that its upgrades stay aside too. Of a name for which the machine has alternatives
    this program becomes one.
    """
    talking = talk(context, values)
    _check(values)
    environment = talking.environment
    folder = values["folder"]
    paths = names.usual_paths(environment) if folder is None else names.paths_in(folder)
    if values["uninstall"]:
        _uninstall(list(paths.values()), talking, values)
        return ExitCode.OK
    wanted = _service(values, environment)
    chosen = names.SENDMAIL_NAMES + (names.MAIL_NAMES if values["mail"] else ())
    met = names.move_aside if values["force"] else names.refuse
    service = [] if wanted is None else mail_service.steps_to_install(wanted, environment)
    named = names.steps_to_install([paths[name] for name in chosen], environment, met)
    _do([*service, *named], talking, values)
    for remark in () if wanted is None else mail_service.remarks(wanted, environment):
        talking.output.warn(remark)
    if environment.is_root and (hidden := names.hidden_part(environment.program)):
        talking.output.warn(f"other users can't run it: they may not enter {hidden}")
    return ExitCode.OK


def _check(values: dict[str, Any]) -> None:
    """Raises `UsageError` for options that have nothing to do with one another."""
    if values["uninstall"] and (values["mail"] or values["force"]):
        raise UsageError("--uninstall takes away all names that are ours, and needs neither --mail nor --force")
    is_about_service = values["profile"] is not None or values["password_fd"] is not None
    if is_about_service and (values["uninstall"] or not values["system"]):
        raise UsageError("--profile and --password-fd are for the service that --system installs")


def _service(values: dict[str, Any], environment: Environment) -> mail_service.Wanted | None:
    if not values["system"]:
        return None
    from sendmail_cli.config.credential_sources import DescriptorSource

    descriptor = values["password_fd"]
    secret = None if descriptor is None else DescriptorSource(descriptor, environment).find()
    return mail_service.Wanted(values["profile"] or mail_service.PROFILE, secret)


def _uninstall(paths: list[str], talking: Talk, values: dict[str, Any]) -> None:
    if not values["system"]:
        _do(list(names.steps_to_uninstall(paths)), talking, values)
        return
    service = mail_service.steps_to_uninstall(talking.environment)
    _do([*names.steps_to_uninstall(paths), *service], talking, values)
    if (left := mail_service.left_behind(talking.environment)) is not None:
        talking.output.warn(left)


def _do(steps: list[Step], talking: Talk, values: dict[str, Any]) -> None:
    if not steps:
        talking.inform("nothing to do")
    elif values["dry_run"]:
        talking.inform("nothing was changed; without --dry-run:")
    for step in steps:
        if not values["dry_run"]:
            step.act()
        talking.inform(step.words)
