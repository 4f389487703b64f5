"""A server on this machine for programs that only speak SMTP: each message is in the queue before its client hears of
it, and the queue is run meanwhile.

It is a runner that also listens. Who the clients are says the socket: one of TCP asks for a password, one of unix has
permissions, and that of the system takes mail of everybody and knows who it is from.
"""

from __future__ import annotations

import re
from hmac import compare_digest

from sendmail_cli import service, tending
from sendmail_cli.addressees import LocalName
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.config.settings import resolve_settings
from sendmail_cli.errors import ConfigError, MailError, MailLoop, UsageError
from sendmail_cli.intake import KEPT, KEYWORDS, Intake
from sendmail_cli.listener import MAX_CONNECTIONS, Listener
from sendmail_cli.message.headers import new_date
from sendmail_cli.net.peer import peer_uid
from sendmail_cli.printable import printable
from sendmail_cli.queue.choice import Queueing, QueueMode
from sendmail_cli.queue.ownership import is_anothers
from sendmail_cli.queue.spool import Spool
from sendmail_cli.request import LocalMail
from sendmail_cli.serving import serve
from sendmail_cli.smtp.answers import Answer, Offer
from sendmail_cli.smtp.reception import Reception
from sendmail_cli.smtp.sign_in import MECHANISMS
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.config.settings import ServerFlags
    from sendmail_cli.environment import Environment
    from sendmail_cli.net.listening import Listening
    from sendmail_cli.secret import Secret
    from sendmail_cli.server import Server
    from sendmail_cli.serving import ReceivedMail, SocketChannel
    from sendmail_cli.smtp.asked import SignInAsked
    from sendmail_cli.trace import TraceEvent

MAX_SIZE = 50_000_000  # octets of a message, where nothing else was asked for
GRACE = 10.0  # seconds in which clients may end what they are about, when we are to end
MAX_OF_ONE_USER = 40  # connections to the socket of the system, so that one user can't keep the others out
RETRY = 60.0  # seconds until the queue is looked at again, when its disk was full

# Over a socket of unix nobody can listen in, so it counts as TLS here (RFC 8689 §2 wants that before it is offered).
_OF_UNIX = ("REQUIRETLS",)
_WELCOME = Answer(235, "2.7.0", "Welcome")
_UNKNOWN = Answer(535, "5.7.8", "No such user and password")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")  # what a Received field shows of a name


class SignInRule(NamedTuple):
    """Who may send by TCP."""

    user: str
    password: Secret


class RelayPlan(NamedTuple):
    """What a relay does."""

    flags: ServerFlags  # the way out
    sockets: tuple[Listening, ...]
    sign_in: SignInRule | None = None  # of those who come by TCP; None: nobody signs in
    max_size: int = MAX_SIZE  # octets of a message
    is_system: bool = False  # the clients are all users of this machine


class Relay:
    """Listens as planned. `say` gets what somebody should know: mail that is given up, a server that can't be had."""

    def __init__(
        self,
        plan: RelayPlan,
        environment: Environment,
        say: Callable[[str], None],
        on_event: Callable[[TraceEvent], None] | None = None,
    ) -> None:
        """`on_event` gets what is said to the profile's server.

        Raises `MailError` where nothing could be sent or kept: no profile, the sandbox, ourselves as server, no spool.
        """
        self._plan = plan
        self._environment = environment
        self._say = say
        self._on_event = on_event
        _check_way_out(plan, environment)
        _check_spool(environment)
        Spool(environment).close()

    def run(self) -> None:
        """Serves until somebody interrupts it; then clients end what they are about, and no message is left halfway."""
        with Spool(self._environment) as spool:
            lock = spool.place.take_runner()  # so that nobody else starts one; where there is one, it ends some time
        listeners = [self._listener(listening) for listening in self._plan.sockets]
        try:
            for listener in listeners:
                listener.start()
            self._run_queue()
        finally:
            for listener in listeners:
                listener.wind_up(GRACE)
                listener.stop()
            if lock is not None:
                lock.release()

    def _run_queue(self) -> None:
        callers = service.queue_callers(self._environment, self._say, self._rest, self._on_event)
        while True:
            try:
                tending.run_on(self._environment, callers)
            except MailError as error:  # a full disk: clients are told by 452, and it may pass
                self._say(error.sentence)
            self._environment.sleep(RETRY)

    def _rest(self, why: str) -> bool:
        self._say(why)
        return False  # it is in the log: whoever looks into the queue is told too

    def _listener(self, listening: Listening) -> Listener:
        return Listener(
            listening.socket,
            lambda channel: self._serve(channel, listening),
            name="relay",
            owner_of=peer_uid,
            max_of_one=MAX_OF_ONE_USER if self._plan.is_system else MAX_CONNECTIONS,
        )

    def _serve(self, channel: SocketChannel, listening: Listening) -> None:
        rule = self._plan.sign_in if listening.path is None else None
        client = Client(listening.path is None, peer_uid(channel.socket))
        clerk = RelayClerk(self._plan, client, self._environment, self._say)
        reception = Reception(
            clerk.offer(is_secured=False),
            mechanisms=() if rule is None else MECHANISMS,
            is_sign_in_needed=rule is not None,
        )
        serve(channel, reception, clerk)


