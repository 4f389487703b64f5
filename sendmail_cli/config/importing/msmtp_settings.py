"""What each of msmtp's settings becomes in a profile; what has no counterpart, and what to do instead."""

from __future__ import annotations

import re

from sendmail_cli.config.importing.findings import Setting, quoted
from sendmail_cli.config.importing.profile_builder import PIN_ADVICE
from sendmail_cli.config.profile_keys import AUTH_CHOICES
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.importing.profile_builder import ProfileBuilder
    from sendmail_cli.environment import Environment

_DSN = ("it is asked for with each message", "sendmail-cli send --notify … --ret …")
_HEADER = ("a From, Date and Message-ID are added where they are missing, and Bcc is always taken out", "")
_FORCE = (
    "a profile that is to have its own From in each message says so itself",
    "sendmail-cli profile set {name} --force-from",
)
_LOG = ("a profile keeps a log of its own", 'log = "90d" in the profile does it, and sendmail-cli log shows it.')
# What has no counterpart: why, and what to do instead.
LEFT: dict[str, tuple[str, str]] = {
    "dsn_notify": _DSN,
    "dsn_return": _DSN,
    "set_from_header": _FORCE,
    "set_date_header": _HEADER,
    "set_msgid_header": _HEADER,
    "add_missing_from_header": _HEADER,
    "add_missing_date_header": _HEADER,
    "remove_bcc_headers": _HEADER,
    "keepbcc": _HEADER,
    "undisclosed_recipients": ("each message says it for itself here", "Name the recipients with --bcc alone."),
    "allow_from_override": _FORCE,
    "auto_from": ("a profile's From is an address", "sendmail-cli profile set {name} --from ADDRESS"),
    "maildomain": ("a profile's From is an address", "sendmail-cli profile set {name} --from ADDRESS"),
    "logfile": _LOG,
    "logfile_time_format": _LOG,
    "syslog": _LOG,
    "aliases": ("names are looked up in aliases.toml and /etc/aliases", "sendmail-cli alias shows whom they mean."),
    "ntlmdomain": ("NTLM is broken, and not spoken", ""),
    "connect_timeout": ("there is one time-out, of each phase", "sendmail-cli profile set {name} --timeout TIME"),
    "tls_crl_file": ("no lists of revoked certificates are read", ""),
    "tls_priorities": ("ciphers are the system's", "sendmail-cli profile set {name} --tls-min 1.3, if that was meant."),
    "tls_min_dh_prime_bits": ("ciphers are the system's", ""),
    "tls_force_sslv3": ("SSL 3 is broken, and not spoken", ""),
    "tls_host_override": (
        "a certificate is checked by the server's own name",
        "Name the server by the name in its certificate, or pin it with --tls-pin.",
    ),
}


_SHA256 = re.compile("[0-9A-Fa-f]{64}")


