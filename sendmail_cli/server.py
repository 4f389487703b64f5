"""Where mail is submitted and how it is reached: values that the configuration makes and a session follows."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.secret import Secret


class TLSMode(Enum):
    """How a connection comes to TLS (RFC 8314 §3)."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    OPPORTUNISTIC = "opportunistic"
    NONE = "none"


class Server(NamedTuple):
    """Where a message is submitted, and how. Two that are equal may share one connection (CVE-2026-8286)."""

    host: str  # a name in A-labels, or an IP address without brackets; "" where there is a socket_path or command
    port: int
    socket_path: str | None = None  # a unix socket, in place of host and port
    command: tuple[str, ...] | None = None  # a program whose standard input and output are the connection (--pipe)
    is_lmtp: bool = False  # LMTP (RFC 2033): a reply for each recipient after the content
    proxy: Secret | None = None  # its URL, which may hold a password
    bind: str | None = None  # the IP address that the connection comes from
    tls: TLSMode = TLSMode.STARTTLS
    tls_min: str = "1.2"  # the oldest TLS version that is taken: "1.2", "1.3"
    tls_cert: str | None = None  # our certificate, PEM
    tls_key: str | None = None  # its key; None: in the same file
    tls_pin: str | None = None  # "sha256:" and 64 hexadecimal digits: the one certificate that is taken
    ca_file: str | None = None  # PEM; None: the system's
    is_verified: bool = True  # False: whatever certificate is shown is taken (--insecure)
    user: str | None = None  # None: no authentication
    auth: str = "auto"  # "auto", "none", or a mechanism's name
    ehlo_name: str | None = None  # None: from this machine's name, or its address on the connection
    is_pipelining_eager: bool = False  # the next envelope along with a content, for servers known to be sound
    is_chunking_eager: bool = False  # BDAT along with MAIL and RCPT, for servers known to be sound
    timeout: float | None = None  # seconds; caps every phase but the wait after the final dot

    @property
    def signs_in(self) -> bool:
        """True when a session signs in: there is a user, or a way to do it is named."""
        return self.auth != "none" and (self.user is not None or self.auth != "auto")

    def __str__(self) -> str:
        if self.command is not None:
            return self.command[0]
        if self.socket_path is not None:
            return self.socket_path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Timeouts(NamedTuple):
    """Seconds for each phase (RFC 5321 §4.5.3.2). Each is a deadline for a whole reply, not for its next octet."""

    connect: float = 30.0
    handshake: float = 60.0  # TLS; no RFC names one
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0  # for each piece of content to be taken
    content: float = 600.0  # after the final dot; giving up earlier makes duplicates (RFC 1047)
    quit: float = 2.0  # its answer changes nothing

    def capped(self, limit: float | None) -> Timeouts:
        """The same with no phase but `content` longer than `limit`."""
        if limit is None:
            return self
        return Timeouts(*(min(phase, limit) for phase in self))._replace(content=self.content)
