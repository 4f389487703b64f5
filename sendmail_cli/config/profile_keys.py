"""The keys of a profile: what each may hold, and a sentence for what it may not.

Every check takes the value as TOML gives it and returns the value as the program uses it; it raises `ConfigError` or
another `MailError` without a place, which `profiles` knows.
"""

from __future__ import annotations

import re
from functools import partial

from sendmail_cli.addresses import Mailbox, encode_domain, parse_mailbox
from sendmail_cli.config.queue_keys import QUEUE_CHECKS, QUEUE_WORDS
from sendmail_cli.config.sender_rules import parse_copies, parse_patterns
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.config.toml_kinds import expect_text, kind_of
from sendmail_cli.environment import PROXY_VARIABLE
from sendmail_cli.errors import AddressError, ConfigError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.secret import Secret
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from sendmail_cli.config.oauth.table import OAuthTable

AUTH_CHOICES = (
    "auto", "none", "scram-sha-256", "plain", "login", "scram-sha-1", "cram-md5", "oauthbearer", "xoauth2", "external",
    "gssapi",
)  # fmt: skip
SAFE_IN_THE_CLEAR = ("scram-sha-256", "scram-sha-1", "gssapi")  # they show nobody the password (`smtp/sasl` knows why)
NEEDS_NO_PASSWORD = ("external", "gssapi")  # nor a user: a certificate or a ticket says who we are
PIPELINING_CHOICES = ("auto", "eager")
CHUNKING_CHOICES = ("never", "eager")
CREDENTIAL_SOURCES = ("variable", "systemd", "file", "command", "keyring", "prompt")
TLS_CHOICES = tuple(mode.value for mode in TLSMode)
TLS_VERSIONS = ("1.2", "1.3")
MAX_TIMEOUT = 3600.0  # seconds; RFC 5321 §4.5.3.2 has nothing longer than ten minutes

