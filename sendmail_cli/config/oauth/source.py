"""The provider as a source of credentials, for profiles that have a table `oauth`."""

from __future__ import annotations

from sendmail_cli.config.oauth.tokens import Tokens
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Token


class OAuthSource:
    """The one source of such a profile: a password is of no use to its server."""

    kind = "oauth"
    nothing = "the provider has no token"

    def __init__(self, settings: Settings, environment: Environment, *, may_ask: bool) -> None:
        self._tokens = Tokens(settings, environment, may_ask=may_ask)
        self.name = f"the sign-in at {self._tokens.table.title}"

    def find(self) -> Token:
        """A token that can be renewed. Raises `MailError` where there is none."""
        return self._tokens.current()
