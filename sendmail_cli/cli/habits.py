"""Habits of other tools get a sentence, not "no such option"."""

from __future__ import annotations

import click

from sendmail_cli.errors import UsageError
from sendmail_cli.printable import printable

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
_TEXT = ("the text is -m TEXT", "Use -m TEXT, --body-file FILE, or write it to standard input.")
_SENDER = ("the sender is --from, with a name if you like", "Use --from; --envelope-from sets the envelope alone.")
_ATTACHMENT = ("attachments are -a FILE", "Use -a FILE, or --attach-as NAME FILE to give it another name.")

_READY = (
    "recipients are read from a ready message with --raw",
    "Use --raw - without recipients: its To, Cc and Bcc are taken.",
)

# The options of msmtp, swaks, sendEmail, curl, mailx and others, each with what it is here.
_HABITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("--password", "--pass", "--auth-password", "--passwordeval", "--smtp-pass", "-w", "-x"), _PASSWORD
    ),
    **dict.fromkeys(("--host", "--port", "--smtp", "--smtp-server", "--relay", "--url", "-P"), _SERVER),
    **dict.fromkeys(
        ("--ssl", "--starttls", "--tls-on-connect", "--ssl-reqd", "--no-tls", "--use-tls", "--smtp-encryption"), _TLS
    ),
    **dict.fromkeys(("-u", "--user", "--username", "--auth-user", "--auth", "--login", "--smtp-user"), _USER),
    **dict.fromkeys(("--account", "-A"), _ACCOUNT),
    **dict.fromkeys(("--attachment", "--file"), _ATTACHMENT),
    **dict.fromkeys(("--message", "--text", "--data"), _TEXT),
    **dict.fromkeys(("-r", "-F"), _SENDER),
    **dict.fromkeys(("--recipient", "--recipients", "--mail-rcpt"), ("recipients are arguments, or --to", "Use --to.")),
    **dict.fromkeys(
        ("-k", "--no-check-certificate"), ("the certificate check is skipped with --insecure", "Use it once.")
    ),
    **dict.fromkeys(("--silent", "-Q"), ("that is --quiet here", "Use -q.")),
    **dict.fromkeys(("-d", "--verbosity"), ("the dialogue is shown with --verbose", "Use -v.")),
    "-V": ("the version is said by the program itself", "sendmail-cli --version"),
    "-C": ("another profiles.toml is named by a variable", "Set SENDMAIL_CLI_CONFIG to its path."),
    "-T": ("a file is the text with --body-file, and a ready message with --raw", "Use one of them."),
    "-i": ("a lone dot never ends the input here", "Leave -i out."),
    "-o": ("the options -o of other tools have no place here", "Leave -oi out; TLS is --tls."),
    "-E": ("a message without text is left unsent with --skip-empty", "Use --skip-empty."),
    "--read-recipients": _READY,
    "--read-envelope-from": _READY,
}


def explain_usage_error(error: click.ClickException) -> UsageError:
    """click's complaint as ours, with what to type instead where that is known."""
    if isinstance(error, click.NoSuchOption):
        return _no_such_option(error)
    if isinstance(error, click.NoSuchCommand) and "@" in error.command_name:
        return UsageError(
            f"“{printable(error.command_name, 80)}” is no command",
            hint=f"To send it a message: sendmail-cli send {printable(error.command_name, 80)}",
        )
    if isinstance(error, click.BadOptionUsage) and error.option_name in {"-t", "--to"}:
        return no_recipient_after_to()
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=_usage_of(error))


def no_recipient_after_to() -> UsageError:
    """For `-t < mail` and `-t -i`: sendmail's -t, which takes no address."""
    return UsageError(
        "-t needs an address: it is --to here",
        hint="To send a ready message to the recipients in its header: sendmail-cli send --raw - < mail",
    )


def _no_such_option(error: click.NoSuchOption) -> UsageError:
    name = printable(error.option_name, 80)
    known = _HABITS.get(error.option_name)
    if known is not None:
        return UsageError(f"{name}: {known[0]}", hint=known[1])
    if error.ctx is not None and error.ctx.parent is None:
        return UsageError(
            f"{name}: options stand after the command here", hint=f"To send a message: sendmail-cli send {name} …"
        )
    meant = f"; did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
    return UsageError(f"there is no option {name}{meant}", hint=_usage_of(error))


def _usage_of(error: click.ClickException) -> str:
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    return f"Try {error.ctx.command_path} --help."
