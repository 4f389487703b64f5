"""How connections leave this machine: by which proxy, and from which address.

Both are the sender's, whichever server it is. The proxy of the variable SENDMAIL_CLI_PROXY may have a password; those
of flags and profiles never do. Variables of other programs, such as ALL_PROXY, are not followed: what they were set for
is seldom mail, and a proxy sees whom it is for.
"""

from __future__ import annotations

from sendmail_cli.config.origins import Origin, Origins, origin_of, parse_flag
from sendmail_cli.config.profile_keys import parse_bind, parse_proxy
from sendmail_cli.environment import PROXY_VARIABLE
from sendmail_cli.errors import ConfigError, UsageError
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.profiles import Profile
    from sendmail_cli.config.settings import ServerFlags
    from sendmail_cli.environment import Environment

NO_PROXY = "none"  # as a flag: whatever variable and profile say


class Way(NamedTuple):
    """How connections leave this machine; the straight way is `Way()`."""

    proxy: Secret | None = None  # its URL
    bind: str | None = None  # the IP address that they come from


def resolve_way(flags: ServerFlags, profile: Profile, environment: Environment, origins: Origins) -> Way:
    """The way to a server over a network. Raises `UsageError` and `ConfigError` for what can't be used."""
    bind = origins.first(
        "bind",
        (parse_flag("--bind", parse_bind, flags.bind), Origin("flag", "--bind")),
        (profile.bind, origin_of(profile, "bind", environment.home)),
    )
    if flags.proxy == NO_PROXY:
        origins.by_name["proxy"] = Origin("flag", "--proxy")
        return Way(None, bind)
    proxy = origins.first(
        "proxy",
        (parse_flag("--proxy", parse_proxy, flags.proxy), Origin("flag", "--proxy")),
        (_in_variable(environment), Origin("environment", PROXY_VARIABLE)),
        (profile.proxy, origin_of(profile, "proxy", environment.home)),
    )
    return Way(proxy, bind)


def refuse_way(flags: ServerFlags, server: str) -> None:
    """Raise `UsageError` for flags that mean a network, where `server` ("a unix socket") is reached by none."""
    for flag, value in (("--proxy", flags.proxy), ("--bind", flags.bind)):
        if value is not None:
            raise UsageError(f"{flag} is for connections over a network, and the server is {server}")


def _in_variable(environment: Environment) -> Secret | None:
    text = environment.variables.get(PROXY_VARIABLE)
    if not text:
        return None
    try:
        return parse_proxy(Secret(text))
    except ConfigError as error:
        raise ConfigError(f"{PROXY_VARIABLE}: {error.sentence}", hint=error.hint) from None
