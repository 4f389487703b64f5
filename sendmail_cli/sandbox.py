"""A local SMTP server that delivers nothing: it keeps what it receives in a Maildir, for trying things out.

It listens on 127.0.0.1 alone and offers PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES and STARTTLS.
The dialogue is that of `serving`; here are the Maildir and the certificate. Everything heavy is imported when a sandbox
starts.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress

from sendmail_cli.addresses import parse_addr_spec
from sendmail_cli.environment import Environment
from sendmail_cli.errors import AddressError, OutputError, ResourceError
from sendmail_cli.listener import Listener
from sendmail_cli.printable import printable
from sendmail_cli.serving import serve
from sendmail_cli.smtp.answers import OK, Answer, Offer
from sendmail_cli.smtp.reception import Reception
from sendmail_cli.threads import LONGEST_WAIT
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self

    from sendmail_cli.message.source import Source
    from sendmail_cli.serving import ReceivedMail, SocketChannel
    from sendmail_cli.smtp.asked import RecipientNamed, SenderNamed, SignInAsked

HOST = "127.0.0.1"
MAX_MESSAGE_SIZE = 100 * 1024 * 1024  # octets; what we announce with SIZE
CERTIFICATE_DAYS = 7  # made anew at each start, so a few days are plenty

_KEYWORDS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_ANY = Answer(504, "5.5.4", "Nobody needs a password here")


class Received(NamedTuple):
    """A message that the sandbox has kept."""

    path: str
    envelope_from: str  # "" is the null reverse-path
    recipients: tuple[str, ...]
    size: int  # octets of the content, without the trace fields that we put in front


class Sandbox:
    """The server. A context manager: it listens inside `with`, in threads of its own.

    `folder` becomes a Maildir; `port` 0 lets the system choose. `on_message` is called with each message that was kept,
    one at a time, before the client hears of it.
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
        self._listener: Listener | None = None
        self._keeping = threading.Lock()
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
        listening = _listen(self.port)
        self.port = listening.getsockname()[1]
        # By port: each sandbox that shares the folder has its own, and a fixed port has it at a fixed place.
        self.ca_file = os.path.join(self.folder, f"ca-{self.port}.pem")
        try:
            _create_maildir(self.folder)
            context = _make_tls_context(self.folder, self.ca_file, self._environment)
        except OSError as error:
            listening.close()
            raise OutputError(
                f"can't write to the folder {printable(self.folder)}: {error.strerror}", hint="Choose another folder."
            ) from error
        self._ended.clear()
        self._listener = Listener(listening, self._serve, context=context, name="sandbox")
        self._listener.start()

    def stop(self) -> None:
        """Closes every connection and ends the threads. What was received stays. Without `start` it does nothing."""
        if self._listener is None:
            return
        self._listener.stop()
        self._listener = None
        self._ended.set()
        with suppress(OSError):
            os.unlink(self.ca_file)

    def wait(self) -> None:
        """Blocks until Ctrl-C or `stop`. Raises what `on_message` raised, should it ever."""
        while not self._ended.wait(LONGEST_WAIT):
            pass
        if self._failure is not None:
            raise self._failure

    def _serve(self, channel: SocketChannel) -> None:
        clerk = _Clerk(self._keep)
        serve(channel, Reception(clerk.offer(is_secured=False)), clerk)

    def _keep(self, mail: ReceivedMail) -> str:
        """Writes what was received to the Maildir and gives the file's name. Raises OSError."""
        now = self._environment.now()
        name = _file_name(now, self._environment)
        path = _deliver(self.folder, name, _trace_fields(mail, now), mail.source)
        if self._on_message is None:
            return name
        recipients = tuple(recipient.path for recipient in mail.recipients)
        try:
            with self._keeping:
                self._on_message(Received(path, mail.sender.path, recipients, mail.source.size))
        except Exception as error:  # the message is safe: its client is told so, and `wait` tells our caller
            self._failure = error
            self._ended.set()
        return name


class _Clerk:
    """Takes everything that is an address."""

    def __init__(self, keep: Callable[[ReceivedMail], str]) -> None:
        self._keep = keep

    def offer(self, *, is_secured: bool) -> Offer:
        return Offer("localhost", _KEYWORDS if is_secured else (*_KEYWORDS, "STARTTLS"), MAX_MESSAGE_SIZE)

    def sender(self, named: SenderNamed) -> Answer:
        return OK if not named.path else _checked(named.path)

    def recipient(self, named: RecipientNamed) -> Answer:
        return _checked(named.path)

    def sign_in(self, asked: SignInAsked) -> Answer:
        return _ANY

    def take(self, mail: ReceivedMail) -> Answer:
        try:
            name = self._keep(mail)
        except OSError as error:
            return Answer(452, "4.3.1", f"Can't keep the message: {error.strerror}")
        return Answer(250, "2.6.0", f"Kept as {name}")


def _checked(path: str) -> Answer:
    """A local name is an address here as well: programs that are tried out may send to root."""
    try:
        parse_addr_spec(path if "@" in path else f"{path}@localhost")
    except AddressError as error:
        return Answer(553, "5.1.3", error.sentence)
    return OK


def default_folder(environment: Environment) -> str:
    """The Maildir of the built-in profile, and of the command where no folder is named."""
    return os.path.join(environment.user_state_folder, "sandbox")


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
    # Connections inherit it. Without, an answer may wait for the ACK of the one before: 40 ms.
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


def _deliver(folder: str, name: str, head: bytes, source: Source) -> str:
    """Writes `head` and `source` to the Maildir and gives the path. After that not even a power cut loses them.

    Raises OSError.
    """
    path = os.path.join(folder, "new", name)
    with _unfinished(folder, name, [head], source.chunks()) as unfinished:
        os.rename(unfinished, path)
    if os.name == "posix":  # elsewhere a folder can't be opened
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path


@contextmanager
def _unfinished(folder: str, name: str, *parts: Iterable[bytes]) -> Iterator[str]:
    """The path of a new file in `tmp`, on the disk, that only its owner can read. It is gone afterwards unless it was
    moved. Raises OSError."""
    path = os.path.join(folder, "tmp", name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            for part in parts:
                file.writelines(part)
            file.flush()
            os.fsync(descriptor)
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _trace_fields(mail: ReceivedMail, now: float) -> bytes:
    """The envelope as header fields, as a server puts them in front at its final delivery (RFC 5321 §4.4)."""
    from datetime import UTC, datetime
    from email.utils import format_datetime

    tls = "S" if mail.is_secured else ""
    is_utf8 = "SMTPUTF8" in mail.sender.parameters
    protocol = "UTF8SMTP" if is_utf8 else "ESMTP" if mail.hello.is_extended else "SMTP"
    fields = [
        f"Return-Path: <{printable(mail.sender.path)}>",
        *(f"Delivered-To: {printable(recipient.path)}" for recipient in mail.recipients),
        f"Received: from {printable(mail.hello.name)} ([{HOST}])",
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
    with _unfinished(folder, name, [certificate, key]) as path:  # it takes files only; the key is gone the next moment
        context.load_cert_chain(path)
    with _unfinished(folder, name, [certificate]) as path:
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
