"""The options that say what a profile holds, and the keys of its file that they make."""

from __future__ import annotations

import os
import shlex

import click

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.oauth_options import oauth_options, take_oauth
from sendmail_cli.cli.options import TLS_MODES, stack
from sendmail_cli.cli.params import FILE, HEADER, TEXT, text_of
from sendmail_cli.config.profile_keys import (
    AUTH_CHOICES,
    CHUNKING_CHOICES,
    COMMANDS,
    CREDENTIAL_SOURCES,
    PIPELINING_CHOICES,
    TLS_VERSIONS,
)
from sendmail_cli.config.tls_settings import TLS_FILES, TLS_FLAGS
from sendmail_cli.errors import UsageError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

KEYS = (
    "from", "user", "tls", "auth", "ehlo", *TLS_FLAGS, "timeout", "proxy", "bind", "pipelining", "chunking", "qualify",
    "fcc", "password_file", "signature", "signature_file",
)  # fmt: skip
FILES = (*TLS_FILES, "fcc", "password_file", "signature_file")

SERVER_HELP = (
    "[smtps://|smtp://|lmtp://][user@]host[:port], unix:/path or lmtp:/path. Given again, it is for when those before "
    "can't be had."
)

value_options = stack(
    option("--from", type=TEXT, metavar="ADDRESS", section="What it holds", help="Whom mail is from."),
    option("--server", multiple=True, metavar="SERVER", section="What it holds", help=SERVER_HELP),
    option(
        "--pipe",
        metavar="COMMAND",
        section="What it holds",
        help="A program that is the server, in place of --server: 'ssh host /usr/sbin/sendmail -bs'. No shell runs.",
    ),
    option(
        "--proxy",
        metavar="URL",
        section="What it holds",
        help="Go by this proxy: socks5h://host[:port], or socks5, socks4a, socks4, http; without a password.",
    ),
    option("--bind", metavar="ADDRESS", section="What it holds", help="The IP address to connect from."),
    option("--user", section="What it holds", help="The name to sign in with."),
    option("--tls", type=click.Choice(TLS_MODES), section="What it holds", help="How the connection comes to TLS."),
    option(
        "--auth",
        type=click.Choice(AUTH_CHOICES),
        metavar="MECHANISM",
        section="What it holds",
        help=f"How to sign in: {', '.join(AUTH_CHOICES)}. auto takes the best that the server offers for a password; "
        "with oauthbearer and xoauth2 the secret is a token; with external --tls-cert signs in, with gssapi a Kerberos "
        "ticket.",
    ),
    option("--ehlo", metavar="NAME", section="What it holds", help="What to call ourselves in EHLO."),
    option("--ca-file", type=FILE, section="What it holds", help="Authorities to trust instead of the system's."),
    option("--tls-min", type=click.Choice(TLS_VERSIONS), section="What it holds", help="The oldest TLS that is taken."),
    option("--tls-cert", type=FILE, section="What it holds", help="Our certificate (PEM), for a server that asks."),
    option("--tls-key", type=FILE, section="What it holds", help="Its key (PEM), where it isn't in the same file."),
    option(
        "--tls-pin",
        metavar="sha256:HEX",
        section="What it holds",
        help="The SHA-256 of the one certificate that is taken, whoever issued it.",
    ),
    option("--timeout", metavar="TIME", section="What it holds", help="The longest wait in each phase: 30s, 5m."),
    option(
        "--pipelining",
        type=click.Choice(PIPELINING_CHOICES),
        section="What it holds",
        help="eager: in a row of messages send the next envelope along with each content, to a server known to be "
        "sound. Default: auto, for Postfix, Exim and sendmail alone.",
    ),
    option(
        "--chunking",
        type=click.Choice(CHUNKING_CHOICES),
        section="What it holds",
        help="eager: send small messages by BDAT in one flight, to a server known to be sound. Default: never.",
    ),
    option(
        "--qualify",
        metavar="DOMAIN",
        section="What it holds",
        help="The domain of recipients that have none and no alias. Default: they are this profile's own address.",
    ),
    option(
        "--fcc",
        type=FILE,
        metavar="DIR|FILE",
        section="What it holds",
        help="Keep a copy of each sent message here: a Maildir where it is a folder or ends in /, else an mbox.",
    ),
    option(
        "--password-command",
        metavar="COMMAND",
        section="What it holds",
        help="A command that prints the password, run without a shell. Without one it comes from the keyring.",
    ),
    option(
        "--password-file",
        type=FILE,
        section="What it holds",
        help="A file with the password alone, which nobody but you can read.",
    ),
    option(
        "--credential-source",
        type=click.Choice(CREDENTIAL_SOURCES),
        metavar="SOURCE",
        section="What it holds",
        help=f"Take the password from this source and no other: {', '.join(CREDENTIAL_SOURCES)}.",
    ),
    option(
        "--match",
        multiple=True,
        metavar="PATTERN",
        section="What it holds",
        help="Choose this profile for mail from such an address, where -p names none: '*@work.example'.",
    ),
    option("--bcc", multiple=True, metavar="ADDRESS", section="What it holds", help="Send each message there too."),
    option(
        "--force-from",
        is_flag=True,
        section="What it holds",
        help="Send everything from --from, for servers that take nothing else; another From becomes Reply-To.",
    ),
    option(
        "--allow-from",
        multiple=True,
        metavar="PATTERN",
        section="What it holds",
        help="Refuse mail from other addresses, as the server would.",
    ),
    option("-H", "--header", multiple=True, type=HEADER, section="What it holds", help="Add this to each message."),
    option("--signature", metavar="TEXT", section="What it holds", help="Put this below each text."),
    option("--signature-file", type=FILE, section="What it holds", help="The file with what is put below each text."),
    oauth_options,
)  # fmt: skip


def _whole_path(typed: str) -> str:
    """In the profile a relative path is one beside the profile's file; who types one means the folder they are in."""
    if typed.startswith("~/"):
        return typed
    return os.path.join(os.path.abspath(typed), "") if typed.endswith("/") else os.path.abspath(typed)


def fields_of(values: dict[str, Any]) -> dict[str, object]:
    """The given values as the file has them."""
    fields: dict[str, object] = {key: text_of(values[key]) for key in KEYS if values[key] is not None}
    fields |= {key: _whole_path(str(fields[key])) for key in FILES if key in fields}
    servers = [text_of(server) for server in values["server"]]
    if servers:
        fields["server"] = servers if len(servers) > 1 else servers[0]
    for key in COMMANDS:
        if values[key] is not None:
            try:
                fields[key] = shlex.split(values[key])
            except ValueError as error:
                raise UsageError(f"--{key.replace('_', '-')}: {str(error).lower()}") from None
    if values["credential_source"] is not None:
        fields["credential"] = {"source": values["credential_source"]}
    fields |= {key: list(values[key]) for key in ("match", "bcc", "allow_from") if values[key]}
    if values["force_from"]:
        fields["force_from"] = True
    if values["header"]:
        fields["headers"] = dict(values["header"])
    if oauth := take_oauth(values):
        fields["oauth"] = oauth
    return fields
