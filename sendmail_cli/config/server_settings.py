"""Which server a message goes to, and how: host, port, TLS, user, the rest.

A profile's user, TLS settings, way to sign in, pipelining, chunking and password belong to each of its servers.
`--server` takes them over only where it names the same host as one of those, `--pipe` only where it is the same
command: a password never goes to another server than those it was set up for. Proxy and address to come from are the
sender's, as the name for EHLO is: they hold for every server that is reached over a network.
"""

from __future__ import annotations

from sendmail_cli.config.origins import DEFAULT, Origin, Origins, origin_of, parse_flag
from sendmail_cli.config.profile_keys import (
    NEEDS_NO_PASSWORD,
    SAFE_IN_THE_CLEAR,
    parse_ehlo_name,
    parse_pipe,
    parse_timeout,
    parse_tls,
)
from sendmail_cli.config.profiles import FIRST_STEPS, NO_PROFILE, SANDBOX
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.config.tls_settings import TLS_FLAGS, flag_of, refuse_tls_contradictions, resolve_tls
from sendmail_cli.config.way_settings import Way, refuse_way, resolve_way
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.config.profiles import Profile, Profiles
    from sendmail_cli.config.settings import ServerFlags
    from sendmail_cli.environment import Environment

OLDEST_TLS = "1.2"  # RFC 8996
IMPLICIT_PORT = 465  # RFC 8314 §3.3
SUBMISSION_PORT = 587  # RFC 6409 §3.1
SMTP_PORT = 25
LMTP_PORT = 24  # registered for private mail systems, and what Postfix and Dovecot take for it
NO_HOST = ServerURL("")  # where a program is the server
_NAMELESS_HINT = (
    "Pin the certificate with tls_pin; or use tls none where nobody else sees what is said on the way. "
    "--insecure takes any certificate, this once."
)
_PROGRAM_HINT = (
    "Where a program leads only it knows. Use starttls with tls_pin, or auth scram-sha-256, which shows no password; "
    "or leave out the user where the server needs none."
)


