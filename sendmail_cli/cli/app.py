"""The root group: the table of commands, and the one place where an error becomes output and an exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import click
from click.exceptions import NoArgsIsHelpError

from sendmail_cli import __version__
from sendmail_cli.cli import interrupts
from sendmail_cli.cli.endings import tell_ending
from sendmail_cli.cli.groups import LazyCommand, LazyGroup
from sendmail_cli.cli.habits import explain_usage_error
from sendmail_cli.cli.output import Output
from sendmail_cli.environment import Environment
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, NoReturn

COMMANDS = (
    LazyCommand("send", "Compose and send one message.", "sendmail_cli.cli.send:send"),
    LazyCommand(
        "setup", "Find the server of an address, sign in, and make a profile of it.", "sendmail_cli.cli.setup:setup"
    ),
    LazyCommand("profile", "Add, list, show, set and remove profiles.", "sendmail_cli.cli.profile:profile"),
    LazyCommand(
        "login", "Sign in once: put a profile's password or token in the keyring.", "sendmail_cli.cli.login:login"
    ),
    LazyCommand("logout", "Take a profile's password or tokens out of the keyring.", "sendmail_cli.cli.login:logout"),
    LazyCommand("token", "Print a fresh access token, for another program.", "sendmail_cli.cli.token:token"),
    LazyCommand("alias", "Show the address book, or whom a name means.", "sendmail_cli.cli.alias:alias"),
    LazyCommand("check", "Try each step on the way to a server.", "sendmail_cli.cli.check:check"),
    LazyCommand("sendmail", "Be sendmail(1) for other programs.", "sendmail_cli.cli.stand_ins:sendmail"),
    LazyCommand("mailx", "Be mail(1) for other programs.", "sendmail_cli.cli.stand_ins:mailx"),
    LazyCommand(
        "install-sendmail",
        "Be found as sendmail, and mail, by other programs.",
        "sendmail_cli.cli.install_sendmail:install_sendmail",
    ),
    LazyCommand("run", "Run a program and mail how it went.", "sendmail_cli.cli.run:run"),
    LazyCommand("explain", "Say what a reply or an exit code means.", "sendmail_cli.cli.explain:explain"),
    LazyCommand("queue", "See, run and change what waits to be sent.", "sendmail_cli.cli.queue:queue"),
    LazyCommand("log", "See what was sent, and what became of it.", "sendmail_cli.cli.log:log"),
    LazyCommand("relay", "Take mail by SMTP from programs here, and send it.", "sendmail_cli.cli.relay:relay"),
    LazyCommand("sandbox", "Run a local SMTP server that keeps what it gets.", "sendmail_cli.cli.sandbox:sandbox"),
)


INTRODUCTION = """Send mail from the command line.

It needs no set-up to be tried: sendmail-cli send -p sandbox -m hello you@example.org
"""


class App(LazyGroup):
    """The program. `main` ends with the exit codes of our table, not with click's."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> NoReturn:
        """Run the command that `args` name, say what went wrong if anything did, and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        environment = extra.setdefault("obj", None) or Environment()
        extra["obj"] = environment
        output = Output(environment, is_json=_is_given("--json", arguments))
        extra |= {"prog_name": prog_name, "complete_var": complete_var, "windows_expand_args": windows_expand_args}
        try:
            code = self._run(arguments, output, **extra)
        except KeyboardInterrupt as error:  # one more, before the first could be told
            code = _code_of(error, output, is_debugging=False)
        sys.exit(int(code))

    def _run(self, arguments: list[str], output: Output, **extra: Any) -> int:
        """What the command exits with, or what is said of the error that ended it."""
        is_debugging = _is_given("--debug", arguments)
        try:
            interrupts.listen()
            result = super().main(arguments, standalone_mode=False, **extra)
            return ExitCode.OK if result is None else int(result)
        except _Carried as carried:
            return _code_of(carried.error, output, is_debugging=is_debugging)
        except (Exception, KeyboardInterrupt) as error:
            return _code_of(error, output, is_debugging=is_debugging)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click's; `--help` and `--version` write here."""
        with _past_click():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As click's."""
        with _past_click():
            return super().invoke(ctx)


class _Carried(Exception):
    """On its way through click's `main`, which would make a silent exit 1 of EPIPE and "Aborted!" of EOFError."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


@contextmanager
def _past_click() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, KeyboardInterrupt) as error:
        raise _Carried(error) from None


def _code_of(error: BaseException, output: Output, *, is_debugging: bool) -> ExitCode:
    """Say what happened; give its code."""
    interrupts.settle()  # a signal must not break into the telling: --json would print two objects
    if isinstance(error, click.Abort):  # from a prompt, which Ctrl-C, SIGTERM or Ctrl-D ended
        cause = error.__cause__ or error.__context__
        error = cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt()
    if isinstance(error, OSError) and _is_of_help(error):
        unwritten = output.unwritten(error)
        return ExitCode.OK if unwritten is None else output.error(unwritten)
    if isinstance(error, NoArgsIsHelpError):
        output.lines(error.format_message())
        return ExitCode.USAGE
    if isinstance(error, click.ClickException):
        error = explain_usage_error(error)
    return tell_ending(error, output, is_debugging=is_debugging)


def _is_of_help(error: OSError) -> bool:
    """True when it comes of what click writes to standard output itself: help and version."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == click.echo.__module__


def _is_given(flag: str, arguments: list[str]) -> bool:
    """Whether `flag` is among the options; usable before they could be parsed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return flag in arguments[:end]


app = App(
    "sendmail-cli",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=INTRODUCTION,
    examples=(
        'echo "disk full" | sendmail-cli send -s "$(hostname)" root@example.org',
        "sendmail-cli send --to ada@example.org -s Report -a report.pdf < body.txt",
        "sendmail-cli setup you@example.org",
        "sendmail-cli explain 550",
    ),
    exit_codes=(0, *range(64, 72), *range(73, 79), 80, 81, 130, 143),
)
click.version_option(__version__, prog_name="sendmail-cli", message="%(prog)s %(version)s")(app)
