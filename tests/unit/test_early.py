"""A session that is begun before anybody asks for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from sendmail_cli import early, opening, service
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.early import EarlySession
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConnectFailed, InternalError, UsageError
from sendmail_cli.request import Request, submission_for
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server
from sendmail_cli.trace import Trace
from tests.support.command import Machine
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import EHLO, SENT

if TYPE_CHECKING:
    from pathlib import Path

    from sendmail_cli.session import Session

SERVER = Server("mx.example.org", 465)


class FakeSession:
    """Knows whether it was told to go."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.has_input = False  # of its stream, as which it stands in too

    @property
    def stream(self) -> FakeSession:
        return self

    def quit(self) -> None:
        self.gone.set()


class Beginning:
    """Stands in for `begin_session`: goes on when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
        self.session = FakeSession()
        self.may_go_on = threading.Event()
        self.calls = 0
        self._error = error
        monkeypatch.setattr(early, "begin_session", self)
        monkeypatch.setattr(early, "sign_in", lambda session, _server, _credential: session)

    def __call__(self, *_: object) -> Session:
        self.calls += 1
        assert self.may_go_on.wait(10)
        if self._error is not None:
            raise self._error
        return cast("Session", self.session)


def begun() -> EarlySession:
    environment = Environment({})
    return EarlySession(SERVER, environment, Trace(environment.monotonic))


def secret() -> Secret:
    return Secret("hunter2")


def test_it_is_begun_at_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = Beginning(monkeypatch)
    it = begun()
    beginning.may_go_on.set()
    assert cast("Any", it.session(secret)) is beginning.session
    assert beginning.calls == 1
    with pytest.raises(InternalError):
        it.session(secret)


def test_what_goes_wrong_is_raised_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = Beginning(monkeypatch, ConnectFailed("no connection"))
    it = begun()
    beginning.may_go_on.set()
    with pytest.raises(ConnectFailed, match="no connection"):
        it.session(secret)


def test_a_session_that_nobody_wants_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = Beginning(monkeypatch)
    it = begun()
    beginning.may_go_on.set()
    assert it._thread is not None
    it._thread.join()
    it.give_up()
    assert beginning.session.gone.is_set()
    it.give_up()


def test_a_session_that_comes_when_nobody_wants_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = Beginning(monkeypatch)
    it = begun()
    it.give_up()
    assert not beginning.session.gone.is_set()
    beginning.may_go_on.set()
    assert beginning.session.gone.wait(10)


def test_without_a_thread_it_is_begun_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    beginning = Beginning(monkeypatch)
    beginning.may_go_on.set()
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    it = begun()
    assert beginning.calls == 0
    assert cast("Any", it.session(secret)) is beginning.session


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of this machine count as far away; TLS is left out all the same."""
    monkeypatch.setattr(ServerURL, "is_this_machine", property(lambda _: False))


def request_to(script: ScriptedServer, text: str = "hi") -> Request:
    from sendmail_cli.addresses import parse_address_list

    flags = ServerFlags(server=f"127.0.0.1:{script.port}", tls="none", from_="ada@example.org")
    return Request(flags, to=parse_address_list("bob@example.org"), text=text)


@pytest.mark.usefixtures("far")
def test_the_server_is_greeted_while_the_message_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message is not made before the server was heard: whoever does one after the other waits for ever."""
    heard = threading.Event()
    composing = submission_for

    def compose(*arguments: Any) -> Any:
        assert heard.wait(10), "nobody dialled meanwhile"
        return composing(*arguments)

    monkeypatch.setattr(service, "submission_for", compose)
    with ScriptedServer(parse_script(SENT)) as script:
        report = service.send(
            request_to(script),
            Machine(tmp_path),
            on_event=lambda event: heard.set() if event.text.startswith("250 8BITMIME") else None,
        )
    assert report.exit_code == 0
    assert script.faults == []


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("parting", ["S: 421 4.4.2 mx.example.org idle for too long\nS! close", "S! close"])
def test_a_server_that_does_not_wait_for_the_message_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parting: str
) -> None:
    """A message may take long: what is attached comes out of a program, say."""
    first = ScriptedServer(parse_script(EHLO + parting))
    composing, beginning = submission_for, opening.begin_session
    begun: list[Session] = []

    def begin(server: Server, *arguments: Any) -> Session:
        begun.append(beginning(server._replace(port=(second if begun else first).port), *arguments))
        return begun[-1]

    def compose(*arguments: Any) -> Any:
        while not begun or not begun[0].stream.has_input:
            assert not has_waited.wait(0.01)
        return composing(*arguments)

    monkeypatch.setattr(early, "begin_session", begin)
    monkeypatch.setattr(service, "submission_for", compose)
    has_waited = threading.Event()
    patience = threading.Timer(10, has_waited.set)
    patience.start()
    with first, ScriptedServer(parse_script(SENT)) as second:
        report = service.send(request_to(first), Machine(tmp_path))
    patience.cancel()
    assert report.exit_code == 0
    assert first.faults == second.faults == []


@pytest.mark.usefixtures("far")
def test_a_message_that_cannot_be_made_says_nothing_of_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heard, given_up = threading.Event(), threading.Event()
    giving_up = EarlySession.give_up

    def compose(*_: object) -> None:
        assert heard.wait(10), "nobody dialled meanwhile"
        raise UsageError("no recipients")

    def give_up(it: EarlySession) -> None:
        given_up.set()
        giving_up(it)

    monkeypatch.setattr(service, "submission_for", compose)
    monkeypatch.setattr(EarlySession, "give_up", give_up)
    with ScriptedServer(parse_script("S: 220 mx\nC~")) as script, pytest.raises(UsageError):
        service.send(
            request_to(script), Machine(tmp_path), on_event=lambda event: heard.set() if "220" in event.text else None
        )
    assert given_up.is_set()
    assert b"MAIL" not in script.received


def test_a_server_on_this_machine_is_not_worth_a_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(EarlySession, "__init__", None)
    with ScriptedServer(parse_script(SENT)) as script:
        assert service.send(request_to(script), Machine(tmp_path)).exit_code == 0


def test_a_password_is_looked_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A second server, or a second session, gets the same: the variable is gone when it was read."""
    machine = Machine(tmp_path)
    calls = []

    def resolve(*_: object, **__: object) -> tuple[Secret, str]:
        calls.append(1)
        return Secret("hunter2"), "somewhere"

    monkeypatch.setattr("sendmail_cli.config.credentials.resolve_credential", resolve)
    find = service._credential(cast("Any", None), machine, may_ask=False)
    assert find() is find()
    assert calls == [1]
