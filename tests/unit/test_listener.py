"""Who is accepted, and what is left of the listening socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.serving import SocketChannel


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def echo(channel: SocketChannel) -> None:
    while octets := channel.read():
        channel.write(octets)


def said_to(listening: socket.socket) -> tuple[socket.socket, bytes]:
    """A client and what it hears: 421, or its own word."""
    client = socket.create_connection(listening.getsockname())
    client.sendall(b"hello")
    return client, client.recv(100)


def test_nobody_has_more_connections_than_he_may(listening: socket.socket) -> None:
    owners = iter(["ada", "ada", "ada", "bob", "ada"])
    listener = Listener(listening, echo, owner_of=lambda _: next(owners), max_of_one=2)
    listener.start()
    clients, heard = zip(*(said_to(listening) for _ in range(4)), strict=True)
    assert [each[:3] for each in heard] == [b"hel", b"hel", b"421", b"hel"]
    clients[0].close()
    listener.stop()
    for client in clients:
        client.close()


def test_whoever_else_holds_the_socket_goes_on_with_it(listening: socket.socket) -> None:
    """systemd does, and has the next of us started at the next connection."""
    with listening.dup() as held:
        listener = Listener(listening, echo)
        listener.start()
        listener.wind_up(1.0)
        listener.stop()
        with socket.create_connection(held.getsockname()), held.accept()[0]:
            pass
