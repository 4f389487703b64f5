"""Which server a message goes to, and how: host, port, TLS, user, the rest.

A profile's user, TLS settings, way to sign in and password belong to its server. `--server` takes them over only
where it names the same host: a password never goes to another server than the one it was set up for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendmail_cli.config.origins import DEFAULT, Origin, Origins, origin_in_file, parse_flag
from sendmail_cli.config.profile_keys import (
    NEEDS_NO_PASSWORD,
    SAFE_IN_THE_CLEAR,
    parse_ehlo_name,
    parse_timeout,
    parse_tls,
)
from sendmail_cli.config.profiles import FIRST_STEPS, NO_PROFILE, SANDBOX
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.config.tls_settings import TLS_FLAGS, flag_of, refuse_tls_contradictions, resolve_tls
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.server import Server, TLSMode

if TYPE_CHECKING:
    from sendmail_cli.config.profiles import Profile, Profiles
    from sendmail_cli.config.settings import ServerFlags

OLDEST_TLS = "1.2"  # RFC 8996
IMPLICIT_PORT = 465  # RFC 8314 §3.3
SUBMISSION_PORT = 587  # RFC 6409 §3.1
SMTP_PORT = 25


class ServerResolver:
    """Decides one value of the server after the other and notes the origin of each.

    `owner` is the profile that the server belongs to, `NO_PROFILE` where it is not the chosen profile's.
    """

    def __init__(self, flags: ServerFlags, profile: Profile, profiles: Profiles, home: str, origins: Origins) -> None:
        self.flags = flags
        self.profile = profile
        self.profiles = profiles
        self.home = home
        self.origins = origins
        self.url, self.origin = self.target()
        origins.by_name["server"] = self.origin
        self.owner = profile
        if flags.server is not None and not (profile.server is not None and profile.server.is_same_host(self.url)):
            self.owner = NO_PROFILE

    def target(self) -> tuple[ServerURL, Origin]:
        profile = self.profile
        url = parse_flag("--server", parse_server_url, self.flags.server)
        if url is not None:
            return url, Origin("flag", "--server")
        if profile.name == SANDBOX:
            self.refuse_sandbox_flags()
            return ServerURL("localhost", 0), self.in_profile("server")
        if profile.server is not None:
            return profile.server, self.in_profile("server")
        if profile is not NO_PROFILE:
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
        for name in ("tls", *TLS_FLAGS):
            if getattr(self.flags, name) is not None:
                raise UsageError(
                    f"{flag_of(name)} has no place with the profile {SANDBOX}: "
                    "it uses STARTTLS with a certificate of its own",
                    hint="Run one that takes every way: sendmail-cli sandbox --port 2525",
                )

    def server(self) -> Server:
        flags, profile, owner = self.flags, self.profile, self.owner
        user = self.user()
        tls_settings = resolve_tls(flags, owner, self.origins, self.in_profile, self.home)
        port, tls = self.port_and_tls(is_plain_enough=user is None and not any(tls_settings))
        if flags.insecure:
            self.origins.by_name["insecure"] = Origin("flag", "--insecure")
        server = Server(
            host=self.url.host,
            port=port,
            socket_path=self.url.socket_path,
            tls=tls,
            **tls_settings._replace(tls_min=tls_settings.tls_min or OLDEST_TLS)._asdict(),
            user=user,
            auth=self.origins.first("auth", (owner.auth, self.in_profile("auth")), ("auto", DEFAULT)) or "auto",
            ehlo_name=self.origins.first(
                "ehlo",
                (parse_flag("--ehlo", parse_ehlo_name, flags.ehlo), Origin("flag", "--ehlo")),
                (profile.ehlo, self.in_profile("ehlo")),
            ),
            is_verified=not flags.insecure,
            timeout=self.origins.first(
                "timeout",
                (parse_flag("--timeout", parse_timeout, flags.timeout), Origin("flag", "--timeout")),
                (profile.timeout, self.in_profile("timeout")),
            ),
        )
        self.refuse_contradictions(server)
        return server

    def user(self) -> str | None:
        owner = self.owner
        return self.origins.first(
            "user",
            (self.url.user if self.flags.server is not None else None, self.origin),
            (owner.user, self.in_profile("user")),
            (owner.login, self.in_profile("server")),
        )

    def port_and_tls(self, *, is_plain_enough: bool) -> tuple[int, TLSMode]:
        """Port and TLS mode. A --server with a port or scheme of its own speaks for itself.

        `is_plain_enough` says that nothing asks for TLS: no password goes there, nothing was said of certificates.
        """
        url, origin = self.url, self.origin
        own = self.owner.server
        is_own = self.flags.server is None
        if own is not None and self.flags.tls is None and url.scheme is None and url.port in {None, own.port}:
            is_own = True
            url, origin = url._replace(scheme=own.scheme, port=own.port), self.in_profile("server")
        tls: TLSMode | None = self.origins.first(
            "tls",
            (parse_flag("--tls", parse_tls, self.flags.tls), Origin("flag", "--tls")),
            (self.owner.tls if is_own else None, self.in_profile("tls")),
        )
        if (
            url.scheme == "smtps" and tls is not None and tls is not TLSMode.IMPLICIT
        ):  # in a file, `profiles` has refused it
            raise UsageError(
                f"--tls {tls.value} contradicts smtps://, which is TLS from the first byte",
                hint="Name the server with smtp:// for STARTTLS, or its host alone.",
            )
        self.origins.by_name["port"] = DEFAULT if url.port is None else origin
        port = _default_port(url, tls) if url.port is None else url.port
        if tls is None:
            self.origins.by_name["tls"] = origin if url.scheme == "smtps" else DEFAULT
            tls = _default_tls(url, port, is_plain_enough=is_plain_enough)
        return port, tls

    def refuse_contradictions(self, server: Server) -> None:
        """Raise `ConfigError` for settings that can't be meant together."""
        refuse_tls_contradictions(server, self.origins)
        if server.user is None:
            for key, value in (("auth", server.auth), ("password_command", self.owner.password_command)):
                if value not in {None, "auto", "none", *NEEDS_NO_PASSWORD}:
                    raise ConfigError(
                        f"{self.owner.place_of(key)}: profile.{self.owner.name}.{key}: signing in needs a user",
                        hint='Write user = "…" in the profile, or user@host as its server.',
                    )
            return
        if server.auth == "none":
            raise ConfigError(
                f"{self.owner.place_of('auth')}: profile.{self.owner.name}.auth: “none” contradicts the user "
                f"“{printable(server.user, 80)}”; keep one of them"
            )
        is_open = server.tls in {TLSMode.NONE, TLSMode.OPPORTUNISTIC} and not self.url.is_this_machine
        if is_open and server.auth not in SAFE_IN_THE_CLEAR:
            raise ConfigError(
                f"{self.origins.by_name['tls']}: tls “{server.tls.value}” for {server} with the user "
                f"“{printable(server.user, 80)}”: a password never leaves this machine in the clear",
                hint="Use implicit or starttls, or leave out the user where the server needs none.",
            )

    def in_profile(self, key: str) -> Origin:
        return origin_in_file(self.profile.place_of(key), self.home)


def _default_port(url: ServerURL, tls: TLSMode | None) -> int:
    if url.scheme == "smtps" or tls is TLSMode.IMPLICIT:
        return IMPLICIT_PORT
    if tls is TLSMode.STARTTLS:
        return SUBMISSION_PORT
    if tls is not None or url.is_this_machine:
        return SMTP_PORT
    return SUBMISSION_PORT if url.scheme == "smtp" else IMPLICIT_PORT


def _default_tls(url: ServerURL, port: int, *, is_plain_enough: bool) -> TLSMode:
    if url.scheme == "smtps" or port == IMPLICIT_PORT:
        return TLSMode.IMPLICIT
    if url.is_this_machine and is_plain_enough:
        return TLSMode.NONE
    return TLSMode.STARTTLS
