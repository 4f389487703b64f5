"""What SMTP reply codes and our exit codes mean, in plain words: the data behind `explanations`.

A meaning says what happened, its advice what to do next. Each is one sentence of at most 160 characters and names
only commands and options that exist. The advice is empty only where nothing needs to be done.
"""

from __future__ import annotations

from typing import NamedTuple

from sendmail_cli.status import ExitCode


class Explanation(NamedTuple):
    """What a code means, what to do about it, and who says so."""

    meaning: str
    advice: str
    source: str


class KnownReply(NamedTuple):
    """An explanation and the refusals it fits; an empty sign fits any."""

    explanation: Explanation
    codes: tuple[int, ...] = ()
    enhanced: tuple[tuple[int, int, int], ...] = ()
    words: tuple[str, ...] = ()  # in lower case; the reply has one of them

    def fits(self, code: int | None, enhanced: tuple[int, int, int] | None, said: str) -> bool:
        """Whether a refusal is meant; `said` is its text in lower case with single spaces."""
        return (
            (not self.codes or code in self.codes)
            and (not self.enhanced or enhanced in self.enhanced)
            and (not self.words or any(word in said for word in self.words))
        )


_SMTP = "RFC 5321 §4.2.3"
_AUTH = "RFC 4954 §6"
_NULL_MX = "RFC 7504"
_USAGE = "common usage"  # seen in the wild, standardised nowhere
_OURS = "sendmail-cli"

