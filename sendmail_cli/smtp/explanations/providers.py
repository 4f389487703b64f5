"""Replies of well-known providers whose words, or rare pair of codes, say more than the codes mean: the two largest.

The sentences follow the rules of `explanation`. The wordings are those seen up to 2026; when a provider
changes one, the reply is explained by its codes again.
"""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation, KnownReply
from sendmail_cli.smtp.explanations.mailbox_providers import MAILBOX_REPLIES
from sendmail_cli.smtp.explanations.relay_services import RELAY_REPLIES
from sendmail_cli.smtp.explanations.status_codes import ENHANCED_CODES

_MICROSOFT_DAILY_LIMIT = Explanation(
    "You have written to as many recipients as Microsoft allows in one day.",
    "Wait up to 24 hours before you send more.",
    "Microsoft",
)

_GOOGLE = (
    KnownReply(
        Explanation(
            "Google wants an app password instead of your usual password.",
            "Create one at https://myaccount.google.com/apppasswords and run `sendmail-cli login PROFILE`.",
            "Google",
        ),
        enhanced=((5, 7, 9),),
        words=("application-specific password",),
    ),
    KnownReply(
        Explanation(
            "Google did not accept the user name and password; it takes app passwords only.",
            "Create one at https://myaccount.google.com/apppasswords and run `sendmail-cli login PROFILE`.",
            "Google",
        ),
        enhanced=((5, 7, 8),),
        words=("username and password not accepted", "badcredentials"),
    ),
    KnownReply(
        Explanation(
            "Google blocked this login until you confirm in a web browser that it is you.",
            "Sign in to the account in a web browser, then try `sendmail-cli check`.",
            "Google",
        ),
        codes=(534, 535),
        words=("your web browser", "webloginrequired"),
    ),
    KnownReply(
        Explanation(
            "You have sent as much as Google allows in one day.",
            "Wait up to 24 hours before you send more.",
            "Google",
        ),
        codes=(550,),
        enhanced=((5, 4, 5),),
    ),
    KnownReply(
        Explanation(
            "The recipient at Google gets more mail right now than Google lets in.",
            "Send again in an hour.",
            "Google",
        ),
        enhanced=((4, 2, 1), (5, 2, 1)),
        words=("receiving mail too quickly", "receiving email too quickly", "at a rate that prevents"),
    ),
    KnownReply(
        Explanation(
            "Google knows neither this computer nor a login for its relay service.",
            "Run `sendmail-cli login PROFILE`, or ask your administrator to allow this computer.",
            "Google",
        ),
        words=("invalid credentials for relay",),
    ),
    KnownReply(
        Explanation(
            "Google takes no mail straight from networks like yours, such as those of homes and offices.",
            "Send through your provider with `-S HOST:PORT`, and `sendmail-cli login PROFILE` for its password.",
            "Google",
        ),
        words=("to send email directly to our servers",),
    ),
    KnownReply(
        Explanation(
            "Google sees more mail than usual from your network address, domain or account.",
            "Stop for some hours, then send slowly and only to people who expect your mail.",
            "Google",
        ),
        words=("unusual rate of",),
    ),
    KnownReply(
        Explanation(
            "Google does not take this attachment, such as a program, even inside an archive.",
            "Upload the file somewhere and send a link to it.",
            "Google",
        ),
        codes=(552,),
        words=("potential security issue",),
    ),
    KnownReply(
        Explanation(
            "Google cannot tell whether this mail really comes from the sender's domain.",
            "Send through the provider of the address in `--from`, or have SPF, DKIM and DMARC set up.",
            "Google",
        ),
        enhanced=((4, 7, 26), (5, 7, 26)),
        words=("sender is unauthenticated", "unauthenticated email", "mail is unauthenticated"),
    ),
    KnownReply(
        Explanation(
            "Google wants the sender's domain to have DMARC that fits its SPF or DKIM.",
            "Have whoever runs the domain set up SPF, DKIM and DMARC for it.",
            "Google",
        ),
        codes=(421, 550),
        enhanced=tuple((class_, 7, detail) for class_ in (4, 5) for detail in (31, 32, 40)),
    ),
)

