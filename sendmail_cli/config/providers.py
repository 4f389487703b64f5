"""What is known of providers: where they take mail, how one signs in, which secret they want and where it is made.

Written by hand from the providers' own pages; such facts change, and those that nobody sees to grow wrong.
"""

from __future__ import annotations

from enum import Enum

from sendmail_cli.server import TLSMode
from sendmail_cli.typing import NamedTuple

FACTS_DATE = "November 2026"
ADDRESS = "{address}"  # a user's name: the whole address ...
LOCAL_PART = "{local_part}"  # ... or what stands before its “@”
REGION = "{region}"  # in a host's name

SMTPS = (465, TLSMode.IMPLICIT)
SUBMISSION = (587, TLSMode.STARTTLS)
BOTH = (SMTPS, SUBMISSION)  # the better first (RFC 8314 §3.3)


class Credential(Enum):
    """What a provider takes as proof of who signs in."""

    PASSWORD = "password"  # noqa: S105 - the word, not one
    OAUTH = "oauth"  # nothing else: passwords are refused there


class Provider(NamedTuple):
    """One provider. `user` is a pattern, a literal name, or None where only the person knows it."""

    name: str  # what --provider takes, and what its profile is called
    title: str
    host: str
    ports: tuple[tuple[int, TLSMode], ...] = BOTH
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()  # ends of the names of its mail exchangers
    user: str | None = ADDRESS
    user_label: str = "user name"  # what the provider calls it
    credential: Credential = Credential.PASSWORD
    wants: str = "password"  # what the provider calls the secret
    advice: str = ""  # one sentence about the secret: why, and what comes first
    link: str = ""  # the page where it is made
    oauth: str | None = None  # who signs in by OAuth there, as `config/oauth` calls it
    regions: tuple[str, ...] = ()  # some, where the host's name holds one
    is_bridge: bool = False  # a program on this machine with a certificate of its own, which is pinned

    def host_in(self, region: str | None) -> str:
        """The host, in the `region` where its name holds one."""
        return self.host.replace(REGION, region or "")

    def is_host(self, host: str) -> bool:
        """True when `host` is this provider's."""
        before, placeholder, after = self.host.partition(REGION)
        if not placeholder:
            return host == self.host
        return len(host) > len(before + after) and host.startswith(before) and host.endswith(after)


def _tops(name: str, tops: str) -> tuple[str, ...]:
    return tuple(f"{name}.{top}" for top in tops.split())


_GOOGLE_LINK = "https://myaccount.google.com/apppasswords"
_YAHOO_ADVICE = "{title} lets mail programs in with an app password only; your account's own password is refused."
_MICROSOFT_ADVICE = "{title} lets mail programs in by a sign-in in the browser (OAuth); passwords are refused."
_UNITED_ADVICE = "Allow POP3 and IMAP in {title}'s settings first; with two factors on, an app password is wanted."