class Client(NamedTuple):
    """Who is served."""

    is_tcp: bool
    uid: int | None  # where the kernel says it


class RelayClerk(Intake):
    """Takes over what one client sends."""

    def __init__(
        self, plan: RelayPlan, client: Client, environment: Environment, warn: Callable[[str], None] = lambda _: None
    ) -> None:
        super().__init__(environment, plan.flags, queueing=Queueing(QueueMode.ALWAYS), warn=warn)
        self._plan = plan
        self._client = client

    def offer(self, *, is_secured: bool) -> Offer:
        keywords = KEYWORDS + KEPT + (() if self._client.is_tcp else _OF_UNIX)
        return Offer(_shown_host(self._environment.hostname()), keywords, self._plan.max_size)

    def sign_in(self, asked: SignInAsked) -> Answer:
        rule = self._plan.sign_in
        if rule is None:
            return super().sign_in(asked)
        is_user = compare_digest(asked.user.encode(), rule.user.encode())
        is_password = compare_digest(asked.password, rule.password.reveal().encode())
        if is_user and is_password:
            return _WELCOME
        self._environment.sleep(1.0)
        return _UNKNOWN

    def local_mail(self, mail: ReceivedMail, sender: LocalName | None) -> LocalMail:
        """Names of this machine are those of who calls, unless root does, who may speak for others."""
        uid = self._client.uid
        if self._plan.is_system and sender is not None and uid not in {None, 0}:
            sender = LocalName("", self._environment.account_name(uid or 0))
        return LocalMail(sender=sender, trace=self._received(mail))

    def _received(self, mail: ReceivedMail) -> bytes:
        """Where we have it from (RFC 5321 §4.4): of a user of this machine the number and no name, as Postfix does."""
        protocol = "ESMTP" if mail.hello.is_extended else "SMTP"
        if "SMTPUTF8" in mail.sender.parameters:
            protocol = "UTF8SMTP"  # RFC 6531 §4.3
        host = _shown_host(self._environment.hostname())
        if self._client.is_tcp:
            by = "A" if self._plan.sign_in is not None and mail.hello.is_extended else ""  # RFC 3848
            whence = (
                f"from {_shown_host(mail.hello.name)} (localhost)\r\n\tby {host} (sendmail-cli) with {protocol}{by}"
            )
        else:
            who = "" if self._client.uid is None else f", from userid {self._client.uid}"
            whence = f"by {host} (sendmail-cli{who}) with {protocol}"
        return f"Received: {whence};\r\n\t{new_date(self._environment)}\r\n".encode("ascii")


def _shown_host(name: str) -> str:
    return name if _HOST.fullmatch(name) else "localhost"


def _check_way_out(plan: RelayPlan, environment: Environment) -> None:
    settings = resolve_settings(plan.flags, load_profiles(environment), environment)
    if settings.is_sandbox:
        raise UsageError("the sandbox is there at once or never: a relay has no use for it", hint="Name a profile: -p.")
    for server in (settings.server, *settings.fallbacks):
        if any(_is_same(server, listening) for listening in plan.sockets):
            raise MailLoop(f"the profile's server, {server}, is this very relay", hint="Name another profile with -p.")


def _check_spool(environment: Environment) -> None:
    folder = environment.spool_folder
    if is_anothers(folder):
        raise ConfigError(
            f"the spool {printable(folder)} belongs to another user, who runs it",
            hint="Run the relay as that user, or name another folder with SENDMAIL_CLI_SPOOL.",
        )


def _is_same(server: Server, listening: Listening) -> bool:
    import os

    if listening.path is not None and server.socket_path is not None:
        return os.path.realpath(listening.path) == os.path.realpath(server.socket_path)
    is_here = server.command is None and server.proxy is None and ServerURL(server.host).is_this_machine
    return listening.port is not None and is_here and server.port == listening.port
