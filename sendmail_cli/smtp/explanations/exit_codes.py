"""What our exit codes mean, in plain words."""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation
from sendmail_cli.status import ExitCode

_OURS = "sendmail-cli"

EXIT_CODES: dict[int, Explanation] = {
    ExitCode.OK: Explanation(
        "The message was accepted for every recipient, or safely queued if you asked for that.", "", _OURS
    ),
    ExitCode.USAGE: Explanation(
        "The command line was wrong, or it named no recipient.",
        "Look up the options with `sendmail-cli --help`.",
        _OURS,
    ),
    ExitCode.DATAERR: Explanation(
        "The message cannot be sent as it is: an address, a header, a template, a row or its size is wrong.",
        "Correct what the error names, and send again.",
        _OURS,
    ),
    ExitCode.NOINPUT: Explanation(
        "A file that belongs to the message could not be read.",
        "Check the file's name and whether you may read it.",
        _OURS,
    ),
    ExitCode.NOUSER: Explanation(
        "Every recipient was refused for good.",
        "Check the recipients' addresses for typing errors.",
        _OURS,
    ),
    ExitCode.NOHOST: Explanation(
        "The name of the mail server, or of the recipient's domain, does not exist.",
        "Check the name in `-S HOST:PORT` or after the @, and your network connection.",
        _OURS,
    ),
    ExitCode.UNAVAILABLE: Explanation(
        "The server refused for good, or its certificate, encryption or features were not good enough.",
        "Run `sendmail-cli check`, and look in the server's own words for the reason.",
        _OURS,
    ),
    ExitCode.SOFTWARE: Explanation(
        "sendmail-cli made a mistake of its own.",
        "Please report the error together with the command that caused it.",
        _OURS,
    ),
    ExitCode.OSERR: Explanation(
        "The operating system refused something needed, such as memory or another process.",
        "Close what is not needed, and run the command again.",
        _OURS,
    ),
    ExitCode.CANTCREAT: Explanation(
        "A file for output could not be created.",
        "Check the file's name and whether you may write there.",
        _OURS,
    ),
    ExitCode.IOERR: Explanation(
        "Reading or writing failed halfway, for example on a full disk.",
        "Look in the error for the file, make room if needed, and run the command again.",
        _OURS,
    ),
    ExitCode.TEMPFAIL: Explanation(
        "Nobody got the message, and trying again may help.",
        "Run the same command again in a few minutes.",
        _OURS,
    ),
    ExitCode.PROTOCOL: Explanation(
        "The other side does not speak SMTP, or the encryption could not be set up.",
        "Use `--tls implicit` for port 465 or `--tls starttls` for port 587, and run `sendmail-cli check`.",
        _OURS,
    ),
    ExitCode.NOPERM: Explanation(
        "The login was refused, or a rule of the server forbids the message.",
        "Store the right password with `sendmail-cli login PROFILE`, or send as yourself with `--from`.",
        _OURS,
    ),
    ExitCode.CONFIG: Explanation(
        "A setting is wrong, a password is missing, or your own setup sends mail in a circle.",
        "Correct it with `sendmail-cli profile set`, or store a password with `sendmail-cli login PROFILE`.",
        _OURS,
    ),
    ExitCode.PARTIAL: Explanation(
        "Some recipients got the message, and some were refused.",
        "Send again only to those that were refused, or the others get it twice.",
        _OURS,
    ),
    ExitCode.IN_DOUBT: Explanation(
        "The connection broke after the whole message was sent, so it may or may not have arrived.",
        "Ask a recipient before you send again, because the message might arrive twice.",
        _OURS,
    ),
    ExitCode.INTERRUPTED: Explanation(
        "The command was interrupted, usually with Ctrl-C.",
        "Run it again if the message should still be sent.",
        _OURS,
    ),
    ExitCode.TERMINATED: Explanation(
        "Another program, or the system while shutting down, ended the command.",
        "Run it again if the message should still be sent.",
        _OURS,
    ),
}
