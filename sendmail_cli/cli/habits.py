"""Habits of other tools get a sentence, not "no such option"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sendmail_cli.errors import UsageError

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

_PASSWORD = (
    "a password never stands on the command line, where every user of the machine can read it",
    "Put it in the keyring: sendmail-cli login PROFILE. In a container set SENDMAIL_CLI_PASSWORD__PROFILE.",
)
_SERVER = ("the server is one option here", "Use -S HOST[:PORT], smtps://HOST for TLS from the first byte.")
_TLS = ("TLS is on unless you turn it off", "Choose how with --tls implicit|starttls|opportunistic|none.")
_USER = (
    "the user goes with the server",
    "Use -S user@host[:port], or set it in a profile: sendmail-cli profile set NAME --user USER.",
)
_ACCOUNT = ("what other tools call an account is a profile here", "Use -p NAME.")
_ATTACHMENT = ("attachments are -a FILE", "Use -a FILE, or --attach-as NAME FILE to give it another name.")

# The options of msmtp, swaks, sendEmail, curl, mailx and others, each with what it is here.
_HABITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("--password", "--pass", "--auth-password", "-ap", "-xp", "-w", "--passwordeval"), _PASSWORD),
    **dict.fromkeys(("--host", "--port", "--smtp", "--smtp-server", "--relay", "--url"), _SERVER),
    **dict.fromkeys(("--ssl", "--starttls", "--tls-on-connect", "--ssl-reqd", "--no-tls", "-tls", "-tlsc"), _TLS),
    **dict.fromkeys(("-u", "--user", "--username", "--auth-user", "-au", "-xu", "--auth"), _USER),
    **dict.fromkeys(("--account", "-A"), _ACCOUNT),
    **dict.fromkeys(("--attachment", "--file"), _ATTACHMENT),
    "--message": ("the body is -m TEXT", "Use -m TEXT, --body-file FILE, or write it to standard input."),
    "--sender": ("the sender is --from", "Use --from; --envelope-from sets the envelope alone."),
    "-i": ("a lone dot never ends the input here", "Leave -i out."),
    "--read-recipients": (
        "recipients are read from a ready message with --raw",
        "Use --raw - without recipients: its To, Cc and Bcc are taken.",
    ),
}


def explain_usage_error(error: click.UsageError, environment: Environment) -> UsageError:
    """click's complaint as ours, with what to type instead where that is known."""
    if isinstance(error, click.NoSuchOption):
        known = _HABITS.get(error.option_name)
        if known is not None:
            return UsageError(f"{error.option_name}: {known[0]}", hint=known[1])
    if isinstance(error, click.BadOptionUsage) and error.option_name in {"-t", "--to"}:
        return UsageError(
            "-t needs an address: it is --to here",
            hint="To send a ready message to the recipients in its header: sendmail-cli send --raw - < mail",
        )
    return UsageError(error.format_message().rstrip("."), hint=_usage_of(error))


def _usage_of(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return f"Try {error.ctx.command_path} --help."
