"""A session that is begun while the message is still being made: the network waits, we don't."""

from __future__ import annotations

import threading
from contextlib import suppress

from sendmail_cli.errors import InternalError
from sendmail_cli.opening import begin_session, sign_in
from sendmail_cli.threads import BackgroundThread
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.trace import Trace


class EarlySession:
    """Looks the name up, connects and agrees on TLS in a thread of its own, from the moment it is made.

    Nothing of a message is said, and no secret: the sign-in comes when somebody asks for the session.
    """

    def __init__(self, server: Server, environment: Environment, trace: Trace) -> None:
        self._server, self._environment, self._trace = server, environment, trace
        self._session: Session | None = None
        self._error: BaseException | None = None
        self._is_given_up = False
        self._lock = threading.Lock()
        self._thread: BackgroundThread | None = BackgroundThread(self._begin, "early session")
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had: then it is begun when it is asked for
            self._thread = None

    def session(self, credential: CredentialGiver) -> Session:
        """The session, signed in; waits for it, and begins another where it has ended meanwhile.

        Raises what opening a session raises.
        """
        if self._thread is None:
            self._begin()
        else:
            self._thread.join()
        session, self._session = self._session, None
        if session is None:
            raise self._error or InternalError("a session was given away twice")
        if session.stream.has_input:  # nothing was asked since EHLO: the server, tired of waiting, has left
            session.quit()
            self._trace.note(f"{self._server} did not wait until the message was made; connecting anew")
            session = begin_session(self._server, self._environment, self._trace)
        return sign_in(session, self._server, credential)

    def give_up(self) -> None:
        """Nobody will ask for it: end it, at once or as soon as it stands. Never raises, never waits long."""
        with self._lock:
            self._is_given_up = True
            session, self._session = self._session, None
        if session is not None:
            session.quit()

    def _begin(self) -> None:
        session: Session | None = None
        try:
            session = begin_session(self._server, self._environment, self._trace)
        except BaseException as error:  # it is raised where the session is asked for
            self._error = error
        with self._lock:
            if not self._is_given_up:
                self._session, session = session, None
        if session is not None:
            with suppress(Exception):
                session.quit()