_MICROSOFT = (
    KnownReply(
        Explanation(
            "Microsoft has switched off logins with a password here and wants OAuth.",
            "Run `sendmail-cli profile set` with --oauth microsoft and `sendmail-cli login PROFILE`: docs/oauth.md.",
            "Microsoft",
        ),
        words=("basic authentication is disabled", "basic authentication is not supported"),
    ),
    KnownReply(
        Explanation(
            "Sending with a password (SMTP AUTH) is switched off for this mailbox or organisation.",
            "Ask the administrator to allow it (https://aka.ms/smtp_auth_disabled), then `sendmail-cli check`.",
            "Microsoft",
        ),
        words=("smtpclientauthentication is disabled",),
    ),
    KnownReply(
        Explanation(
            "The user name or the password for Microsoft is wrong.",
            "Check that the user name is the full address, and run `sendmail-cli login PROFILE`.",
            "Microsoft",
        ),
        codes=(535,),
        words=("user credentials were incorrect",),
    ),
    KnownReply(
        Explanation(
            "A security policy of your organisation at Microsoft blocks this login.",
            "Ask the administrator to allow SMTP AUTH for this account, then try `sendmail-cli check`.",
            "Microsoft",
        ),
        enhanced=((5, 7, 139),),
    ),
    KnownReply(
        Explanation(
            "Microsoft refused the login: a wrong password, no SMTP AUTH, or another account's token.",
            "Run `sendmail-cli login PROFILE`; the administrator may have to allow SMTP AUTH as well.",
            "Microsoft",
        ),
        codes=(535,),
        enhanced=((5, 7, 3),),
    ),
    KnownReply(
        Explanation(
            "Microsoft takes mail here only after a login.",
            "Run `sendmail-cli login PROFILE`; the administrator may have to allow SMTP AUTH as well.",
            "Microsoft",
        ),
        enhanced=((5, 7, 57),),
    ),
    KnownReply(
        Explanation(
            "Microsoft does not let this login send from that address.",
            "Send as yourself with `--from`, or ask the administrator for the right to send as that address.",
            "Microsoft",
        ),
        words=("sendasdenied", "permissions to send as", "permission to send as"),
    ),
    KnownReply(_MICROSOFT_DAILY_LIMIT, words=("submissionquotaexceeded",)),
    KnownReply(_MICROSOFT_DAILY_LIMIT, codes=(550,), enhanced=((5, 1, 90),)),
    KnownReply(
        Explanation(
            "Microsoft has stopped this account's outgoing mail because it looks like spam.",
            "Change the account's password, and ask the administrator to lift the block.",
            "Microsoft",
        ),
        words=("outboundspamexception", "bad outbound sender"),
    ),
    KnownReply(
        Explanation(
            "Too many connections send for this Microsoft mailbox at the same time.",
            "Wait until other programs are done, then send again.",
            "Microsoft",
        ),
        codes=(432,),
        words=("concurrent connections limit", "thread limit exceeded"),
    ),
    KnownReply(
        Explanation(
            "Microsoft slows down mail from your network address.",
            "Send again in a quarter of an hour, and fewer messages at a time.",
            "Microsoft",
        ),
        codes=(451,),
        enhanced=((4, 7, 500),),
    ),
    KnownReply(
        Explanation(
            "The recipient's organisation at Microsoft does not know this address.",
            "Check the address for typing errors, or ask the recipient for the right one.",
            "Microsoft",
        ),
        enhanced=((5, 4, 1),),
        words=("access denied",),
    ),
    KnownReply(
        Explanation(
            "The recipient at Microsoft takes mail only from certain senders, and you are not among them.",
            "Ask the recipient, or the owner of the group, to allow your address.",
            "Microsoft",
        ),
        codes=(550,),
        enhanced=tuple((5, 7, detail) for detail in (124, 129, 133, 134)),
    ),
    KnownReply(
        Explanation(
            "Your organisation has written to as many outside recipients as Microsoft allows in one day.",
            "Wait up to 24 hours before you send more, and tell your administrator.",
            "Microsoft",
        ),
        codes=(550,),
        enhanced=tuple((5, 7, detail) for detail in (232, 233, 236)),
    ),
    KnownReply(ENHANCED_CODES[None, 1, 1], enhanced=((5, 1, 10),), words=("not found", "notfound")),
)

# The first that fits counts, so what is more exact stands before what is more general.
PROVIDER_REPLIES = _GOOGLE + _MICROSOFT + MAILBOX_REPLIES + RELAY_REPLIES
