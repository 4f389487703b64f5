"""The value of each setting and where it came from: flag > environment > profile > default."""

from __future__ import annotations

import os

from sendmail_cli.addresses import Mailbox, parse_mailbox
from sendmail_cli.config.credential_settings import (
    CredentialSettings,
    password_origin,
    resolve_credential_settings,
)
from sendmail_cli.config.origins import Origin, Origins, origin_in_file, origin_of, path_in
from sendmail_cli.config.profile_keys import NEEDS_NO_PASSWORD
from sendmail_cli.config.profiles import NO_PROFILE, SANDBOX, SERVER_VARIABLES
from sendmail_cli.config.queue_keys import QUEUE_KEYS, QueueSettings, queue_settings, shown_queue
from sendmail_cli.config.sender_rules import SenderRules, most_exact
from sendmail_cli.config.server_settings import ServerResolver
from sendmail_cli.config.variable_settings import with_variables
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendmail_cli.addresses import Address, AddrSpec
    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.profiles import Profile, Profiles
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret
    from sendmail_cli.server import Server, TLSMode

PROFILE_VARIABLE = "SENDMAIL_CLI_PROFILE"


class ServerFlags(NamedTuple):
    """What the command line, or a caller of the API, says about profile and server: plain values, None for unsaid."""

    profile: str | None = None
    server: str | None = None
    pipe: str | tuple[str, ...] | None = None
    proxy: str | Secret | None = None
    bind: str | None = None
    tls: str | TLSMode | None = None
    ca_file: str | None = None
    tls_min: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_pin: str | None = None
    insecure: bool = False
    ehlo: str | None = None
    timeout: float | str | None = None
    from_: str | Mailbox | None = None
    password_fd: int | None = None

    @property
    def names_server(self) -> bool:
        """True when the command line itself says where to submit."""
        return self.server is not None or self.pipe is not None


class Home(NamedTuple):
    """Where mail goes that names nobody but “root” or another name without a domain."""

    qualify: str | None = None  # the domain that such names have; None: they go to `own`
    own: Mailbox | None = None  # the profile's own address


class Settings(NamedTuple):
    """All that is set up for one message. `origins` has an entry for each value that is set, "tls" for one."""

    profile_name: str | None
    from_: Mailbox | None
    server: Server
    headers: tuple[tuple[str, str], ...]
    origins: Mapping[str, Origin]
    credential: CredentialSettings = CredentialSettings()
    signature: str | None = None  # what stands below each text
    signature_file: str | None = None  # the path of the file that says it
    fallbacks: tuple[Server, ...] = ()  # the profile's further servers, for when those before can't be had
    home: Home = Home()  # what becomes of a recipient without a domain
    fcc: str | None = None  # the Maildir or mbox in which sent messages are kept
    queue: QueueSettings = QueueSettings()
    rules: SenderRules = SenderRules()  # what the profile demands of From
    bcc: tuple[Address, ...] = ()  # who gets a blind copy of each message

    @property
    def oauth(self) -> OAuthTable | None:
        """Who gives a token in place of a password, where somebody does."""
        return self.credential.oauth

    @property
    def is_password_in_keyring(self) -> bool:
        """True when the keyring is where the password will be looked for; it may have none."""
        origin = self.origins.get("password")
        return origin is not None and origin.kind == "keyring"

    @property
    def is_password_at_hand(self) -> bool:
        """True when something besides the keyring and a person is there to give it."""
        origin = self.origins.get("password")
        return origin is not None and origin.kind not in {"keyring", "default"}

    @property
    def is_sandbox(self) -> bool:
        """True when the server is the one that is started for a single message; `server` is then a placeholder."""
        server = self.server
        return self.profile_name == SANDBOX and not (server.port or server.socket_path or server.command)