_MAILBOXES = (
    Provider(
        "gmail",
        "Gmail",
        "smtp.gmail.com",
        domains=("gmail.com", "googlemail.com"),
        wants="app password",
        advice="{title} takes an app password (16 letters), not your account's own; 2-Step Verification must be on.",
        link=_GOOGLE_LINK,
        oauth="google",
    ),
    Provider(
        "google",
        "Google Workspace",
        "smtp.gmail.com",
        mx=("google.com", "googlemail.com"),
        wants="app password",
        advice="{title} takes an app password (16 letters), not your account's own; 2-Step Verification must be on.",
        link=_GOOGLE_LINK,
        oauth="google",
    ),
    Provider(
        "outlook",
        "Outlook.com",
        "smtp-mail.outlook.com",
        (SUBMISSION,),
        domains=(
            *_tops("outlook", "com at be cl cz de dk es fr hu ie in it jp kr lv my ph pt sa sg sk"),
            *_tops("outlook", "co.id co.il co.th com.ar com.au com.br com.gr com.tr com.vn"),
            *_tops("hotmail", "com be ca ch cl de dk es fi fr gr it nl no se"),
            *_tops("hotmail", "co.il co.jp co.kr co.nz co.th co.uk com.ar com.au com.br com.tr"),
            *_tops("live", "com at be ca ch cl cn de dk fi fr hk ie in it jp nl no pt ru se"),
            *_tops("live", "co.kr co.uk co.za com.ar com.au com.mx com.my com.ph com.pt com.sg"),
            "msn.com",
            "passport.com",
            "windowslive.com",
        ),
        credential=Credential.OAUTH,
        advice=_MICROSOFT_ADVICE,
        oauth="microsoft",
    ),
    Provider(
        "microsoft365",
        "Microsoft 365",
        "smtp.office365.com",
        (SUBMISSION,),
        mx=("mail.protection.outlook.com", "mx.microsoft"),
        credential=Credential.OAUTH,
        advice=_MICROSOFT_ADVICE,
        oauth="microsoft",
    ),
    Provider(
        "yahoo",
        "Yahoo",
        "smtp.mail.yahoo.com",
        domains=(
            *_tops("yahoo", "com ca de dk es fr gr ie in it no pl ro se"),
            *_tops(
                "yahoo", "co.id co.in co.nz co.th co.uk co.za com.ar com.au com.br com.hk com.mx com.my com.ph com.sg"
            ),
            *_tops("yahoo", "com.tr com.tw com.vn"),
            "ymail.com",
            "rocketmail.com",
            "myyahoo.com",
        ),
        mx=("yahoodns.net",),
        wants="app password",
        advice=_YAHOO_ADVICE,
        link="https://login.yahoo.com/account/security",
        oauth="yahoo",
    ),
    Provider(
        "aol",
        "AOL",
        "smtp.aol.com",
        domains=("aol.com", "aim.com", "aol.de", "aol.fr", "aol.co.uk"),
        wants="app password",
        advice=_YAHOO_ADVICE,
        link="https://login.aol.com/account/security",
    ),
    Provider(
        "icloud",
        "iCloud",
        "smtp.mail.me.com",
        (SUBMISSION,),
        domains=("icloud.com", "me.com", "mac.com"),
        mx=("mail.icloud.com",),
        wants="app-specific password",
        advice="{title} takes an app-specific password; two-factor authentication of your Apple Account must be on.",
        link="https://account.apple.com",
    ),
    Provider(
        "fastmail",
        "Fastmail",
        "smtp.fastmail.com",
        domains=("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "fastmail.us", "sent.com"),
        mx=("messagingengine.com",),
        wants="app password",
        advice="{title} takes an app password: Settings, Privacy & Security, Manage app passwords.",
        link="https://app.fastmail.com/settings/security/apps",
        oauth="fastmail",
    ),
    Provider(
        "proton",
        "Proton Mail Bridge",
        "127.0.0.1",
        ((1025, TLSMode.STARTTLS),),
        domains=("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        mx=("protonmail.ch",),
        wants="Bridge password",
        advice="The Bridge must run on this machine (paid plans); the password is the one it shows for the mailbox.",
        link="https://proton.me/mail/bridge",
        is_bridge=True,
    ),
    *(
        Provider(
            "zoho" if top == "com" else f"zoho-{top.rpartition('.')[2]}",
            "Zoho Mail",
            f"smtp.zoho.{top}",
            domains=("zoho.com", "zohomail.com") if top == "com" else (f"zoho.{top}", f"zohomail.{top}"),
            mx=(f"zoho.{top}",),
            wants="password or app password",
            advice="With two factors on {title} wants an application-specific password; some plans allow no SMTP.",
            link=f"https://accounts.zoho.{top}/home#security/app_password",
        )
        for top in ("com", "eu", "in", "com.au", "jp", "sa")
    ),
    Provider(
        "gmx",
        "GMX",
        "mail.gmx.net",
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info"),
        mx=("gmx.net",),
        advice=_UNITED_ADVICE,
    ),
    Provider(
        "gmx-com",
        "GMX",
        "mail.gmx.com",
        domains=("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr"),
        mx=("gmx.com",),
        advice=_UNITED_ADVICE,
    ),
    Provider("web-de", "WEB.DE", "smtp.web.de", domains=("web.de",), user=LOCAL_PART, advice=_UNITED_ADVICE),
    Provider(
        "yandex",
        "Yandex",
        "smtp.yandex.com",
        (SMTPS,),
        domains=("yandex.com", "yandex.ru", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru"),
        mx=("yandex.net", "yandex.ru"),
        wants="app password",
        advice="{title} takes an app password, after mail programs are allowed in its mail settings.",
        link="https://id.yandex.com/security/app-passwords",
        oauth="yandex",
    ),
    Provider(
        "mailbox-org",
        "mailbox.org",
        "smtp.mailbox.org",
        domains=("mailbox.org",),
        mx=("mailbox.org",),
        advice="The user is your main address, not an alias; with two factors on, an application password is wanted.",
    ),
    Provider(
        "posteo",
        "Posteo",
        "posteo.de",
        domains=_tops(
            "posteo",
            "de net at be ch cl co es eu fr hr ie in is it jp la li lt lu me mx nl no org pl pm ro ru se uk us",
        ),
        mx=("posteo.de",),
    ),
    Provider(
        "ovh",
        "OVHcloud",
        "ssl0.ovh.net",
        mx=("mail.ovh.net", "mail.ovh.ca"),
        advice="The password is the mailbox's own.",
    ),
    Provider("gandi", "Gandi", "mail.gandi.net", mx=("mail.gandi.net",), advice="The password is the mailbox's own."),
    Provider("migadu", "Migadu", "smtp.migadu.com", mx=("migadu.com",), advice="The password is the mailbox's own."),
)

_SERVICES = (
    Provider(
        "ses",
        "Amazon SES",
        "email-smtp.{region}.amazonaws.com",
        user=None,
        user_label="SMTP user name (AKIA…)",
        wants="SMTP password",
        advice="{title} has SMTP credentials of its own for each region; an AWS secret key is not one.",
        link="https://console.aws.amazon.com/ses/home#/smtp",
        regions=("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-northeast-1"),
    ),
    Provider(
        "sendgrid",
        "SendGrid",
        "smtp.sendgrid.net",
        user="apikey",
        wants="API key",
        advice="The user is literally “apikey”, and the password an API key that may send mail.",
        link="https://app.sendgrid.com/settings/api_keys",
    ),
    Provider(
        "mailgun",
        "Mailgun",
        "smtp.mailgun.org",
        user=None,
        user_label="SMTP user name (postmaster@your.domain)",
        wants="SMTP password",
        advice="Each sending domain at {title} has SMTP credentials of its own; the API key is not one.",
        link="https://app.mailgun.com/mg/sending/domains",
    ),
    Provider(
        "mailgun-eu",
        "Mailgun (EU)",
        "smtp.eu.mailgun.org",
        user=None,
        user_label="SMTP user name (postmaster@your.domain)",
        wants="SMTP password",
        advice="Each sending domain at {title} has SMTP credentials of its own; the API key is not one.",
        link="https://app.eu.mailgun.com/mg/sending/domains",
    ),
    Provider(
        "postmark",
        "Postmark",
        "smtp.postmarkapp.com",
        (SUBMISSION, (2525, TLSMode.STARTTLS)),
        user=None,
        user_label="SMTP access key",
        wants="SMTP secret key",
        advice="Make an SMTP token in the settings of the message stream: its access key is the user.",
        link="https://account.postmarkapp.com/servers",
    ),
    Provider(
        "brevo",
        "Brevo",
        "smtp-relay.brevo.com",
        user=None,
        user_label="SMTP login",
        wants="SMTP key",
        advice="{title} takes an SMTP key, not an API key; the login stands beside it.",
        link="https://app.brevo.com/settings/keys/smtp",
    ),
    Provider(
        "mailjet",
        "Mailjet",
        "in-v3.mailjet.com",
        user=None,
        user_label="API key",
        wants="secret key",
        advice="The user is the API key, and the password the secret key that belongs to it.",
        link="https://app.mailjet.com/account/apikeys",
    ),
    Provider(
        "resend",
        "Resend",
        "smtp.resend.com",
        user="resend",
        wants="API key",
        advice="The user is literally “resend”, and the password an API key (re_…).",
        link="https://resend.com/api-keys",
    ),
)  # fmt: skip

PROVIDERS = _MAILBOXES + _SERVICES
BY_NAME = {provider.name: provider for provider in PROVIDERS}
_BY_DOMAIN = {domain: provider for provider in PROVIDERS for domain in provider.domains}


def provider_of_domain(domain: str) -> Provider | None:
    """Whose addresses end in `domain`, which is in A-labels."""
    return _BY_DOMAIN.get(domain.lower())


def provider_of_exchanger(host: str) -> Provider | None:
    """Whose mail exchanger `host` is: the longest end that fits decides."""
    host = host.lower().removesuffix(".")
    fitting = [(len(end), each) for each in PROVIDERS for end in each.mx if host == end or host.endswith(f".{end}")]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def provider_of_host(host: str) -> Provider | None:
    """Whose server for submission `host` is; of several with the same one the first. None for a bridge's."""
    host = host.lower()
    return next((each for each in PROVIDERS if each.is_host(host) and not each.is_bridge), None)
