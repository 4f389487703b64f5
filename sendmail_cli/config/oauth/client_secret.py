"""The client's secret where no keyring is: in a variable, or in a file that one names (containers have them so)."""

from __future__ import annotations

import re

from sendmail_cli.config.credential_sources import VariableSource
from sendmail_cli.environment import CLIENT_SECRET_VARIABLES
from sendmail_cli.errors import ConfigError
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

MAX_SECRET = 4096  # octets


def secret_variable(profile_name: str) -> str:
    """The variable that may hold it: "work.eu" → SENDMAIL_CLI_CLIENT_SECRET__WORK_EU; _FILE behind it names a file."""
    return CLIENT_SECRET_VARIABLES + re.sub("[^A-Z0-9]", "_", profile_name.upper())


def client_secret(profile_name: str, rivals: tuple[str, ...], environment: Environment) -> Secret | None:
    """The secret in the variable, else in the file that the other names; None without both.

    The variable is removed. `rivals` are other profiles whose variable has the same name. Raises `ConfigError` for what
    can't be meant or can't be a secret, and `CredentialMissing` for a file without one.
    """
    source = VariableSource(secret_variable(profile_name), profile_name, rivals, environment)
    secret = source.find()
    return None if secret is None else usable_secret(secret.reveal(), source.name)


def usable_secret(text: str, whence: str) -> Secret:
    """`text` as a client's secret. Raises `ConfigError` for what none can be (RFC 6749 appendix A.2)."""
    if not all(" " <= letter <= "~" for letter in text) or len(text) > MAX_SECRET:
        raise ConfigError(f"the client secret from {whence} is none: it has at most {MAX_SECRET} characters of ASCII")
    return Secret(text)