def resolve_settings(
    flags: ServerFlags, profiles: Profiles, environment: Environment, sender: AddrSpec | None = None
) -> Settings:
    """The settings for `flags`. `sender` chooses the profile where they name none; without it that is their From.

    Raises `UsageError` for a bad flag, `AddressError` for a bad From, and `ConfigError` where the configuration is
    missing, contradicts itself, or would show a password on the network.
    """
    origins = Origins()
    chosen = choose_profile(flags, profiles, environment, sender)
    profile = NO_PROFILE
    if chosen is not None:
        profile, origin = chosen
        origins.by_name |= {"profile": origin} if profile.name else {}
    resolver = ServerResolver(flags, profile, profiles, environment, origins)
    for key in ("force_from", "allow_from", "bcc"):
        if getattr(profile, key):
            origins.by_name[key] = resolver.in_profile(key)
    for name, _ in profile.headers:
        origins.by_name[f"headers.{name}"] = resolver.in_profile(f"headers.{name}")
    for key in QUEUE_KEYS:
        if key in profile.places:
            origins.by_name[key] = resolver.in_profile(key)
    from_ = _from_of(flags)
    server, *fallbacks = resolver.servers()
    settings = Settings(
        profile.name or None,
        origins.first(
            "from",
            (None if profile.force_from else from_, Origin("flag", "--from")),
            (profile.from_, resolver.in_profile("from")),
        ),
        server,
        profile.headers,
        origins.by_name,
        signature=origins.first("signature", (profile.signature, resolver.in_profile("signature"))),
        signature_file=origins.first(
            "signature_file",
            (path_in(profile, "signature_file", environment.home), resolver.in_profile("signature_file")),
        ),
        fallbacks=tuple(fallbacks),
        rules=_rules_of(profile, resolver.in_profile("allow_from")),
        bcc=profile.bcc,
        home=Home(
            origins.first("qualify", (profile.qualify, resolver.in_profile("qualify"))),
            profile.from_,
        ),
        fcc=origins.first("fcc", (path_in(profile, "fcc", environment.home), resolver.in_profile("fcc"))),
        queue=queue_settings(profile),
    )
    return _with_credential(settings, resolver, environment)


def _rules_of(profile: Profile, allowed_by: Origin) -> SenderRules:
    if not profile.allow_from:
        return SenderRules(profile.from_ if profile.force_from else None)
    return SenderRules(None, profile.allow_from, f"the profile {profile.name or 'in use'}: allow_from ({allowed_by})")


def _from_of(flags: ServerFlags) -> Mailbox | None:
    return parse_mailbox(flags.from_) if isinstance(flags.from_, str) else flags.from_


def own_mailboxes(
    flags: ServerFlags, profiles: Profiles, environment: Environment, sender: AddrSpec | None = None
) -> tuple[Mailbox, ...]:
    """Who we are: the From of the chosen profile, then that of every other. Raises `ConfigError` as `choose_profile`.

    What `flags` say of From only chooses the profile.
    """
    chosen = choose_profile(flags, profiles, environment, sender)
    own = [] if chosen is None else [chosen[0]]
    own += [profiles.get(name) for name in profiles.names]
    return tuple(dict.fromkeys(profile.from_ for profile in own if profile.from_ is not None))


def choose_profile(
    flags: ServerFlags, profiles: Profiles, environment: Environment, sender: AddrSpec | None = None
) -> tuple[Profile, Origin] | None:
    """--profile > SENDMAIL_CLI_PROFILE > `match` of the sender > `default` in the file > the only one there is > None.

    The sender is `sender`, else the From of `flags`. But for --profile the profile has what variables say in its place;
    one that is made of variables alone has no name. Raises `ConfigError` for a name that no profile
    has, and for a sender that two profiles match as exactly.
    """
    if flags.profile is not None:
        return profiles.get(flags.profile), Origin("flag", "--profile")
    found = _in_files(flags, profiles, environment, sender)
    profile = with_variables(NO_PROFILE if found is None else found[0], environment)
    if found is not None:
        return profile, found[1]
    return None if profile is NO_PROFILE else (profile, Origin("environment", "variables"))


def _in_files(
    flags: ServerFlags, profiles: Profiles, environment: Environment, sender: AddrSpec | None
) -> tuple[Profile, Origin] | None:
    variable = environment.variables.get(PROFILE_VARIABLE)
    if variable:
        return profiles.get(variable), Origin("environment", PROFILE_VARIABLE)
    if profiles.are_matched:
        mailbox = _from_of(flags)
        address = sender if sender is not None or mailbox is None else mailbox.address
        matched = None if address is None else _matched(address, profiles, environment)
        if matched is not None:
            return matched
    if profiles.default is not None:
        return profiles.get(profiles.default), origin_in_file(profiles.default_place, environment.home)
    if len(profiles.names) == 1:
        return profiles.get(profiles.names[0]), Origin("default", "the only profile")
    return None


def _matched(sender: AddrSpec, profiles: Profiles, environment: Environment) -> tuple[Profile, Origin] | None:
    """The profile that matches `sender` most exactly."""
    best = [(pattern, each) for each in profiles.by_name.values() if (pattern := most_exact(each.match, sender))]
    if not best:
        return None
    best.sort(key=lambda found: found[0].exactness, reverse=True)
    (pattern, profile), *others = best
    if others and others[0][0].exactness == pattern.exactness:
        also, other = others[0]
        raise ConfigError(
            f"{printable(str(sender), 80)} is matched by the profile {profile.name} ({pattern}, "
            f"{profile.place_of('match')}) as exactly as by {other.name} ({also}, {other.place_of('match')})",
            hint="Name one of them with -p, or write one pattern out further.",
        )
    return profile, Origin("profile", f"match {pattern} in {origin_of(profile, 'match', environment.home)}")