REPLY_CODES: dict[int, Explanation] = {
    101: Explanation(
        "SMTP has no such code; some mail programs show it when they cannot reach the server.",
        "Check the server's name and port with `sendmail-cli check`.",
        _USAGE,
    ),
    211: Explanation("The server reports its status.", "", _SMTP),
    214: Explanation("The server sent its help text.", "", _SMTP),
    220: Explanation("The server is ready; after STARTTLS it means that encryption can begin.", "", _SMTP),
    221: Explanation("The server says goodbye and closes the connection.", "", _SMTP),
    235: Explanation("The login succeeded.", "", _AUTH),
    250: Explanation(
        "The server did what was asked; after the message itself it means that it was taken.",
        "",
        _SMTP,
    ),
    251: Explanation("The mailbox is elsewhere, and the server will forward the message.", "", _SMTP),
    252: Explanation(
        "The server does not tell whether the address exists, but takes mail for it.",
        "Send the message: only a delivery shows whether the address works.",
        _SMTP,
    ),
    334: Explanation("The server asks for the next step of the login.", "", "RFC 4954 §4"),
    354: Explanation("The server waits for the text of the message.", "", _SMTP),
    421: Explanation(
        "The server is closing the connection: it is busy, shutting down or limiting you.",
        "Send again in a few minutes, and less at a time if it happens often.",
        _SMTP,
    ),
    432: Explanation(
        "Your password on the server must be converted before this way to log in works.",
        "Log in once with the PLAIN method, or change the password on the provider's web page.",
        _AUTH,
    ),
    450: Explanation(
        "The mailbox cannot be used right now: it is busy, or a rule makes the message wait.",
        "Send the message again in a few minutes.",
        _SMTP,
    ),
    451: Explanation(
        "The server could not finish the job because of a temporary problem on its side.",
        "Send the message again in a quarter of an hour.",
        _SMTP,
    ),
    452: Explanation(
        "The server is short of space, or the message has too many recipients for one go.",
        "Send again later, or to fewer recipients at once.",
        _SMTP,
    ),
    453: Explanation(
        "The server holds no mail that could be fetched over this connection.",
        "Ask the provider what it means if you were sending, where this code has no place.",
        "RFC 2645",
    ),
    454: Explanation(
        "The server cannot check logins or start encryption at the moment.",
        "Try again in a few minutes: your password is probably right.",
        f"{_AUTH}, RFC 3207 §4",
    ),
    455: Explanation(
        "The server cannot honour an option of the sender or a recipient at the moment.",
        "Send again later, or without special options such as delivery reports.",
        _SMTP,
    ),
    500: Explanation(
        "The server did not understand a command, or the command was too long.",
        "Make sure that this is a mail server for sending, with `sendmail-cli check`.",
        _SMTP,
    ),
    501: Explanation(
        "A part of a command was malformed, usually an address or the name of this computer.",
        "Check every address for typing errors.",
        _SMTP,
    ),
    502: Explanation(
        "The server knows the command but does not offer it.",
        "See what the server offers with `sendmail-cli check`, or choose another with `-S HOST:PORT`.",
        _SMTP,
    ),
    503: Explanation(
        "A command came at the wrong moment, often because the login is missing.",
        "Store the password with `sendmail-cli login PROFILE`, then try `sendmail-cli check`.",
        _SMTP,
    ),
    504: Explanation(
        "The server does not support a detail of a command, such as the way to log in.",
        "See what the server offers with `sendmail-cli check`.",
        _SMTP,
    ),
    510: Explanation(
        "The recipient's address is wrong.",
        "Check the address for typing errors, above all after the @.",
        _USAGE,
    ),
    521: Explanation(
        "This host takes no mail at all.",
        "Check the domain for typing errors, or name the right server with `-S HOST:PORT`.",
        _NULL_MX,
    ),
    523: Explanation(
        "The server wants a better encrypted connection before it lets you log in.",
        "Use `--tls implicit` on port 465 or `--tls starttls` on port 587.",
        "RFC 5248",
    ),
    525: Explanation(
        "The password is right, but the account has been disabled.",
        "Ask your provider or administrator to enable the account again.",
        "RFC 5248",
    ),
    530: Explanation(
        "The server takes mail only after a login, or only over an encrypted connection.",
        "Store a password with `sendmail-cli login PROFILE`, and use `--tls starttls` or `--tls implicit`.",
        _AUTH,
    ),
    534: Explanation(
        "The server does not consider this way to log in safe enough.",
        "If the provider offers app passwords, store one with `sendmail-cli login PROFILE`.",
        _AUTH,
    ),
    535: Explanation(
        "The server did not accept the user name and password.",
        "Check both, or get an app password if the provider has them, and run `sendmail-cli login PROFILE`.",
        _AUTH,
    ),
    538: Explanation(
        "This way to log in is allowed only over an encrypted connection.",
        "Use `--tls implicit` on port 465 or `--tls starttls` on port 587.",
        _AUTH,
    ),
    541: Explanation(
        "The recipient's side refused the message, usually because it looks like spam.",
        "Reword the message, or ask the recipient to allow your address.",
        _USAGE,
    ),
    550: Explanation(
        "The server refused: the mailbox does not exist, is closed to you, or a rule forbids the message.",
        "Check the address for typing errors, then look in the server's own words for the reason.",
        _SMTP,
    ),
    551: Explanation(
        "The recipient's mailbox is elsewhere, and this server does not forward to it.",
        "Send to the new address if the server's answer names one.",
        _SMTP,
    ),
    552: Explanation(
        "The recipient's mailbox is full, or the message is too big for it.",
        "Make the message smaller, or ask the recipient to clear some space.",
        _SMTP,
    ),
    553: Explanation(
        "The server does not allow this address: it is misspelt, or you may not send with it.",
        "Check the recipient's address, and send from the address of your own account with `--from`.",
        _SMTP,
    ),
    554: Explanation(
        "The server refused the message, or in its greeting your whole connection.",
        "Look in the server's own words for the reason, and ask your provider if they do not help.",
        _SMTP,
    ),
    555: Explanation(
        "The server does not know an option that came with the sender or a recipient.",
        "Send without special options; `sendmail-cli check` shows what the server offers.",
        _SMTP,
    ),
    556: Explanation(
        "The recipient's domain takes no mail.",
        "Check the part of the address after the @ for typing errors.",
        _NULL_MX,
    ),
}

# Replies that say little more than "not now" or "no": the subject of an enhanced code says more than they do.
VAGUE_REPLY_CODES = frozenset({450, 451, 550, 554})

REPLY_CLASSES: dict[int, Explanation] = {
    1: Explanation(
        "The answer starts with a 1, which SMTP servers do not send.",
        "Make sure that host and port belong to a mail server, with `sendmail-cli check`.",
        "RFC 5321 §4.2.1",
    ),
    2: Explanation("The server did what was asked.", "", "RFC 5321 §4.2.1"),
    3: Explanation("The server waits for more before it can go on.", "", "RFC 5321 §4.2.1"),
    4: Explanation(
        "The server could not do it now, but may do it later.",
        "Send the same message again in a while, and ask the provider if it keeps failing.",
        "RFC 5321 §4.2.1",
    ),
    5: Explanation(
        "The server refused for good: the same message would be refused again.",
        "Look in the server's own words for what to change before you send again.",
        "RFC 5321 §4.2.1",
    ),
}

NOT_A_REPLY = Explanation(
    "This is not an answer that a mail server gives.",
    "Make sure that host and port belong to a mail server for sending, with `sendmail-cli check`.",
    "RFC 5321 §4.2",
)

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
