"""A local SMTP server that delivers nothing: it keeps what it receives in a Maildir, for trying things out.

It listens on 127.0.0.1 alone and speaks EHLO, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES and STARTTLS. The
protocol is aiosmtpd's; ours are the Maildir, the certificate and the thread it runs in. Everything heavy is imported
when a sandbox starts.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sendmail_cli.environment import Environment
from sendmail_cli.errors import OutputError, ResourceError
from sendmail_cli.printable import printable

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl
    from collections.abc import Callable, Iterator
    from typing import Self

HOST = "127.0.0.1"
MAX_MESSAGE_SIZE = 100 * 1024 * 1024  # octets; what we announce with SIZE
CERTIFICATE_DAYS = 7  # made anew at each start, so a few days are plenty

# What RFC 3463 says of the replies that aiosmtpd makes without an enhanced code.
_ENHANCED_CODES = {
    **dict.fromkeys(("220", "221", "250", "252"), "2.0.0"),
    **dict.fromkeys(("501", "555"), "5.5.4"),
    **dict.fromkeys(("502", "503"), "5.5.1"),
    "454": "4.7.0",
    "500": "5.5.2",
    "552": "5.3.4",
    "554": "5.7.0",
}


class Received(NamedTuple):
    """A message that the sandbox has kept."""

    path: str
    envelope_from: str  # "" is the null reverse-path
    recipients: tuple[str, ...]
    size: int  # octets of the content, without the trace fields that we put in front


class Sandbox:
    """The server. A context manager: it listens inside `with`, in a thread of its own.

    `folder` becomes a Maildir; `port` 0 lets the system choose. `on_message` is called in the server's thread with each
    message that was kept, before the client hears of it.
    """

    host = HOST

    def __init__(
        self,
        folder: str,
        *,
        port: int = 0,
        on_message: Callable[[Received], None] | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.ca_file = ""
        self._on_message = on_message
        self._environment = environment or Environment()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listens from now on. Then `port` is the real one, and `ca_file` the certificate that a client has to trust.

        Raises OutputError when the folder can't be written and ResourceError when the port can't be had.
        """
        import asyncio

        listener = _listen(self.port)
        self.port = listener.getsockname()[1]
        # By port: each sandbox that shares the folder has its own, and a fixed port has it at a fixed place.
        self.ca_file = os.path.join(self.folder, f"ca-{self.port}.pem")
        try:
            _create_maildir(self.folder)
            context = _make_tls_context(self.folder, self.ca_file, self._environment)
        except OSError as error:
            listener.close()
            raise OutputError(
                f"can't write to the folder {printable(self.folder)}: {error.strerror}", hint="Choose another folder."
            ) from error
        self._ended.clear()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(listener, context), self._loop).result()

    def stop(self) -> None:
        """Closes every connection and ends the thread. What was received stays. Without `start` it does nothing."""
        if self._thread is None:
            return
        import asyncio

        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None
        self._loop.close()
        self._ended.set()
        with suppress(OSError):
            os.unlink(self.ca_file)

    def wait(self) -> None:
        """Blocks until Ctrl-C or `stop`. Raises what `on_message` raised, should it ever."""
        self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def _open(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        from weakref import WeakSet

        protocol = _protocol_class()
        handler = _Handler(self._keep)
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._server = await self._loop.create_server(
            lambda: protocol(self._transports, handler, tls_context=context, loop=self._loop), sock=listener
        )

    async def _close(self) -> None:
        import asyncio

        self._server.close()
        for transport in list(self._transports):
            transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, session: Any, envelope: Any) -> str:
        """Writes what was received to the Maildir and gives the file's name. Raises OSError."""
        now = self._environment.now()
        name = _file_name(now, self._environment)
        path = _deliver(self.folder, name, _trace_fields(session, envelope, now), envelope.content)
        if self._on_message is not None:
            sender = "" if envelope.mail_from == "<>" else envelope.mail_from  # aiosmtpd brackets this one only
            try:
                self._on_message(Received(path, sender, tuple(envelope.rcpt_tos), len(envelope.content)))
            except Exception as error:  # the message is safe: its client is told so, and `wait` tells our caller
                self._failure = error
                self._ended.set()
        return name


