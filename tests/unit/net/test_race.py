"""Several addresses at once: who begins when, who wins, and what becomes of the others."""

import _socket
import errno
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from sendmail_cli.errors import ConnectFailed, ResourceError
from sendmail_cli.net import race as race_module
from sendmail_cli.net.race import ATTEMPT_DELAY, Address, Race, interleaved, open_socket, wait_for_any
from tests.support.dialogue import Clock
from tests.support.ports import reserve_ports

START = 1000.0  # what `Clock` shows first
NEVER = float("inf")


def v4(last: int) -> Address:
    return Address(socket.AF_INET, (f"192.0.2.{last}", 25))


def v6(last: int) -> Address:
    return Address(socket.AF_INET6, (f"2001:db8::{last}", 25, 0, 0))


class Attempt:
    """A socket to an address of `World`, which settles when the world says so."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.settles = NEVER
        self.code = 0
        self.peer = 0
        self.is_closed = False
        self.timeout: float | None = None
        self.bound: object = None

    def settimeout(self, timeout: float) -> None:
        self.timeout = timeout

    def bind(self, where: object) -> None:
        self.bound = where

    def connect_ex(self, where: tuple[str, int]) -> int:
        assert self.timeout == 0, "a connect that blocks"
        fate = self._world.fates[where[0]]
        self._world.started.append((where[0], self._world.clock.now - START))
        if isinstance(fate, BaseException):
            raise fate
        seconds, self.code, self.peer = fate
        self.settles = self._world.clock.now + seconds
        return errno.EINPROGRESS if seconds else self.code

    def getsockopt(self, *what: int) -> int:
        assert what == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self.code

    def getpeername(self) -> object:
        if self.peer:
            raise OSError(self.peer, os.strerror(self.peer)) if self.peer > 0 else OSError("it won't say")
        return ("192.0.2.1", 25)

    def close(self) -> None:
        self.is_closed = True


class World:
    """A network where each address has its fate: seconds until the attempt settles, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.fates: dict[str, tuple[float, int, int] | BaseException] = {}
        self.started: list[tuple[str, float]] = []
        self.sockets: list[Attempt] = []
        self.no_socket: dict[int, Exception] = {}  # by how many there are already
        monkeypatch.setattr(race_module, "open_socket", self.open_socket)
        monkeypatch.setattr(race_module, "wait_for_any", self.wait_for_any)

    def set(self, address: Address, seconds: float, code: int = 0, peer: int = 0) -> Address:
        self.fates[str(address)] = (seconds, code, peer)
        return address

    def open_socket(self, _: int) -> Attempt:
        if error := self.no_socket.get(len(self.sockets)):
            self.no_socket.clear()
            raise error
        self.sockets.append(Attempt(self))
        return self.sockets[-1]

    def wait_for_any(self, connecting: list[Attempt], seconds: float) -> list[Attempt]:
        assert connecting
        assert seconds > 0
        first = min(it.settles for it in connecting)
        self.clock.now = max(self.clock.now, min(self.clock.now + seconds, first))
        return [it for it in connecting if it.settles <= self.clock.now]

    def run(self, *addresses: Address, seconds: float = 30, source: Address | None = None) -> tuple[Any, Race]:
        race = Race(addresses, source)
        winner: Any = race.run(self.clock.now + seconds, self.clock)
        assert all(it.is_closed is (it is not winner) for it in self.sockets)
        return winner, race


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_the_families_by_turns_beginning_with_the_resolvers_first() -> None:
    assert interleaved([v6(1), v6(2), v6(3), v4(1), v4(2)]) == [v6(1), v4(1), v6(2), v4(2), v6(3)]
    assert interleaved([v4(1), v4(2), v6(1)]) == [v4(1), v6(1), v4(2)]
    assert interleaved([v4(1), v4(1), v4(2), v4(1)]) == [v4(1), v4(2)]
    assert interleaved([]) == []


def test_an_address_shows_as_a_number() -> None:
    assert str(v6(1)) == "2001:db8::1"


def test_the_first_has_a_quarter_of_a_second_for_itself(world: World) -> None:
    winner, race = world.run(world.set(v6(1), 0.2), world.set(v4(1), 0))
    assert winner is world.sockets[0]
    assert world.started == [("2001:db8::1", 0)]
    assert race.reasons == {v4(1): "not needed"}


