"""A client's dialogue with us as its server: over standard input and output, or over a socket.

What to answer is a `Clerk`'s decision; here are the order of things, the deadlines, and the message on its way into a
source. The sandbox, the relay and `sendmail -bs` differ in their clerk alone.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sendmail_cli.errors import MailError
from sendmail_cli.message.source import Keeper
from sendmail_cli.octets import write_all
from sendmail_cli.smtp.answers import Answer
from sendmail_cli.smtp.asked import (
    Content,
    ContentEnded,
    Forgotten,
    Hello,
    Left,
    RecipientNamed,
    SenderNamed,
    TLSAsked,
)
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import socket
    import ssl

    from sendmail_cli.message.source import Source
    from sendmail_cli.smtp.answers import Offer
    from sendmail_cli.smtp.asked import Asked, SignInAsked
    from sendmail_cli.smtp.reception import Reception

PATIENCE = 300.0  # seconds; RFC 5321 §4.5.3.2.7
SLICE = 0.5  # seconds between two looks whether we are to end
SLOW_READ = 0.05  # seconds of patience that a read costs, and
PACE = 64  # octets that earn as much as a look costs: whoever sends octet by octet is heard for a while, not for ever
READ_SIZE = 65536  # octets
LABEL = "the message"

READY_FOR_TLS = Answer(220, "2.0.0", "Ready to start TLS")
TOO_SLOW = Answer(421, "4.4.2", "Nothing was heard for too long")
ENDING = Answer(421, "4.3.2", "Shutting down; come again")
STORAGE_FAILED = Answer(452, "4.3.1", "The message can't be kept")


class Ending(Exception):
    """We are told to end, and the client says nothing just now."""


class ReceivedMail(NamedTuple):
    """A message and its envelope as the client gave them."""

    hello: Hello
    sender: SenderNamed
    recipients: tuple[RecipientNamed, ...]  # those that were accepted
    source: Source
    is_secured: bool


class Clerk(Protocol):
    """Who decides what a client is answered. It may take its time; the client waits."""

    def offer(self, *, is_secured: bool) -> Offer:
        """What EHLO is answered with."""

    def sender(self, named: SenderNamed) -> Answer:
        """The answer to MAIL."""

    def recipient(self, named: RecipientNamed) -> Answer:
        """The answer to RCPT."""

    def sign_in(self, asked: SignInAsked) -> Answer:
        """The answer to user and password."""

    def take(self, mail: ReceivedMail) -> Answer:
        """The answer to the message: positive only when it is with somebody who will deliver it, or on the disk."""


class Channel(Protocol):
    """Octets to and from a client."""

    def read(self) -> bytes:
        """Some octets, b"" at the end. Raises `TimeoutError`, `Ending`, and `OSError` when the client is gone."""

    def write(self, octets: bytes) -> None:
        """All of them. Raises as `read`."""

    def start_tls(self) -> None:
        """TLS from here on. Raises `OSError`."""


class SocketChannel:
    """A connected socket; `context` is our side of TLS, where it is offered."""

    def __init__(self, connected: socket.socket, context: ssl.SSLContext | None = None) -> None:
        connected.settimeout(PATIENCE)
        self.socket = connected
        self._context = context
        self._patience = PATIENCE
        self._is_ending = False

    def read(self) -> bytes:
        self.socket.settimeout(SLICE)
        while self._patience > 0:
            try:
                octets = self.socket.recv(READ_SIZE)
            except TimeoutError:
                if self._is_ending:
                    raise Ending from None
                self._patience -= SLICE
                continue
            self._patience = min(PATIENCE, self._patience - SLOW_READ + len(octets) / PACE * SLICE)
            return octets
        raise TimeoutError

    def write(self, octets: bytes) -> None:
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(octets)

    def start_tls(self) -> None:
        if self._context is None:
            raise OSError("TLS was begun and never offered")
        self.socket.settimeout(PATIENCE)
        # In two steps, so that whoever shuts us down finds the socket while hands are shaken.
        secured = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket = secured
        secured.do_handshake()

    def wind_up(self) -> None:
        """From another thread: once nothing comes for a moment, the client is told that we end."""
        self._is_ending = True

    def hang_up(self) -> None:
        """From another thread: what waits for the client waits no more."""
        import socket

        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # SSLSocket's own would meddle with its reader

    def close(self) -> None:
        """Close at once."""
        with suppress(OSError):
            self.socket.close()


class DescriptorChannel:
    """Two descriptors, standard input and output. Whoever calls a program waits for it as long as he likes."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing

    def read(self) -> bytes:
        return os.read(self._reading, READ_SIZE)

    def write(self, octets: bytes) -> None:
        write_all(self._writing, octets)

    def start_tls(self) -> None:
        raise OSError("TLS was begun and never offered")


