"""`sendmail-cli install-sendmail`: the names by which other programs find us, and back."""

from __future__ import annotations

import click

from sendmail_cli import stand_in
from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, talk
from sendmail_cli.errors import UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.stand_in import Step


@click.command(
    "install-sendmail",
    cls=SectionedCommand,
    short_help="Be found as sendmail, and mail, by other programs.",
    examples=(
        "sendmail-cli install-sendmail --dry-run",
        "sudo sendmail-cli install-sendmail --mail --force",
        "sendmail-cli install-sendmail --dir ~/bin",
        "sudo sendmail-cli install-sendmail --uninstall",
    ),
    exit_codes=(0, 64, 73, 78),
)
@option(
    "--dir",
    "folder",
    once=True,
    type=click.Path(file_okay=False),
    section="Where",
    help="Put them into this folder. Default: ~/.local/bin; for root /usr/sbin (sendmail) and /usr/bin (the others).",
)
@option("--mail", is_flag=True, section="What", help="The names mail and mailx too.")
@option("--force", is_flag=True, section="What", help="Move aside what has such a name and is not ours.")
@option("--uninstall", is_flag=True, section="What", help="Take our names away; what was moved aside comes back.")
@option("-n", "--dry-run", is_flag=True, section="How", help="Only say what would be done.")
@output_options
@click.pass_context
def install_sendmail(context: click.Context, /, **values: Any) -> ExitCode:
    """Make links named sendmail, mailq and newaliases to this program, so that cron, PHP, git and others send by it.

    It is all or nothing: where one of the names is taken, none is made. With --force what is there is moved aside, and
    of a Debian package diverted, so that its upgrades stay aside too.
    """
    talking = talk(context, values)
    if values["uninstall"] and (values["mail"] or values["force"]):
        raise UsageError("--uninstall takes away all names that are ours, and needs neither --mail nor --force")
    environment = talking.environment
    folder = values["folder"]
    paths = stand_in.usual_paths(environment) if folder is None else stand_in.paths_in(folder)
    if values["uninstall"]:
        _do(list(stand_in.steps_to_uninstall(list(paths.values()))), talking, values)
        return ExitCode.OK
    names = stand_in.SENDMAIL_NAMES + (stand_in.MAIL_NAMES if values["mail"] else ())
    met = stand_in.move_aside if values["force"] else stand_in.refuse
    _do(stand_in.steps_to_install([paths[name] for name in names], environment, met), talking, values)
    if environment.is_root and (hidden := stand_in.hidden_part(environment.program)):
        talking.output.warn(f"other users can't run it: they may not enter {hidden}")
    return ExitCode.OK


def _do(steps: list[Step], talking: Talk, values: dict[str, Any]) -> None:
    if not steps:
        talking.inform("nothing to do")
    elif values["dry_run"]:
        talking.inform("nothing was changed; without --dry-run:")
    for step in steps:
        if not values["dry_run"]:
            step.act()
        talking.inform(step.words)
