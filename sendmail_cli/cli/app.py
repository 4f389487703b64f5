"""The root group: the table of commands, and the one place where an error becomes output and an exit code."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sendmail_cli import __version__
from sendmail_cli.cli.groups import LazyCommand, LazyGroup
from sendmail_cli.cli.habits import explain_usage_error
from sendmail_cli.cli.output import Output
from sendmail_cli.environment import Environment
from sendmail_cli.errors import InputOutputError, InternalError, MailError, ResourceError, Terminated, UsageError
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    LazyCommand("send", "Compose and send one message.", "sendmail_cli.cli.send:send"),
    LazyCommand("profile", "Add, list, show, set and remove profiles.", "sendmail_cli.cli.profile:profile"),
    LazyCommand(
        "login", "Put a profile's password in the keyring, after the server took it.", "sendmail_cli.cli.login:login"
    ),
    LazyCommand("logout", "Take a profile's password out of the keyring.", "sendmail_cli.cli.login:logout"),
    LazyCommand("check", "Connect, sign in and say what the server offers.", "sendmail_cli.cli.check:check"),
    LazyCommand("explain", "Say what a reply or an exit code means.", "sendmail_cli.cli.explain:explain"),
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
        environment = extra.get("obj") or Environment()
        failures = _Failures(Output(environment, is_json=_is_given("--json", arguments)), environment)
        signal.signal(signal.SIGTERM, _terminate)
        try:
            result = super().main(
                arguments,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            code = ExitCode.OK if result is None else ExitCode(result)
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            if _is_given("--debug", arguments):
                _show_traceback(environment)
            code = failures.code_of(error)
        sys.exit(int(code))


class _Failures:
    """Turns an exception into words and an exit code."""

    def __init__(self, output: Output, environment: Environment) -> None:
        self.output = output
        self.environment = environment

    def code_of(self, error: BaseException) -> ExitCode:
        """Say what happened; give its code."""
        if isinstance(error, click.Abort):
            error = error.__cause__ or error.__context__ or KeyboardInterrupt()
        if isinstance(error, Terminated):
            return self._stopped("terminated", ExitCode.TERMINATED)
        if isinstance(error, KeyboardInterrupt | EOFError):
            return self._stopped("interrupted", ExitCode.INTERRUPTED)
        return self.output.error(_as_mail_error(error, self.environment))

    def _stopped(self, how: str, code: ExitCode) -> ExitCode:
        self.output.say(f"sendmail-cli: {how}; nothing was sent")
        return code


def _as_mail_error(error: BaseException, environment: Environment) -> MailError:
    """Any exception as one of ours."""
    if isinstance(error, MailError):
        return error
    if isinstance(error, click.UsageError):
        return explain_usage_error(error, environment)
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message())
    if isinstance(error, MemoryError):
        return ResourceError("there is not enough memory")
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        return InputOutputError(f"{what}{error.strerror or error}")
    return InternalError(
        f"this is a fault of sendmail-cli itself: {type(error).__name__}",
        hint="Run it again with --debug to see where, and please report it.",
    )


def _is_given(flag: str, arguments: list[str]) -> bool:
    """Whether `flag` is among the options; usable before they could be parsed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return flag in arguments[:end]


def _show_traceback(environment: Environment) -> None:
    import traceback

    environment.stderr.write(traceback.format_exc())


def _terminate(signum: int, frame: object) -> None:
    raise Terminated


app = App(
    "sendmail-cli",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=INTRODUCTION,
    examples=(
        'echo "disk full" | sendmail-cli send -s "$(hostname)" root@example.org',
        "sendmail-cli send --to ada@example.org --subject Report --attach report.pdf < body.txt",
        "sendmail-cli profile add work --from you@example.org --server smtp.example.org --user you@example.org",
        "sendmail-cli login work",
        "sendmail-cli explain 550",
    ),
    exit_codes=(0, *range(64, 72), *range(73, 79), 80, 81, 130, 143),
)
click.version_option(__version__, prog_name="sendmail-cli", message="%(prog)s %(version)s")(app)
