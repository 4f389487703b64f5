"""Refusals that many servers put into the same words, with codes that say less.

The sentences follow the rules of `explanation`.
"""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation, KnownReply
from sendmail_cli.smtp.explanations.status_codes import ENHANCED_CODES

_ENCRYPTION = (
    KnownReply(
        Explanation(
            "The server wants the connection encrypted before it goes on.",
            "Use `--tls starttls`, or `--tls implicit` on port 465, or change it with `sendmail-cli profile set`.",
            "RFC 3207 §4",
        ),
        words=("issue a starttls", "issue starttls", "starttls first", "starttls is required"),
    ),
    KnownReply(
        Explanation(
            "The server offers no login here, usually because the connection is not encrypted.",
            "Use `--tls starttls` on port 587 or `--tls implicit` on port 465 of the same server.",
            "common usage",
        ),
        codes=(502, 503),
        words=("authentication not enabled", "auth command used when not advertised"),
    ),
)

_LOGIN = (
    KnownReply(
        Explanation(
            "The provider wants an app password instead of your usual password.",
            "Create one on the provider's web page, and store it with `sendmail-cli login PROFILE`.",
            "common usage",
        ),
        words=("application-specific password", "application specific password", "app password"),
    ),
    KnownReply(
        Explanation(
            "The server has seen too many failed logins and blocks more of them for a while.",
            "Wait an hour, then store the right password with `sendmail-cli login PROFILE`.",
            "common usage",
        ),
        words=("too many bad auth", "too many failed login", "too many login"),
    ),
)

_SENDER = (
    KnownReply(
        Explanation(
            "The server lets this login send only from its own addresses.",
            "Send from the login's own address with `--from`, or for good with `sendmail-cli profile set`.",
            "common usage",
        ),
        words=(
            "not owned by",
            "not one of your addresses",
            "mail from address must be same as authorization user",
        ),
    ),
    KnownReply(
        Explanation(
            "The recipient's server cannot tell whether this mail really comes from the sender's domain.",
            "Send through the provider of the address in `--from`, or have SPF, DKIM and DMARC set up.",
            "RFC 7489",
        ),
        words=(
            "dmarc",
            "dkim",
            "spf fail",
            "spf check",
            "spf did",
            "spf does",
            "sender policy framework",
            "required authentication level",
        ),
    ),
    KnownReply(
        Explanation(
            "The server takes mail only after a login.",
            "Run `sendmail-cli login PROFILE`, and use port 465 or 587 with `-S HOST:PORT`.",
            "common usage",
        ),
        words=(
            "authentication required",
            "authentication is required",
            "must be authenticated",
            "client not authenticated",
            "client was not authenticated",
            "sender address rejected: not logged in",
        ),
    ),
    KnownReply(
        Explanation(
            "The server cannot confirm that the sender's address exists.",
            "Send from an address that can receive answers with `--from`.",
            "common usage",
        ),
        words=("sender address rejected", "sender verify failed", "sender verification failed"),
    ),
)

_PACE = (
    KnownReply(
        Explanation(
            "The server makes mail from unknown senders wait once (greylisting), which is normal.",
            "Send the same message again in a quarter of an hour.",
            "RFC 6647",
        ),
        codes=(421, 450, 451, 452, 454),
        words=("greylist", "graylist", "grey-list", "grey list"),
    ),
    KnownReply(
        Explanation(
            "You send more, or faster, than the server allows.",
            "Wait a while, then send fewer messages at a time.",
            "common usage",
        ),
        words=(
            "rate limit",
            "ratelimit",
            "sending limit",
            "sending quota",
            "throttling failure",
            "too many connections",
            "too many messages",
        ),
    ),
)

_NETWORK_ADDRESS = (
    KnownReply(
        ENHANCED_CODES[None, 7, 25],
        words=("ptr record", "reverse dns", "cannot find your hostname", "your reverse hostname"),
    ),
    KnownReply(
        Explanation(
            "The server does not pass mail on for you, usually because you are not logged in.",
            "Run `sendmail-cli login PROFILE`, and use port 465 or 587 with `-S HOST:PORT`.",
            "common usage",
        ),
        words=(
            "relay access denied",
            "relay denied",
            "relay not permitted",
            "relaying denied",
            "relaying not allowed",
            "unable to relay",
            "allowed rcpthosts",
        ),
    ),
    KnownReply(
        Explanation(
            "Your network address, or a name in the message, is on a spam list of Spamhaus.",
            "Look it up at https://check.spamhaus.org, and send through your provider with `-S HOST:PORT`.",
            "Spamhaus",
        ),
        words=("spamhaus",),
    ),
    KnownReply(
        Explanation(
            "Your network address, or your provider's, is on a list of spam sources.",
            "Send through your provider with `-S HOST:PORT`, or tell the provider if you already do.",
            "common usage",
        ),
        words=(
            "blocked using",
            "blacklist",
            "blocklist",
            "block list",
            "dnsbl",
            "banned sending ip",
            "traffic not accepted from this ip",
        ),
    ),
    KnownReply(
        Explanation(
            "The server does not accept the name with which this computer greets it.",
            "Give this computer a full name such as pc.example.com, or use port 465 or 587 and a login.",
            "Postfix",
        ),
        words=("need fully-qualified hostname", "helo command rejected"),
    ),
)

_CONTENT_AND_RECIPIENT = (
    KnownReply(
        Explanation(
            "The server found a virus in the message, or thinks so.",
            "Check the attachments with a virus scanner, and send only those that are clean.",
            "common usage",
        ),
        codes=(550, 552, 554),
        words=("virus", "malware"),
    ),
    KnownReply(
        Explanation(
            "The server takes the message for spam.",
            "Reword the message, use fewer links, and ask the recipient to allow your address.",
            "common usage",
        ),
        words=("likely unsolicited", "spam message", "looks like spam", "considered spam", "as spam"),
    ),
    KnownReply(
        ENHANCED_CODES[None, 1, 1],
        codes=(550, 551, 553, 554),
        words=("user unknown", "unknown user", "no such user", "no such recipient", "no mailbox here"),
    ),
    KnownReply(ENHANCED_CODES[None, 2, 2], words=("mailbox full", "mailbox is full", "over quota", "overquota")),
)

# The first that fits counts, so what is more exact stands before what is more general.
COMMON_REPLIES = _ENCRYPTION + _LOGIN + _SENDER + _PACE + _NETWORK_ADDRESS + _CONTENT_AND_RECIPIENT