class _Handler:
    """What aiosmtpd asks us about. The names of the methods are aiosmtpd's."""

    def __init__(self, keep: Callable[[Any, Any], str]) -> None:
        self._keep = keep

    async def handle_EHLO(  # noqa: N802
        self, _server: Any, session: Any, _envelope: Any, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [reply for reply in replies if not reply.startswith("250-AUTH")]  # it would be an empty list
        return [*offered[:-1], "250-ENHANCEDSTATUSCODES", offered[-1]]

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        try:
            name = self._keep(session, envelope)
        except OSError as error:
            return f"452 4.3.1 Can't keep the message: {error.strerror}"
        return f"250 2.6.0 Kept as {name}"


def default_folder(environment: Environment) -> str:
    """The Maildir of the built-in profile, and of the command where no folder is named."""
    return os.path.join(environment.user_state_folder, "sandbox")


def _protocol_class() -> Any:
    """aiosmtpd's protocol, made to tell us of its connections and to give every reply its enhanced code."""
    import logging

    from aiosmtpd.smtp import SMTP

    log = logging.getLogger("mail.log")  # aiosmtpd's: without any handler its warnings would go to stderr
    if not log.handlers:
        log.addHandler(logging.NullHandler())

    class Protocol(SMTP):
        def __init__(self, transports: Any, handler: _Handler, **options: Any) -> None:
            super().__init__(
                handler,
                data_size_limit=MAX_MESSAGE_SIZE,
                enable_SMTPUTF8=True,
                hostname="localhost",
                ident="ESMTP sendmail-cli sandbox",
                auth_exclude_mechanism=("LOGIN", "PLAIN"),  # we know nobody's password
                **options,
            )
            self._open_transports = transports

        def connection_made(self, transport: Any) -> None:
            self._open_transports.add(transport)
            super().connection_made(transport)

        async def push(self, status: Any) -> None:
            await super().push(_with_enhanced_code(status))

    return Protocol


def _with_enhanced_code(reply: str) -> str:
    """`reply` with an enhanced code (RFC 2034): every one but the greeting and those to HELO and EHLO."""
    code, separator, text = reply[:3], reply[3:4], reply[4:]
    if separator != " " or code not in _ENHANCED_CODES or text.startswith(("2.", "4.", "5.", "localhost", "HELP")):
        return reply
    return f"{code} {_ENHANCED_CODES[code]} {text}"


def _listen(port: int) -> socket.socket:
    """A socket that listens on loopback. Raises ResourceError."""
    import socket

    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise ResourceError(
            f"can't listen on port {port} of this machine: {os.strerror(error.errno or 0)}",
            hint="Choose another port, or leave it out and the system chooses a free one.",
        ) from error
    # Connections inherit it. Without, each line of the answer to EHLO waits for the ACK of the one before: 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _create_maildir(folder: str) -> None:
    """Makes `folder` a Maildir that only its owner can read; one that is there stays as it is. Raises OSError."""
    for part in ("", "tmp", "new", "cur"):
        os.makedirs(os.path.join(folder, part), mode=0o700, exist_ok=True)


def _file_name(now: float, environment: Environment) -> str:
    """A name that no other delivery has: time, randomness, host (cr.yp.to/proto/maildir.html)."""
    host = environment.hostname().replace("/", r"\057").replace(":", r"\072")
    return f"{int(now)}.M{int(now % 1 * 1_000_000):06}R{environment.random_bytes(8).hex()}.{host}"


def _deliver(folder: str, name: str, *parts: bytes) -> str:
    """Writes `parts` to the Maildir and gives the path. After that neither a crash nor a power cut loses them.

    Raises OSError.
    """
    path = os.path.join(folder, "new", name)
    with _unfinished(folder, name, *parts) as unfinished:
        os.rename(unfinished, path)
    if os.name == "posix":  # elsewhere a folder can't be opened
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path


@contextmanager
def _unfinished(folder: str, name: str, *parts: bytes) -> Iterator[str]:
    """The path of a new file in `tmp`, on the disk, that only its owner can read. It is gone afterwards unless it was
    moved. Raises OSError."""
    path = os.path.join(folder, "tmp", name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(descriptor)
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _trace_fields(session: Any, envelope: Any, now: float) -> bytes:
    """The envelope as header fields, as a server puts them in front at its final delivery (RFC 5321 §4.4)."""
    from datetime import UTC, datetime
    from email.utils import format_datetime

    tls = "" if session.ssl is None else "S"
    protocol = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP" if session.extended_smtp or tls else "SMTP"
    fields = [
        f"Return-Path: <{printable(envelope.mail_from.strip('<>'))}>",
        *(f"Delivered-To: {printable(recipient)}" for recipient in envelope.rcpt_tos),
        f"Received: from {printable(session.host_name)} ([{session.peer[0]}])",
        f"\tby localhost with {protocol}{tls};",
        f"\t{format_datetime(datetime.fromtimestamp(now, UTC))}",
    ]
    return "".join(f"{field}\r\n" for field in fields).encode()


def _make_tls_context(folder: str, ca_file: str, environment: Environment) -> ssl.SSLContext:
    """A server's side of TLS with a new certificate, which is also written to `ca_file`. Raises OSError."""
    import ssl

    certificate, key = _make_certificate(environment.now())
    name = environment.random_bytes(8).hex()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _unfinished(folder, name, certificate, key) as path:  # it takes files only; the key is gone the next moment
        context.load_cert_chain(path)
    with _unfinished(folder, name, certificate) as path:
        os.replace(path, ca_file)  # in one step: a client never reads half a certificate
    return context


def _make_certificate(now: float) -> tuple[bytes, bytes]:
    """A certificate for this machine's names that has signed itself, so it is its own CA, and its key; both as PEM."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sendmail-cli sandbox")])
    moment = datetime.fromtimestamp(now, UTC)
    begin, end = moment - timedelta(days=1), moment + timedelta(days=CERTIFICATE_DAYS)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
    addresses = [x509.IPAddress(ip_address(address)) for address in (HOST, "::1")]
    usage = (bit in {0, 5} for bit in range(9))  # digitalSignature and keyCertSign (RFC 5280 §4.2.1.3)
    for extension, is_critical in (  # what OpenSSL asks of a CA and of a server when it is told to be strict
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.KeyUsage(*usage), True),
        (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ):
        certificate = certificate.add_extension(extension, critical=is_critical)
    return (
        certificate.sign(key, SHA256()).public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