def test_after_it_the_next_begins_and_the_first_still_may_win(world: World) -> None:
    winner, _ = world.run(world.set(v6(1), 0.4), world.set(v4(1), 0.3), world.set(v6(2), 0))
    assert winner is world.sockets[0]
    assert world.started == [("2001:db8::1", 0), ("192.0.2.1", ATTEMPT_DELAY)]


def test_duty29_a_dead_first_address_costs_a_quarter_of_a_second(world: World) -> None:
    winner, race = world.run(world.set(v6(1), NEVER), world.set(v4(1), 0.01))
    assert winner is world.sockets[1]
    assert world.clock.now - START == pytest.approx(ATTEMPT_DELAY + 0.01)
    assert race.reasons == {v6(1): "another was faster"}


def test_when_all_running_ones_failed_the_next_begins_at_once(world: World) -> None:
    refused = errno.ECONNREFUSED
    winner, race = world.run(
        world.set(v6(1), 0.01, refused), world.set(v4(1), 0, errno.ENETUNREACH), world.set(v6(2), 0.01)
    )
    assert winner is world.sockets[2]
    assert [moment for _, moment in world.started] == pytest.approx([0, 0.01, 0.01])
    assert race.reasons == {v6(1): "connection refused", v4(1): "network is unreachable"}


def test_one_failure_among_several_does_not_hurry_the_next(world: World) -> None:
    """Else a network that refuses fast would see all attempts at the same moment."""
    world.run(
        world.set(v6(1), NEVER), world.set(v4(1), 0.05, errno.ECONNREFUSED), world.set(v6(2), 1), world.set(v4(2), 1)
    )
    assert [moment for _, moment in world.started] == pytest.approx([0, 0.25, 0.5, 0.75])


def test_one_deadline_for_all(world: World) -> None:
    dead = [world.set(v4(last), NEVER) for last in range(1, 5)]
    winner, race = world.run(*dead, seconds=0.6)
    assert winner is None
    assert world.clock.now - START == pytest.approx(0.6)
    assert race.reasons == dict.fromkeys(dead[:3], "connection timed out") | {dead[3]: "no time was left to try it"}


def test_no_time_at_all(world: World) -> None:
    winner, race = world.run(world.set(v4(1), 0), seconds=0)
    assert winner is None
    assert race.reasons == {v4(1): "no time was left to try it"}
    assert world.sockets == []


def test_all_failed(world: World) -> None:
    winner, race = world.run(world.set(v6(1), 0.1, errno.ECONNREFUSED), world.set(v4(1), 0.1, errno.EHOSTUNREACH))
    assert winner is None
    assert race.reasons == {v6(1): "connection refused", v4(1): "no route to host"}


def test_connected_at_once(world: World) -> None:
    winner, _ = world.run(world.set(v4(1), 0))
    assert winner is world.sockets[0]


def test_of_two_that_settle_together_the_one_that_began_first_wins(world: World) -> None:
    winner, _ = world.run(world.set(v6(1), 0.75), world.set(v4(1), 0.5))
    assert winner is world.sockets[0]


@pytest.mark.parametrize(("peer", "words"), [(errno.EINVAL, "invalid argument"), (errno.ENOTCONN, "not connected")])
def test_a_connection_that_does_not_stand(peer: int, words: str, world: World) -> None:
    winner, race = world.run(world.set(v4(1), 0.1, peer=peer))
    assert winner is None
    assert words in race.reasons[v4(1)]


def test_a_connection_of_which_the_system_does_not_say_why_it_does_not_stand(world: World) -> None:
    _, race = world.run(world.set(v4(1), 0.1, peer=-1))
    assert race.reasons == {v4(1): "input/output error"}


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), MemoryError()])
def test_an_interrupt_closes_all(interrupt: BaseException, world: World) -> None:
    world.set(v6(1), NEVER)
    world.fates[str(v4(1))] = interrupt
    with pytest.raises(type(interrupt)):
        world.run(v6(1), v4(1))
    assert [it.is_closed for it in world.sockets] == [True, True]


