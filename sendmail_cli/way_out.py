"""Where a program's mail will go, for who answers it by SMTP: whether it may wait here, and what the server takes."""

from __future__ import annotations

from contextlib import suppress

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import resolve_settings
from sendmail_cli.errors import MailError
from sendmail_cli.opening import begin_session
from sendmail_cli.queue.choice import QueueMode, queue_mode
from sendmail_cli.trace import Trace
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.config.settings import ServerFlags, Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.queue.choice import Queueing
    from sendmail_cli.smtp.capabilities import Capabilities


class WayOut:
    """The way that `flags` lead; where a sender chooses the profile, that of the others."""

    def __init__(self, flags: ServerFlags, queueing: Queueing, environment: Environment) -> None:
        self._flags = flags
        self._queueing = queueing
        self._environment = environment
        self._capabilities: Capabilities | None = None
        self._is_asked = False

    def may_mail_wait(self) -> bool:
        """True where the queue takes what the server doesn't: then it may be told that we have it."""
        try:
            return queue_mode(self._queueing, self._settings()) is not QueueMode.NEVER
        except MailError:
            return False

    def capabilities(self) -> Capabilities | None:
        """What the server offers, which is asked once, by EHLO and without a sign-in; None where it can't be had."""
        if not self._is_asked:
            self._is_asked = True
            with suppress(MailError):  # a mail will meet that, too, and say it
                self._capabilities = self._ask()
        return self._capabilities

    def _settings(self) -> Settings:
        return resolve_settings(self._flags, load_profiles(self._environment), self._environment)

    def _ask(self) -> Capabilities | None:
        settings = self._settings()
        if settings.is_sandbox:  # it is there for one message
            return None
        session = begin_session(settings.server, self._environment, Trace(self._environment.monotonic))
        session.quit()
        return session.capabilities