def _auth(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    method = setting.value.lower()
    if method in {"", "on"}:
        builder.took(setting, "auth", "auto, which takes the best that is offered")
    elif method == "off":
        builder.leave(setting, "a profile without a user signs in nowhere")
    elif method in AUTH_CHOICES[2:]:
        builder.take(setting, "auth", method)
    else:
        builder.leave(setting, f"{quoted(method)} is not spoken; the best that is offered is taken")


def _user(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    if not setting.value:
        builder.leave(setting, "it is empty")
    elif _signs_in(settings):
        builder.take(setting, "user", setting.value)
    else:
        builder.leave(setting, "msmtp doesn't sign in without “auth on”", "sendmail-cli profile set {name} --user USER")


def _password(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    if not _signs_in(settings) or not value_of(settings, "user"):
        builder.leave(setting, "nobody signs in with it: there is no user, or no “auth on”")
    elif setting.name == "password":
        builder.take_password(setting, setting.value)
    elif not setting.value.strip():
        builder.leave(setting, "it is empty")
    elif value_of(settings, "password"):
        builder.leave(setting, "msmtp takes “password” before it")
    else:
        builder.take_command(setting, setting.value)


def _signs_in(settings: dict[str, Setting]) -> bool:
    return "auth" in settings and settings["auth"].value != "off"


def _from(builder: ProfileBuilder, setting: Setting, _: dict[str, Setting], environment: Environment) -> None:
    value = setting.value
    if not value:
        builder.leave(setting, "it is empty")
    elif re.search("%[CM]", value):
        builder.leave(setting, "%C and %M are not looked up", "sendmail-cli profile set {name} --from ADDRESS")
    elif re.search(r"[*?\[]", value):
        builder.take(setting, "match", value)
    else:
        address = _expanded(value, environment)
        text = "" if address == value else "as the pattern is for you on this machine"
        builder.take(setting, "from", address, text)


def _domain(builder: ProfileBuilder, setting: Setting, _: dict[str, Setting], environment: Environment) -> None:
    if "%" in setting.value.replace("%H", ""):
        builder.leave(setting, "%C and %M are not looked up", "sendmail-cli profile set {name} --ehlo HOSTNAME")
    elif setting.value == "localhost":
        builder.leave(setting, "a better name is found by itself")
    else:
        builder.take(setting, "ehlo", _expanded(setting.value, environment))


def _expanded(value: str, environment: Environment) -> str:
    variables = environment.variables
    user = variables.get("USER") or variables.get("LOGNAME") or ""
    return value.replace("%U", user).replace("%H", variables.get("HOSTNAME") or environment.hostname())


def _timeout(builder: ProfileBuilder, setting: Setting, _: dict[str, Setting], __: Environment) -> None:
    if setting.value == "off":
        builder.leave(setting, "each phase has the limit of RFC 5321")
    else:
        builder.take(setting, "timeout", f"{setting.value}s")


def _trust_file(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    if setting.value == "system":
        builder.took(setting, "ca_file", "the system's authorities, as without it")
    elif _SHA256.fullmatch(value_of(settings, "tls_fingerprint").replace(":", "")):
        builder.leave(setting, "the fingerprint comes before it")
    elif not setting.value:
        builder.leave_unchecked(setting)
    else:
        builder.take_file(setting, "ca_file")


def _fingerprint(builder: ProfileBuilder, setting: Setting, _: dict[str, Setting], __: Environment) -> None:
    digits = setting.value.replace(":", "")
    if re.fullmatch("[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}", digits):
        builder.leave(
            setting,
            "it is an MD5 or SHA-1, which no longer tells two certificates apart",
            PIN_ADVICE,
        )
    elif digits:
        builder.take(setting, "tls_pin", f"sha256:{digits.lower()}")
    else:
        builder.leave(setting, "it is empty")


def _own_certificate(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    key = setting.name.removesuffix("_file")
    if not setting.value:
        builder.leave(setting, "it is empty")
    elif re.match("pkcs11:|tpmkey:|system:", setting.value):
        builder.leave(setting, "keys on a device are not used; a PEM file is")
    elif key == "tls_key" and "tls_cert" not in settings and not value_of(settings, "tls_cert_file"):
        builder.leave(setting, "a key is of no use without its certificate")
    else:
        builder.take_file(setting, key)


def _certcheck(builder: ProfileBuilder, setting: Setting, _: dict[str, Setting], __: Environment) -> None:
    if is_on(setting):
        builder.leave(setting, "certificates are always checked")
    else:
        builder.leave_unchecked(setting)


def _source_ip(builder: ProfileBuilder, setting: Setting, settings: dict[str, Setting], _: Environment) -> None:
    if not setting.value:
        builder.leave(setting, "it is empty")
    elif value_of(settings, "socket"):
        builder.leave(setting, "it is for connections over a network")
    else:
        builder.take(setting, "bind", setting.value)


HANDLERS: dict[str, Callable[[ProfileBuilder, Setting, dict[str, Setting], Environment], None]] = {
    "auth": _auth,
    "user": _user,
    "password": _password,
    "passwordeval": _password,
    "from": _from,
    "domain": _domain,
    "timeout": _timeout,
    "tls_trust_file": _trust_file,
    "tls_fingerprint": _fingerprint,
    "tls_cert_file": _own_certificate,
    "tls_key_file": _own_certificate,
    "tls_certcheck": _certcheck,
    "source_ip": _source_ip,
}


def value_of(settings: dict[str, Setting], name: str) -> str:
    return settings[name].value if name in settings else ""


def is_on(setting: Setting) -> bool:
    return setting.value in {"", "on"}