def test_no_socket_for_the_first_ends_it(world: World) -> None:
    world.no_socket[0] = ResourceError("no socket could be had: too many open files")
    with pytest.raises(ResourceError, match="too many open files"):
        world.run(world.set(v6(1), 1), world.set(v4(1), 1))


def test_no_socket_for_another_leaves_the_first_running(world: World) -> None:
    world.no_socket[1] = ResourceError("no socket could be had: too many open files")
    winner, race = world.run(world.set(v6(1), 1), world.set(v4(1), 0))
    assert winner is world.sockets[0]
    assert race.reasons == {v4(1): "no socket could be had: too many open files"}


def test_a_family_that_this_machine_lacks(world: World) -> None:
    world.no_socket[0] = OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
    winner, race = world.run(world.set(v6(1), 1), world.set(v4(1), 1))
    assert winner is world.sockets[0]
    assert race.reasons == {v6(1): "address family not supported by protocol"}


def test_all_come_from_the_source(world: World) -> None:
    source = Address(socket.AF_INET, ("192.0.2.99", 0))
    world.run(world.set(v4(1), NEVER), world.set(v4(2), 1), source=source)
    assert [it.bound for it in world.sockets] == [source.where, source.where]


def test_a_source_that_is_not_ours() -> None:
    race = Race([Address(socket.AF_INET, ("127.0.0.1", 9))], Address(socket.AF_INET, ("192.0.2.99", 0)))
    with pytest.raises(ConnectFailed, match=r"no connection can come from 192\.0\.2\.99: cannot assign") as caught:
        race.run(START + 5, Clock())
    assert "address of this machine" in caught.value.hint


def no_socket(code: int) -> Callable[..., socket.socket]:
    def fail(*_: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_socket_that_can_not_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_socket, "socket", no_socket(errno.EMFILE))
    with pytest.raises(ResourceError, match="no socket could be had: too many open files"):
        open_socket(socket.AF_INET)
    monkeypatch.setattr(_socket, "socket", no_socket(errno.EPERM))
    with pytest.raises(PermissionError):
        open_socket(socket.AF_INET)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_real_sockets_refused_and_connected(sockets: ExitStack) -> None:
    [port] = reserve_ports()
    sockets.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
    race = Race([Address(socket.AF_INET, ("127.0.0.1", port)), Address(socket.AF_INET6, ("::1", port, 0, 0))])
    connected = race.run(START + 5, Clock())
    assert connected is not None
    with closing(connected):
        assert connected.getpeername()[0] == "::1"
    assert race.reasons == {Address(socket.AF_INET, ("127.0.0.1", port)): "connection refused"}


def test_real_sockets_a_black_hole_and_one_that_answers(sockets: ExitStack) -> None:
    """A listener whose backlog is full leaves the next one waiting."""
    hole = sockets.enter_context(socket.socket())
    hole.bind(("127.0.0.1", 0))
    hole.listen(0)
    sockets.enter_context(socket.create_connection(hole.getsockname()))
    listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
    clock = Clock()

    def impatient() -> float:
        clock.now += ATTEMPT_DELAY  # each look at the clock: nobody sleeps
        return clock.now

    addresses = [Address(socket.AF_INET, it.getsockname()) for it in (hole, listener)]
    race = Race(addresses)
    connected = race.run(START + 1000, impatient)
    assert connected is not None
    with closing(connected):
        assert connected.getpeername() == listener.getsockname()
    assert race.reasons == {addresses[0]: "another was faster"}


@pytest.mark.parametrize("has_poll", [True, False])
def test_waiting_for_several(has_poll: bool, monkeypatch: pytest.MonkeyPatch, sockets: ExitStack) -> None:
    if not has_poll:
        monkeypatch.delattr(select, "poll")
    ready, _ = map(sockets.enter_context, socket.socketpair())
    full, _ = map(sockets.enter_context, socket.socketpair())
    full.setblocking(False)
    with suppress(BlockingIOError):
        while full.send(bytes(65536)):
            pass
    broken, other = map(sockets.enter_context, socket.socketpair())
    other.close()
    assert wait_for_any([full], 0) == []
    assert wait_for_any([broken, full, ready], 5) == [broken, ready]
