"""Every key of a profile as a variable, SENDMAIL_CLI_<KEY>, for containers: no file is needed.

A variable comes before the same key of the profile that is used, but not of one that -p names. SENDMAIL_CLI_SERVER, or
SENDMAIL_CLI_PIPE, names another server than the profile's, so of user, TLS and password only what variables say is for
it: SENDMAIL_CLI_PASSWORD, SENDMAIL_CLI_PASSWORD_FILE and SENDMAIL_CLI_PASSWORD_COMMAND, which are for no other server.
"""

from __future__ import annotations

from sendmail_cli.config.profile_contradictions import refuse_contradictions
from sendmail_cli.config.profile_keys import COMMANDS, KEYS, LISTS, SWITCHES, TABLES, check_value, nearest_of
from sendmail_cli.config.profiles import FIELDS, NO_PROFILE, SANDBOX, SERVER_VARIABLES
from sendmail_cli.config.server_url import PasswordInURL
from sendmail_cli.environment import (
    CLIENT_SECRET_VARIABLES,
    CONFIG_VARIABLE,
    CREDENTIAL_VARIABLE,
    PROXY_VARIABLE,
    SERVING_VARIABLE,
    SOCKET_VARIABLE,
    SPOOL_VARIABLE,
)
from sendmail_cli.errors import ConfigError, MailError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from sendmail_cli.config.profiles import Profile
    from sendmail_cli.environment import Environment

PREFIX = "SENDMAIL_CLI_"
# A proxy's variable may hold a password (`way_settings`); a file with a password has its own rules; and by `match` one
# of several profiles is chosen.
_OTHERS = frozenset((*TABLES, "proxy", "password_file", "match"))
# What belongs to the server, and what leads to its password, by the names of `Profile`.
_OF_SERVER = (
    "servers", "pipe", "user", "tls", "auth", "ca_file", "tls_min", "tls_cert", "tls_key", "tls_pin", "pipelining",
    "chunking", "password_file", "password_command", "credential_source", "allow_insecure_keyring", "oauth",
)  # fmt: skip
_TO_PASSWORD = ("password_command", "credential_source")
# Ours, and read elsewhere.
_ELSEWHERE = frozenset((
    CONFIG_VARIABLE, f"{PREFIX}PROFILE", PROXY_VARIABLE, SPOOL_VARIABLE, SOCKET_VARIABLE, SERVING_VARIABLE,
    f"{PREFIX}NO_INPUT", CREDENTIAL_VARIABLE, f"{CREDENTIAL_VARIABLE}_FILE",
))  # fmt: skip
_WITH_PROFILE = (f"{CREDENTIAL_VARIABLE}__", CLIENT_SECRET_VARIABLES)  # a profile's name follows
_IS_ON = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def with_variables(profile: Profile, environment: Environment) -> Profile:
    """`profile` with what variables say in its place. Raises `ConfigError` that names the variable which is wrong."""
    if profile.name == SANDBOX:
        return profile
    said = _said(environment)
    if not said:
        return profile
    if not names_server(environment):
        said = {key: value for key, value in said.items() if FIELDS.get(key, key) not in _TO_PASSWORD}
    else:
        profile = profile._replace(**{field: getattr(NO_PROFILE, field) for field in _OF_SERVER})
    fields: dict[str, Any] = {FIELDS.get(key, key): value for key, value in said.items()}
    profile = profile._replace(**fields, variables={_dotted(key): variable_of(key) for key in said})
    refuse_contradictions(profile)
    return profile


def names_server(environment: Environment) -> bool:
    """True when the server is named by a variable, so that no profile need be set up."""
    return any(environment.variables.get(variable) for variable in SERVER_VARIABLES)


def variable_of(key: str) -> str:
    """The variable of a profile's key: "server" → SENDMAIL_CLI_SERVER."""
    return PREFIX + ("credential_source" if key == "credential" else key).upper()


def _dotted(key: str) -> str:
    return "credential.source" if key == "credential" else key


def _said(environment: Environment) -> dict[str, Any]:
    """The checked value of each key that has a variable; an empty one is as good as none."""
    said: dict[str, Any] = {}
    given = [name for name in environment.variables if name.startswith(PREFIX) and name not in _ELSEWHERE]
    ours = {variable_of(key): key for key in KEYS if key not in _OTHERS or key == "credential"} if given else {}
    _refuse_misspelt(given, {*ours, *_ELSEWHERE})
    for variable, key in ours.items():
        text = environment.variables.get(variable) if variable in given else None
        if not text:
            continue
        try:
            said[key] = check_value(key, _as_in_file(key, text))
        except PasswordInURL as error:
            hint = f"Put it into the variable {CREDENTIAL_VARIABLE}, or the name of a file with it into"
            raise ConfigError(f"{variable}: {error.sentence}", hint=f"{hint} {CREDENTIAL_VARIABLE}_FILE.") from None
        except (MailError, ValueError) as error:
            hint = error.hint if isinstance(error, MailError) else ""
            raise ConfigError(f"{variable}: {error}", hint=hint) from None
    return said


def _refuse_misspelt(given: Iterable[str], ours: set[str]) -> None:
    """Raise `ConfigError` for a variable `given` that is nearly one of `ours`, as a file's misspelt key is refused.

    What is like none of them is somebody else's: a test's, or that of a script around us.
    """
    for variable in given:
        if variable in ours or variable.startswith(_WITH_PROFILE):
            continue
        meant = nearest_of(variable.removeprefix(PREFIX), _words(ours), cutoff=0.8)
        if meant:
            raise ConfigError(f"{variable}: there is no such variable; did you mean {PREFIX}{meant}?")


def _words(variables: Iterable[str]) -> list[str]:
    """Without what they all begin with: it would make any two of them alike."""
    return [variable.removeprefix(PREFIX) for variable in variables]


def _as_in_file(key: str, text: str) -> object:
    """The value that a file would have. Raises `ValueError` for words that no shell could take apart."""
    if key == "credential":
        return {"source": text}
    if key in COMMANDS:
        import shlex

        return shlex.split(text)
    if key in LISTS:
        return text.replace(",", " ").split()
    return _IS_ON.get(text.lower(), text) if key in SWITCHES else text
