"""What the reply codes of SMTP mean, in plain words."""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation

_SMTP = "RFC 5321 §4.2.3"
_AUTH = "RFC 4954 §6"
_NULL_MX = "RFC 7504"
_USAGE = "common usage"  # seen in the wild, standardised nowhere

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
