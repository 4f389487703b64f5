"""`sendmail-cli relay`: a server for programs of this machine that only speak SMTP."""

from __future__ import annotations

import os

import click

from sendmail_cli.cli.groups import SectionedCommand, option
from sendmail_cli.cli.options import output_options, talk
from sendmail_cli.cli.params import FILE, PROFILE, TEXT
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.errors import UsageError
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sendmail_cli.environment import Environment
    from sendmail_cli.net.listening import Listening
    from sendmail_cli.relay import SignInRule

_PRIVATE, _FOR_ALL = 0o600, 0o666


class _Mode(click.ParamType[int]):
    name = "mode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not (
            value
            and set(value) <= set("01234567")
            and int(value, 8) <= _FOR_ALL
            and int(value, 8) & _PRIVATE == _PRIVATE
        ):
            self.fail(f"“{value}” are no permissions of a socket: 0600, 0660 or 0666", param, ctx)
        return int(value, 8)


@click.command(
    "relay",
    cls=SectionedCommand,
    short_help="Take mail by SMTP from programs here, and send it.",
    examples=(
        "sendmail-cli relay --unix ~/.mail.sock",
        "sendmail-cli relay --port 2525 --user grafana --password-fd 3 3<secret",
        "sendmail-cli relay --port 2525 --no-auth",
    ),
    exit_codes=(0, 64, 71, 75, 78),
)
@option("--unix", "path", type=FILE, section="Where", help="Listen on this unix socket.")
@option(
    "--mode",
    type=_Mode(),
    default="0600",
    metavar="MODE",
    section="Where",
    help="Its permissions: 0600 (the default), 0660 for a group, 0666 for everybody.",
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    section="Where",
    help="Listen on this port of this machine; 0 is one that is free. Needs --user, or --no-auth.",
)
@option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    section="Where",
    help="127.0.0.1 (the default) or ::1. Other machines are never served.",
)
@option("--user", once=True, type=TEXT, metavar="NAME", section="Who", help="By TCP, let this user send.")
@option(
    "--password-fd",
    type=click.IntRange(0),
    metavar="N",
    section="Who",
    help="The user's password is the first line of this descriptor.",
)
@option("--no-auth", is_flag=True, section="Who", help="By TCP, let every user and program of this machine send.")
@option(
    "--system",
    is_flag=True,
    section="Who",
    help="The clients are all users of this machine: who sends is known by the unix socket, whatever is claimed.",
)
@option("-p", "--profile", once=True, type=PROFILE, section="What", help="Send by this profile.")
@option(
    "--max-size",
    type=click.IntRange(1),
    default=50_000_000,
    show_default=True,
    metavar="BYTES",
    section="What",
    help="Take no larger message.",
)
@output_options
@click.pass_context
def relay(context: click.Context, /, profile: str | None, max_size: int, **values: Any) -> ExitCode:
    """Take mail from programs of this machine that only speak SMTP, and send it by a profile.

    Each message is in the queue before its sender hears of it, and goes out at once; what can't be sent now is tried
    for five days. It runs until Ctrl-C or SIGTERM. A socket that systemd hands over is listened on as well.
    """
    from sendmail_cli.relay import Relay, RelayPlan

    talking = talk(context, values)
    sign_in = _sign_in(values, talking.environment)
    sockets: list[Listening] = []
    try:
        sockets.extend(_sockets(values, talking.environment))
        plan = RelayPlan(ServerFlags(profile=profile), tuple(sockets), sign_in, max_size, is_system=values["system"])
        relaying = Relay(plan, talking.environment, talking.output.warn, talking.on_event)
        for listening in sockets:
            talking.output.answer(f"listening on {listening}")
        relaying.run()
    except KeyboardInterrupt:
        talking.inform("stopped")
    finally:
        for listening in sockets:
            listening.close()
    return ExitCode.OK


def _sockets(values: dict[str, Any], environment: Environment) -> Iterator[Listening]:
    from sendmail_cli.net.listening import inherited, listen_tcp, listen_unix

    handed_over = inherited(environment.variables, os.getpid())
    yield from handed_over
    if not handed_over and values["path"] is None and values["port"] is None:
        raise UsageError(
            "nowhere to listen", hint="Name a unix socket with --unix or a port with --port; or have systemd start it."
        )
    if values["port"] is not None or any(listening.path is None for listening in handed_over):
        _check_who(values)
    if values["path"] is not None:
        yield listen_unix(values["path"], values["mode"])
    if values["port"] is not None:
        yield listen_tcp(values["host"], values["port"])


def _check_who(values: dict[str, Any]) -> None:
    """Raises `UsageError` where everybody could send by TCP and nobody said so."""
    if values["user"] is None and not values["no_auth"]:
        raise UsageError(
            "a port is open to every user of this machine, who could all send as you",
            hint="Give --user and --password-fd, or --no-auth if you are alone here; or --unix in place of --port.",
        )


def _sign_in(values: dict[str, Any], environment: Environment) -> SignInRule | None:
    user, descriptor = values["user"], values["password_fd"]
    if (user is None) is not (descriptor is None):
        raise UsageError("--user and --password-fd belong together")
    if user is None:
        return None
    if values["no_auth"]:
        raise UsageError("--user and --no-auth contradict each other; give one of them")
    from sendmail_cli.config.credential_sources import DescriptorSource
    from sendmail_cli.relay import SignInRule

    return SignInRule(user, DescriptorSource(descriptor, environment).find())
