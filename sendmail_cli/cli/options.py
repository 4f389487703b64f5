"""Stacks of options that several commands share, and what they were set to."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import click

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.output import Output
from sendmail_cli.cli.params import DURATION, FILE, PROFILE
from sendmail_cli.config.profile_keys import TLS_VERSIONS
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.config.tls_settings import TLS_FLAGS
from sendmail_cli.environment import Environment
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.cli.trace_file import Tracing
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.trace import TraceEvent

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

TLS_MODES = ("implicit", "starttls", "opportunistic", "none")


class Talk(NamedTuple):
    """How a command speaks with its user."""

    output: Output
    environment: Environment
    may_ask: bool
    tracing: Tracing | None = None

    @property
    def on_event(self) -> Callable[[TraceEvent], None] | None:
        """Where the trace goes: nowhere unless --verbose or --trace was given."""
        shown = self.output.event if self.output.is_verbose else None
        written = None if self.tracing is None else self.tracing.event
        if shown is None or written is None:
            return shown or written

        def both(event: TraceEvent) -> None:
            shown(event)
            written(event)

        return both

    @property
    def is_dialogue_shown(self) -> bool:
        """True when it goes to standard error, line by line."""
        return self.output.is_verbose or (self.tracing is not None and self.tracing.is_shown)

    def inform(self, text: str) -> None:
        """Something that helps a person who waits, and that --quiet spares."""
        if not self.output.is_quiet:
            self.output.say(text)

    def settled(self, settings: Settings) -> None:
        """The settings that hold, before the dial."""
        if self.tracing is not None:
            self.tracing.settings = settings
        self.warn_of_insecurity(settings)

    def warn_of_insecurity(self, settings: Settings) -> None:
        """Say that --insecure was given: it never goes without a word."""
        if not settings.server.is_verified and settings.server.tls.value != "none":
            self.output.warn(
                f"--insecure: the certificate of {settings.server} is not checked; "
                "anybody on the way there can read along, a password too"
            )


def stack(*options: Decorator) -> Decorator:
    """Options as one decorator, shown in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


def profile_option(help_text: str = "Use this profile; without it the default one.") -> Decorator:
    """-p/--profile."""
    return option("-p", "--profile", type=PROFILE, section="Where", help=help_text)


def password_fd_option(section: str | None) -> Decorator:
    """--password-fd under this heading of a command."""
    return option(
        "--password-fd",
        type=click.IntRange(0),
        metavar="N",
        section=section,
        help="Read the password from this file descriptor (its first line), and from nowhere else: "
        "--password-fd 3 3<FILE.",
    )


server_options = stack(
    profile_option(),
    option(
        "-S",
        "--server",
        once=True,
        metavar="SERVER",
        section="Where",
        help="Submit to [smtps://|smtp://|lmtp://][user@]host[:port], unix:/path or lmtp:/path. "
        "Without a port: 465, and 25 on this machine; smtp:// means 587, lmtp:// 24; the profile's for its own host.",
    ),
    option(
        "--pipe",
        once=True,
        metavar="COMMAND",
        section="Where",
        help="Submit to this program, which speaks SMTP on its standard input and output: "
        "'ssh host /usr/sbin/sendmail -bs'. It is run without a shell.",
    ),
    option(
        "--proxy",
        once=True,
        metavar="URL",
        section="Where",
        help="Go by this proxy: socks5h://host[:port], or socks5, socks4a, socks4, http; none: by none. "
        "A URL with a password goes into SENDMAIL_CLI_PROXY.",
    ),
    option(
        "--bind", once=True, metavar="ADDRESS", section="Where", help="Connect from this IP address of this machine."
    ),
    option(
        "--tls",
        type=click.Choice(TLS_MODES),
        section="Encryption",
        help="implicit: from the first byte (port 465); starttls: required (other ports); opportunistic: if offered; "
        "none: in the clear. The last two never carry a password off this machine.",
    ),
    option(
        "--ca-file", type=FILE, section="Encryption", help="Trust the authorities in this PEM file, not the system's."
    ),
    option(
        "--tls-min",
        type=click.Choice(TLS_VERSIONS),
        section="Encryption",
        help="Take no older version of TLS. Default: 1.2.",
    ),
    option(
        "--tls-cert", type=FILE, section="Encryption", help="Show this certificate (PEM) to a server that asks for one."
    ),
    option(
        "--tls-key",
        type=FILE,
        section="Encryption",
        help="The key of --tls-cert (PEM), where it isn't in the same file.",
    ),
    option(
        "--tls-pin",
        metavar="sha256:HEX",
        section="Encryption",
        help="Take the certificate with this SHA-256 and no other, whoever issued it.",
    ),
    option(
        "--insecure", is_flag=True, section="Encryption", help="Take any certificate, this once. It is said each time."
    ),
    password_fd_option("Where"),
    option("--ehlo", metavar="NAME", section="Where", help="Call ourselves this in EHLO."),
    option(
        "--timeout",
        type=DURATION,
        section="Where",
        help="Wait at most this long (30, 30s, 5m) in each phase but after the final dot. "
        "Default: the minutes of RFC 5321.",
    ),
)

output_options = stack(
    option("-v", "--verbose", is_flag=True, section="How", help="Show the dialogue with the server, and each choice."),
    option("-q", "--quiet", is_flag=True, section="How", help="Say nothing but errors."),
    option("--no-input", is_flag=True, section="How", help="Never ask anything, whatever the terminal."),
    option("--debug", is_flag=True, section="How", help="On a fault of the program itself, show where it was."),
)

trace_option = option(
    "--trace",
    type=FILE,
    section="How",
    help="Write the dialogue with the server to this file: .html makes it a page, .json or .jsonl a line of JSON for "
    "each event, any other name text; - is standard error. Secrets are masked.",
)

json_option = option("--json", "is_json", is_flag=True, section="How", help="Print one JSON object, on failure too.")


def server_flags(values: dict[str, Any], *, from_: Mailbox | None = None) -> ServerFlags:
    """The options of `server_options`, taken out of a command's `values`."""
    return ServerFlags(
        profile=values.pop("profile"),
        server=values.pop("server"),
        pipe=values.pop("pipe"),
        proxy=values.pop("proxy"),
        bind=values.pop("bind"),
        tls=values.pop("tls"),
        **{name: values.pop(name) for name in TLS_FLAGS},
        insecure=values.pop("insecure"),
        ehlo=values.pop("ehlo"),
        timeout=values.pop("timeout"),
        password_fd=values.pop("password_fd"),
        from_=from_,
    )


def talk(context: click.Context, values: dict[str, Any]) -> Talk:
    """The options of `output_options`, taken out of a command's `values`."""
    environment = context.find_object(Environment) or Environment()
    output = Output(
        environment,
        is_verbose=values.pop("verbose"),
        is_quiet=values.pop("quiet"),
        is_json=values.pop("is_json", False),
    )
    values.pop("debug")  # the root group's, who reads it from the arguments: errors come before options are known
    is_input_refused = values.pop("no_input") or environment.variables.get("SENDMAIL_CLI_NO_INPUT") == "1"
    return Talk(output, environment, not is_input_refused and environment.is_terminal(environment.stderr))


def traced(name: str | None, talking: Talk) -> AbstractContextManager[Talk]:
    """`talking` with the trace that --trace asks for; it is whole when the block ends. Raises `OutputError`."""
    if name is None:
        return nullcontext(talking)
    from sendmail_cli.cli.trace_file import tracing_to

    return tracing_to(name, talking)