def serve(channel: Channel, reception: Reception, clerk: Clerk) -> None:
    """Hear the client to its end: QUIT, the end of its octets, or a time-out. Raises `OSError` when it is gone."""
    serving = _Serving(channel, reception, clerk)
    try:
        serving.run()
    finally:
        serving.forget()


class _Serving:
    def __init__(self, channel: Channel, reception: Reception, clerk: Clerk) -> None:
        self._channel = channel
        self._reception = reception
        self._clerk = clerk
        self._sender: SenderNamed | None = None
        self._recipients: list[RecipientNamed] = []
        self._keeper: Keeper | None = None
        self._has_failed = False  # to keep the message
        self._is_secured = False

    def run(self) -> None:
        while True:
            if output := self._reception.output():
                self._channel.write(output)
            if self._reception.is_over:
                return
            try:
                octets = self._channel.read()
            except (TimeoutError, Ending) as error:
                self._reception.turn_away(ENDING if isinstance(error, Ending) else TOO_SLOW)
                continue
            if not octets:
                return
            self._reception.feed(octets)
            while (asked := self._reception.next()) is not None:
                self._meet(asked)

    def forget(self) -> None:
        """Void the transaction."""
        self._sender = None
        self._recipients = []
        if self._keeper is not None:
            self._keeper.drop()
        self._keeper, self._has_failed = None, False

    def _meet(self, asked: Asked) -> None:
        if isinstance(asked, Content):
            self._keep(asked.octets)
        elif isinstance(asked, Forgotten | Left):
            self.forget()
        elif isinstance(asked, Hello):
            self._reception.answer(self._clerk.offer(is_secured=self._is_secured))
        elif isinstance(asked, TLSAsked):
            self._secure()
        else:
            self._reception.answer(self._decision(asked))

    def _decision(self, asked: SenderNamed | RecipientNamed | SignInAsked | ContentEnded) -> Answer:
        if isinstance(asked, ContentEnded):
            return self._taken()
        if isinstance(asked, SenderNamed):
            answer = self._clerk.sender(asked)
            self._sender = asked
        elif isinstance(asked, RecipientNamed):
            answer = self._clerk.recipient(asked)
            self._recipients += [asked] if answer.is_positive else []
        else:
            answer = self._clerk.sign_in(asked)
        return answer

    def _keep(self, octets: bytes) -> None:
        if self._has_failed:
            return
        if self._keeper is None:
            self._keeper = Keeper(LABEL)
        try:
            self._keeper.add(octets)
        except MailError:
            self._has_failed = True

    def _taken(self) -> Answer:
        hello, sender = self._reception.hello, self._sender
        if hello is None or sender is None or self._keeper is None or self._has_failed:
            self.forget()
            return STORAGE_FAILED
        keeper, self._keeper = self._keeper, None
        mail = ReceivedMail(hello, sender, tuple(self._recipients), keeper.source(), self._is_secured)
        self.forget()
        return self._clerk.take(mail)

    def _secure(self) -> None:
        self._reception.answer(READY_FOR_TLS)
        self._channel.write(self._reception.output())
        self._channel.start_tls()
        self._reception.secured()
        self._is_secured = True
