"""Replies of services through which programs send.

The sentences follow the rules of `explanation`.
"""

from __future__ import annotations

from sendmail_cli.smtp.explanations.explanation import Explanation, KnownReply

_SENDERS = (
    KnownReply(
        Explanation(
            "The service sends only from addresses or domains that you have verified there.",
            "Verify the address on its web page, or send from a verified one with `--from`.",
            "Amazon SES, SendGrid, Postmark, Resend",
        ),
        words=(
            "email address is not verified",
            "verified sender identity",
            "not authorized to send from that email address",
            "sender signature",
            "domain is not verified",
        ),
    ),
)

_AMAZON = (
    KnownReply(
        Explanation(
            "You have sent as much as Amazon SES allows this account in one day.",
            "Wait up to 24 hours, or ask Amazon for a higher quota.",
            "Amazon SES",
        ),
        words=("daily message quota exceeded",),
    ),
    KnownReply(
        Explanation(
            "You send faster than Amazon SES allows this account.",
            "Send the message again in some seconds, and fewer messages at a time.",
            "Amazon SES",
        ),
        words=("maximum sending rate exceeded",),
    ),
    KnownReply(
        Explanation(
            "This SMTP user of Amazon SES may log in and may not send.",
            "Allow it ses:SendRawEmail in its IAM policy, then send again.",
            "Amazon SES",
        ),
        words=("ses:sendrawemail",),
    ),
)

_SENDGRID = (
    KnownReply(
        Explanation(
            "SendGrid takes mail only after a login, with the user name apikey and an API key as the password.",
            "Run `sendmail-cli profile set` with --user apikey, then `sendmail-cli login PROFILE`.",
            "SendGrid",
        ),
        words=("unauthenticated senders not allowed",),
    ),
    KnownReply(
        Explanation(
            "SendGrid does not accept the API key: it is wrong, was deleted, or may not send mail.",
            "Create one with the right to send mail, and store it with `sendmail-cli login PROFILE`.",
            "SendGrid",
        ),
        words=("authorization grant is invalid",),
    ),
    KnownReply(
        Explanation(
            "You have sent as much as your plan at SendGrid allows.",
            "Wait until the limit starts anew, or take a larger plan.",
            "SendGrid",
        ),
        words=("maximum credits exceeded",),
    ),
)

_MAILGUN = (
    KnownReply(
        Explanation(
            "Mailgun does not accept the user name and password; each domain there has its own.",
            "Look them up under the domain's SMTP credentials, and run `sendmail-cli login PROFILE`.",
            "Mailgun",
        ),
        words=("mailgun is not loving your login",),
    ),
    KnownReply(
        Explanation(
            "A sandbox domain of Mailgun sends only to recipients that you have authorised there.",
            "Authorise the recipient on its web page, or send from a domain of your own with `--from`.",
            "Mailgun",
        ),
        words=("sandbox subdomains are for test",),
    ),
)

_BREVO = (
    KnownReply(
        Explanation(
            "Brevo takes mail for this account only from network addresses that you have allowed there.",
            "Allow this computer's address in Brevo's security settings, then try `sendmail-cli check`.",
            "Brevo",
        ),
        codes=(525,),
        words=("unauthorized ip address",),
    ),
)

RELAY_REPLIES = _SENDERS + _AMAZON + _SENDGRID + _MAILGUN + _BREVO