class ServerResolver:
    """Decides one value of the server after the other and notes the origin of each.

    `owner` is the profile that the server belongs to, `NO_PROFILE` where it is not the chosen profile's.
    """

    def __init__(
        self, flags: ServerFlags, profile: Profile, profiles: Profiles, environment: Environment, origins: Origins
    ) -> None:
        self.flags = flags
        self.profile = profile
        self.profiles = profiles
        self.environment = environment
        self.origins = origins
        self.command = self.pipe()
        self.url, self.origin = self.target()
        origins.by_name["server" if self.command is None else "pipe"] = self.origin
        self.owner = profile if self.is_profiles() else NO_PROFILE
        self.tls_settings = resolve_tls(flags, self.owner, origins, self.in_profile, environment.home)
        self.url_origin = self.origin  # of its scheme and port
        self.is_tls_profiles = self.adopt()
        is_named = flags.server is not None or flags.pipe is not None
        self.fallback_urls = () if is_named else profile.servers[1:]
        self.way = self.way_out()

    def pipe(self) -> tuple[str, ...] | None:
        """The program that is the server."""
        flag = parse_flag("--pipe", parse_pipe, self.flags.pipe)
        if flag is not None and self.flags.server is not None:
            raise UsageError("--pipe and --server both say which server it is; give one of them")
        return self.profile.pipe if flag is None and self.flags.server is None else flag

    def target(self) -> tuple[ServerURL, Origin]:
        profile = self.profile
        if self.flags.pipe is not None:
            return NO_HOST, Origin("flag", "--pipe")
        url = parse_flag("--server", parse_server_url, self.flags.server)
        if url is not None:
            return url, Origin("flag", "--server")
        if profile.name == SANDBOX:
            self.refuse_sandbox_flags()
            return ServerURL("localhost", 0), self.in_profile("server")
        if self.command is not None:
            return NO_HOST, self.in_profile("pipe")
        if profile.servers:
            return profile.servers[0], self.in_profile("server")
        if profile.name:
            raise ConfigError(
                f"{profile.place}: the profile “{profile.name}” has no server",
                hint='Write one below it: server = "smtp.example.org", or name one with --server.',
            )
        if self.profiles.names:
            raise ConfigError(
                f"there are several profiles and none is chosen: {', '.join(self.profiles.names)}",
                hint="Name one with -p, or make one the default: sendmail-cli profile default NAME",
            )
        raise ConfigError(self.profiles.nothing(), hint=FIRST_STEPS)

    def refuse_sandbox_flags(self) -> None:
        """The sandbox is started for the message, and has its own certificate."""
        for name in ("tls", *TLS_FLAGS, "proxy", "bind"):
            if getattr(self.flags, name) is not None:
                raise UsageError(
                    f"{flag_of(name)} has no place with the profile {SANDBOX}: "
                    "it uses STARTTLS with a certificate of its own",
                    hint="Run one that takes every way: sendmail-cli sandbox --port 2525",
                )

    def is_profiles(self) -> bool:
        """True when the server is one of the profile's own."""
        if self.flags.pipe is not None:
            return self.command == self.profile.pipe
        return self.flags.server is None or any(url.is_same_host(self.url) for url in self.profile.servers)

    def adopt(self) -> bool:
        """True when the profile's TLS mode holds. A --server with a port or scheme of its own speaks for itself.

        One that only names the profile's again has the scheme and port that it has there.
        """
        url = self.url
        if self.flags.server is None:
            return True
        if self.flags.tls is not None or url.scheme is not None:
            return False
        for own in self.owner.servers:
            if own.is_same_host(url) and url.port in {None, own.port}:
                self.url, self.url_origin = url._replace(scheme=own.scheme, port=own.port), self.in_profile("server")
                return True
        return False

    def way_out(self) -> Way:
        """The way to those of the servers that are reached over a network."""
        if self.owner is self.profile and self.profile.name == SANDBOX:
            return Way()
        if self.command is not None or all(url.socket_path for url in (self.url, *self.fallback_urls)):
            refuse_way(self.flags, "a program" if self.command is not None else "a unix socket")
            return Way()
        return resolve_way(self.flags, self.profile, self.environment, self.origins)

    def is_here(self, url: ServerURL) -> bool:
        """True when the way to `url` never leaves this machine. By a proxy "localhost" is the proxy's own."""
        return url.is_this_machine and (self.way.proxy is None or url.socket_path is not None)

    def servers(self) -> tuple[Server, ...]:
        """The server, and those of the profile that are for when it can't be had."""
        flags, profile, owner = self.flags, self.profile, self.owner
        user = self.user()
        if flags.insecure:
            self.origins.by_name["insecure"] = Origin("flag", "--insecure")
        shared = Server(
            host="",
            port=0,
            command=self.command,
            **self.tls_settings._replace(tls_min=self.tls_settings.tls_min or OLDEST_TLS)._asdict(),
            user=user,
            auth=self.auth(),
            ehlo_name=self.origins.first(
                "ehlo",
                (parse_flag("--ehlo", parse_ehlo_name, flags.ehlo), Origin("flag", "--ehlo")),
                (profile.ehlo, self.in_profile("ehlo")),
            ),
            is_verified=not flags.insecure,
            is_pipelining_eager=self.origins.first("pipelining", (owner.pipelining, self.in_profile("pipelining")))
            == "eager",
            is_chunking_eager=self.origins.first("chunking", (owner.chunking, self.in_profile("chunking"))) == "eager",
            timeout=self.origins.first(
                "timeout",
                (parse_flag("--timeout", parse_timeout, flags.timeout), Origin("flag", "--timeout")),
                (profile.timeout, self.in_profile("timeout")),
            ),
        )
        if self.fallback_urls:
            self.origins.by_name["fallbacks"] = self.origin
        server = self.at(self.url, shared, self.origins)
        return server, *(self.at(url, shared, self.origins.copy()) for url in self.fallback_urls)

    def at(self, url: ServerURL, shared: Server, origins: Origins) -> Server:
        """`shared`, which all servers of a profile have in common, for the one at `url`."""
        is_nameless = not url.host  # and no certificate is for it
        is_plain_enough = not any(self.tls_settings) and (shared.user is None or is_nameless)
        port, tls = self.port_and_tls(url, origins, is_plain_enough=is_plain_enough)
        way = self.way if url.socket_path is None else Way()
        server = shared._replace(
            host=url.host,
            port=port,
            socket_path=url.socket_path,
            is_lmtp=url.is_lmtp,
            proxy=way.proxy,
            bind=way.bind,
            tls=tls,
        )
        self.refuse_contradictions(url, server, origins)
        return server

    def user(self) -> str | None:
        owner = self.owner
        return self.origins.first(
            "user",
            (self.url.user if self.flags.server is not None else None, self.origin),
            (owner.user, self.in_profile("user")),
            (owner.login, self.in_profile("server")),
        )

    def auth(self) -> str:
        """How to sign in; "auto" of a profile whose password is a token is "oauth"."""
        owner = self.owner
        if owner.oauth is not None:
            self.origins.by_name["oauth"] = self.in_profile("oauth")
        auto = "auto" if owner.oauth is None else "oauth"
        chosen = self.origins.first("auth", (owner.auth, self.in_profile("auth")), (auto, DEFAULT))
        return auto if chosen in {None, "auto"} else str(chosen)

    def port_and_tls(self, url: ServerURL, origins: Origins, *, is_plain_enough: bool) -> tuple[int, TLSMode]:
        """Port and TLS mode.

        `is_plain_enough` says that nothing asks for TLS: no password goes there, nothing was said of certificates.
        """
        tls: TLSMode | None = origins.first(
            "tls",
            (parse_flag("--tls", parse_tls, self.flags.tls), Origin("flag", "--tls")),
            (self.owner.tls if self.is_tls_profiles else None, self.in_profile("tls")),
        )
        if url.is_smtps and tls is not None and tls is not TLSMode.IMPLICIT:  # in a file, `profiles` has refused it
            raise UsageError(
                f"--tls {tls.value} contradicts smtps://, which is TLS from the first byte",
                hint="Name the server with smtp:// for STARTTLS, or its host alone.",
            )
        is_here = self.is_here(url)
        port = 0
        if url.host:  # neither a program nor a socket has one
            origins.by_name["port"] = DEFAULT if url.port is None else self.url_origin
            port = _default_port(url, tls, is_here=is_here) if url.port is None else url.port
        if tls is None:
            origins.by_name["tls"] = self.url_origin if url.is_smtps else DEFAULT
            may_be_plain = is_plain_enough and (is_here or self.command is not None)
            tls = _default_tls(url, port, may_be_plain=may_be_plain)
        return port, tls

    def refuse_contradictions(self, url: ServerURL, server: Server, origins: Origins) -> None:
        """Raise `ConfigError` for settings that can't be meant together."""
        refuse_tls_contradictions(server, origins)
        if not server.host:
            refuse_nameless(server, origins)
        if server.user is None:
            for key in ("oauth", "auth", "password_file", "password_command"):
                if getattr(self.owner, key) not in {None, "auto", "none", *NEEDS_NO_PASSWORD}:
                    raise ConfigError(
                        f"{self.owner.said_at(key)}: signing in needs a user",
                        hint='Write user = "…" in the profile, or user@host as its server.',
                    )
            return
        if server.auth == "none":
            raise ConfigError(
                f"{self.owner.said_at('auth')}: “none” contradicts the user "
                f"“{printable(server.user, 80)}”; keep one of them"
            )
        is_open = server.tls in {TLSMode.NONE, TLSMode.OPPORTUNISTIC} and not self.is_here(url)
        if is_open and server.auth not in SAFE_IN_THE_CLEAR:
            raise ConfigError(
                f"{origins.by_name['tls']}: tls “{server.tls.value}” for {server} with the user "
                f"“{printable(server.user, 80)}”: a password never leaves this machine in the clear",
                hint="Use implicit or starttls, or leave out the user where the server needs none."
                if server.command is None
                else _PROGRAM_HINT,
            )

    def in_profile(self, key: str) -> Origin:
        return origin_of(self.profile, key, self.environment.home)


