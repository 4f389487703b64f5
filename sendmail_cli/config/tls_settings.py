"""What a server's TLS is to be like: authorities, oldest version, our certificate, pin. All belong to their server.

flag > profile; a file's name in a profile is relative to the profile's file, and `~/` is the home folder
"""

from __future__ import annotations

from sendmail_cli.config.origins import Origin, Origins, parse_flag, path_in
from sendmail_cli.config.profile_keys import parse_file_name, parse_tls_min, parse_tls_pin
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from sendmail_cli.config.profiles import Profile
    from sendmail_cli.config.settings import ServerFlags

TLS_FLAGS = ("ca_file", "tls_min", "tls_cert", "tls_key", "tls_pin")  # those of `ServerFlags` that speak of TLS
TLS_FILES = ("ca_file", "tls_cert", "tls_key")  # those of them that name a file


class TLSSettings(NamedTuple):
    """Fields of `Server`, by its names."""

    ca_file: str | None
    tls_min: str | None
    tls_cert: str | None
    tls_key: str | None
    tls_pin: str | None


def flag_of(name: str) -> str:
    """The flag of a setting: tls_min → --tls-min."""
    return "--" + name.replace("_", "-")


def resolve_tls(
    flags: ServerFlags, owner: Profile, origins: Origins, in_profile: Callable[[str], Origin], home: str
) -> TLSSettings:
    """The settings that hold, each with its origin noted. `owner` is the profile whose server it is."""

    def value(name: str, parse: Callable[[object], str], of_profile: str | None) -> str | None:
        flag = parse_flag(flag_of(name), parse, getattr(flags, name))
        return origins.first(name, (flag, Origin("flag", flag_of(name))), (of_profile, in_profile(name)))

    def file(name: str) -> str | None:
        return value(name, parse_file_name, path_in(owner, name, home))

    ca_file, certificate = file("ca_file"), file("tls_cert")
    if flags.tls_cert is not None:  # it has a key of its own
        owner = owner._replace(tls_key=None)
    return TLSSettings(
        ca_file,
        value("tls_min", parse_tls_min, owner.tls_min),
        certificate,
        file("tls_key"),
        value("tls_pin", parse_tls_pin, owner.tls_pin),
    )


def refuse_tls_contradictions(server: Server, origins: Origins) -> None:
    """Raise `UsageError` where a flag, and `ConfigError` where a profile asks for what can't be meant together."""
    by_name = origins.by_name
    if server.tls_key is not None and server.tls_cert is None:
        _refuse(by_name["tls_key"], "a key is of no use without its certificate (tls_cert)")
    needs_tls = {TLSMode.NONE: ("tls_min", "tls_cert", "tls_pin"), TLSMode.OPPORTUNISTIC: ("tls_pin",)}
    for name in needs_tls.get(server.tls, ()):
        if name in by_name:
            _refuse(
                by_name["tls"],
                f"tls “{server.tls.value}” contradicts {name} ({by_name[name]})",
                "With implicit or starttls nothing is said without TLS.",
            )
    if server.tls_pin is not None and not server.is_verified:
        _refuse(
            by_name["insecure"],
            f"any certificate, or only the one of tls_pin ({by_name['tls_pin']})? Keep one of them",
            "To take another certificate from now on, pin that one.",
        )
    if server.auth == "external" and server.tls_cert is None:
        _refuse(
            by_name["auth"],
            "auth “external” signs in with a certificate, and there is none",
            "Name it with tls_cert and tls_key in the profile.",
        )
    if server.auth == "external" and server.tls is TLSMode.OPPORTUNISTIC:
        _refuse(by_name["tls"], "auth “external” signs in by TLS, and tls “opportunistic” may do without")


def _refuse(origin: Origin, sentence: str, hint: str = "") -> NoReturn:
    kind = UsageError if origin.kind == "flag" else ConfigError
    raise kind(f"{origin}: {sentence}", hint=hint)