# Patterns, compiled by re when they are used: all of them at every start would be felt.
_TIMEOUT = "([0-9]{1,9}(?:[.][0-9]{1,9})?) ?(s|m|h)?"
_NAME_MARKS = dict.fromkeys(map(ord, "._-"), "0")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_PIN = "(?i)(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})"
_ADDRESS_LITERAL = r"\[[A-Za-z0-9:.-]{1,80}\]"  # RFC 5321 §4.1.3
_HEADER_NAME = "[!-9;-~]+"  # RFC 5322 §2.2
# What each message says for itself, or this program for it.
_OWN_HEADERS = frozenset(
    ("from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "received", "return-path")
)


def check_name(name: str) -> str:
    """`name` as a profile's name. Raises `ConfigError` for characters that it can't have."""
    if name.isascii() and name.translate(_NAME_MARKS).isalnum():
        return name
    if not name:
        raise ConfigError("a profile's name is not empty")
    raise ConfigError(
        f"“{printable(name, 80)}” is no name for a profile: it has only letters, digits, “.”, “_” and “-”"
    )


def check_value(key: str, value: object) -> Any:
    """The value of a profile's `key`, converted. Raises `MailError` for an unknown key or a bad value."""
    check = _CHECKS.get(key)
    return refuse_key(key, value) if check is None else check(value)


def refuse_key(key: str, value: object) -> NoReturn:
    """Raise `ConfigError` for a key that no profile has, with the nearest that it does have."""
    from sendmail_cli.config.other_names import OTHER_NAMES, SECRET_KEYS

    name = key.lower().replace("-", "_")
    if name in SECRET_KEYS:
        raise ConfigError(
            "a password never stands in this file: take it out",
            hint="Put it in the keyring with `sendmail-cli login NAME`, "
            'or set password_command = ["program", "argument"].',
        )
    if isinstance(value, dict):
        raise ConfigError(
            f"a profile has no table “{printable(key, 80)}”, only “headers”, “credential” and “oauth”",
            hint='A profile whose name has a dot is written in quotes: [profile."my.work"].',
        )
    known = tuple(_CHECKS)
    nearest = name if name in known else OTHER_NAMES.get(name) or nearest_of(key, known)
    meant = f"did you mean “{nearest}”?" if nearest else f"a profile has {', '.join(known)}"
    raise ConfigError(f"a profile has no key “{printable(key, 80)}”; {meant}")


def nearest_of(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of `words` that `word` is probably a slip of, or None; with `cutoff` 1 only the word itself would do."""
    from difflib import get_close_matches

    matches = get_close_matches(word[:80], list(words), 1, cutoff)
    return matches[0] if matches else None


def one_of(value: object, choices: tuple[str, ...]) -> str:
    """`value` if it is one of `choices`. Raises `ConfigError` with them all."""
    text = expect_text(value)
    if text in choices:
        return text
    nearest = nearest_of(text.lower(), choices)
    meant = f"; did you mean “{nearest}”?" if nearest else ""
    raise ConfigError(f"“{printable(text, 80)}” is none of {', '.join(choices)}{meant}")


def parse_timeout(value: object) -> float:
    """Seconds: a number, or a text such as "30", "30s", "1.5m", "1h". Raises `ConfigError` for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(min(value, 2 * MAX_TIMEOUT))
    else:
        match = re.fullmatch(_TIMEOUT, value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ConfigError('a time is a number of seconds, or a text such as "30s" or "5m"')
        seconds = float(match[1]) * _SECONDS[match[2]]
    if not seconds > 0:  # nor is it for what is no number (NaN)
        raise ConfigError("a timeout is longer than nothing")
    if seconds > MAX_TIMEOUT:
        raise ConfigError(f"a timeout is at most an hour ({MAX_TIMEOUT:.0f} seconds)")
    return seconds


def parse_ehlo_name(value: object) -> str:
    """A name or address literal to say after EHLO (RFC 5321 §4.1.1.1), in A-labels. Raises `ConfigError`."""
    text = expect_text(value)
    if re.fullmatch(_ADDRESS_LITERAL, text):
        return text
    try:
        return encode_domain(text)
    except AddressError as error:
        raise ConfigError(
            error.sentence, hint="EHLO takes a host name, or an address in brackets such as [192.0.2.1]."
        ) from None


def parse_qualify(value: object) -> str:
    """The domain that recipients without one get, in A-labels. Raises `ConfigError`."""
    text = expect_text(value).removeprefix("@")
    try:
        return encode_domain(text)
    except AddressError as error:
        raise ConfigError(error.sentence, hint='It is the domain alone: qualify = "example.org"') from None


def parse_tls(value: object) -> TLSMode:
    """One of implicit, starttls, opportunistic, none. Raises `ConfigError`."""
    return value if isinstance(value, TLSMode) else TLSMode(one_of(value, TLS_CHOICES))


def parse_tls_min(value: object) -> str:
    """The oldest TLS version that is taken. Raises `ConfigError`."""
    if isinstance(value, float):
        raise ConfigError('a TLS version is a text: "1.2" or "1.3"')
    return one_of(value, TLS_VERSIONS)


def parse_tls_pin(value: object) -> str:
    """A certificate's SHA-256 as "sha256:" and 64 small digits. Raises `ConfigError`.

    It may be written without "sha256:", in capitals, and with colons between the octets as openssl shows it.
    """
    text = expect_text(value)
    match = re.fullmatch(_PIN, text.strip())
    if match is None:
        raise ConfigError(
            f"“{printable(text, 80)}” is no SHA-256 fingerprint, which has 64 hexadecimal digits",
            hint="It is that of the whole certificate, as --verbose shows it, or: "
            "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256",
        )
    return f"sha256:{match[1].replace(':', '').lower()}"


def parse_bind(value: object) -> str:
    """The IP address that connections come from, without brackets. Raises `ConfigError`."""
    from ipaddress import ip_address

    text = expect_text(value)
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ConfigError(
            f"“{printable(text, 80)}” is no IP address that connections could come from",
            hint="Name an address of this machine, not a host name or an interface.",
        ) from None


def parse_proxy(value: object) -> Secret:
    """The URL of a proxy. Where others can read it, in a text, it has no password; a `Secret` may have one.

    Raises `ConfigError`, which repeats nothing of it.
    """
    from sendmail_cli.net.proxy import parse_proxy_url

    if isinstance(value, Secret):
        parse_proxy_url(value)
        return value
    text = expect_text(value)
    if ":" in text.partition("//")[2].rpartition("@")[0]:
        raise ConfigError(
            "a password never stands in a proxy's URL where everybody can read it: take it out",
            hint=f"Put the whole URL, with its password, into the variable {PROXY_VARIABLE}.",
        )
    try:
        parse_proxy_url(text)
    except ConfigError as error:
        raise ConfigError(
            error.sentence,
            hint="A proxy is socks5h|socks5|socks4a|socks4|http://HOST[:PORT]. "
            f"With user and password the whole URL goes into the variable {PROXY_VARIABLE}.",
        ) from None
    return Secret(text)


def parse_pipe(value: object) -> tuple[str, ...]:
    """The program that is the server, and its arguments: a text is taken apart as a shell would, but no shell runs.

    Raises `ConfigError`.
    """
    if not isinstance(value, str):
        return _check_argv("pipe", value if not isinstance(value, tuple) else list(value))
    import shlex

    try:
        return _check_argv("pipe", shlex.split(value))
    except ValueError as error:
        raise ConfigError(str(error).lower()) from None


def parse_file_name(value: object) -> str:
    """The name of a file. Raises `ConfigError` for none."""
    text = expect_text(value)
    if not text:
        raise ConfigError("a file's name is not empty")
    return text


def parse_signature(value: object) -> str:
    """A text of one line or several. Raises `ConfigError`."""
    if not isinstance(value, str):
        return expect_text(value)
    return "\n".join(map(expect_text, value.splitlines()))


def check_switch(value: object) -> bool:
    """true or false. Raises `ConfigError`."""
    if not isinstance(value, bool):
        raise ConfigError(f"expected true or false, not {kind_of(value)}")
    return value


def _check_from(value: object) -> Mailbox:
    return parse_mailbox(expect_text(value))


def _check_servers(value: object) -> tuple[ServerURL, ...]:
    """One server, or a list of them: each is for when those before it can't be had."""
    if not isinstance(value, list):
        return (parse_server_url(expect_text(value)),)
    if not value:
        raise ConfigError("the list names no server")
    return tuple(parse_server_url(expect_text(server)) for server in value)


def _check_user(value: object) -> str:
    text = expect_text(value)
    if not text:
        raise ConfigError("a user's name is not empty; without sign-in the key is left out")
    return text


def _check_auth(value: object) -> str:
    return one_of(value, AUTH_CHOICES)


def _check_argv(key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ConfigError(
            "expected a list, since no shell takes a command apart here",
            hint=f'Write {key} = ["program", "argument", …].',
        )
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigError(f"expected a list of texts, the program and its arguments, not {kind_of(value)}")
    if not value or not value[0]:
        raise ConfigError("no program is named")
    if any("\0" in word for word in value):
        raise ConfigError("no argument can have a NUL in it")
    return tuple(value)


def _check_credential(value: object) -> str | None:
    """The source that alone is asked for the password; None where the table is empty."""
    if not isinstance(value, dict):
        raise ConfigError(f'expected credential.source = "…", not {kind_of(value)}')
    unknown = next((key for key in value if key != "source"), None)
    if unknown is not None:
        raise ConfigError(f"there is no key “{printable(unknown, 80)}”, only credential.source")
    return one_of(value["source"], CREDENTIAL_SOURCES) if value else None


def _check_headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ConfigError(f"expected a table ([profile.NAME.headers]), not {kind_of(value)}")
    return tuple((name, check_header(name, text)) for name, text in value.items())


def check_header(name: str, value: object) -> str:
    """The value of a header that every message of a profile gets. Raises `ConfigError` with the header's name."""
    shown = printable(name, 80)
    if not re.fullmatch(_HEADER_NAME, name):
        raise ConfigError(f"“{shown}” is no name of a header")
    if name.lower() in _OWN_HEADERS or name.lower().startswith(("content-", "resent-")):
        raise ConfigError(f"the header “{shown}” is each message's own and can't stand in a profile")
    if not isinstance(value, str):
        raise ConfigError(f"the header “{shown}” is a text, not {kind_of(value)}")
    if find_control(value.replace("\t", " ")) is not None:
        raise ConfigError(f"the header “{shown}” has a line break or another control character")
    return value


def _check_oauth(value: object) -> OAuthTable:
    from sendmail_cli.config.oauth.table import parse_oauth_table

    return parse_oauth_table(value)


_CHECKS: dict[str, Callable[[object], object]] = {
    "from": _check_from,
    "server": _check_servers,
    "pipe": partial(_check_argv, "pipe"),
    "proxy": parse_proxy,
    "bind": parse_bind,
    "user": _check_user,
    "tls": parse_tls,
    "auth": _check_auth,
    "ehlo": parse_ehlo_name,
    "ca_file": parse_file_name,
    "tls_min": parse_tls_min,
    "tls_cert": parse_file_name,
    "tls_key": parse_file_name,
    "tls_pin": parse_tls_pin,
    "timeout": parse_timeout,
    "pipelining": lambda value: one_of(value, PIPELINING_CHOICES),
    "chunking": lambda value: one_of(value, CHUNKING_CHOICES),
    "password_file": parse_file_name,
    "password_command": partial(_check_argv, "password_command"),
    "credential": _check_credential,
    "allow_insecure_keyring": check_switch,
    "qualify": parse_qualify,
    "fcc": parse_file_name,
    "signature": parse_signature,
    "signature_file": parse_file_name,
    "match": parse_patterns,
    "force_from": check_switch,
    "allow_from": parse_patterns,
    "bcc": parse_copies,
    "headers": _check_headers,
    "oauth": _check_oauth,
    **{key: partial(one_of, choices=choices) for key, choices in QUEUE_WORDS.items()},
    **QUEUE_CHECKS,
}
KEYS = tuple(_CHECKS)
TABLES = ("headers", "credential", "oauth")  # those of them that are tables
COMMANDS = ("pipe", "password_command")  # lists of words
LISTS = ("server", "match", "allow_from")  # a text, or a list of them
SWITCHES = tuple(key for key, check in _CHECKS.items() if check is check_switch)
