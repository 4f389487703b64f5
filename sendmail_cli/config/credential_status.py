"""Where the password of a profile comes from, found out by asking for it. Nothing of it is kept or shown."""

from __future__ import annotations

from sendmail_cli.config.profile_keys import NEEDS_NO_PASSWORD
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import MailError
from sendmail_cli.secret import Token
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.profiles import Profiles
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment


class Standing(NamedTuple):
    """What came of asking for a password."""

    source: str | None  # who has it, or that none is needed; None where nobody does
    reason: str = ""  # why nobody does
    exit_code: ExitCode = ExitCode.OK  # that of a send which needs it

    @property
    def is_working(self) -> bool:
        """True when a send would get what it needs."""
        return self.exit_code is ExitCode.OK


def standing_of(name: str | None, profiles: Profiles, environment: Environment) -> Standing:
    """How it stands with the profile `name`, or the one that is used when none is named. No person is asked."""
    from sendmail_cli.config.credentials import resolve_credential

    try:
        settings = resolve_settings(ServerFlags(profile=name), profiles, environment)
        why_none = _needs_none(settings)
        if why_none is not None:
            return Standing(why_none)
        secret, source = resolve_credential(settings, environment)
        if isinstance(secret, Token):
            secret.current()
    except MailError as error:
        return Standing(None, error.sentence, error.exit_code)
    return Standing(source)


def _needs_none(settings: Settings) -> str | None:
    """Why nobody needs to be asked for a password; None where somebody does."""
    if settings.is_sandbox or (settings.server.user is None and settings.server.auth not in NEEDS_NO_PASSWORD):
        return "no password is needed: it signs in nowhere"
    if settings.server.auth in NEEDS_NO_PASSWORD:
        return f"no password is needed: it signs in by {settings.server.auth}"
    return None
