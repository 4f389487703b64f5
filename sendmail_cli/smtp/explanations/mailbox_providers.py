"""Replies of providers of mailboxes beside Google and Microsoft.

The sentences follow the rules of `explanation`.
"""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation, KnownReply

_YAHOO = (
    KnownReply(
        Explanation(
            "Yahoo did not accept the password; it takes app passwords only.",
            "Create one at https://login.yahoo.com/account/security and run `sendmail-cli login PROFILE`.",
            "Yahoo",
        ),
        codes=(535,),
        words=("#auth",),
    ),
    KnownReply(
        Explanation(
            "Yahoo refused the message by a rule of its own, usually because of DMARC or suspected spam.",
            "Send through the provider of the address in `--from`, and reword the message if that fails.",
            "Yahoo",
        ),
        codes=(554,),
        enhanced=((5, 7, 9),),
    ),
)

_APPLE = (
    KnownReply(
        Explanation(
            "Apple's iCloud sends only from addresses and aliases of the account that logs in.",
            "Send from one of them with `--from`, or for good with `sendmail-cli profile set`.",
            "iCloud",
        ),
        words=("from address is not one of your addresses",),
    ),
)

_FASTMAIL = (
    KnownReply(
        Explanation(
            "Fastmail sends only from addresses that are sending identities of the account.",
            "Add the address in Fastmail's settings, or send from one that is there with `--from`.",
            "Fastmail",
        ),
        words=("not authorised to send from this header address",),
    ),
)

_ZOHO = (
    KnownReply(
        Explanation(
            "Zoho sends only from addresses of the account that logs in.",
            "Send from one of them with `--from`, or add the address in Zoho's settings.",
            "Zoho",
        ),
        words=("relaying disallowed as",),
    ),
    KnownReply(
        Explanation(
            "Zoho has stopped this account's outgoing mail, because it was unusual or looked like spam.",
            "Lift the block at https://mail.zoho.com/UnblockMe, then send slowly.",
            "Zoho",
        ),
        words=("unusual sending activity", "sender address blocked"),
    ),
)

_YANDEX = (
    KnownReply(
        Explanation(
            "Yandex lets no mail program into this account, or wants an app password.",
            "Allow mail programs in its settings, get one at https://id.yandex.com, run `sendmail-cli login PROFILE`.",
            "Yandex",
        ),
        words=("does not have access rights to this service",),
    ),
    KnownReply(
        Explanation(
            "Yandex takes the message for spam.",
            "Reword it, use fewer links, and send to fewer recipients at a time.",
            "Yandex",
        ),
        words=("under suspicion of spam",),
    ),
)

_UNITED_INTERNET = (
    KnownReply(
        Explanation(
            "The service sends only from addresses of the account that logs in.",
            "Send from one of them with `--from`, or for good with `sendmail-cli profile set`.",
            "GMX, web.de, IONOS",
        ),
        words=("sender address is not allowed",),
    ),
    # GMX and Amazon SES refuse a login in the same words.
    KnownReply(
        Explanation(
            "The user name or the password is wrong; GMX and web.de also want POP3 and IMAP allowed, Amazon SES its "
            "own SMTP password.",
            "See to that, then give the right password: `sendmail-cli login PROFILE`.",
            "GMX, web.de, IONOS, Amazon SES",
        ),
        codes=(535,),
        words=("authentication credentials invalid",),
    ),
)

MAILBOX_REPLIES = _YAHOO + _APPLE + _FASTMAIL + _ZOHO + _YANDEX + _UNITED_INTERNET