def refuse_nameless(server: Server, origins: Origins) -> None:
    """Raise `ConfigError` for what goes by a host's name, where the server is a socket or a program and has none."""
    is_checked = server.is_verified and server.tls_pin is None
    if is_checked and server.tls in {TLSMode.IMPLICIT, TLSMode.STARTTLS}:
        raise ConfigError(
            f"{origins.by_name['tls']}: tls “{server.tls.value}” for {server}: a certificate is for a host's name, "
            "and there is none to check it by",
            hint=_NAMELESS_HINT,
        )
    if server.auth == "gssapi":
        raise ConfigError(
            f"{origins.by_name['auth']}: auth “gssapi” for {server}: a ticket is for a host's name, and there is none"
        )


def _default_port(url: ServerURL, tls: TLSMode | None, *, is_here: bool) -> int:
    if url.is_lmtp:
        return LMTP_PORT
    if url.is_smtps or tls is TLSMode.IMPLICIT:
        return IMPLICIT_PORT
    if tls is TLSMode.STARTTLS:
        return SUBMISSION_PORT
    if tls is not None or is_here:
        return SMTP_PORT
    return SUBMISSION_PORT if url.scheme == "smtp" else IMPLICIT_PORT


def _default_tls(url: ServerURL, port: int, *, may_be_plain: bool) -> TLSMode:
    if url.is_smtps or port == IMPLICIT_PORT:
        return TLSMode.IMPLICIT
    return TLSMode.NONE if may_be_plain else TLSMode.STARTTLS