def service_socket(flags: ServerFlags, environment: Environment) -> str | None:
    """The socket of the machine's own mail service, where there is one and the caller has no way of his own; else None.

    A way of his own is a profile or a server that is named, by an option or a variable, or a `profiles.toml` in his
    home. The machine's, in /etc, is the service's as well.
    """
    named = (PROFILE_VARIABLE, *SERVER_VARIABLES)
    if flags.profile is not None or any(map(environment.variables.get, named)) or environment.has_own_profiles:
        return None
    path = environment.service_socket
    return path if os.path.exists(path) else None


def describe_settings(settings: Settings) -> Iterator[tuple[str, str, Origin]]:
    """Name, value as text and origin of each setting that is set, for `profile show` and `--verbose`."""
    server = settings.server
    networked = next((each for each in (server, *settings.fallbacks) if each.socket_path is None), server)
    values: dict[str, object] = {
        "profile": settings.profile_name,
        "from": settings.from_,
        "force_from": "true",
        "allow_from": ", ".join(pattern.text for pattern in settings.rules.allowed),
        "bcc": ", ".join(map(str, settings.bcc)),
        "server": _scheme(server) + (server.socket_path or server.host),
        "pipe": _joined(server.command),
        "port": server.port,
        "tls": server.tls.value,
        "fallbacks": ", ".join(f"{_scheme(each)}{each} ({each.tls.value})" for each in settings.fallbacks),
        "proxy": _shown(networked.proxy),
        "bind": networked.bind,
        "user": server.user,
        "auth": server.auth,
        "oauth": settings.credential.oauth,
        "password": _password_shown(settings),
        "credential.source": settings.credential.source,
        "ehlo": server.ehlo_name,
        "ca_file": server.ca_file,
        "tls_min": server.tls_min,
        "tls_cert": server.tls_cert,
        "tls_key": server.tls_key,
        "tls_pin": server.tls_pin,
        "insecure": "true",
        "pipelining": "eager" if server.is_pipelining_eager else "auto",
        "qualify": settings.home.qualify,
        "fcc": settings.fcc,
        "signature": settings.signature,
        "signature_file": settings.signature_file,
        "chunking": "eager" if server.is_chunking_eager else "never",
        "timeout": f"{server.timeout:g}s" if server.timeout is not None else None,
        **{f"headers.{name}": value for name, value in settings.headers},
        **shown_queue(settings.queue),
    }
    for name, value in values.items():
        if name in settings.origins:
            yield name, printable(str(value)), settings.origins[name]


def _password_shown(settings: Settings) -> str:
    if settings.oauth is not None:
        return "a token"
    return "***" if settings.is_password_at_hand else "not looked up yet"


def _scheme(server: Server) -> str:
    """What stands before socket or host where it is told; TLS has a line of its own."""
    if server.socket_path is not None:
        return "lmtp:" if server.is_lmtp else "unix:"
    return "lmtp://" if server.is_lmtp else ""


def _joined(command: tuple[str, ...] | None) -> str | None:
    if command is None:
        return None
    from shlex import join

    return join(command)


def _shown(proxy: Secret | None) -> str:
    """What may be shown of a proxy: neither user nor password."""
    if proxy is None:
        return "none"
    from sendmail_cli.net.proxy import parse_proxy_url

    url = parse_proxy_url(proxy)
    return f"{url.scheme}://{url}"


def _with_credential(settings: Settings, resolver: ServerResolver, environment: Environment) -> Settings:
    """`settings` with what leads to the password, where the server and the user are the profile's."""
    user, owner = settings.server.user, resolver.owner
    if user is None or settings.server.auth in NEEDS_NO_PASSWORD:
        return settings
    is_foreign = owner is NO_PROFILE or owner.login not in {None, user}
    credential = resolve_credential_settings(
        NO_PROFILE if is_foreign else owner, resolver.profiles, environment.home
    )._replace(descriptor=resolver.flags.password_fd)
    if credential == CredentialSettings():
        return settings
    origin = password_origin(credential, environment, resolver.in_profile)
    origins = {**settings.origins, "password": origin}
    if credential.source is not None:
        origins["credential.source"] = resolver.in_profile("credential.source")
    return settings._replace(credential=credential, origins=origins)
